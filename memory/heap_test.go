package memory

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

type blob struct {
	data    []byte
	expires time.Time
}

func (b *blob) Size() int64          { return int64(cap(b.data)) + 48 }
func (b *blob) ExpiresAt() time.Time { return b.expires }

func heapInUse() int64 {
	runtime.GC()
	runtime.GC() // the first may leave what it found for the second to sweep
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestBytesTracksTheHeap fills caches with entries of several sizes, past their bound and to half of
// it, each expiring in another second of a day, and compares what Bytes says with what the heap grew by.
func TestBytesTracksTheHeap(t *testing.T) {
	onEach(t, testBytesTracksTheHeap)
}

const heapTestBytes = 8 << 20

func testBytesTracksTheHeap(t *testing.T, e engine) {
	const maxBytes = heapTestBytes
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name string
		size func() int
		keys int
	}{
		{"tiny", func() int { return 16 }, 40},
		{"small", func() int { return 128 }, 100},
		{"row", func() int { return 1024 }, 200},
		{"page", func() int { return 16 << 10 }, 300},
		{"large", func() int { return 256 << 10 }, 100},
		{"mixed", func() int { return 16 << rng.IntN(14) }, 80},
	} {
		for _, full := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/full=%v", c.name, full), func(t *testing.T) {
				before := heapInUse()
				cache := openAs[*blob](t, e, Config{MaxBytes: maxBytes})
				now := time.Now()
				written := int64(0)
				for i := 0; full && written < 3*maxBytes/2 || !full && cache.Bytes() < maxBytes/2; i++ {
					b := &blob{data: make([]byte, c.size()), expires: now.Add(time.Hour + time.Duration(i%86_400)*time.Second)}
					cache.Set(fmt.Sprintf("%0*d", c.keys, i), b)
					written += b.Size() + int64(c.keys) + e.overhead
				}
				said, grew := cache.Bytes(), heapInUse()-before
				if d := grew - said; d > e.drift || d < -e.drift {
					t.Errorf("%d entries: Bytes says %d, the heap grew by %d", cache.Len(), said, grew)
				}
				if said > maxBytes || full && said < maxBytes*8/10 {
					t.Errorf("Bytes is %d, MaxBytes %d", said, maxBytes)
				}
				cache.Close()
				if cache.Bytes() != 0 || cache.Len() != 0 {
					t.Errorf("after Close: %d bytes, %d entries", cache.Bytes(), cache.Len())
				}
				runtime.KeepAlive(cache)
			})
		}
	}
}

// TestDroppedCacheIsCollected: without Close, and with entries in the schedule.
func TestDroppedCacheIsCollected(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		collected := make(chan struct{})
		done := func(ch chan struct{}) { close(ch) }
		func() {
			c := openAs[*blob](t, e, Config{})
			for i := range 100 {
				c.Set(fmt.Sprint(i), &blob{expires: time.Now().Add(time.Hour)})
			}
			switch c := c.(type) {
			case *Cache[*blob]:
				runtime.AddCleanup(c, done, collected)
			case *GoCache[*blob]:
				runtime.AddCleanup(c, done, collected)
			}
		}()
		for range 10 {
			runtime.GC()
			runtime.Gosched()
		}
		<-collected // the test times out if something holds the cache
	})
}

func TestScaledBoundsBeyond32Bits(t *testing.T) {
	for _, maxBytes := range []int64{1 << 10, 1<<32 - 1, 1 << 32, 1<<32 + 1, 5 << 32, 1 << 40, 1<<62 + 12345, 1<<63 - 1} {
		for _, maxEntries := range []int{0, 1, 2, 1000, 1 << 31, 1<<63 - 1} {
			b := boundsOf(Config{MaxBytes: maxBytes, MaxEntries: maxEntries})
			if b.maxUnits == 0 || b.maxUnits > 1<<32-1 || int64(b.maxUnits) > maxBytes/b.scale {
				t.Fatalf("%d bytes: %d units of %d", maxBytes, b.maxUnits, b.scale)
			}
			if uint64(b.units(maxBytes)) != b.maxUnits {
				t.Errorf("%d bytes: an entry of that size is %d units of %d", maxBytes, b.units(maxBytes), b.maxUnits)
			}
			for _, size := range []int64{1, 300, 1 << 20, 5 << 30} {
				if u := b.units(size); size <= maxBytes && (u == 0 || int64(u)*b.scale < size && uint64(u) != b.maxUnits) {
					t.Errorf("%d of %d bytes are %d units of %d", size, maxBytes, u, b.scale)
				}
			}
			if n := uint64(maxEntries); maxEntries > 0 && n < b.maxUnits {
				if most := b.maxUnits / uint64(b.units(1)); most > n {
					t.Errorf("%d bytes, %d entries: %d fit", maxBytes, maxEntries, most)
				}
			}
		}
	}
}

func TestEntriesBeyondFourGiB(t *testing.T) {
	onEach(t, func(t *testing.T, e engine) {
		c := openAs[sized](t, e, Config{MaxBytes: 20 << 30})
		for i := range 10 {
			if !c.Set(fmt.Sprint(i), sized(6<<30)) && (e.evicts || i < 3) {
				t.Fatal("an entry of 6 GiB was rejected by a bound of 20")
			}
			if c.Bytes() > 20<<30 {
				t.Fatalf("%d bytes", c.Bytes())
			}
		}
		if c.Len() != 3 || c.Set("huge", sized(20<<30)) {
			t.Errorf("%d entries, want 3, and no entry as large as the bound", c.Len())
		}
	})
}

// sized only says that it is large.
type sized int64

func (s sized) Size() int64        { return int64(s) }
func (sized) ExpiresAt() time.Time { return time.Time{} }
