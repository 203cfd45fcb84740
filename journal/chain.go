package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// chain is an entry's hash: SHA-256 over the hash before it and all that is stored
// of it, every text with its length before it. Pictures are in it by their own hash
// and size.
func chain(before [32]byte, e *Entry, at int64, images string) [32]byte {
	b := make([]byte, 0, 256+len(e.Body)+len(images))
	b = append(b, before[:]...)
	number := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	text := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	number(e.ID)
	number(at)
	for _, s := range []string{e.Kind, e.Camera, e.Rule, e.Key, e.Relay, e.Plate} {
		text(s)
	}
	number(e.Event)
	number(e.Firing)
	text(string(e.Body))
	text(images)
	return sha256.Sum256(b)
}

// storedImage is a picture as the database has it.
type storedImage struct {
	Name    string `json:"name"`
	Size    int64  `json:"size,omitempty"`
	SHA256  string `json:"sha256,omitempty"`
	Missing string `json:"missing,omitempty"`
}

// encodeImages is what is stored of an entry's pictures; empty when it has none.
func encodeImages(images []Image) string {
	if len(images) == 0 {
		return ""
	}
	stored := make([]storedImage, len(images))
	for i, m := range images {
		stored[i] = storedImage{m.Name, m.Size, m.SHA256, m.Missing}
	}
	b, err := json.Marshal(stored)
	if err != nil {
		return ""
	}
	return string(b)
}

func decodeImages(text string) ([]Image, error) {
	if text == "" {
		return nil, nil
	}
	var stored []storedImage
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, err
	}
	images := make([]Image, len(stored))
	for i, m := range stored {
		images[i] = Image{Name: m.Name, Size: m.Size, SHA256: m.SHA256, Missing: m.Missing}
	}
	return images, nil
}

// minMark is how much of a hash must be named at least: the first 16 digits.
const minMark = 16

// ParseHead reads a head as [Head.String] writes it, ID:HASH. The hash may be cut to
// its first 16 digits or more.
func ParseHead(s string) (Head, error) {
	id, hash, ok := strings.Cut(s, ":")
	n, err := strconv.ParseInt(id, 10, 64)
	hash = strings.ToLower(hash)
	if !ok || err != nil || n < 1 || len(hash) < minMark || len(hash) > 64 || strings.Trim(hash, "0123456789abcdef") != "" {
		return Head{}, errors.New("a head is ID:HASH, as the status shows it; of the hash at least 16 digits")
	}
	return Head{ID: n, Hash: hash}, nil
}

// is says whether a link is the noted head.
func (h Head) is(l link) bool { return h.ID == l.id && strings.HasPrefix(l.head().Hash, h.Hash) }
