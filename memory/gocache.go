package memory

import (
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	gocache "github.com/patrickmn/go-cache"
)

// GoCache holds values of type V by key, in a cache of package go-cache: one of its own, or one that
// it shares with the program. When there is no room it refuses new entries, after it has removed some
// of those that have expired. All methods are safe for concurrent use.
//
// In a shared cache:
//
//   - All keys begin with Prefix, which no other GoCache has. Other keys are not touched or counted.
//   - go-cache is told that the entries never expire, since expiry goes by the clock of the GoCache.
//     So the janitor of the shared cache leaves them alone, and its Items and ItemCount show them
//     until they are removed here.
//   - The program may remove them, by Flush or Delete. That is a miss from then on. Len and Bytes
//     notice it bit by bit: each Set looks after a few entries, and after more when there is no room.
//   - A function that the program gave to OnEvicted is called for them too, by the calls that remove
//     them; its value is then of a type of this package. It may call the GoCache. What it panics with
//     goes through to the caller.
//
// The program must not put anything under those keys.
type GoCache[V Value] struct {
	store  *gocache.Cache
	prefix string
	shared bool
	now    func() time.Time

	maxBytes   int64
	maxEntries int // 0: no bound

	// mu is held by all who change the entries. It is not held while OnEvicted may run.
	mu     sync.Mutex
	closed bool
	all    []*item[place] // the entries that there should be, each at its place
	next   int            // where tidy goes on in all
	// leaving are the keys that somebody is deleting from a shared store without holding mu. They
	// are not set meanwhile, since the deletion would take the new entry:
	//
	//	1. Delete takes entry A out of all and lets go of mu.
	//	2. Set puts B into the store, under the same key, and returns.
	//	3. Delete deletes the key from the store: B, which is in all, is lost.
	leaving  map[string]int
	schedule schedule[place]

	bytes       atomic.Int64 // changed with mu held
	expirations atomic.Uint64
	rejections  atomic.Uint64
}

// place is where in all an item is, or gone. It is written with GoCache.mu held.
type place = atomic.Int64

const gone = -1

// held is what the store holds. The item does not lead to the value, so that an entry which the program
// removes from its cache gives the memory of its value back at once.
type held[V Value] struct {
	item  *item[place]
	value V
}

const (
	// tidyBatch is how many entries of a shared cache each Set looks after. Every Set adds one entry
	// at most, so this gets round.
	tidyBatch = 4
	// fullBatch is how many when there is no room.
	fullBatch = 16
)

// NewGoCache returns a cache on go-cache: on cfg.GoCache, or one of its own if that is nil. The error
// is that of cfg.Validate, or says that cfg names another engine. cfg.Engine may be left zero.
func NewGoCache[V Value](cfg Config, opts ...Option) (*GoCache[V], error) {
	if cfg.Engine == EngineOtter {
		cfg.Engine = EngineGoCache
	}
	o, err := prepare(cfg, opts)
	if err != nil {
		return nil, err
	}
	if cfg.Engine != EngineGoCache {
		return nil, fmt.Errorf("memory: %w", invalid("Engine is %v: call Open, or set EngineGoCache", cfg.Engine))
	}
	c := &GoCache[V]{now: o.now, maxBytes: cfg.MaxBytes, maxEntries: cfg.MaxEntries, store: cfg.GoCache}
	if c.maxBytes == 0 {
		c.maxBytes = DefaultMaxBytes
	}
	if c.store != nil {
		c.shared = true
		c.prefix = "querycache:" + rand.Text()[:13] + ":"
		c.leaving = make(map[string]int)
	} else {
		// Without a janitor: its goroutine runs until the garbage collector finds the cache.
		c.store = gocache.New(gocache.NoExpiration, 0)
	}
	return c, nil
}

// Prefix is what the keys of the entries begin with in the store: "" in a cache of its own.
func (c *GoCache[V]) Prefix() string { return c.prefix }

// Get returns the value under key, unless it has expired. It does not keep key.
func (c *GoCache[V]) Get(key []byte) (V, bool) {
	if h := c.find(key); h != nil {
		if !h.item.expired(c.now) {
			return h.value, true
		}
		c.expire(h.item)
	}
	var none V
	return none, false
}

// find returns what the store holds under key, nil if nothing of ours.
func (c *GoCache[V]) find(key []byte) *held[V] {
	full := key
	if c.shared {
		var onStack [256]byte
		full = append(append(onStack[:0], c.prefix...), key...)
	}
	// go-cache reads the key during the lookup only.
	return c.under(unsafe.String(unsafe.SliceData(full), len(full)))
}

