package rulefile

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/engine"
	"go.yaml.in/yaml/v4"
)

// maxStepsPerList bounds `do:` and `finally:`.
const maxStepsPerList = 50

// The defaults of steps (docs/rules.md, Actions).
const (
	defaultTimeout = 10 * time.Second
	expiresOnce    = 3 * time.Second
	expiresNotify  = time.Hour
	expiresTold    = 24 * time.Hour
)

func verbNames() []string {
	return []string{"relay", "http", "run", "shell", "plates", "camera", "notify", "mqtt", "flag", "count", "log"}
}

func stepKeys() []string {
	return []string{"if", "after", "timeout", "expires", "retry", "durable", "wait", "on_error"}
}

func onErrorWords() []string { return []string{"stop", "continue"} }

// setWords are what a relay can be set to.
func setWords() []string { return []string{"on", "off", "toggle"} }

// platesWords are the edits of plate lists.
func platesWords() []string { return []string{"add", "remove", "update", "move"} }

// platesKeys are the keys that go with an edit of plate lists.
func platesKeys(edit string) []string {
	switch edit {
	case "remove":
		return []string{"number", "list", "cameras"}
	case "move":
		return []string{"number", "list", "to", "cameras"}
	}
	return []string{"number", "list", "cameras", "owner", "phone", "valid"}
}

// listWords are the plate lists that every device has by some name.
func listWords() []string { return []string{"allow", "block", "temporary"} }

func methodWords() []string { return []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"} }

// imageWords are the pictures of an event.
func imageWords() []string { return []string{"scene", "target"} }

// verbKeys are the keys that go with a verb.
func verbKeys(verb string) []string {
	switch verb {
	case "relay":
		return []string{"pulse", "set", "follow"}
	case "http":
		return []string{"method", "headers", "json", "form", "text", "image", "sign", "expect"}
	case "run":
		return []string{"env", "dir"}
	case "plates":
		return []string{"number", "list", "to", "cameras", "owner", "phone", "valid"}
	case "camera":
		return []string{"virtual_alarm", "snapshot"}
	case "notify":
		return []string{"title", "text", "image"}
	case "mqtt":
		return []string{"json", "text", "retain", "qos"}
	case "flag":
		return []string{"set", "for"}
	case "count":
		return []string{"set"}
	}
	return nil
}

// stepCompiler compiles one step.
type stepCompiler struct {
	*ruleCompiler
	at      at
	node    *yaml.Node
	pairs   []pair
	step    engine.Step
	finally bool
}

func (sc *stepCompiler) find(name string) *yaml.Node { return find(sc.pairs, name) }

// steps compiles `do:` and `finally:`.
func (rc *ruleCompiler) steps() {
	for _, list := range []struct {
		key  string
		into *[]engine.Step
	}{{"do", &rc.rule.Do}, {"finally", &rc.rule.Finally}} {
		n := rc.find(list.key)
		if n == nil {
			continue
		}
		a := rc.at.in(list.key)
		items, ok := a.oneOrMore(n, list.key)
		if !ok {
			continue
		}
		if len(items) > maxStepsPerList {
			a.errorf(n, "%s has at most %d steps", list.key, maxStepsPerList)
			continue
		}
		for i, s := range items {
			sc := &stepCompiler{ruleCompiler: rc, at: rc.at.in(fmt.Sprintf("%s %d", list.key, i+1)), node: s, finally: list.key == "finally"}
			if sc.compile() {
				*list.into = append(*list.into, sc.step)
			}
		}
	}
	if rc.find("do") == nil && rc.find("finally") == nil {
		rc.at.warnf(rc.node, "this rule does nothing: do is missing")
	}
}

func (sc *stepCompiler) compile() bool {
	var failed *bool
	sc.at, failed = sc.at.failing()
	a, n := sc.at, sc.node
	if n.Kind != yaml.MappingNode {
		a.errorf(n, "a step is a mapping such as {relay: gate, pulse: 800ms}, not %s", kindWord(n))
		return false
	}
	var verbs []string
	var arg *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i].Value; contains(verbNames(), k) && !contains(verbs, k) {
			verbs = append(verbs, k)
			arg = n.Content[i+1]
		}
	}
	switch {
	case len(verbs) == 0:
		word := ""
		for i := 0; i+1 < len(n.Content) && word == ""; i += 2 {
			word = nearest(n.Content[i].Value, verbNames())
		}
		if word != "" {
			word = " (did you mean " + word + "?)"
		}
		a.errorf(n, "a step has a verb: %s%s", orList(verbNames()), word)
		return false
	case len(verbs) > 1:
		a.errorf(n, "a step has one verb; this one has %s", strings.Join(verbs, " and "))
		return false
	}
	verb := verbs[0]
	if i := slices.IndexFunc(n.Content, func(k *yaml.Node) bool { return k.Value == "alarm_out" }); verb == "camera" && i >= 0 && i%2 == 0 {
		a.errorf(n.Content[i], "the alarm output of a device is a relay: name it under relays: in the site file, with this camera, and write {relay: …} here")
		return false
	}
	pairs, ok := a.mapping(n, "a step", append(append([]string{verb}, verbKeys(verb)...), stepKeys()...))
	if !ok {
		return false
	}
	sc.pairs = pairs
	s := &sc.step
	s.Timeout = defaultTimeout
	switch verb {
	case "relay":
		sc.relay(arg)
	case "http":
		sc.http(arg)
	case "run":
		sc.run(arg)
	case "shell":
		sc.shell(arg)
	case "plates":
		sc.plates(arg)
	case "camera":
		sc.camera(arg)
	case "notify":
		sc.notify(arg)
	case "flag":
		sc.flag(arg)
	case "count":
		sc.count(arg)
	case "log":
		sc.log(arg)
	default:
		a.errorf(n, "the verb %s is not available in this version", verb)
	}
	sc.common(verb)
	return !*failed && s.Args != nil
}

