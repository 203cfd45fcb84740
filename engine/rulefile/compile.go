package rulefile

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/schedule"
)

// The bounds of expressions.
const (
	maxSource     = 4096   // bytes of one expression
	maxPredicates = 2      // predicates within each other
	maxSteps      = 20_000 // of one rule
	maxItems      = 64     // of a list in a message
	maxNesting    = 64     // parts of an expression within each other
	maxParts      = 2048   // of one expression
	maxText       = 16_384 // bytes of a text in a message, and of texts put together with +
	maxCased      = 1024   // bytes of a text for lower, upper and trim, which are slow; of a longer one they are unknown
	maxNumber     = 100    // bytes of a text that is read as a number
	// muchTooMany keeps sums of steps small; it is far beyond maxSteps.
	muchTooMany = 1 << 20
)

// carries says what the events of a rule bring along.
type carries uint16

const (
	carriesCamera carries = 1 << iota
	carriesTarget
	carriesScene // zones, lines and direction of the target
	carriesValues
	carriesPlate
	carriesFace
	carriesAlarm
	carriesName
	carriesMessage
	carriesEvent
)

// scope says what an expression may use.
type scope struct {
	carries carries
	on      []engine.Kind // of the rule; empty for a standing one
	// where names it in messages: "on: motion", "while", "a standing rule".
	where string
	// wakes says that the answer is followed as time goes by, not only on events.
	wakes bool
}

// uses collects what the expressions of one rule name.
type uses struct {
	reads      engine.Reads
	statuses   bool
	atEnd      bool
	names      map[engine.Kind][]string // constant names, by the kind of event that has them
	zones      []engine.ZoneRef
	lines      []engine.LineRef
	balances   []engine.LineRef // those whose balance is read
	schedules  []int
	relays     []string
	flags      []string
	lists      []int // that plate.on and the like look into
	deviceList bool  // plate.list is read
	heading    bool  // plate.heading is
	confidence bool  // plate.confidence is
	near       bool  // plate.near decides for it, not against
	steps      int
}

// compiler compiles one expression.
type compiler struct {
	ld       *loader
	at       at
	scope    scope
	span     *span
	uses     *uses
	depth    int       // predicates around
	entry    *val      // the entry of the innermost predicate
	never    bool      // parts that cannot hold together were found
	neg      bool      // under an odd number of !
	leafNode ast.Node  // the leaf being compiled
	readings []reading // what the leaf reads
	also     []reading // what says more about the word being compiled
	gap      *gap      // the leaf's comparison with a constant
}

// errorf reports at a node and gives nil, so that callers can return it.
func (c *compiler) errorf(n ast.Node, format string, args ...any) *val {
	c.errorAt(n.Location().From, format, args...)
	return nil
}

func (c *compiler) errorAt(offset int, format string, args ...any) {
	line, col := c.span.place(offset)
	c.at.put(line, col, false, fmt.Sprintf(format, args...))
}

func (c *compiler) warnf(n ast.Node, format string, args ...any) {
	line, col := c.span.place(n.Location().From)
	c.at.put(line, col, true, fmt.Sprintf(format, args...))
}

// parse reads the expression's text; nil when it cannot, which is reported.
func (c *compiler) parse(text string) (node ast.Node) {
	switch {
	case len(text) > maxSource:
		c.errorAt(0, "an expression is at most %d bytes long, this one has %d", maxSource, len(text))
		return nil
	case strings.TrimSpace(text) == "":
		c.errorAt(0, "the expression is empty")
		return nil
	case !utf8.ValidString(text):
		c.errorAt(0, "the expression is not valid UTF-8")
		return nil
	}
	if from := tooManyBrackets(text); from >= 0 {
		c.errorAt(from, tooDeep, maxNesting)
		return nil
	}
	tree, err := parser.Parse(text)
	if err != nil {
		from, message := 0, err.Error()
		if fe, ok := err.(*file.Error); ok {
			from, message = fe.From, fe.Message
		}
		if r := []rune(text); from+1 < len(r) && r[from] == '=' && r[from+1] == '>' {
			message = "=> compares nothing (did you mean >=?)"
		} else if from+1 < len(r) && r[from] == '=' && r[from+1] == '<' {
			message = "=< compares nothing (did you mean <=?)"
		}
		c.errorAt(from, "%s", parseMessage(message))
		return nil
	}
	m := measure{}
	m.walk(tree.Node, 1)
	switch {
	case m.deep != nil:
		c.errorf(m.deep, tooDeep, maxNesting)
		return nil
	case m.parts > maxParts:
		c.errorf(tree.Node, "an expression has at most %d parts; in a < b < c the part in the middle counts twice", maxParts)
		return nil
	}
	return tree.Node
}

