package web

// fullFiles, emptyFiles and brokenFiles fill the functions of a source: everything set, nothing there, errors.
func fullFiles(*Source) {}

func emptyFiles(*Source) {}

func brokenFiles(*Source) {}

// filesCases are requests that TestDescription makes besides the plain ones.
func filesCases() []apiCase { return nil }
