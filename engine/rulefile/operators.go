package rulefile

import (
	"math"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/sallyport/sallyport/engine"
	"github.com/sallyport/sallyport/engine/scene"
)

func (c *compiler) unary(x *ast.UnaryNode) *val {
	switch x.Operator {
	case "!", "not":
		if inner, ok := x.Node.(*ast.UnaryNode); ok && isNot(inner) {
			return c.truth(inner.Node)
		}
		v := c.truth(x.Node)
		if v == nil {
			return nil
		}
		f := v.truth
		return &val{kind: kBool, node: x, constant: v.constant, steps: v.steps + 1, truth: func(l *engine.Look, it *item) engine.Truth { return f(l, it).Not() }}
	case "-", "+":
		v := c.value(x.Node)
		if v == nil {
			return nil
		}
		if v.kind != kNumber {
			return c.errorf(x, "%s needs a number, not %s", x.Operator, v.kind)
		}
		f, sign := v.num, 1.0
		if x.Operator == "-" {
			sign = -1
		}
		return &val{kind: kNumber, node: x, constant: v.constant, steps: v.steps + 1, num: func(l *engine.Look, it *item) (float64, bool) {
			n, ok := f(l, it)
			return sign * n, ok
		}}
	}
	return c.errorf(x, "the operator %s is not part of the rule language", x.Operator)
}

func (c *compiler) binary(x *ast.BinaryNode) *val {
	switch x.Operator {
	case "&&", "and", "||", "or":
		return c.logic(x)
	case "..":
		return c.errorf(x, "ranges (..) are not part of the rule language")
	case "**", "^":
		return c.errorf(x, "powers (%s) are not part of the rule language", x.Operator)
	}
	a, b := c.value(x.Left), c.value(x.Right)
	if a == nil || b == nil {
		return nil
	}
	switch x.Operator {
	case "==", "!=", "<", "<=", ">", ">=":
		return c.compare(x, x.Operator, a, b)
	case "in":
		return c.in(x, a, b)
	case "matches", "contains", "startsWith", "endsWith":
		return c.search(x, a, b)
	case "+", "-", "*", "/", "%":
		return c.arithmetic(x, a, b)
	case "??":
		return c.otherwise(x, a, b)
	}
	return c.errorf(x, "the operator %s is not part of the rule language", x.Operator)
}

// logic is an && or || inside a leaf: from left to right, and an unknown that is met makes it unknown.
func (c *compiler) logic(x *ast.BinaryNode) *val {
	a, b := c.truth(x.Left), c.truth(x.Right)
	if a == nil || b == nil {
		return nil
	}
	stop := engine.TruthOf(x.Operator == "||" || x.Operator == "or")
	f, g := a.truth, b.truth
	return &val{kind: kBool, node: x, constant: a.constant && b.constant, steps: a.steps + b.steps + 1, truth: func(l *engine.Look, it *item) engine.Truth {
		if t := f(l, it); t == stop || t == engine.Unknown {
			return t
		}
		return g(l, it)
	}}
}

// otherwise is a ?? b: b where a is unknown.
func (c *compiler) otherwise(x *ast.BinaryNode, a, b *val) *val {
	if !c.same(x, &a, &b) {
		return nil
	}
	if a.constant {
		c.warnf(x.Left, "this part is always known: %s", x.Left.String())
	}
	if len(a.words) > 0 && b.constant {
		c.checkWord(a, b)
	}
	v := &val{kind: a.kind, node: x, steps: a.steps + b.steps + 1, constant: a.constant && b.constant, words: a.words, long: a.long || b.long, moves: a.grows || a.moves || b.grows || b.moves}
	if b.kind != kText || !b.constant {
		v.words = nil
	} else if v.words != nil && !contains(v.words, b.str()) {
		v.words = append(append([]string(nil), v.words...), b.str())
	}
	switch v.kind {
	case kBool:
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			if t := a.truth(l, it); t != engine.Unknown {
				return t
			}
			return b.truth(l, it)
		}
	case kNumber:
		v.num = func(l *engine.Look, it *item) (float64, bool) {
			if r, ok := a.num(l, it); ok {
				return r, true
			}
			return b.num(l, it)
		}
	case kText:
		v.text = func(l *engine.Look, it *item) (string, bool) {
			if r, ok := a.text(l, it); ok {
				return r, true
			}
			return b.text(l, it)
		}
	case kDuration:
		v.dur = func(l *engine.Look, it *item) (time.Duration, bool) {
			if r, ok := a.dur(l, it); ok {
				return r, true
			}
			return b.dur(l, it)
		}
	case kTime:
		v.time = func(l *engine.Look, it *item) (time.Time, bool) {
			if r, ok := a.time(l, it); ok {
				return r, true
			}
			return b.time(l, it)
		}
	case kUntyped:
		v.any = func(l *engine.Look, it *item) (any, bool) {
			if r, ok := a.any(l, it); ok {
				return r, true
			}
			return b.any(l, it)
		}
	}
	return v
}

