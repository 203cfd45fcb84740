package web

// FileSource is where the console gets the rule files, as [Source].
type FileSource struct{}

func (s *Server) fileRoutes() []route { return nil }
