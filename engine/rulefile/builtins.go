package rulefile

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/sallyport/sallyport/engine"
)

// builtinNames are the functions that work on any value.
func builtinNames() []string {
	return []string{"any", "all", "none", "one", "len", "lower", "upper", "trim", "int", "float", "string", "abs", "min", "max", "round", "known"}
}

// builtin compiles a call of a function that works on any value.
func (c *compiler) builtin(n ast.Node, name string, args []ast.Node) *val {
	switch name {
	case "any", "all", "none", "one":
		return c.predicate(n, name, args)
	case "min", "max":
		return c.extreme(n, name, args)
	case "len", "lower", "upper", "trim", "int", "float", "string", "abs", "round", "known":
	default:
		if isWord(name) {
			return c.word(n, name, args)
		}
		return c.errorf(n, "unknown function %s%s", name, c.at.meant(name, functionNames()))
	}
	if len(args) != 1 {
		return c.errorf(n, "%s takes one value, not %d", name, len(args))
	}
	a := c.value(args[0])
	if a == nil {
		return nil
	}
	v := &val{node: n, constant: a.constant, steps: a.steps + 1}
	switch name {
	case "known":
		if a.constant {
			return c.errorf(args[0], "%s is always known", args[0].String())
		}
		v.kind = kBool
		v.truth = func(l *engine.Look, it *item) engine.Truth { return engine.TruthOf(a.known(l, it)) }
	case "len":
		return c.length(v, a)
	case "lower", "upper", "trim":
		if a.kind != kText {
			return c.needs(n, name, "a text", a)
		}
		f, change := a.text, strings.TrimSpace
		if name == "lower" {
			change = strings.ToLower
		} else if name == "upper" {
			change = strings.ToUpper
		}
		v.kind, v.steps, v.long = kText, textSteps(a), a.long
		v.text = func(l *engine.Look, it *item) (string, bool) {
			s, ok := f(l, it)
			if !ok || len(s) > maxCased {
				return "", false
			}
			return change(s), true
		}
	case "string":
		v.kind, v.long = kText, a.long
		if a.kind == kUntyped {
			v.long = true
			f := a.any
			v.text = func(l *engine.Look, it *item) (string, bool) {
				x, ok := f(l, it)
				if !ok {
					return "", false
				}
				return scalarText(x)
			}
			break
		}
		if a.kind == kList || a.kind == kBox {
			return c.needs(n, name, "a single value", a)
		}
		v.text = a.asText()
	case "int", "float":
		f := c.toNumber(n, name, a)
		if f == nil {
			return nil
		}
		v.kind = kNumber
		v.num = f
		if name == "int" {
			v.num = func(l *engine.Look, it *item) (float64, bool) {
				x, ok := f(l, it)
				return math.Trunc(x), ok
			}
		}
	case "abs", "round":
		if a.kind != kNumber {
			return c.needs(n, name, "a number", a)
		}
		f, change := a.num, math.Abs
		if name == "round" {
			change = math.Round
		}
		v.kind = kNumber
		v.num = func(l *engine.Look, it *item) (float64, bool) {
			x, ok := f(l, it)
			return change(x), ok
		}
	}
	return v
}

// needs reports a value of the wrong type.
func (c *compiler) needs(n ast.Node, name, want string, a *val) *val {
	if a.kind == kUntyped {
		return c.errorf(n, "%s needs %s and %s is untyped; write string(%s) or float(%s)", name, want, a.node.String(), a.node.String(), a.node.String())
	}
	return c.errorf(n, "%s needs %s, and %s is %s", name, want, a.node.String(), a.kind)
}

func (c *compiler) toNumber(n ast.Node, name string, a *val) numFunc {
	switch a.kind {
	case kNumber:
		return a.num
	case kText:
		f := a.text
		return func(l *engine.Look, it *item) (float64, bool) {
			s, ok := f(l, it)
			if !ok {
				return 0, false
			}
			return parseNumber(s)
		}
	case kUntyped:
		f := a.any
		return func(l *engine.Look, it *item) (float64, bool) {
			x, ok := f(l, it)
			if !ok {
				return 0, false
			}
			switch x := x.(type) {
			case float64:
				return x, true
			case string:
				return parseNumber(x)
			}
			return 0, false
		}
	case kDuration:
		c.errorf(n, `a duration is compared with a text such as "10s"; it needs no %s()`, name)
		return nil
	}
	c.needs(n, name, "a number or a text", a)
	return nil
}

func parseNumber(s string) (float64, bool) {
	if len(s) > maxNumber {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return 0, false
	}
	return finite(f)
}

// characters counts the characters of a text; in a long one only those bytes that begin one, which is much faster and
// the same for valid UTF-8.
func characters(s string) int {
	if len(s) <= maxCased {
		return utf8.RuneCountInString(s)
	}
	n := 0
	for i := range len(s) {
		if s[i]&0xC0 != 0x80 {
			n++
		}
	}
	return n
}

