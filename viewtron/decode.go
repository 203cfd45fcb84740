package viewtron

import "strconv"

// Error says why a post was refused.
type Error struct {
	Offset int    // byte of the body
	Reason string // what is wrong there
}

// Error is the reason with its place.
func (e *Error) Error() string {
	return "byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

func decode(body []byte, p *Post) error {
	if len(body) == 0 {
		p.Kind = KindHeartbeat
		return nil
	}
	return &Error{Reason: "posts are not read yet"}
}
