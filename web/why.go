package web

import (
	"net/http"

	"github.com/sallyport/sallyport/engine"
)

// Why is why a rule did what it did, or did not.
type Why struct {
	// Rule is the rule's name, File and Line where it stands.
	Rule string `json:"rule"`
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// At is the wall clock when this was asked.
	At Time `json:"at,omitzero"`
	// Looks are, of a rule on levels, as it stands now for everything that it can be
	// looked at for; of a rule on moments its last looks, oldest first.
	Looks []*engine.Explanation `json:"looks"`
	// Happenings are what came of the rule lately, oldest first.
	Happenings []engine.Happening `json:"happenings"`
}

// NotFoundError is the error of a [Source] for what does not exist. The caller
// gets its text in a 404.
type NotFoundError string

// Error is the text itself.
func (e NotFoundError) Error() string { return string(e) }

func (s *Server) why(w http.ResponseWriter, r *http.Request) {
	v, err := s.source.Why(r.Context(), r.PathValue("name"))
	if err != nil {
		failAs(w, err)
		return
	}
	if v.Looks == nil {
		v.Looks = []*engine.Explanation{}
	}
	if v.Happenings == nil {
		v.Happenings = []engine.Happening{}
	}
	answerJSON(w, v)
}
