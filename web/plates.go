package web

// PlateSource is where the console gets plates and their lists, as [Source].
type PlateSource struct{}

func (s *Server) plateRoutes() []route { return nil }
