package web

// jobsCases are requests that TestDescription makes besides the plain ones.
func jobsCases() []apiCase { return nil }
