package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// This file is a second opinion: it knows docs/rules.md, sections 6 to 8, and what
// happened outside of the program (what was posted when, what the lines did, when the
// loop and the lines stood still), and nothing of the program. It says which moves of a
// relay nothing allowed. Where the documents leave room it allows what may be.

const (
	mayBeLate  = 3 * time.Second  // site file: late; also the longest wait of a post in the queue
	expiry     = 3 * time.Second  // a step is not started later than this after it was due
	visitGap   = 30 * time.Second // site file: plates.visit_gap
	startLook  = 1500 * time.Millisecond
	unsaved    = 2500 * time.Millisecond // what a kill may forget, unless a gate was opened by it
	slack      = 20 * time.Millisecond
	stampSlack = 500 * time.Millisecond // how much timely posts differ in their delay
)

// history is what happened. Times count from the beginning of the timeline.
type history struct {
	posts  []posted
	calls  []lineCall
	levels []lineLevel
	stalls []span     // of the loop
	steps  []wallStep // of the wall clock
	sets   []setAsked // rule sets that were put in force
	lives  []lifeSpan // of the program
	wall   time.Time  // at the beginning
}

type span struct{ from, to time.Duration }

// posted is a post that was answered with 200.
type posted struct {
	at     time.Duration
	life   int
	camera string
	stamp  time.Duration // when the camera made it
	plate  string        // as read; empty for a frame
	car    string        // the plate that the car really has
	id     uint32        // the target of a frame
	class  string
	x      int
}

// lineCall is one try to drive a line.
type lineCall struct {
	relay      string
	life       int
	on, failed bool
	begin, end time.Duration
}

// lineLevel is a change of what a line really is.
type lineLevel struct {
	relay string
	life  int
	at    time.Duration
	on    bool
}

type wallStep struct {
	at, by time.Duration
}

type setAsked struct {
	at   time.Duration
	life int
	set  *ruleShape
}

type lifeSpan struct {
	boot, ready, end time.Duration
	stop             time.Duration // when it was told to end; 0 = never
	killed           bool
}

// ruleShape is what the model has to know of a rule set.
type ruleShape struct {
	name       string
	residents  []string // the list; their rules are there unless closed
	closed     bool
	gatePulse  time.Duration
	porchHold  time.Duration
	leaveHold  time.Duration
	barrierFor time.Duration
}

// relayLimits is what the site file says of a relay, and the longest pulse of any rule
// set, for those that are only pulsed.
type relayLimits struct {
	maxOn, minOff time.Duration
	pulse         time.Duration
	other         string // interlock
	wait          time.Duration
}

var limitsOf = map[string]relayLimits{
	"gate":    {maxOn: 5 * time.Second, minOff: 2 * time.Second, pulse: 900 * time.Millisecond, other: "barrier", wait: time.Second},
	"barrier": {maxOn: 10 * time.Second, pulse: 2500 * time.Millisecond, other: "gate", wait: time.Second},
	"horn":    {maxOn: 5 * time.Second, pulse: 300 * time.Millisecond},
	"sign":    {maxOn: 3 * time.Second},
	"bell":    {maxOn: 4 * time.Second},
	"lamp":    {maxOn: 6 * time.Second, minOff: 500 * time.Millisecond},
	"tog":     {maxOn: 8 * time.Second},
	"porch":   {maxOn: 30 * time.Second, minOff: time.Second},
	"chime":   {maxOn: 5 * time.Second, pulse: 400 * time.Millisecond},
	"siren":   {maxOn: 5 * time.Second, pulse: 500 * time.Millisecond},
}

const (
	guestPlate  = "GUE5T77"
	lampPlate   = "LAMP77X"
	togglePlate = "TOGGLE3"
	armPlate    = "ARMED77"

	hornAfter    = 2 * time.Second
	bellCooldown = 20 * time.Second
	lampLimit    = 2 // in a minute
)

// judge is the model at work on one history.
type judge struct {
	*history
	wrong []string
}

