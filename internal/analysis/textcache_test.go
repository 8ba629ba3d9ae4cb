package analysis

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gorm-querycache/querycache/invalidation"
)

// held is what the cache keeps alive: bytes of texts and plans, and texts.
func (c *textCache) held() (bytes, texts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]*Plan{}
	if m := c.clean.Load(); m != nil {
		for k, p := range *m {
			all[k] = p
		}
	}
	for k, p := range c.dirty {
		all[k] = p
	}
	for k, p := range all {
		bytes += len(k) + planOverhead + 16*(len(p.Tables)+len(p.Written)) + 4*(len(p.Reads)+len(p.Writes))
	}
	return bytes, len(all)
}

// TestTextCacheIsBounded: a program that writes literals into its SQL makes
// texts without end.
func TestTextCacheIsBounded(t *testing.T) {
	var c textCache
	plans := map[string]*Plan{
		"small": {}, "wide": {Tables: make([]string, 500), Reads: make([]invalidation.Slot, 501)},
	}
	for name, p := range plans {
		for i := range 20000 {
			text := fmt.Sprintf("%s %d %s", name, i, strings.Repeat("x", i%1000))
			c.put(text, p)
			if i%3 == 0 && c.get(text) != p {
				t.Fatalf("%d: what was put is not there", i)
			}
			if i%500 == 0 {
				for range i { // the younger map takes the older's place
					c.get(text)
				}
				if bytes, n := c.held(); bytes > maxTextBytes {
					t.Fatalf("%s: %d texts take %d bytes", name, n, bytes)
				}
			}
		}
	}
	if _, n := c.held(); n == 0 {
		t.Error("nothing is kept")
	}
}

// TestLongTextsAreNotKept: each would push out hundreds of others.
func TestLongTextsAreNotKept(t *testing.T) {
	var c textCache
	fits, long := strings.Repeat("x", maxTextLen), strings.Repeat("x", maxTextLen+1)
	c.put(fits, &Plan{})
	c.put(long, &Plan{})
	if c.get(fits) == nil || c.get(long) != nil {
		t.Error("the limit is not where it is said to be")
	}
}

// TestTextCacheFindsAll: what was put is found before and after the younger map
// took the older's place, each text its own plan.
func TestTextCacheFindsAll(t *testing.T) {
	var c textCache
	plans := map[string]*Plan{}
	check := func() {
		t.Helper()
		for text, p := range plans {
			if c.get(text) != p {
				t.Fatalf("%q has another plan", text)
			}
		}
		if c.get("never put") != nil {
			t.Fatal("found what was never put")
		}
	}
	check()
	for i := range 100 {
		text := fmt.Sprint("text ", i)
		plans[text] = &Plan{}
		c.put(text, plans[text])
		if i%7 == 0 {
			check()
		}
	}
	check()
	if c.clean.Load() == nil {
		t.Error("nothing can be read without the lock")
	}
}

// TestHitAllocatesNothing, nor does the whole of Plan on a known text.
func TestHitAllocatesNothing(t *testing.T) {
	a := newAnalyzer(t)
	const text = "SELECT * FROM users"
	want := a.Plan(text)
	if n := testing.AllocsPerRun(100, func() {
		if a.Plan(text) != want {
			t.Error("another plan")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTextCacheConcurrent is for the race detector.
func TestTextCacheConcurrent(t *testing.T) {
	var c textCache
	p := &Plan{}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 2000 {
				text := fmt.Sprint((i*500 + j) % 1500)
				if got := c.get(text); got != nil && got != p {
					t.Error("another plan")
				}
				c.put(text, p)
			}
		})
	}
	wg.Wait()
}
