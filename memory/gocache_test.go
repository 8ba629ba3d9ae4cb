package memory

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	gocache "github.com/patrickmn/go-cache"
)

// openShared makes a cache on the program's own.
func openShared(t testing.TB, store *gocache.Cache, cfg Config, opts ...Option) *GoCache[*val] {
	t.Helper()
	cfg.GoCache = store
	c, err := NewGoCache[*val](cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSharedCacheKeepsToItsOwn: the program's entries, and those of another GoCache, are not seen,
// counted, replaced or removed.
func TestSharedCacheKeepsToItsOwn(t *testing.T) {
	store := sharedWithOthers()
	a, b := openShared(t, store, Config{}), openShared(t, store, Config{})
	if !strings.HasPrefix(a.Prefix(), "querycache:") || a.Prefix() == b.Prefix() {
		t.Errorf("prefixes %q and %q", a.Prefix(), b.Prefix())
	}
	mustMiss(t, a, "k")
	a.Set("k", &val{id: 1})
	mustMiss(t, b, "k")
	b.Set("k", &val{id: 2})
	b.Set("more", &val{id: 3})
	mustGet(t, a, "k", 1)
	mustGet(t, b, "k", 2)
	a.Range(func(key string, v *val) bool {
		if key != "k" || v.id != 1 {
			t.Errorf("Range shows %q, %d", key, v.id)
		}
		return true
	})
	if n := a.Clear(); n != 1 || a.Len() != 0 || b.Len() != 2 {
		t.Errorf("cleared %d; %d and %d are left", n, a.Len(), b.Len())
	}
	if a.Delete([]byte("k")) || !b.Delete([]byte("k")) {
		t.Error("Delete takes one for the other")
	}
	a.Close()
	mustGet(t, b, "more", 3)
	b.Close()
	if items := store.Items(); len(items) != 2 || items["k"].Object != "another's" || items[""].Object != "another's" {
		t.Errorf("the program's cache holds %v", items)
	}
}

// TestProgramRemovesEntries: the books follow, a few entries with each Set.
func TestProgramRemovesEntries(t *testing.T) {
	const n = 1000
	store := sharedWithOthers()
	c := openShared(t, store, Config{})
	one := c.Bytes()
	for i := range n {
		c.Set(fmt.Sprintf("%04d", i), &val{id: i, size: 100})
	}
	one = (c.Bytes() - one) / n
	for i := range n {
		if i%2 == 0 {
			store.Delete(c.Prefix() + fmt.Sprintf("%04d", i))
		}
	}
	mustMiss(t, c, "0000")
	mustGet(t, c, "0001", 1)
	seen := 0
	c.Range(func(string, *val) bool { seen++; return true })
	if seen != n/2 {
		t.Errorf("Range shows %d", seen)
	}
	for range 2*n/tidyBatch + 1 { // two rounds
		c.Set("0001", &val{id: 1, size: 100})
	}
	if c.Len() != n/2 || c.Bytes() != n/2*one {
		t.Errorf("Len %d, Bytes %d; %d entries of %d bytes are left", c.Len(), c.Bytes(), n/2, one)
	}
	check(t, c)

	store.Flush()
	if c.Delete([]byte("0003")) || c.DeleteIf([]byte("0003"), func(*val) bool { return true }) {
		t.Error("deleted what the program had flushed")
	}
	c.Set("0005", &val{id: 5, size: 100}) // while the flushed one is still in the books
	if cleared := c.Clear(); cleared != 1 || c.Len() != 0 || c.Bytes() != 0 {
		t.Errorf("cleared %d; Len %d, Bytes %d", cleared, c.Len(), c.Bytes())
	}
	mustMiss(t, c, "0005")
	if s := c.Stats(); s != (Stats{}) {
		t.Errorf("%+v", s)
	}
}

// TestFlushGivesMemoryAndRoomBack: at once, though the books are behind.
func TestFlushGivesMemoryAndRoomBack(t *testing.T) {
	store := gocache.New(gocache.NoExpiration, 0)
	c := openShared(t, store, Config{MaxEntries: 10 * fullBatch})
	collected := make(chan struct{})
	func() {
		v := &val{id: 1}
		runtime.AddCleanup(v, func(ch chan struct{}) { close(ch) }, collected)
		c.Set("k", v)
	}()
	for i := 0; c.Set(fmt.Sprint(i), &val{}); i++ {
	}
	if c.Len() != 10*fullBatch || c.Stats().Rejections != 1 {
		t.Fatalf("%d entries, %+v", c.Len(), c.Stats())
	}
	store.Flush()
	runtime.GC()
	<-collected // the test times out if the books hold the value
	for i := range 10 * fullBatch {
		if !c.Set(fmt.Sprint(i), &val{id: i}) {
			t.Fatalf("refused after %d in a cache that was flushed", i)
		}
	}
	if c.Len() != 10*fullBatch {
		t.Errorf("%d entries", c.Len())
	}
	runtime.KeepAlive(c)
}

// TestFullOfExpired: what has expired makes room, however short ago.
func TestFullOfExpired(t *testing.T) {
	for _, e := range engines[1:] {
		t.Run(e.name, func(t *testing.T) {
			clock := &fakeClock{}
			c := e.open(t, Config{MaxEntries: fullBatch}, WithClock(clock.now))
			for i := range fullBatch {
				c.Set(fmt.Sprint("old", i), &val{expires: clock.now().Add(time.Second)})
			}
			if c.Set("new", &val{}) || c.Len() != fullBatch {
				t.Error("stored beyond the bound")
			}
			if !c.Set("old7", &val{id: 7, expires: clock.now().Add(time.Hour)}) {
				t.Error("an entry was not replaced, which needs no room")
			}
			clock.advance(time.Second)
			if !c.Set("new", &val{id: 1}) {
				t.Error("expired entries make no room")
			}
			mustGet(t, c, "new", 1)
			mustGet(t, c, "old7", 7)
			for range fullBatch / tidyBatch {
				c.Set("new", &val{id: 1})
			}
			if s := c.Stats(); c.Len() != 2 || s != (Stats{Expirations: fullBatch - 1, Rejections: 1}) {
				t.Errorf("%d entries, %+v", c.Len(), s)
			}
			check(t, c)
		})
	}
}

// TestRefusedLeavesNoOldEntry: for want of room too.
func TestRefusedLeavesNoOldEntry(t *testing.T) {
	for _, e := range engines[1:] {
		c := e.open(t, Config{MaxBytes: 4096})
		c.Set("k", &val{id: 1})
		c.Set("other", &val{id: 2, size: 2048})
		if c.Set("k", &val{id: 3, size: 2048}) {
			t.Errorf("%s: stored beyond the bound", e.name)
		}
		mustMiss(t, c, "k")
		mustGet(t, c, "other", 2)
		check(t, c)
	}
}

// TestRemovedEntriesDoNotComeBack: the program copies its cache and puts it in again.
func TestRemovedEntriesDoNotComeBack(t *testing.T) {
	store := gocache.New(gocache.NoExpiration, 0)
	c := openShared(t, store, Config{})
	c.Set("deleted", &val{id: 1})
	c.Set("replaced", &val{id: 2})
	items := store.Items()
	c.Delete([]byte("deleted"))
	c.Set("replaced", &val{id: 3})
	for k, x := range items {
		store.Set(k, x.Object, gocache.NoExpiration)
	}
	mustMiss(t, c, "deleted")
	mustMiss(t, c, "replaced")
	if c.Delete([]byte("deleted")) {
		t.Error("deleted it once more")
	}
	// Nor is anything else taken for ours.
	store.Set(c.Prefix()+"foreign", 7, gocache.NoExpiration)
	mustMiss(t, c, "foreign")
	for _, k := range []string{"deleted", "replaced", "foreign"} {
		if !c.Set(k, &val{id: 4}) {
			t.Error("refused")
		}
		mustGet(t, c, k, 4)
	}
	if c.Clear(); store.ItemCount() != 0 || c.Len() != 0 || c.Bytes() != 0 {
		t.Errorf("%d stored, Len %d, Bytes %d", store.ItemCount(), c.Len(), c.Bytes())
	}
}

// TestOnEvictedMayCallTheCache: it is called without a lock held, by every call that removes an entry.
func TestOnEvictedMayCallTheCache(t *testing.T) {
	store := sharedWithOthers()
	clock := &fakeClock{}
	c := openShared(t, store, Config{MaxEntries: 3}, WithClock(clock.now))
	removed := 0
	store.OnEvicted(func(full string, x any) {
		removed++
		if _, ours := x.(*held[*val]); !ours {
			t.Errorf("told of %v", x)
		}
		k := strings.TrimPrefix(full, c.Prefix())
		mustMiss(t, c, k)
		if c.Set(k, &val{id: 99}) {
			t.Errorf("set %q while it is deleted", k)
		}
		if k != "other" {
			c.Set("other", &val{id: 5})
			mustGet(t, c, "other", 5)
		}
		c.Range(func(string, *val) bool { return true })
		c.DeleteIf([]byte(k), func(*val) bool { return true })
		c.Len()
	})
	set := func(k string, d time.Duration) {
		t.Helper()
		if !c.Set(k, &val{expires: clock.now().Add(d)}) {
			t.Errorf("%q was refused", k)
		}
	}
	want := func(n int, what string) {
		t.Helper()
		if removed != n {
			t.Errorf("%s: %d removed, want %d", what, removed, n)
		}
		check(t, c)
	}
	set("a", time.Second)
	want(0, "Set")
	set("a", time.Second)
	want(0, "replacing")
	c.Delete([]byte("a"))
	want(1, "Delete")
	set("a", time.Second)
	c.DeleteIf([]byte("a"), func(*val) bool { return true })
	want(2, "DeleteIf")
	set("a", time.Second)
	clock.advance(time.Second)
	mustMiss(t, c, "a")
	want(3, "Get of an expired one")
	set("a", time.Second)
	clock.advance(time.Hour)
	set("b", time.Hour)
	want(4, "sweeping")
	c.Set("b", &val{size: -1})
	want(5, "refusing")
	set("a", time.Hour)
	c.Clear() // "a" and "other", which is put in again meanwhile, or not
	if removed < 7 {
		t.Errorf("Clear: %d removed", removed)
	}
	set("a", time.Hour)
	store.OnEvicted(func(string, any) { c.Close() })
	c.Close()
	if c.Len() != 0 {
		t.Errorf("%d entries after Close", c.Len())
	}
	check(t, c)
}

// TestClosedWithinSet: by OnEvicted, as Set sweeps. Nothing is stored after that.
func TestClosedWithinSet(t *testing.T) {
	store := sharedWithOthers()
	clock := &fakeClock{}
	c := openShared(t, store, Config{}, WithClock(clock.now))
	c.Set("a", &val{expires: clock.now().Add(time.Second)})
	clock.advance(time.Hour)
	store.OnEvicted(func(string, any) { c.Close() })
	if c.Set("b", &val{}) || c.Len() != 0 || c.Stats().Rejections != 0 {
		t.Errorf("stored after Close; %d entries, %+v", c.Len(), c.Stats())
	}
	check(t, c)
}

// TestOnEvictedMayPanic: the caller gets it, and the books are in order.
func TestOnEvictedMayPanic(t *testing.T) {
	store := sharedWithOthers()
	c := openShared(t, store, Config{})
	c.Set("a", &val{id: 1})
	c.Set("b", &val{id: 2})
	store.OnEvicted(func(string, any) { panic("on demand") })
	func() {
		defer func() {
			if r := recover(); r != "on demand" {
				t.Errorf("got %v", r)
			}
		}()
		c.Delete([]byte("a"))
	}()
	mustMiss(t, c, "a")
	mustGet(t, c, "b", 2)
	if !c.Set("a", &val{id: 3}) {
		t.Error("refused")
	}
	mustGet(t, c, "a", 3)
	check(t, c)
}

// TestSharedWithABusyProgram: the program flushes, deletes and puts in what is its own, while others
// use the cache; when it has stopped, the books come right.
func TestSharedWithABusyProgram(t *testing.T) {
	seed := rand.Uint64()
	defer func() {
		if t.Failed() {
			t.Logf("seed %d", seed)
		}
	}()
	store := sharedWithOthers()
	store.OnEvicted(func(string, any) { runtime.Gosched() })
	clock := &fakeClock{}
	c := openShared(t, store, Config{MaxBytes: 16 << 10}, WithClock(clock.now))
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(g)))
			for i := range 5000 {
				k := fmt.Sprint(rng.IntN(40))
				switch rng.IntN(12) {
				case 0, 1, 2, 3:
					c.Set(k, &val{id: i, size: rng.Int64N(1000), expires: clock.now().Add(time.Duration(1+rng.IntN(60)) * time.Second)})
				case 4:
					c.Delete([]byte(k))
				case 5:
					clock.advance(time.Second)
				case 6:
					if rng.IntN(100) == 0 {
						c.Clear()
					}
				case 7:
					store.Delete(c.Prefix() + k)
				case 8:
					if rng.IntN(20) == 0 {
						store.Flush()
						store.SetDefault("k", "another's")
						store.SetDefault("", "another's")
					}
				default:
					c.Get([]byte(k))
				}
				if c.Bytes() < 0 || c.Bytes() > 16<<10 {
					t.Errorf("%d bytes", c.Bytes())
				}
			}
		})
	}
	wg.Wait()
	store.SetDefault("k", "another's")
	store.SetDefault("", "another's")
	for range 40 {
		c.Set("last", &val{})
	}
	check(t, c)
	if c.Clear(); c.Len() != 0 || c.Bytes() != 0 || store.ItemCount() != 2 {
		t.Errorf("after Clear: %d entries, %d bytes, %d stored", c.Len(), c.Bytes(), store.ItemCount())
	}
}

func ExampleNewGoCache() {
	mine := gocache.New(5*time.Minute, 0) // the program's own cache
	mine.SetDefault("greeting", "hello")

	c, err := NewGoCache[*val](Config{GoCache: mine, MaxBytes: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Set("answer", &val{id: 42, expires: time.Now().Add(time.Minute)})
	v, ok := c.Get([]byte("answer"))
	fmt.Println(v.id, ok, mine.ItemCount())
	c.Close()
	fmt.Println(mine.Get("greeting"))
	// Output:
	// 42 true 2
	// hello true
}
