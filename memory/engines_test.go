package memory

import (
	"sync/atomic"
	"testing"
	"time"

	gocache "github.com/patrickmn/go-cache"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine is a way to make a cache.
type engine struct {
	name string
	cfg  func() Config
	// overhead is what an entry of a *val takes beside its key and its value.
	overhead int64
	// keys is what each key begins with in the store, in bytes.
	keys int
	// sweeps is how many entries a Set removes at most because their time has passed.
	sweeps int
	// drift is by how much Bytes may be wrong at heapTestBytes: go-cache's map is now half full, now full.
	drift int64
	// evicts: makes room when it is full.
	evicts bool
}

var engines = []engine{
	{"otter", func() Config { return Config{} }, entryOverhead[*val](), 0, sweepBatch, heapTestBytes / 10, true},
	{"go-cache", func() Config { return Config{Engine: EngineGoCache} }, goCacheEntryOverhead[*val](), 0, sweepBatch, heapTestBytes / 8, false},
	{"go-cache shared", func() Config {
		return Config{Engine: EngineGoCache, GoCache: sharedWithOthers()}
	}, goCacheEntryOverhead[*val](), len("querycache:1234567890123:"), sweepBatch + tidyBatch, heapTestBytes / 8, false},
}

// sharedWithOthers is a program's cache, which holds something already.
func sharedWithOthers() *gocache.Cache {
	shared := gocache.New(gocache.NoExpiration, 0)
	shared.SetDefault("k", "another's")
	shared.SetDefault("", "another's")
	return shared
}

// onEach runs a test over every engine.
func onEach(t *testing.T, f func(t *testing.T, e engine)) {
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) { f(t, e) })
	}
}

// open makes a cache of the bounds of cfg.
func (e engine) open(t testing.TB, cfg Config, opts ...Option) Store[*val] {
	t.Helper()
	return openAs[*val](t, e, cfg, opts...)
}

func openAs[V Value](t testing.TB, e engine, cfg Config, opts ...Option) Store[V] {
	t.Helper()
	of := e.cfg()
	cfg.Engine, cfg.GoCache = of.Engine, of.GoCache
	c, err := Open[V](cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c // not closed: a plain program need not either, and goleak looks on
}

// fakeClock is a clock that tests set.
type fakeClock struct{ nanos atomic.Int64 }

func (c *fakeClock) now() time.Time          { return time.Unix(1_000_000, c.nanos.Load()) }
func (c *fakeClock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

// val is a value of a size and an expiry.
type val struct {
	id      int
	size    int64
	expires time.Time
}

func (v *val) Size() int64          { return v.size }
func (v *val) ExpiresAt() time.Time { return v.expires }

func mustGet(t *testing.T, c Store[*val], key string, want int) {
	t.Helper()
	if v, ok := c.Get([]byte(key)); !ok || v.id != want {
		t.Errorf("Get(%q) = %v, %v; want %d", key, v, ok, want)
	}
}

func mustMiss(t *testing.T, c Store[*val], key string) {
	t.Helper()
	if v, ok := c.Get([]byte(key)); ok || v != nil {
		t.Errorf("Get(%q) = %v, %v; want a miss", key, v, ok)
	}
}

// check looks at the invariants that hold whenever no call is running.
func check(t *testing.T, c Store[*val]) {
	t.Helper()
	switch c := c.(type) {
	case *Cache[*val]:
		checkOtter(t, c)
	case *GoCache[*val]:
		checkGoCache(t, c)
	default:
		t.Errorf("no check for %T", c)
	}
}

func checkOtter(t *testing.T, c *Cache[*val]) {
	t.Helper()
	entries, scheduled, sum := 0, 0, int64(0)
	for k, it := range c.entries.All() {
		entries++
		sum += it.bytes
		if k != it.key {
			t.Errorf("item of %q under %q", it.key, k)
		}
		if it.slot != nil {
			scheduled++
		}
	}
	if entries != c.Len() || sum != c.Bytes() {
		t.Errorf("Len %d of %d entries, Bytes %d of %d", c.Len(), entries, c.Bytes(), sum)
	}
	checkSchedule(t, &c.schedule, scheduled)
}

// checkGoCache: besides the books, that the store holds each item and no other of ours, if the
// program removed none.
func checkGoCache(t *testing.T, c *GoCache[*val]) {
	t.Helper()
	scheduled, sum := 0, int64(0)
	for i, it := range c.all {
		sum += it.bytes
		if it.value.Load() != int64(i) || !c.holds(it) {
			t.Errorf("item of %q at %d is damaged", it.key, i)
		}
		if it.slot != nil {
			scheduled++
		}
	}
	stored := 0
	for _, x := range c.store.Items() {
		if h, ours := x.Object.(*held[*val]); ours {
			stored++
			if h.item.value.Load() == gone {
				t.Errorf("%q is stored and not in the books", h.item.key)
			}
		} else if x.Object != "another's" {
			t.Errorf("the other's entry is now %v", x.Object)
		}
	}
	if others := c.store.ItemCount() - stored; c.shared && others != 2 {
		t.Errorf("%d entries of others are left of 2", others)
	}
	if stored != c.Len() || sum != c.Bytes() || len(c.leaving) != 0 {
		t.Errorf("Len %d of %d entries, Bytes %d of %d, leaving %v", c.Len(), stored, c.Bytes(), sum, c.leaving)
	}
	checkSchedule(t, &c.schedule, scheduled)
}

func checkSchedule[T any](t *testing.T, s *schedule[T], scheduled int) {
	t.Helper()
	listed := 0
	for period, sl := range s.slots {
		if sl.head == nil || sl.period != period || s.order[sl.index] != sl {
			t.Errorf("slot %d is damaged", period)
		}
		for it := sl.head; it != nil; it = it.next {
			listed++
		}
	}
	if listed != scheduled || len(s.order) != len(s.slots) {
		t.Errorf("%d items in %d slots, of which %d ordered; want %d items", listed, len(s.slots), len(s.order), scheduled)
	}
}