// common reads the keys that every step may have.
func (sc *stepCompiler) common(verb string) {
	a, s := sc.at, &sc.step
	if n := sc.find("if"); n != nil {
		b := a
		b.part += ": if"
		if br := sc.ld.condition(b, n, sc.scope, &sc.acts); br != nil {
			s.If = br.cond
		}
	}
	if n := sc.find("after"); n != nil {
		s.After, _ = a.duration(n, "after", true)
	}
	if n := sc.find("timeout"); n != nil {
		s.Timeout, _ = a.duration(n, "timeout", false)
		if s.Timeout > 10*time.Minute {
			a.errorf(n, "timeout is at most 10m")
		}
	}
	once := verb == "relay" || verb == "camera" || verb == "run" || verb == "shell"
	atOnce := verb == "flag" || verb == "count" || verb == "log"
	if n := sc.find("retry"); n != nil {
		v, ok := a.integer(n, "retry", 0, 100)
		s.Retry = int(v)
		switch {
		case ok && once:
			a.errorf(n, "a %s step is tried once and cannot have retry", verb)
		case ok && atOnce:
			a.errorf(n, "a %s step is done at once and cannot have retry", verb)
		}
	}
	if n := sc.find("durable"); n != nil {
		v, ok := a.boolean(n, "durable")
		switch {
		case ok && v && once:
			a.errorf(n, "a %s step is tried once and cannot be durable", verb)
		case ok && v && atOnce:
			a.errorf(n, "a %s step is done at once and cannot be durable", verb)
		case ok && v && verb == "notify":
			a.errorf(n, "a notify step cannot be durable in this version")
		}
		s.Durable = v
	}
	if n := sc.find("wait"); n != nil {
		s.Wait, _ = a.boolean(n, "wait")
	}
	if n := sc.find("on_error"); n != nil {
		v, ok := a.word(n, "on_error", onErrorWords())
		s.Stop = v == "stop"
		if ok && s.Stop && !s.Wait {
			a.errorf(n, "on_error: stop needs wait: true, else nobody waits for the error")
		}
	}
	off := false
	if r, ok := s.Args.(engine.RelayArgs); ok {
		off = r.Op == engine.RelayOff
	}
	switch {
	case off, verb == "plates", atOnce:
	case verb == "notify":
		s.Expires = expiresNotify
	case verb == "http" && (s.Retry > 0 || s.Durable):
		s.Expires = expiresTold
	default:
		s.Expires = expiresOnce
	}
	if n := sc.find("expires"); n != nil {
		d, _ := a.duration(n, "expires", false)
		switch {
		case off:
			a.errorf(n, "a step that turns a relay off never expires")
		case atOnce:
			a.errorf(n, "a %s step is done at once and never expires", verb)
		default:
			s.Expires = d
		}
	}
}

