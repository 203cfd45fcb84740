package sim

import "time"

// DemoScene is the scene of the demonstration, 25 s long. Camera "porch": a
// person walks in from the left edge at 2 s, stands in the middle from 5 s to
// 13 s and walks out again by 16 s. Camera "gate": a car with the plate
// ABC1234, which stands on the camera's allow list, comes in at 6 s and is read
// at 8 s; another with the plate XYZ999, which is on no list, comes at 14 s and
// is read at 16 s. Both send heartbeats.
func DemoScene() Scene {
	s := func(seconds, millis int64) Duration {
		return Duration(time.Duration(seconds)*time.Second + time.Duration(millis)*time.Millisecond)
	}
	to := func(x, y int) *Point { return &Point{x, y} }
	return Scene{Cameras: []CameraScene{
		{
			Identity:  Identity{Name: "porch", MAC: "58:5b:69:00:00:01", SN: "SIM0000PORCH", IP: "127.0.0.1"},
			Heartbeat: s(10, 0), Length: s(25, 0),
			Targets: []Track{{
				ID: 2157, Class: "person", At: s(2, 0), From: Point{400, 9000},
				Moves: []Move{{To: to(5000, 9000), Over: s(3, 0)}, {Stay: s(8, 0)}, {To: to(400, 9000), Over: s(3, 0)}},
			}},
			Events: []TimedEvent{{At: s(3, 500), SmartEvent: SmartEvent{
				Kind: "intrusion", EventID: 220, TargetID: 2157, Status: "start",
				Zone: []Point{{2000, 3000}, {8000, 3000}, {8000, 10000}, {2000, 10000}},
			}}},
			Alarms: []TimedAlarm{
				{At: s(3, 700), Alarm: Alarm{Name: "perimeterAlarm", ID: 1, On: true}},
				{At: s(13, 700), Alarm: Alarm{Name: "perimeterAlarm", ID: 1, On: false}},
			},
		},
		{
			Identity:  Identity{Name: "gate", MAC: "58:5b:69:00:00:02", SN: "SIM00000GATE", IP: "127.0.0.1"},
			Heartbeat: s(10, 0), Length: s(25, 0),
			Plates: []ListEntry{{Number: "ABC1234", Group: "whiteList", Owner: "Ann"}},
			Targets: []Track{
				{ID: 31, Class: "car", At: s(6, 0), From: Point{5000, 4500},
					Moves: []Move{{To: to(5000, 7500), Over: s(3, 0)}, {Stay: s(2, 0)}, {To: to(5200, 9900), Over: s(1, 500)}}},
				{ID: 32, Class: "car", At: s(14, 0), From: Point{5000, 4500},
					Moves: []Move{{To: to(5000, 7500), Over: s(3, 0)}, {Stay: s(3, 0)}, {To: to(5000, 4500), Over: s(3, 0)}}},
			},
			Reads: []TimedRead{
				{At: s(8, 0), PlateRead: PlateRead{Number: "ABC1234", Heading: "approach", Confidence: 98, TargetID: 31,
					Vehicle: Vehicle{Type: "saloon car", Color: "grey", Brand: "Tesla"}}},
				{At: s(8, 600), PlateRead: PlateRead{Number: "ABC1234", Heading: "approach", Confidence: 99, TargetID: 31,
					Vehicle: Vehicle{Type: "saloon car", Color: "grey", Brand: "Tesla"}}},
				{At: s(16, 0), PlateRead: PlateRead{Number: "XYZ999", Heading: "approach", Confidence: 97, TargetID: 32,
					Vehicle: Vehicle{Type: "saloon car", Color: "blue"}}},
			},
		},
	}}
}
