package web

// ZoneSource is where the console gets zones and lines, as [Source].
type ZoneSource struct{}

func (s *Server) zoneRoutes() []route { return nil }
