package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/config"
	"github.com/sallyport/sallyport/engine/rulefile"
)

// root is the repository as a test of this package sees it.
const root = "../.."

var updateDocs = flag.Bool("update-docs", false, "write the problems that the loader reports into the docs")

// block is one fenced block of a page.
type block struct {
	file string
	line int    // of the fence
	info string // what stands behind the fence: yaml rules
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// pages are README.md and everything under docs.
func pages(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no pages under docs: %v", err)
	}
	return append(names, filepath.Join(root, "README.md"))
}

// blocks are the fenced blocks of all pages.
func blocks(t *testing.T) []block {
	t.Helper()
	var all []block
	for _, name := range pages(t) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var b *block
		for i, line := range strings.Split(string(data), "\n") {
			info, fence := strings.CutPrefix(line, "```")
			switch {
			case fence && b == nil:
				b = &block{file: name, line: i + 1, info: strings.TrimSpace(info)}
			case fence:
				all = append(all, *b)
				b = nil
			case b != nil:
				b.text += line + "\n"
			}
		}
		if b != nil {
			t.Errorf("%s: the block is never closed", b)
		}
	}
	return all
}

// openSite is a site that takes every name as given.
func openSite() rulefile.Site { return rulefile.Site{Open: true} }

// errorsOf are the problems but for warnings, which short examples may have.
func errorsOf(problems []rulefile.Problem) []string {
	var texts []string
	for _, p := range problems {
		if !p.Warning {
			texts = append(texts, p.String())
		}
	}
	return texts
}

func loadRules(texts ...string) []rulefile.Problem {
	var files []rulefile.File
	for i, text := range texts {
		files = append(files, rulefile.File{Name: fmt.Sprintf("%d.yaml", i), Data: []byte(text)})
	}
	_, problems := rulefile.LoadFiles(files, "rules.d", openSite())
	return problems
}

// TestEveryYAMLBlockLoads keeps the docs' examples true. The word behind yaml says
// what a block is: a rule file, a site file, names for conditions, conditions.
func TestEveryYAMLBlockLoads(t *testing.T) {
	world := map[string]string{}
	loaded := 0
	for _, b := range blocks(t) {
		lang, what, _ := strings.Cut(b.info, " ")
		if lang != "yaml" {
			continue
		}
		loaded++
		switch kind, rest, _ := strings.Cut(what, " "); kind {
		case "rules":
			for _, p := range errorsOf(loadRules(b.text)) {
				t.Errorf("%s: %s", b, p)
			}
		case "world":
			world[b.file] = b.text
			for _, p := range errorsOf(loadRules(b.text)) {
				t.Errorf("%s: %s", b, p)
			}
		case "conditions":
			for i, line := range strings.Split(strings.TrimSpace(b.text), "\n") {
				condition, ok := strings.CutPrefix(line, "- ")
				if !ok {
					t.Errorf("%s: line %d is no list entry: %s", b, i+1, line)
					continue
				}
				rule := fmt.Sprintf("rules:\n  - name: this rule\n    %s\n    when: |\n      %s\n    do: [{log: x}]\n", rest, condition)
				for _, p := range errorsOf(loadRules(world[b.file], rule)) {
					t.Errorf("%s: %s", b, p)
				}
			}
		case "site":
			_, problems := config.Parse("sallyport.yaml", []byte(b.text))
			for _, p := range problems {
				t.Errorf("%s: %s", b, p.Detail())
			}
		case "broken":
			// TestProblemsAreAsShown.
		case "tests":
			// TestEveryTestOfTheDocsPasses.
		default:
			t.Errorf("%s: a yaml block says what it is: rules, world, conditions, site, tests or broken, not %q", b, what)
		}
	}
	if loaded < 10 {
		t.Errorf("only %d yaml blocks were found", loaded)
	}
}

