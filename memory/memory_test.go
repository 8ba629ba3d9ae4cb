package memory

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestSetGetDelete(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		c := e.open(t, Config{})
		for i, k := range []string{"a", "", "\x00", "é", strings.Repeat("k", 1<<20)} {
			mustMiss(t, c, k)
			if !c.Set(k, &val{id: i}) {
				t.Fatalf("Set(%.10q) was rejected", k)
			}
			mustGet(t, c, k, i)
			c.Set(k, &val{id: i + 100})
			mustGet(t, c, k, i+100)
			check(t, c)
		}
		if c.Len() != 5 {
			t.Errorf("%d entries, want 5", c.Len())
		}
		if !c.Delete([]byte("a")) || c.Delete([]byte("a")) || c.Delete([]byte("absent")) {
			t.Error("Delete does not tell whether there was an entry")
		}
		mustMiss(t, c, "a")
		if n := c.Clear(); n != 4 || c.Len() != 0 || c.Bytes() != 0 {
			t.Errorf("Clear removed %d and left %d entries of %d bytes", n, c.Len(), c.Bytes())
		}
		if s := c.Stats(); s != (Stats{}) {
			t.Errorf("stats %+v", s)
		}
		check(t, c)
	})
}

func TestGetKeepsNothingOfTheKey(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		c := e.open(t, Config{})
		c.Set("abc", &val{id: 1})
		buf := []byte("abc")
		for range 1000 {
			copy(buf, "abc")
			c.Get(buf)
			copy(buf, "xyz")
			c.Get(buf)
		}
		mustGet(t, c, "abc", 1)
		mustMiss(t, c, "xyz")
		c.Delete(buf[:0])
		mustGet(t, c, "abc", 1)
	})
}

func TestGetDoesNotAllocate(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		c := e.open(t, Config{})
		c.Set("some key", &val{id: 1, expires: time.Now().Add(time.Hour)})
		hit, miss := []byte("some key"), []byte("other key")
		if n := testing.AllocsPerRun(1000, func() { c.Get(hit); c.Get(miss) }); n != 0 {
			t.Errorf("Get allocates %v times", n)
		}
	})
}

func TestExpiry(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		clock := &fakeClock{}
		c := e.open(t, Config{}, WithClock(clock.now))
		c.Set("short", &val{id: 1, expires: clock.now().Add(time.Millisecond)})
		c.Set("long", &val{id: 2, expires: clock.now().Add(time.Hour)})
		c.Set("ever", &val{id: 3})
		clock.advance(time.Millisecond - 1)
		mustGet(t, c, "short", 1)
		clock.advance(1) // at its time, an entry has expired
		c.Range(func(k string, _ *val) bool {
			if k == "short" {
				t.Error("Range shows an expired entry")
			}
			return true
		})
		mustMiss(t, c, "short")
		mustGet(t, c, "long", 2)
		if c.Len() != 2 || c.Stats().Expirations != 1 {
			t.Errorf("%d entries, %+v; Get should have removed the expired one", c.Len(), c.Stats())
		}
		clock.advance(24 * time.Hour)
		mustMiss(t, c, "long")
		mustGet(t, c, "ever", 3)
		check(t, c)
	})
}

func TestExpiredValueIsNotStored(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		clock := &fakeClock{}
		c := e.open(t, Config{}, WithClock(clock.now))
		c.Set("k", &val{id: 1})
		if c.Set("k", &val{id: 2, expires: clock.now()}) {
			t.Error("Set took an expired value")
		}
		mustMiss(t, c, "k") // nor is the value before it left
		if s := c.Stats(); s.Rejections != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestWallClockCountsToo: a time with a monotonic reading that has not passed, on a wall clock that
// has, as after a machine's sleep.
func TestWallClockCountsToo(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		start := time.Now()
		now := start
		c := e.open(t, Config{}, WithClock(func() time.Time { return now }))
		c.Set("k", &val{id: 1, expires: start.Add(time.Hour)})
		mustGet(t, c, "k", 1)
		now = start.Round(0).Add(2 * time.Hour) // the wall alone
		mustMiss(t, c, "k")
	})
}

