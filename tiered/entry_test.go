package tiered

import (
	"testing"
	"time"
	"unsafe"

	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/key"
)

// TestEntrySize: never less than what it holds.
func TestEntrySize(t *testing.T) {
	c, _ := newCache(Config{})
	sm := c.Sample([]invalidation.Slot{1, 2, 3, 4, 5, 6})
	e := c.Make(sized(1000), &sm, Making{})
	least := 1000 + int64(unsafe.Sizeof(*e)) + int64(len(e.Slots()))*int64(unsafe.Sizeof(e.Slots()[0]))
	if got := e.Size(); got < least {
		t.Errorf("an entry of at least %d bytes weighs %d", least, got)
	}
}

// TestNewEntryIsNeverValid: it was made under no sample, so it must not pass
// for one that depends on nothing.
func TestNewEntryIsNeverValid(t *testing.T) {
	c, l1 := newCache(Config{})
	e := NewEntry(number(1), epoch, epoch.Add(time.Hour))
	if !e.ExpiresAt().Equal(epoch.Add(time.Hour)) || !e.Fresh(epoch) {
		t.Errorf("got %+v", e)
	}
	for n := range 8 {
		sm := c.Sample([]invalidation.Slot{1, 2, 3, 4, 5, 6, 7}[:n])
		if e.MadeUnder(&sm) {
			t.Errorf("valid for a reader of %d tags", n)
		}
		if out := c.Store(aKey, c.Make(number(1), &sm, Making{Of: e}), nil); out == Stored && served(c, "k", sm.Slots()) {
			t.Error("a further form of it is served")
		}
		l1.Set("k", e)
		if served(c, "k", sm.Slots()) {
			t.Error("served")
		}
	}
	var zero invalidation.Sample
	if e.MadeUnder(&zero) {
		t.Error("valid under the zero sample")
	}
}

// apart is a time whose wall clock and monotonic clock went on by different
// spans.
func apart(t *testing.T, from time.Time, wall, monotonic time.Duration) time.Time {
	t.Helper()
	at := from.Add(wall)
	// The layout of time.Time: the second word is the monotonic reading.
	(*[2]int64)(unsafe.Pointer(&at))[1] += int64(monotonic - wall)
	if at.Sub(from) != monotonic || at.Round(0).Sub(from.Round(0)) != wall {
		t.Fatal("time.Time is laid out in another way: mend apart")
	}
	return at
}

// TestFreshByBothClocks: the wall clock may be set back, and the monotonic one
// stands still while a machine sleeps. Whichever is ahead decides.
func TestFreshByBothClocks(t *testing.T) {
	made := time.Now()
	e := NewEntry(number(1), made, made.Add(time.Minute))
	const before, end = time.Minute - 1, time.Minute
	for _, c := range []struct {
		wall, monotonic time.Duration
		fresh           bool
	}{
		{0, 0, true},
		{before, before, true},
		{end, end, false},
		{end, before, false},
		{before, end, false},
		{-time.Hour, end, false},
		{-time.Hour, before, true},
		{24 * time.Hour, 0, false},
	} {
		now := apart(t, made, c.wall, c.monotonic)
		if got := e.Fresh(now); got != c.fresh {
			t.Errorf("%v later by the wall, %v by the monotonic clock: fresh is %v", c.wall, c.monotonic, got)
		}
		for _, d := range []time.Duration{1, time.Second, time.Hour} {
			later := apart(t, made, c.wall+d, c.monotonic+d)
			if got := e.StaleWithin(later, d); got != c.fresh {
				t.Errorf("%v and %v, and %v more: stale within that is %v", c.wall, c.monotonic, d, got)
			}
		}
	}
}

