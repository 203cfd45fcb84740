package web

import (
	"context"
	"net/http"
)

// JobProgress is how far long work has got.
type JobProgress struct {
	// Done is 0..1; negative while unknown.
	Done float64
	// Text says what it is at.
	Text string
	// Result is what there is so far; nil leaves it as it was.
	Result any
}

func (s *Server) jobRoutes() []route { return nil }

// startJob begins long work and answers with it.
func (s *Server) startJob(w http.ResponseWriter, _ *http.Request, _ string, _ func(ctx context.Context, tell func(JobProgress)) (any, error)) {
	fail(w, http.StatusServiceUnavailable, "long work is not taken yet")
}