// TestWritesSweepTheExpired: what is never asked for again goes when others are written, a few at a
// time.
func TestWritesSweepTheExpired(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		clock := &fakeClock{}
		c := e.open(t, Config{}, WithClock(clock.now))
		const n = 1000
		for i := range n {
			c.Set(fmt.Sprint("old", i), &val{expires: clock.now().Add(time.Duration(i%7) * time.Second / 2).Add(1)})
		}
		check(t, c)
		clock.advance(time.Minute)
		for i := range n/sweepBatch + 1 {
			before := c.Len()
			c.Set(fmt.Sprint("new", i), &val{expires: clock.now().Add(time.Hour)})
			if removed := before + 1 - c.Len(); removed > e.sweeps {
				t.Fatalf("one write removed %d", removed)
			}
		}
		if c.Len() != n/sweepBatch+1 || c.Stats().Expirations != n {
			t.Errorf("%d entries, %+v; all %d expired ones should be gone", c.Len(), c.Stats(), n)
		}
		check(t, c)
	})
}

func TestBoundHoldsAfterEachWrite(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		const maxBytes = 64 << 10
		c := e.open(t, Config{MaxBytes: maxBytes})
		for i := range 5000 {
			c.Set(fmt.Sprint(i%700), &val{id: i, size: int64(i*37%5000) + 1})
			if c.Bytes() > maxBytes {
				t.Fatalf("%d bytes after %d writes", c.Bytes(), i+1)
			}
		}
		s := c.Stats()
		if e.evicts && s.Evictions == 0 || !e.evicts && s.Rejections == 0 || c.Len() == 0 {
			t.Errorf("%d entries, %+v", c.Len(), s)
		}
		check(t, c)
	})
}

// TestBoundHoldsAfterConcurrentWrites: otter lets a writer go while another one is at maintenance,
// and then leaves the rest of it to the next call. There is none here.
func TestBoundHoldsAfterConcurrentWrites(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		const maxBytes, maxEntries = 1 << 20, 100
		for round := range 200 {
			c := e.open(t, Config{MaxBytes: maxBytes, MaxEntries: maxEntries})
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					for i := range 50 {
						c.Set(fmt.Sprint(g, "-", i), &val{size: int64(i%3) * 20_000})
					}
				})
			}
			wg.Wait()
			if c.Bytes() > maxBytes || c.Len() > maxEntries {
				t.Fatalf("round %d: %d bytes, %d entries", round, c.Bytes(), c.Len())
			}
		}
	})
}

func TestMaxEntries(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		for _, n := range []int{1, 10, 1000, 20_000} {
			c := e.open(t, Config{MaxEntries: n})
			for i := range 2*n + 10 {
				c.Set(fmt.Sprint(i), &val{id: i, size: 8})
				if c.Len() > n {
					t.Fatalf("%d entries, MaxEntries %d", c.Len(), n)
				}
			}
			if c.Len() < n*9/10 {
				t.Errorf("%d entries of %d", c.Len(), n)
			}
			check(t, c)
		}
	})
}

func TestRejectsWhatIsLargerThanTheBound(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		c := e.open(t, Config{MaxBytes: 4096})
		fits := 4096 - e.overhead - keyBytes(strings.Repeat("k", e.keys+1))
		for _, size := range []int64{fits + 1, 4096, math.MaxInt64, -1, math.MinInt64} {
			c.Set("k", &val{id: 1})
			if c.Set("k", &val{id: 2, size: size}) {
				t.Errorf("a value of %d bytes was stored", size)
			}
			mustMiss(t, c, "k")
		}
		if c.Set(strings.Repeat("k", 5000), &val{}) {
			t.Error("a key larger than the bound was stored")
		}
		if s := c.Stats(); s.Rejections != 6 {
			t.Errorf("%+v, want 6 rejections", s)
		}
		if !c.Set("k", &val{id: 3, size: fits}) || c.Bytes() != 4096 {
			t.Errorf("the largest that fits: %d bytes", c.Bytes())
		}
		mustGet(t, c, "k", 3)
		check(t, c)
	})
}