// checkWord refuses a constant that the other side can never be. A default after ?? may be any word.
func (c *compiler) checkWord(a, b *val) bool {
	if a.words == nil || !b.constant || b.kind != kText || contains(a.words, b.str()) {
		return true
	}
	if _, def := b.node.(*ast.StringNode); !def {
		return true
	}
	c.errorf(b.node, "%s is %s, never %s%s", a.node.String(), orList(a.words), cut(b.str()), c.at.meant(b.str(), a.words))
	return false
}

// mirrored is the operator with its sides swapped.
func mirrored(op string) string {
	switch op {
	case "<":
		return ">"
	case "<=":
		return ">="
	case ">":
		return "<"
	case ">=":
		return "<="
	}
	return op
}

func (c *compiler) compare(n ast.Node, op string, a, b *val) *val {
	if a.constant && !b.constant {
		return c.compare(n, mirrored(op), b, a)
	}
	switch {
	case a.kind == kUntyped || b.kind == kUntyped:
		u := a
		if b.kind == kUntyped {
			u = b
		}
		return c.errorf(n, "%s is untyped; compare string(%s) or float(%s)", u.node.String(), u.node.String(), u.node.String())
	case a.kind == kDuration:
		if b = c.durationOf(b); b == nil {
			return nil
		}
	case b.kind == kDuration:
		if a = c.durationOf(a); a == nil {
			return nil
		}
	}
	if a.kind != b.kind {
		return c.errorf(n, "%s is %s and cannot be compared with %s, which is %s", a.node.String(), a.kind, b.node.String(), b.kind)
	}
	equality := op == "==" || op == "!="
	v := &val{kind: kBool, node: n, constant: a.constant && b.constant, steps: a.steps + b.steps + 1}
	switch a.kind {
	case kBool:
		if !equality {
			return c.errorf(n, "true and false can be compared with == and != only")
		}
		want := engine.TruthOf(op == "==")
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			x, y := a.truth(l, it), b.truth(l, it)
			if x == engine.Unknown || y == engine.Unknown {
				return engine.Unknown
			}
			return engine.TruthOf((x == y) == (want == engine.True))
		}
	case kNumber:
		c.compareNumbers(v, op, a, b)
	case kText:
		if !equality {
			return c.errorf(n, "texts can be compared with == and != only")
		}
		if !c.checkWord(a, b) {
			return nil
		}
		if a.what == isCameraName && b.constant && !c.cameraExists(b) {
			return nil
		}
		c.compareTexts(v, op, a, b)
	case kDuration:
		c.compareDurations(v, op, a, b)
	case kTime:
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			x, ok1 := a.time(l, it)
			y, ok2 := b.time(l, it)
			if !ok1 || !ok2 {
				return engine.Unknown
			}
			return holds(op, x.Compare(y))
		}
	default:
		return c.errorf(n, "%s cannot be compared", a.kind)
	}
	return v
}

// holds tells whether a comparison with this outcome (-1, 0, 1) satisfies an operator.
func holds(op string, cmp int) engine.Truth {
	switch op {
	case "==":
		return engine.TruthOf(cmp == 0)
	case "!=":
		return engine.TruthOf(cmp != 0)
	case "<":
		return engine.TruthOf(cmp < 0)
	case "<=":
		return engine.TruthOf(cmp <= 0)
	case ">":
		return engine.TruthOf(cmp > 0)
	}
	return engine.TruthOf(cmp >= 0)
}

func order(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func (c *compiler) compareNumbers(v *val, op string, a, b *val) {
	f, g := a.num, b.num
	if b.constant {
		k := b.number()
		if v.node == c.leafNode && op != "==" && op != "!=" {
			c.gap = &gap{a: a, k: k}
		}
		if a.bounded {
			c.checkBounds(v.node, op, a, k)
		}
		if a.what == isOverlap && positive(op, k) {
			v.need = c.pin(a.zone)
		}
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			x, ok := f(l, it)
			if !ok {
				return engine.Unknown
			}
			return holds(op, order(x, k))
		}
		return
	}
	v.truth = func(l *engine.Look, it *item) engine.Truth {
		x, ok1 := f(l, it)
		y, ok2 := g(l, it)
		if !ok1 || !ok2 {
			return engine.Unknown
		}
		return holds(op, order(x, y))
	}
}

