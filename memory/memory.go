// Package memory is the in-process tier: a cache bounded by bytes, on top of otter's W-TinyLFU.
//
// Invariants:
//
//   - The weights of the entries never add up to more than MaxBytes once the calls that wrote them
//     have returned. An entry weighs its key, its value and what this package and otter need for it,
//     so that MaxBytes is what the heap grows by.
//   - An expired entry is never returned, by the monotonic clock or by the wall clock, whichever
//     passes it first.
//   - Get allocates nothing and keeps nothing of the caller's key.
//   - No goroutine is started: maintenance runs within the calls. A Cache that is dropped without
//     Close is collected like any other value.
//   - The cost of a write does not depend on how many entries there are, save for otter's hash table,
//     which doubles now and then.
package memory

import (
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/maypok86/otter/v2"
)

// DefaultMaxBytes is the bound of a Config that names none: 64 MiB.
const DefaultMaxBytes = 64 << 20

// minMaxBytes is the smallest bound that a Config may name: room for a few small entries.
const minMaxBytes = 1 << 10

// ErrInvalidConfig is wrapped by every error of Config.Validate.
var ErrInvalidConfig = errors.New("memory: invalid config")

// Config bounds a Cache. The zero value is valid.
type Config struct {
	// MaxBytes is the most heap that the entries may take, in bytes; at least 1024.
	// Default: 64 MiB.
	MaxBytes int64

	// MaxEntries is the most entries there may be; 0 means no bound but MaxBytes.
	// Each entry then counts for at least MaxBytes/MaxEntries bytes, so that a mix of small and
	// large entries reaches MaxBytes before MaxEntries.
	// Default: 0.
	MaxEntries int
}

// Validate reports what is wrong with c: the field, and what to set it to. The error wraps
// ErrInvalidConfig.
func (c Config) Validate() error {
	switch {
	case c.MaxBytes < 0:
		return fmt.Errorf("%w: MaxBytes is %d; set a number of bytes, or 0 for %d", ErrInvalidConfig, c.MaxBytes, DefaultMaxBytes)
	case c.MaxBytes > 0 && c.MaxBytes < minMaxBytes:
		return fmt.Errorf("%w: MaxBytes is %d, too small for a single entry; set at least %d, or 0 for %d",
			ErrInvalidConfig, c.MaxBytes, minMaxBytes, DefaultMaxBytes)
	case c.MaxEntries < 0:
		return fmt.Errorf("%w: MaxEntries is %d; set a number of entries, or 0 for no bound", ErrInvalidConfig, c.MaxEntries)
	}
	return nil
}

// Value is what the cache asks of a value, once, when it is set.
type Value interface {
	// Size is the heap that the value takes, in bytes: for a pointer all that it leads to, for
	// other types all that lies outside the value itself.
	Size() int64
	// ExpiresAt is when the value may no longer be used; the zero time means never.
	ExpiresAt() time.Time
}

// Option changes a Cache that New makes.
type Option func(*options)

type options struct {
	now func() time.Time
}

// WithClock sets the clock that expiry goes by. It is called on every Get and must be safe for
// concurrent use.
// Default: time.Now.
func WithClock(now func() time.Time) Option {
	return func(o *options) { o.now = now }
}

// Stats are counts since New.
type Stats struct {
	// Evictions are the entries removed, or not admitted, to keep the bound.
	Evictions uint64
	// Expirations are the entries removed because their time had passed.
	Expirations uint64
	// Rejections are the calls of Set that stored nothing while the cache was open: the entry was
	// larger than the bound, or had expired already.
	Rejections uint64
}

// Cache holds values of type V by key. All methods are safe for concurrent use.
type Cache[V Value] struct {
	entries  *otter.Cache[string, *item[V]]
	schedule schedule[V]
	now      func() time.Time
	bounds   bounds
	closed   atomic.Bool

	bytes       atomic.Int64
	units       atomic.Int64 // the sum of what otter was told that the entries weigh
	evictions   atomic.Uint64
	expirations atomic.Uint64
	rejections  atomic.Uint64
}

