package tiered

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/key"
)

// Local is a tier in this process: it keeps entries as they are. Its methods
// must be safe for concurrent use, and must not panic. Package cachetest has a
// suite that a tier can be held against, and its example MapTier is a whole
// tier. A tier may also have methods Len() int, Bytes() int64 and Close(), which
// are then used.
type Local interface {
	// Get returns the entry that was set under key last, unless there is none
	// or its ExpiresAt has passed, by the monotonic clock or by the wall clock,
	// whichever passes it first: Entry.Ended(time.Now()) tells. It must not keep
	// key.
	Get(key []byte) (*Entry, bool)
	// Set stores an entry in place of what was there, and tells whether it
	// did. If not, there is nothing under key any more.
	Set(key string, e *Entry) bool
	// Range calls f for each entry that has not Ended, in no particular order,
	// until f returns false. f may call the tier.
	Range(f func(key string, e *Entry) bool)
	// Delete drops an entry and tells whether there was one. It must not keep
	// key.
	Delete(key []byte) bool
	// Clear drops all entries of this tier and tells how many there were.
	Clear() int
}

// Cache reads through its tiers. It is safe for concurrent use.
type Cache struct {
	cfg       Config
	stamps    *invalidation.Stamps
	l1        Local
	now       func() time.Time
	flights   flights
	refreshes refreshes

	// walks has the generation in one word: see Drop.
	walks *invalidation.Stamps
}

// walking is the slot of the generation.
var walking = []invalidation.Slot{0}

// New makes a cache over one local tier. The configuration must be valid.
func New(cfg Config, stamps *invalidation.Stamps, l1 Local, now func() time.Time) *Cache {
	return &Cache{cfg: cfg.WithDefaults(), stamps: stamps, l1: l1, now: now, walks: invalidation.NewStamps(1)}
}

// Config is the configuration in force.
func (c *Cache) Config() Config { return c.cfg }

// Now is the time by the cache's clock.
func (c *Cache) Now() time.Time { return c.now() }

// Sample reads the stamps of the slots. It comes first in every read.
func (c *Cache) Sample(slots []invalidation.Slot) invalidation.Sample {
	return c.SampleCore(slots, len(slots))
}

// SampleCore is Sample of slots of which the first core are the sample's core.
func (c *Cache) SampleCore(slots []invalidation.Slot, core int) invalidation.Sample {
	generation := c.generation()
	sm := c.stamps.SampleCore(slots, core)
	sm.Generation = generation
	return sm
}

// Again takes a sample anew, of the same tags.
func (c *Cache) Again(sm *invalidation.Sample) invalidation.Sample {
	return c.SampleCore(sm.Slots(), sm.Core())
}

// Fresh tells whether an entry that a tier has just returned is within its
// time, and not merely kept for those who take a stale one.
func (c *Cache) Fresh(e *Entry) bool {
	return e.Ends.Equal(e.Expires) || e.Fresh(c.now())
}

// Get returns the entry of key if it is valid under the sample. It may be
// stale: ask it whether it is Fresh.
func (c *Cache) Get(key []byte, sm *invalidation.Sample) (*Entry, bool) {
	e, ok := c.l1.Get(key)
	if !ok || !e.kept.Load() || !e.MadeUnder(sm) {
		return nil, false
	}
	return e, true
}

// Join finds the flight to wait for, or starts one that the caller leads and
// must finish. Under a pending sample the flight is the caller's own: nobody
// joins it. What it makes is stored if the core was clean and it depends on no
// more.
func (c *Cache) Join(key []byte, sm *invalidation.Sample) (f *Flight, leads bool) {
	if sm.Pending() {
		return newFlight(&c.flights, string(key), sm), true
	}
	f, leads = c.flights.join(string(key), sm)
	if !leads {
		return f, false
	}
	// 1. A reader finds no entry. 2. The leader stores one and its flight
	// ends. 3. The reader finds no flight. It need not read the database.
	if e, ok := c.Get(key, sm); ok && e.Fresh(c.now()) {
		f.Finish(e)
		return f, false
	}
	return f, true
}

// Outcome is what became of a result that was offered for storing.
type Outcome uint8

// Outcomes of storing.
const (
	// Stored: the result is in the tiers.
	Stored Outcome = iota
	// Outdated: a write came between; the result was right for its caller
	// and is not kept.
	Outdated
	// TooLarge: the result is over the limit.
	TooLarge
	// Refused: the tier did not take it.
	Refused
)

// Life is how long an entry lives. The zero Life is the configured one.
type Life struct {
	// TTL is how long the result is fresh, before jitter.
	TTL time.Duration
	// Stale is how much longer it is kept, for those who take a stale one.
	Stale time.Duration
}

// Making is what an entry is made of beside its result.
type Making struct {
	Label key.CacheKey
	Life  Life
	// Narrow says that the result depends on the core of the sample alone.
	Narrow bool
	// Of is an entry that was found under the sample, if the result is its
	// rows in a further form. Label, life, tags and age are then those of Of.
	Of *Entry
}

