package web

// fullZones, emptyZones and brokenZones fill the functions of a source: everything set, nothing there, errors.
func fullZones(*Source) {}

func emptyZones(*Source) {}

func brokenZones(*Source) {}

// zonesCases are requests that TestDescription makes besides the plain ones.
func zonesCases() []apiCase { return nil }
