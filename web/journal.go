package web

// JournalSource is where the console gets the journal, as [Source].
type JournalSource struct{}

func (s *Server) journalRoutes() []route { return nil }
