package engine

// Truth is true, false or unknown. Only True lets a rule fire.
type Truth int8

// The three values. The zero value is False.
const (
	False   Truth = 0
	True    Truth = 1
	Unknown Truth = -1
)

// TruthOf turns a bool into a known truth.
func TruthOf(b bool) Truth {
	if b {
		return True
	}
	return False
}

// Not turns true and false around; unknown stays unknown.
func (t Truth) Not() Truth {
	switch t {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

// String is true, false or unknown.
func (t Truth) String() string {
	switch t {
	case True:
		return "true"
	case False:
		return "false"
	}
	return "unknown"
}

// MarshalText is [Truth.String].
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what [Truth.MarshalText] writes; any other word is unknown.
func (t *Truth) UnmarshalText(b []byte) error {
	switch string(b) {
	case "true":
		*t = True
	case "false":
		*t = False
	default:
		*t = Unknown
	}
	return nil
}

// CondOp is how a part of a condition is put together.
type CondOp uint8

// A condition is a leaf, or parts under and, or, not.
const (
	CondLeaf CondOp = iota
	CondAnd
	CondOr
	CondNot
)

// Cond is a condition as a tree. The rule loader splits an expression at &&, ||
// and ! into leaves; a leaf that read an unknown is unknown.
type Cond struct {
	Op   CondOp
	Kids []*Cond           // CondAnd, CondOr: two or more; CondNot: one
	Test func(*Look) Truth // CondLeaf
	Text string            // the part's source
	// Read gives the values that a CondLeaf reads, for an explanation; nil when it has none.
	Read func(*Look) []Reading
}

// Eval gives the condition's truth. And is false when any part is false, or is
// true when any part is true; what is left is unknown when any part is.
func (c *Cond) Eval(l *Look) Truth {
	switch c.Op {
	case CondLeaf:
		return c.Test(l)
	case CondNot:
		return c.Kids[0].Eval(l).Not()
	case CondAnd:
		r := True
		for _, k := range c.Kids {
			switch k.Eval(l) {
			case False:
				return False
			case Unknown:
				r = Unknown
			}
		}
		return r
	default:
		r := False
		for _, k := range c.Kids {
			switch k.Eval(l) {
			case True:
				return True
			case Unknown:
				r = Unknown
			}
		}
		return r
	}
}