func (c *GoCache[V]) under(full string) *held[V] {
	x, _ := c.store.Get(full)
	h, ours := x.(*held[V])
	// One that was removed may come back: the program copied it with Items and puts it in again.
	if !ours || h.item.value.Load() == gone {
		return nil
	}
	return h
}

// Set stores v under key, in place of what was there, and reports whether it did. It does not if
// there is no room, the entry has expired or has a negative size, if the cache is closed or, in a shared
// cache, if the entry under key is being removed; then there is nothing under key any more.
func (c *GoCache[V]) Set(key string, v V) bool {
	size, now := v.Size(), c.now()
	it := &item[place]{key: c.prefix + key, expires: v.ExpiresAt()}
	beside := goCacheEntryOverhead[V]() + keyBytes(it.key)
	fits := size >= 0 && size <= c.maxBytes-beside && !it.expiredAt(now)
	if fits {
		it.bytes = size + beside
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.sweep(now)
	if c.shared {
		c.tidy(tidyBatch, now)
	}
	old := c.under(it.key)
	if fits && !c.room(it, old) {
		c.tidy(fullBatch, now)
		old = c.under(it.key)
	}
	if c.closed { // while mu was let go of
		return false
	}
	if !fits || c.leaving[it.key] > 0 || !c.room(it, old) {
		c.rejections.Add(1)
		if old != nil {
			c.drop(old.item)
		}
		return false
	}
	c.store.Set(it.key, &held[V]{item: it, value: v}, gocache.NoExpiration)
	if old != nil {
		c.detach(old.item)
	}
	it.value.Store(int64(len(c.all)))
	c.all = append(c.all, it)
	c.schedule.add(it)
	c.bytes.Add(it.bytes)
	return true
}

// room tells whether it fits in beside the others, in place of old if that is not nil.
func (c *GoCache[V]) room(it *item[place], old *held[V]) bool {
	bytes, entries := c.bytes.Load(), len(c.all)
	if old != nil {
		bytes -= old.item.bytes
		entries--
	}
	return it.bytes <= c.maxBytes-bytes && (c.maxEntries == 0 || entries < c.maxEntries)
}

// Delete removes the entry under key and reports whether there was one.
func (c *GoCache[V]) Delete(key []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.find(key)
	return h != nil && c.drop(h.item)
}

// DeleteIf removes the entry under key if f says so of its value, and reports whether it did. f is
// called without a lock held, again if the entry was replaced meanwhile; the value that is removed
// is the one that f saw last. Expired entries are shown too.
func (c *GoCache[V]) DeleteIf(key []byte, f func(V) bool) bool {
	for {
		h := c.find(key)
		if h == nil || !f(h.value) {
			return false
		}
		if c.deleteItem(h.item) {
			return true
		}
	}
}

// Range calls f with every entry that has not expired, in no particular order, until f returns
// false. Entries that are set or deleted meanwhile may or may not be seen. f may call the cache.
func (c *GoCache[V]) Range(f func(key string, v V) bool) {
	for _, it := range c.items() {
		h := c.under(it.key)
		if h != nil && h.item == it && !it.expired(c.now) && !f(it.key[len(c.prefix):], h.value) {
			return
		}
	}
}

// Len returns the number of entries, expired ones that are not yet removed included.
func (c *GoCache[V]) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// Bytes returns the heap that the entries take, in bytes, as estimated from their sizes.
func (c *GoCache[V]) Bytes() int64 { return c.bytes.Load() }

// Clear removes all entries that were there when it was called, and returns how many it removed.
func (c *GoCache[V]) Clear() int {
	n := 0
	for _, it := range c.items() {
		if c.deleteItem(it) {
			n++
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.all) == 0 {
		c.all = nil
		if !c.shared {
			c.store.Flush() // a map keeps its tables when entries are deleted
		}
	}
	return n
}

// Stats returns the counts since NewGoCache.
func (c *GoCache[V]) Stats() Stats {
	return Stats{Expirations: c.expirations.Load(), Rejections: c.rejections.Load()}
}

// Close removes all entries; from then on nothing is stored or found. It may be called again. A
// shared cache goes on for the program.
func (c *GoCache[V]) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.Clear()
}

func (c *GoCache[V]) items() []*item[place] {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.all)
}
