// Package viewtron reads what Viewtron (and other TVT built) cameras and
// recorders post over HTTP: smart events, licence plates, trajectories, alarm
// status and heartbeats, in the three XML dialects their firmware speaks.
//
// [Decode] turns the body of one post into a [Post]. It is a pure function over
// bytes: it opens nothing, waits for nothing and keeps nothing. The text and the
// pictures of a Post are parts of the body it was read from, not copies, so a
// trajectory costs no allocation and half a megabyte of pictures is only looked
// through for its end. Everything in a post is taken as hostile: depth, counts
// and lengths are bounded, nothing is expanded, text always comes out as valid
// UTF-8.
//
// Coordinates are integers 0..10000 on each axis of the camera's frame, origin
// top left, y down.
package viewtron