// relay compiles {relay: gate, pulse: 800ms}, {…, set: on} and {…, follow: true}.
func (sc *stepCompiler) relay(arg *yaml.Node) {
	a := sc.at
	name, ok := a.text(arg, "relay")
	if !ok {
		return
	}
	info, known := sc.ld.site.Relays[name]
	if !known && !sc.ld.site.Open {
		a.errorf(arg, "there is no relay %s%s", cut(name), a.meant(name, sc.ld.relayNames))
		return
	}
	if !known {
		if !validName(name) {
			a.errorf(arg, "%s is not a name: names are a-z, 0-9 and -, begin with a letter and have at most 64 characters", cut(name))
			return
		}
		sc.ld.assumed = true
	}
	args := engine.RelayArgs{Relay: name}
	count := 0
	for _, p := range sc.pairs {
		switch p.name {
		case "pulse":
			count++
			args.Op = engine.RelayPulse
			args.Pulse, ok = a.duration(p.val, "pulse", false)
			if ok && info.MaxOn > 0 && args.Pulse > info.MaxOn {
				a.warnf(p.val, "this pulse is longer than max_on of relay %q (%s), which ends it", name, short(info.MaxOn))
			}
		case "set":
			count++
			w, good := a.word(p.val, "set", setWords())
			if !good {
				return
			}
			args.Op = map[string]engine.RelayOp{"on": engine.RelayOn, "off": engine.RelayOff, "toggle": engine.RelayToggle}[w]
		case "follow":
			count++
			args.Op = engine.RelayFollow
			v, good := a.boolean(p.val, "follow")
			switch {
			case good && !v:
				a.errorf(p.val, "follow: false means nothing; leave the step out")
			case sc.finally:
				a.errorf(p.val, "follow lasts as long as the rule is active, so it cannot stand in finally")
			case !sc.rule.Level && sc.rule.Hold == 0 && !sc.onBad && sc.rule.Per != engine.PerVisit:
				a.warnf(p.val, "this rule happens in an instant and has no hold, so the relay is never on")
			}
		}
	}
	if count != 1 {
		a.errorf(sc.node, "a relay step has one of pulse, set and follow")
		return
	}
	if has(sc.rule.On, engine.KindStart) && args.Op != engine.RelayOff {
		a.errorf(sc.node, "under on: start a relay step can only be set: off")
	}
	for _, u := range []*uses{&sc.uses, &sc.after} {
		if contains(u.relays, name) {
			a.warnf(sc.node, "this rule reads relay %q, which it drives", name)
			break
		}
	}
	sc.step.Args = args
	switch args.Op {
	case engine.RelayPulse:
		sc.step.Text = "relay " + name + " pulse " + short(args.Pulse)
	default:
		sc.step.Text = "relay " + name + " " + args.Op.String()
	}
	d := drive{relay: name, op: args.Op, rule: sc.rule, at: a, node: sc.node, finally: sc.finally}
	// What is done later, or not always, may be meant to undo what the other does.
	d.aside = sc.finally || sc.find("if") != nil || sc.find("after") != nil
	if args.Op != engine.RelayOff {
		sc.moves = append(sc.moves, moved{at: a, node: sc.node, relay: name})
	}
	if args.Op == engine.RelayPulse {
		sc.pulses = append(sc.pulses, d)
	}
	sc.ld.driven = append(sc.ld.driven, d)
}

