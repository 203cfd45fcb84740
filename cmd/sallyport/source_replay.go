package main

import (
	"context"

	"github.com/sallyport/sallyport/web"
)

// replay puts the recording through the rules in force and through others.
func (s *source) replay(context.Context, web.ReplayQuery, func(web.JobProgress)) (any, error) {
	return nil, web.RefusedError("there is no recording")
}

// near looks for near misses in the recording.
func (s *source) near(context.Context, web.NearQuery, func(web.JobProgress)) (any, error) {
	return nil, web.RefusedError("there is no recording")
}
