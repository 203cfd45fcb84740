package web

// fullPlates, emptyPlates and brokenPlates fill the functions of a source: everything set, nothing there, errors.
func fullPlates(*Source) {}

func emptyPlates(*Source) {}

func brokenPlates(*Source) {}

// platesCases are requests that TestDescription makes besides the plain ones.
func platesCases() []apiCase { return nil }

// platesSamples are what is asked and what comes of jobs.
func platesSamples() []apiSample { return nil }