// short writes a duration as in rule files: 800ms, 90s, 1h30m.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// http compiles a call.
func (sc *stepCompiler) http(arg *yaml.Node) {
	a := sc.at
	address := sc.template(a, arg, "http")
	if address == nil || !sc.checkURL(arg, address) {
		return
	}
	h := engine.HTTPArgs{ExpectMin: 200, ExpectMax: 299}
	type header struct {
		name  string
		value *template
	}
	var headers []header
	var text *template
	var form []header
	var json *body
	bodies := 0
	for _, p := range sc.pairs {
		switch p.name {
		case "method":
			h.Method, _ = a.word(p.val, "method", methodWords())
		case "headers":
			pairs, _ := a.mapping(p.val, "headers", nil)
			for _, f := range pairs {
				if !isToken(f.name) {
					a.errorf(f.key, "%s is not the name of a header", cut(f.name))
					continue
				}
				if t := sc.template(a, f.val, "a header"); t != nil {
					headers = append(headers, header{f.name, t})
				}
			}
		case "json":
			bodies++
			json = sc.jsonBody(a, p.val, 0)
			h.ContentType = "application/json"
		case "form":
			bodies++
			pairs, _ := a.mapping(p.val, "form", nil)
			for _, f := range pairs {
				if t := sc.template(a, f.val, "a field of form"); t != nil {
					form = append(form, header{f.name, t})
				}
			}
			h.ContentType = "application/x-www-form-urlencoded"
		case "text":
			bodies++
			text = sc.template(a, p.val, "text")
			h.ContentType = "text/plain; charset=utf-8"
		case "image":
			bodies++
			h.Image, _ = a.word(p.val, "image", imageWords())
			sc.checkImage(p.val)
		case "sign":
			h.Sign = sc.secret(p.val)
		case "expect":
			h.ExpectMin, h.ExpectMax = a.expect(p.val)
		}
	}
	if bodies > 1 {
		a.errorf(sc.node, "a call has one of json, form, text and image")
		return
	}
	if h.Method == "" {
		h.Method = "GET"
		if bodies > 0 {
			h.Method = "POST"
		}
	}
	if bodies > 0 && (h.Method == "GET" || h.Method == "HEAD") {
		a.errorf(sc.find("method"), "a %s call carries no json, form, text or image", h.Method)
	}
	sc.step.Text = "http " + h.Method + " " + hideUser(address.source)
	fill := func(l *engine.Look) (engine.HTTPArgs, string) {
		h := h
		var known bool
		if h.URL, known = address.make(l, percent); !known {
			return h, "unknown"
		}
		if dotSegment(h.URL) {
			return h, "a value is . or .. in the path"
		}
		for _, f := range headers {
			if v, ok := f.value.field(l); ok {
				h.Headers = append(h.Headers, [2]string{f.name, noControl(v)})
			}
		}
		switch {
		case json != nil:
			b, ok := json.append(nil, l)
			if !ok {
				return h, "unknown"
			}
			h.Body = b
		case form != nil:
			var b strings.Builder
			for _, f := range form {
				if v, ok := f.value.field(l); ok {
					if b.Len() > 0 {
						b.WriteByte('&')
					}
					b.WriteString(url.QueryEscape(f.name) + "=" + url.QueryEscape(v))
				}
			}
			h.Body = []byte(b.String())
		case text != nil:
			h.Body = []byte(text.loose(l))
		}
		return h, ""
	}
	constant := isConstant(address) && (text == nil || isConstant(text)) && (json == nil || json.isConstant())
	for _, f := range append(append([]header(nil), headers...), form...) {
		constant = constant && isConstant(f.value)
	}
	if constant {
		args, skip := fill(nil)
		if skip != "" {
			a.errorf(arg, "the address has a . or .. in its path")
		}
		sc.step.Args = args
		return
	}
	sc.step.Args = engine.HTTPArgs{}
	sc.step.Fill = func(l *engine.Look) (engine.Args, string) {
		args, skip := fill(l)
		return args, skip
	}
}

// secret reads the name of a secret of the site file.
func (sc *stepCompiler) secret(n *yaml.Node) string {
	a, site := sc.at, &sc.ld.site
	name, ok := a.text(n, "sign")
	if !ok || contains(site.Secrets, name) {
		return name
	}
	if !site.Open || !validName(name) {
		a.errorf(n, "there is no secret %s%s; name it under secrets: in the site file", cut(name), a.meant(name, site.Secrets))
		return ""
	}
	sc.ld.assumed = true
	return name
}

func isConstant(t *template) bool {
	_, ok := t.constant()
	return ok
}

// checkURL checks what is constant of an address, and that no value stands before the path.
func (sc *stepCompiler) checkURL(n *yaml.Node, t *template) bool {
	a := sc.at
	var whole strings.Builder
	for _, p := range t.parts {
		if p.value == nil {
			whole.WriteString(p.text)
			continue
		}
		before := whole.String()
		_, rest, ok := strings.Cut(before, "://")
		if !ok || !strings.ContainsAny(rest, "/?#") {
			a.errorf(n, "${…} may not stand in the scheme, host or port of an address")
			return false
		}
		whole.WriteString("x")
	}
	u, err := url.Parse(whole.String())
	switch {
	case err != nil:
		a.errorf(n, "the address cannot be used: %v", err.(*url.Error).Err)
	case u.Scheme != "http" && u.Scheme != "https":
		a.errorf(n, "an address begins with http:// or https://, not %s", cut(t.source))
	case u.Hostname() == "":
		a.errorf(n, "the address names no host")
	default:
		return true
	}
	return false
}

// hideUser takes a user and password out of an address that is shown.
func hideUser(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	if i := strings.LastIndexByte(rest[:end], '@'); i >= 0 {
		rest = "***@" + rest[i+1:]
	}
	return scheme + "://" + rest
}

// dotSegment tells whether the path of an address holds . or .., which would lead elsewhere. It reads the path as the
// most careless server does: escapes are taken out as often as there are any, and an escaped / or \ parts it too.
func dotSegment(s string) bool {
	_, rest, _ := strings.Cut(s, "://")
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	_, rest, _ = strings.Cut(rest, "/")
	rest = unescape(rest)
	for _, seg := range strings.FieldsFunc(rest, func(r rune) bool { return r == '/' || r == '\\' }) {
		if seg == "." || seg == ".." {
			return true
		}
	}
	return false
}

// unescape takes the %xx out of a path until there is none; what comes out of one may begin another.
func unescape(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		out = append(out, s[i])
		for n := len(out); n >= 3 && out[n-3] == '%'; n = len(out) {
			c, err := strconv.ParseUint(string(out[n-2:]), 16, 8)
			if err != nil {
				break
			}
			out = append(out[:n-3], byte(c))
		}
	}
	return string(out)
}

