package memory

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/maypok86/otter/v2"
)

// Cache holds values of type V by key, in otter: it is bounded by bytes and, when full, keeps the
// entries that are asked for most. All methods are safe for concurrent use.
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

// New returns an empty cache on otter. The error is that of cfg.Validate, or says that cfg names
// another engine.
func New[V Value](cfg Config, opts ...Option) (*Cache[V], error) {
	o, err := prepare(cfg, opts)
	if err != nil {
		return nil, err
	}
	if cfg.Engine != EngineOtter {
		return nil, fmt.Errorf("memory: %w", invalid("Engine is %v: call Open, or set EngineOtter", cfg.Engine))
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

// sweep removes a few items whose time has passed.
func (c *Cache[V]) sweep() {
	var out [sweepBatch]*item[V]
	for _, it := range out[:c.schedule.due(c.now(), out[:])] {
		c.expire(it)
	}
}

func (c *Cache[V]) expire(it *item[V]) {
	if c.deleteItem(it) {
		c.expirations.Add(1)
	}
}