// violations says what the relays did that nothing allowed.
func (h *history) violations() []string {
	j := &judge{history: h}
	j.lines()
	ons := make(map[string][]lineCall)
	for _, c := range h.calls {
		if c.on {
			ons[c.relay] = append(ons[c.relay], c)
		}
	}
	residents := func(s *ruleShape) []string {
		if s.closed {
			return nil
		}
		return s.residents
	}
	one := func(plate string) func(*ruleShape) []string {
		return func(*ruleShape) []string { return []string{plate} }
	}

	// Once per arrival, whichever rules ask.
	j.match("gate", ons["gate"], func(c lineCall) []string { return j.readsFor(c, residents, 0, true) })
	j.match("horn", ons["horn"], func(c lineCall) []string { return j.readsFor(c, residents, hornAfter, true) })
	// What is latched is kept to that by its rule alone, which forgets when it is removed.
	j.match("sign", ons["sign"], func(c lineCall) []string {
		var found []string
		for _, name := range j.readsFor(c, residents, 0, true) {
			for n := j.removed(c.begin - mayBeLate - expiry); n <= j.removed(c.begin); n++ {
				found = append(found, fmt.Sprintf("%s, rule removed %d times", name, n))
			}
		}
		return found
	})
	// Once per read, and what cooldown and limit leave of that.
	j.match("bell", ons["bell"], func(c lineCall) []string { return j.readsFor(c, one(guestPlate), 0, false) })
	j.match("lamp", ons["lamp"], func(c lineCall) []string { return j.readsFor(c, one(lampPlate), 0, false) })
	j.match("tog", ons["tog"], func(c lineCall) []string { return j.readsFor(c, one(togglePlate), 0, false) })
	j.match("siren", ons["siren"], func(c lineCall) []string { return j.readsFor(c, one(armPlate), 0, false) })
	j.apart("bell", ons["bell"], 1, bellCooldown)
	j.apart("lamp", ons["lamp"], lampLimit, time.Minute)
	// Once per stay.
	j.match("barrier", ons["barrier"], j.entriesFor)
	j.match("chime", ons["chime"], j.leavesFor)
	for _, c := range ons["porch"] {
		if !j.followed(c) {
			j.say("porch was turned on at %v though nobody was on the porch, or not at work time", c.begin)
		}
	}
	return j.wrong
}

func (j *judge) say(format string, args ...any) {
	j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
}

// lines judges what needs no cause: max_on, pulses, min_off, interlock, retries, boots.
func (j *judge) lines() {
	wentOff := make(map[string]time.Duration)
	on := make(map[string]bool)
	for _, l := range j.levels {
		limit := limitsOf[l.relay]
		if !l.on {
			wentOff[l.relay], on[l.relay] = l.at, false
			continue
		}
		on[l.relay] = true
		boot := j.lives[l.life].boot
		if off, ok := wentOff[l.relay]; ok && l.at < max(off, boot)+limit.minOff || l.at < boot+limit.minOff {
			j.say("%s went on at %v, less than min_off (%v) after it went off at %v (boot %v)", l.relay, l.at, limit.minOff, off, boot)
		}
		if limit.other != "" {
			if on[limit.other] {
				j.say("%s went on at %v while %s was on", l.relay, l.at, limit.other)
			}
			if off, ok := wentOff[limit.other]; ok && l.at < off+limit.wait {
				j.say("%s went on at %v, less than interlock_wait after %s went off at %v", l.relay, l.at, limit.other, off)
			}
		}
		longest := limit.maxOn
		if limit.pulse > 0 {
			longest = limit.pulse
		}
		over := l.at + longest
		if c := j.callAt(l); c != nil {
			over = max(over, c.end) // the line was busy
		}
		j.offBy(l.relay, l.life, l.at, over+slack, fmt.Sprintf("after it went on at %v", l.at))
	}
	for _, c := range j.calls {
		if !c.on && c.failed {
			j.offBy(c.relay, c.life, c.end+1, c.end+100*time.Millisecond+slack, fmt.Sprintf("after that failed at %v", c.end))
		}
	}
	for i, life := range j.lives {
		for relay := range limitsOf {
			j.offBy(relay, i, life.boot, life.ready, "at the start")
			busy := slices.ContainsFunc(j.calls, func(c lineCall) bool {
				return c.relay == relay && c.life == i && c.begin < life.stop && c.end > life.stop
			})
			if life.stop > 0 && !busy {
				j.offTried(relay, i, life.stop, life.end, "at the stop")
			}
		}
	}
}