func TestDeleteIf(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		c := e.open(t, Config{})
		c.Set("k", &val{id: 1})
		if c.DeleteIf([]byte("absent"), func(*val) bool { t.Error("called for nothing"); return true }) {
			t.Error("deleted what is not there")
		}
		if c.DeleteIf([]byte("k"), func(v *val) bool { return v.id != 1 }) {
			t.Error("deleted against f")
		}
		mustGet(t, c, "k", 1)
		// Replaced while f looks at it: f is asked of the new one, which stays.
		var seen []int
		deleted := c.DeleteIf([]byte("k"), func(v *val) bool {
			seen = append(seen, v.id)
			if v.id == 1 {
				c.Set("k", &val{id: 2})
			}
			return v.id == 1
		})
		if deleted || !slices.Equal(seen, []int{1, 2}) {
			t.Errorf("deleted %v after showing %v", deleted, seen)
		}
		mustGet(t, c, "k", 2)
		if !c.DeleteIf([]byte("k"), func(v *val) bool { return v.id == 2 }) {
			t.Error("not deleted")
		}
		mustMiss(t, c, "k")
		check(t, c)
	})
}

func TestRange(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		c := e.open(t, Config{})
		for i := range 100 {
			c.Set(fmt.Sprint(i), &val{id: i})
		}
		seen := map[string]int{}
		c.Range(func(k string, v *val) bool {
			seen[k] = v.id
			c.Delete([]byte(k)) // f may call the cache
			c.Get([]byte(k))
			return true
		})
		if len(seen) != 100 || seen["42"] != 42 || c.Len() != 0 {
			t.Errorf("saw %d, %d left", len(seen), c.Len())
		}
		c.Set("a", &val{})
		c.Set("b", &val{})
		calls := 0
		c.Range(func(string, *val) bool { calls++; return false })
		if calls != 1 {
			t.Errorf("%d calls after false", calls)
		}
	})
}

func TestClose(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		c := e.open(t, Config{})
		c.Set("k", &val{id: 1})
		c.Close()
		c.Close()
		if c.Set("k", &val{id: 2}) {
			t.Error("stored after Close")
		}
		mustMiss(t, c, "k")
		if c.Len() != 0 || c.Bytes() != 0 || c.Stats().Rejections != 0 {
			t.Errorf("%d entries, %d bytes, %+v", c.Len(), c.Bytes(), c.Stats())
		}
	})
}

// TestConfigErrorsNameTheField: and what to set it to, with one prefix by themselves and none of their
// own where they are wrapped.
func TestConfigErrorsNameTheField(t *testing.T) {
	for text, cfg := range map[string]Config{
		"MaxBytes is -1: set a number of bytes, or 0 for 67108864":                              {MaxBytes: -1},
		"MaxBytes is 100, too small for a single entry: set at least 1024, or 0 for 67108864":   {MaxBytes: 100},
		"MaxEntries is -5: set a number of entries, or 0 for no bound":                          {MaxEntries: -5},
		"Engine is Engine(3), which there is not: set EngineOtter, EngineGoCache or EngineNone": {Engine: 3},
		"GoCache is set while Engine is otter: set Engine to EngineGoCache, or GoCache to nil":  {GoCache: sharedWithOthers()},
		"GoCache is set while Engine is none: set Engine to EngineGoCache, or GoCache to nil":   {Engine: EngineNone, GoCache: sharedWithOthers()},
		"MaxBytes is -2: set a number of bytes, or 0 for 67108864":                              {Engine: EngineNone, MaxBytes: -2},
		"MaxEntries is -6: set a number of entries, or 0 for no bound":                          {Engine: EngineGoCache, MaxEntries: -6},
	} {
		if err := cfg.Validate(); !errors.Is(err, ErrInvalidConfig) || err.Error() != text {
			t.Errorf("%+v: %v", cfg, err)
		}
		c, err := Open[*val](cfg)
		if c != nil || !errors.Is(err, ErrInvalidConfig) || err.Error() != "memory: "+text {
			t.Errorf("%+v: %v, %v", cfg, c, err)
		}
	}
	for _, e := range []Engine{EngineOtter, EngineGoCache, EngineNone} {
		if c, err := Open[*val](Config{Engine: e}, WithClock(nil)); c != nil || !errors.Is(err, ErrInvalidConfig) {
			t.Errorf("%v, nil clock: %v, %v", e, c, err)
		}
		if err := (Config{Engine: e}).Validate(); err != nil {
			t.Error(err)
		}
	}
}

