package tiered

import (
	"testing"

	"github.com/gorm-querycache/querycache/invalidation"
)

// Of a reader pinned to a record: the core, and the set of the table.
var (
	pinSlots = []invalidation.Slot{1, 2, 3, 4}
	pinSet   = pinSlots[3:]
)

const pinCore = 3

// TestNarrowOutlivesWritesToTheSet: what found its records depends on the core
// alone, what lacks one on all.
func TestNarrowOutlivesWritesToTheSet(t *testing.T) {
	for _, narrow := range []bool{true, false} {
		for i, n := range pinSlots {
			c, _ := newCache(Config{})
			sm := c.SampleCore(pinSlots, pinCore)
			e := c.Make(number(1), &sm, Making{Narrow: narrow})
			if out := c.Store(aKey, e, nil); out != Stored || e.Narrow() != narrow {
				t.Fatalf("outcome %v, narrow %v", out, e.Narrow())
			}
			if want := map[bool]int{true: pinCore, false: len(pinSlots)}[narrow]; len(e.Slots()) != want {
				t.Errorf("narrow %v: it depends on %v", narrow, e.Slots())
			}
			valid := func() bool {
				sm := c.SampleCore(pinSlots, pinCore)
				_, ok := c.Get(aKey, &sm)
				return ok
			}
			lives := narrow && i >= pinCore
			c.stamps.Intent([]invalidation.Slot{n})
			during := valid()
			c.stamps.Complete([]invalidation.Slot{n})
			if after := valid(); during != lives || after != lives {
				t.Errorf("narrow %v, a write to tag %d: served %v during it and %v after it, want %v", narrow, i, during, after, lives)
			}
		}
	}
}

// TestNarrowAndReadersOfOtherTags: a narrow entry serves those whose core is its
// own, no others. A reader of further tables depends on all its tags: to him an
// entry of fewer is of another schema.
func TestNarrowAndReadersOfOtherTags(t *testing.T) {
	c, _ := newCache(Config{})
	sm := c.SampleCore(pinSlots, pinCore)
	if out := c.Store(aKey, c.Make(number(1), &sm, Making{Narrow: true}), nil); out != Stored {
		t.Fatal(out)
	}
	for _, other := range [][]invalidation.Slot{nil, {1, 2}, {1, 2, 5, 4}, {1, 3, 2, 4}, {4, 1, 2, 3}, {1, 2, 3, 4}} {
		if served(c, "k", other) {
			t.Errorf("served to a reader of %v", other)
		}
	}
	for _, own := range [][]invalidation.Slot{{1, 2, 3}, {1, 2, 3, 4}, {1, 2, 3, 9}} {
		sm := c.SampleCore(own, pinCore)
		if _, ok := c.Get(aKey, &sm); !ok {
			t.Errorf("not served to a reader of %v", own)
		}
	}
}

// TestStoringWhileTheSetIsPending: a table that is written all the time is
// pending most of the time. A result that found its records is stored all the
// same, with a flight or without; one that lacks some is not.
func TestStoringWhileTheSetIsPending(t *testing.T) {
	for _, flight := range []bool{true, false} {
		for _, narrow := range []bool{true, false} {
			for i, n := range pinSlots {
				c, l1 := newCache(Config{})
				c.stamps.Intent([]invalidation.Slot{n})
				sm := c.SampleCore(pinSlots, pinCore)
				if !sm.Pending() || sm.CorePending() != (i < pinCore) {
					t.Fatal("pending is not what it should be")
				}
				var f *Flight
				if flight {
					var leads bool
					if f, leads = c.Join(aKey, &sm); !leads || len(c.flights.m) != 0 {
						t.Fatal("a flight under a pending sample can be joined")
					}
				}
				e := c.Make(number(1), &sm, Making{Narrow: narrow})
				want := Outdated
				if narrow && i >= pinCore {
					want = Stored
				}
				if out := c.Store(aKey, e, f); out != want || len(l1.m) != map[Outcome]int{Stored: 1}[want] {
					t.Errorf("flight %v, narrow %v, tag %d pending: %v, want %v", flight, narrow, i, out, want)
				}
				if f != nil {
					f.Finish(e)
				}
				// A reader with the same pending sample is served what is narrow only.
				if _, ok := c.Get(aKey, &sm); ok != (want == Stored) {
					t.Errorf("flight %v, narrow %v, tag %d pending: served %v", flight, narrow, i, ok)
				}
			}
		}
	}
}

