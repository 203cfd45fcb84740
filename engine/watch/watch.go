// Package watch notices that the files of a rules folder changed, waits until they have settled, and says so once.
//
// It does not trust any single sign. The file system's notifications wake it, a slow poll stands behind them, and in
// the end only a changed hash over names and contents counts: a save that changes nothing, an editor's swap file or a
// touched time stamp says nothing, and a folder that was swapped as a whole, deleted and made again, or reached
// through links that moved says so once.
package watch

import (
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Options are the times of a Watcher. The zero value of each is its default.
type Options struct {
	// Settle is how long after the last sign of a change the files are looked at. Default 120 ms.
	Settle time.Duration
	// Cap is how long after the first sign they are looked at although signs keep coming. Default 1.8 s.
	Cap time.Duration
	// Poll is how often they are looked at without any sign. Default 5 s; at most 200 ms, and by size and time stamp,
	// while the file system gives no notifications at all.
	Poll time.Duration
	// Problem is told what went wrong with the notifications (a limit of the system, an overflow). It is called from
	// the watcher's goroutine and must not wait. May be nil. Watching goes on by polling.
	Problem func(error)
}

const (
	defaultSettle = 120 * time.Millisecond
	defaultCap    = 1800 * time.Millisecond
	defaultPoll   = 5 * time.Second
	// blindPoll is the pace without notifications; with Settle it keeps the half second that a save may take.
	blindPoll = 200 * time.Millisecond
)

// Watcher watches one folder until Close.
type Watcher struct {
	dir     string
	options Options
	changes chan struct{}
	stop    chan struct{}
	done    chan struct{}
	once    sync.Once
}

// New starts to watch a folder, which need not exist yet. Files are *.yaml, *.yml, *.csv, *.ics and *.txt in it and
// in its folders; dot files, _*, *~, *.swp, *.disabled and *_test.yaml are not looked at. What the files hold at the
// time of the call is the first state, so call New before reading them: a change in between is then said, too.
func New(dir string, options Options) *Watcher {
	return start(dir, options, fsnotify.NewWatcher)
}

func start(dir string, options Options, open func() (*fsnotify.Watcher, error)) *Watcher {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	if options.Settle <= 0 {
		options.Settle = defaultSettle
	}
	if options.Cap <= 0 {
		options.Cap = defaultCap
	}
	if options.Poll <= 0 {
		options.Poll = defaultPoll
	}
	w := &Watcher{
		dir:     dir,
		options: options,
		changes: make(chan struct{}, 1),
		stop:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	l := &loop{Watcher: w}
	l.open(open)
	l.arm()
	l.said = hash(dir)
	go l.run()
	return w
}

// Changes gives a value after the files changed and settled. It has room for one: several changes that nobody has
// taken yet are one, and the last is never lost. It is not closed by Close.
func (w *Watcher) Changes() <-chan struct{} { return w.changes }

// Close ends the watching and returns when it has ended. It may be called more than once.
func (w *Watcher) Close() {
	w.once.Do(func() { close(w.stop) })
	<-w.done
}

// loop is what the watcher's goroutine owns.
type loop struct {
	*Watcher
	notify *fsnotify.Watcher // nil while there are no notifications
	armed  map[string]bool   // folders of the tree and of link targets
	said   string            // the hash that was said last
	stamp  string            // the stamp seen last, while there are no notifications
}

func (l *loop) run() {
	defer close(l.done)
	defer l.shut()

	// The timer runs while a change is waiting to settle.
	settle := time.NewTimer(time.Hour)
	settle.Stop()
	defer settle.Stop()
	var first time.Time // of the signs that have not been looked at; zero: none

	sign := func() {
		now := time.Now()
		if first.IsZero() {
			first = now
		}
		settle.Reset(min(l.options.Settle, max(0, l.options.Cap-now.Sub(first))))
	}

	poll := time.NewTimer(l.pace())
	defer poll.Stop()
	for {
		var events chan fsnotify.Event
		var errs chan error
		if l.notify != nil {
			events, errs = l.notify.Events, l.notify.Errors
		}
		select {
		case <-l.stop:
			return
		case e, ok := <-events:
			if !ok {
				l.shut()
				sign()
				continue
			}
			if l.relevant(e) {
				sign()
			}
		case err, ok := <-errs:
			if !ok {
				l.shut()
			} else {
				// Whatever was lost, the hash finds it.
				l.problem(err)
			}
			sign()
		case <-settle.C:
			first = time.Time{}
			// Armed before the hash is taken: what changes after it is then seen as a sign.
			l.arm()
			l.look()
		case <-poll.C:
			if l.changedUnseen() && first.IsZero() {
				sign()
			}
			poll.Reset(l.pace())
		}
	}
}

// pace is the time to the next poll.
func (l *loop) pace() time.Duration {
	if l.notify == nil {
		return min(blindPoll, l.options.Poll)
	}
	return l.options.Poll
}

// changedUnseen looks for a change that no notification told of.
func (l *loop) changedUnseen() bool {
	if l.notify == nil {
		stamp := stampOf(l.dir)
		changed := stamp != l.stamp
		l.stamp = stamp
		return changed
	}
	if l.lostWatch() {
		return true
	}
	return hash(l.dir) != l.said
}

// look says that the files changed, if they did.
func (l *loop) look() {
	now := hash(l.dir)
	if now == l.said {
		return
	}
	l.said = now
	select {
	case l.changes <- struct{}{}:
	default:
		// One is waiting already; whoever takes it will read what is there now.
	}
}

func (l *loop) problem(err error) {
	if l.options.Problem != nil {
		l.options.Problem(err)
	}
}

func (l *loop) open(open func() (*fsnotify.Watcher, error)) {
	n, err := open()
	if err != nil {
		l.problem(err)
		l.stamp = stampOf(l.dir)
		return
	}
	l.notify = n
}

func (l *loop) shut() {
	if l.notify == nil {
		return
	}
	if err := l.notify.Close(); err != nil {
		l.problem(err)
	}
	l.notify = nil
	l.stamp = stampOf(l.dir)
}

// arm watches every folder that matters, anew: a folder of the same name may be a different one by now.
func (l *loop) arm() {
	if l.notify == nil {
		return
	}
	for _, p := range l.notify.WatchList() {
		// The watch may be gone together with its folder; that is no problem.
		_ = l.notify.Remove(p)
	}
	l.armed = make(map[string]bool)
	for _, p := range foldersOf(l.dir) {
		if err := l.notify.Add(p); err != nil {
			if exists(p) {
				l.problem(err)
				l.shut()
				return
			}
			continue
		}
		l.armed[p] = true
	}
	// What stands above the folder tells that it was swapped or made again.
	for _, p := range above(l.dir) {
		if err := l.notify.Add(p); err == nil {
			return
		}
	}
}

// lostWatch tells whether a folder that matters is not watched.
func (l *loop) lostWatch() bool {
	for _, p := range foldersOf(l.dir) {
		if !l.armed[p] {
			return true
		}
	}
	watched := make(map[string]bool)
	for _, p := range l.notify.WatchList() {
		watched[p] = true
	}
	for p := range l.armed {
		if !watched[p] {
			return true
		}
	}
	return false
}

// relevant tells whether an event can have changed anything.
func (l *loop) relevant(e fsnotify.Event) bool {
	// The folder itself, or one above it.
	if e.Name == l.dir || strings.HasPrefix(l.dir, strings.TrimSuffix(e.Name, "/")+"/") {
		return true
	}
	if !l.armed[filepath.Dir(e.Name)] {
		return l.armed[e.Name]
	}
	base := filepath.Base(e.Name)
	if strings.HasPrefix(base, "..") {
		return true // a mounted config map swaps ..data
	}
	if ignored(base) {
		return false
	}
	// Another kind of file being written, say a log, does not hold up the settling; anything made, moved or removed may
	// be a folder.
	return considered(base) || e.Has(fsnotify.Create) || e.Has(fsnotify.Rename) || e.Has(fsnotify.Remove)
}
