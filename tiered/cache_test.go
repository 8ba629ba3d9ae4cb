package tiered

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/memory"
)

// sized is a result of so many bytes.
type sized int64

func (s sized) Size() int64 { return int64(s) }

// put stores a result under the stamps of now.
func put(t *testing.T, c *Cache, k string, at []invalidation.Slot) *Entry {
	t.Helper()
	sm := c.Sample(at)
	e := c.Make(number(1), &sm, Making{})
	if out := c.Store([]byte(k), e, nil); out != Stored {
		t.Fatalf("%s: outcome %v", k, out)
	}
	return e
}

func served(c *Cache, k string, at []invalidation.Slot) bool {
	sm := c.Sample(at)
	_, ok := c.Get([]byte(k), &sm)
	return ok
}

// TestServedOnlyUnderAnEqualSample: invariant 1, from every side.
func TestServedOnlyUnderAnEqualSample(t *testing.T) {
	c, l1 := newCache(Config{})
	e := put(t, c, "k", slots)
	if !served(c, "k", slots) {
		t.Fatal("not served under the sample it was made under")
	}
	if served(c, "k", slots[:1]) || served(c, "k", []invalidation.Slot{1, 3}) || served(c, "k", nil) {
		t.Error("served to a reader of other tags")
	}
	c.stamps.Intent(slots[1:])
	if served(c, "k", slots) {
		t.Error("served while an intent is pending")
	}
	// An entry that slipped in under the same pending stamp.
	sm := c.Sample(slots)
	pending := &Entry{Result: number(1), sample: sm}
	pending.kept.Store(true)
	l1.Set("k", pending)
	if _, ok := c.Get(aKey, &sm); ok {
		t.Error("an entry made while pending was served while pending")
	}
	l1.Set("k", e)
	c.stamps.Complete(slots[1:])
	if served(c, "k", slots) {
		t.Error("served after a write")
	}
}

// TestLateFillIsRefused:
//  1. R samples and reads the old rows.
//  2. A write places its intent (and, in the second case, completes).
//  3. R stores: refused, and were it taken it would never be served.
func TestLateFillIsRefused(t *testing.T) {
	for _, completed := range []bool{false, true} {
		c, l1 := newCache(Config{})
		sm := c.Sample(slots)
		e := c.Make(number(0), &sm, Making{})
		c.stamps.Intent(slots[:1])
		if completed {
			c.stamps.Complete(slots[:1])
		}
		if out := c.Store(aKey, e, nil); out != Outdated || len(l1.m) != 0 {
			t.Errorf("completed %v: outcome %v", completed, out)
		}
		e.kept.Store(true)
		l1.Set("k", e)
		if served(c, "k", slots) {
			t.Errorf("completed %v: served", completed)
		}
	}
}

// TestStoreLimits: by size, and by the tier's own judgement.
func TestStoreLimits(t *testing.T) {
	c, l1 := newCache(Config{MaxResultBytes: 100})
	sm := c.Sample(slots)
	for size, want := range map[sized]Outcome{0: Stored, 100: Stored, 101: TooLarge, math.MaxInt64: TooLarge} {
		if got := c.Store(aKey, c.Make(size, &sm, Making{}), nil); got != want {
			t.Errorf("%d bytes: %v, want %v", size, got, want)
		}
	}
	l1.refuse = true
	if got := c.Store(aKey, c.Make(sized(1), &sm, Making{}), nil); got != Refused {
		t.Errorf("refused by the tier: %v", got)
	}
}

// TestTTL: an entry lives until its own TTL or the configured one, counted
// from when it was made, and a further form does not prolong it.
func TestTTL(t *testing.T) {
	var clock atomic.Int64
	now := func() time.Time { return epoch.Add(time.Duration(clock.Load())) }
	l1, err := memory.New[*Entry](memory.Config{}, memory.WithClock(now))
	if err != nil {
		t.Fatal(err)
	}
	defer l1.Close()
	c := New(Config{L1TTL: time.Minute}, invalidation.NewStamps(6), l1, now)
	for _, step := range []struct {
		ttl, lives time.Duration
	}{{0, time.Minute}, {-1, time.Minute}, {time.Second, time.Second}, {time.Hour, time.Hour}} {
		sm := c.Sample(slots)
		e := c.Make(number(1), &sm, Making{Life: Life{TTL: step.ttl}})
		if e.Created != now() || e.ExpiresAt() != now().Add(step.lives) {
			t.Errorf("ttl %v: made %v, expires %v", step.ttl, e.Created, e.ExpiresAt())
		}
		if out := c.Store(aKey, e, nil); out != Stored {
			t.Fatal(out)
		}
		clock.Add(int64(step.lives - 1))
		if !served(c, "k", slots) {
			t.Errorf("ttl %v: gone before its end", step.ttl)
		}
		more := e.With(number(2))
		if more.Created != e.Created || more.Expires != e.Expires || !more.MadeUnder(&sm) || more.Result != number(2) || e.Result != number(1) {
			t.Errorf("With gave %+v of %+v", more, e)
		}
		if out := c.Store(aKey, more, nil); out != Stored {
			t.Fatal(out)
		}
		clock.Add(1)
		if served(c, "k", slots) {
			t.Errorf("ttl %v: served at its end", step.ttl)
		}
	}
}

