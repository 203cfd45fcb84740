package sim

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"slices"
)

// spot is a place on a canvas, in units of the frame (0..10000 both ways).
type spot struct{ x, y float64 }

// canvas is a picture that shapes with soft edges are drawn on.
type canvas struct {
	img   *image.RGBA
	cover []float64 // of one row, reused
	cuts  []float64 // of one scan line, reused
}

func newCanvas(w, h int) *canvas {
	return &canvas{img: image.NewRGBA(image.Rect(0, 0, w, h)), cover: make([]float64, w)}
}

// copyOf is a canvas with the same picture, to draw on.
func (c *canvas) copyOf() *canvas {
	b := c.img.Bounds()
	out := newCanvas(b.Dx(), b.Dy())
	copy(out.img.Pix, c.img.Pix)
	return out
}

// blend lays a colour over a pixel; share is 0..1.
func (c *canvas) blend(x, y int, p color.RGBA, share float64) {
	i := c.img.PixOffset(x, y)
	a := share * float64(p.A) / 255
	for k, v := range [3]uint8{p.R, p.G, p.B} {
		old := float64(c.img.Pix[i+k])
		c.img.Pix[i+k] = uint8(old + (float64(v)-old)*a + 0.5)
	}
	c.img.Pix[i+3] = 255
}

// fill fills a polygon, by the even-odd rule.
func (c *canvas) fill(p color.RGBA, poly ...spot) {
	const lines = 4 // scan lines of a row of pixels
	size := c.img.Bounds().Size()
	low, high := math.Inf(1), math.Inf(-1)
	at := make([]spot, len(poly))
	for i, s := range poly {
		at[i] = spot{s.x * float64(size.X) / 10000, s.y * float64(size.Y) / 10000}
		low, high = min(low, at[i].y), max(high, at[i].y)
	}
	for y := max(int(low), 0); y < min(int(high)+1, size.Y); y++ {
		clear(c.cover)
		first, last := size.X, 0
		for k := range lines {
			line := float64(y) + (float64(k)+0.5)/lines
			c.cuts = c.cuts[:0]
			for i, a := range at {
				if b := at[(i+1)%len(at)]; (a.y <= line) != (b.y <= line) {
					c.cuts = append(c.cuts, a.x+(line-a.y)*(b.x-a.x)/(b.y-a.y))
				}
			}
			slices.Sort(c.cuts)
			for i := 0; i+1 < len(c.cuts); i += 2 {
				from, to := max(c.cuts[i], 0), min(c.cuts[i+1], float64(size.X))
				if from >= to {
					continue
				}
				l, r := int(from), min(int(to), size.X-1)
				first, last = min(first, l), max(last, r+1)
				for x := l; x <= r; x++ {
					c.cover[x] += (min(to, float64(x+1)) - max(from, float64(x))) / lines
				}
			}
		}
		for x := first; x < last; x++ {
			if c.cover[x] > 0 {
				c.blend(x, y, p, min(c.cover[x], 1))
			}
		}
	}
}

// rect fills a rectangle, corners of which are rounded off by r.
func (c *canvas) rect(p color.RGBA, x1, y1, x2, y2, r float64) {
	if r <= 0 {
		c.fill(p, spot{x1, y1}, spot{x2, y1}, spot{x2, y2}, spot{x1, y2})
		return
	}
	// A frame is wider than it is high: what looks round is not, in its units.
	ry := min(r*c.aspect(), (y2-y1)/2)
	r = min(r, (x2-x1)/2)
	var poly []spot
	for i, corner := range [4]spot{{x2 - r, y1 + ry}, {x2 - r, y2 - ry}, {x1 + r, y2 - ry}, {x1 + r, y1 + ry}} {
		for k := range 7 {
			a := (float64(i)-1)*math.Pi/2 + float64(k)*math.Pi/12
			poly = append(poly, spot{corner.x + r*math.Cos(a), corner.y + ry*math.Sin(a)})
		}
	}
	c.fill(p, poly...)
}

// aspect is how many units of y are as long as a unit of x.
func (c *canvas) aspect() float64 {
	return float64(c.img.Bounds().Dx()) / float64(c.img.Bounds().Dy())
}

// ellipse fills one around a middle.
func (c *canvas) ellipse(p color.RGBA, x, y, rx, ry float64) {
	poly := make([]spot, 40)
	for i := range poly {
		a := float64(i) * 2 * math.Pi / float64(len(poly))
		poly[i] = spot{x + rx*math.Cos(a), y + ry*math.Sin(a)}
	}
	c.fill(p, poly...)
}

// fade fills the rows from y1 to y2 with one colour that becomes another.
func (c *canvas) fade(from, to color.RGBA, y1, y2 float64) {
	size := c.img.Bounds().Size()
	top, bottom := int(y1*float64(size.Y)/10000), int(y2*float64(size.Y)/10000)
	for y := max(top, 0); y < min(bottom, size.Y); y++ {
		p := mix(from, to, float64(y-top)/float64(max(bottom-top, 1)))
		for x := range size.X {
			c.blend(x, y, p, 1)
		}
	}
}

// glow brightens the surroundings of a lamp.
func (c *canvas) glow(p color.RGBA, x, y, r, strength float64) {
	size := c.img.Bounds().Size()
	mx, my, mr := x*float64(size.X)/10000, y*float64(size.Y)/10000, r*float64(size.X)/10000
	for py := max(int(my-mr), 0); py < min(int(my+mr)+1, size.Y); py++ {
		for px := max(int(mx-mr), 0); px < min(int(mx+mr)+1, size.X); px++ {
			if far := math.Hypot(float64(px)-mx, float64(py)-my) / mr; far < 1 {
				c.blend(px, py, p, strength*(1-far)*(1-far))
			}
		}
	}
}

