// Package client talks to one Viewtron (TVT) camera or recorder over its HTTP
// API. It knows the devices' three generations (1.x, 2.0 and 2.1), both ways of
// logging in, and where their answers differ from their documents.
//
// # One device, one Client
//
// A [Client] stands for one device. It sends one request at a time, because the
// devices answer nothing sensible to two; share one Client between everything
// that talks to the same device. [WithPriority] says who goes first when several
// wait: switching an alarm output off is always [Urgent], and long work (lists of
// plates) that is [Background] lets everything else in between its requests.
// What waits to go out is not counted in Config.Timeout, the exchange is.
//
// # What it can do
//
//   - Who and what: [Client.GetDeviceInfo], [Client.GetSupportedAPIs],
//     [Client.GetDateAndTime], [Client.GetChannels], [Client.GetAlarmInInfo], and
//     all that matters at once, asked for once, in [Client.Capabilities].
//   - What it looks for: [Client.GetDetection] reads the areas, lines and filters
//     of each of the [Detectors]; [Client.GetPassLineCountStatistics] the counter.
//   - What it sees: [Client.GetAlarmStatus], [Client.GetSnapshot]. Asking for
//     alarms is for devices that cannot post; the others tell faster and more.
//   - What it sends: [Client.GetHttpPostConfig] and [Client.SetHttpPostConfig] with
//     [PushConfig.WithSlot]. A set replaces the device's whole list; what others
//     set up there goes back as it came.
//   - Plates: [Client.AllPlates], [Client.AddPlates], [Client.ModifyPlate],
//     [Client.MovePlate], [Client.RemovePlate] work in whichever of the two families
//     of commands the device has; the families' own commands are there as well.
//   - Outputs: [Client.ManualAlarmOut], [Client.TriggerVirtualAlarm]. They are sent
//     once, never again by themselves.
//   - Anything else that only reads: [Client.Query].
//
// Typed results keep the answer as it came in Raw. Coordinates are 0..10000 on
// each axis of the frame, origin top left. Channel 0 in a call leaves the channel
// to the device.
//
// # Errors
//
// A device's refusal is an [*Error] with its code and words; errors.Is finds its
// kind: [ErrUnknownCommand] for what the device does not have (older ones say so
// with an empty 400), [ErrLoginRefused], [ErrExists], [ErrNotFound]. A write that
// nobody documents for the device is [ErrNotDocumented], and was not sent: once
// [Client.Capabilities] has asked, that is any write missing in the device's own
// list of commands, except what drives outputs and virtual alarms.
//
// A refused login is not tried again: the devices lock an account after a few
// wrong passwords. After a refusal every call returns that refusal, with nothing
// sent, until [Client.SetCredentials] or [Client.ResetLogin] is called, or the
// time of Config.LoginAgain is over.
//
// # Trust
//
// Devices sign their own certificates. [Certificate] shows one before anything is
// sent, and with its fingerprint as Config.Pin exactly that one is accepted; any
// other is a [*CertificateError]. Without a pin the system's trust counts. A
// device that asked for Digest once is not given the password in the clear later.
//
// What a device answers is bounded in size, depth and count before it is read,
// and what cannot be true in it is left out and named, not guessed.
package client
