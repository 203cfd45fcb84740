package camera

import (
	"cmp"
	"slices"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// Bounds of the counts of problems.
const (
	maxProblems    = 32
	maxProblemText = 160 // bytes
	otherProblems  = "other problems"
)

// rateWindow is the number of whole seconds a rate is taken over.
const rateWindow = 10

// Problem is something that could not be true in posts, and how often.
type Problem struct {
	Text  string
	Count uint64
}

// CameraStats is how one camera posts.
type CameraStats struct {
	Name     string
	LastSeen time.Time // of its last post, zero when it never posted
	Posts    uint64    // all of them
	Frames   uint64    // trajectory posts among them
	Rate     float64   // trajectory posts a second over the last 10 whole seconds
	// Skew is receive time minus the camera's own stamp in its last stamped
	// post: how far its clock is behind, the way included.
	Skew     time.Duration
	HasSkew  bool
	Problems []Problem // the most frequent first; at most 32 texts, the rest under "other problems"

	Queued  int    // posts waiting now
	Merged  uint64 // trajectory posts taken in by a later one
	Dropped uint64 // trajectory posts and heartbeats given up
	Waited  uint64 // other posts that had to wait for room
	Refused uint64 // of these answered 503 after 2 s
}

// Stats are the counts of the whole port since it was made.
type Stats struct {
	Cameras     []CameraStats // in the site file's order
	Posts       uint64        // bodies that could be read
	Bad         uint64        // bodies that could not; answered 400
	BadTexts    []Problem     // why, the most frequent first; bounded
	Unknown     uint64        // posts of devices that are no camera
	Ambiguous   uint64        // posts that fit more than one camera, or lack a channel
	TooLarge    uint64        // bodies over 8 MB; answered 413
	Slow        uint64        // requests not complete in 15 s; cut off
	Full        uint64        // bodies refused because all held at one time would take too much memory; answered 503
	Connections int           // open now
	Turned      uint64        // connections turned away, over the limit of an address or of all
}

// counter counts one camera's posts.
type counter struct {
	last          time.Time
	skew          time.Duration
	hasSkew       bool
	posts, frames uint64
	problems      tally

	start   time.Time             // of the first second counted
	second  int64                 // the second of the newest bucket, from start
	buckets [rateWindow + 1]int32 // frames per second; second modulo length

	merged, dropped, waited, refused uint64
}

// note counts a post that arrived.
func (c *counter) note(it *Item) {
	e := it.Events[0]
	c.posts++
	c.last = it.Received
	if !e.Time.IsZero() {
		c.skew, c.hasSkew = it.Received.Round(0).Sub(e.Time), true
	}
	for _, p := range e.Problems {
		c.problems.note(p)
	}
	if e.Kind == engine.KindTarget {
		c.frames++
		c.roll(it.Received)
		c.buckets[c.second%int64(len(c.buckets))]++
	}
}

// roll moves the newest bucket to now.
func (c *counter) roll(now time.Time) {
	if c.start.IsZero() {
		c.start = now
	}
	s := int64(now.Sub(c.start) / time.Second)
	if s-c.second >= int64(len(c.buckets)) {
		c.second = s
		clear(c.buckets[:])
	}
	for c.second < s {
		c.second++
		c.buckets[c.second%int64(len(c.buckets))] = 0
	}
}

// rate is the frames a second over the last whole seconds.
func (c *counter) rate(now time.Time) float64 {
	if c.start.IsZero() {
		return 0
	}
	c.roll(now)
	n := int32(0)
	for i, b := range c.buckets {
		if int64(i) != c.second%int64(len(c.buckets)) {
			n += b
		}
	}
	return float64(n) / rateWindow
}

// tally counts texts, a bounded number of them.
type tally map[string]uint64

func (t *tally) note(text string) {
	if *t == nil {
		*t = tally{}
	}
	if len(text) > maxProblemText {
		text = short(text)
	}
	if _, ok := (*t)[text]; !ok && len(*t) >= maxProblems {
		text = otherProblems
	}
	(*t)[text]++
}

// sorted lists the texts, the most frequent first.
func (t tally) sorted() []Problem {
	list := make([]Problem, 0, len(t))
	for text, n := range t {
		list = append(list, Problem{text, n})
	}
	slices.SortFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Text, b.Text))
	})
	return list
}

// stats copies the counts of every camera.
func (q *queues) stats(names []string, now time.Time) []CameraStats {
	q.mu.Lock()
	defer q.mu.Unlock()
	list := make([]CameraStats, len(q.lanes))
	for i := range q.lanes {
		l := &q.lanes[i]
		c := &l.seen
		list[i] = CameraStats{
			Name: names[i], LastSeen: c.last, Posts: c.posts, Frames: c.frames, Rate: c.rate(now),
			Skew: c.skew, HasSkew: c.hasSkew, Problems: c.problems.sorted(),
			Queued: l.frames + l.events, Merged: c.merged, Dropped: c.dropped, Waited: c.waited, Refused: c.refused,
		}
	}
	return list
}
