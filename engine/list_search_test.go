package engine

import "testing"

func TestPlatesThatFit(t *testing.T) {
	for _, tt := range []struct {
		typed, plate string
		want         int
	}{
		{"abc 1234", "ABC-1234", 1},
		{"A8C 1234", "ABC1234", 2},
		{"QOI8", "001B", 2},
		{"abc", "ABC1234", 3},
		{"1Z3", "ABC1234", 4},
		{"ABC1X34", "ABC1234", 5},
		{"ABC134", "ABC1234", 5},
		{"ABCC1234", "ABC1234", 5},
		{"AX", "AB", 0},
		{"XYZ999", "ABC1234", 0},
		{"ABCD12345678901234567890123456789012345", "ABC1234", 0},
	} {
		want, ok := WantPlate(tt.typed)
		if got := want.Fit(tt.plate); !ok || got != tt.want {
			t.Errorf("%q for %q: %d, want %d", tt.plate, tt.typed, got, tt.want)
		}
	}
	if _, ok := WantPlate(" .-"); ok {
		t.Error("nothing is taken for a plate")
	}
}
