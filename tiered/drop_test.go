package tiered

import (
	"sync"
	"testing"

	"github.com/gorm-querycache/querycache/invalidation"
)

// walkers are what walks through the entries, with when a hook of the tier
// comes by: before and after the entries are looked at.
var walkers = map[string]struct {
	walk          func(*Cache) int
	before, after func(*syncTier) *func()
}{
	"Drop": {
		func(c *Cache) int { return c.Drop(func(string, *Entry) bool { return true }) },
		func(s *syncTier) *func() { return &s.beforeRange }, func(s *syncTier) *func() { return &s.onRange },
	},
	"Clear": {
		(*Cache).Clear,
		func(s *syncTier) *func() { return &s.beforeClear }, func(s *syncTier) *func() { return &s.afterClear },
	},
}

// TestDropCounts: what f chooses goes, what was valid of it is counted, and
// the rest stays.
func TestDropCounts(t *testing.T) {
	c, l1 := newCache(Config{})
	of := func(n ...invalidation.Slot) []invalidation.Slot { return n }
	put(t, c, "dead", of(1, 9))
	put(t, c, "pending", of(8))
	put(t, c, "a1", of(1))
	a2 := put(t, c, "a2", of(2))
	put(t, c, "b", of(1, 2))
	c.stamps.Bump(of(9))
	c.stamps.Intent(of(8))
	sm := c.Sample(of(8))
	l1.Set("marked", &Entry{Result: number(1), sample: sm})

	seen := map[string]*Entry{}
	if n := c.Drop(func(k string, e *Entry) bool { seen[k] = e; return false }); n != 0 || len(l1.m) != 6 {
		t.Errorf("dropping nothing dropped %d, %d are left", n, len(l1.m))
	}
	if len(seen) != 6 || seen["a2"] != a2 {
		t.Errorf("f was shown %v", seen)
	}
	if n := c.Drop(func(k string, _ *Entry) bool { return k != "b" }); n != 2 {
		t.Errorf("%d dropped, want a1 and a2: the others were not valid", n)
	}
	if len(l1.m) != 1 || !served(c, "b", of(1, 2)) {
		t.Errorf("left is %v, want b", l1.m)
	}
	if n := c.Drop(func(string, *Entry) bool { return true }); n != 1 || len(l1.m) != 0 {
		t.Errorf("%d dropped, %d left", n, len(l1.m))
	}
	put(t, c, "new", of(1))
	put(t, c, "newer", of(1))
	if n := c.Clear(); n != 2 || len(l1.m) != 0 {
		t.Errorf("Clear dropped %d, %d left", n, len(l1.m))
	}
	put(t, c, "new", of(1))
	if !served(c, "new", of(1)) {
		t.Error("nothing is served after all was dropped")
	}
}