func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

// expect reads 2xx, 204 or 200-204.
func (a at) expect(n *yaml.Node) (low, high int) {
	s, ok := a.text(n, "expect")
	if !ok {
		return 0, 0
	}
	if d, is := strings.CutSuffix(s, "xx"); is && len(d) == 1 && d[0] >= '1' && d[0] <= '5' {
		return int(d[0]-'0') * 100, int(d[0]-'0')*100 + 99
	}
	first, last, is := strings.Cut(s, "-")
	if !is {
		last = first
	}
	low, err1 := strconv.Atoi(strings.TrimSpace(first))
	high, err2 := strconv.Atoi(strings.TrimSpace(last))
	if err1 != nil || err2 != nil || low < 100 || high > 599 || low > high {
		a.errorf(n, "expect is a status such as 204, 2xx or 200-204, not %s", cut(s))
	}
	return low, high
}

// checkImage warns when no event of the rule has a picture.
func (sc *stepCompiler) checkImage(n *yaml.Node) {
	if sc.scope.carries&carriesCamera == 0 {
		sc.at.errorf(n, "there is no picture in %s", sc.scope.where)
	}
}

// run compiles the start of a program.
func (sc *stepCompiler) run(arg *yaml.Node) {
	a := sc.at
	items, ok := a.items(arg, "run")
	if !ok {
		return
	}
	if len(items) == 0 || len(items) > 64 {
		a.errorf(arg, "run is a list of a program and its arguments, at most 64 in all")
		return
	}
	argv := make([]*template, len(items))
	for i, n := range items {
		what := "an argument"
		if i == 0 {
			what = "the program"
		}
		if argv[i] = sc.template(a, n, what); argv[i] == nil {
			ok = false
		}
	}
	if !ok {
		return
	}
	program, constant := argv[0].constant()
	site := &sc.ld.site
	switch {
	case !constant:
		a.errorf(items[0], "the program is constant, without ${…}")
		return
	case !path.IsAbs(program) || path.Clean(program) != program:
		a.errorf(items[0], "the program is an absolute path, not %s", cut(program))
		return
	case site.Open:
		sc.ld.assumed = true
	case !contains(site.AllowPrograms, program):
		a.errorf(items[0], "the program %s is not in allow_programs of the site file%s", cut(program), a.meant(program, site.AllowPrograms))
		return
	}
	type variable struct {
		name  string
		value *template
	}
	var env []variable
	dir := ""
	for _, p := range sc.pairs {
		switch p.name {
		case "env":
			pairs, _ := a.mapping(p.val, "env", nil)
			for _, f := range pairs {
				switch {
				case !isVariable(f.name):
					a.errorf(f.key, "%s is not the name of a variable", cut(f.name))
				case strings.HasPrefix(f.name, "SALLYPORT_"):
					a.errorf(f.key, "variables that begin with SALLYPORT_ are set by the program")
				default:
					if t := sc.template(a, f.val, "a variable"); t != nil {
						env = append(env, variable{f.name, t})
					}
				}
			}
		case "dir":
			t := sc.template(a, p.val, "dir")
			if t == nil {
				continue
			}
			var constant bool
			if dir, constant = t.constant(); !constant || !path.IsAbs(dir) {
				a.errorf(p.val, "dir is a constant absolute path")
			}
		}
	}
	sc.step.Text = "run"
	for _, t := range argv {
		sc.step.Text += " " + t.source
	}
	fill := func(l *engine.Look) (engine.Args, string) {
		r := engine.RunArgs{Dir: dir}
		for i, t := range argv {
			s, known := t.make(l, noNUL)
			if !known {
				return engine.RunArgs{}, "unknown"
			}
			// What a device sent must not become an option.
			if i > 0 && t.parts != nil && t.parts[0].value != nil && strings.HasPrefix(s, "-") {
				return engine.RunArgs{}, "argument begins with -"
			}
			r.Argv = append(r.Argv, s)
		}
		for _, v := range env {
			if s, ok := v.value.field(l); ok {
				r.Env = append(r.Env, v.name+"="+noNUL(s))
			}
		}
		return r, ""
	}
	all := true
	for _, t := range argv {
		all = all && isConstant(t)
	}
	for _, v := range env {
		all = all && isConstant(v.value)
	}
	if all {
		sc.step.Args, _ = fill(nil)
		return
	}
	sc.step.Args = engine.RunArgs{}
	sc.step.Fill = fill
}