func (c *compiler) length(v, a *val) *val {
	v.kind = kNumber
	switch a.kind {
	case kText:
		f := a.text
		v.steps = textSteps(a)
		v.num = func(l *engine.Look, it *item) (float64, bool) {
			s, ok := f(l, it)
			return float64(characters(s)), ok
		}
	case kList:
		n := float64(len(a.items))
		v.constant = true
		v.num = func(*engine.Look, *item) (float64, bool) { return n, true }
	case kUntyped:
		f := a.any
		v.steps += 80
		v.num = func(l *engine.Look, it *item) (float64, bool) {
			x, ok := f(l, it)
			if !ok {
				return 0, false
			}
			switch x := x.(type) {
			case string:
				return float64(characters(x)), true
			case []any:
				return float64(len(x)), true
			case map[string]any:
				return float64(len(x)), true
			}
			return 0, false
		}
	default:
		return c.needs(v.node, "len", "a text or a list", a)
	}
	return v
}

// extreme is min and max of two or more.
func (c *compiler) extreme(n ast.Node, name string, args []ast.Node) *val {
	if len(args) < 2 {
		return c.errorf(n, "%s takes two values or more, not %d", name, len(args))
	}
	vals := make([]*val, len(args))
	steps, constant := 1, true
	for i, x := range args {
		if vals[i] = c.value(x); vals[i] == nil {
			return nil
		}
		if i > 0 && vals[i].kind != vals[0].kind && vals[0].kind == kDuration {
			if vals[i] = c.durationOf(vals[i]); vals[i] == nil {
				return nil
			}
		}
		if k := vals[i].kind; k != kNumber && k != kDuration || k != vals[0].kind {
			return c.needs(n, name, "numbers, or durations, only", vals[i])
		}
		steps += vals[i].steps + 1
		constant = constant && vals[i].constant
	}
	v := &val{kind: vals[0].kind, node: n, steps: steps, constant: constant}
	for _, w := range vals {
		v.moves = v.moves || w.grows || w.moves
	}
	sign := 1
	if name == "min" {
		sign = -1
	}
	if v.kind == kNumber {
		v.num = func(l *engine.Look, it *item) (float64, bool) {
			best, ok := vals[0].num(l, it)
			for _, w := range vals[1:] {
				x, known := w.num(l, it)
				if order(x, best)*sign > 0 {
					best = x
				}
				ok = ok && known
			}
			return best, ok
		}
		return v
	}
	v.dur = func(l *engine.Look, it *item) (time.Duration, bool) {
		best, ok := vals[0].dur(l, it)
		for _, w := range vals[1:] {
			x, known := w.dur(l, it)
			if orderDurations(x, best)*sign > 0 {
				best = x
			}
			ok = ok && known
		}
		return best, ok
	}
	return v
}

// predicate is any, all, none and one over a list.
func (c *compiler) predicate(n ast.Node, name string, args []ast.Node) *val {
	if len(args) != 2 {
		return c.errorf(n, "%s takes a list and a condition on its entries", name)
	}
	p, ok := args[1].(*ast.PredicateNode)
	if !ok {
		return c.errorf(n, "%s takes a list and a condition on its entries", name)
	}
	if c.depth >= maxPredicates {
		return c.errorf(n, "predicates are nested at most %d deep", maxPredicates)
	}
	list := c.value(args[0])
	if list == nil {
		return nil
	}
	entry, count := &val{kind: kUntyped, steps: 1}, maxItems
	var get anyFunc
	switch list.kind {
	case kUntyped:
		get = list.any
		entry.any = func(_ *engine.Look, it *item) (any, bool) { return it.value, it.value != nil }
	case kList:
		if len(list.items) == 0 {
			return c.errorf(args[0], "the list is empty")
		}
		get, count = list.asAny(), len(list.items)
		entry.kind = list.items[0].kind
		entry.text = func(_ *engine.Look, it *item) (string, bool) { s, ok := it.value.(string); return s, ok }
		entry.num = func(_ *engine.Look, it *item) (float64, bool) { f, ok := it.value.(float64); return f, ok }
	default:
		return c.needs(n, name, "a list", list)
	}
	outer := c.entry
	c.entry, c.depth = entry, c.depth+1
	body := c.truth(p.Node)
	c.entry, c.depth = outer, c.depth-1
	if body == nil {
		return nil
	}
	if body.constant {
		return c.errorf(p.Node, "the condition is always %s", body.bool())
	}
	f := body.truth
	return &val{kind: kBool, node: n, steps: list.steps + min(count*(min(body.steps, muchTooMany)+1), muchTooMany) + 1, truth: func(l *engine.Look, it *item) engine.Truth {
		x, ok := get(l, it)
		entries, is := x.([]any)
		if !ok || !is || len(entries) > maxItems {
			return engine.Unknown
		}
		cur, hits := item{}, 0
		for i, e := range entries {
			cur.value, cur.index = e, i
			switch t := f(l, &cur); {
			case t == engine.Unknown:
				return engine.Unknown
			case t == engine.True && name == "any":
				return engine.True
			case t == engine.True && name == "none", t == engine.False && name == "all":
				return engine.False
			case t == engine.True:
				hits++
			}
		}
		switch name {
		case "any":
			return engine.False
		case "one":
			return engine.TruthOf(hits == 1)
		}
		return engine.True
	}}
}