// item is one entry. All fields but those of the schedule are set before it is shared.
type item[V Value] struct {
	key     string
	value   V
	expires time.Time // zero: never
	bytes   int64

	// Guarded by schedule.mu: the place in the list of a slot, nil if in none.
	prev, next *item[V]
	slot       *slot[V]
}

// New returns an empty cache. The error is that of cfg.Validate.
func New[V Value](cfg Config, opts ...Option) (*Cache[V], error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	o := options{now: time.Now}
	for _, opt := range opts {
		opt(&o)
	}
	if o.now == nil {
		return nil, fmt.Errorf("%w: WithClock was given nil; leave the option out for time.Now", ErrInvalidConfig)
	}
	c := &Cache[V]{now: o.now, bounds: boundsOf(cfg)}
	entries, err := otter.New(&otter.Options[string, *item[V]]{
		MaximumWeight: c.bounds.maxUnits,
		Weigher:       func(_ string, it *item[V]) uint32 { return c.bounds.units(it.bytes) },
		// Called once for every item that leaves the table, under the lock of its bucket.
		OnAtomicDeletion: c.removed,
		// In the calling goroutine: no goroutine is left behind, and the bound holds when Set
		// returns. otter's own expiry would start one, so expiry is ours.
		Executor: func(maintain func()) { maintain() },
	})
	if err != nil {
		return nil, fmt.Errorf("memory: starting otter: %w", err)
	}
	c.entries = entries
	return c, nil
}

// Get returns the value under key, unless it has expired. It does not keep key.
func (c *Cache[V]) Get(key []byte) (V, bool) {
	// otter reads the key during the lookup only: what it notes for its policy is its own entry.
	it, ok := c.entries.GetIfPresent(unsafe.String(unsafe.SliceData(key), len(key)))
	if ok {
		if !it.expired(c.now) {
			return it.value, true
		}
		c.expire(it)
	}
	var none V
	return none, false
}

// Set stores v under key, in place of what was there, and reports whether it did. It does not if
// the entry alone is larger than the bound, has expired, has a negative size, or if the cache is
// closed; then there is nothing under key any more. A stored entry may be evicted at once in favour of
// more popular ones.
func (c *Cache[V]) Set(key string, v V) bool {
	if c.closed.Load() {
		return false
	}
	size, beside := v.Size(), entryOverhead[V]()+keyBytes(key)
	it := &item[V]{key: key, value: v, expires: v.ExpiresAt()}
	if size < 0 || size > c.bounds.maxBytes-beside || it.expired(c.now) {
		c.rejections.Add(1)
		c.entries.Invalidate(key)
		return false
	}
	it.bytes = size + beside

	// Counted and scheduled first: what removes the item undoes both, and may do so before
	// otter's Set returns.
	c.bytes.Add(it.bytes)
	c.units.Add(int64(c.bounds.units(it.bytes)))
	c.schedule.add(it)
	c.entries.Set(key, it)
	c.sweep()
	// otter lets a writer go that finds another one at maintenance, and leaves what that one did
	// not get to for the next call, which may be long in coming.
	if c.units.Load() > int64(c.bounds.maxUnits) {
		c.entries.CleanUp()
	}
	if c.closed.Load() {
		// Close may have emptied the cache before this entry was in it.
		c.deleteItem(it)
		return false
	}
	return true
}

// Delete removes the entry under key and reports whether there was one.
func (c *Cache[V]) Delete(key []byte) bool {
	_, ok := c.entries.Invalidate(string(key))
	return ok
}

// DeleteIf removes the entry under key if f says so of its value, and reports whether it did. f is
// called without a lock held, again if the entry was replaced meanwhile; the value that is removed
// is the one that f saw last. Expired entries are shown too.
func (c *Cache[V]) DeleteIf(key []byte, f func(V) bool) bool {
	k := string(key)
	for {
		e, ok := c.entries.GetEntryQuietly(k)
		if !ok || !f(e.Value.value) {
			return false
		}
		if c.deleteItem(e.Value) {
			return true
		}
	}
}

