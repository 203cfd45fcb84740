package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/engine"
)

// marksFile is the file below the data folder with the marks of what was asked since
// the state was last written.
const marksFile = "marks.jsonl"

// maxWaitingMarks bounds the marks that wait for the disk. One more is not waited
// for: nothing but the disk is wrong then, and a gate must go on opening.
const maxWaitingMarks = 256

// loadMarks reads what an earlier run noted. Lines that are none, as the last one
// after a power cut, are left out.
func loadMarks(file string, log *slog.Logger) []engine.Mark {
	b, err := readEnd(file, engine.MaxState)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		log.Error("what was asked last before the program ended is not known: a car that stands at the gate may open it once more", "file", file, "error", err)
		return nil
	}
	var marks []engine.Mark
	bad := 0
	for line := range bytes.Lines(b) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		m, err := engine.DecodeMark(line)
		if err != nil {
			bad++
			continue
		}
		marks = append(marks, m)
	}
	if bad > 0 {
		log.Warn("lines of the marks file cannot be read and are left out", "file", file, "lines", bad)
	}
	return marks
}

// readEnd reads the last n bytes of a file at most: the marks that were noted last
// are those that count.
func readEnd(file string, n int64) ([]byte, error) {
	if err := regular(file); err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(max(info.Size()-n, 0), io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, n))
}

// markLog notes what is asked before it moves anything, so that a program that is
// killed does not ask again: a line of a file each, until the state that knows of it
// is on the disk.
type markLog struct {
	file  string
	fsync bool // wait for the disk itself, not only for the kernel
	log   *slog.Logger
	ops   chan markOp // never closed: a slow disk may tell of a state after the end
	stop  chan struct{}
	done  chan struct{}

	// The writer's own.
	f       *os.File
	last    uint64 // the number of the last mark in the file
	unkept  []byte // lines that could not be written
	torn    bool   // the file may end within a line
	said    time.Time
	failing bool
}

// markOp is a mark to note, or the news that a state is on the disk.
type markOp struct {
	line  []byte
	seq   uint64
	ready chan struct{}
}

func newMarkLog(file string, fsync bool, log *slog.Logger) *markLog {
	m := &markLog{file: file, fsync: fsync, log: log, ops: make(chan markOp, maxWaitingMarks), stop: make(chan struct{}), done: make(chan struct{})}
	go m.run()
	return m
}

// keep notes a mark. The channel is closed once it is noted; nil means that nobody
// should wait.
func (m *markLog) keep(mark *engine.Mark) <-chan struct{} {
	op := markOp{line: append(mark.AppendJSON(nil), '\n'), seq: mark.Seq, ready: make(chan struct{})}
	select {
	case m.ops <- op:
		return op.ready
	default:
		return nil
	}
}

// clear is told the number of the last mark that the state on the disk holds.
func (m *markLog) clear(seq uint64) {
	select {
	case m.ops <- markOp{seq: seq}:
	default: // the next state says it again
	}
}

// close waits a moment for the last marks.
func (m *markLog) close() {
	close(m.stop)
	select {
	case <-m.done:
	case <-time.After(stateClose):
	}
}

func (m *markLog) run() {
	defer close(m.done)
	for more := true; more; {
		select {
		case op := <-m.ops:
			m.take(op)
		case <-m.stop:
			for len(m.ops) > 0 {
				m.take(<-m.ops)
			}
			more = false
		}
	}
	if m.f != nil {
		_ = m.f.Close()
	}
}

func (m *markLog) take(op markOp) {
	if op.line == nil {
		m.empty(op.seq)
		return
	}
	m.last = op.seq
	if err := m.note(op.line); err != nil {
		m.failed(err)
		return // nobody is told that it was noted
	}
	m.failing = false
	close(op.ready)
}

// note writes a line, and before it those that could not be written.
func (m *markLog) note(line []byte) error {
	if len(m.unkept)+len(line) <= maxWaitingMarks*engine.MaxMark {
		m.unkept = append(m.unkept, line...)
	}
	if m.f != nil && !m.there() {
		_ = m.f.Close() // it is no file of the folder any more
		m.f = nil
	}
	if m.f == nil {
		if err := regular(m.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err // to open a pipe could wait for ever
		}
		if err := os.MkdirAll(filepath.Dir(m.file), 0o750); err != nil {
			return err
		}
		f, err := os.OpenFile(m.file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			return err
		}
		m.f = f
	}
	text := m.unkept
	if m.torn {
		text = append([]byte{'\n'}, text...)
	}
	n, err := m.f.Write(text)
	if err != nil {
		m.torn = m.torn || n > 0
		return err
	}
	m.unkept, m.torn = m.unkept[:0], false
	if m.fsync {
		return m.f.Sync()
	}
	return nil
}

// there says whether the open file is still the one of that name. The folder may have
// been removed or replaced, and a note in a file that is gone is none.
func (m *markLog) there() bool {
	now, err := os.Stat(m.file)
	if err != nil {
		return false
	}
	open, err := m.f.Stat()
	return err == nil && os.SameFile(now, open)
}

// empty forgets the marks up to a number, when there are no later ones.
func (m *markLog) empty(seq uint64) {
	if m.last > seq {
		return
	}
	m.unkept = m.unkept[:0]
	switch info, err := os.Stat(m.file); {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err == nil && info.Size() == 0:
		return
	}
	if err := os.Truncate(m.file, 0); err != nil {
		m.failed(err)
		return
	}
	m.torn = false
}

func (m *markLog) failed(err error) {
	if now := time.Now(); !m.failing || now.Sub(m.said) >= stateSay {
		m.said = now
		m.log.Error("what is asked of relays cannot be noted on the disk: a restart may ask again", "file", m.file, "error", err)
	}
	m.failing = true
}
