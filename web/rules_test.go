package web

// fullRules, emptyRules and brokenRules fill the functions of a source: everything set, nothing there, errors.
func fullRules(*Source) {}

func emptyRules(*Source) {}

func brokenRules(*Source) {}

// rulesCases are requests that TestDescription makes besides the plain ones.
func rulesCases() []apiCase { return nil }
