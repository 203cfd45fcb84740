package web

// RuleSource is where the console gets the rules as they stand, as [Source].
type RuleSource struct{}

func (s *Server) ruleRoutes() []route { return nil }