// parseMessage puts the parser's words into ours.
func parseMessage(m string) (why string) {
	m, _, _ = strings.Cut(m, "\n")
	switch {
	case strings.HasPrefix(m, "unexpected token EOF"):
		return "the expression ends too early"
	case strings.HasPrefix(m, "a map key"):
		return "mappings are not part of conditions"
	case m == "literal not terminated":
		return "a text has no closing quote"
	case strings.HasPrefix(m, `unexpected token Operator("#")`):
		return "# is the entry of a list and can only stand in any, all, none or one"
	case strings.HasPrefix(m, "unexpected token Operator(\"=\")"):
		return "a single = compares nothing (did you mean ==?)"
	case strings.HasPrefix(m, "unexpected token "):
		what := strings.TrimPrefix(m, "unexpected token ")
		if _, tok, ok := strings.Cut(what, "("); ok {
			what = strings.TrimSuffix(tok, ")")
		}
		return "unexpected " + what
	}
	return m
}

// condition compiles a text to a condition tree and what it needs; nil when it has errors.
func (c *compiler) condition(text string) *branch {
	n := c.parse(text)
	if n == nil {
		return nil
	}
	b := c.branch(n)
	if b == nil {
		return nil
	}
	c.uses.steps = min(c.uses.steps+b.steps, muchTooMany)
	if b.constant != nil {
		c.errorf(n, "the condition is always %s", *b.constant)
		return nil
	}
	for _, k := range b.always {
		c.warnf(k.node, "this part is always %s: %s", k.truth, k.node.String())
	}
	if c.never {
		c.warnf(n, "the condition is never true: its parts exclude each other")
	}
	return b
}

// branch is a part of the tree of a condition.
type branch struct {
	cond     *engine.Cond
	need     need
	constant *engine.Truth
	always   []always // parts that fold to a constant, in a whole that does not
	steps    int
}

type always struct {
	node  ast.Node
	truth engine.Truth
}

// branch compiles a node and splits it at &&, || and !.
func (c *compiler) branch(n ast.Node) *branch {
	switch x := n.(type) {
	case *ast.UnaryNode:
		if isNot(x) {
			if inner, ok := x.Node.(*ast.UnaryNode); ok && isNot(inner) {
				return c.branch(inner.Node)
			}
			c.neg = !c.neg
			k := c.branch(x.Node)
			c.neg = !c.neg
			if k == nil {
				return nil
			}
			b := &branch{cond: &engine.Cond{Op: engine.CondNot, Kids: []*engine.Cond{k.cond}, Text: n.String()}, always: k.always, steps: k.steps + 1}
			if k.constant != nil {
				t := k.constant.Not()
				b.constant = &t
			}
			return b
		}
	case *ast.BinaryNode:
		switch x.Operator {
		case "&&", "and":
			return c.join(x, engine.CondAnd)
		case "||", "or":
			return c.join(x, engine.CondOr)
		}
	}
	return c.leaf(n)
}

// join compiles an && or ||. A row of them (a && b && c) is one list: taken two by two, each would write the text of all
// before it.
func (c *compiler) join(x *ast.BinaryNode, op engine.CondOp) *branch {
	nodes := row(x)
	kids := make([]*branch, len(nodes))
	failed := false
	for i, n := range nodes {
		kids[i] = c.branch(n)
		failed = failed || kids[i] == nil
	}
	if failed {
		return nil
	}
	// absorbing is what decides the whole: false for &&, true for ||.
	absorbing := engine.TruthOf(op == engine.CondOr)
	b := &branch{cond: &engine.Cond{Op: op, Text: x.String()}, steps: len(kids) - 1}
	constants := 0
	for i, k := range kids {
		b.steps = min(b.steps+k.steps, muchTooMany)
		// Brackets do not make it another list.
		if k.cond.Op == op {
			b.cond.Kids = append(b.cond.Kids, k.cond.Kids...)
		} else {
			b.cond.Kids = append(b.cond.Kids, k.cond)
		}
		switch {
		case i == 0:
			b.need = k.need
		case op == engine.CondAnd:
			var never bool
			if b.need, never = b.need.both(k.need); never && !c.neg {
				c.never = true
			}
		default:
			b.need = b.need.either(k.need)
		}
		if k.constant != nil {
			constants++
			if *k.constant == absorbing {
				b.constant = k.constant
			}
		}
		b.always = append(b.always, k.always...)
	}
	if constants == len(kids) && b.constant == nil {
		b.constant = kids[0].constant
	}
	for i, k := range kids {
		if b.constant == nil && k.constant != nil {
			b.always = append(b.always, always{nodes[i], *k.constant})
		}
	}
	return b
}

