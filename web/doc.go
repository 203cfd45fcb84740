// Package web is the console port: the API, and the page that uses it.
//
// A [Server] gets everything it shows from the functions of a [Source], as plain
// values; it knows no other room. [Listen] opens the port.
//
// Every route says which [Role] it takes at least; what says nothing is for nobody
// who has not signed in. People sign in with a password and have a session, scripts
// show a token; [Accounts] are who there is, and the source keeps them. Only where no
// password was ever set, and on loopback, is everybody an editor. Requests under a
// Host that is not this machine's are refused: without that a web page could point a
// name of its own at this machine and read the console through its visitor's browser.
//
// Durations in JSON are seconds, times are RFC 3339 in UTC with milliseconds, and
// what is not known is left out. Errors are problem details (RFC 9457).
// openapi.yaml, served at /api/v1/openapi.yaml, describes exactly what is there.
package web
