package camera

import (
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/viewtron"
)

// Bounds of one camera's queue.
const (
	queueFrames = 256             // trajectory posts waiting; then they are merged
	queueEvents = 64              // other posts waiting; then the next ones wait outside
	queueWait   = 2 * time.Second // how long they do, before they are refused
	batchSize   = 16              // posts handed to the loop at once, in turns
	behind      = time.Second / 2 // a post that waited longer says that the loop stood still
	keepBuffer  = 16 << 10        // bytes; a larger body is not kept for reuse
)

// Item is one post on its way to the engine. It belongs to the one who took it
// until it is released.
type Item struct {
	// Events are what the post says, at least one. They are reused after
	// Release; [engine.Event.Clone] keeps one. Pictures outlive the item.
	Events []*engine.Event
	// Camera is the camera's number in [Config].Cameras.
	Camera int
	// Received is when the body was complete, with a monotonic reading.
	Received time.Time
	// Remote is where the post came from.
	Remote netip.Addr
	// Path is where it was posted to, a token replaced by "~" and a camera's name.
	Path string
	// ContentType is the header as sent.
	ContentType string
	// Raw is the body, for the recording. Trajectory posts that were merged
	// have one that says what the merged event says.
	Raw []byte
	// Merged is the number of trajectory posts this one took in because the
	// loop was busy.
	Merged int

	buf        []byte
	charge     int64    // bytes taken from the budget
	pictures   [][2]int // from, to in Raw
	prev, next *Item
}

// frame says whether the item is a trajectory post.
func (it *Item) frame() bool { return it.Events[0].Kind == engine.KindTarget }

// AppendWithoutPictures appends the body without the text of its pictures to
// dst. stripped says whether there were any.
func (it *Item) AppendWithoutPictures(dst []byte) (out []byte, stripped bool) {
	at := 0
	for _, p := range it.pictures {
		dst = append(dst, it.Raw[at:p[0]]...)
		at = p[1]
	}
	return append(dst, it.Raw[at:]...), len(it.pictures) > 0
}

// waiter is a post that waits outside a full queue.
type waiter struct {
	it   *Item
	in   chan struct{} // closed when the post has been let in
	next *waiter
}

// lane is one camera's queue.
type lane struct {
	head, tail     *Item
	frames, events int
	active         bool // it stands in the ring
	first, last    *waiter
	seen           counter
}

// queues holds one bounded queue per camera and gives them out in turn.
type queues struct {
	ready chan struct{}
	give  func(*Item)

	mu     sync.Mutex // covers the lanes, the ring and asleep
	lanes  []lane
	ring   []int // cameras with posts, the next turn first
	asleep bool  // the loop has seen everything and waits for ready

	batch []*Item // taken from the lanes, not yet by the loop; the loop's alone
	at    int
}

func newQueues(cameras int, give func(*Item)) *queues {
	return &queues{
		ready: make(chan struct{}, 1), give: give, asleep: true,
		lanes: make([]lane, cameras), ring: make([]int, 0, cameras), batch: make([]*Item, 0, batchSize),
	}
}

// push queues an item at its camera. It returns false when the camera's queue
// stayed full for queueWait; the item is then the caller's again.
func (q *queues) push(it *Item) bool {
	q.mu.Lock()
	l := &q.lanes[it.Camera]
	l.seen.note(it)
	var old *Item
	switch {
	case it.frame():
		if l.frames >= queueFrames {
			old = l.merge(it)
		}
	case l.events < queueEvents && l.first == nil:
	case it.Events[0].Kind == engine.KindHeartbeat:
		// A queue full of posts says better that the camera is there.
		l.seen.dropped++
		q.mu.Unlock()
		q.give(it)
		return true
	default:
		return q.wait(l, it)
	}
	wake := q.enter(l, it)
	q.mu.Unlock()
	if wake {
		select {
		case q.ready <- struct{}{}:
			// The loop slept: let it decide before this goroutine writes its answer.
			runtime.Gosched()
		default: // an earlier signal was not taken yet
		}
	}
	if old != nil {
		q.give(old)
	}
	return true
}

// enter puts an item at the end of its lane and says whether the loop is to be
// woken.
func (q *queues) enter(l *lane, it *Item) bool {
	l.add(it)
	if !l.active {
		l.active = true
		q.ring = append(q.ring, it.Camera)
	}
	wake := q.asleep
	q.asleep = false
	return wake
}

