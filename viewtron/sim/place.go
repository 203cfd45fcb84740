package sim

import (
	"image/color"
	"sync"
)

// Size of the pictures of a [Place].
const placeWidth, placeHeight = 960, 540

// Place is a drawn place with people and cars in it, a [Painter] for demonstrations. It
// draws the same picture of the same targets every time.
type Place struct {
	background func() *canvas
	plates     map[uint32]string
}

// Porch is a wooden porch with a lawn before it, late in the evening.
func Porch() *Place { return &Place{background: sync.OnceValue(porch)} }

// Gate is a driveway with its gate, late in the evening. plates are the number plates
// of cars by the last three digits of their target's id.
func Gate(plates map[uint32]string) *Place {
	return &Place{background: sync.OnceValue(gate), plates: plates}
}

// Frame is the place with the targets in it, 960 by 540 pixels.
func (p *Place) Frame(targets []Target) []byte {
	return p.draw(targets).jpeg(Box{0, 0, 10000, 10000})
}

// Crop is a box of the frame, with a little around it.
func (p *Place) Crop(targets []Target, box Box) []byte {
	w, h := (box[2]-box[0])/6, (box[3]-box[1])/8
	return p.draw(targets).jpeg(Box{max(box[0]-w, 0), max(box[1]-h, 0), min(box[2]+w, 10000), min(box[3]+h, 10000)})
}

// Plate is a number plate, 320 by 80 pixels.
func (p *Place) Plate(number string) []byte {
	const w, h, dot = 320, 80, 6
	c := newCanvas(w, h)
	c.fade(rgb(0x3b434c), rgb(0x272d34), 0, 10000)
	c.rect(rgb(0xe9ebe4), 250, 700, 9750, 9300, 200)
	c.rect(rgb(0x1d4f91), 250, 700, 900, 9300, 100)
	number = number[:min(len(number), 8)]
	c.text(rgb(0x15181b), number, 34+(w-40-len(number)*6*dot+dot)/2, (h-7*dot)/2, dot)
	return c.jpeg(Box{0, 0, 10000, 10000})
}

func (p *Place) draw(targets []Target) *canvas {
	c := p.background().copyOf()
	for i, t := range targets {
		if i == 64 {
			break
		}
		switch t.Class {
		case "car":
			c.car(t, p.plates[t.ID%1000])
		case "motor":
			c.motor(t)
		default:
			c.person(t)
		}
	}
	return c
}

// sprite gives places inside of a box: 0..1 both ways.
type sprite struct {
	*canvas
	b Box
}

func (s sprite) x(v float64) float64 { return float64(s.b[0]) + v*float64(s.b[2]-s.b[0]) }
func (s sprite) y(v float64) float64 { return float64(s.b[1]) + v*float64(s.b[3]-s.b[1]) }

func (s sprite) round(p color.RGBA, x, y, rx, ry float64) {
	s.ellipse(p, s.x(x), s.y(y), rx*float64(s.b[2]-s.b[0]), ry*float64(s.b[3]-s.b[1]))
}

func (s sprite) box(p color.RGBA, x1, y1, x2, y2, r float64) {
	s.rect(p, s.x(x1), s.y(y1), s.x(x2), s.y(y2), r*float64(s.b[2]-s.b[0]))
}

func (s sprite) poly(p color.RGBA, points ...spot) {
	at := make([]spot, len(points))
	for i, v := range points {
		at[i] = spot{s.x(v.x), s.y(v.y)}
	}
	s.fill(p, at...)
}

func (s sprite) shadow() { s.round(see(0x05070a, 0.45), 0.5, 0.985, 0.6, 0.035) }

