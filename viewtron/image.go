package viewtron

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// Known says whether there is a picture.
func (m Image) Known() bool { return len(m.Text) > 0 }

// Size is the number of bytes AppendDecode gives for a picture that is sound.
// It counts, it does not decode: about 60 microseconds for a megabyte.
func (m Image) Size() int {
	t := m.Text
	for len(t) > 0 && (t[len(t)-1] == '=' || t[len(t)-1] <= ' ') {
		t = t[:len(t)-1]
	}
	n := len(t) - blanks(t)
	return n/4*3 + n%4*3/4
}

// AppendDecode appends the picture's own bytes, usually a JPEG, to dst. Blanks
// inside the base64 and missing padding are forgiven; anything else that is not
// base64 is an error, and dst is then returned as it was given.
func (m Image) AppendDecode(dst []byte) ([]byte, error) {
	t := m.Text
	for len(t) > 0 && (t[len(t)-1] == '=' || t[len(t)-1] <= ' ') {
		t = t[:len(t)-1]
	}
	if blanks(t) > 0 {
		packed := make([]byte, 0, len(t))
		for _, c := range t {
			if c > ' ' {
				packed = append(packed, c)
			}
		}
		t = packed
	}
	out, err := base64.RawStdEncoding.AppendDecode(dst, t)
	if err != nil {
		return dst, fmt.Errorf("the picture at byte %d of the post is not base64: %w", m.Offset, err)
	}
	return out, nil
}

// AppendWithoutPictures appends body, the one p was decoded from, to dst with
// the text of every picture cut out: what a recording keeps, and what two copies
// of one post have in common.
func (p *Post) AppendWithoutPictures(dst, body []byte) []byte {
	from := 0
	for _, m := range p.Pictures {
		dst = append(dst, body[from:m.Offset]...)
		from = m.Offset + len(m.Text)
	}
	return append(dst, body[from:]...)
}

// blanks counts the bytes up to and including the space in t. Base64 on one
// line has none, so 64 bytes at a time are asked whether they hold any, and only
// those that do are counted byte by byte.
func blanks(t []byte) int {
	const (
		low  = 0x2121212121212121
		high = 0x8080808080808080
	)
	n := 0
	for len(t) >= 64 {
		b := (*[64]byte)(t)
		w0, w1 := binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])
		w2, w3 := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		w4, w5 := binary.LittleEndian.Uint64(b[32:]), binary.LittleEndian.Uint64(b[40:])
		w6, w7 := binary.LittleEndian.Uint64(b[48:]), binary.LittleEndian.Uint64(b[56:])
		// A byte below 0x21 borrows into its high bit. A byte beyond ASCII may
		// hide that, so it is counted by hand too; base64 has neither.
		some := (w0 - low) | (w1 - low) | (w2 - low) | (w3 - low) | (w4 - low) | (w5 - low) | (w6 - low) | (w7 - low) |
			w0 | w1 | w2 | w3 | w4 | w5 | w6 | w7
		if some&high != 0 {
			for _, c := range b {
				if c <= ' ' {
					n++
				}
			}
		}
		t = t[64:]
	}
	for _, c := range t {
		if c <= ' ' {
			n++
		}
	}
	return n
}
