package tiered

import (
	"sync"
	"sync/atomic"
	"testing"
)

// TestRefreshingIsOnePerKey: whoever comes first, and the next one only after
// it is done. The caller may reuse the key's bytes.
func TestRefreshingIsOnePerKey(t *testing.T) {
	c, _ := newCache(Config{})
	buf := []byte("a")
	doneA, first := c.Refreshing(buf)
	if !first || doneA == nil {
		t.Fatal("the first is told that there is another")
	}
	if done, again := c.Refreshing(buf); again || done != nil {
		t.Error("two refresh one key")
	}
	buf[0] = 'b'
	doneB, first := c.Refreshing(buf)
	if !first {
		t.Fatal("another key is held up")
	}
	doneA()
	if _, again := c.Refreshing([]byte("b")); again {
		t.Error("the end of one key's refresh ended the other's")
	}
	doneA, first = c.Refreshing([]byte("a"))
	if !first {
		t.Fatal("a key cannot be refreshed again")
	}
	doneB()
	doneA()
	if n := len(c.refreshes.m); n != 0 {
		t.Errorf("%d refreshes are kept after their end", n)
	}
}

// TestRefreshingTogether: of many at once, one.
func TestRefreshingTogether(t *testing.T) {
	c, _ := newCache(Config{})
	var running, most, ran atomic.Int32
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for range 200 {
				done, first := c.Refreshing(aKey)
				if !first {
					continue
				}
				ran.Add(1)
				if n := running.Add(1); n > 1 {
					most.Store(n)
				}
				running.Add(-1)
				done()
			}
		})
	}
	wg.Wait()
	if most.Load() > 1 || ran.Load() == 0 {
		t.Errorf("%d ran, %d of them at once", ran.Load(), most.Load())
	}
}
