package main

import (
	"context"
	"errors"
	"sync"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
)

// Every page of the shop asks what the page before it has asked. Each time the
// database works it out anew.
func withoutCache(_ context.Context, page *page) {
	db, _ := page.the()
	db.First(&Product{}, 1)
	page.queries(1, "")

	db.First(&Product{}, 1)
	page.queries(1, "the same row once more")

	var books []Product
	db.Where("category = ?", "books").Order("name").Find(&books)
	db.Where("category = ?", "books").Order("name").Find(&books)
	page.queries(2, "")
}

// Install the plugin. The queries of the program stay as they are. (`db.Use`
// reads the schema of the database once; that is not counted here.) A `Status`
// tells how one read was answered.
func useTheCache(_ context.Context, page *page) {
	db, _ := page.the()
	cache := querycache.New(querycache.Config{})
	err := db.Use(cache)
	page.ok(err)
	page.keep(cache)

	db.First(&Product{}, 1)
	page.queries(1, "nothing was cached yet")

	db.First(&Product{}, 1)
	page.queries(0, "from memory")

	var status querycache.Status
	db.Scopes(querycache.StatusInto(&status)).First(&Product{}, 1)
	page.queries(0, "")
	page.show("%s in %s", status.Outcome, status.Tier)
}

// Programs do more than to read a record by its key. All that GORM can read is
// cached: lists, pages, joins, preloads, counts, raw SQL, `gorm.G`. A preload is
// a query of its own, with an entry of its own.
func waysToRead(ctx context.Context, page *page) {
	db, _ := page.the()
	type sale struct {
		Category string
		Sold     int64
	}
	pages := func() {
		var products []Product
		db.Order("name").Limit(20).Offset(40).Find(&products)

		var orders []Order
		db.Joins("Product").Where("orders.customer_id = ?", 7).Find(&orders)

		var customers []Customer
		db.Preload("Orders.Product").Where("city = ?", "Bern").Find(&customers)

		var n int64
		db.Model(&Order{}).Count(&n)

		var sales []sale
		db.Raw("SELECT category, COUNT(*) AS sold FROM orders JOIN products ON products.id = product_id GROUP BY category").Scan(&sales)

		_, err := gorm.G[Product](db).Where("cents < ?", 500).Find(ctx)
		page.ok(err)
	}
	pages()
	page.queries(8, "one each, and two for the preloads")

	pages()
	page.queries(0, "")
}

// Pages ask for what does not exist: old links, misspelt names. That there is
// nothing is an answer too. It is cached, for 30 seconds at most, and gone as
// soon as somebody creates the record. The error is GORM's, as ever.
func notThere(_ context.Context, page *page) {
	db, _ := page.the()
	err := db.First(&Product{}, 202).Error
	page.queries(1, "")
	page.show("%v", err)

	err = db.First(&Product{}, 202).Error
	page.queries(0, "")
	page.show("%v", err)

	db.Create(&Product{Name: "Product 202", Category: "toys", Cents: 700})

	var product Product
	err = db.First(&product, 202).Error
	page.ok(err)
	page.queries(1, "it exists now")
	page.show("%s", product.Name)
}

// A hundred customers ask for the same thing in the same moment, and it is not
// cached. One of them asks the database, the others wait for that answer.
func crowd(_ context.Context, page *page) {
	db, cache := page.the()
	before := cache.Stats()
	var customers sync.WaitGroup
	for range 100 {
		customers.Go(func() {
			var books []Product
			db.Where("category = ?", "books").Order("cents DESC").Find(&books)
		})
	}
	customers.Wait()
	page.queries(1, "for all of them")

	counted := cache.Stats().Sub(before)
	page.show("%d asked the database, %d waited for it or came later", counted.Misses, counted.Shared+counted.Hits)
}

// Some pages must not touch the database whatever happens, such as a teaser that
// another job keeps warm. `CacheOnly` answers from the cache or fails at once.
func cacheOnly(_ context.Context, page *page) {
	db, _ := page.the()
	page.mayFail()
	teaser := db.Where("category = ?", "music").Order("cents").Limit(3).Session(&gorm.Session{})

	var products []Product
	err := teaser.Scopes(querycache.WithPolicy(querycache.CacheOnly)).Find(&products).Error
	page.queries(0, "")
	page.show("%t: %v", errors.Is(err, querycache.ErrCacheMiss), err)

	teaser.Scopes(querycache.Refresh).Find(&products)
	page.queries(1, "the job that keeps it warm")

	err = teaser.Scopes(querycache.WithPolicy(querycache.CacheOnly)).Find(&products).Error
	page.ok(err)
	page.queries(0, "")
	page.show("%d products", len(products))
}
