package querycache_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	// patterns to invalidate by
	// the field Config.Memory
	// the field Config.Tiered, and tiers of your own
)

// What one read came to, what all did, and whether all is well.
func Example_observing() {
	db, cache, closeShop := shopWith(querycache.Config{})
	defer closeShop()
	before := cache.Stats()

	var status querycache.Status
	db.Scopes(querycache.StatusInto(&status)).First(&Article{}, 1)
	fmt.Println(status)         // miss
	fmt.Println(status.Outcome) // miss: or hit, stale, shared, bypass, error

	s := cache.Stats().Sub(before)
	fmt.Println(s.Hits, s.Misses, s.HitRate(), s.Tables["articles"].Misses, s.Operations["first"].Misses)

	if h := cache.Health(); h.State != querycache.HealthUp {
		slog.Warn("the cache", "health", h)
	}
	// Output:
	// miss
	// miss
	// 0 1 0 1 1
}

// slowReads is an observer that logs what takes long. It has the methods of a
// ReadObserver.
type slowReads struct{ over time.Duration }

func (s slowReads) ReadStart(ctx context.Context, _ querycache.ReadStartData) context.Context {
	return ctx
}

func (s slowReads) ReadEnd(ctx context.Context, d querycache.ReadEndData) {
	if d.Duration > s.over {
		slog.WarnContext(ctx, "slow read", "table", d.Table, "operation", d.Operation, "status", d.Status.String())
	}
}

// Observers are told of reads, invalidations and refreshes.
func Example_observers() {
	config := querycache.Config{
		Observers: []any{slowReads{over: time.Second}, querycache.LogObserver{}}, // LogObserver logs all, at Debug
	}
	_, cache, closeShop := shopWith(config)
	defer closeShop()
	fmt.Println(cache.Health().State)
	// Output: up
}

// Explain prints why a query is not cached, and what to do about it.
func Example_explanation() {
	db, _, closeShop := shop()
	defer closeShop()
	var articles []Article

	e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB {
		return tx.Order("RANDOM()").Limit(2).Find(&articles)
	})
	if err != nil {
		panic(err)
	}
	fmt.Print(e)
	fmt.Println(e.Reason == querycache.ReasonImpure)
	// Output:
	// sql:     SELECT * FROM `articles` ORDER BY RANDOM() LIMIT 2
	// cache:   no (impure query: calls random())
	// mend:    work out in Go what varies, such as the time, and pass it as an argument; name functions that depend on their arguments alone in Config.PureFunctions
	// true
}

// What a test of a program can say.
func Example_testing() {
	db, cache, closeShop := shop()
	defer closeShop()
	renderHomepage := func() { db.Order("cents").Find(&[]Article{}) }
	renderHomepage()

	before := cache.Stats()
	renderHomepage()
	if n := cache.Stats().Sub(before).DatabaseReads(); n > 0 {
		fmt.Printf("%d reads of a warm homepage reached the database\n", n)
	}

	cache.Disable() // every read goes to the database; writes go on invalidating
	renderHomepage()
	cache.Enable()

	fmt.Println(cache.Stats().Sub(before).Hits, cache.Stats().Sub(before).Bypassed)
	// Output: 1 map[disabled:1]
}
