package log_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/actions/log"
	"github.com/sallyport/sallyport/engine"
)

func TestALogStepWritesOneHarmlessLine(t *testing.T) {
	for text, want := range map[string]string{
		"a car":                             "a car",
		"one\r\ntwo\x1b[31m\x00":            "one  two [31m ",
		"AB\u202eC1234\u2066 \u2028 \u0085": "ABC1234    ",
		`"; rm -rf /; $(id) ]]><x>`:         `"; rm -rf /; $(id) ]]><x>`,
		"bad \xff":                          "bad \uFFFD",
		strings.Repeat("ü", 5000):           strings.Repeat("ü", 4096) + "…",
	} {
		var rule, line string
		h := log.New(func(r, l string) { rule, line = r, l })
		a := engine.LogArgs{Text: text}
		err := h.Action.Do(t.Context(), engine.Request{Firing: &engine.Firing{Rule: &engine.Rule{Name: "porch"}}, Args: a})
		if err != nil || rule != "porch" || line != want {
			t.Errorf("%q: rule %q wrote %q, want %q (%v)", text, rule, line, want, err)
		}
	}
}
