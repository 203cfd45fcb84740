package rulefile

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/engine/geometry"
)

// goldenSite is the site of the golden files: that of the tests, with a camera whose posts may come from anybody.
func goldenSite() Site {
	s := testSite()
	s.Known = map[string]CameraInfo{"gate": {Plates: true, URL: true}, "front": {Trusted: true, Plates: true, NoHeading: true, NoConfidence: true}}
	s.Imports = map[string]Import{
		"front/perimeter/1": {Polygon: geometry.Polygon{{X: 0, Y: 0}, {X: 9000, Y: 0}, {X: 9000, Y: 9000}}},
		"front/perimeter/2": {Polygon: geometry.Polygon{{X: 0, Y: 0}, {X: 9000, Y: 9000}, {X: 9000, Y: 0}, {X: 0, Y: 9000}}},
		"front/tripwire/1":  {Segment: geometry.Segment{From: geometry.Point{X: 10, Y: 20}, To: geometry.Point{X: 5000, Y: 6000}}},
		"front/tripwire/2":  {},
	}
	return s
}

// TestBadFiles loads files with one mistake each, named for it, and compares all that is said. A *.bad.yaml does not
// load, a *.warn.yaml does.
func TestBadFiles(t *testing.T) {
	var files []string
	for kind, least := range map[string]int{"bad": 300, "warn": 20} {
		found, err := filepath.Glob("testdata/rules/*." + kind + ".yaml")
		if err != nil || len(found) < least {
			t.Fatalf("%d %s files, %v", len(found), kind, err)
		}
		files = append(files, found...)
	}
	data := []File{}
	plates, _ := filepath.Glob("testdata/rules/plates/*")
	for _, f := range plates {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, File{"plates/" + filepath.Base(f), b})
	}
	for _, f := range files {
		name, bad := strings.CutSuffix(filepath.Base(f), ".bad.yaml")
		name = strings.TrimSuffix(name, ".warn.yaml")
		t.Run(strings.TrimSuffix(filepath.Base(f), ".yaml"), func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			rs, problems := LoadFiles(append([]File{{name + ".yaml", b}}, data...), "rules.d", goldenSite())
			if bad != (rs == nil) {
				t.Errorf("it loads: %v\n%s", rs != nil, listing(problems))
			}
			got, golden := listing(problems), strings.TrimSuffix(f, ".yaml")+".err"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// withoutFile are the messages that no file of the tests' site can bring about, each with its reason.
func withoutFile() map[string]string {
	return map[string]string{
		"%s is longer than 64 KB":                             "TestBounds: the file would be large",
		"there are more than %d rule files":                   "TestBounds: it takes a thousand files",
		"there are more than %d rules":                        "TestBounds: the file would be large",
		"a list has at most %d entries; the rest is left out": "TestBounds: the file would be large",
		"the folder of rules cannot be read: %s":              "TestLoadFolder: there is no folder",
		"the accepted copies of the cameras' zones cannot be read; correct or remove the file and accept them anew: %s": "TestImportsFault: it takes a site whose copies cannot be read",
		"no camera has a url in the site file, so this is never done":                                                   "TestPlatesWithoutACameraToCall: it takes a site of such cameras",
		"not a regular file": "TestBounds: it takes a named pipe",
		"%s() needs the site's latitude and longitude (location: in the site file)": "TestNightNeedsAPlace: it takes a site without a place",
		"without a site file, the names that rules use are taken as given":          "TestWithoutSiteFile: it takes no site",
		"the operator %s is not part of the rule language":                          "unreachable: the parser has no further operators; a new version of it may",
		"a predicate can only stand in any, all, none or one":                       "unreachable: the parser makes predicates only there",
		"%s takes a list and a condition on its entries":                            "unreachable: the parser counts the arguments of its own functions",
		"the expression is not valid UTF-8":                                         "unreachable: YAML refuses the file",
		"this rule has no on: and reads nothing that changes":                       "unreachable: without on: whatever is not constant changes",
		"something is missing here":                                                 "unreachable: the YAML parser misses something at the end of a line only in brackets",
	}
}

// TestEveryMessageHasAFile reads the messages out of this package's source and finds those that no golden file shows.
func TestEveryMessageHasAFile(t *testing.T) {
	goldens, err := filepath.Glob("testdata/rules/*.err")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, g := range goldens {
		b, err := os.ReadFile(g)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	said := all.String()
	excused := withoutFile()
	seen := map[string]bool{}
	for place, message := range sourceMessages(t) {
		seen[message] = true
		shown := messagePattern(message).MatchString(said)
		switch _, ok := excused[message]; {
		case !shown && !ok:
			t.Errorf("%s: no file brings about %q", place, message)
		case shown && ok:
			t.Errorf("%s: a file brings about %q; it needs no excuse", place, message)
		}
	}
	if len(seen) < 200 {
		t.Errorf("%d messages found", len(seen))
	}
	for message := range excused {
		if !seen[message] {
			t.Errorf("no source has the excused %q", message)
		}
	}
}

// messagePattern is a format as a pattern; a verb stands for anything.
func messagePattern(format string) *regexp.Regexp {
	verb := regexp.MustCompile(`%[-+# 0]*[0-9]*(?:\.[0-9]+)?[a-zA-Z]`)
	var b strings.Builder
	for {
		at := verb.FindStringIndex(format)
		if at == nil {
			break
		}
		b.WriteString(regexp.QuoteMeta(strings.ReplaceAll(format[:at[0]], "%%", "%")) + ".*")
		format = format[at[1]:]
	}
	b.WriteString(regexp.QuoteMeta(strings.ReplaceAll(format, "%%", "%")))
	return regexp.MustCompile(b.String())
}

// sourceMessages are the formats of the package's messages by their places: the texts given to errorf, warnf, errorAt,
// put, fmt.Errorf and errors.New, and those that functions with a result `why` return.
func sourceMessages(t *testing.T) map[string]string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files []*ast.File
	texts := map[string]ast.Expr{} // constants, local ones too
	for _, n := range names {
		if strings.HasSuffix(n, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, n, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
				for i, name := range v.Names {
					texts[name.Name] = v.Values[i]
				}
			}
			return true
		})
	}
	// text is an expression as a format; what is not constant in it is a verb.
	var text func(e ast.Expr) string
	text = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			if s, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
				return s
			}
		case *ast.BinaryExpr:
			return text(e.X) + text(e.Y)
		case *ast.Ident:
			if v, ok := texts[e.Name]; ok {
				return text(v)
			}
		case *ast.CallExpr:
			if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
				return text(e.Args[0])
			}
		}
		return "%s"
	}
	out := map[string]string{}
	add := func(e ast.Expr) {
		s := text(e)
		if strings.ContainsFunc(messagePattern(s).String(), func(r rune) bool { return r >= 'a' && r <= 'z' }) {
			out[set.Position(e.Pos()).String()] = s
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			why := -1 // the number of the result that is a message
			if r := fn.Type.Results; r != nil {
				i := 0
				for _, field := range r.List {
					for _, name := range field.Names {
						if name.Name == "why" {
							why = i
						}
						i++
					}
				}
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.ReturnStmt:
					if why >= 0 && why < len(n.Results) {
						add(n.Results[why])
					}
				case *ast.CallExpr:
					sel, ok := n.Fun.(*ast.SelectorExpr)
					if !ok {
						return true
					}
					arg := map[string]int{"errorf": 1, "warnf": 1, "errorAt": 1, "put": 3, "Errorf": 0, "New": 0}
					i, ok := arg[sel.Sel.Name]
					if x, is := sel.X.(*ast.Ident); sel.Sel.Name == "New" && (!is || x.Name != "errors") {
						ok = false
					}
					if ok && i < len(n.Args) {
						add(n.Args[i])
					}
				}
				return true
			})
		}
	}
	return out
}
