// Package memory is the in-process tier: a cache bounded by bytes. It has two engines, otter's
// W-TinyLFU and patrickmn/go-cache, which a program may share with it, and one that stores nothing.
//
// Invariants, of both engines:
//
//   - The weights of the entries never add up to more than MaxBytes once the calls that wrote them
//     have returned. An entry weighs its key, its value and what this package and the engine need
//     for it, so that MaxBytes is what the heap grows by.
//   - An expired entry is never returned, by the monotonic clock or by the wall clock, whichever
//     passes it first.
//   - Get keeps nothing of the caller's key, and allocates nothing; save in a go-cache that is
//     shared with the program, for a key too long for the stack.
//   - No goroutine is started: maintenance runs within the calls. A cache that is dropped without
//     Close is collected like any other value.
//   - The cost of a write does not depend on how many entries there are, save for the engine's hash
//     table, which doubles now and then.
package memory

import "time"

// Value is what a cache asks of a value, once, when it is set.
type Value interface {
	// Size is the heap that the value takes, in bytes: for a pointer all that it leads to, for
	// other types all that lies outside the value itself.
	Size() int64
	// ExpiresAt is when the value may no longer be used; the zero time means never.
	ExpiresAt() time.Time
}

// Store is a cache of values of type V by key, whatever its engine. All methods are safe for
// concurrent use.
type Store[V Value] interface {
	// Get returns the value under key, unless it has expired. It does not keep key.
	Get(key []byte) (V, bool)
	// Set stores v under key, in place of what was there, and reports whether it did. If not,
	// there is nothing under key any more.
	Set(key string, v V) bool
	// Delete removes the entry under key and reports whether there was one.
	Delete(key []byte) bool
	// DeleteIf removes the entry under key if f says so of its value, and reports whether it did. f
	// is called without a lock held, again if the entry was replaced meanwhile; the value that is
	// removed is the one that f saw last. Expired entries are shown too.
	DeleteIf(key []byte, f func(V) bool) bool
	// Range calls f with every entry that has not expired, in no particular order, until f returns
	// false. Entries that are set or deleted meanwhile may or may not be seen. f may call the cache.
	Range(f func(key string, v V) bool)
	// Len returns the number of entries, expired ones that are not yet removed included.
	Len() int
	// Bytes returns the heap that the entries take, in bytes, as estimated from their sizes.
	Bytes() int64
	// Clear removes all entries that were there when it was called, and returns how many it removed.
	Clear() int
	// Stats returns the counts since the cache was made.
	Stats() Stats
	// Close removes all entries; from then on nothing is stored or found. It may be called again.
	Close()
}

// Stats are counts since a cache was made.
type Stats struct {
	// Evictions are the entries removed, or not admitted, to keep the bound. go-cache has none.
	Evictions uint64
	// Expirations are the entries removed because their time had passed.
	Expirations uint64
	// Rejections are the calls of Set that stored nothing while the cache was open: the entry was
	// larger than the bound, had expired already or, in go-cache, found no room.
	Rejections uint64
}

// Open returns an empty cache on the engine that cfg names. The error is that of cfg.Validate.
func Open[V Value](cfg Config, opts ...Option) (Store[V], error) {
	switch cfg.Engine {
	case EngineGoCache:
		return opened(NewGoCache[V](cfg, opts...))
	case EngineNone:
		_, err := prepare(cfg, opts)
		return opened(None[V]{}, err)
	}
	return opened(New[V](cfg, opts...))
}

// opened returns no store that is a nil pointer.
func opened[V Value, S Store[V]](s S, err error) (Store[V], error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
