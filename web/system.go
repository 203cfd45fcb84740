package web

// SystemSource is where the console gets the machine and its site file, as [Source].
type SystemSource struct{}

func (s *Server) systemRoutes() []route { return nil }
