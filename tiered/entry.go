package tiered

import (
	"time"

	"github.com/gorm-querycache/querycache/invalidation"
)

// Result is what one query returned, in whatever forms it is kept. It is
// immutable.
type Result interface {
	// Size is how many bytes the result keeps alive, about.
	Size() int64
}

// Entry is a stored result with what decides whether it may be served. It is
// immutable.
type Entry struct {
	Result  Result
	Created time.Time
	Expires time.Time

	sample invalidation.Sample
}

// Size is how many bytes the entry keeps alive, about.
func (e *Entry) Size() int64 {
	const entry = 160 // the struct with its inline stamps
	return entry + e.Result.Size()
}

// ExpiresAt is when the entry is no longer served.
func (e *Entry) ExpiresAt() time.Time { return e.Expires }

// With is the entry with another result in its place: the same rows in a
// further form. Sample and age stay what they were.
func (e *Entry) With(r Result) *Entry {
	next := *e
	next.Result = r
	return &next
}

// MadeUnder tells whether the entry was made under an equal, clean sample.
func (e *Entry) MadeUnder(sm *invalidation.Sample) bool {
	return !sm.Pending() && e.sample.Equal(sm)
}

// Slots are the places of the tags that the entry depends on.
func (e *Entry) Slots() []invalidation.Slot { return e.sample.Slots() }
