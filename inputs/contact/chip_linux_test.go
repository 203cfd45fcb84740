package contact

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport/sallyport/gpio"
)

// TestChipContact watches a wire of a real chip, where SALLYPORT_GPIO names one.
// Its line SALLYPORT_GPIO_LINE is wired to somebody who drives it as lines
// "@@SET n v" on standard output ask for.
func TestChipContact(t *testing.T) {
	chip := os.Getenv("SALLYPORT_GPIO")
	if chip == "" {
		t.Skip("SALLYPORT_GPIO names no chip")
	}
	line, _ := strconv.Atoi(os.Getenv("SALLYPORT_GPIO_LINE"))
	set := func(on bool) { // a reed to ground
		v := 1
		if on {
			v = 0
		}
		fmt.Printf("\n@@SET %d %d\n", line, v)
	}
	changes := make(chan Change, 100)
	s, err := New([]Contact{{Name: "door", Line: gpio.InputConfig{Chip: chip, Line: line, ActiveLow: true, Debounce: 20 * time.Millisecond}}},
		Options{OnChange: func(c Change) { changes <- c }, Problem: func(name, problem string) { t.Errorf("%s: %s", name, problem) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	limit := time.After(20 * time.Second)
	next := func() Change {
		t.Helper()
		select {
		case c := <-changes:
			return c
		case <-limit:
			t.Fatal("the wire does not follow")
			panic("not reached")
		}
	}
	first := next()
	if first.Name != "door" || !first.Known {
		t.Errorf("first %+v", first)
	}
	on := first.On
	for range 6 {
		on = !on
		before := time.Now()
		set(on)
		c := next()
		if c.On != on || !c.Known || c.At.Before(before) || c.At.After(time.Now()) {
			t.Errorf("after %v the door should be %v, but is %+v", before, on, c)
		}
		if state := s.States()[0]; state != (State{Name: "door", On: c.On, Known: true, Since: c.At}) {
			t.Errorf("state %+v", state)
		}
	}
}
