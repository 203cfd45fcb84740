package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/sallyport/sallyport/viewtron/client"
)

// pinsFile holds the certificates that were trusted on first use, below the data folder:
// a mapping from host[:port] of a device to the SHA-256 fingerprint.
const pinsFile = "pins.json"

// pins are the certificates of devices without `tls_pin`. The one that a device shows
// first is kept and said; another one later is refused. Several programs may use the
// file at a time, so it is read again before it is asked.
type pins struct {
	file string // empty: nothing is kept
	say  func(string)

	mu   sync.Mutex // covers the file and the fields below
	seen map[string]string
}

func newPins(dataDir string, say func(string)) *pins {
	p := &pins{say: say, seen: map[string]string{}}
	if dataDir != "" {
		p.file = filepath.Join(dataDir, pinsFile)
	}
	return p
}

// trust gives the check of the certificates of one device; camera is its name in the
// site file, address its host[:port].
func (p *pins) trust(camera, address string) func(fingerprint string) error {
	return func(got string) error {
		p.mu.Lock()
		defer p.mu.Unlock()
		kept, err := p.read()
		if err != nil {
			return fmt.Errorf("the certificates that were trusted cannot be read, so this one (%s) is not trusted: correct or remove %s: %w", got, p.file, err)
		}
		want, known := kept[address]
		if !known {
			want, known = p.seen[address]
		}
		switch {
		case !known:
		case want != got:
			return &client.CertificateError{Want: want, Got: got, Kept: p.file}
		default:
			return nil
		}
		p.seen[address] = got
		text := fmt.Sprintf("camera %q: its certificate is trusted on first use: SHA-256 %s", camera, got)
		if p.file != "" {
			kept[address] = got
			// The folder is the program's to make, under its own user.
			_, err := os.Stat(filepath.Dir(p.file))
			var data []byte
			if err == nil {
				data, err = json.MarshalIndent(kept, "", "  ")
			}
			if err == nil {
				err = replaceFile(p.file, append(data, '\n'))
			}
			if err != nil {
				text += fmt.Sprintf("; it could not be kept (%v), so write it as tls_pin into the site file", err)
			}
		}
		p.say(text)
		return nil
	}
}

// read gives what is kept; nothing is no error.
func (p *pins) read() (map[string]string, error) {
	kept := map[string]string{}
	if p.file == "" {
		return kept, nil
	}
	data, err := readState(p.file)
	if errors.Is(err, fs.ErrNotExist) {
		return kept, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, &kept); err != nil {
		return nil, err
	}
	if kept == nil {
		return nil, errors.New("it holds no mapping")
	}
	return kept, nil
}
