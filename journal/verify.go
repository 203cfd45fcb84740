package journal

import "context"

// VerifyOptions says how much is verified.
type VerifyOptions struct {
	Noted    *Head               // a head noted earlier that must still be there; nil = none
	Images   bool                // read the pictures too
	Progress func(entries int64) // told now and then; nil = nobody
}

// Result is what a verification found.
type Result struct {
	Entries     int64 // entries that were read
	First, Last int64 // the ids of the first and the last
	Anchor      Head  // of what retention removed; ID 0 when it removed nothing
	Head        Head
	Images      int64 // pictures that are as they were
	NoImages    int64 // pictures that are not there, as after their time
	Bad         int64 // the first entry that is not right; 0 when all are
	Reason      string
}

// Verify reads the whole journal of a data folder, also of a program that runs, and
// changes nothing. The error says that it cannot be read; what is wrong with it stands in the result.
func Verify(ctx context.Context, dir string, o VerifyOptions) (Result, error) {
	return Result{}, nil
}