// TestEveryTestOfTheDocsPasses runs the tests of rules that the pages show, each
// block with the rules that stand before it.
func TestEveryTestOfTheDocsPasses(t *testing.T) {
	rules, ran := map[string]string{}, 0
	for _, b := range blocks(t) {
		switch b.info {
		case "yaml rules":
			rules[b.file] = b.text
		case "yaml tests":
			ran++
			dir := testFolder(t, map[string]string{"rules.yaml": rules[b.file], "rules_test.yaml": b.text})
			if code, out, errs := typed("test", "--rules", dir); code != exitOK {
				t.Errorf("%s: test gives %d, prints\n%s%s", b, code, out, errs)
			}
		}
	}
	if ran < 4 {
		t.Errorf("only %d blocks of tests were found", ran)
	}
}

// TestEveryWordOfTestsHasAnExample keeps the section on tests complete: every key
// and form of its tables stands in an example that runs.
func TestEveryWordOfTestsHasAnExample(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(data), "\n## Tests\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var examples strings.Builder
	for _, b := range blocks(t) {
		if b.info == "yaml tests" {
			examples.WriteString(b.text)
		}
	}
	keys := regexp.MustCompile("[`{ ]([a-z]+):")
	alone := regexp.MustCompile("^\\| `([a-z]+)` ")
	left := []string{"replay", "notify", "text"} // need a recording; a site file
	seen := 0
	for _, line := range strings.Split(section, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		form, _, _ := strings.Cut(line[1:], "|")
		words := append(keys.FindAllStringSubmatch(form, -1), alone.FindAllStringSubmatch(line, -1)...)
		for _, m := range words {
			seen++
			if !slices.Contains(left, m[1]) && !regexp.MustCompile("\\b"+m[1]+":").MatchString(examples.String()) {
				t.Errorf("docs/rules.md: no example of a test has %s", m[1])
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d words were found", seen)
	}
}

// TestProblemsAreAsShown holds a broken rule file against the problems shown below it.
func TestProblemsAreAsShown(t *testing.T) {
	all := blocks(t)
	found := false
	for i, b := range all {
		if b.info != "yaml broken" {
			continue
		}
		found = true
		if i+1 == len(all) || all[i+1].info != "text problems" {
			t.Errorf("%s: no `text problems` block follows", b)
			continue
		}
		_, problems := rulefile.LoadFiles([]rulefile.File{{Name: "gate.yaml", Data: []byte(b.text)}}, "rules.d", openSite())
		want := strings.Join(errorsOf(problems), "\n") + "\n"
		if got := all[i+1].text; got != want {
			if *updateDocs {
				replace(t, all[i+1], want)
				continue
			}
			t.Errorf("%s: the page shows\n%sbut check says\n%s", all[i+1], got, want)
		}
	}
	if !found {
		t.Error("the docs show no broken rule file")
	}
}

// replace writes a block's text anew.
func replace(t *testing.T, b block, text string) {
	t.Helper()
	data, err := os.ReadFile(b.file)
	if err != nil {
		t.Fatal(err)
	}
	head := "```" + b.info + "\n"
	changed := strings.Replace(string(data), head+b.text+"```", head+text+"```", 1)
	if err := os.WriteFile(b.file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEveryWordHasAnExample keeps the reference complete: what the tables of the
// page name stands in an example that loads.
func TestEveryWordHasAnExample(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "docs", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for _, b := range blocks(t) {
		if filepath.Base(b.file) == "rules.md" && (strings.HasPrefix(b.info, "yaml conditions") || b.info == "yaml rules") {
			examples.WriteString(b.text)
		}
	}
	_, conditions, ok := strings.Cut(string(data), "\n## Conditions\n")
	if !ok {
		t.Fatal("there is no section Conditions")
	}
	conditions, _, _ = strings.Cut(conditions, "\n## ")
	word := regexp.MustCompile("`([a-z_]+(?:\\.[a-z_]+)*\\(|[a-z_]+\\.[a-z_.]+|\\.[a-z]+)")
	for _, line := range strings.Split(conditions, "\n") {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cell, _, _ := strings.Cut(line[1:], "|")
		for _, m := range word.FindAllStringSubmatch(cell, -1) {
			if w := m[1]; !strings.Contains(examples.String(), w) {
				t.Errorf("docs/rules.md: no example has %s", w)
			}
		}
	}
}

// TestShippedRulesLoad checks the examples as a user would.
func TestShippedRulesLoad(t *testing.T) {
	var out, errs bytes.Buffer
	p := process{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(string) string { return "secret" }}
	code := run(context.Background(), []string{"check", "-c", filepath.Join(root, "packaging", "sallyport.yaml"), "--rules", filepath.Join(root, "rules.d")}, p)
	if code != exitOK || errs.Len() > 0 {
		t.Errorf("check gives %d, prints\n%s%s", code, &out, &errs)
	}
}

// TestCommandsOfTheDocsExist looks at every line of the pages that starts the
// program: its command exists, and so do its flags.
func TestCommandsOfTheDocsExist(t *testing.T) {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	program := regexp.MustCompile(`^(?:.*&& )?(?:go run \./cmd/sallyport|(?:\./)?sallyport) ([a-z]+)(.*)`)
	seen := 0
	for _, b := range blocks(t) {
		if b.info != "sh" {
			continue
		}
		for _, line := range strings.Split(b.text, "\n") {
			m := program.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			seen++
			if !slices.Contains(names, m[1]) {
				t.Errorf("%s: there is no command %s: %s", b, m[1], line)
				continue
			}
			var help bytes.Buffer
			p := process{stdin: strings.NewReader(""), stdout: &help, stderr: &help, getenv: func(string) string { return "" }}
			run(context.Background(), []string{m[1], "-h"}, p)
			args, _, _ := strings.Cut(m[2], "#")
			for _, arg := range strings.Fields(args) {
				name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
				if strings.HasPrefix(arg, "-") && name != "" && !regexp.MustCompile(`(?m)^  -`+regexp.QuoteMeta(name)+`(\s|$)`).MatchString(help.String()) {
					t.Errorf("%s: %s has no flag %s: %s", b, m[1], arg, line)
				}
			}
		}
	}
	if seen < 2 {
		t.Errorf("only %d commands were found", seen)
	}
}

// TestJSONBlocksAreJSON reads every json block, an object a line or one over many.
func TestJSONBlocksAreJSON(t *testing.T) {
	for _, b := range blocks(t) {
		if b.info != "json" {
			continue
		}
		d := json.NewDecoder(strings.NewReader(b.text))
		for d.More() {
			var v any
			if err := d.Decode(&v); err != nil {
				t.Errorf("%s: %v", b, err)
				break
			}
		}
	}
}

// TestLinksLead follows the links between the pages.
func TestLinksLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, name := range pages(t) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(data), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			to := name
			if path != "" {
				to = filepath.Join(filepath.Dir(name), path)
			}
			target, err := os.Stat(to)
			if err != nil {
				t.Errorf("%s: the link %s leads nowhere", name, m[1])
				continue
			}
			if anchor == "" || target.IsDir() {
				continue
			}
			page, err := os.ReadFile(to)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(anchors(string(page)), anchor) {
				t.Errorf("%s: %s has no heading for #%s", name, to, anchor)
			}
		}
	}
}

// anchors are the anchors that a page's headings have on the usual forges.
func anchors(page string) []string {
	var all []string
	for _, line := range strings.Split(page, "\n") {
		text, ok := strings.CutPrefix(line, "#")
		if !ok {
			continue
		}
		text = strings.ToLower(strings.TrimSpace(strings.TrimLeft(text, "#")))
		text = regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(text, "")
		all = append(all, strings.ReplaceAll(text, " ", "-"))
	}
	return all
}