func isVariable(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || i > 0 && c >= '0' && c <= '9') {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

func (sc *stepCompiler) shell(arg *yaml.Node) {
	a := sc.at
	s, ok := a.text(arg, "shell")
	if !ok {
		return
	}
	rest := strings.ReplaceAll(s, "$${", "")
	switch {
	case strings.Contains(rest, "${"):
		a.errorf(arg, "${…} is not put into a shell text; use the variables ($SALLYPORT_PLATE), or $${ for the shell's own ${")
		return
	case strings.TrimSpace(s) == "":
		a.errorf(arg, "the shell text is empty")
		return
	case sc.ld.site.Open:
		sc.ld.assumed = true
	case !sc.ld.site.AllowShell:
		a.errorf(arg, "shell needs allow_shell: true in the site file")
		return
	}
	sc.step.Args = engine.ShellArgs{Command: strings.ReplaceAll(s, "$${", "${")}
	sc.step.Text = "shell " + s
}

// plates compiles an edit of the devices' plate lists.
func (sc *stepCompiler) plates(arg *yaml.Node) {
	a := sc.at
	word, ok := a.word(arg, "plates", platesWords())
	if !ok {
		return
	}
	p := engine.PlatesArgs{}
	for op := engine.PlatesAdd; op <= engine.PlatesMove; op++ {
		if op.String() == word {
			p.Op = op
		}
	}
	reach := true
	var number, owner, phone *template
	for _, f := range sc.pairs {
		if contains(verbKeys("plates"), f.name) && !contains(platesKeys(word), f.name) {
			var with []string
			for _, w := range platesWords() {
				if contains(platesKeys(w), f.name) {
					with = append(with, w)
				}
			}
			a.errorf(f.val, "%s can only be given with %s", f.name, strings.Join(with, " and "))
			continue
		}
		switch f.name {
		case "number":
			number = sc.template(a, f.val, "number")
		case "owner":
			owner = sc.template(a, f.val, "owner")
		case "phone":
			phone = sc.template(a, f.val, "phone")
		case "list":
			p.List = sc.list(f.val, "list")
		case "to":
			p.To = sc.list(f.val, "to")
		case "valid":
			p.Valid, _ = a.duration(f.val, "valid", false)
		case "cameras":
			p.Cameras, reach = sc.cameras(f.val)
		}
	}
	if reach {
		sc.checkReach(arg, p.Cameras)
	}
	must := []string{"number", "list"}
	if p.Op == engine.PlatesMove {
		must = append(must, "to")
	}
	for _, key := range must {
		if sc.find(key) == nil {
			a.errorf(sc.node, "%s is missing", key)
		}
	}
	switch {
	case p.Op == engine.PlatesUpdate && sc.find("owner") == nil && sc.find("phone") == nil && sc.find("valid") == nil:
		a.errorf(sc.node, "this changes nothing: owner, phone or valid is missing")
		return
	case p.Op == engine.PlatesMove && p.To != "" && p.To == p.List:
		a.errorf(sc.find("to"), "the plate is moved to the list it is on: list and to are both %s", cut(p.To))
	}
	if number == nil {
		return
	}
	if s, ok := number.constant(); ok && len(engine.NormalPlate(s)) < 2 {
		a.errorf(sc.find("number"), "a plate has at least 2 characters, not %s", cut(s))
	}
	sc.step.Text = "plates " + word + " " + p.List
	if p.Op == engine.PlatesMove {
		sc.step.Text += " to " + p.To
	}
	fill := func(l *engine.Look) (engine.Args, string) {
		p := p
		var known bool
		if p.Number, known = number.make(l, noControl); !known || p.Number == "" {
			return engine.PlatesArgs{}, "unknown"
		}
		if owner != nil {
			p.Owner = noControl(owner.loose(l))
		}
		if phone != nil {
			p.Phone = noControl(phone.loose(l))
		}
		if p.Op == engine.PlatesUpdate && p.Owner == "" && p.Phone == "" && p.Valid == 0 {
			return engine.PlatesArgs{}, "unknown" // what it was to change
		}
		return p, ""
	}
	if isConstant(number) && (owner == nil || isConstant(owner)) && (phone == nil || isConstant(phone)) {
		args, skip := fill(nil)
		if skip != "" && p.Op == engine.PlatesUpdate {
			a.errorf(sc.node, "this changes nothing: what it gives is empty")
		}
		sc.step.Args = args
		return
	}
	switch p.Op {
	case engine.PlatesAdd:
		sc.moves = append(sc.moves, moved{at: a, node: arg, what: "added"})
	case engine.PlatesUpdate:
		sc.moves = append(sc.moves, moved{at: a, node: arg, what: "changed"})
	case engine.PlatesMove:
		if p.To != "block" {
			sc.moves = append(sc.moves, moved{at: a, node: arg, what: "moved"})
		}
	}
	sc.step.Args = engine.PlatesArgs{}
	sc.step.Fill = fill
}

// list reads the name of a plate list. What groups a device has is not known here, so only a slip is warned of.
func (sc *stepCompiler) list(n *yaml.Node, key string) string {
	a := sc.at
	s, ok := a.text(n, key)
	switch {
	case !ok:
	case s == "" || s == "stranger":
		a.errorf(n, "%s is allow, block, temporary or a group of the device, not %s", key, cut(s))
	case !contains(listWords(), s):
		if m := nearest(s, listWords()); m != "" {
			a.warnf(n, "%s is taken for a group of the device (did you mean %s?)", cut(s), m)
		}
	}
	return s
}

// checkReach warns of a step for cameras whose devices cannot be called; none means all.
func (sc *stepCompiler) checkReach(n *yaml.Node, names []string) {
	known := sc.ld.site.Known
	if len(names) == 0 {
		for _, info := range known {
			if info.URL {
				return
			}
		}
		if len(known) > 0 {
			sc.at.warnf(n, "no camera has a url in the site file, so this is never done")
		}
		return
	}
	for _, name := range names {
		if info, ok := known[name]; ok && !info.URL {
			sc.at.warnf(n, "camera %q has no url in the site file, so this is never done there", name)
		}
	}
}

// camera compiles {camera: nvr, virtual_alarm: 17} and {camera: gate, snapshot: true}.
func (sc *stepCompiler) camera(arg *yaml.Node) {
	a := sc.at
	name, ok := a.text(arg, "camera")
	if !ok {
		return
	}
	if !sc.ld.camera(name) {
		a.errorf(arg, "there is no camera %s%s", cut(name), a.meant(name, sc.ld.cameraNames))
		return
	}
	sc.checkReach(arg, []string{name})
	args := engine.CameraArgs{Camera: name}
	count := 0
	for _, p := range sc.pairs {
		switch p.name {
		case "virtual_alarm":
			count++
			id, good := a.integer(p.val, "virtual_alarm", 1, engine.MaxVirtualAlarm)
			args.VirtualAlarm, ok = int(id), ok && good
		case "snapshot":
			count++
			v, good := a.boolean(p.val, "snapshot")
			if good && !v {
				a.errorf(p.val, "snapshot: false means nothing; leave the step out")
			}
			args.Snapshot, ok = v, ok && good
		}
	}
	switch {
	case count != 1:
		a.errorf(sc.node, "a camera step has one of virtual_alarm and snapshot")
		return
	case !ok:
		return
	}
	sc.step.Args = args
	sc.step.Text = "camera " + name + " snapshot"
	if !args.Snapshot {
		sc.step.Text = "camera " + name + " virtual_alarm " + strconv.Itoa(args.VirtualAlarm)
	}
}

// cameras reads `all`, which gives no names, a name or a list of names.
func (sc *stepCompiler) cameras(n *yaml.Node) (names []string, ok bool) {
	if n.Kind == yaml.ScalarNode && n.Value == "all" {
		return nil, true
	}
	items, ok := sc.at.oneOrMore(n, "cameras")
	if !ok {
		return nil, false
	}
	if len(items) == 0 {
		sc.at.errorf(n, "cameras is empty; write all for all of them")
		return nil, false
	}
	for _, i := range items {
		s, is := sc.at.text(i, "a camera")
		if !is {
			ok = false
			continue
		}
		if !sc.ld.camera(s) {
			sc.at.errorf(i, "there is no camera %s%s", cut(s), sc.at.meant(s, sc.ld.cameraNames))
			ok = false
			continue
		}
		names = append(names, s)
	}
	return names, ok
}

func (sc *stepCompiler) notify(arg *yaml.Node) {
	a := sc.at
	name, ok := a.text(arg, "notify")
	if !ok {
		return
	}
	site := &sc.ld.site
	if !contains(site.Notifiers, name) {
		if !site.Open || !validName(name) {
			a.errorf(arg, "there is no notifier %s%s", cut(name), a.meant(name, site.Notifiers))
			return
		}
		sc.ld.assumed = true
	}
	args := engine.NotifyArgs{Notifier: name}
	var title, text *template
	for _, p := range sc.pairs {
		switch p.name {
		case "title":
			title = sc.template(a, p.val, "title")
		case "text":
			text = sc.template(a, p.val, "text")
		case "image":
			args.Image, _ = a.word(p.val, "image", imageWords())
			sc.checkImage(p.val)
		}
	}
	if sc.find("text") == nil && sc.find("title") == nil {
		a.errorf(sc.node, "text is missing")
	}
	a.warnf(arg, "notify is checked, but not sent in this version")
	sc.step.Text = "notify " + name
	fill := func(l *engine.Look) (engine.Args, string) {
		n := args
		if title != nil {
			n.Title = noControl(title.loose(l))
		}
		if text != nil {
			n.Text = text.loose(l)
		}
		return n, ""
	}
	if (title == nil || isConstant(title)) && (text == nil || isConstant(text)) {
		sc.step.Args, _ = fill(nil)
		return
	}
	sc.step.Args = engine.NotifyArgs{}
	sc.step.Fill = fill
}

// flag compiles {flag: armed, set: true, for: 10m}.
func (sc *stepCompiler) flag(arg *yaml.Node) {
	a := sc.at
	name, ok := a.text(arg, "flag")
	if !ok {
		return
	}
	i, ok := sc.ld.flags[name]
	if !ok {
		a.errorf(arg, "there is no flag %s%s; declare it under flags: with its first value", cut(name), a.meant(name, sc.ld.flagNames))
		return
	}
	for _, u := range []*uses{&sc.uses, &sc.after} {
		if contains(u.flags, name) && (len(sc.rule.On) == 0 || has(sc.rule.On, engine.KindFlag) || u == &sc.after) {
			a.warnf(sc.node, "this rule reads flag %q, which it sets", name)
			break
		}
	}
	n := sc.find("set")
	if n == nil {
		a.errorf(sc.node, "set is missing")
		return
	}
	args := engine.FlagArgs{Flag: name}
	if f := sc.find("for"); f != nil {
		args.For, _ = a.duration(f, "for", false)
	}
	sc.acts.flags = union(sc.acts.flags, []string{name})
	sc.step.Text = "flag " + name + " set " + n.Value
	want := sc.ld.flagDefs[i].Initial.Type
	if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "${") && want == engine.ScalarText {
		t := sc.template(a, n, "set")
		if t == nil {
			return
		}
		sc.step.Args = engine.FlagArgs{}
		sc.step.Fill = func(l *engine.Look) (engine.Args, string) {
			s, ok := t.field(l)
			if !ok {
				return engine.FlagArgs{}, "unknown"
			}
			f := args
			f.Set = engine.Scalar{Type: engine.ScalarText, Text: safeValue(s)}
			return f, ""
		}
		return
	}
	v, ok := a.scalar(n)
	if !ok {
		return
	}
	// A text flag takes what looks like a number by its source.
	if want == engine.ScalarText && v.Type != engine.ScalarText {
		v = engine.Scalar{Type: engine.ScalarText, Text: n.Value}
	}
	if want != 0 && v.Type != want {
		a.errorf(n, "flag %q holds %s, not %s", name, scalarWord(want), cut(n.Value))
		return
	}
	args.Set = v
	sc.step.Args = args
}

