package web

// fullLive, emptyLive and brokenLive fill the functions of a source: everything set, nothing there, errors.
func fullLive(*Source) {}

func emptyLive(*Source) {}

func brokenLive(*Source) {}

// liveCases are requests that TestDescription makes besides the plain ones.
func liveCases() []apiCase { return nil }