// TestDropAgainstALateFill: a fill that read before a walk began is not served
// to anybody who reads after the walk, wherever in the fill the walk falls, and
// nothing is left of it. Drop's comment has the events.
func TestDropAgainstALateFill(t *testing.T) {
	for name, w := range walkers {
		for when, run := range map[string]func(c *Cache, l1 *syncTier, fill func(), walk func()){
			"the fill comes after the walk": func(_ *Cache, _ *syncTier, fill, walk func()) {
				walk()
				fill()
			},
			"as the walk begins": func(_ *Cache, l1 *syncTier, fill, walk func()) {
				*w.before(l1) = fill
				walk()
			},
			"as the walk ends": func(_ *Cache, l1 *syncTier, fill, walk func()) {
				*w.after(l1) = fill
				walk()
			},
			"the walk comes between the first look and the setting": func(_ *Cache, l1 *syncTier, fill, walk func()) {
				l1.beforeSet = walk
				fill()
			},
			"the same, and a reader before the second look": func(c *Cache, l1 *syncTier, fill, walk func()) {
				l1.beforeSet = walk
				l1.afterSet = func() {
					if len(l1.m) != 1 {
						t.Error("the entry is not in its place")
					}
					if served(c, "k", slots) {
						t.Errorf("%s: served after the walk had returned", name)
					}
				}
				fill()
			},
			"the walk comes between the setting and the second look": func(_ *Cache, l1 *syncTier, fill, walk func()) {
				l1.afterSet = walk
				fill()
			},
			"the setting and the second look come as the walk ends": func(_ *Cache, l1 *syncTier, fill, walk func()) {
				looked, walked, filled := make(chan struct{}), make(chan struct{}), make(chan struct{})
				l1.beforeSet = func() { close(looked); <-walked }
				go func() { defer close(filled); fill() }()
				<-looked
				*w.after(l1) = func() { close(walked); <-filled }
				walk()
			},
			"two walks": func(_ *Cache, l1 *syncTier, fill, walk func()) {
				*w.before(l1) = func() { walk(); fill() }
				walk()
			},
		} {
			t.Run(name+"/"+when, func(t *testing.T) {
				c, l1 := newCache(Config{})
				sm := c.Sample(slots)
				e := c.Make(number(0), &sm, Making{})
				filled := false
				fill := func() {
					filled = true
					if out := c.Store(aKey, e, nil); out != Outdated {
						t.Errorf("outcome %v", out)
					}
				}
				run(c, l1, fill, func() { w.walk(c) })
				if !filled {
					t.Fatal("the fill was not played")
				}
				if len(l1.m) != 0 || served(c, "k", slots) {
					t.Error("the late fill is left")
				}
				put(t, c, "k", slots)
				if !served(c, "k", slots) {
					t.Error("a fill begun after the walk is not served")
				}
			})
		}
	}
}

// TestLateFillLeavesNewerOnesAlone: what is refused takes nobody's place.
func TestLateFillLeavesNewerOnesAlone(t *testing.T) {
	for name, w := range walkers {
		c, _ := newCache(Config{})
		sm := c.Sample(slots)
		late := c.Make(number(0), &sm, Making{})
		w.walk(c)
		put(t, c, "k", slots)
		if out := c.Store(aKey, late, nil); out != Outdated || !served(c, "k", slots) {
			t.Errorf("%s: outcome %v, the newer one is served: %v", name, out, served(c, "k", slots))
		}
	}
}

// TestDropAgainstAFurtherForm: as TestDropAgainstALateFill, for a reader that
// found an entry and stores its old rows in another form. It may have sampled
// while the walk was under way, and found what the walk had not come to yet.
func TestDropAgainstAFurtherForm(t *testing.T) {
	for name, w := range walkers {
		for when, run := range map[string]func(l1 *syncTier, find, store, walk func()){
			"found before":           func(_ *syncTier, find, store, walk func()) { find(); walk(); store() },
			"found as it begins":     func(l1 *syncTier, find, store, walk func()) { *w.before(l1) = find; walk(); store() },
			"found and stored in it": func(l1 *syncTier, find, store, walk func()) { *w.before(l1), *w.after(l1) = find, store; walk() },
		} {
			t.Run(name+"/"+when, func(t *testing.T) {
				c, l1 := newCache(Config{})
				put(t, c, "k", slots)
				var more *Entry
				find := func() {
					sm := c.Sample(slots)
					e, ok := c.Get(aKey, &sm)
					if !ok {
						t.Fatal("the entry is not found")
					}
					more = c.Make(number(2), &sm, Making{Of: e})
				}
				stored := false
				run(l1, find, func() {
					stored = true
					if out := c.Store(aKey, more, nil); out != Outdated {
						t.Errorf("outcome %v", out)
					}
				}, func() { w.walk(c) })
				if !stored || len(l1.m) != 0 {
					t.Errorf("stored %v, left %v", stored, l1.m)
				}
			})
		}
	}
}

