package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
)

// A list of this week's orders is never cached. `Explain` says why, and what to do
// about it. It runs nothing.
func explain(_ context.Context, page *page) {
	db, _ := page.the()
	var orders []Order
	e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB {
		return tx.Where("ordered_at > datetime('now', '-7 days')").Find(&orders)
	})
	page.ok(err)
	page.show("%v", e)

	now := time.Date(2026, 4, 8, 10, 24, 0, 0, time.UTC) // in your program it moves
	week := func(tx *gorm.DB) *gorm.DB {
		since := now.Truncate(time.Hour).AddDate(0, 0, -7)
		return tx.Where("ordered_at > ?", since).Find(&orders)
	}
	e, err = querycache.Explain(db, week)
	page.ok(err)
	page.show("cacheable: %t, depends on %v", e.Cacheable, e.Tables)
	page.queries(0, "")

	week(db)
	week(db)
	page.queries(1, "")
}

// journal writes down how reads were answered and what was invalidated.
type journal struct{ lines []string }

func (j *journal) ReadStart(ctx context.Context, _ querycache.ReadStartData) context.Context {
	return ctx
}

func (j *journal) ReadEnd(_ context.Context, d querycache.ReadEndData) {
	j.lines = append(j.lines, fmt.Sprintf("%s %s: %s, %d rows", d.Operation, d.Table, d.Status.Outcome, d.Rows))
}

func (j *journal) InvalidationStart(ctx context.Context, _ querycache.InvalidationStartData) context.Context {
	return ctx
}

func (j *journal) InvalidationEnd(_ context.Context, d querycache.InvalidationEndData) {
	j.lines = append(j.lines, fmt.Sprintf("%s %v: %d record, %s", d.Kind, d.Tables, d.Records, d.Outcome))
}

// You want to see each read and each invalidation in your own traces, metrics or
// logs. An observer is told of them. (`LogObserver` is one that is ready to use.)
func observe(_ context.Context, page *page) {
	open := page.open
	out := page.out
	j := &journal{} // in a program that serves many it needs a lock
	db, _ := open(querycache.Config{Observers: []any{j}})

	db.First(&Product{}, 1)
	db.First(&Product{}, 1)
	db.Model(&Product{ID: 1}).Update("cents", 150)
	db.First(&Product{}, 1)
	page.queries(2, "")
	for _, line := range j.lines {
		fmt.Fprintln(out, line)
	}
	page.printed()
}

// Is it worth it? The cache counts each read once, in sum, by table and by what
// the program called.
func statistics(_ context.Context, page *page) {
	open := page.open
	out := page.out
	db, cache := open(querycache.Config{})
	for range 4 {
		for id := range 5 {
			db.First(&Product{}, id+1)
		}
		db.Model(&Order{}).Count(new(int64))
		db.Order("RANDOM()").Limit(3).Find(&[]Customer{})
		db.Model(&Product{ID: 1}).Update("cents", gorm.Expr("cents + 1"))
	}
	page.queries(13, "of 28 reads")

	s := cache.Stats()
	fmt.Fprintf(out, "%d hits, %d misses, %d past the cache: hit rate %.0f %%\n",
		s.Hits, s.Misses, s.Bypassed[querycache.ReasonImpure], 100*s.HitRate())
	for _, table := range slices.Sorted(maps.Keys(s.Tables)) {
		of := s.Tables[table]
		fmt.Fprintf(out, "%s: %d hits, %d misses, %d past the cache\n", table, of.Hits, of.Misses, of.Bypassed)
	}
	fmt.Fprintln(out, "invalidations:", s.Invalidations.ByKind)
	fmt.Fprintln(out, "health:", cache.Health().State)
	page.printed()
}
