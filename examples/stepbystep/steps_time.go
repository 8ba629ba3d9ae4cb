package main

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/tiered"
)

// Since writes invalidate, a time to live is only the last resort, against
// writers that the cache does not see. The default is one minute. A query can
// ask for another, and `Jitter` spreads the times, so that what was read together
// does not expire together.
func timesToLive(_ context.Context, page *page) {
	db, _ := page.the()
	open := page.open
	var books []Product
	list := func(tx *gorm.DB) *gorm.DB { return tx.Where("category = ?", "books").Find(&books) }

	e, err := querycache.Explain(db, list)
	page.ok(err)
	page.show("%v", e.StoredFor)

	e, err = querycache.Explain(db.Scopes(querycache.TTL(querycache.TTLDaily)), list)
	page.ok(err)
	page.show("%v", e.StoredFor)

	list(db.Scopes(querycache.TTL(time.Millisecond)))
	page.queries(1, "")
	page.untilExpired(db, list)
	// … a millisecond later
	list(db)
	page.queries(1, "")

	db, _ = open(querycache.Config{Tiered: tiered.Config{L1TTL: querycache.TTLMedium, Jitter: 0.1}})
	shortest, longest := time.Hour, time.Duration(0)
	for id := range 100 {
		product := func(tx *gorm.DB) *gorm.DB { return tx.First(&Product{}, id+1) }
		product(db)
		e, err := querycache.Explain(db, product)
		page.ok(err)
		left := e.TTL.Round(time.Second)
		shortest, longest = min(shortest, left), max(longest, left)
	}
	page.queries(100, "")
	page.expect(shortest >= 4*time.Minute+20*time.Second && shortest < 5*time.Minute, "the shortest time is less than 5 minutes")
	page.expect(longest <= 5*time.Minute+30*time.Second && longest > 5*time.Minute, "the longest time is more than 5 minutes")
	page.show("the shortest time left is under 5 minutes, the longest over it")
}

// A slow query expires, and the next customer has to wait for it. With `SWR` that
// customer gets the old result at once, and one read in the background replaces
// it. Old means past its time: a result that a write has touched is never
// served.
func staleWhileRevalidate(_ context.Context, page *page) {
	db, cache := page.the()
	database := page.database
	var books []Product
	var status querycache.Status
	list := func(tx *gorm.DB) *gorm.DB { return tx.Where("category = ?", "books").Find(&books) }
	slow := db.Scopes(querycache.TTL(time.Millisecond), querycache.SWR(time.Hour), querycache.StatusInto(&status)).
		Session(&gorm.Session{})

	list(slow)
	page.queries(1, "")
	page.untilExpired(slow, list)

	// … a millisecond later
	before := cache.Stats()
	database.Hold() // from now on the database does not answer
	list(slow)
	page.show("%s, while the database does not answer", status.Outcome)
	list(slow)
	page.show("%s", status.Outcome)

	stored := page.stores()
	database.Release()
	page.until("the refresh ends", func() bool { return page.stores() > stored })
	page.queries(1, "the one in the background, for both")
	page.show("%d stale, %d refresh", cache.Stats().Sub(before).Stale, cache.Stats().Sub(before).Refreshes.Started)

	db.Model(&Product{ID: 1}).Update("cents", 140)
	list(slow)
	page.queries(1, "a write was there")
	page.show("%s", status.Outcome)
}

// The database goes away. What is cached and still in its time is answered as
// ever. `StaleIfError` goes on with what is past it; `NetworkFirst` asks the
// database each time, and the cache only if that fails.
func databaseFails(_ context.Context, page *page) {
	db, _ := page.the()
	database := page.database
	page.mayFail()
	var products []Product
	var status querycache.Status
	books := func(tx *gorm.DB) *gorm.DB { return tx.Where("category = ?", "books").Find(&products) }
	toys := func(tx *gorm.DB) *gorm.DB { return tx.Where("category = ?", "toys").Find(&products) }
	patient := db.Scopes(querycache.TTL(time.Millisecond), querycache.StaleIfError(time.Hour), querycache.StatusInto(&status)).
		Session(&gorm.Session{})
	careful := db.Scopes(querycache.WithPolicy(querycache.NetworkFirst), querycache.StatusInto(&status)).
		Session(&gorm.Session{})

	books(patient)
	toys(careful)
	page.queries(2, "")
	toys(careful)
	page.queries(1, "the network comes first")
	page.untilExpired(patient, books)

	database.Break()
	err := books(patient).Error
	page.queries(1, "it failed")
	page.show("%s, %d books, error %v", status.Outcome, len(products), err)

	err = toys(careful).Error
	page.queries(1, "it failed")
	page.show("%s, %d toys, error %v", status.Outcome, len(products), err)

	err = db.Where("category = ?", "garden").Find(&products).Error
	page.queries(1, "")
	page.show("error %v: nothing of it was cached", err)

	database.Repair()
	err = db.Where("category = ?", "garden").Find(&products).Error
	page.queries(1, "")
	page.show("%d things for the garden, error %v", len(products), err)
}
