package web

// fullJournal, emptyJournal and brokenJournal fill the functions of a source: everything set, nothing there, errors.
func fullJournal(*Source) {}

func emptyJournal(*Source) {}

func brokenJournal(*Source) {}

// journalCases are requests that TestDescription makes besides the plain ones.
func journalCases() []apiCase { return nil }
