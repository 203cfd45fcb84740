package rulefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBadFiles loads files with one mistake each, named for it, and compares all that is said.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/rules/*.bad.yaml")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, %v", len(files), err)
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
		name := strings.TrimSuffix(filepath.Base(f), ".bad.yaml")
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			rs, problems := LoadFiles(append([]File{{name + ".yaml", b}}, data...), "rules.d", testSite())
			if rs != nil {
				t.Error("it loads")
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
