package ruletest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/engine"
	"go.yaml.in/yaml/v4"
)

// shown are the frames of the walks of one camera, a line each.
func shown(t *testing.T, text string) string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Load([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	r := newReader("x", []byte(text))
	tracks := r.tracks(doc.Content[0])
	for _, p := range r.problems {
		t.Error(p)
	}
	var b strings.Builder
	for _, tr := range tracks {
		tr.frames(func(at time.Duration, l engine.Listed) {
			fmt.Fprintf(&b, "%s %d %s %v\n", seconds(at), l.ID, l.Class, l.Box)
		})
	}
	return b.String()
}

// TestFrames says what a camera sends of walks.
func TestFrames(t *testing.T) {
	for _, c := range []struct{ name, walks, want string }{
		{"a first and a last frame, and between", "- {walk: person, from: [5000, 5000], to: [6000, 5000], over: 1s, rate: 2}",
			"0s 1 person {4650 2800 5350 5000}\n0.5s 1 person {5150 2800 5850 5000}\n1s 1 person {5650 2800 6350 5000}\n"},
		{"the last frame is at the end", "- {walk: car, from: [5000, 5000], to: [5000, 6000], over: 700ms, rate: 2, at: 1s}",
			"1s 1 car {3800 3400 6200 5000}\n1.5s 1 car {3800 4114 6200 5714}\n1.7s 1 car {3800 4400 6200 6000}\n"},
		{"only there", "- {walk: motor, from: [5000, 5000], id: 9, size: [10, 20]}", "0s 9 motor {4995 4980 5005 5000}\n"},
		{"a corner and a pause", "- {walk: motor, from: [1000, 5000], to: [2000, 5000], over: 1s, rate: 1}\n- {to: [2000, 6000], over: 1s}\n- {stay: 1s}",
			"0s 1 motor {500 3500 1500 5000}\n1s 1 motor {1500 3500 2500 5000}\n2s 1 motor {1500 4500 2500 6000}\n3s 1 motor {1500 4500 2500 6000}\n"},
		{"lost and regained", "- {walk: motor, from: [1000, 5000], rate: 2}\n- {stay: 700ms}\n- {lose: 1s, to: [3000, 5000], id: 4}\n- {stay: 600ms}",
			"0s 1 motor {500 3500 1500 5000}\n0.5s 1 motor {500 3500 1500 5000}\n0.7s 1 motor {500 3500 1500 5000}\n" +
				"1.7s 4 motor {2500 3500 3500 5000}\n2.2s 4 motor {2500 3500 3500 5000}\n2.3s 4 motor {2500 3500 3500 5000}\n"},
		{"cut by the frame, and not sent outside of it", "- {walk: person, from: [-1000, 11000], to: [1000, 11000], over: 2s, rate: 1}",
			"1s 1 person {0 8800 350 10000}\n2s 1 person {650 8800 1350 10000}\n"},
		{"one after the other", "- {walk: person, from: [5000, 5000], rate: 1}\n- {stay: 1s}\n- {walk: person, from: [5000, 5000]}\n- {walk: person, from: [5000, 5000], at: 0s}",
			"0s 1 person {4650 2800 5350 5000}\n1s 1 person {4650 2800 5350 5000}\n1s 2 person {4650 2800 5350 5000}\n0s 3 person {4650 2800 5350 5000}\n"},
		{"jitter is the same everywhere", "- {walk: person, from: [5000, 5000], jitter: 120, rate: 1}\n- {stay: 2s}",
			"0s 1 person {4820 2726 5520 4926}\n1s 1 person {4580 2971 5280 5171}\n2s 1 person {4720 2634 5420 4834}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := shown(t, c.walks); got != c.want {
				t.Errorf("got:\n%swant:\n%s", got, c.want)
			}
		})
	}
}

// TestJitter is about as wide as it says.
func TestJitter(t *testing.T) {
	s := source(1)
	var sum, squares int64
	const n = 20_000
	for range n {
		v := int64(s.normal(100))
		sum += v
		squares += v * v
	}
	if mean := sum / n; mean < -3 || mean > 3 {
		t.Errorf("the mean is %d", mean)
	}
	if v := squares / n; v < 9_600 || v > 10_400 {
		t.Errorf("the variance is %d, not 10000", v)
	}
}
