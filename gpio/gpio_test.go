package gpio

import (
	"errors"
	"reflect"
	"testing"
)

func TestMemoryLine(t *testing.T) {
	var seen []bool
	m := NewMemory(func(on bool) { seen = append(seen, on) })
	if m.On() {
		t.Fatal("a new line is on")
	}
	for _, on := range []bool{true, true, false, true} {
		if err := m.Set(on); err != nil {
			t.Fatal(err)
		}
		if m.On() != on {
			t.Fatalf("after Set(%v) the line is %v", on, m.On())
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if m.On() {
		t.Error("the line stayed on after Close")
	}
	if want := []bool{true, false, true, false}; !reflect.DeepEqual(seen, want) {
		t.Errorf("changes %v, want %v", seen, want)
	}
	if err := m.Set(true); !errors.Is(err, ErrClosed) || m.On() {
		t.Errorf("Set after Close: %v, on %v", err, m.On())
	}
	if err := m.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}