func (c *canvas) person(t Target) {
	s := sprite{c, t.Box}
	coat := [...]uint32{0x3f6f8f, 0x8a4b3c, 0x5d7247, 0x7a5a86, 0xa07a3c, 0x46505c}[t.ID%6]
	s.shadow()
	s.poly(rgb(0x23272e), spot{0.34, 0.55}, spot{0.50, 0.55}, spot{0.46, 0.97}, spot{0.28, 0.97})
	s.poly(rgb(0x2b3038), spot{0.50, 0.55}, spot{0.66, 0.55}, spot{0.74, 0.97}, spot{0.56, 0.97})
	s.box(rgb(0x15171b), 0.24, 0.95, 0.47, 0.99, 0.06)
	s.box(rgb(0x15171b), 0.55, 0.95, 0.79, 0.99, 0.06)
	s.box(mix(rgb(coat), rgb(0), 0.25), 0.14, 0.22, 0.32, 0.56, 0.09)
	s.box(mix(rgb(coat), rgb(0), 0.15), 0.68, 0.22, 0.86, 0.56, 0.09)
	s.box(rgb(coat), 0.24, 0.19, 0.76, 0.60, 0.16)
	s.round(rgb(0xc79a78), 0.5, 0.10, 0.17, 0.072)
	s.round(rgb(0x2a211c), 0.5, 0.068, 0.17, 0.045)
}

func (c *canvas) car(t Target, plate string) {
	s := sprite{c, t.Box}
	paint := [...]uint32{0xd8dade, 0x7b858f, 0x294a73, 0x7c2f2c, 0x2c3034}[t.ID%5]
	s.shadow()
	s.box(rgb(0x0e1013), 0.07, 0.72, 0.22, 1, 0.03)
	s.box(rgb(0x0e1013), 0.78, 0.72, 0.93, 1, 0.03)
	s.poly(mix(rgb(paint), rgb(0), 0.12), spot{0.25, 0.02}, spot{0.75, 0.02}, spot{0.88, 0.46}, spot{0.12, 0.46})
	s.poly(rgb(0x1a2733), spot{0.285, 0.07}, spot{0.715, 0.07}, spot{0.815, 0.42}, spot{0.185, 0.42})
	s.poly(see(0x8fb1c9, 0.25), spot{0.30, 0.07}, spot{0.45, 0.07}, spot{0.36, 0.42}, spot{0.19, 0.42})
	s.box(rgb(paint), 0.03, 0.42, 0.97, 0.88, 0.06)
	s.box(mix(rgb(paint), rgb(0), 0.3), 0.05, 0.70, 0.95, 0.90, 0.04)
	s.box(rgb(0x14171a), 0.30, 0.56, 0.70, 0.66, 0.02)
	for _, x := range [2]float64{0.145, 0.855} {
		s.round(rgb(0xfff3cf), x, 0.585, 0.075, 0.075)
		s.glow(rgb(0xffe9b0), s.x(x), s.y(0.585), 0.30*float64(t.Box[2]-t.Box[0]), 0.55)
	}
	s.box(rgb(0xe9ebe4), 0.37, 0.73, 0.63, 0.845, 0.01)
	if size := c.img.Bounds().Size(); plate != "" {
		middle := (t.Box[0] + t.Box[2]) / 2 * size.X / 10000
		row := int(s.y(0.787)) * size.Y / 10000
		c.text(rgb(0x15181b), plate, middle-len(plate)*3, row-3, 1)
	}
}

func (c *canvas) motor(t Target) {
	s := sprite{c, t.Box}
	s.shadow()
	s.round(rgb(0x0e1013), 0.5, 0.84, 0.13, 0.16)
	s.round(rgb(0x2f343a), 0.5, 0.84, 0.06, 0.10)
	s.box(rgb(0x22262b), 0.12, 0.47, 0.88, 0.52, 0.03)
	s.box(rgb(0x933a30), 0.36, 0.48, 0.64, 0.78, 0.1)
	s.box(rgb(0x39424c), 0.26, 0.20, 0.74, 0.54, 0.16)
	s.round(rgb(0xd3d7db), 0.5, 0.11, 0.19, 0.11)
	s.round(rgb(0x1a2733), 0.5, 0.125, 0.13, 0.05)
	s.round(rgb(0xfff3cf), 0.5, 0.56, 0.10, 0.06)
	s.glow(rgb(0xffe9b0), s.x(0.5), s.y(0.56), 0.5*float64(t.Box[2]-t.Box[0]), 0.5)
}

