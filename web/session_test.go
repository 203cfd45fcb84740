package web

// fullSession, emptySession and brokenSession fill the functions of a source: everything set, nothing there, errors.
func fullSession(*Source) {}

func emptySession(*Source) {}

func brokenSession(*Source) {}

// sessionCases are requests that TestDescription makes besides the plain ones.
func sessionCases() []apiCase { return nil }