// wait waits outside a full lane. It is called with the lock held and gives it up.
func (q *queues) wait(l *lane, it *Item) bool {
	w := &waiter{it: it, in: make(chan struct{})}
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
	l.seen.waited++
	q.mu.Unlock()

	t := time.NewTimer(queueWait)
	defer t.Stop()
	select {
	case <-w.in:
		return true
	case <-t.C:
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	select {
	case <-w.in:
		return true
	default:
	}
	l.leave(w)
	l.seen.refused++
	return false
}

// take is the next item, or false when there is none: then ready says when to
// ask again. Only the loop calls it.
func (q *queues) take() (*Item, bool) {
	if q.at == len(q.batch) && !q.refill() {
		return nil, false
	}
	it := q.batch[q.at]
	q.batch[q.at] = nil
	q.at++
	if it.Merged > 0 {
		it.buf = appendTrajectory(it.buf[:0], it.Events[0])
		it.Raw = it.buf
	}
	return it, true
}

// refill takes one post of each camera in turn, until the batch is full or
// nothing is left. After the loop stood still it takes them in the order they came:
// in turns, a camera with few posts would take the time on past another's that wait,
// and their targets and visits would end.
func (q *queues) refill() bool {
	q.batch, q.at = q.batch[:0], 0
	q.mu.Lock()
	defer q.mu.Unlock()
	stood := len(q.ring) > 1 && time.Since(q.lanes[q.ring[q.earliest()]].head.Received) > behind
	for len(q.ring) > 0 && len(q.batch) < batchSize {
		n := 0
		if stood {
			n = q.earliest()
		}
		c := q.ring[n]
		q.ring = slices.Delete(q.ring, n, n+1)
		l := &q.lanes[c]
		it := l.head
		l.remove(it)
		q.batch = append(q.batch, it)
		if !it.frame() && l.first != nil {
			w := l.first
			l.leave(w)
			l.add(w.it)
			close(w.in)
		}
		if l.head != nil {
			q.ring = append(q.ring, c)
		} else {
			l.active = false
		}
	}
	if len(q.batch) == 0 {
		q.asleep = true
		return false
	}
	return true
}

// earliest is the place in the ring of the camera whose next post came first.
func (q *queues) earliest() int {
	first := 0
	for i, c := range q.ring {
		if q.lanes[c].head.Received.Before(q.lanes[q.ring[first]].head.Received) {
			first = i
		}
	}
	return first
}

func (l *lane) add(it *Item) {
	it.prev, it.next = l.tail, nil
	if l.tail == nil {
		l.head = it
	} else {
		l.tail.next = it
	}
	l.tail = it
	l.count(it, 1)
}

func (l *lane) remove(it *Item) {
	if it.prev == nil {
		l.head = it.next
	} else {
		it.prev.next = it.next
	}
	if it.next == nil {
		l.tail = it.prev
	} else {
		it.next.prev = it.prev
	}
	it.prev, it.next = nil, nil
	l.count(it, -1)
}

func (l *lane) count(it *Item, n int) {
	if it.frame() {
		l.frames += n
	} else {
		l.events += n
	}
}

// leave takes a waiter out of the line.
func (l *lane) leave(w *waiter) {
	var before *waiter
	for v := l.first; v != w; v = v.next {
		before = v
	}
	if before == nil {
		l.first = w.next
	} else {
		before.next = w.next
	}
	if l.last == w {
		l.last = before
	}
	w.next = nil
}

// mergeLook is how many of the oldest trajectory posts are looked at for one
// whose device posted again since.
const mergeLook = 16

// merge makes room for a trajectory post and returns what it took out. The last
// one of the same device is taken into the new one; if there is none, one of the
// oldest is taken into a later one of its own device; if there is none either,
// the oldest is given up.
func (l *lane) merge(it *Item) *Item {
	for old := l.tail; old != nil; old = old.prev {
		if old.frame() && it.sameDevice(old) {
			l.remove(old)
			l.seen.merged++
			it.absorb(old)
			return old
		}
	}
	var oldest *Item
	looks := 0
	for old := l.head; old != nil && looks < mergeLook; old = old.next {
		if !old.frame() {
			continue
		}
		looks++
		if oldest == nil {
			oldest = old
		}
		for later := old.next; later != nil; later = later.next {
			if later.frame() && later.sameDevice(old) {
				l.remove(old)
				l.seen.merged++
				later.absorb(old)
				return old
			}
		}
	}
	l.remove(oldest)
	l.seen.dropped++
	return oldest
}

// sameDevice says whether two posts are of one device.
func (it *Item) sameDevice(o *Item) bool {
	return it.Remote == o.Remote && it.Path == o.Path && it.Events[0].Device == o.Events[0].Device
}

// absorb adds the targets of an older trajectory post that this one does not
// hold, after its own. Problems are in the counts already, and the recording of
// a merged post could not repeat them.
func (it *Item) absorb(old *Item) {
	e := it.Events[0]
	it.Merged += old.Merged + 1
	e.Problems = e.Problems[:0]
	own := len(e.Targets)
	for _, t := range old.Events[0].Targets {
		if len(e.Targets) < viewtron.MaxTargets && t.HasID && !slices.ContainsFunc(e.Targets[:own], func(n engine.Listed) bool { return n.HasID && n.ID == t.ID }) {
			e.Targets = append(e.Targets, t)
		}
	}
}

// appendTrajectory writes a trajectory post that decodes to e: the recording of
// posts that were merged.
func appendTrajectory(b []byte, e *engine.Event) []byte {
	b = append(b, `<?xml version="1.0" encoding="UTF-8"?><config version="1.7" xmlns="http://www.ipc.com/ver10">`...)
	if e.Raw != "" {
		b = appendElement(b, "messageType", e.Raw)
	}
	if !e.Time.IsZero() {
		b = append(b, "<currentTime>"...)
		b = strconv.AppendInt(b, e.Time.UnixMicro(), 10)
		b = append(b, "</currentTime>"...)
	}
	b = append(b, "<deviceInfo>"...)
	b = appendElement(b, "deviceName", e.Device.Name)
	b = appendElement(b, "sn", e.Device.SN)
	b = appendElement(b, "ip", e.Device.Address)
	b = appendElement(b, "mac", e.Device.MAC)
	if e.Device.Channel > 0 {
		b = append(b, "<channelId>"...)
		b = strconv.AppendInt(b, int64(e.Device.Channel), 10)
		b = append(b, "</channelId>"...)
	}
	b = append(b, `</deviceInfo><traject type="list">`...)
	for i := range e.Targets {
		t := &e.Targets[i]
		b = append(b, "<item>"...)
		if t.HasID {
			b = append(b, "<targetId>"...)
			b = strconv.AppendUint(b, t.ID, 10)
			b = append(b, "</targetId>"...)
		}
		if t.HasBox {
			b = append(b, "<rect>"...)
			for _, c := range [...]struct {
				name  string
				value int32
			}{{"x1", t.Box.X1}, {"y1", t.Box.Y1}, {"x2", t.Box.X2}, {"y2", t.Box.Y2}} {
				b = append(append(append(b, '<'), c.name...), '>')
				b = strconv.AppendInt(b, int64(c.value), 10)
				b = append(append(append(b, "</"...), c.name...), '>')
			}
			b = append(b, "</rect>"...)
		}
		b = appendElement(b, "targetType", t.Class.String())
		b = append(b, "</item>"...)
	}
	return append(b, "</traject></config>\n"...)
}

// appendElement appends an element with a text; nothing when there is none.
func appendElement(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(append(append(b, '<'), name...), '>')
	b = appendEscaped(b, text)
	return append(append(append(b, "</"...), name...), '>')
}

// appendEscaped appends text as XML character data.
func appendEscaped(b []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '<':
			b = append(b, "&lt;"...)
		case c == '>':
			b = append(b, "&gt;"...)
		case c == '&':
			b = append(b, "&amp;"...)
		case c == '"':
			b = append(b, "&quot;"...)
		case c < ' ':
			b = append(b, "&#"...)
			b = strconv.AppendInt(b, int64(c), 10)
			b = append(b, ';')
		default:
			b = append(b, c)
		}
	}
	return b
}