// dusk is a sky with what is left of the evening behind trees.
func (c *canvas) dusk(horizon float64) {
	c.fade(rgb(0x1b2a44), rgb(0x4d5f80), 0, horizon*0.7)
	c.fade(rgb(0x4d5f80), rgb(0xb98f7d), horizon*0.7, horizon)
	for i, x := range [...]float64{600, 1900, 2600, 3900, 5200, 6100, 7300, 8200, 9300, 9900} {
		r := 620 + float64(i*37%5)*130
		c.ellipse(rgb(0x1c2b2c), x, horizon-100, r, r*1.15)
		c.ellipse(rgb(0x223533), x+380, horizon+80, r*0.8, r*0.8)
	}
}

func porch() *canvas {
	c := newCanvas(placeWidth, placeHeight)
	c.dusk(2300)
	// The lawn, and a path to the steps.
	c.fade(rgb(0x2f4434), rgb(0x3a5540), 2300, 10000)
	c.grain(2300, 10000, 5)
	c.fill(rgb(0x6d6a62), spot{4500, 2300}, spot{4900, 2300}, spot{6300, 4300}, spot{4100, 4300})
	c.fill(see(0x87837a, 0.5), spot{4550, 2300}, spot{4700, 2300}, spot{4900, 4300}, spot{4250, 4300})
	// A street lamp far away, a fence along the lawn.
	c.rect(rgb(0x20252b), 8480, 800, 8530, 2700, 0)
	c.glow(rgb(0xffdf9e), 8505, 800, 900, 0.5)
	c.ellipse(rgb(0xffedc4), 8505, 800, 70, 90)
	for x := 0.0; x < 10000; x += 260 {
		if x > 4100 && x < 5100 {
			continue
		}
		c.fill(rgb(0x8d8a80), spot{x, 2060}, spot{x + 60, 1960}, spot{x + 120, 2060}, spot{x + 120, 2620}, spot{x, 2620})
	}
	c.rect(rgb(0x7c7a71), 0, 2180, 4150, 2250, 0)
	c.rect(rgb(0x7c7a71), 5070, 2180, 10000, 2250, 0)
	// Steps, and the boards, which come together far away.
	c.fill(rgb(0x54463a), spot{3300, 4250}, spot{6900, 4250}, spot{7100, 4700}, spot{3100, 4700})
	c.rect(rgb(0x463a30), 3180, 4500, 7020, 4580, 0)
	c.fill(rgb(0x7a6049), spot{1500, 4700}, spot{8500, 4700}, spot{10900, 10000}, spot{-900, 10000})
	for i := -14; i <= 14; i++ {
		x := float64(i)
		c.fill(see(0x4d3b2c, 0.8), spot{5000 + x*250 - 8, 4700}, spot{5000 + x*250 + 8, 4700}, spot{5000 + x*421 + 20, 10000}, spot{5000 + x*421 - 20, 10000})
	}
	c.grain(4700, 10000, 4)
	// The mat, a bench, a plant.
	c.fill(rgb(0x3c4650), spot{4150, 8900}, spot{5850, 8900}, spot{6000, 9750}, spot{4000, 9750})
	c.fill(see(0x5a6672, 0.8), spot{4260, 9010}, spot{5740, 9010}, spot{5860, 9640}, spot{4140, 9640})
	c.rect(rgb(0x4a3626), 7450, 5700, 8900, 5980, 40)
	c.rect(rgb(0x553f2d), 7350, 6350, 9050, 6650, 40)
	c.rect(rgb(0x38291d), 7450, 6600, 7600, 7350, 0)
	c.rect(rgb(0x38291d), 8800, 6600, 8950, 7350, 0)
	c.fill(rgb(0x6b3f2c), spot{1050, 6300}, spot{1750, 6300}, spot{1630, 7300}, spot{1170, 7300})
	for _, leaf := range [...]spot{{1400, 5650}, {1150, 5900}, {1650, 5900}, {1280, 5350}, {1540, 5380}} {
		c.ellipse(rgb(0x3d6340), leaf.x, leaf.y, 230, 430)
	}
	// Posts and the roof's edge, with the lamp that is dark until it is switched on.
	for _, x := range [2]float64{180, 9380} {
		c.rect(rgb(0xb9b4a6), x, 0, x+440, 10000, 0)
		c.rect(rgb(0x98937f), x+310, 0, x+440, 10000, 0)
	}
	c.rect(rgb(0x34393f), 0, 0, 10000, 620, 0)
	c.rect(rgb(0x454b52), 0, 620, 10000, 740, 0)
	c.rect(rgb(0x22262b), 4870, 740, 5130, 1000, 30)
	c.ellipse(rgb(0xd9cfa8), 5000, 1080, 190, 210)
	c.glow(rgb(0xffe2a0), 5000, 1080, 1400, 0.35)
	return c
}