// TestInvalidateCounts: entries that were valid and depend on a slot, once
// each; the others stay.
func TestInvalidateCounts(t *testing.T) {
	c, l1 := newCache(Config{})
	at := func(n ...invalidation.Slot) []invalidation.Slot { return n }
	put(t, c, "dead", at(1, 9))
	c.stamps.Bump(at(9))
	put(t, c, "one", at(1, 5))
	put(t, c, "two", at(2, 6))
	put(t, c, "both", at(1, 2))
	put(t, c, "other", at(5, 6))
	if n := c.Invalidate(at(1, 2)); n != 3 {
		t.Errorf("%d died, want 3", n)
	}
	if n := c.Invalidate(at(1, 2)); n != 0 {
		t.Errorf("%d died twice", n)
	}
	if served(c, "one", at(1, 5)) || served(c, "two", at(2, 6)) || served(c, "both", at(1, 2)) {
		t.Error("served after it was invalidated")
	}
	if !served(c, "other", at(5, 6)) {
		t.Error("an entry of other tags died")
	}
	if len(l1.m) != 2 {
		t.Errorf("%d entries are left, want the other one and the one that was dead", len(l1.m))
	}
	if n := c.Invalidate(nil); n != 0 {
		t.Errorf("invalidating nothing killed %d", n)
	}
	if n := c.Clear(); n != 2 {
		t.Errorf("Clear dropped %d", n)
	}
}

// TestInvalidateKillsFillsUnderWay:
//  1. R samples and reads.
//  2. Invalidate has looked at every entry.
//  3. R stores: Invalidate does not see the entry.
//  4. Invalidate bumps. The entry must be dead, as must one stored still later.
func TestInvalidateKillsFillsUnderWay(t *testing.T) {
	c, l1 := newCache(Config{})
	sm := c.Sample(slots)
	e := c.Make(number(1), &sm, Making{})
	l1.onRange = func() {
		if out := c.Store(aKey, e, nil); out != Stored {
			t.Errorf("outcome %v", out)
		}
	}
	c.Invalidate(slots[1:])
	if served(c, "k", slots) {
		t.Error("the fill survived")
	}
	if out := c.Store(aKey, e, nil); out != Outdated {
		t.Errorf("stored after the invalidation: %v", out)
	}
}

// TestReadersAndWriters runs the protocol on real goroutines, for the race
// detector and for interleavings inside the steps of the model: each tag of
// a write is marked, and each tag of a sample loaded, at its own moment.
func TestReadersAndWriters(t *testing.T) {
	const writers, readers, rounds = 4, 4, 1500
	c, _ := newCache(Config{})
	var db, completed, newest atomic.Int64
	raise := func(to *atomic.Int64, v int64) {
		for {
			have := to.Load()
			if have >= v || to.CompareAndSwap(have, v) {
				return
			}
		}
	}
	tags := [][]invalidation.Slot{{1, 2, 3, 4, 5, 6, 7, 8}, {8}, {4, 1}, {6}}
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range rounds {
				var in invalidation.Intent
				in.Place(c.stamps, tags[i])
				v := db.Add(1)
				in.Complete()
				raise(&completed, v)
			}
		})
	}
	read := func(refresh bool) (got int64) {
		sm := c.Sample(tags[0])
		if e, ok := c.Get(aKey, &sm); ok && !refresh {
			return int64(e.Result.(number))
		}
		var f *Flight
		var made *Entry
		if !refresh && !sm.Pending() {
			var leads bool
			if f, leads = c.Join(aKey, &sm); leads {
				defer func() { f.Finish(made) }()
			} else if e, err := f.Wait(background); err != nil {
				t.Error(err)
			} else if e != nil {
				return int64(e.Result.(number))
			} else {
				f = nil
			}
		}
		got = db.Load()
		if got%7 == 3 {
			return got // an answer that is not kept
		}
		made = c.Make(number(got), &sm, Making{})
		c.Store(aKey, made, f)
		return got
	}
	for i := range readers {
		wg.Go(func() {
			for n := range rounds {
				floor := max(completed.Load(), newest.Load())
				got := read(n%16 == i)
				if got < floor {
					t.Errorf("read v%d after v%d", got, floor)
					return
				}
				raise(&newest, got)
			}
		})
	}
	wg.Wait()
	sm := c.Sample(tags[0])
	if sm.Pending() {
		t.Error("a mark is left")
	}
	if e, ok := c.Get(aKey, &sm); ok && int64(e.Result.(number)) != db.Load() {
		t.Errorf("a valid entry of v%d is left, the database is at v%d", e.Result, db.Load())
	}
}