// leaf compiles a part that is not split further.
func (c *compiler) leaf(n ast.Node) *branch {
	c.leafNode, c.readings, c.gap = n, nil, nil
	v := c.truth(n)
	if v == nil {
		return nil
	}
	b := &branch{need: v.need, steps: v.steps}
	if v.constant {
		t := v.bool()
		b.constant = &t
	}
	test := v.leaf
	if test == nil {
		f := v.truth
		test = func(l *engine.Look) engine.Truth { return f(l, nil) }
	}
	b.cond = &engine.Cond{Op: engine.CondLeaf, Test: test, Text: n.String(), Read: c.reader(n)}
	return b
}

// truth compiles a node that must be a true or false.
func (c *compiler) truth(n ast.Node) *val {
	v := c.value(n)
	if v == nil {
		return nil
	}
	switch v.kind {
	case kBool:
		return v
	case kUntyped:
		f := v.any
		return &val{kind: kBool, node: n, steps: v.steps + 1, truth: func(l *engine.Look, it *item) engine.Truth {
			x, ok := f(l, it)
			b, is := x.(bool)
			if !ok || !is {
				return engine.Unknown
			}
			return engine.TruthOf(b)
		}}
	}
	return c.errorf(n, "%s is %s, where a true or false is needed", n.String(), v.kind)
}

// value compiles any node; nil when it has errors, which are reported.
func (c *compiler) value(n ast.Node) *val {
	if !whole(n) {
		return c.node(n)
	}
	mark := len(c.readings)
	v := c.node(n)
	also := c.also
	c.also = nil
	c.read(mark, n, v)
	for _, r := range also {
		c.readAlso(r)
	}
	return v
}

func (c *compiler) node(n ast.Node) *val {
	switch x := n.(type) {
	case *ast.BoolNode:
		return constBool(n, x.Value)
	case *ast.IntegerNode:
		return constNumber(n, float64(x.Value))
	case *ast.FloatNode:
		return constNumber(n, x.Value)
	case *ast.StringNode:
		return constText(n, x.Value)
	case *ast.NilNode:
		return c.errorf(n, "nil is not part of the rule language; ask known(…) whether a value is known")
	case *ast.IdentifierNode:
		return c.identifier(x)
	case *ast.MemberNode:
		return c.member(x)
	case *ast.ChainNode:
		return c.value(x.Node)
	case *ast.CallNode:
		return c.call(x)
	case *ast.BuiltinNode:
		return c.builtin(n, x.Name, x.Arguments)
	case *ast.UnaryNode:
		return c.unary(x)
	case *ast.BinaryNode:
		return c.binary(x)
	case *ast.ConditionalNode:
		return c.conditional(x)
	case *ast.ArrayNode:
		return c.array(x)
	case *ast.PointerNode:
		return c.pointer(x)
	case *ast.PredicateNode:
		return c.errorf(n, "a predicate can only stand in any, all, none or one")
	case *ast.SliceNode:
		return c.errorf(n, "slices are not part of the rule language; startsWith, endsWith and contains look into a text")
	case *ast.MapNode:
		return c.errorf(n, "mappings are not part of conditions")
	case *ast.VariableDeclaratorNode, *ast.SequenceNode:
		return c.errorf(n, "a condition is one expression, without let and ;")
	}
	return c.errorf(n, "this is not part of the rule language")
}

// pointer compiles # and #index.
func (c *compiler) pointer(x *ast.PointerNode) *val {
	switch {
	case c.entry == nil:
		return c.errorf(x, "# is the entry of a list and can only stand in any, all, none or one")
	case x.Name == "index":
		return &val{kind: kNumber, node: x, steps: 1, num: func(_ *engine.Look, it *item) (float64, bool) { return float64(it.index), true }}
	case x.Name != "":
		return c.errorf(x, "unknown name #%s (did you mean #index?)", x.Name)
	}
	v := *c.entry
	v.node = x
	return &v
}

// array compiles a list written in the expression.
func (c *compiler) array(x *ast.ArrayNode) *val {
	if len(x.Nodes) > maxItems {
		return c.errorf(x, "a list has at most %d entries, this one has %d", maxItems, len(x.Nodes))
	}
	v := &val{kind: kList, node: x, constant: true, steps: 1}
	for _, n := range x.Nodes {
		e := c.value(n)
		if e == nil {
			return nil
		}
		if e.kind != kText && e.kind != kNumber {
			return c.errorf(n, "a list holds texts or numbers, not %s", e.kind)
		}
		if len(v.items) > 0 && e.kind != v.items[0].kind {
			return c.errorf(n, "a list holds entries of one type: this is %s, the first is %s", e.kind, v.items[0].kind)
		}
		v.items = append(v.items, e)
		v.constant = v.constant && e.constant
		v.steps += e.steps
	}
	return v
}