// grain makes a plain region a little rough, the same way each time.
func (c *canvas) grain(y1, y2 float64, amount int) {
	size := c.img.Bounds().Size()
	seed := uint32(1)
	for y := int(y1 * float64(size.Y) / 10000); y < min(int(y2*float64(size.Y)/10000), size.Y); y++ {
		for x := range size.X {
			seed = seed*1664525 + 1013904223
			d := int(seed>>24)*(2*amount+1)/256 - amount
			i := c.img.PixOffset(x, y)
			for k := range 3 {
				c.img.Pix[i+k] = uint8(min(max(int(c.img.Pix[i+k])+d, 0), 255))
			}
		}
	}
}

// text writes capital letters and digits, with a dot's width in pixels; others are gaps.
func (c *canvas) text(p color.RGBA, s string, x, y, dot int) {
	for _, r := range s {
		for col, bits := range glyph(r) {
			for row := range 7 {
				if bits>>row&1 == 0 {
					continue
				}
				at := image.Rect(x+col*dot, y+row*dot, x+col*dot+dot, y+row*dot+dot)
				draw.Draw(c.img, at, image.NewUniform(p), image.Point{}, draw.Src)
			}
		}
		x += 6 * dot
	}
}

// jpeg encodes a part of the picture, given in units of the frame.
func (c *canvas) jpeg(part Box) []byte {
	size := c.img.Bounds().Size()
	at := image.Rect(part[0]*size.X/10000, part[1]*size.Y/10000, part[2]*size.X/10000, part[3]*size.Y/10000).Intersect(c.img.Bounds())
	if at.Empty() {
		at = image.Rect(0, 0, 1, 1)
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, c.img.SubImage(at), &jpeg.Options{Quality: 82}) // a bytes.Buffer does not fail
	return b.Bytes()
}

// mix is a colour between two; share 0 is the first.
func mix(a, b color.RGBA, share float64) color.RGBA {
	f := func(x, y uint8) uint8 { return uint8(float64(x) + (float64(y)-float64(x))*share + 0.5) }
	return color.RGBA{f(a.R, b.R), f(a.G, b.G), f(a.B, b.B), f(a.A, b.A)}
}

// rgb is an opaque colour from its hexadecimal number.
func rgb(n uint32) color.RGBA { return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255} }

// see is a colour that one sees through; share is how much of it is there.
func see(n uint32, share float64) color.RGBA {
	p := rgb(n)
	p.A = uint8(255 * share)
	return p
}

// glyph gives the columns of a character, the lowest bit on top.
func glyph(r rune) [5]uint8 {
	const known = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	columns := [len(known)][5]uint8{
		{0x3e, 0x51, 0x49, 0x45, 0x3e}, {0x00, 0x42, 0x7f, 0x40, 0x00}, {0x42, 0x61, 0x51, 0x49, 0x46}, {0x21, 0x41, 0x45, 0x4b, 0x31},
		{0x18, 0x14, 0x12, 0x7f, 0x10}, {0x27, 0x45, 0x45, 0x45, 0x39}, {0x3c, 0x4a, 0x49, 0x49, 0x30}, {0x01, 0x71, 0x09, 0x05, 0x03},
		{0x36, 0x49, 0x49, 0x49, 0x36}, {0x06, 0x49, 0x49, 0x29, 0x1e}, {0x7e, 0x11, 0x11, 0x11, 0x7e}, {0x7f, 0x49, 0x49, 0x49, 0x36},
		{0x3e, 0x41, 0x41, 0x41, 0x22}, {0x7f, 0x41, 0x41, 0x22, 0x1c}, {0x7f, 0x49, 0x49, 0x49, 0x41}, {0x7f, 0x09, 0x09, 0x09, 0x01},
		{0x3e, 0x41, 0x49, 0x49, 0x7a}, {0x7f, 0x08, 0x08, 0x08, 0x7f}, {0x00, 0x41, 0x7f, 0x41, 0x00}, {0x20, 0x40, 0x41, 0x3f, 0x01},
		{0x7f, 0x08, 0x14, 0x22, 0x41}, {0x7f, 0x40, 0x40, 0x40, 0x40}, {0x7f, 0x02, 0x0c, 0x02, 0x7f}, {0x7f, 0x04, 0x08, 0x10, 0x7f},
		{0x3e, 0x41, 0x41, 0x41, 0x3e}, {0x7f, 0x09, 0x09, 0x09, 0x06}, {0x3e, 0x41, 0x51, 0x21, 0x5e}, {0x7f, 0x09, 0x19, 0x29, 0x46},
		{0x46, 0x49, 0x49, 0x49, 0x31}, {0x01, 0x01, 0x7f, 0x01, 0x01}, {0x3f, 0x40, 0x40, 0x40, 0x3f}, {0x1f, 0x20, 0x40, 0x20, 0x1f},
		{0x3f, 0x40, 0x38, 0x40, 0x3f}, {0x63, 0x14, 0x08, 0x14, 0x63}, {0x07, 0x08, 0x70, 0x08, 0x07}, {0x61, 0x51, 0x49, 0x45, 0x43},
	}
	for i, k := range known {
		if k == r {
			return columns[i]
		}
	}
	return [5]uint8{}
}
