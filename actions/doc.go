// Package actions carries out what the engine decided.
//
// A [Runner] takes the engine's requests, keeps their order, their deadlines
// and the two promises of the rule language: a step that is tried once is never
// repeated, a step that is told is tried until it arrives or expires. What
// happened goes back to the engine as an outcome.
//
// Durable steps and plate edits are kept in an outbox: written by a [Store] before
// they are tried, tried one after the other for each destination, and taken up
// again by [Runner.Start] after a restart. A step has one id at every try, which
// the other side can tell repetitions by: a kill between the arrival of a step and
// its removal from the disk has it sent again. What cannot be written is tried all
// the same, from memory.
//
// Every destination (a relay, a host, a program, a camera) has a bounded lane
// of its own, so one that does not answer delays no other. A verb is an
// [Action] in a package of its own and one [Handler] in the list given to [New].
package actions