// TestSurvivorsOfADropGetFurtherForms: an entry that a drop left alone is
// older than the generation, and is added to all the same.
func TestSurvivorsOfADropGetFurtherForms(t *testing.T) {
	c, _ := newCache(Config{})
	put(t, c, "k", slots)
	for i := range 3 {
		c.Drop(func(string, *Entry) bool { return false })
		sm := c.Sample(slots)
		e, ok := c.Get(aKey, &sm)
		if !ok {
			t.Fatal("it did not survive")
		}
		if out := c.Store(aKey, c.Make(number(2+i), &sm, Making{Of: e}), nil); out != Stored {
			t.Errorf("drop %d: outcome %v", i, out)
		}
	}
}

// TestFlightsEndAtADrop: a reader that begins after a walk joins no flight that
// began before or during it, and what that one makes is not stored.
func TestFlightsEndAtADrop(t *testing.T) {
	for name, w := range walkers {
		c, l1 := newCache(Config{})
		before, smBefore := join(t, c, true)
		var during *Flight
		*w.before(l1) = func() { during, _ = join(t, c, true) }
		w.walk(c)
		after, smAfter := join(t, c, true)
		if before == during || during == after || before == after {
			t.Fatalf("%s: flights are shared across the walk", name)
		}
		if out := c.Store(aKey, c.Make(number(0), &smBefore, Making{}), nil); out != Outdated {
			t.Errorf("%s: a result read before is %v", name, out)
		}
		before.Finish(nil)
		during.Finish(nil)
		if again, _ := join(t, c, false); again != after {
			t.Errorf("%s: the end of an old flight ended the new one", name)
		}
		e := c.Make(number(1), &smAfter, Making{})
		if out := c.Store(aKey, e, after); out != Stored {
			t.Errorf("%s: a result read after is %v", name, out)
		}
		after.Finish(e)
	}
}

// TestDropSurvivesAPanic: of f, or of a tier. Fills must not be refused further
// forms for ever after.
func TestDropSurvivesAPanic(t *testing.T) {
	c, l1 := newCache(Config{})
	e := put(t, c, "k", slots)
	for name, walk := range map[string]func(){
		"Drop":  func() { c.Drop(func(string, *Entry) bool { panic("the user's pattern") }) },
		"Clear": func() { l1.beforeClear = func() { panic("the tier") }; c.Clear() },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: the panic is swallowed", name)
				}
			}()
			walk()
		}()
		sm := c.Sample(slots)
		if sm.Generation.Pending() {
			t.Errorf("%s: a walk is still under way", name)
		}
		if out := c.Store(aKey, c.Make(number(2), &sm, Making{Of: e}), nil); out != Stored {
			t.Errorf("%s: outcome %v", name, out)
		}
	}
}

// TestDropsAndFills is for the race detector and for what the hooks cannot
// reach: whatever was read before a drop returned is not served after it.
func TestDropsAndFills(t *testing.T) {
	const rounds = 2000
	c, _ := newCache(Config{})
	var mu sync.Mutex
	db := 0 // changed by someone who tells nobody but Drop
	value := func() int { mu.Lock(); defer mu.Unlock(); return db }
	stop := make(chan struct{})
	var filling sync.WaitGroup
	for range 3 {
		filling.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				sm := c.Sample(slots)
				if e, ok := c.Get(aKey, &sm); ok {
					c.Store(aKey, c.Make(e.Result, &sm, Making{Of: e}), nil)
					continue
				}
				c.Store(aKey, c.Make(number(value()), &sm, Making{}), nil)
			}
		})
	}
	for range rounds {
		mu.Lock()
		db++
		now := db
		mu.Unlock()
		c.Drop(func(string, *Entry) bool { return true })
		sm := c.Sample(slots)
		if e, ok := c.Get(aKey, &sm); ok && int(e.Result.(number)) < now {
			t.Errorf("v%d is served after v%d was dropped", e.Result, now-1)
			break
		}
	}
	close(stop)
	filling.Wait()
}