// Make wraps a result, read after the sample was taken, as an entry. Each
// entry is for one Store.
func (c *Cache) Make(r Result, sm *invalidation.Sample, m Making) *Entry {
	if m.Of != nil {
		e := m.Of.With(r)
		if !sm.Generation.Pending() { // Of outlived all walks before the sample
			e.sample.Generation = sm.Generation
		}
		return e
	}
	ttl := m.Life.TTL
	if ttl <= 0 {
		ttl = c.cfg.L1TTL
	}
	ttl = jittered(ttl, c.cfg.Jitter)
	now := c.now()
	soft := now.Add(ttl)
	return &Entry{
		Result: r, Label: m.Label, Created: now, Expires: soft, Ends: soft.Add(max(0, m.Life.Stale)),
		sample: sm.Keep(m.Narrow),
	}
}

// jittered makes a time longer or shorter by up to a fraction of itself, but
// never nothing.
func jittered(d time.Duration, fraction float64) time.Duration {
	if fraction == 0 {
		return d
	}
	longer := time.Duration((2*rand.Float64() - 1) * fraction * float64(d))
	return max(min(d, time.Millisecond), d+min(longer, math.MaxInt64-d))
}

// Store offers an entry to the tiers. f is the flight that made it, nil if it
// was made without one.
func (c *Cache) Store(key []byte, e *Entry, f *Flight) Outcome {
	return c.StoreWithin(key, e, f, c.cfg.MaxResultBytes)
}

// StoreWithin is Store with a limit of its own to the result's bytes.
func (c *Cache) StoreWithin(key []byte, e *Entry, f *Flight, maxBytes int64) Outcome {
	if e.Result.Size() > maxBytes {
		return TooLarge
	}
	if e.sample.Pending() || !e.sample.Current(c.stamps) || c.dropped(e) || superseded(e, f) {
		return Outdated
	}
	if !c.l1.Set(string(key), e) {
		return Refused
	}
	if c.dropped(e) {
		c.discard(key)
		return Outdated
	}
	e.kept.Store(true)
	return Stored
}

// discard takes out an entry that nobody is served.
func (c *Cache) discard(key []byte) {
	if g, ok := c.l1.(*Guarded); ok {
		g.discard(key)
		return
	}
	c.l1.Delete(key)
}

// superseded tells whether the flight that made e was replaced, so that there
// is something better. The one in its place may only have seen another stamp
// of a tag beyond the core, or the flight had no place since such a tag was
// pending. If e does not depend on that it is as good, and where a table is
// written all the time perhaps the only one to get so far.
func superseded(e *Entry, f *Flight) bool {
	return f != nil && f.replaced() && !(e.Narrow() && f.sample.Pinned())
}

// generation changes whenever something begins or ends to walk through the
// entries, and is pending in between.
func (c *Cache) generation() invalidation.Word { return c.walks.Load(walking[0]) }

// dropped tells whether entries were dropped since the result was read.
func (c *Cache) dropped(e *Entry) bool { return e.sample.Generation != c.generation() }

// Invalidate bumps slots by hand, so that everything that depends on one of
// them is dead, fills under way included. It tells how many entries died.
func (c *Cache) Invalidate(slots []invalidation.Slot) int {
	if len(slots) == 0 {
		return 0
	}
	hit := make(map[invalidation.Slot]bool, len(slots))
	for _, n := range slots {
		hit[n] = true
	}
	var dead []string
	bumped := false
	bump := func() {
		if !bumped {
			bumped = true
			c.stamps.Bump(slots)
		}
	}
	defer bump() // a tier may panic
	c.l1.Range(func(key string, e *Entry) bool {
		for _, n := range e.Slots() {
			if hit[n] {
				if e.sample.Current(c.stamps) {
					dead = append(dead, key)
				}
				break
			}
		}
		return true
	})
	bump()
	n := 0
	for _, key := range dead {
		if c.l1.Delete([]byte(key)) { // otherwise somebody else invalidated it as well, and counts it
			n++
		}
	}
	return n
}

// Drop drops the entries that f chooses, and tells how many of them were
// valid. Fills under way are not stored, whatever they are of:
//
//  1. A fill reads old rows, and sees the generation that it sampled.
//  2. Drop raises the generation, walks through the entries and returns.
//  3. The fill puts its entry in its place.
//  4. The fill sees that the generation is another, and takes it out.
//
// Between 3 and 4 nobody is served the entry, since it is not marked as kept.
// Had the fill seen the old generation at 4, the walk would have met the entry.
//
// A further form of an entry that is there already is stored too:
//
//  1. Drop raises the generation and begins to walk.
//  2. A reader samples that generation, and finds an entry.
//  3. The walk drops the entry.
//  4. The reader stores the old rows in a further form.
//
// So the generation is pending during the walk, and a form that was made under
// a pending one keeps the generation of the entry, which is outdated.
func (c *Cache) Drop(f func(key string, e *Entry) bool) int {
	c.walks.Intent(walking)
	defer c.walks.Complete(walking)
	n := 0
	c.l1.Range(func(key string, e *Entry) bool {
		if f(key, e) {
			if e.sample.Current(c.stamps) && !e.sample.Pending() {
				n++
			}
			e.kept.Store(false) // should the tier not do as it is told
			c.l1.Delete([]byte(key))
		}
		return true
	})
	return n
}

// Clear drops all entries and tells how many there were. Fills under way are
// not stored.
func (c *Cache) Clear() int {
	c.walks.Intent(walking)
	defer c.walks.Complete(walking)
	return c.l1.Clear()
}