// checkBounds warns of a comparison that a number's range decides.
func (c *compiler) checkBounds(n ast.Node, op string, a *val, k float64) {
	var yes, no bool
	switch op {
	case "==", "!=":
		yes, no = k >= a.low && k <= a.high, true
		if op == "!=" {
			yes, no = no, yes
		}
	case "<":
		yes, no = a.low < k, a.high >= k
	case "<=":
		yes, no = a.low <= k, a.high > k
	case ">":
		yes, no = a.high > k, a.low <= k
	case ">=":
		yes, no = a.high >= k, a.low < k
	}
	if yes && no {
		return
	}
	word := "always"
	if no {
		word = "never"
	}
	c.warnf(n, "this part is %s true: %s is %s to %s", word, a.node.String(), formatNumber(a.low), formatNumber(a.high))
}

// positive tells whether a value of at least 0 that satisfies the comparison is surely above 0.
func positive(op string, k float64) bool {
	return op == ">" && k >= 0 || (op == ">=" || op == "==") && k > 0
}

func (c *compiler) compareTexts(v *val, op string, a, b *val) {
	same := op == "=="
	if b.constant {
		k := b.str()
		switch a.what {
		case isTargetClass:
			class, _ := scene.ParseClass(k)
			v.leaf = func(l *engine.Look) engine.Truth {
				x, ok := l.TargetClass()
				if !ok {
					return engine.Unknown
				}
				return engine.TruthOf((x == class) == same)
			}
			if same {
				v.need.classes = scene.Classes(class)
			} else {
				v.need.classes = scene.Classes(scene.Person, scene.Car, scene.Motor) &^ scene.Classes(class)
			}
		case isCameraName:
			if same {
				v.need.cams = []int{c.ld.cameras[k]}
				v.need.names = []string{k}
			}
		case isEventName:
			if same {
				v.need.names = []string{k}
			}
		}
		if v.leaf != nil {
			leaf := v.leaf
			v.truth = func(l *engine.Look, _ *item) engine.Truth { return leaf(l) }
			return
		}
		f := a.text
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			x, ok := f(l, it)
			if !ok {
				return engine.Unknown
			}
			return engine.TruthOf((x == k) == same)
		}
		return
	}
	f, g := a.text, b.text
	v.truth = func(l *engine.Look, it *item) engine.Truth {
		x, ok1 := f(l, it)
		y, ok2 := g(l, it)
		if !ok1 || !ok2 {
			return engine.Unknown
		}
		return engine.TruthOf((x == y) == same)
	}
}

func (c *compiler) compareDurations(v *val, op string, a, b *val) {
	f, g := a.dur, b.dur
	if b.constant {
		k := b.duration()
		if v.node == c.leafNode && op != "==" && op != "!=" {
			c.gap = &gap{a: a, dur: true, bound: k}
		}
		switch {
		case op == ">=" && k == 0, op == "<" && k == 0:
			c.warnf(v.node, "this part is %s true: a duration is never below 0", map[string]string{">=": "always", "<": "never"}[op])
		case !positive(op, float64(k)):
		case a.what == isDwell:
			v.need = c.pin(a.zone)
			v.need.zones = []engine.ZoneRef{a.zone}
		case a.what == isDwellTotal:
			v.need = c.pin(a.zone)
		}
		// The answer changes by itself when the bound is reached, or just after it.
		wakes, moves, late := a.grows && c.scope.wakes, a.moves && c.scope.wakes, time.Duration(0)
		if op == ">" || op == "<=" {
			late = 1
		}
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			x, ok := f(l, it)
			if !ok {
				return engine.Unknown
			}
			if moves {
				l.WakeIn(poll(x - k))
			}
			if wakes {
				if x < k+late {
					l.WakeIn(k + late - x)
				} else if x == k && (op == "==" || op == "!=") {
					l.WakeIn(1)
				}
			}
			return holds(op, orderDurations(x, k))
		}
		return
	}
	wakes := c.scope.wakes && (a.grows || a.moves || b.grows || b.moves)
	v.truth = func(l *engine.Look, it *item) engine.Truth {
		x, ok1 := f(l, it)
		y, ok2 := g(l, it)
		if !ok1 || !ok2 {
			return engine.Unknown
		}
		if wakes {
			l.WakeIn(poll(x - y))
		}
		return holds(op, orderDurations(x, y))
	}
}

// poll is when to look again at two durations that may meet: at half the way, so that they are not missed by more than
// 20 ms, nor looked at more often.
func poll(gap time.Duration) time.Duration { return max(max(gap, -gap)/2, 20*time.Millisecond) }

