package tiered

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/invalidation"
)

// syncTier is mapTier for many goroutines.
type syncTier struct {
	mu     sync.Mutex
	m      mapTier
	refuse bool

	// Called, if set, before and after what they are named for.
	beforeSet, afterSet, beforeRange, onRange, beforeClear, afterClear func()
}

// fire calls a hook once, so that what it does may come by it again.
func fire(hook *func()) {
	if f := *hook; f != nil {
		*hook = nil
		f()
	}
}

func newSyncTier() *syncTier { return &syncTier{m: mapTier{}} }

func (s *syncTier) Get(aKey []byte) (*Entry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.Get(aKey)
}

func (s *syncTier) Set(aKey string, e *Entry) bool {
	fire(&s.beforeSet)
	defer fire(&s.afterSet)
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.refuse && s.m.Set(aKey, e)
}

func (s *syncTier) Range(f func(string, *Entry) bool) {
	fire(&s.beforeRange)
	defer fire(&s.onRange)
	s.mu.Lock()
	now := maps.Clone(s.m)
	s.mu.Unlock()
	now.Range(f)
}

func (s *syncTier) Delete(aKey []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.Delete(aKey)
}

func (s *syncTier) Clear() int {
	fire(&s.beforeClear)
	defer fire(&s.afterClear)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.m.Clear()
}

var (
	aKey  = []byte("k")
	slots = []invalidation.Slot{1, 2}
	epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func newCache(cfg Config) (*Cache, *syncTier) {
	l1 := newSyncTier()
	return New(cfg, invalidation.NewStamps(6), l1, func() time.Time { return epoch }), l1
}

// join samples and joins, and fails the test if the flight is led by the
// wrong one.
func join(t *testing.T, c *Cache, leads bool) (*Flight, invalidation.Sample) {
	t.Helper()
	sm := c.Sample(slots)
	f, got := c.Join(aKey, &sm)
	if got != leads {
		t.Fatalf("leads is %v, want %v", got, leads)
	}
	return f, sm
}

// follow waits for a flight in a goroutine of its own.
func follow(ctx context.Context, f *Flight) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		e, err := f.Wait(ctx)
		out <- answer{e, err}
	}()
	return out
}

type answer struct {
	entry *Entry
	err   error
}

// TestFollowersShare: they get the leader's entry itself.
func TestFollowersShare(t *testing.T) {
	c, _ := newCache(Config{})
	f, sm := join(t, c, true)
	g, _ := join(t, c, false)
	if f != g {
		t.Fatal("the follower waits for another flight")
	}
	waiting := follow(background, g)
	e := c.Make(number(1), &sm, Making{})
	f.Finish(e)
	if a := <-waiting; a.entry != e || a.err != nil {
		t.Errorf("the follower got %v, %v", a.entry, a.err)
	}
	if e, err := g.Wait(background); e == nil || err != nil {
		t.Errorf("one that waits after the end got %v, %v", e, err)
	}
	if n := len(c.flights.m); n != 0 {
		t.Errorf("%d flights are kept after their end", n)
	}
}

// TestLeaderLeavesNothing: whatever becomes of a leader, its followers
// wake, get neither data nor an error from it, and the key is free again.
//  1. L leads; F joins.
//  2. L fails, is cancelled, panics or its goroutine exits.
//  3. L's deferred Finish wakes F, which reads for itself.
func TestLeaderLeavesNothing(t *testing.T) {
	for name, end := range map[string]func(cancel func()){
		"error":  func(func()) {},
		"cancel": func(cancel func()) { cancel() },
		"panic":  func(func()) { panic("the scanner of the leader") },
		"goexit": func(func()) { runtime.Goexit() },
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newCache(Config{})
			f, _ := join(t, c, true)
			g, _ := join(t, c, false)
			waiting := follow(background, g)
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			over := make(chan struct{})
			go func() {
				defer close(over)
				defer func() { _ = recover() }()
				var made *Entry
				defer func() { f.Finish(made) }()
				end(cancel)
				if ctx.Err() == nil && name == "cancel" {
					t.Error("the leader was not cancelled")
				}
			}()
			if a := <-waiting; a.entry != nil || a.err != nil {
				t.Errorf("the follower got %v, %v", a.entry, a.err)
			}
			<-over
			join(t, c, true)
		})
	}
}