// TestSetThatIsWrittenMeanwhile: a write to other records completes between the
// sample and the store. The current stamp of the set is not the narrow entry's
// affair.
func TestSetThatIsWrittenMeanwhile(t *testing.T) {
	for _, narrow := range []bool{true, false} {
		c, _ := newCache(Config{})
		sm := c.SampleCore(pinSlots, pinCore)
		e := c.Make(number(1), &sm, Making{Narrow: narrow})
		c.stamps.Intent(pinSet)
		c.stamps.Complete(pinSet)
		want := map[bool]Outcome{true: Stored, false: Outdated}[narrow]
		if out := c.Store(aKey, e, nil); out != want {
			t.Errorf("narrow %v: %v, want %v", narrow, out, want)
		}
	}
}

// TestReplacedFlightStoresWhatIsNarrow: where a table is written between any
// two reads, each reader's sample differs from the one before.
//  1. L samples, leads and reads record 1.
//  2. A write to record 2 completes; R samples, and takes L's place.
//  3. L stores what it read: record 1 is what it was. If it could not, R could
//     not either once the next reader came, and so on for ever.
func TestReplacedFlightStoresWhatIsNarrow(t *testing.T) {
	for _, narrow := range []bool{true, false} {
		c, _ := newCache(Config{})
		sm := c.SampleCore(pinSlots, pinCore)
		f, _ := c.Join(aKey, &sm)
		c.stamps.Intent(pinSet)
		c.stamps.Complete(pinSet)
		next := c.SampleCore(pinSlots, pinCore)
		g, leads := c.Join(aKey, &next)
		if !leads || !f.replaced() || g.replaced() {
			t.Fatal("the flight is joined across a write to the set")
		}
		e := c.Make(number(1), &sm, Making{Narrow: narrow})
		want := map[bool]Outcome{true: Stored, false: Outdated}[narrow]
		if out := c.Store(aKey, e, f); out != want {
			t.Errorf("narrow %v: %v, want %v", narrow, out, want)
		}
		f.Finish(e)
		if _, ok := c.Get(aKey, &next); ok != narrow {
			t.Errorf("narrow %v: served %v", narrow, ok)
		}
		g.Finish(nil)
	}
}

// TestFlightsTellCoresApart: two readers of the same tags whose results may
// depend on other parts of them share nothing.
func TestFlightsTellCoresApart(t *testing.T) {
	c, _ := newCache(Config{})
	pinned := c.SampleCore(pinSlots, pinCore)
	whole := c.Sample(pinSlots)
	f, _ := c.Join(aKey, &pinned)
	g, leads := c.Join(aKey, &whole)
	if !leads {
		t.Fatal("a reader of all joined one that is pinned")
	}
	if again := c.Again(&pinned); !again.Pinned() || !again.Equal(&pinned) {
		t.Error("a sample taken anew has another core")
	}
	if out := c.Store(aKey, c.Make(number(1), &pinned, Making{}), f); out != Outdated {
		t.Errorf("what depends on all, of a flight that was replaced: %v", out)
	}
	f.Finish(nil)
	g.Finish(nil)
}

// TestInvalidateAndNarrow: invalidating the set by hand leaves what does not
// depend on it, and does not count it.
func TestInvalidateAndNarrow(t *testing.T) {
	c, _ := newCache(Config{})
	for k, narrow := range map[string]bool{"narrow": true, "wide": false} {
		sm := c.SampleCore(pinSlots, pinCore)
		if out := c.Store([]byte(k), c.Make(number(1), &sm, Making{Narrow: narrow}), nil); out != Stored {
			t.Fatal(out)
		}
	}
	if n := c.Invalidate(pinSet); n != 1 {
		t.Errorf("the set: %d died, want the wide one", n)
	}
	pinned := func(k string) bool {
		sm := c.SampleCore(pinSlots, pinCore)
		_, ok := c.Get([]byte(k), &sm)
		return ok
	}
	if !pinned("narrow") || pinned("wide") {
		t.Error("the wrong one died")
	}
	if n := c.Invalidate(pinSlots[1:2]); n != 1 || pinned("narrow") {
		t.Errorf("the table: %d died, want the narrow one", n)
	}
}

// TestStoreWithin: a limit of its own, above or below the configured one.
func TestStoreWithin(t *testing.T) {
	c, _ := newCache(Config{MaxResultBytes: 100})
	for _, step := range []struct {
		size, limit int64
		want        Outcome
	}{{100, 100, Stored}, {101, 100, TooLarge}, {150, 150, Stored}, {151, 150, TooLarge}, {51, 50, TooLarge}, {50, 50, Stored}, {0, 0, Stored}, {1, 0, TooLarge}} {
		sm := c.Sample(slots)
		if out := c.StoreWithin(aKey, c.Make(sized(step.size), &sm, Making{}), nil, step.limit); out != step.want {
			t.Errorf("%d bytes within %d: %v, want %v", step.size, step.limit, out, step.want)
		}
	}
}
