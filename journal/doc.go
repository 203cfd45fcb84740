// Package journal is the program's memory on disk: what happened, what was
// decided and what came of it, in one SQLite database in the data folder, with
// pictures beside it; and the outbox of steps that must not be lost.
//
// One goroutine writes. Whoever adds something never waits for the disk: rows
// are collected for at most [DefaultCommit] and written together, and every
// commit is on the disk (fsync) before it counts. So a power cut costs at most
// what was added in the last 200 ms, and nothing that somebody was told is on
// the disk. When nothing is added nothing is written and nobody wakes.
//
// Every entry carries a SHA-256 over the entry before it and all of its own
// fields. An entry that is removed, altered, moved or put in between shows in
// [Verify]. Retention removes the oldest entries and keeps the id and hash of the
// last one it removed as the anchor the chain begins at. Whoever notes a
// [Head] elsewhere also sees whether the end was cut off.
//
// A disk that is full, gone or broken never holds anybody up: entries wait in
// bounded memory, those beyond are dropped and counted, and when the disk takes
// them again an entry says how many are missing.
package journal
