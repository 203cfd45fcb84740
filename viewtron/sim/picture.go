package sim

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
)

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
