package rulefile

import (
	"math"
	"strconv"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/sallyport/sallyport/engine"
)

// maxReading is how many characters of a value an explanation shows.
const maxReading = 80

// reading is something that a leaf reads, for an explanation.
type reading struct {
	name string
	val  *val
	// only, when set, says whether there is anything to say; says then says it.
	only func(*engine.Look) bool
	says string
}

// gap is a comparison with a constant, whose distance can be said.
type gap struct {
	a *val
	// Of a duration when dur is set, else of a number.
	dur   bool
	bound time.Duration
	k     float64
}

// read notes that a leaf reads something whole: what was noted of its parts since mark goes.
func (c *compiler) read(mark int, n ast.Node, v *val) {
	c.readings = c.readings[:mark]
	if v != nil && !v.constant && !pointed(n) {
		c.readings = append(c.readings, reading{name: n.String(), val: v})
	}
}

// readAlso notes what says more about a leaf than its own answer.
func (c *compiler) readAlso(add reading) {
	for _, r := range c.readings {
		if r.name == add.name {
			return
		}
	}
	c.readings = append(c.readings, add)
}

// also is what says more about the answer of a function than the answer itself.
func also(n ast.Node, name string) []reading {
	switch name {
	case "during", "night", "day":
		return []reading{{name: "now", val: &val{kind: kTime, node: n, time: func(l *engine.Look, _ *item) (time.Time, bool) { return l.Now(), l.ClockOK() }}}}
	case "moving", "still", "toward":
		return []reading{
			{name: "target.heading", val: &val{kind: kNumber, node: n, num: func(l *engine.Look, _ *item) (float64, bool) { return l.Heading() }}},
			{name: "target.speed", val: &val{kind: kNumber, node: n, num: func(l *engine.Look, _ *item) (float64, bool) { return l.Speed() }}},
		}
	}
	return nil
}

// pointed says that a node looks into the entry of a list, which is there only inside a predicate.
func pointed(n ast.Node) bool {
	for {
		switch x := n.(type) {
		case *ast.PointerNode:
			return true
		case *ast.MemberNode:
			n = x.Node
		case *ast.ChainNode:
			n = x.Node
		default:
			return false
		}
	}
}

// whole says that a node is one thing that is read: a field, or a function that reads the world.
func whole(n ast.Node) bool {
	switch x := n.(type) {
	case *ast.IdentifierNode, *ast.MemberNode:
		return true
	case *ast.BuiltinNode:
		return isWord(x.Name)
	case *ast.CallNode:
		switch f := x.Callee.(type) {
		case *ast.IdentifierNode:
			return isWord(f.Value)
		case *ast.MemberNode:
			return true // plate.on
		}
	}
	return false
}

// reader makes what gives the values that the present leaf reads; nil when its answer says it all.
func (c *compiler) reader(n ast.Node) func(*engine.Look) []engine.Reading {
	list, g := c.readings, c.gap
	text := n.String()
	var shown []reading
	for _, r := range list {
		if r.name != text && (g == nil || r.val == nil || r.val != g.a) {
			shown = append(shown, r)
		}
	}
	if g == nil && len(shown) == 0 {
		return nil
	}
	return func(l *engine.Look) []engine.Reading {
		out := make([]engine.Reading, 0, len(shown)+1)
		if g != nil {
			out = append(out, g.reading(l))
		}
		for _, r := range shown {
			if r.only != nil {
				if r.only(l) {
					out = append(out, engine.Reading{Name: r.name, Value: r.says})
				}
				continue
			}
			out = append(out, engine.Reading{Name: r.name, Value: r.val.shown(l)})
		}
		return out
	}
}

// reading gives the compared value, and how far it is from the bound.
func (g *gap) reading(l *engine.Look) engine.Reading {
	r := engine.Reading{Name: g.a.node.String(), Value: g.a.shown(l)}
	if g.dur {
		d, ok := g.a.dur(l, nil)
		if ok && g.bound > 0 {
			r.Bound = &engine.Bound{Value: shownDuration(g.bound), Off: thousandths(float64(d-g.bound), float64(g.bound))}
		}
		return r
	}
	x, ok := g.a.num(l, nil)
	if ok && g.k != 0 {
		r.Bound = &engine.Bound{Value: shownNumber(g.k), Off: thousandths(x-g.k, g.k)}
	}
	return r
}

// thousandths is a share of a whole, without its sign, at most 1000 times the whole.
func thousandths(part, whole float64) int {
	return int(math.Min(math.Round(math.Abs(part/whole)*1000), 1e6))
}

// shown is a value as an explanation shows it.
func (v *val) shown(l *engine.Look) string {
	switch v.kind {
	case kBool:
		return v.truth(l, nil).String()
	case kNumber:
		if x, ok := v.num(l, nil); ok {
			return shownNumber(x)
		}
	case kText:
		if s, ok := v.text(l, nil); ok {
			return strconv.Quote(shorten(s))
		}
	case kDuration:
		if d, ok := v.dur(l, nil); ok {
			return shownDuration(d)
		}
	case kTime:
		if t, ok := v.time(l, nil); ok {
			return t.Format("Mon 2006-01-02 15:04:05")
		}
	default:
		if x, ok := v.asAny()(l, nil); ok {
			return shorten(string(appendJSON(nil, x)))
		}
	}
	return engine.Unknown.String()
}

func shorten(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxReading {
			return s[:i] + "…"
		}
	}
	return s
}

// shownDuration leaves out what is under a hundredth of a second: what did not reach 10s must not look as if it had.
func shownDuration(d time.Duration) string { return d.Truncate(10 * time.Millisecond).String() }

// shownNumber gives six digits, and all of a whole number.
func shownNumber(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', 6, 64)
}