// callAt is the call that moved a line.
func (j *judge) callAt(l lineLevel) *lineCall {
	for i := range j.calls {
		if c := &j.calls[i]; c.relay == l.relay && c.life == l.life && c.on == l.on && c.begin <= l.at && l.at <= c.end {
			return c
		}
	}
	return nil
}

// offBy wants a try to turn a line off between two moments, unless the program was not
// there any more.
func (j *judge) offBy(relay string, life int, from, by time.Duration, why string) {
	if l := j.lives[life]; l.end <= by || l.stop > 0 && l.stop <= by {
		return // a stop has its own rule
	}
	j.offTried(relay, life, from, by, why)
}

// offTried wants a try to turn a line off between two moments.
func (j *judge) offTried(relay string, life int, from, by time.Duration, why string) {
	for _, c := range j.calls {
		if c.relay == relay && c.life == life && !c.on && c.begin >= from && c.begin <= by {
			return
		}
	}
	j.say("%s was not turned off by %v, %s", relay, by, why)
}

// readsFor are the plate reads that allow an on: by their arrivals, or each by itself.
func (j *judge) readsFor(c lineCall, listed func(*ruleShape) []string, after time.Duration, visit bool) []string {
	var found []string
	for i := range j.posts {
		p := &j.posts[i]
		if p.plate == "" || p.life != c.life || p.at > c.begin || c.begin > p.at+mayBeLate+after+expiry+slack || c.begin < p.at+after {
			continue
		}
		if j.late(i) || j.duplicate(i) {
			continue
		}
		on := slices.ContainsFunc(j.inForce(p.life, p.at, c.begin), func(s *ruleShape) bool { return slices.Contains(listed(s), p.plate) })
		if !on {
			continue
		}
		name := fmt.Sprintf("post %d", i)
		if visit {
			name = fmt.Sprintf("%s, arrival of post %d", p.car, j.arrival(i))
		}
		found = append(found, name)
	}
	return found
}

// removed is how often a set without the residents' rules was asked for.
func (j *judge) removed(before time.Duration) int {
	n := 0
	for _, s := range j.sets {
		if s.at <= before && s.set.closed {
			n++
		}
	}
	return n
}

// match wants a cause of its own for every on of a relay.
func (j *judge) match(relay string, ons []lineCall, causes func(lineCall) []string) {
	taken := make(map[string]int)
	all := make([][]string, len(ons))
	var place func(i int, tried map[string]bool) bool
	place = func(i int, tried map[string]bool) bool {
		for _, c := range all[i] {
			if tried[c] {
				continue
			}
			tried[c] = true
			if other, ok := taken[c]; !ok || place(other, tried) {
				taken[c] = i
				return true
			}
		}
		return false
	}
	for i, c := range ons {
		all[i] = causes(c)
		if !place(i, make(map[string]bool)) {
			j.say("%s was turned on at %v; what allows that: %s", relay, c.begin, or(strings.Join(slices.Compact(all[i]), "; ")+", which moved it before", len(all[i]) > 0))
		}
	}
}

func or(text string, ok bool) string {
	if ok {
		return text
	}
	return "nothing"
}

// apart wants any n+1 ons of a rule to span a time, as far as steps may begin late.
func (j *judge) apart(relay string, ons []lineCall, n int, per time.Duration) {
	for i := n; i < len(ons); i++ {
		a, b := ons[i-n], ons[i]
		if b.begin-a.begin < per-expiry-slack && !j.jumpedAway(a.begin, b.life, a.life) {
			j.say("%s was turned on at %v, %d times within %v", relay, b.begin, n+1, per)
		}
	}
}

// jumpedAway says that the wall clock went ahead before a later life began, which may
// pass for time that the program was away.
func (j *judge) jumpedAway(since time.Duration, later, earlier int) bool {
	return later != earlier && slices.ContainsFunc(j.steps, func(s wallStep) bool {
		return s.by > 0 && s.at >= since-unsaved && s.at <= j.lives[later].ready
	})
}

