package sim

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

// Painter makes the pictures of a camera, each a JPEG. It must be safe for use by
// several goroutines.
type Painter interface {
	// Frame is the whole picture with the targets in it.
	Frame(targets []Target) []byte
	// Crop is what the box of a target of the frame shows.
	Crop(targets []Target, box Box) []byte
	// Plate is a number plate.
	Plate(number string) []byte
}

// frame, crop and plate are the pictures of a scene.
func (c CameraScene) frame(targets []Target) []byte {
	if c.Painter != nil {
		return c.Painter.Frame(targets)
	}
	return Picture(targets)
}

func (c CameraScene) crop(targets []Target, e SmartEvent) []byte {
	if c.Painter != nil {
		return c.Painter.Crop(targets, e.Box)
	}
	return Crop(e.Class)
}

func (c CameraScene) plate(number string) []byte {
	if c.Painter != nil {
		return c.Painter.Plate(number)
	}
	return Crop("plate")
}

// Picture gives a small JPEG of the frame with the targets' boxes on it.
func Picture(targets []Target) []byte {
	const w, h = 160, 90
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetGray(x, y, color.Gray{Y: uint8(40 + y)})
		}
	}
	for i, t := range targets {
		if i == 16 {
			break
		}
		b := t.Box
		for y := max(b[1]*h/10000, 0); y < min(b[3]*h/10000, h); y++ {
			for x := max(b[0]*w/10000, 0); x < min(b[2]*w/10000, w); x++ {
				img.SetGray(x, y, color.Gray{Y: 220})
			}
		}
	}
	return encode(img)
}

// Crop gives a small JPEG that stands for a target's picture.
func Crop(class string) []byte {
	img := image.NewGray(image.Rect(0, 0, 32, 32))
	for i := range img.Pix {
		img.Pix[i] = uint8(90 + 10*len(class) + i%32)
	}
	return encode(img)
}

func encode(img image.Image) []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 60}) // a bytes.Buffer does not fail
	return b.Bytes()
}
