package web

import (
	"encoding/json"
	"testing"
	"time"
)

// Whoever reads the console with the types of this package gets the times it was given:
// "camera subscribe" watches a running appliance that way.
func TestSecondsThereAndBack(t *testing.T) {
	for _, d := range []time.Duration{0, time.Millisecond, -297 * time.Millisecond, 90*time.Second + 800*time.Millisecond, 1000 * time.Hour} {
		text, err := json.Marshal(Seconds(d))
		if err != nil {
			t.Fatal(err)
		}
		var got Seconds
		if err := json.Unmarshal(text, &got); err != nil || time.Duration(got) != d {
			t.Errorf("%s: %v, %v", text, time.Duration(got), err)
		}
	}
	for _, text := range []string{`"1"`, `1e300`, `-4e9`, `{}`, `true`} {
		var got Seconds
		if err := json.Unmarshal([]byte(text), &got); err == nil || got != 0 {
			t.Errorf("%s was taken for %v", text, time.Duration(got))
		}
	}
}
