package web

import "github.com/sallyport/sallyport/engine"

// ReplayResult is what two rule sets decided on the recording, as far back as it has got.
type ReplayResult struct {
	From  Time `json:"from"`
	Until Time `json:"until"`
	// Note says what is not as it was asked for: the recording begins later, or has gaps; empty for nothing.
	Note string `json:"note,omitempty"`
	// Old and New are the decisions of the rules in force and of the others, oldest first.
	Old []ReplayFiring `json:"old"`
	New []ReplayFiring `json:"new"`
	// More is how many were left out.
	More int `json:"more,omitempty"`
}

// ReplayFiring is one decision of a replay.
type ReplayFiring struct {
	At     Time    `json:"at"`
	Rule   string  `json:"rule"`
	Key    string  `json:"key,omitempty"`
	Camera string  `json:"camera,omitempty"`
	Target *uint64 `json:"target,omitempty"`
	Plate  string  `json:"plate,omitempty"`
	// Type is firing or suppressed.
	Type   string `json:"type"`
	Reason string `json:"reason,omitempty"`
	// Same is whether the other rules decided it, too.
	Same bool `json:"same"`
}

// NearMisses are looks of a rule that missed by little, the newest first.
type NearMisses struct {
	Items []NearMiss `json:"items"`
}

// NearMiss is a look of which all but one part held, and that part nearly.
type NearMiss struct {
	At   Time                `json:"at"`
	Look *engine.Explanation `json:"look"`
	// Missing says what was missing, in words.
	Missing string `json:"missing"`
}
