// Package sim is a virtual Viewtron (TVT) camera for tests and demonstrations.
//
// A [Camera] is an http.Handler for the device side (identity, plate lists,
// alarm output, picture, clock) with the state, the login and the lock-out of
// a real one, and it plays a [Scene] of walkers and cars as the posts a real
// one sends. The bodies of those posts can also be built without a camera or
// a network by the Append functions.
package sim
