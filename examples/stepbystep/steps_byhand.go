package main

import (
	"cmp"
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/key"
)

// Some results depend on more than their tables, or on writers that the cache
// does not see. Give them tags of your own, or give a query a name, and
// invalidate by these. The count is how many results died.
func invalidateByTag(ctx context.Context, page *page) {
	db, cache := page.the()
	front := db.Scopes(querycache.Tags("front page")).Session(&gorm.Session{})
	front.Order("cents").Limit(10).Find(&[]Product{})
	front.Model(&Order{}).Count(new(int64))
	for _, category := range []string{"books", "garden", "music"} {
		db.Scopes(querycache.Named("by category")).Where("category = ?", category).Find(&[]Product{})
	}
	db.First(&Product{}, 1)
	page.queries(6, "")

	n, err := cache.InvalidateTags(ctx, "front page")
	page.ok(err)
	page.show("%d", n)

	n, err = cache.InvalidateNamed(ctx, "by category")
	page.ok(err)
	page.show("%d, whatever their arguments", n)

	front.Order("cents").Limit(10).Find(&[]Product{})
	page.queries(1, "")
	db.First(&Product{}, 1)
	page.queries(0, "has neither the tag nor the name")
}

// An import past GORM has finished, and you know what it wrote: say so, as
// precisely as you can. Each of these does what a write through GORM would have
// done.
func invalidateByTable(ctx context.Context, page *page) {
	db, cache := page.the()
	read := func() {
		db.First(&Product{}, 1)
		db.First(&Product{}, 2)
		db.Where("category = ?", "books").Find(&[]Product{})
		db.First(&Customer{}, 1)
		db.Model(&Customer{}).Count(new(int64))
	}
	read()
	page.queries(5, "")

	n, err := cache.InvalidateRecord(ctx, &Product{}, 2)
	page.ok(err)
	page.show("%d: product 2, and the list, which may contain it", n)
	read()
	page.queries(2, "")

	n, err = cache.InvalidateTable(ctx, "products") // or InvalidateModel(ctx, &Product{})
	page.ok(err)
	page.show("%d", n)
	read()
	page.queries(3, "")

	counts, err := key.ParsePattern("*:*:*:customers:count:*")
	page.ok(err)
	n, err = cache.InvalidatePattern(ctx, counts)
	page.ok(err)
	page.show("%d", n)
	read()
	page.queries(1, "")

	n, err = cache.Clear(ctx)
	page.ok(err)
	page.show("%d: everything", n)
	read()
	page.queries(5, "")
}

// Most of a page may be work that is done on what was read: sorting, templates,
// thumbnails. `Fetch` keeps what a function returns, as fresh as a query over the
// same tables. As with queries, many who ask at once share one call, and each
// gets a copy.
func fetch(ctx context.Context, page *page) {
	db, cache := page.the()
	worked := 0
	customersByOrders := func() []string {
		names, err := querycache.Fetch(ctx, cache, "customers by orders", querycache.FetchOptions{Models: []any{&Customer{}, &Order{}}},
			func(ctx context.Context) ([]string, error) {
				worked++
				var customers []Customer
				err := db.WithContext(ctx).Preload("Orders").Find(&customers).Error
				slices.SortStableFunc(customers, func(a, b Customer) int { return cmp.Compare(len(b.Orders), len(a.Orders)) })
				var names []string
				for _, c := range customers {
					names = append(names, c.Name)
				}
				return names, err
			})
		page.ok(err)
		return names
	}
	customersByOrders()
	page.queries(2, "")
	page.show("worked out %d time", worked)

	customersByOrders()
	page.queries(0, "")
	page.show("worked out %d time", worked)

	for product := range 9 {
		db.Create(&Order{CustomerID: 9, ProductID: uint(product + 1)})
	}
	first := customersByOrders()[0]
	page.queries(1, "the orders; the customers were cached")
	page.show("worked out %d times, %s is the first now", worked, first)
}
