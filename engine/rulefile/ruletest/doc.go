// Package ruletest runs the tests of rules: files named *_test.yaml beside the
// rules, in which people walk, plates are read and contacts open on a virtual
// clock, and which say what must come of it. There are no cameras, no outputs
// and no waiting; a minute of scene takes milliseconds.
//
// The engine is the one that runs live. What moves relays and reads recordings
// is given by the caller, see [Relays] and [Options].
package ruletest