func orderDurations(x, y time.Duration) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// in is x in [a, b, c].
func (c *compiler) in(n ast.Node, a, b *val) *val {
	if b.kind == kUntyped {
		return c.errorf(n, "the entries of %s are untyped; write any(%s, string(#) == …)", b.node.String(), b.node.String())
	}
	if b.kind != kList {
		return c.errorf(n, "in needs a list on its right, not %s; contains looks into a text", b.kind)
	}
	v := &val{kind: kBool, node: n, constant: a.constant && b.constant, steps: a.steps + b.steps + len(b.items) + 1}
	if len(b.items) == 0 {
		return constBool(n, false)
	}
	if a.kind == kUntyped {
		return c.errorf(n, "%s is untyped; write string(%s) in …", a.node.String(), a.node.String())
	}
	if a.kind != b.items[0].kind {
		return c.errorf(n, "%s is %s, the entries of the list are not: the first is %s", a.node.String(), a.kind, b.items[0].kind)
	}
	for _, e := range b.items {
		if !c.checkWord(a, e) {
			return nil
		}
	}
	if !b.constant {
		c.inLoose(v, a, b)
		return v
	}
	if a.kind == kNumber {
		list := make([]float64, len(b.items))
		for i, e := range b.items {
			list[i] = e.number()
		}
		f := a.num
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			x, ok := f(l, it)
			if !ok {
				return engine.Unknown
			}
			return engine.TruthOf(has(list, x))
		}
		return v
	}
	list := make([]string, len(b.items))
	for i, e := range b.items {
		list[i] = e.str()
	}
	switch a.what {
	case isTargetClass:
		var set scene.ClassSet
		for _, s := range list {
			class, _ := scene.ParseClass(s)
			set |= scene.Classes(class)
		}
		v.need.classes = set
		v.leaf = func(l *engine.Look) engine.Truth {
			x, ok := l.TargetClass()
			if !ok {
				return engine.Unknown
			}
			return engine.TruthOf(set.Has(x))
		}
		leaf := v.leaf
		v.truth = func(l *engine.Look, _ *item) engine.Truth { return leaf(l) }
		return v
	case isCameraName:
		for i, e := range b.items {
			if !c.cameraExists(e) {
				return nil
			}
			v.need.cams = union(v.need.cams, []int{c.ld.cameras[list[i]]})
		}
		v.need.names = list
	case isEventName:
		v.need.names = list
	}
	f := a.text
	v.truth = func(l *engine.Look, it *item) engine.Truth {
		x, ok := f(l, it)
		if !ok {
			return engine.Unknown
		}
		return engine.TruthOf(has(list, x))
	}
	return v
}

// inLoose is in for a list whose entries are not all constant.
func (c *compiler) inLoose(v, a, b *val) {
	v.truth = func(l *engine.Look, it *item) engine.Truth {
		found := engine.False
		for _, e := range b.items {
			same, ok := false, false
			if a.kind == kNumber {
				x, ok1 := a.num(l, it)
				y, ok2 := e.num(l, it)
				same, ok = x == y, ok1 && ok2
			} else {
				x, ok1 := a.text(l, it)
				y, ok2 := e.text(l, it)
				same, ok = x == y, ok1 && ok2
			}
			if !ok {
				return engine.Unknown
			}
			if same {
				found = engine.True
			}
		}
		return found
	}
}

// textSteps is what looking through a text costs, in steps of at most a quarter of a microsecond. A text of a device is
// short, one of a message may have maxText.
func textSteps(v *val) int {
	if v.long {
		return v.steps + 80
	}
	return v.steps + 2
}