func gate() *canvas {
	c := newCanvas(placeWidth, placeHeight)
	c.dusk(2400)
	// The street behind, with its pavement and a house across.
	c.rect(rgb(0x4f4a48), 6700, 900, 9500, 2500, 0)
	c.fill(rgb(0x2c2e33), spot{6400, 950}, spot{8100, 150}, spot{9800, 950})
	for i, x := range [...]float64{7000, 7700, 8500, 9050} {
		lit := rgb(0x2a323c)
		if i == 1 || i == 2 {
			lit = rgb(0xf0cc82)
		}
		c.rect(lit, x, 1300, x+320, 1800, 0)
	}
	c.fade(rgb(0x2f4434), rgb(0x3a5540), 2400, 10000)
	c.grain(2400, 10000, 5)
	c.rect(rgb(0x75736c), 0, 2750, 10000, 3050, 0)
	c.rect(rgb(0x3b3f45), 0, 3050, 10000, 3850, 0)
	for x := 100.0; x < 10000; x += 900 {
		c.rect(see(0xcfcabb, 0.7), x, 3420, x+450, 3460, 0)
	}
	c.rect(rgb(0x75736c), 0, 3850, 10000, 4150, 0)
	c.grain(2750, 4150, 4)
	// The driveway.
	c.fill(rgb(0x565a60), spot{3250, 4000}, spot{6750, 4000}, spot{9300, 10000}, spot{700, 10000})
	c.fill(rgb(0x63676d), spot{3500, 4000}, spot{6500, 4000}, spot{8850, 10000}, spot{1150, 10000})
	c.fill(see(0x767a80, 0.5), spot{4300, 4000}, spot{4700, 4000}, spot{3900, 10000}, spot{2700, 10000})
	c.fill(see(0x767a80, 0.5), spot{5300, 4000}, spot{5700, 4000}, spot{7300, 10000}, spot{6100, 10000})
	c.grain(4150, 10000, 4)
	// Hedges, pillars with lamps, and the gate, which slid aside.
	for i := range 9 {
		x := float64(i)
		c.ellipse(rgb(0x24402c), x*340-100, 4150, 380, 620)
		c.ellipse(rgb(0x2b4a33), x*340+60, 4050, 300, 480)
		c.ellipse(rgb(0x24402c), 10100-x*340, 4150, 380, 620)
		c.ellipse(rgb(0x2b4a33), 9940-x*340, 4050, 300, 480)
	}
	for y := 3350.0; y <= 4300; y += 310 {
		c.rect(rgb(0x1e2226), 700, y, 2800, y+70, 0)
	}
	for x := 700.0; x <= 2800; x += 175 {
		c.rect(rgb(0x1e2226), x, 3250, x+45, 4450, 0)
	}
	for _, x := range [2]float64{2750, 6750} {
		c.rect(rgb(0x8a7f70), x, 2950, x+500, 4750, 0)
		c.rect(rgb(0x6f6558), x+340, 2950, x+500, 4750, 0)
		c.rect(rgb(0xa59a88), x-60, 2850, x+560, 3020, 0)
		c.rect(rgb(0x23272c), x+190, 2500, x+310, 2850, 0)
		c.ellipse(rgb(0xffeebf), x+250, 2480, 130, 190)
		c.glow(rgb(0xffe2a0), x+250, 2480, 900, 0.5)
	}
	// The camera on the right pillar that reads, and the intercom on the left one.
	c.rect(rgb(0x20242a), 2880, 3500, 3060, 3860, 20)
	c.ellipse(rgb(0x68c3d0), 2970, 3590, 40, 60)
	return c
}
