package sim_test

import (
	"bytes"
	"image/jpeg"
	"os"
	"testing"

	"github.com/sallyport/sallyport/viewtron/sim"
)

// TestPlaces holds that a drawn place gives the same picture of the same targets, and
// another one of others, in sizes that people see something on.
func TestPlaces(t *testing.T) {
	car := []sim.Target{
		{ID: 31, Class: "car", Box: sim.Box{3800, 5900, 6200, 7500}},
		{ID: 7, Class: "person", Box: sim.Box{1200, 6800, 1900, 9000}},
		{ID: 9, Class: "motor", Box: sim.Box{8000, 2600, 8700, 3700}},
	}
	for name, p := range map[string]*sim.Place{"porch": sim.Porch(), "gate": sim.Gate(map[uint32]string{31: "ABC1234"})} {
		empty, full := p.Frame(nil), p.Frame(car)
		if !bytes.Equal(empty, p.Frame(nil)) || !bytes.Equal(full, p.Frame(car)) || bytes.Equal(empty, full) {
			t.Errorf("%s: the same targets give other pictures, or others the same", name)
		}
		for what, want := range map[string]struct {
			b    []byte
			w, h int
		}{
			"frame": {full, 960, 540}, "crop": {p.Crop(car, car[0].Box), 307, 108}, "plate": {p.Plate("ABC1234"), 320, 80},
			"nowhere": {p.Crop(nil, sim.Box{}), 1, 1},
		} {
			if dir := os.Getenv("SALLYPORT_PICTURES"); dir != "" {
				if err := os.WriteFile(dir+"/"+name+"-"+what+".jpg", want.b, 0o644); err != nil {
					t.Error(err)
				}
			}
			c, err := jpeg.DecodeConfig(bytes.NewReader(want.b))
			if err != nil || c.Width != want.w || c.Height != want.h {
				t.Errorf("%s, %s: %d by %d, %v; want %d by %d", name, what, c.Width, c.Height, err, want.w, want.h)
			}
			if len(want.b) > 150<<10 {
				t.Errorf("%s, %s: %d bytes", name, what, len(want.b))
			}
		}
	}
}
