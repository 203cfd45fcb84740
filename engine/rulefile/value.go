package rulefile

import (
	"math"
	"strconv"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/geometry"
	"github.com/sallyport/sallyport/engine/scene"
)

// kind is the type of an expression.
type kind uint8

// The types of the rule language. An untyped value comes out of a message's body.
const (
	kBool kind = iota + 1
	kNumber
	kText
	kDuration
	kTime
	kUntyped
	kList // a list written in the expression
	kBox
)

// String is the type as messages name it.
func (k kind) String() string {
	switch k {
	case kBool:
		return "a true or false"
	case kNumber:
		return "a number"
	case kText:
		return "a text"
	case kDuration:
		return "a duration"
	case kTime:
		return "a time"
	case kUntyped:
		return "an untyped value"
	case kList:
		return "a list"
	}
	return "a box"
}

// item is the entry a predicate is at.
type item struct {
	value any
	index int
}

// The closures an expression is compiled to. The bool is false for an unknown. They take the entry of the innermost
// predicate beside the look, because a rule set is shared and may hold no state of its own.
type (
	boolFunc func(*engine.Look, *item) engine.Truth
	numFunc  func(*engine.Look, *item) (float64, bool)
	textFunc func(*engine.Look, *item) (string, bool)
	durFunc  func(*engine.Look, *item) (time.Duration, bool)
	timeFunc func(*engine.Look, *item) (time.Time, bool)
	anyFunc  func(*engine.Look, *item) (any, bool)
	boxFunc  func(*engine.Look, *item) (geometry.Box, bool)
)

// val is a compiled expression.
type val struct {
	kind kind
	node ast.Node

	// The one of its kind is set.
	truth boolFunc
	num   numFunc
	text  textFunc
	dur   durFunc
	time  timeFunc
	any   anyFunc
	box   boxFunc
	items []*val // kList

	// leaf is truth without the entry, when there is a shorter way to it.
	leaf func(*engine.Look) engine.Truth

	// constant says that no look is needed: the closures may be called with nil.
	constant bool
	// steps is the most steps one evaluation takes.
	steps int
	// long says that a text comes out of a message and may have 16 KB.
	long bool
	// grows says that a duration grows with time by itself, as fast as time; moves that it changes in some other way.
	grows, moves bool
	// words are all the texts it can be; nil when it can be any.
	words []string
	// what says which plain word of the language it is, for the index.
	what what
	zone engine.ZoneRef
	// need is what holds whenever the bool is true.
	need need
	// low and high bound a number, when bounded.
	low, high float64
	bounded   bool
}

// what marks the values that the index and the shortest leaves know.
type what uint8

const (
	isOther what = iota
	isTargetClass
	isCameraName
	isEventName
	isDwell
	isOverlap
	isDwellTotal
	isSince
)

func constText(n ast.Node, s string) *val {
	return &val{kind: kText, node: n, constant: true, text: func(*engine.Look, *item) (string, bool) { return s, true }}
}

func constNumber(n ast.Node, f float64) *val {
	return &val{kind: kNumber, node: n, constant: true, num: func(*engine.Look, *item) (float64, bool) { return f, true }}
}

func constBool(n ast.Node, b bool) *val {
	t := engine.TruthOf(b)
	return &val{kind: kBool, node: n, constant: true, truth: func(*engine.Look, *item) engine.Truth { return t }}
}

func constDuration(n ast.Node, d time.Duration) *val {
	return &val{kind: kDuration, node: n, constant: true, dur: func(*engine.Look, *item) (time.Duration, bool) { return d, true }}
}

// str, number, duration and bool are the values of constants.
func (v *val) str() string             { s, _ := v.text(nil, nil); return s }
func (v *val) number() float64         { f, _ := v.num(nil, nil); return f }
func (v *val) duration() time.Duration { d, _ := v.dur(nil, nil); return d }
func (v *val) bool() engine.Truth      { return v.truth(nil, nil) }

// known tells whether the value is known on a look.
func (v *val) known(l *engine.Look, it *item) bool {
	ok := true
	switch v.kind {
	case kBool:
		ok = v.truth(l, it) != engine.Unknown
	case kNumber:
		_, ok = v.num(l, it)
	case kText:
		_, ok = v.text(l, it)
	case kDuration:
		_, ok = v.dur(l, it)
	case kTime:
		_, ok = v.time(l, it)
	case kUntyped:
		_, ok = v.any(l, it)
	case kBox:
		_, ok = v.box(l, it)
	}
	return ok
}

