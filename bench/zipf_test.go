package bench

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

// BenchmarkZipf measures how many reads are hits while the same mix of reads
// and writes runs, once as the plugin is (a write by key leaves the results of
// other keys in the cache), once by the tags of tables alone (a write reaches
// all results of its table). The first half of the mix fills the cache, the
// second half is measured: the metrics in %, and queries/1000-reads, which is
// how many reached the database. With one goroutine they are the same each
// time, and every result is compared with what was written.
func BenchmarkZipf(b *testing.B) {
	n := zipfOperations(b)
	for _, m := range []struct{ writes, bulk int }{{0, 0}, {1, 0}, {1, 2}, {10, 0}, {10, 2}, {30, 0}, {30, 2}} {
		mix := zipfMix(2*n, m.writes, m.bulk)
		for _, goroutines := range []int{1, 8} {
			for _, tags := range []string{"tables", "records"} {
				b.Run(fmt.Sprintf("writes=%d/bulk=%d/goroutines=%d/tags=%s", m.writes, m.bulk, goroutines, tags), func(b *testing.B) {
					for range b.N {
						benchmarkZipf(b, mix, goroutines, tags)
					}
				})
			}
		}
	}
}

// zipfOperations is how many operations are measured, and how many come
// before: 20,000, and less where QUERYCACHE_BENCH_ENTRIES asks for less.
func zipfOperations(b *testing.B) int {
	b.Helper()
	return max(100, most(b)/50)
}

func benchmarkZipf(b *testing.B, mix []operation, goroutines int, tags string) {
	b.StopTimer()
	var driven testdb.Recorder
	db := open(b, newPool(b, func(c driver.Connector) driver.Connector { return testdb.Wrap(c, &driven) }))
	cfg := querycache.Config{Tiered: tiered.Config{L1TTL: 24 * time.Hour}}
	if tags == "tables" {
		// A write that reaches back to its own table may change any record.
		cfg.Dependencies = map[string][]string{"items": {"items"}}
	}
	plugin := querycache.New(cfg)
	if err := db.Use(plugin); err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := plugin.Close(context.Background()); err != nil {
			b.Error(err)
		}
	}()
	pinned(b, db, tags == "records")

	z := newZipf(db, goroutines == 1)
	warm, measured := mix[:len(mix)/2], mix[len(mix)/2:]
	z.run(b, warm, goroutines)
	before := plugin.Stats()
	driven.Reset()
	z.tally = [zipfKinds]tally{}
	b.StartTimer()
	z.run(b, measured, goroutines)
	b.StopTimer()
	z.report(b, plugin.Stats().Sub(before), driven.SQL())
}

// pinned checks that a result by key is pinned to its record, or that it is
// not.
func pinned(b *testing.B, db *gorm.DB, want bool) {
	b.Helper()
	e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB { return tx.First(&Item{}, 1) })
	if err != nil || !e.Cacheable || len(e.Pins) > 0 != want {
		b.Fatalf("error %v, pinned to %v in\n%s", err, e.Pins, e)
	}
}

// tally counts the reads of one kind.
type tally struct{ reads, hits atomic.Int64 }

// zipf is one mix under way.
type zipf struct {
	db    *gorm.DB
	tally [zipfKinds]tally
	world *world // nil if several goroutines write
}

// world is what the database must hold: price and category by key.
type world struct {
	price, category map[int64]int64
	next            int64 // the key of the next record
}

func newZipf(db *gorm.DB, alone bool) *zipf {
	z := &zipf{db: db}
	if alone {
		z.world = &world{price: map[int64]int64{}, category: map[int64]int64{}, next: items + 1}
		for id := int64(1); id <= items; id++ {
			item := itemAt(id)
			z.world.price[id], z.world.category[id] = item.Price, item.CategoryID
		}
	}
	return z
}

// run deals the operations out.
func (z *zipf) run(b *testing.B, mix []operation, goroutines int) {
	b.Helper()
	var next atomic.Int64
	var done sync.WaitGroup
	for range goroutines {
		done.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(mix)); i = next.Add(1) - 1 {
				if err := z.do(mix[i], i); err != nil {
					b.Errorf("operation %d: %v", i, err)
					return
				}
			}
		})
	}
	done.Wait()
	if b.Failed() {
		b.FailNow()
	}
}

func (z *zipf) do(o operation, i int64) error {
	if o.reads() {
		return z.read(o)
	}
	return z.write(o, i)
}

