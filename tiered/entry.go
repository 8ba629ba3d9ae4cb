package tiered

import (
	"sync/atomic"
	"time"

	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/key"
)

// Result is what one query returned, in whatever forms it is kept. It is
// immutable.
type Result interface {
	// Size is how many bytes the result keeps alive, about.
	Size() int64
}

// Entry is a stored result with what decides whether it may be served. It is
// immutable, but for a mark that Store makes.
type Entry struct {
	Result Result
	// Label names the result for people and patterns; its fingerprint is
	// left out, since it follows from the key that the entry is kept under.
	Label key.CacheKey
	// Created is when the result was read.
	Created time.Time
	// Expires is when the result is stale: from then on it is served only to
	// those who take a stale one, up to Ends.
	Expires time.Time
	// Ends is when the entry is no longer kept.
	Ends time.Time

	sample invalidation.Sample
	// kept is set by Store when the entry is in its place for good. Get serves
	// no other. See Cache.Drop.
	kept atomic.Bool
}

// NewEntry makes an entry that no reader takes for valid, since it was made
// under no sample: it serves tests of tiers. It is kept until expires.
func NewEntry(r Result, created, expires time.Time) *Entry {
	return &Entry{Result: r, Created: created, Expires: expires, Ends: expires}
}

// Size is how many bytes the entry keeps alive, about.
func (e *Entry) Size() int64 {
	const entry = 384 // the struct with its inline stamps, and the slots
	return entry + e.Result.Size()
}

// ExpiresAt is when the entry is no longer kept.
func (e *Entry) ExpiresAt() time.Time { return e.Ends }

// Ended tells whether the entry is not to be kept any longer at now: a tier must
// not return it then. The monotonic clock and the wall clock are both asked,
// since the wall clock may be set back and the other stands still while a
// machine sleeps.
func (e *Entry) Ended(now time.Time) bool {
	return !now.Before(e.Ends) || !now.Round(0).Before(e.Ends)
}

// Fresh tells whether the result is within its time at now, by the monotonic
// clock and by the wall clock.
func (e *Entry) Fresh(now time.Time) bool { return e.StaleWithin(now, 0) }

// StaleWithin tells whether the result is within its time at now, or not
// longer past it than d.
func (e *Entry) StaleWithin(now time.Time, d time.Duration) bool {
	end := e.Expires.Add(d)
	return now.Before(end) && now.Round(0).Before(end)
}

// With is the entry with another result in its place: the same rows in a
// further form. Sample and age stay what they were. It is not stored if
// anything was dropped since the entry was made, the entry or others; if the
// reader that found it has a sample, Making.Of does better.
func (e *Entry) With(r Result) *Entry {
	return &Entry{Result: r, Label: e.Label, Created: e.Created, Expires: e.Expires, Ends: e.Ends, sample: e.sample}
}

// MadeUnder tells whether the entry was made under a clean sample that is
// valid for a reader who sampled sm.
func (e *Entry) MadeUnder(sm *invalidation.Sample) bool {
	return !e.sample.Pending() && len(e.sample.Slots()) > 0 && e.sample.Holds(sm)
}

// Narrow tells whether the entry depends on the core of its tags alone.
func (e *Entry) Narrow() bool { return !e.sample.Pinned() }

// Slots are the places of the tags that the entry depends on.
func (e *Entry) Slots() []invalidation.Slot { return e.sample.Slots() }
