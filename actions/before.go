package actions

import (
	"time"

	"github.com/sallyport/sallyport/engine"
)

// ask asks for the record of a step that a restart must know of; nil = it need
// not wait for one.
func (r *Runner) ask(q engine.Request) <-chan struct{} {
	if r.before == nil || q.Mark == nil {
		return nil
	}
	return r.before(q)
}

// await waits for a step's record, 50 ms after Submit at most. Relays wait for
// theirs themselves.
func (r *Runner) await(t *task) {
	if t.recorded == nil || t.wait != nil {
		return
	}
	patience := time.NewTimer(time.Until(t.patience))
	defer patience.Stop()
	select {
	case <-t.recorded:
	case <-patience.C:
		t.unrecorded = true
	case <-r.root.Done():
	}
}
