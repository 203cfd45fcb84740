package sim

import (
	"net/http"
	"strconv"
)

// writer builds an answer: with type attributes as firmware up to 2.0 writes
// them, or plain.
type writer struct {
	b     []byte
	typed bool
}

func (c *Camera) writer() *writer {
	return &writer{
		b:     append([]byte(nil), xmlHead+`<config version="`+c.version()+`" xmlns="http://www.ipc.com/ver10">`+"\n"...),
		typed: c.opt.API != API21 && !(c.opt.Recorder && c.opt.API != API19),
	}
}

func (w *writer) reply() reply {
	return reply{status: http.StatusOK, body: append(w.b, "\n</config>\n"...)}
}

func (w *writer) open(name string)  { w.b = append(w.b, "<"+name+">"...) }
func (w *writer) close(name string) { w.b = append(w.b, "</"+name+">"...) }

// list opens a list of n items; most is 0 where firmware does not tell it.
func (w *writer) list(name string, n, most int) {
	if !w.typed {
		w.open(name)
		return
	}
	w.b = append(w.b, "<"+name+` type="list"`...)
	if most > 0 {
		w.b = append(w.b, ` maxCount="`+strconv.Itoa(most)+`"`...)
	}
	w.b = append(w.b, ` count="`+strconv.Itoa(n)+`">`...)
}

// value writes an element with a bare value, which needs no quoting.
func (w *writer) value(name, kind, v string) {
	if w.typed {
		w.b = append(w.b, "<"+name+` type="`+kind+`">`+v...)
	} else {
		w.b = append(w.b, "<"+name+">"+v...)
	}
	w.close(name)
}

func (w *writer) num(name string, v int)    { w.value(name, "uint32", strconv.Itoa(v)) }
func (w *writer) flag(name string, v bool)  { w.value(name, "boolean", strconv.FormatBool(v)) }
func (w *writer) word(name, kind, v string) { w.value(name, kind, v) }
func (w *writer) types(name string, v ...string) {
	w.open("types")
	w.enum(name, v...)
	w.close("types")
}

func (w *writer) enum(name string, v ...string) {
	w.open(name)
	for _, s := range v {
		w.b = append(w.b, "<enum>"+s+"</enum>"...)
	}
	w.close(name)
}

// text writes an element with any text.
func (w *writer) text(name, v string) {
	if w.typed {
		w.b = append(w.b, "<"+name+` type="string">`...)
	} else {
		w.open(name)
	}
	w.b = appendText(w.b, v)
	w.close(name)
}

// appendString appends a string element as the devices write it, always in
// CDATA unless it cannot be.
func appendString(b []byte, name, value string) []byte {
	b = append(b, "<"+name+` type="string">`...)
	b = appendText(b, value)
	return append(b, "</"+name+">"...)
}