// late says that a post surely came more than mayBeLate later than its camera's usually do.
func (j *judge) late(n int) bool {
	p := j.posts[n]
	least, known := time.Duration(0), false
	for i := range n {
		q := j.posts[i]
		if q.camera != p.camera {
			continue
		}
		if q.life != p.life {
			// What was kept of the earlier lives; a step of the wall clock spoils it.
			spoilt := slices.ContainsFunc(j.steps, func(s wallStep) bool {
				return s.at >= j.lives[q.life].boot && s.at <= j.lives[p.life].ready
			})
			if spoilt || j.forgotten(q) {
				continue
			}
		}
		if d := q.at - q.stamp; !known || d < least {
			least, known = d, true
		}
	}
	return known && p.at-p.stamp > least+mayBeLate+stampSlack
}

// duplicate says that the same post was received before.
func (j *judge) duplicate(n int) bool {
	p := j.posts[n]
	return slices.ContainsFunc(j.posts[:n], func(q posted) bool {
		return q.life == p.life && q.camera == p.camera && q.stamp == p.stamp && q.plate == p.plate && p.at-q.at < 10*time.Minute
	})
}

// stalled is the stall that a moment falls into, taken together with those around it.
func (j *judge) stalled(at time.Duration) (span, bool) {
	for _, s := range j.stalls {
		if s.from <= at && at <= s.to {
			for again := true; again; {
				again = false
				for _, o := range j.stalls {
					if o.from <= s.to && o.to >= s.from-slack && (o.from < s.from || o.to > s.to) {
						s.from, s.to, again = min(s.from, o.from), max(s.to, o.to), true
					}
				}
			}
			return s, true
		}
	}
	return span{}, false
}

// forgotten says that a post may not be remembered in a later life: it was not looked
// at before its own ended, or so shortly before that it was not saved.
func (j *judge) forgotten(p posted) bool {
	end := j.lives[p.life].end
	if s, ok := j.stalled(end); ok {
		return p.at >= s.from-unsaved
	}
	return j.lives[p.life].killed && p.at >= end-unsaved
}

// inForce are the rule sets that may have been in force between two moments.
func (j *judge) inForce(life int, from, to time.Duration) []*ruleShape {
	var sets []*ruleShape
	for i, s := range j.sets {
		if s.life != life || s.at > to {
			continue
		}
		over := to
		if i+1 < len(j.sets) && j.sets[i+1].life == life {
			over = j.sets[i+1].at
			if w, ok := j.stalled(over); ok {
				over = w.to
			}
			over += slack
		}
		if over >= from {
			sets = append(sets, s.set)
		}
	}
	return sets
}

// arrival is the first read of a car's arrival that a read belongs to. Reads of one car,
// misread or not, with no gap over visitGap are one arrival; the gap that the program
// sees may be longer, as posts may wait and a kill may forget.
func (j *judge) arrival(n int) int {
	first, last := n, -1
	for i := 0; i <= n; i++ {
		p := j.posts[i]
		if p.car != j.posts[n].car || p.plate == "" || p.camera != j.posts[n].camera {
			continue
		}
		if i != n {
			if j.duplicate(i) {
				continue
			}
			if p.life != j.posts[n].life && j.forgotten(p) && !j.opened(p) {
				continue
			}
		}
		if last < 0 {
			first = i
		} else if q := j.posts[last]; p.at-q.at > visitGap-mayBeLate-unsaved || j.jumpedAway(q.at, p.life, q.life) {
			first = i
		}
		last = i
	}
	return first
}

// opened says that the gate was moved after a read in its life: that is noted before.
func (j *judge) opened(p posted) bool {
	return slices.ContainsFunc(j.calls, func(c lineCall) bool {
		return c.on && c.life == p.life && c.begin >= p.at && (c.relay == "gate" || c.relay == "sign" || c.relay == "horn")
	})
}

// stay is the time that a target was in its zone, by the frames that say so.
type stay struct {
	name       string
	life       int
	from, to   time.Duration // of the first and the last frame inside
	firstSight bool          // the target was first seen in it
	timely     bool          // a frame of it was not late
}