// asAny gives any value in the shape a message's body has.
func (v *val) asAny() anyFunc {
	switch v.kind {
	case kBool:
		return func(l *engine.Look, it *item) (any, bool) {
			t := v.truth(l, it)
			return t == engine.True, t != engine.Unknown
		}
	case kNumber:
		return func(l *engine.Look, it *item) (any, bool) {
			f, ok := v.num(l, it)
			return f, ok
		}
	case kText:
		return func(l *engine.Look, it *item) (any, bool) {
			s, ok := v.text(l, it)
			return s, ok
		}
	case kDuration:
		return func(l *engine.Look, it *item) (any, bool) {
			d, ok := v.dur(l, it)
			return d.Seconds(), ok
		}
	case kTime:
		return func(l *engine.Look, it *item) (any, bool) {
			t, ok := v.time(l, it)
			return t.Format(time.RFC3339Nano), ok
		}
	case kBox:
		return func(l *engine.Look, it *item) (any, bool) {
			b, ok := v.box(l, it)
			return []any{float64(b.X1), float64(b.Y1), float64(b.X2), float64(b.Y2)}, ok
		}
	case kList:
		kids := make([]anyFunc, len(v.items))
		for i, e := range v.items {
			kids[i] = e.asAny()
		}
		return func(l *engine.Look, it *item) (any, bool) {
			out := make([]any, 0, len(kids))
			for _, k := range kids {
				e, ok := k(l, it)
				if !ok {
					return nil, false
				}
				out = append(out, e)
			}
			return out, true
		}
	}
	return v.any
}

// asText gives the value as people read it.
func (v *val) asText() textFunc {
	switch v.kind {
	case kText:
		return v.text
	case kDuration:
		return func(l *engine.Look, it *item) (string, bool) {
			d, ok := v.dur(l, it)
			return d.Round(time.Millisecond).String(), ok
		}
	case kTime:
		return func(l *engine.Look, it *item) (string, bool) {
			t, ok := v.time(l, it)
			return t.Format(time.RFC3339), ok
		}
	}
	f := v.asAny()
	return func(l *engine.Look, it *item) (string, bool) {
		x, ok := f(l, it)
		if !ok {
			return "", false
		}
		if s, ok := scalarText(x); ok {
			return s, true
		}
		return string(appendJSON(nil, x)), true
	}
}

// scalarText is the text of a text, a number or a bool.
func scalarText(x any) (string, bool) {
	switch x := x.(type) {
	case string:
		return x, true
	case bool:
		return strconv.FormatBool(x), true
	case float64:
		return formatNumber(x), true
	}
	return "", false
}

func formatNumber(f float64) string {
	if math.Abs(f) >= 1e21 {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// finite is a number that is one.
func finite(f float64) (float64, bool) {
	return f, !math.IsNaN(f) && !math.IsInf(f, 0)
}

// need is what must be so for a condition to be true. See [engine.Need].
type need struct {
	cams    []int // any of them; nil: no need
	classes scene.ClassSet
	zones   []engine.ZoneRef
	names   []string // of the event or camera, any of them; nil: no need
}

// both is the need of two conditions that must both hold; never says that they cannot.
func (a need) both(b need) (n need, never bool) {
	n = a
	switch {
	case a.cams == nil:
		n.cams = b.cams
	case b.cams != nil:
		n.cams = nil
		for _, c := range a.cams {
			if has(b.cams, c) {
				n.cams = append(n.cams, c)
			}
		}
		if n.cams == nil {
			n.cams, never = a.cams, true
		}
	}
	switch {
	case a.classes == 0:
		n.classes = b.classes
	case b.classes != 0:
		n.classes = a.classes & b.classes
		if n.classes == 0 {
			n.classes, never = a.classes, true
		}
	}
	switch {
	case a.names == nil:
		n.names = b.names
	case b.names != nil:
		n.names = nil
		for _, s := range a.names {
			if has(b.names, s) {
				n.names = append(n.names, s)
			}
		}
		if n.names == nil {
			n.names, never = a.names, true
		}
	}
	// Both sets of zones are needed; one of them is enough to look seldom, and the smaller one is seldom met.
	if a.zones == nil || b.zones != nil && len(b.zones) < len(a.zones) {
		n.zones = b.zones
	}
	return n, never
}

// either is the need of two conditions of which one must hold.
func (a need) either(b need) need {
	var n need
	if a.cams != nil && b.cams != nil {
		n.cams = union(a.cams, b.cams)
	}
	if a.classes != 0 && b.classes != 0 {
		n.classes = a.classes | b.classes
	}
	if a.names != nil && b.names != nil {
		n.names = union(a.names, b.names)
	}
	if a.zones != nil && b.zones != nil {
		n.zones = union(a.zones, b.zones)
	}
	return n
}

func has[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

func union[T comparable](a, b []T) []T {
	out := append([]T(nil), a...)
	for _, v := range b {
		if !has(out, v) {
			out = append(out, v)
		}
	}
	return out
}
