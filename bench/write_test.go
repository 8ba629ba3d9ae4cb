package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"
)

// BenchmarkWrite updates one column of one record by its key, in GORM's
// default transaction, while so many results that depend on the table are
// cached.
//
// All caches are filled before the first write is timed: the subjects then
// take turns within seconds, and the garbage collector has the same heap to
// look through whichever is at work.
func BenchmarkWrite(b *testing.B) {
	sizes := []int{1, 10_000, most(b)}
	s := QueryCache{MaxBytes: 4 << 30}
	full := make([]Opened, len(sizes))
	for i, n := range sizes {
		full[i] = s.Open(b, newPool(b, nil))
		fill(b, full[i], n)
	}
	for _, s := range Subjects() {
		if !s.Caches() {
			b.Run("entries=0/subject="+s.Name(), func(b *testing.B) { benchmarkWrite(b, s.Open(b, newPool(b, nil)), s.Answers()) })
		}
	}
	for i, n := range sizes {
		b.Run(fmt.Sprintf("entries=%d/subject=%s", n, s.Name()), func(b *testing.B) { benchmarkWrite(b, full[i], true) })
	}
}

// most is how full the cache is at the most. Filling it takes some twenty
// seconds of a core and 1 GB; QUERYCACHE_BENCH_ENTRIES asks for less.
func most(b *testing.B) int {
	b.Helper()
	text := os.Getenv("QUERYCACHE_BENCH_ENTRIES")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		b.Fatalf("QUERYCACHE_BENCH_ENTRIES is %q: set a number of entries, or leave it out for 1000000", text)
	}
	return n
}

// fill caches the results of n distinct queries on the table of items.
func fill(b *testing.B, db Opened, n int) {
	b.Helper()
	// Nothing is garbage for long here: look for it less often.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	session := db.Session(&gorm.Session{PrepareStmt: true}) // the queries are many and all alike
	query := func(i int) *gorm.DB {
		var one int64
		return session.Raw("SELECT id FROM items WHERE id=?", i).Find(&one)
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)); i <= n; i = int(next.Add(1)) {
				if err := query(i).Error; err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	for _, i := range []int{1, n/2 + 1, n} {
		before := db.Hits()
		if err := query(i).Error; err != nil {
			b.Fatal(err)
		}
		if db.Hits() != before+1 {
			b.Fatalf("query %d of %d is not in the cache", i, n)
		}
	}
}

func benchmarkWrite(b *testing.B, db Opened, answers bool) {
	written := int64(0)
	measure(b, func() {
		for i := range b.N {
			written = int64(i)
			res := db.Model(&Item{ID: int64(i%items) + 1}).Update("stock", written)
			if res.Error != nil || (answers && res.RowsAffected != 1) {
				b.Fatalf("updated %d rows: %v", res.RowsAffected, res.Error)
			}
		}
	})
	if !answers {
		return
	}
	var item Item
	if err := db.First(&item, int64(b.N-1)%items+1).Error; err != nil {
		b.Fatal(err)
	}
	if item.Stock != written {
		b.Fatalf("read %d after %d was written", item.Stock, written)
	}
}
