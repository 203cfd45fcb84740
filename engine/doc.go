// Package engine decides. It is a pure state machine: an event or the time goes
// in, decisions come out. Inside there is no clock, no I/O, no goroutine and no
// log; the same inputs give the same decisions in the same order.
//
// A [Ruleset] says what to look for, an [Engine] holds what is known (targets,
// visits, firings) and moves with [Engine.Apply], [Engine.Advance] and
// [Engine.Next]. A live loop, a replay and a rule test drive the very same code.
package engine
