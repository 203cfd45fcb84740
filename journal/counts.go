package journal

import (
	"context"
	"time"
)

// RuleCount is how often a rule fired and was held back within an hour.
type RuleCount struct {
	Rule                string
	Hour                time.Time // its beginning
	Firings, Suppressed int
	// Last is the id of the last firing in it, LastAt when that was and LastKey for what; 0 = none.
	Last    int64
	LastAt  time.Time
	LastKey string
}

// maxCounts bounds what RuleCounts gives: rules times hours.
const maxCounts = 100_000

// RuleCounts counts what rules did since a time, hour by hour, up to the entry of an
// id. Of each rule that fired before, but not since then, nothing is known here.
func (r *Reader) RuleCounts(ctx context.Context, since time.Time, upTo int64) ([]RuleCount, error) {
	const hour = int64(time.Hour / time.Microsecond)
	// With max() SQLite takes the other columns from the row that has it.
	rows, err := r.db.QueryContext(ctx, `
SELECT rule, at / ?1, kind, count(*), max(id), at, key FROM entries
WHERE id <= ?2 AND at >= ?3 AND rule <> '' AND (kind = 'suppressed' OR kind = 'firing' AND body LIKE '{"type":"firing"%')
GROUP BY rule, at / ?1, kind ORDER BY 2 LIMIT ?4`, hour, upTo, since.UnixMicro(), maxCounts)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []RuleCount
	for rows.Next() {
		var c RuleCount
		var n int
		var number, last, at int64
		var kind, key string
		if err := rows.Scan(&c.Rule, &number, &kind, &n, &last, &at, &key); err != nil {
			return nil, err
		}
		c.Hour = timeOf(max(number*hour, 1))
		if kind == KindFiring {
			c.Firings, c.Last, c.LastAt, c.LastKey = n, last, timeOf(at), key
		} else {
			c.Suppressed = n
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// RuleCounts is as [Reader.RuleCounts].
func (j *Journal) RuleCounts(ctx context.Context, since time.Time, upTo int64) ([]RuleCount, error) {
	r, err := j.read()
	if err != nil {
		return nil, err
	}
	return r.RuleCounts(ctx, since, upTo)
}
