package engine

import (
	"cmp"
	"slices"
	"time"
)

// KeyShown is one key of a rule that is not idle, for people to see.
type KeyShown struct {
	Key string
	// State is pending, barred, active or holding.
	State string
	// Since is when it began to be pending or active, by the wall clock; zero = not known.
	Since time.Time
	// Ends is when what holds it back, or the hold, is over by itself, by the wall clock;
	// zero = it does not end by itself.
	Ends time.Time
	// Camera and Target are what it is about; Target only with HasTarget.
	Camera    string
	Target    uint64
	HasTarget bool
	// Held is what holds it back: for, cooldown, limit, late, loop, first look, shadow;
	// empty when nothing does.
	Held string
}

// Keys gives f the keys of a rule that are not idle, in the order in which they began,
// at most a number of them. It says how many there are, 0 also when there is no such rule.
func (e *Engine) Keys(rule string, most int, f func(KeyShown)) (all int) {
	r := e.byName[rule]
	if r == nil {
		return 0
	}
	var list []*keyState
	for _, ks := range r.keys {
		if ks.state != idle {
			list = append(list, ks)
		}
	}
	slices.SortFunc(list, func(a, b *keyState) int { return cmp.Compare(a.seq, b.seq) })
	for _, ks := range list[:min(len(list), most)] {
		f(e.show(ks))
	}
	return len(list)
}

func (e *Engine) show(ks *keyState) KeyShown {
	x := KeyShown{Key: ks.text, State: ks.state.String()}
	if ks.state != barred {
		x.Since = e.wall(ks.since)
	}
	if ks.timer.index >= 0 {
		x.Ends = e.wall(ks.timer.at)
	}
	switch {
	case len(ks.subjects) > 0 && ks.subjects[0].cam != nil:
		s := ks.subjects[0]
		x.Camera = s.cam.name
		if t := s.cam.tracked(s.serial); s.serial != 0 && t != nil {
			x.Target, x.HasTarget = t.ID(), true
		}
	case ks.firing != nil:
		x.Camera, x.Target, x.HasTarget = ks.firing.Camera, ks.firing.Target, ks.firing.HasTarget
	case ks.id.cam != nil:
		x.Camera = ks.id.cam.name
	}
	switch {
	case ks.state == pending:
		x.Held = "for"
	case ks.state == barred:
		x.Held = ks.said
	case ks.quiet:
		x.Held = firstLook
	case ks.rule.Mode == ModeShadow:
		x.Held = "shadow"
	}
	return x
}

// move lets a key be in another state.
func (e *Engine) move(ks *keyState, s state) {
	ks.state = s
	if r := ks.rule; !r.stirred {
		r.stirred = true
		e.stirred = append(e.stirred, r)
	}
}

// Stirred gives f the rules of which a key changed its state, or fired, since it was
// last called, in the order in which they did first. It is for whoever shows them.
func (e *Engine) Stirred(f func(rule string)) {
	for i, r := range e.stirred {
		r.stirred = false
		e.stirred[i] = nil
		if e.byName[r.Name] == r {
			f(r.Name)
		}
	}
	e.stirred = e.stirred[:0]
}

// SceneChanges is a number that changes with every change of a camera's targets; 0 when
// there is no such camera.
func (e *Engine) SceneChanges(camera string) uint64 {
	if n := e.rs.Camera(camera); n >= 0 {
		return e.cams[n].looks
	}
	return 0
}

// FlagChanges is a number that changes with every change of a flag.
func (e *Engine) FlagChanges() uint64 { return e.flagged }

// Flag is a flag's value and since when it has it, by the wall clock; false when there
// is none of the name.
func (e *Engine) Flag(name string) (value Scalar, since time.Time, ok bool) {
	f, ok := e.flags[name]
	return f.value, e.wall(f.since), ok
}

// ExplainTarget explains to f what rules say of one live target of a camera, in the
// order of the rules: those on levels as they stand now, those on moments by their last
// look at it. Rules that can never be looked at for it are left out. Nothing changes.
// It is false when there is no such target.
func (e *Engine) ExplainTarget(camera string, id uint64, f func(*Explanation)) bool {
	n := e.rs.Camera(camera)
	if n < 0 {
		return false
	}
	cam := e.cams[n]
	t := cam.scene.Target(id)
	if t == nil {
		return false
	}
	look := e.look
	defer func() { e.look = look }()
	for _, r := range e.rules {
		switch {
		case !contains(r.Need.Cameras, n):
		case r.Level && r.on(KindTarget):
			s := subject{kind: KindTarget, cam: cam, serial: t.Serial(), track: t.Track(), quiet: t.FirstLook()}
			e.prepareKnown(r, s)
			e.look.about = s
			x := e.explain(r, s)
			e.stateOf(x, r, s)
			f(x)
		case !r.Level:
			var last *Explanation
			r.memory.glimpses.each(func(x **Explanation) {
				if (*x).HasTarget && (*x).Target == id && (*x).Camera == camera && !(*x).At.Before(e.wall(t.FirstSeen())) {
					last = *x
				}
			})
			if last != nil {
				f(last)
			}
		}
	}
	return true
}