// budget bounds the memory of large bodies, over all and for each address.
type budget struct {
	mu    sync.Mutex // covers the fields below
	used  int64
	of    map[netip.Addr]int64
	freed chan struct{} // closed when bytes come back; nil when nobody waits
}

// Bounds of the bodies held at one time, in bytes; small ones are bounded by
// the connections and the queues.
const (
	budgetAll = 64 << 20
	budgetOne = 24 << 20 // one address; loopback counts for many
)

// take asks for n more bytes for a body from an address, and waits up to
// queueWait for them.
func (b *budget) take(from netip.Addr, n int64) bool {
	freed := b.try(from, n)
	if freed == nil {
		return true
	}
	t := time.NewTimer(queueWait)
	defer t.Stop()
	for freed != nil {
		select {
		case <-freed:
			freed = b.try(from, n)
		case <-t.C:
			return false
		}
	}
	return true
}

// try takes the bytes and returns nil, or says when to try again.
func (b *budget) try(from netip.Addr, n int64) (freed <-chan struct{}) {
	one := int64(budgetOne)
	if from.IsLoopback() {
		one = budgetAll
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+n > budgetAll || b.of[from]+n > one {
		if b.freed == nil {
			b.freed = make(chan struct{})
		}
		return b.freed
	}
	b.used += n
	b.of[from] += n
	return nil
}

// put gives n bytes back.
func (b *budget) put(from netip.Addr, n int64) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if b.of[from] -= n; b.of[from] <= 0 {
		delete(b.of, from)
	}
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}
