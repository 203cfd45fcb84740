package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/rulefile"
)

const (
	// twinTime is how close two cameras read one plate to be taken for one place.
	twinTime = 2 * time.Second
	// twinTimes is how often they do before it is said.
	twinTimes = 3
	// fewPlates is how many plates a camera must have sent before it can be said
	// that it never sends something with them.
	fewPlates = 3
	// maxTwinReads bounds the reads that are compared with the next one.
	maxTwinReads = 64
)

// plateWatch notes what cameras send with plates, and whether two of them are one
// place seen twice: then one arrival is two visits, and a gate may open twice.
type plateWatch struct {
	mu    sync.Mutex // guards what follows
	sent  map[string]*plateSent
	reads []plateSeen    // of the last twinTime, oldest first
	pairs map[string]int // how often two cameras read one plate together
}

// plateSent is what came with one camera's plates.
type plateSent struct {
	plates              int
	heading, confidence bool
}

type plateSeen struct {
	camera, plate string
	at            time.Duration
}

func newPlateWatch() *plateWatch {
	return &plateWatch{sent: make(map[string]*plateSent), pairs: make(map[string]int)}
}

// note takes one read. It gives a warning when there is something to say, once.
func (w *plateWatch) note(at time.Duration, ev *engine.Event) string {
	if ev.Kind != engine.KindPlate || ev.Plate == nil || ev.Camera == "" {
		return ""
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sent[ev.Camera]
	if s == nil {
		s = &plateSent{}
		w.sent[ev.Camera] = s
	}
	s.plates++
	s.heading = s.heading || ev.Plate.Heading != ""
	s.confidence = s.confidence || ev.Plate.HasConfidence

	for len(w.reads) > 0 && (at-w.reads[0].at > twinTime || len(w.reads) >= maxTwinReads) {
		w.reads = append(w.reads[:0], w.reads[1:]...)
	}
	plate, warning := engine.NormalPlate(ev.Plate.Number), ""
	for _, r := range w.reads {
		if r.plate != plate || r.camera == ev.Camera {
			continue
		}
		a, b := min(r.camera, ev.Camera), max(r.camera, ev.Camera)
		pair := a + " " + b
		if w.pairs[pair]++; w.pairs[pair] == twinTimes {
			warning = fmt.Sprintf("cameras %s and %s read the same plates at the same time: if they see one place, make them one camera with two entries under `match`, or one arrival counts twice",
				strconv.Quote(a), strconv.Quote(b))
		}
		break
	}
	w.reads = append(w.reads, plateSeen{strings.Clone(ev.Camera), strings.Clone(plate), at})
	return warning
}

// known adds what was seen to what rules are checked against.
func (w *plateWatch) known(site rulefile.Site) rulefile.Site {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := make(map[string]rulefile.CameraInfo, len(site.Known))
	for name, info := range site.Known {
		if s := w.sent[name]; s != nil && s.plates >= fewPlates {
			info.Plates, info.NoHeading, info.NoConfidence = true, !s.heading, !s.confidence
		}
		known[name] = info
	}
	site.Known = known
	return site
}
