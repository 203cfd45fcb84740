// Package client talks to one Viewtron (TVT) camera or recorder over its HTTP
// API: who it is, what it can do, its plate lists, its alarm output, a picture.
//
// A [Client] stands for one device. It sends one request at a time, because the
// devices answer nothing sensible to two; share one Client between everything
// that talks to the same device. Requests marked [Urgent] (switching an alarm
// output off is always urgent) overtake those that wait.
//
// A refused login is never tried again: the devices lock an account after a few
// wrong passwords. After a refusal every call returns that refusal, with nothing
// sent, until [Client.SetCredentials] or [Client.ResetLogin] is called.
//
// What a device answers is bounded in size, depth and count before it is read.
package client
