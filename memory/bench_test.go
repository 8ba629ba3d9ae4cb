package memory

import (
	"fmt"
	"testing"
	"time"
)

func BenchmarkGetHitParallel(b *testing.B) {
	for _, e := range engines {
		b.Run(e.name, func(b *testing.B) {
			c := e.open(b, Config{MaxBytes: 1 << 30})
			keys := make([][]byte, 1024)
			for i := range keys {
				keys[i] = fmt.Appendf(nil, "a key of usual length, as a short query has: %d", i)
				c.Set(string(keys[i]), &val{id: i, expires: time.Now().Add(time.Hour)})
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, ok := c.Get(keys[i&1023]); !ok {
						b.Error("missed")
						return
					}
				}
			})
		})
	}
}

// BenchmarkSet writes new keys into a cache that is full with so many entries: otter evicts, go-cache
// refuses.
func BenchmarkSet(b *testing.B) {
	for _, e := range engines {
		for _, n := range []int{1, 10_000, 1_000_000} {
			b.Run(fmt.Sprint(e.name, "/", n), func(b *testing.B) {
				benchmarkSet(b, e, n, func(i int) string { return fmt.Sprint("key", i) })
			})
		}
	}
}

// BenchmarkReplace writes keys that are there.
func BenchmarkReplace(b *testing.B) {
	for _, e := range engines {
		for _, n := range []int{10_000, 1_000_000} {
			b.Run(fmt.Sprint(e.name, "/", n), func(b *testing.B) {
				benchmarkSet(b, e, n, func(i int) string { return fmt.Sprint("fill", i%n) })
			})
		}
	}
}

func benchmarkSet(b *testing.B, e engine, n int, key func(i int) string) {
	c := e.open(b, Config{MaxBytes: 4 << 30, MaxEntries: n})
	expires := time.Now().Add(time.Hour)
	for i := range n {
		c.Set(fmt.Sprint("fill", i), &val{expires: expires})
	}
	v := &val{expires: expires}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		c.Set(key(i), v)
	}
}
