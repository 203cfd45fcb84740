// Package sim is a virtual Viewtron (TVT) camera, or recorder, for tests and
// demonstrations.
//
// A [Camera] is an http.Handler for the device side, with a state behind every
// command: who it is, its clock, zones and lines, alarms, output, picture,
// counters, plate lists and push configuration, the login and the lock-out. It
// has the shapes of three firmware generations ([API]), of a recorder
// ([Options].Recorder), and their oddities. [Camera.Serve] puts it on a listener,
// [Camera.ServeTLS] with a certificate of [SelfSigned].
//
//	cam := sim.NewCamera(sim.Options{
//		Identity: sim.Identity{Name: "porch", MAC: "58:5b:69:00:00:01"},
//		Username: "admin", Password: "secret", SmartTrack: true,
//	})
//	go cam.Serve(ctx, listener)
//	go cam.Run(ctx, sim.DemoScene())
//
// What happens in front of it is a [Scene]: walkers, cars, plates that are read.
// [Camera.Run] is the life of a real camera: it posts nothing until somebody sets
// up its push configuration, by SetHttpPostConfig or with [Camera.SetPush], and
// then what was subscribed to; its lists and their validity decide what a plate
// is sent as, its zones and lines what it reports, its hold times when an alarm
// ends. [Camera.Play] just sends all posts of a scene to one place. The bodies of
// posts can also be built without a camera or a network, by the Append functions.
//
// While it runs a person can do what people do in the device's own page
// ([Camera.SetRegion], [Camera.SetLine], [Camera.SetDetector],
// [Camera.SetSmartTrack], [Camera.Put]), and things can go wrong:
// [Camera.Reboot], [Camera.FactoryReset], [Camera.SetSkew], [Camera.SetChannel],
// and for single requests Options.Fault, with [Slow], [Drops], [Loses],
// [Unknown]. [Camera.Stats] and Options.Watch tell what happened.
//
// All of it keeps time with package time only, so it runs in a synctest bubble.
package sim