func (c *compiler) search(x *ast.BinaryNode, a, b *val) *val {
	for _, v := range []*val{a, b} {
		if v.kind == kUntyped {
			return c.errorf(v.node, "%s is untyped; write string(%s)", v.node.String(), v.node.String())
		}
		if v.kind != kText {
			return c.errorf(v.node, "%s works on texts; %s is %s", x.Operator, v.node.String(), v.kind)
		}
	}
	v := &val{kind: kBool, node: x, constant: a.constant && b.constant, steps: textSteps(a) + textSteps(b)}
	f, g := a.text, b.text
	var test func(s, t string) bool
	switch x.Operator {
	case "matches":
		if !b.constant {
			return c.errorf(b.node, "matches needs a constant pattern")
		}
		if len(b.str()) > 256 {
			return c.errorf(b.node, "a pattern is at most 256 bytes long")
		}
		re, err := regexp.Compile(b.str())
		if err != nil {
			return c.errorf(b.node, "the pattern cannot be used: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		// The matcher may keep as many states as the pattern has parts, for each character.
		v.steps += patternSteps(b.str(), a.long)
		v.truth = func(l *engine.Look, it *item) engine.Truth {
			s, ok := f(l, it)
			if !ok {
				return engine.Unknown
			}
			return engine.TruthOf(re.MatchString(s))
		}
		return v
	case "contains":
		test = strings.Contains
	case "startsWith":
		test = strings.HasPrefix
	case "endsWith":
		test = strings.HasSuffix
	}
	v.truth = func(l *engine.Look, it *item) engine.Truth {
		s, ok1 := f(l, it)
		t, ok2 := g(l, it)
		if !ok1 || !ok2 {
			return engine.Unknown
		}
		return engine.TruthOf(test(s, t))
	}
	return v
}

// patternSteps is the worst that matching takes, at 10 ns for each state and character.
func patternSteps(pattern string, long bool) int {
	characters := 256
	if long {
		characters = maxText
	}
	states := maxSteps
	if tree, err := syntax.Parse(pattern, syntax.Perl); err == nil {
		if prog, err := syntax.Compile(tree.Simplify()); err == nil {
			states = len(prog.Inst)
		}
	}
	return min(states*(characters/25), muchTooMany)
}

// arithmetic is + - * / %. One operation at a time, each rounded, so that every machine gets the same number.
func (c *compiler) arithmetic(x *ast.BinaryNode, a, b *val) *val {
	op := x.Operator
	if a.kind == kDuration || b.kind == kDuration || a.kind == kTime {
		return c.timeArithmetic(x, a, b)
	}
	for _, v := range []*val{a, b} {
		if v.kind == kUntyped {
			return c.errorf(v.node, "%s is untyped; write float(%s) or string(%s)", v.node.String(), v.node.String(), v.node.String())
		}
	}
	v := &val{node: x, constant: a.constant && b.constant, steps: a.steps + b.steps + 1}
	if op == "+" && a.kind == kText && b.kind == kText {
		v.kind, v.long = kText, a.long || b.long
		v.steps = textSteps(a) + textSteps(b)
		f, g := a.text, b.text
		v.text = func(l *engine.Look, it *item) (string, bool) {
			s, ok1 := f(l, it)
			t, ok2 := g(l, it)
			if !ok1 || !ok2 || len(s)+len(t) > maxText {
				return "", false
			}
			return s + t, true
		}
		return v
	}
	if a.kind != kNumber || b.kind != kNumber {
		return c.errorf(x, "%s needs two numbers: %s is %s, %s is %s", op, a.node.String(), a.kind, b.node.String(), b.kind)
	}
	v.kind = kNumber
	f, g := a.num, b.num
	v.num = func(l *engine.Look, it *item) (float64, bool) {
		x, ok1 := f(l, it)
		y, ok2 := g(l, it)
		if !ok1 || !ok2 {
			return 0, false
		}
		switch op {
		case "+":
			return finite(x + y)
		case "-":
			return finite(x - y)
		case "*":
			return finite(x * y)
		case "/":
			return finite(x / y)
		}
		return finite(math.Mod(x, y))
	}
	return v
}

// timeArithmetic is time - time, duration + duration and duration - duration.
func (c *compiler) timeArithmetic(x *ast.BinaryNode, a, b *val) *val {
	v := &val{kind: kDuration, node: x, constant: a.constant && b.constant, steps: a.steps + b.steps + 1}
	if a.kind == kTime && b.kind == kTime && x.Operator == "-" {
		v.dur = func(l *engine.Look, it *item) (time.Duration, bool) {
			s, ok1 := a.time(l, it)
			t, ok2 := b.time(l, it)
			return s.Sub(t), ok1 && ok2
		}
		return v
	}
	if a.kind == kTime || b.kind == kTime || x.Operator != "+" && x.Operator != "-" {
		return c.errorf(x, "%s cannot be used on %s and %s", x.Operator, a.kind, b.kind)
	}
	if a, b = c.durationOf(a), c.durationOf(b); a == nil || b == nil {
		return nil
	}
	sign := time.Duration(1)
	if x.Operator == "-" {
		sign = -1
	}
	v.grows = a.grows && b.constant
	v.moves = !v.grows && (a.grows || a.moves || b.grows || b.moves)
	v.dur = func(l *engine.Look, it *item) (time.Duration, bool) {
		s, ok1 := a.dur(l, it)
		t, ok2 := b.dur(l, it)
		return s + sign*t, ok1 && ok2
	}
	return v
}
