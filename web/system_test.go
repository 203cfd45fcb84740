package web

// fullSystem, emptySystem and brokenSystem fill the functions of a source: everything set, nothing there, errors.
func fullSystem(*Source) {}

func emptySystem(*Source) {}

func brokenSystem(*Source) {}

// systemCases are requests that TestDescription makes besides the plain ones.
func systemCases() []apiCase { return nil }
