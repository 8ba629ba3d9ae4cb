package cachetest

import (
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/tiered"
)

// Local checks a tier. Each subtest calls open for an empty one, or for several, which must be apart from
// each other even if they share a store; t is the subtest's own, for t.Cleanup. The tier is to tell the time
// by clock, and to have room for 4,000 entries of 2 KiB in all. What it may have beside the methods of
// tiered.Local, that is Len, Bytes and Close, is checked if it is there.
//
// Run it with -race. It takes about a second, with -race some more.
func Local(t *testing.T, open func(t *testing.T, clock func() time.Time) tiered.Local) {
	for _, c := range localChecks {
		t.Run(c.name, func(t *testing.T) {
			c.run(newSubject(t, patience, func(clock func() time.Time) tiered.Local { return open(t, clock) }))
		})
	}
}

// patience is how long calls may take that would otherwise wait for each other for ever.
const patience = 30 * time.Second

type check struct {
	name string
	run  func(s *subject)
}

var localChecks = []check{
	{"Get finds the very entry", getFindsTheVeryEntry},
	{"Set replaces", setReplaces},
	{"any key will do", anyKeyWillDo},
	{"keys do not collide", keysDoNotCollide},
	{"keys are not kept", keysAreNotKept},
	{"Delete removes one", deleteRemovesOne},
	{"a huge entry leaves no old one", hugeEntryLeavesNoOldOne},
	{"an expired entry leaves no old one", expiredEntryLeavesNoOldOne},
	{"Clear empties and counts", clearEmptiesAndCounts},
	{"tiers are apart", tiersAreApart},
	{"Range shows every entry", rangeShowsEveryEntry},
	{"Range stops", rangeStops},
	{"Range lets the tier be called", rangeLetsTheTierBeCalled},
	{"Range misses nothing while others change", rangeMissesNothing},
	{"Range shows nothing expired", rangeShowsNothingExpired},
	{"entries expire", entriesExpire},
	{"entries expire by the wall clock", entriesExpireByTheWallClock},
	{"entries expire by the monotonic clock", entriesExpireByTheMonotonicClock},
	{"each entry has its own time", eachEntryHasItsOwnTime},
	{"many goroutines, own keys", manyGoroutines},
	{"never older than the last Set", neverOlderThanTheLastSet},
	{"histories are linearizable", historiesAreLinearizable},
	{"Len counts", lenCounts},
	{"Bytes come and go", bytesComeAndGo},
	{"Close does no harm", closeDoesNoHarm},
}

// reporter is what the checks need of a *testing.T.
type reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

// subject is a tier that is checked, with what the checks share.
type subject struct {
	reporter
	tiered.Local
	clock    *clock
	open     func(clock func() time.Time) tiered.Local
	patience time.Duration
	made     atomic.Int64 // entries
}

func newSubject(r reporter, patience time.Duration, open func(clock func() time.Time) tiered.Local) *subject {
	s := &subject{reporter: r, clock: newClock(), open: open, patience: patience}
	s.Local = open(s.clock.now)
	return s
}

// clock is set by the checks.
type clock struct{ at atomic.Pointer[time.Time] }

func newClock() *clock {
	c := &clock{}
	c.set(time.Now())
	return c
}

func (c *clock) now() time.Time          { return *c.at.Load() }
func (c *clock) set(t time.Time)         { c.at.Store(&t) }
func (c *clock) advance(d time.Duration) { c.set(c.now().Add(d)) }

// result says which key it was made for, and the how manieth it is.
type result struct {
	key  string
	id   int64
	size int64
}

func (r *result) Size() int64 { return r.size }

func (r *result) String() string { return fmt.Sprintf("entry %d of %.60q", r.id, r.key) }

// entry makes one for a key, to be kept for so long.
func (s *subject) entry(key string, life time.Duration) *tiered.Entry {
	return s.sized(key, 100, life)
}

func (s *subject) sized(key string, size int64, life time.Duration) *tiered.Entry {
	now := s.clock.now()
	return tiered.NewEntry(&result{key: key, id: s.made.Add(1), size: size}, now, now.Add(life))
}

// number is how manieth an entry is, 0 for none.
func number(e *tiered.Entry) int64 {
	if e == nil {
		return 0
	}
	return e.Result.(*result).id
}

// put sets an entry that the tier has room for.
func (s *subject) put(key string, life time.Duration) *tiered.Entry {
	s.Helper()
	e := s.entry(key, life)
	if !s.Set(key, e) {
		s.Fatalf("Set(%.60q) refused an entry of %d bytes; is there room for 4,000 entries of 2 KiB?", key, e.Size())
	}
	return e
}

func (s *subject) mustFind(key string, want *tiered.Entry) {
	s.Helper()
	switch e, ok := s.Get([]byte(key)); {
	case !ok:
		s.Errorf("Get(%.60q) found nothing, want %v", key, want.Result)
	case e == nil:
		s.Errorf("Get(%.60q) found nil", key)
	case e.Result != want.Result:
		s.Errorf("Get(%.60q) found %v, want %v", key, e.Result, want.Result)
	case e != want:
		s.Errorf("Get(%.60q) found a copy of the entry, want the very one that was set", key)
	}
}

func (s *subject) mustMiss(key, why string) {
	s.Helper()
	if e, ok := s.Get([]byte(key)); ok || e != nil {
		s.Errorf("Get(%.60q) found %v, %v; want nothing: %s", key, number(e), ok, why)
	}
}

// within calls f in a goroutine and fails if it does not return. f must not use Fatalf.
func (s *subject) within(what string, f func()) {
	s.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer s.reportPanic()
		f()
	}()
	timer := time.NewTimer(s.patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		s.Fatalf("%s: did not return in %v; does the tier wait for itself?", what, s.patience)
	}
}

// start runs f in a goroutine of wg.
func (s *subject) start(wg *sync.WaitGroup, f func()) {
	wg.Go(func() {
		defer s.reportPanic()
		f()
	})
}

// reportPanic is deferred where a tier is called in a goroutine that is not the test's.
func (s *subject) reportPanic() {
	if r := recover(); r != nil {
		s.Errorf("the tier panics: %v\n%s", r, debug.Stack())
	}
}

// hugeSizes are of results that no memory holds. The last makes the entry's own overflow.
var hugeSizes = []int64{1 << 40, 1 << 62, math.MaxInt64}