// TestEngines: Open makes what is asked for, and nobody else makes another's.
func TestEngines(t *testing.T) {
	for want, cfg := range map[string]Config{
		"*memory.Cache[*github.com/gorm-querycache/querycache/memory.val]":   {},
		"*memory.GoCache[*github.com/gorm-querycache/querycache/memory.val]": {Engine: EngineGoCache},
		"memory.None[*github.com/gorm-querycache/querycache/memory.val]":     {Engine: EngineNone},
	} {
		c, err := Open[*val](cfg)
		if got := fmt.Sprintf("%T", c); err != nil || got != want {
			t.Errorf("%v: %s, %v", cfg.Engine, got, err)
		}
		if c, err := New[*val](cfg); (err == nil) != (cfg.Engine == EngineOtter) || (c == nil) != (err != nil) {
			t.Errorf("New on %v: %v, %v", cfg.Engine, c, err)
		}
		if c, err := NewGoCache[*val](cfg); (err == nil) != (cfg.Engine != EngineNone) || (c == nil) != (err != nil) {
			t.Errorf("NewGoCache on %v: %v, %v", cfg.Engine, c, err)
		}
	}
	if s := fmt.Sprint(EngineOtter, EngineGoCache, EngineNone, Engine(9)); s != "otter go-cache none Engine(9)" {
		t.Error(s)
	}
}

func TestNoneKeepsNothing(t *testing.T) {
	c, err := Open[*val](Config{Engine: EngineNone})
	if err != nil {
		t.Fatal(err)
	}
	if c.Set("k", &val{id: 1}) {
		t.Error("said that it stored")
	}
	mustMiss(t, c, "k")
	f := func(*val) bool { t.Error("called for nothing"); return true }
	c.Range(func(_ string, v *val) bool { return f(v) })
	if c.Delete([]byte("k")) || c.DeleteIf([]byte("k"), f) || c.Clear() != 0 || c.Len() != 0 || c.Bytes() != 0 || c.Stats() != (Stats{}) {
		t.Error("something is there")
	}
	c.Close()
}

// TestConcurrentUse runs every method at once, on few keys and a tight bound, and looks at the
// invariants when all have returned.
func TestConcurrentUse(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		clock := &fakeClock{}
		c := e.open(t, Config{MaxBytes: 16 << 10}, WithClock(clock.now))
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 3000 {
					k := fmt.Sprint((i*7 + g) % 50)
					switch (i + g) % 10 {
					case 0, 1, 2:
						c.Set(k, &val{id: i, size: int64(i % 1000), expires: clock.now().Add(time.Duration(i%5) * time.Second)})
					case 3:
						c.Set(k, &val{id: i, size: 1 << 20})
					case 4:
						c.Delete([]byte(k))
					case 5:
						c.DeleteIf([]byte(k), func(v *val) bool { return v.id%2 == 0 })
					case 6:
						clock.advance(time.Duration(i%3) * 100 * time.Millisecond)
					case 7:
						c.Range(func(string, *val) bool { return i%2 == 0 })
					default:
						c.Get([]byte(k))
					}
					if i%1000 == 999 && g == 0 {
						c.Clear()
					}
				}
			})
		}
		wg.Wait()
		check(t, c)
		if c.Bytes() > 16<<10 {
			t.Errorf("%d bytes", c.Bytes())
		}
		wg.Go(func() { c.Close() })
		for i := range 1000 {
			c.Set(fmt.Sprint(i), &val{id: i})
		}
		wg.Wait()
		if c.Len() != 0 || c.Bytes() != 0 {
			t.Errorf("after Close: %d entries, %d bytes", c.Len(), c.Bytes())
		}
		check(t, c)
	})
}

func ExampleCache() {
	c, err := New[*val](Config{MaxBytes: 1 << 20})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	c.Set("answer", &val{id: 42, expires: time.Now().Add(time.Minute)})
	v, ok := c.Get([]byte("answer"))
	fmt.Println(v.id, ok)
	// Output: 42 true
}