// TestExpiresAndEnds: a tier keeps an entry until its end, and Fresh asks for
// its time to live.
func TestExpiresAndEnds(t *testing.T) {
	c, _ := newCache(Config{L1TTL: time.Minute})
	sm := c.Sample(slots)
	for _, step := range []struct {
		life        Life
		fresh, kept time.Duration
	}{
		{Life{}, time.Minute, time.Minute},
		{Life{Stale: time.Hour}, time.Minute, time.Minute + time.Hour},
		{Life{TTL: time.Second, Stale: time.Hour}, time.Second, time.Second + time.Hour},
		{Life{TTL: time.Second, Stale: -time.Hour}, time.Second, time.Second},
		{Life{TTL: -time.Second, Stale: 1}, time.Minute, time.Minute + 1},
	} {
		e := c.Make(number(1), &sm, Making{Life: step.life})
		if e.Created != epoch || e.Expires != epoch.Add(step.fresh) || e.Ends != epoch.Add(step.kept) || e.ExpiresAt() != e.Ends {
			t.Errorf("%+v: created %v, expires %v, ends %v", step.life, e.Created, e.Expires, e.Ends)
		}
		if !e.Fresh(epoch.Add(step.fresh-1)) || e.Fresh(epoch.Add(step.fresh)) {
			t.Errorf("%+v: it is not fresh exactly until it expires", step.life)
		}
		stale := step.kept - step.fresh
		if stale > 0 && (!e.StaleWithin(e.Ends.Add(-1), stale) || e.StaleWithin(e.Ends, stale) || e.StaleWithin(e.Expires.Add(1), 1)) {
			t.Errorf("%+v: it is not stale exactly until it ends", step.life)
		}
	}
}

// TestStaleIsFoundButNoAnswerToAFlight: Get returns what the tier keeps, fresh
// or not; Join takes only what is fresh, or nobody would ever read anew.
func TestStaleIsFoundButNoAnswerToAFlight(t *testing.T) {
	now := epoch
	c := New(Config{L1TTL: time.Minute}, invalidation.NewStamps(6), newSyncTier(), func() time.Time { return now })
	sm := c.Sample(slots)
	e := c.Make(number(1), &sm, Making{Life: Life{Stale: time.Hour}})
	if out := c.Store(aKey, e, nil); out != Stored {
		t.Fatal(out)
	}
	now = e.Expires.Add(-1)
	if f, leads := c.Join(aKey, &sm); leads {
		t.Error("a fresh entry does not answer")
		f.Finish(nil)
	}
	if !c.Fresh(e) {
		t.Error("not fresh within its time")
	}
	now = e.Expires
	if got, ok := c.Get(aKey, &sm); !ok || got != e || c.Fresh(got) {
		t.Errorf("got %v, %v, fresh %v; want the stale entry", got, ok, c.Fresh(got))
	}
	f, leads := c.Join(aKey, &sm)
	if !leads {
		t.Fatal("a stale entry answers a flight")
	}
	f.Finish(nil)
	c.stamps.Bump(slots[:1])
	if served(c, "k", slots) {
		t.Error("a stale entry that a write touched is found")
	}
}

// TestFurtherForm: the same rows in another form are as old, as valid and as
// long-lived, and leave the entry alone.
func TestFurtherForm(t *testing.T) {
	c, l1 := newCache(Config{})
	sm := c.SampleCore(slots, 1)
	label := key.CacheKey{Namespace: "shop"}
	for _, narrow := range []bool{true, false} {
		e := c.Make(number(1), &sm, Making{Label: label, Life: Life{TTL: time.Hour, Stale: time.Hour}, Narrow: narrow})
		other := c.Sample([]invalidation.Slot{7})
		for name, more := range map[string]*Entry{
			"With": e.With(number(2)),
			"Of":   c.Make(number(2), &other, Making{Of: e, Narrow: !narrow, Life: Life{TTL: 1}}),
		} {
			if more.Result != number(2) || e.Result != number(1) {
				t.Errorf("%s: results %v and %v", name, more.Result, e.Result)
			}
			if more.Label != e.Label || more.Created != e.Created || more.Expires != e.Expires || more.Ends != e.Ends {
				t.Errorf("%s gave %+v of %+v", name, more, e)
			}
			if !more.MadeUnder(&sm) || more.MadeUnder(&other) || more.Narrow() != narrow {
				t.Errorf("%s: it is valid under other samples than its origin", name)
			}
			l1.Set("k", more)
			if _, ok := c.Get(aKey, &sm); ok {
				t.Errorf("%s: it passes for stored before it is", name)
			}
		}
	}
}
