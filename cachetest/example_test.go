package cachetest_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/cachetest"
	"github.com/gorm-querycache/querycache/tiered"
)

// MapTier is a tier of one's own: a map behind a lock.
type MapTier struct {
	mu  sync.Mutex
	m   map[string]*tiered.Entry
	now func() time.Time
}

func NewMapTier(now func() time.Time) *MapTier {
	return &MapTier{m: map[string]*tiered.Entry{}, now: now}
}

func (t *MapTier) Get(key []byte) (*tiered.Entry, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok := t.m[string(key)]
	if !ok || e.Ended(t.now()) {
		return nil, false
	}
	return e, true
}

func (t *MapTier) Set(key string, e *tiered.Entry) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[key] = e
	return true
}

func (t *MapTier) Range(f func(key string, e *tiered.Entry) bool) {
	t.mu.Lock()
	all := make(map[string]*tiered.Entry, len(t.m))
	for k, e := range t.m {
		if !e.Ended(t.now()) {
			all[k] = e
		}
	}
	t.mu.Unlock() // f may call the tier
	for k, e := range all {
		if !f(k, e) {
			return
		}
	}
}

func (t *MapTier) Delete(key []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ok := t.m[string(key)]
	delete(t.m, string(key))
	return ok
}

func (t *MapTier) Clear() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.m)
	clear(t.m)
	return n
}

// TestMapTier is all that it takes to hold a tier against the suite.
func TestMapTier(t *testing.T) {
	cachetest.Local(t, func(_ *testing.T, clock func() time.Time) tiered.Local {
		return NewMapTier(clock)
	})
}

func ExampleLocal() {
	// In a test file of yours:
	_ = func(t *testing.T) {
		cachetest.Local(t, func(t *testing.T, clock func() time.Time) tiered.Local {
			return NewMapTier(clock)
		})
	}
}

type text string

func (s text) Size() int64 { return int64(len(s)) }

func ExampleFaulty() {
	calls := 0
	tier := cachetest.Faulty(NewMapTier(time.Now), cachetest.Faults{
		Seed:   1,
		Forget: 0.5,
		Before: func(op cachetest.Op, key string) { calls++ },
	})
	found := 0
	for range 1000 {
		tier.Set("k", tiered.NewEntry(text("hello"), time.Now(), time.Now().Add(time.Hour)))
		if _, ok := tier.Get([]byte("k")); ok {
			found++
		}
	}
	fmt.Println(calls, found > 400 && found < 600)
	// Output: 2000 true
}