// TestFollowerKeepsItsContext: it gives up when its own context ends, and
// nobody else notices.
func TestFollowerKeepsItsContext(t *testing.T) {
	c, _ := newCache(Config{})
	f, sm := join(t, c, true)
	impatient, _ := join(t, c, false)
	patient, _ := join(t, c, false)
	ctx, cancel := context.WithCancelCause(background)
	first, second := follow(ctx, impatient), follow(background, patient)
	cancel(errors.New("the client went away"))
	if a := <-first; a.entry != nil || !errors.Is(a.err, context.Canceled) {
		t.Errorf("the cancelled follower got %v, %v", a.entry, a.err)
	}
	join(t, c, false) // the flight goes on
	e := c.Make(number(1), &sm, Making{})
	if out := c.Store(aKey, e, f); out != Stored {
		t.Errorf("the leader's result: %v", out)
	}
	f.Finish(e)
	if a := <-second; a.entry != e || a.err != nil {
		t.Errorf("the other follower got %v, %v", a.entry, a.err)
	}
	deadline, stop := context.WithDeadline(background, epoch) // long past
	defer stop()
	g, _ := c.flights.join("other", &sm)
	if a := <-follow(deadline, g); !errors.Is(a.err, context.DeadlineExceeded) {
		t.Errorf("a follower past its deadline got %v, %v", a.entry, a.err)
	}
	g.Finish(nil)
}

// TestFlightsOfUnequalSamples:
//  1. L samples, leads and reads v0.
//  2. A write intends, commits v1, completes and returns.
//  3. R samples: its stamps are others, so it must not join L, or it would be
//     given v0.
//  4. R leads in L's place.
//  5. L stores v0: refused. Its end does not end R's flight.
//  6. R stores v1: taken.
func TestFlightsOfUnequalSamples(t *testing.T) {
	c, l1 := newCache(Config{})
	f, old := join(t, c, true)
	c.stamps.Intent(slots[:1])
	c.stamps.Complete(slots[:1])
	g, sm := join(t, c, true)
	if !f.replaced() || g.replaced() {
		t.Fatal("the newer flight did not take the place of the older")
	}
	e0 := c.Make(number(0), &old, Making{})
	if out := c.Store(aKey, e0, f); out != Outdated {
		t.Errorf("the old result: %v", out)
	}
	f.Finish(e0)
	if len(l1.m) != 0 {
		t.Error("the old result is in the tier")
	}
	h, _ := join(t, c, false)
	if h != g {
		t.Error("the end of the replaced flight ended the one that replaced it")
	}
	e1 := c.Make(number(1), &sm, Making{})
	if out := c.Store(aKey, e1, g); out != Stored {
		t.Errorf("the new result: %v", out)
	}
	g.Finish(e1)
}

// TestReplacedFlightStoresNothing: even if its stamps are current still. Two
// plans of one text read other tables, so their samples differ in the
// slots and not in the stamps.
//  1. L samples the tables of the old plan, leads and reads.
//  2. The catalog changes; R samples the tables of the new plan, and replaces L.
//  3. R stores its result. L stores: it would take the place of R's.
func TestReplacedFlightStoresNothing(t *testing.T) {
	c, _ := newCache(Config{})
	f, sm := join(t, c, true)
	other := c.Sample([]invalidation.Slot{3, 4})
	g, leads := c.Join(aKey, &other)
	if !leads {
		t.Fatal("a reader of other tables joined")
	}
	e := c.Make(number(2), &other, Making{})
	if out := c.Store(aKey, e, g); out != Stored {
		t.Fatalf("the newer result: %v", out)
	}
	if out := c.Store(aKey, c.Make(number(1), &sm, Making{}), f); out != Outdated {
		t.Errorf("the result of the replaced flight: %v", out)
	}
	if have, ok := c.Get(aKey, &other); !ok || have != e {
		t.Error("the newer result is gone")
	}
	f.Finish(nil)
	g.Finish(e)
}

