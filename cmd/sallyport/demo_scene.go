package main

import (
	"math/rand/v2"
	"time"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// demoLength is how long the scene of a demonstration is, demoPause the time until it
// begins anew.
const (
	demoLength = 27 * time.Second
	demoPause  = 8 * time.Second
)

// maxWalkers is how many people can be added to the scene.
const maxWalkers = 40

// demoScene is what happens in front of the demonstration's cameras: the simulator's
// own scene, with passers-by, somebody at the intercom, somebody who is on the porch for
// too short a time for the light, and as many more walkers as were asked for, whose ways
// follow from seed.
func demoScene(walkers int, seed uint64) sim.Scene {
	s := sim.DemoScene()
	d := func(seconds float64) sim.Duration { return sim.Duration(seconds * float64(time.Second)) }
	to := func(x, y int, seconds float64) sim.Move { return sim.Move{To: &sim.Point{x, y}, Over: d(seconds)} }
	stay := func(seconds float64) sim.Move { return sim.Move{Stay: d(seconds)} }

	porch, gate := &s.Cameras[0], &s.Cameras[1]
	porch.Length, gate.Length = sim.Duration(demoLength), sim.Duration(demoLength)
	porch.Painter = sim.Porch()
	plates := make(map[uint32]string)
	for _, r := range gate.Reads {
		plates[r.TargetID%1000] = r.Number
	}
	gate.Painter = sim.Gate(plates)
	porch.Targets = append(porch.Targets,
		sim.Track{ID: 40, Class: "person", At: d(5), From: sim.Point{9700, 2700}, Size: sim.Point{270, 820}, Moves: []sim.Move{to(300, 2700, 20)}},
		sim.Track{ID: 41, Class: "person", At: d(20), From: sim.Point{8900, 6000}, Size: sim.Point{480, 1500},
			Moves: []sim.Move{to(7600, 6000, 1.2), stay(0.4), to(8900, 6000, 1.2)}},
	)
	gate.Targets = append(gate.Targets,
		sim.Track{ID: 50, Class: "person", At: d(2), From: sim.Point{300, 6000}, Size: sim.Point{480, 1500},
			Moves: []sim.Move{to(2200, 5800, 3), stay(12), to(300, 6000, 3)}},
		sim.Track{ID: 51, Class: "person", At: d(2), From: sim.Point{9700, 3050}, Size: sim.Point{300, 920}, Moves: []sim.Move{to(300, 3050, 22)}},
		sim.Track{ID: 52, Class: "motor", At: d(21), From: sim.Point{400, 3700}, Size: sim.Point{620, 950}, Moves: []sim.Move{to(9600, 3700, 4)}},
	)
	random := rand.New(rand.NewPCG(seed, 1))
	for i := range walkers {
		// The higher in the picture, the farther away and the smaller.
		foot := func() (x, y int) { return 400 + random.IntN(9200), 3000 + random.IntN(6900) }
		x, y := foot()
		t := sim.Track{ID: uint32(200 + i), Class: "person", From: sim.Point{x, y}}
		t.Size = sim.Point{100 + y*6/100, 300 + y*19/100}
		if i%8 == 7 {
			t.Class = "motor"
			t.Size[0] += 250
		}
		for left := demoLength; left > 0; {
			x, y := foot()
			over := min(left, time.Duration(2+random.IntN(5))*time.Second)
			left -= over
			t.Moves = append(t.Moves, sim.Move{To: &sim.Point{x, y}, Over: sim.Duration(over)})
		}
		porch.Targets = append(porch.Targets, t)
	}
	return s
}

// demoDetections are the zones and lines that the demonstration's cameras have of their own.
func demoDetections(camera string) []sim.Detection {
	if camera == "porch" {
		steps := []sim.Line{{From: sim.Point{3200, 4600}, To: sim.Point{7000, 4600}, Direction: "none"}}
		return []sim.Detection{
			{Detector: "perimeter", On: true, Regions: [][]sim.Point{{{2000, 3000}, {8000, 3000}, {8000, 10000}, {2000, 10000}}}},
			{Detector: "tripwire", On: true, Lines: steps},
		}
	}
	return []sim.Detection{
		{Detector: "perimeter", On: true, Classes: []string{"person"}, Regions: [][]sim.Point{{{3300, 4300}, {6700, 4300}, {9000, 9700}, {1000, 9700}}}},
		{Detector: "plate", On: true, Regions: [][]sim.Point{{{1500, 4500}, {8500, 4500}, {8500, 9500}, {1500, 9500}}}},
	}
}
