// Package web is the console port: the read side of the API, the health checks
// and a first page.
//
// A [Server] gets everything it shows from the functions of a [Source], as plain
// values; it knows no other room. [Listen] opens the port.
//
// There is no sign-in yet, so nothing but loopback is listened on, and requests
// under a foreign Host are refused: without that a web page could point a name of
// its own at 127.0.0.1 and read the console through its visitor's browser.
//
// Durations in JSON are seconds, times are RFC 3339 in UTC with milliseconds, and
// what is not known is left out. Errors are problem details (RFC 9457).
// openapi.yaml, served at /api/v1/openapi.yaml, describes exactly what is there.
package web
