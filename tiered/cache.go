package tiered

import (
	"time"

	"github.com/gorm-querycache/querycache/invalidation"
)

// Local is a tier in this process: it keeps entries as they are. A method
// must be safe for concurrent use.
type Local interface {
	// Get returns the entry of key unless there is none or it has expired.
	// It must not keep key.
	Get(key []byte) (*Entry, bool)
	// Set stores an entry and tells whether the tier took it.
	Set(key string, e *Entry) bool
	// Range calls f for each entry until it returns false.
	Range(f func(key string, e *Entry) bool)
	// Delete drops an entry.
	Delete(key []byte) bool
	// Clear drops all entries and tells how many there were.
	Clear() int
}

// Cache reads through its tiers. It is safe for concurrent use.
type Cache struct {
	cfg     Config
	stamps  *invalidation.Stamps
	l1      Local
	now     func() time.Time
	flights flights
}

// New makes a cache over one local tier. The configuration must be valid.
func New(cfg Config, stamps *invalidation.Stamps, l1 Local, now func() time.Time) *Cache {
	return &Cache{cfg: cfg.WithDefaults(), stamps: stamps, l1: l1, now: now}
}

// Config is the configuration in force.
func (c *Cache) Config() Config { return c.cfg }

// Sample reads the stamps of the slots. It comes first in every read.
func (c *Cache) Sample(slots []invalidation.Slot) invalidation.Sample {
	return c.stamps.Sample(slots)
}

// Get returns the entry of key if it was made under an equal sample.
func (c *Cache) Get(key []byte, sm *invalidation.Sample) (*Entry, bool) {
	e, ok := c.l1.Get(key)
	if !ok || !e.MadeUnder(sm) {
		return nil, false
	}
	return e, true
}

// Join finds the flight to wait for, or starts one that the caller leads and
// must finish. Under a pending sample the flight is the caller's own: nobody
// joins it.
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
	if e, ok := c.Get(key, sm); ok {
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
	// TooLarge: the result is over a limit.
	TooLarge
)

// Make wraps a result, read after the sample was taken, as an entry. A ttl of
// 0 is the configured one.
func (c *Cache) Make(r Result, sm *invalidation.Sample, ttl time.Duration) *Entry {
	if ttl <= 0 {
		ttl = c.cfg.L1TTL
	}
	now := c.now()
	return &Entry{Result: r, Created: now, Expires: now.Add(ttl), sample: *sm}
}

// Store offers an entry to the tiers. f is the flight that made it, nil if it
// was made without one.
func (c *Cache) Store(key []byte, e *Entry, f *Flight) Outcome {
	if e.Result.Size() > c.cfg.MaxResultBytes {
		return TooLarge
	}
	if e.sample.Pending() || !e.sample.Current(c.stamps) || (f != nil && !f.registered()) {
		return Outdated
	}
	if !c.l1.Set(string(key), e) {
		return TooLarge
	}
	return Stored
}

// Invalidate bumps slots by hand, so that everything that depends on one of
// them is dead, fills under way included. It tells how many entries died.
func (c *Cache) Invalidate(slots []invalidation.Slot) int {
	hit := make(map[invalidation.Slot]bool, len(slots))
	for _, n := range slots {
		hit[n] = true
	}
	var dead []string
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
	c.stamps.Bump(slots)
	for _, key := range dead {
		c.l1.Delete([]byte(key))
	}
	return len(dead)
}

// Clear drops all entries and tells how many there were.
func (c *Cache) Clear() int { return c.l1.Clear() }