// staysOf are the stays of a class in the zone of its camera, x from 2000 to 8000.
func (j *judge) staysOf(camera, class string) []stay {
	const margin = 150
	type track struct {
		last   time.Duration
		inside int // its stay, or -1
	}
	var stays []stay
	tracks := make(map[string]*track)
	for i, p := range j.posts {
		if p.camera != camera || p.class != class {
			continue
		}
		key := fmt.Sprint(p.life, "/", p.id)
		t := tracks[key]
		seenBefore := t != nil && p.at-t.last < time.Second // surely the same target
		fresh := t == nil || p.at-t.last > startLook+slack  // surely a new one
		if t == nil {
			t = &track{inside: -1}
			tracks[key] = t
		}
		if !seenBefore {
			t.inside = -1
		}
		in := p.x >= 2000-margin && p.x <= 8000+margin
		switch {
		case !in:
			t.inside = -1
		case t.inside < 0:
			t.inside = len(stays)
			stays = append(stays, stay{name: fmt.Sprintf("stay %d of %s %d", len(stays), class, p.id), life: p.life, from: p.at, to: p.at, firstSight: fresh})
		default:
			stays[t.inside].to = p.at
		}
		if t.inside >= 0 && p.x >= 2000 && p.x <= 8000 && !j.late(i) {
			stays[t.inside].timely = true
		}
		t.last = p.at
	}
	return stays
}

// entriesFor are the stays that allow a pulse at an entry.
func (j *judge) entriesFor(c lineCall) []string {
	var found []string
	looked := j.lives[c.life].boot + startLook
	for _, s := range j.staysOf("drive", "car") {
		if s.life != c.life || !s.timely || s.from > c.begin || c.begin > s.to+mayBeLate+expiry+slack {
			continue
		}
		if s.firstSight && s.from < looked-slack || c.begin < looked-slack {
			continue // a first look
		}
		found = append(found, s.name)
	}
	return found
}

// leavesFor are the stays that allow a pulse at the end of a rule with a hold.
func (j *judge) leavesFor(c lineCall) []string {
	var found []string
	looked := j.lives[c.life].boot + startLook
	for _, s := range j.staysOf("porch", "person") {
		if s.life != c.life || !s.timely || s.firstSight && s.from < looked-slack {
			continue
		}
		hold := time.Hour
		for _, set := range j.inForce(c.life, s.from, c.begin) {
			hold = min(hold, set.leaveHold)
		}
		end := s.to + 2500*time.Millisecond + 4*time.Second // linger, timeout, the longest hold
		if w, ok := j.stalled(end); ok {
			end = w.to
		}
		if c.begin >= s.from+hold-slack && c.begin <= end+mayBeLate+expiry+slack && j.unseen(s, c.begin) >= hold-slack {
			found = append(found, s.name)
		}
	}
	return found
}

// unseen is how long before a moment the stay's last frame inside came.
func (j *judge) unseen(s stay, at time.Duration) time.Duration {
	last := s.from
	for _, p := range j.posts {
		if p.life == s.life && p.camera == "porch" && p.class == "person" && p.at >= s.from && p.at <= min(s.to, at) && p.x >= 2000 && p.x <= 8000 {
			last = p.at
		}
	}
	return at - last
}

// followed says that somebody was on the porch within what hold, linger and the
// target's timeout leave, at work time.
func (j *judge) followed(c lineCall) bool {
	for _, s := range j.staysOf("porch", "person") {
		end := s.to + 2500*time.Millisecond + 4*time.Second + time.Second
		if w, ok := j.stalled(end); ok {
			end = w.to
		}
		if s.life == c.life && s.timely && s.from <= c.begin && c.begin <= end+mayBeLate+expiry+slack && j.atWork(s.from, c.begin) {
			return true
		}
	}
	return false
}

// atWork says that it was between 8 and 18 on the wall clock at some time between two moments.
func (j *judge) atWork(from, to time.Duration) bool {
	at := []time.Duration{from, to}
	for _, s := range j.steps {
		if s.at >= from && s.at <= to {
			at = append(at, s.at-1, s.at)
		}
	}
	return slices.ContainsFunc(at, func(t time.Duration) bool {
		now := j.wall.Add(t)
		for _, s := range j.steps {
			if s.at <= t {
				now = now.Add(s.by)
			}
		}
		return now.Hour() >= 8 && now.Hour() < 18
	})
}
