package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/engine/rulefile"
)

// recipes are the shipped rule files, by name.
func recipes(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "rules.d"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if rulefile.IsRuleFile(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if len(names) < 14 {
		t.Errorf("only %d recipes were found", len(names))
	}
	return names
}

// typed runs a command as a user types it.
func typed(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	p := process{stdin: strings.NewReader(""), stdout: &o, stderr: &e, getenv: func(string) string { return "" }}
	code = run(context.Background(), args, p)
	return code, o.String(), e.String()
}

// openWarning is all that may be said of recipes without a site file.
func openWarning(dir string) string {
	return dir + ": warning: without a site file, the names that rules use are taken as given\n"
}

// TestRecipes runs the tests of all shipped recipes, without a site file and with
// the shipped one.
func TestRecipes(t *testing.T) {
	dir := filepath.Join(root, "rules.d")
	for _, c := range []struct {
		name string
		args []string
		errs string
	}{
		{"no site file", nil, openWarning(filepath.ToSlash(dir))},
		{"the shipped site file", []string{"-c", filepath.Join(root, "packaging", "sallyport.yaml")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, errs := typed(append([]string{"test", "--rules", dir}, c.args...)...)
			if code != exitOK || errs != c.errs {
				t.Errorf("test gives %d, prints\n%s%s", code, out, errs)
			}
			lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
			m := regexp.MustCompile(`^(\d+) passed, 0 failed$`).FindStringSubmatch(lines[len(lines)-1])
			if m == nil {
				t.Fatalf("the last line is %q", lines[len(lines)-1])
			}
			if n, _ := strconv.Atoi(m[1]); n < 50 {
				t.Errorf("only %d tests ran", n)
			}
		})
	}
}

// TestEachRecipeStandsAlone copies one recipe with its tests into a folder of its
// own, as a user does.
func TestEachRecipeStandsAlone(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(root, "docs", "recipes.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range recipes(t) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range []string{name, strings.TrimSuffix(name, ".yaml") + "_test.yaml"} {
				data, err := os.ReadFile(filepath.Join(root, "rules.d", file))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, file), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, command := range []string{"check", "test"} {
				code, out, errs := typed(command, "--rules", dir)
				if code != exitOK || errs != openWarning(filepath.ToSlash(dir)) {
					t.Errorf("%s gives %d, prints\n%s%s", command, code, out, errs)
				}
			}
			if !bytes.Contains(list, []byte("| ["+name+"](../rules.d/"+name+") |")) {
				t.Errorf("docs/recipes.md does not list it")
			}
		})
	}
}
