package client

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What an [*Error] can be asked for with errors.Is.
var (
	// ErrLoginRefused is the kind of error of a wrong, expired or locked login
	// (codes 8, 9, 10 and HTTP 401). Nothing more is sent until the
	// credentials are set anew, the login is reset, or Config.LoginAgain is over.
	ErrLoginRefused = errors.New("login refused")
	// ErrUnknownCommand is the kind of error of a command the device does not
	// know (codes 1 and 11, HTTP 400 with an empty body, HTTP 404).
	ErrUnknownCommand = errors.New("command unknown to the device")
	// ErrExists is the kind of error of a plate that is on a list already (code 203).
	ErrExists = errors.New("plate exists")
	// ErrNotFound is the kind of error of a plate that is not there (code 204).
	ErrNotFound = errors.New("plate not found")
	// ErrNotDocumented is the kind of error of a write that the device is not
	// documented to have: it was not sent. See [NotDocumentedError].
	ErrNotDocumented = errors.New("not documented for the device")
	// ErrNotSent marks an item of a batch that was not sent because an
	// earlier part of the batch failed.
	ErrNotSent = errors.New("not sent")
	// ErrNoList is the kind of error of a plate list that the device does not
	// have, while it has others.
	ErrNoList = errors.New("no such plate list")
	// ErrNoPlateLists is returned by plate calls on a device that knows neither
	// the LicensePlates nor the VehiclePlate commands.
	ErrNoPlateLists = errors.New("the camera does not know the commands for plate lists")
)

// An Error is a device's refusal: its code and words, and the command it refused.
type Error struct {
	Command    string // for example "AddLicensePlates"
	Code       int    // the device's errorCode (protocol notes 2); 0 when it gave none
	Desc       string // the device's errorDesc, when it sent one
	HTTPStatus int    // the status of the answer; 0 when nothing was sent
	NotSent    bool   // the call was held back because of an earlier refused login
}

// Error says which command was refused and why, in the words of the code.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Command)
	b.WriteString(": ")
	words := Words(e.Code)
	switch {
	case e.Code != 0 && words != "":
		fmt.Fprintf(&b, "the camera answered code %d (%s)", e.Code, words)
	case e.Code != 0:
		fmt.Fprintf(&b, "the camera answered code %d", e.Code)
	case e.HTTPStatus != 0:
		fmt.Fprintf(&b, "the camera answered HTTP %d", e.HTTPStatus)
	default:
		b.WriteString("the camera refused")
	}
	if e.Desc != "" && !strings.EqualFold(e.Desc, words) {
		b.WriteString(": ")
		b.WriteString(strconv.Quote(cut(e.Desc, 200)))
	}
	if e.NotSent {
		b.WriteString("; not tried again with the same user name and password")
	}
	return b.String()
}

// Is reports whether e is of the kind of one of this package's sentinel errors.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrLoginRefused:
		return e.Code == 8 || e.Code == 9 || e.Code == 10
	case ErrUnknownCommand:
		return e.Code == 1 || e.Code == 11
	case ErrExists:
		return e.Code == 203
	case ErrNotFound:
		return e.Code == 204
	}
	return false
}

// A NotDocumentedError says that a command was not sent, because nobody
// documents that the device has it or what it would do.
type NotDocumentedError struct {
	Command string // for example "ModifyVehiclePlate"
	Reason  string // why not, in words that end a sentence
}

// Error names the command and why it was not sent.
func (e *NotDocumentedError) Error() string { return e.Command + " was not sent: " + e.Reason }

// Is reports that e is of the kind of ErrNotDocumented.
func (e *NotDocumentedError) Is(target error) bool { return target == ErrNotDocumented }

// Words gives the meaning of a device's error code (protocol notes 2), or ""
// for a code nobody documents.
func Words(code int) string {
	switch code {
	case 0:
		return "ok"
	case 1:
		return "invalid request, or the command is unknown"
	case 2:
		return "bad XML"
	case 3:
		return "bad content"
	case 4:
		return "permission denied"
	case 5:
		return "network port error, or refused by the address list"
	case 6:
		return "invalid sensor id"
	case 7:
		return "busy"
	case 8:
		return "password expired"
	case 9:
		return "unauthorized"
	case 10:
		return "user locked"
	case 11:
		return "unsupported"
	case 12:
		return "invalid channel"
	case 13:
		return "SD card error"
	case 14:
		return "invalid action"
	case 15:
		return "missing parameter"
	case 16:
		return "range error"
	case 17:
		return "service switched off"
	case 18:
		return "the change would restart the device"
	case 19:
		return "over the limit"
	case 20:
		return "resources do not exist"
	case 79:
		return "internal error"
	case 201:
		return "plate processing error"
	case 202:
		return "plate library full"
	case 203:
		return "plate exists already"
	case 204:
		return "plate not found"
	case 205:
		return "plate group exists already"
	case 206:
		return "too many plate groups"
	case 207:
		return "no such plate group"
	}
	switch {
	case code >= 80 && code <= 84:
		return "upgrade error"
	case code >= 101 && code <= 111:
		return "audio error"
	case code >= 150 && code <= 159:
		return "face library error"
	}
	return ""
}

// A CertificateError says that a device showed another certificate than the
// pinned one. Nothing was sent to it.
type CertificateError struct {
	Want, Got string // SHA-256 of the certificate, lower case hex with colons
	// Kept is the file in which a person corrects the pin when the device has a new
	// certificate for a good reason; empty where that is not known.
	Kept string
}

// Error names both fingerprints, and the file.
func (e *CertificateError) Error() string {
	text := "the camera's certificate is not the pinned one: its SHA-256 fingerprint is " + e.Got + ", pinned is " + e.Want
	if e.Kept != "" {
		text += "; when the camera was replaced or reset, take its line out of " + e.Kept
	}
	return text
}

// cut shortens s to at most n bytes without splitting a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