// Range calls f with every entry that has not expired, in no particular order, until f returns
// false. Entries that are set or deleted meanwhile may or may not be seen. f may call the cache.
func (c *Cache[V]) Range(f func(key string, v V) bool) {
	for _, it := range c.entries.All() {
		if !it.expired(c.now) && !f(it.key, it.value) {
			return
		}
	}
}

// Len returns the number of entries, expired ones that are not yet removed included.
func (c *Cache[V]) Len() int { return c.entries.EstimatedSize() }

// Bytes returns the heap that the entries take, in bytes, as estimated from their sizes.
func (c *Cache[V]) Bytes() int64 { return c.bytes.Load() }

// Clear removes all entries that were there when it was called, and returns how many it removed.
func (c *Cache[V]) Clear() int {
	n := 0
	for _, it := range c.entries.All() {
		if c.deleteItem(it) {
			n++
		}
	}
	return n
}

// Stats returns the counts since New.
func (c *Cache[V]) Stats() Stats {
	return Stats{
		Evictions:   c.evictions.Load(),
		Expirations: c.expirations.Load(),
		Rejections:  c.rejections.Load(),
	}
}

// Close removes all entries; from then on nothing is stored or found. It may be called again.
func (c *Cache[V]) Close() {
	c.closed.Store(true)
	c.Clear()
}

// deleteItem removes it if it is still the entry under its key.
func (c *Cache[V]) deleteItem(it *item[V]) bool {
	deleted := false
	c.entries.ComputeIfPresent(it.key, func(current *item[V]) (*item[V], otter.ComputeOp) {
		deleted = current == it
		if deleted {
			return nil, otter.InvalidateOp
		}
		return nil, otter.CancelOp
	})
	return deleted
}

// removed runs under the lock of a bucket of otter's table: it must not call otter.
func (c *Cache[V]) removed(e otter.DeletionEvent[string, *item[V]]) {
	c.bytes.Add(-e.Value.bytes)
	c.units.Add(-int64(c.bounds.units(e.Value.bytes)))
	c.schedule.remove(e.Value)
	if e.Cause == otter.CauseOverflow {
		c.evictions.Add(1)
	}
}

func (c *Cache[V]) expire(it *item[V]) {
	if c.deleteItem(it) {
		c.expirations.Add(1)
	}
}

// expired asks both clocks, where the time has both: the wall clock may be set back, and the
// monotonic clock stands still while a machine sleeps.
func (it *item[V]) expired(clock func() time.Time) bool {
	if it.expires.IsZero() {
		return false
	}
	now := clock()
	return !now.Before(it.expires) || !now.Round(0).Before(it.expires)
}

// bounds are the limits in bytes, and in the units that otter counts in: its weights have 32 bits.
type bounds struct {
	maxBytes int64
	minBytes int64 // the least that an entry counts for
	scale    int64 // bytes in a unit
	maxUnits uint64
}

func boundsOf(cfg Config) bounds {
	b := bounds{maxBytes: cfg.MaxBytes, minBytes: 1}
	if b.maxBytes == 0 {
		b.maxBytes = DefaultMaxBytes
	}
	b.scale = (b.maxBytes-1)/math.MaxUint32 + 1
	b.maxUnits = uint64(b.maxBytes / b.scale)
	if n := uint64(max(cfg.MaxEntries, 0)); n > 0 && n < b.maxUnits {
		// In whole units and rounded up, so that MaxEntries+1 of them never fit.
		b.minBytes = int64(b.maxUnits/(n+1)+1) * b.scale
	}
	return b
}

// units rounds up, so that what fits in units fits in bytes.
func (b bounds) units(bytes int64) uint32 {
	u := (max(bytes, b.minBytes)-1)/b.scale + 1
	return uint32(min(u, int64(b.maxUnits))) // maxUnits has 32 bits
}
