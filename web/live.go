package web

// LiveSource is where the console gets the scene and what moves in it, as [Source].
type LiveSource struct{}

func (s *Server) liveRoutes() []route { return nil }