func (z *zipf) read(o operation) error {
	var status querycache.Status
	db := z.db.Scopes(querycache.StatusInto(&status))
	var found []Item
	var err error
	switch o.kind {
	case byKey:
		found = make([]Item, 1)
		if err = db.First(&found[0], o.ids[0]).Error; errors.Is(err, gorm.ErrRecordNotFound) {
			found, err = nil, nil
		}
	case byKeys:
		err = db.Find(&found, o.ids).Error
	case ofCategory:
		err = db.Where("category_id = ?", o.ids[0]).Order("id").Find(&found).Error
	default:
		err = db.Where("id > ?", o.ids[0]).Order("id").Limit(perPage).Find(&found).Error
	}
	if err != nil {
		return err
	}
	t := &z.tally[o.kind]
	t.reads.Add(1)
	if status.Outcome == querycache.OutcomeHit || status.Outcome == querycache.OutcomeShared {
		t.hits.Add(1)
	}
	if z.world == nil {
		return nil
	}
	return z.world.holds(o, found)
}

// holds compares what was read with what was written.
func (w *world) holds(o operation, found []Item) error {
	want := 0
	switch o.kind {
	case byKey, byKeys:
		for _, id := range o.ids {
			if _, ok := w.price[id]; ok {
				want++
			}
		}
	case ofCategory:
		for _, c := range w.category {
			if c == o.ids[0] {
				want++
			}
		}
	default:
		for id := o.ids[0] + 1; id < w.next && want < perPage; id++ {
			if _, ok := w.price[id]; ok {
				want++
			}
		}
	}
	if len(found) != want {
		return fmt.Errorf("%w: %d rows of %v, want %d", errWrong, len(found), o.ids, want)
	}
	for _, item := range found {
		if price, ok := w.price[item.ID]; !ok || price != item.Price || w.category[item.ID] != item.CategoryID {
			return fmt.Errorf("%w: item %d costs %d, want %d (%v)", errWrong, item.ID, item.Price, price, ok)
		}
	}
	return nil
}

func (z *zipf) write(o operation, i int64) error {
	w := z.world
	if w == nil { // nobody looks
		w = &world{price: map[int64]int64{}, category: map[int64]int64{}}
	}
	price := 1_000_000 + i
	switch o.kind {
	case updateOne:
		if _, ok := w.price[o.ids[0]]; ok {
			w.price[o.ids[0]] = price
		}
		return z.db.Model(&Item{ID: o.ids[0]}).Update("price", price).Error
	case insertOne:
		item := itemAt(1 + i%items)
		item.ID, item.Price = 0, price
		w.price[w.next], w.category[w.next] = price, item.CategoryID
		w.next++
		return z.db.Create(&item).Error
	case deleteOne:
		delete(w.price, o.ids[0])
		delete(w.category, o.ids[0])
		return z.db.Delete(&Item{ID: o.ids[0]}).Error
	}
	for id, c := range w.category {
		if c == o.ids[0] {
			w.price[id] = price
		}
	}
	return z.db.Model(&Item{}).Where("category_id = ?", o.ids[0]).Update("price", price).Error
}

// report adds the metrics. s and statements are of the half that was
// measured.
func (z *zipf) report(b *testing.B, s querycache.Stats, statements []string) {
	b.Helper()
	var reads, hits int64
	for _, of := range []struct {
		unit  string
		kinds []zipfKind
	}{{"key-%", []zipfKind{byKey}}, {"keys-%", []zipfKind{byKeys}}, {"lists-%", []zipfKind{ofCategory, aPage}}} {
		var r, h int64
		for _, k := range of.kinds {
			r, h = r+z.tally[k].reads.Load(), h+z.tally[k].hits.Load()
		}
		if r > 0 {
			b.ReportMetric(100*float64(h)/float64(r), of.unit)
		}
		reads, hits = reads+r, hits+h
	}
	if uint64(reads) != s.Reads() || uint64(hits) != s.Hits+s.Shared {
		b.Fatalf("%d hits of %d reads, the plugin counted %d hits, %d shared of %d", hits, reads, s.Hits, s.Shared, s.Reads())
	}
	queries := 0
	for _, text := range statements {
		if strings.HasPrefix(text, "SELECT") {
			queries++
		}
	}
	if int64(queries) != reads-hits {
		b.Fatalf("%d queries reached the database, of %d reads that were no hits", queries, reads-hits)
	}
	b.ReportMetric(100*float64(hits)/float64(reads), "hit-%")
	b.ReportMetric(1000*float64(queries)/float64(reads), "queries/1000-reads")
}
