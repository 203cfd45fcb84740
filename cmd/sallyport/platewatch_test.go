package main

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
)

func TestOnePlaceSeenByTwoCamerasIsSaidOnce(t *testing.T) {
	w := newPlateWatch()
	said := ""
	for i := range 6 {
		at := time.Duration(i) * time.Minute
		for _, camera := range []string{"nvr-gate", "gate", "gate"} {
			said += w.note(at, &engine.Event{Kind: engine.KindPlate, Camera: camera, Plate: &engine.Plate{Number: "ABC 1234"}})
			at += time.Second
		}
		// Another plate, and the same one too late, are nothing.
		said += w.note(at, &engine.Event{Kind: engine.KindPlate, Camera: "yard", Plate: &engine.Plate{Number: "XYZ999"}})
		said += w.note(at+5*time.Second, &engine.Event{Kind: engine.KindPlate, Camera: "yard", Plate: &engine.Plate{Number: "ABC1234"}})
	}
	const want = "cameras \"gate\" and \"nvr-gate\" read the same plates at the same time: if they see one place, " +
		"make them one camera with two entries under `match`, or one arrival counts twice"
	if said != want {
		t.Errorf("got  %s\nwant %s", said, want)
	}
}

func TestWhatACameraNeverSentIsKnown(t *testing.T) {
	w := newPlateWatch()
	for range fewPlates {
		w.note(0, &engine.Event{Kind: engine.KindPlate, Camera: "nvr", Plate: &engine.Plate{Number: "ABC1234"}})
		w.note(0, &engine.Event{Kind: engine.KindPlate, Camera: "gate", Plate: &engine.Plate{Number: "ABC1234", Heading: "approach", HasConfidence: true}})
	}
	w.note(0, &engine.Event{Kind: engine.KindPlate, Camera: "new", Plate: &engine.Plate{Number: "ABC1234"}})
	site := w.known(rulefile.Site{Known: map[string]rulefile.CameraInfo{"nvr": {Trusted: true}, "gate": {}, "new": {}}})
	for name, want := range map[string]rulefile.CameraInfo{
		"nvr": {Trusted: true, Plates: true, NoHeading: true, NoConfidence: true}, "gate": {Plates: true}, "new": {},
	} {
		if got := site.Known[name]; got != want {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}
