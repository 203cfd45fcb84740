package web

// AuthSource is where the console gets who may use the console, as [Source].
type AuthSource struct{}

func (s *Server) sessionRoutes() []route { return nil }
