package segment

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// A member is a gzip member (RFC 1952) with an extra field "SP": four bytes each of
// the length of the member, the length of its text and the CRC-32 of what follows;
// a byte that is 1 for a snapshot, the number of lines, the first line's time in
// nanoseconds, and of each further line the difference to the one before (varints).

// head is how every member begins, up to the length of its extra fields.
const head = "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff"

const (
	fixed      = len(head) + 2 + 4 // to the payload of the extra field
	checkedAt  = 12                // where in the payload the checked part begins
	trailer    = 8
	maxPayload = checkedAt + 1 + binary.MaxVarintLen64*(maxInMember+1)
	maxText    = MaxLine + batch
	maxMember  = fixed + maxPayload + maxText + maxText>>10 + 1024
)

// errDamaged is what is no member, or not a whole one.
var errDamaged = errors.New("damaged")

// packer makes members.
type packer struct {
	deflate *flate.Writer
	out     bytes.Buffer
	payload []byte
	text    []byte
}

// pack appends a member of lines to b.
func (p *packer) pack(b []byte, text []byte, recs []record) []byte {
	p.text = p.text[:0]
	p.payload = append(p.payload[:0], make([]byte, checkedAt)...)
	var flags byte
	if recs[0].snapshot {
		flags = 1
	}
	p.payload = append(p.payload, flags)
	p.payload = binary.AppendUvarint(p.payload, uint64(len(recs)))
	last := int64(0)
	for _, r := range recs {
		p.payload = binary.AppendVarint(p.payload, r.at-last)
		last = r.at
		p.text = append(append(p.text, text[:r.n]...), '\n')
		text = text[r.n:]
	}
	p.out.Reset()
	if p.deflate == nil {
		p.deflate, _ = flate.NewWriter(&p.out, flate.DefaultCompression) // the level is a good one
	} else {
		p.deflate.Reset(&p.out)
	}
	// A buffer takes everything.
	_, _ = p.deflate.Write(p.text)
	_ = p.deflate.Close()

	total := fixed + len(p.payload) + p.out.Len() + trailer
	binary.LittleEndian.PutUint32(p.payload, uint32(total))
	binary.LittleEndian.PutUint32(p.payload[4:], uint32(len(p.text)))
	binary.LittleEndian.PutUint32(p.payload[8:], crc32.ChecksumIEEE(p.payload[checkedAt:]))
	b = append(b, head...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(p.payload)+4))
	b = append(b, 'S', 'P')
	b = binary.LittleEndian.AppendUint16(b, uint16(len(p.payload)))
	b = append(b, p.payload...)
	b = append(b, p.out.Bytes()...)
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(p.text))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.text)))
	if cap(p.text) > keptBuffer {
		p.text = nil
	}
	if p.out.Cap() > keptBuffer {
		p.out = bytes.Buffer{}
	}
	return b
}

// header is what a member says of itself.
type header struct {
	size     int // of the whole member
	text     int // unpacked
	begins   int // where the packed text begins
	snapshot bool
	times    []int64 // of its lines
}

// parseHeader reads the header of a member that begins with b. More bytes are
// needed when it gives io.ErrUnexpectedEOF.
func parseHeader(b []byte) (h header, err error) {
	if n := min(len(b), len(head)); string(b[:n]) != head[:n] {
		return h, errDamaged
	}
	if len(b) < fixed+checkedAt {
		return h, io.ErrUnexpectedEOF
	}
	extra := int(binary.LittleEndian.Uint16(b[len(head):]))
	size := int(binary.LittleEndian.Uint16(b[fixed-2:]))
	if b[fixed-4] != 'S' || b[fixed-3] != 'P' || extra != size+4 || size <= checkedAt || size > maxPayload {
		return h, errDamaged
	}
	if len(b) < fixed+size {
		return h, io.ErrUnexpectedEOF
	}
	p := b[fixed : fixed+size]
	total, text := binary.LittleEndian.Uint32(p), binary.LittleEndian.Uint32(p[4:])
	if uint64(total) > uint64(maxMember) || uint64(text) > maxText || int(total) < fixed+size+trailer || crc32.ChecksumIEEE(p[checkedAt:]) != binary.LittleEndian.Uint32(p[8:]) {
		return h, errDamaged
	}
	h = header{size: int(total), text: int(text), begins: fixed + size, snapshot: p[checkedAt] == 1}
	p = p[checkedAt+1:]
	n, k := binary.Uvarint(p)
	if k <= 0 || n == 0 || n > maxInMember {
		return h, errDamaged
	}
	p = p[k:]
	last := int64(0)
	for range n {
		d, k := binary.Varint(p)
		if k <= 0 {
			return h, errDamaged
		}
		p = p[k:]
		last += d
		h.times = append(h.times, last)
	}
	return h, nil
}

// unpacker reads members.
type unpacker struct {
	inflate io.ReadCloser
	text    []byte
}

// unpack gives the text of a whole member, good until the next call.
func (u *unpacker) unpack(h header, member []byte) ([]byte, error) {
	packed := bytes.NewReader(member[h.begins : h.size-trailer])
	if u.inflate == nil {
		u.inflate = flate.NewReader(packed)
	} else if err := u.inflate.(flate.Resetter).Reset(packed, nil); err != nil {
		return nil, err
	}
	if cap(u.text) < h.text+1 {
		u.text = make([]byte, h.text+1)
	}
	n, err := io.ReadFull(u.inflate, u.text[:h.text+1])
	end := member[h.size-trailer:]
	switch {
	case !errors.Is(err, io.ErrUnexpectedEOF) || n != h.text:
		return nil, errDamaged
	case crc32.ChecksumIEEE(u.text[:n]) != binary.LittleEndian.Uint32(end), uint32(n) != binary.LittleEndian.Uint32(end[4:]):
		return nil, errDamaged
	case bytes.Count(u.text[:n], []byte{'\n'}) != len(h.times) || u.text[n-1] != '\n':
		return nil, errDamaged
	}
	return u.text[:n], nil
}

// moment is a kept time.
func moment(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// name is what a segment is called. Its parts sort as the segments were written.
type name struct {
	number int64
	first  time.Time
	run    string
}

const (
	ending    = ".jsonl.gz"
	nameStamp = "20060102T150405.000Z"
)

func (n name) String() string {
	return fmt.Sprintf("%010d-%s-%s%s", n.number, n.first.UTC().Format(nameStamp), n.run, ending)
}
