// Package camera takes what cameras and recorders post over HTTP and turns it
// into [engine.Event] values, each under the name of the camera it belongs to.
//
// A [Matcher] says which camera a post is from. A [Reader] reads posts one at a
// time, as a replay or a test does. A [Port] is the listening side: it answers
// the cameras, keeps one bounded queue per camera and hands the posts to one
// loop in a fair order. [Decode] reads a single post that has no camera.
//
// Everything that arrives is taken as hostile: body sizes, connections, the
// memory of all bodies together, queues, and the lists of strangers are bounded.
package camera