// TestPendingReadersStayAlone:
//  1. W intends. A and B sample the same pending stamp.
//  2. A reads v0.
//  3. W commits v1; C, pending too, reads v1 and returns it.
//  4. B joins A and is given v0, older than what was seen before it began.
//
// So nobody joins under a pending sample, nor is anybody joined.
func TestPendingReadersStayAlone(t *testing.T) {
	c, l1 := newCache(Config{})
	c.stamps.Intent(slots[1:])
	a, smA := join(t, c, true)
	b, _ := join(t, c, true)
	if a == b || len(c.flights.m) != 0 {
		t.Error("a flight under a pending sample can be joined")
	}
	if out := c.Store(aKey, c.Make(number(0), &smA, Making{}), a); out != Outdated {
		t.Errorf("a result read under a pending sample: %v", out)
	}
	if out := c.Store(aKey, c.Make(number(0), &smA, Making{}), nil); out != Outdated {
		t.Errorf("one read without a flight: %v", out)
	}
	waiting := follow(background, a)
	a.Finish(nil)
	b.Finish(nil)
	<-waiting
	c.stamps.Complete(slots[1:])
	if len(l1.m) != 0 {
		t.Error("something was stored")
	}

	// A clean flight is left alone by a pending reader's.
	clean, _ := join(t, c, true)
	c.stamps.Intent(slots[1:])
	alone, _ := join(t, c, true)
	if clean.replaced() || c.flights.m["k"] != clean {
		t.Error("a pending reader took the place of a clean flight")
	}
	alone.Finish(nil)
	clean.Finish(nil)
	c.stamps.Complete(slots[1:])
}

// TestJoinAfterTheFlight:
//  1. R samples and finds no entry.
//  2. L leads, reads, stores, and its flight ends.
//  3. R joins: there is no flight, but there is an entry. A second query would be
//     one too many.
func TestJoinAfterTheFlight(t *testing.T) {
	c, _ := newCache(Config{})
	sm := c.Sample(slots)
	if _, ok := c.Get(aKey, &sm); ok {
		t.Fatal("found an entry in an empty cache")
	}
	f, smL := join(t, c, true)
	e := c.Make(number(1), &smL, Making{})
	if out := c.Store(aKey, e, f); out != Stored {
		t.Fatal(out)
	}
	f.Finish(e)
	g, leads := c.Join(aKey, &sm)
	if leads {
		t.Error("a second query is made")
	}
	if got, err := g.Wait(background); got != e || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	// With a write in between, it must read.
	c.stamps.Bump(slots)
	join(t, c, true)
}

// TestOneQueryForAThousand: whoever comes first reads, and nobody else does,
// however their steps fall; once with all others waiting in the flight, once
// as it comes.
func TestOneQueryForAThousand(t *testing.T) {
	const readers = 1000
	for _, together := range []bool{true, false} {
		c, _ := newCache(Config{})
		var queries, followers atomic.Int32
		allJoined := make(chan struct{})
		start := make(chan struct{})
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				<-start
				sm := c.Sample(slots)
				if e, ok := c.Get(aKey, &sm); ok {
					if e.Result != number(7) {
						t.Errorf("found %v", e.Result)
					}
					return
				}
				f, leads := c.Join(aKey, &sm)
				if !leads {
					if followers.Add(1) == readers-1 {
						close(allJoined)
					}
					if e, err := f.Wait(background); err != nil || e.Result != number(7) {
						t.Errorf("was given %v, %v", e, err)
					}
					return
				}
				var made *Entry
				defer func() { f.Finish(made) }()
				queries.Add(1)
				if together {
					<-allJoined
				}
				made = c.Make(number(7), &sm, Making{})
				c.Store(aKey, made, f)
			})
		}
		close(start)
		wg.Wait()
		if n := queries.Load(); n != 1 {
			t.Errorf("together %v: %d queries", together, n)
		}
		if n := len(c.flights.m); n != 0 {
			t.Errorf("%d flights are kept", n)
		}
	}
}

// TestKeysFlyAlone: equal samples of other keys share nothing, and the
// caller may reuse the key's bytes.
func TestKeysFlyAlone(t *testing.T) {
	c, _ := newCache(Config{})
	sm := c.Sample(slots)
	buf := []byte("a")
	a, first := c.Join(buf, &sm)
	buf[0] = 'b'
	b, second := c.Join(buf, &sm)
	if !first || !second || a == b || a.replaced() || b.replaced() {
		t.Error("two keys share a flight")
	}
	a.Finish(nil)
	if b.key != "b" || b.replaced() {
		t.Error("the end of one flight ended the other")
	}
	b.Finish(nil)
}