func scalarWord(t engine.ScalarType) string {
	switch t {
	case engine.ScalarBool:
		return "true or false"
	case engine.ScalarNumber:
		return "a number"
	}
	return "a text"
}

// maxCount is the largest number a count can be set to.
const maxCount = 1_000_000

// count compiles {count: kerb, set: 0}.
func (sc *stepCompiler) count(arg *yaml.Node) {
	a := sc.at
	name, ok := a.text(arg, "count")
	if !ok {
		return
	}
	i, ok := sc.ld.lines[name]
	if !ok {
		a.errorf(arg, "there is no line %s%s", cut(name), a.meant(name, sc.ld.lineNames))
		return
	}
	line := engine.LineRef(i)
	if has(sc.uses.balances, line) && len(sc.rule.On) == 0 || has(sc.after.balances, line) {
		a.warnf(sc.node, "this rule reads the balance of line %q, which it sets", name)
	}
	n := sc.find("set")
	if n == nil {
		a.errorf(sc.node, "set is missing")
		return
	}
	v, ok := a.integer(n, "set", -maxCount, maxCount)
	if !ok {
		return
	}
	sc.acts.lines = union(sc.acts.lines, []engine.LineRef{line})
	sc.step.Text = "count " + name + " set " + n.Value
	sc.step.Args = engine.CountArgs{Line: name, Set: int(v)}
}

func (sc *stepCompiler) log(arg *yaml.Node) {
	t := sc.template(sc.at, arg, "log")
	if t == nil {
		return
	}
	sc.step.Text = "log " + t.source
	if s, ok := t.constant(); ok {
		sc.step.Args = engine.LogArgs{Text: s}
		return
	}
	sc.step.Args = engine.LogArgs{}
	sc.step.Fill = func(l *engine.Look) (engine.Args, string) { return engine.LogArgs{Text: noControl(t.loose(l))}, "" }
}
