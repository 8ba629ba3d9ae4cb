package querycache

import (
	"fmt"
	"time"
)

// Outcome is how a read was answered.
type Outcome uint8

// The outcomes of a read. Each read has exactly one.
const (
	// OutcomeNone: no read has ended. It is the zero value.
	OutcomeNone Outcome = iota
	// OutcomeHit: from the cache.
	OutcomeHit
	// OutcomeStale: from the cache, past its time but not out of date with any
	// write (stale-while-revalidate, stale-if-error).
	OutcomeStale
	// OutcomeShared: by the database read of another caller that was under
	// way.
	OutcomeShared
	// OutcomeMiss: it was not in the cache. The database was asked, unless the
	// query wanted the cache only and got ErrCacheMiss.
	OutcomeMiss
	// OutcomeBypass: by the database, past the cache, for a Reason.
	OutcomeBypass
	// OutcomeError: by nobody. The context ended while the read waited for
	// another caller's, or a required tier failed.
	OutcomeError
	outcomes
)

var outcomeNames = [outcomes]string{"none", "hit", "stale", "shared", "miss", "bypass", "error"}

// String names the outcome in one lower-case word.
func (o Outcome) String() string {
	if o < outcomes {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome %d", uint8(o))
}

// MarshalText is String, for JSON and logs.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Status is how one read was answered.
type Status struct {
	Outcome Outcome
	// Tier is where a hit or a stale result was found; empty otherwise.
	Tier string
	// Reason is why a bypass went past the cache, or why a read that wanted
	// the cache only could not be cached; empty otherwise.
	Reason Reason
	// Age is how long before the result was read from the database; 0 if the
	// database was asked, or if nobody asked for it: it is known to
	// StatusInto and to observers.
	Age time.Duration
}

// String prints the status in a few words, such as "hit in memory, 1.2s old"
// or "bypass: transaction".
func (s Status) String() string {
	text := s.Outcome.String()
	if s.Reason != "" {
		text += ": " + string(s.Reason)
	}
	if s.Tier != "" {
		text += " in " + s.Tier
	}
	if s.Age > 0 {
		text += ", " + rounded(s.Age) + " old"
	}
	return text
}

// rounded prints a duration for people.
func rounded(d time.Duration) string {
	if d.Abs() < 10*time.Millisecond {
		return d.Round(time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