// conditional compiles cond ? a : b. An unknown condition makes it unknown.
func (c *compiler) conditional(x *ast.ConditionalNode) *val {
	if !x.Ternary {
		return c.errorf(x.Cond, "if is not part of the rule language; write condition ? a : b")
	}
	q, a, b := c.truth(x.Cond), c.value(x.Exp1), c.value(x.Exp2)
	if q == nil || a == nil || b == nil {
		return nil
	}
	if !c.same(x, &a, &b) {
		return nil
	}
	v := &val{kind: a.kind, node: x, steps: q.steps + a.steps + b.steps + 1, constant: q.constant && a.constant && b.constant, long: a.long || b.long, moves: a.grows || a.moves || b.grows || b.moves}
	if q.constant {
		return c.errorf(x.Cond, "the condition is always %s", q.bool())
	}
	f := q.truth
	pick := func(l *engine.Look, it *item) *val {
		switch f(l, it) {
		case engine.True:
			return a
		case engine.False:
			return b
		}
		return nil
	}
	v.through(pick)
	return v
}

// through makes a value's closures from a choice between values of its kind; nil is unknown.
func (v *val) through(pick func(*engine.Look, *item) *val) {
	switch v.kind {
	case kBool:
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			if p := pick(l, it); p != nil {
				return p.truth(l, it)
			}
			return engine.Unknown
		}
	case kNumber:
		v.num = func(l *engine.Look, it *item) (float64, bool) {
			if p := pick(l, it); p != nil {
				return p.num(l, it)
			}
			return 0, false
		}
	case kText:
		v.text = func(l *engine.Look, it *item) (string, bool) {
			if p := pick(l, it); p != nil {
				return p.text(l, it)
			}
			return "", false
		}
	case kDuration:
		v.dur = func(l *engine.Look, it *item) (time.Duration, bool) {
			if p := pick(l, it); p != nil {
				return p.dur(l, it)
			}
			return 0, false
		}
	case kTime:
		v.time = func(l *engine.Look, it *item) (time.Time, bool) {
			if p := pick(l, it); p != nil {
				return p.time(l, it)
			}
			return time.Time{}, false
		}
	case kUntyped:
		v.any = func(l *engine.Look, it *item) (any, bool) {
			if p := pick(l, it); p != nil {
				return p.any(l, it)
			}
			return nil, false
		}
	}
}

// same brings two values to one kind: a plain text beside a duration is one, a typed value beside an untyped is untyped.
func (c *compiler) same(n ast.Node, a, b **val) bool {
	for _, p := range []struct{ x, y **val }{{a, b}, {b, a}} {
		x, y := *p.x, *p.y
		switch {
		case x.kind == kDuration && y.kind == kText && y.constant:
			d := c.durationOf(y)
			if d == nil {
				return false
			}
			*p.y = d
		case x.kind == kUntyped && y.kind != kUntyped && y.kind != kList:
			*p.y = &val{kind: kUntyped, node: y.node, any: y.asAny(), steps: y.steps + 1, constant: y.constant}
		}
	}
	if (*a).kind != (*b).kind {
		c.errorf(n, "both sides must be of one type: %s is %s, %s is %s", (*a).node.String(), (*a).kind, (*b).node.String(), (*b).kind)
		return false
	}
	if k := (*a).kind; k == kList || k == kBox {
		c.errorf(n, "%s cannot stand here", k)
		return false
	}
	return true
}

// durationOf turns a constant text into a duration; nil with a report when it is none.
func (c *compiler) durationOf(v *val) *val {
	if v.kind == kDuration {
		return v
	}
	if v.kind == kNumber && v.constant {
		return c.errorf(v.node, "a duration is written as a text with its unit, not as a number (did you mean %q?)", formatNumber(v.number())+"s")
	}
	if v.kind != kText || !v.constant {
		return c.errorf(v.node, `a duration such as "10s" is needed here, not %s`, v.kind)
	}
	d, err := schedule.ParseDuration(v.str())
	switch {
	case err != nil:
		return c.errorf(v.node, "%v", err)
	case d > maxDuration:
		return c.errorf(v.node, "a duration is at most 3650d, not %s", cut(v.str()))
	}
	return constDuration(v.node, d)
}
