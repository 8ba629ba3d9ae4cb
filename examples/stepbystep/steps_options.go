package main

import (
	"context"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
)

// `gorm.G` and code that only takes a context have no place for `db.Scopes`.
// Options go through the context, or, in `gorm.G`, through `Generic`.
func throughContext(ctx context.Context, page *page) {
	db, _ := page.the()
	product := func(ctx context.Context) (Product, error) { // somebody else's code
		return gorm.G[Product](db).Where("id = ?", 1).First(ctx)
	}
	_, err := product(ctx)
	page.ok(err)
	page.queries(1, "")
	_, err = product(ctx)
	page.ok(err)
	page.queries(0, "")

	_, err = product(querycache.WithOptions(ctx, querycache.Skip))
	page.ok(err)
	page.queries(1, "past the cache")

	_, err = gorm.G[Product](db).Scopes(querycache.Generic(querycache.Refresh)).Where("id = ?", 1).First(ctx)
	page.ok(err)
	page.queries(1, "refreshed")

	_, err = product(ctx)
	page.ok(err)
	page.queries(0, "")
}

// Some tables are written all the time and not worth caching; others hardly
// change. Rules say so in one place, for all queries that depend on a table.
func rulesForTables(_ context.Context, page *page) {
	open := page.open
	db, _ := open(querycache.Config{Tables: map[string]querycache.TableRule{
		"orders":    {Off: true},
		"customers": {TTL: querycache.TTLLong},
	}})
	for range 2 {
		db.First(&Order{}, 1)
	}
	page.queries(2, "never cached")

	for range 2 {
		db.First(&Customer{}, 1)
	}
	page.queries(1, "")

	for range 2 {
		db.Joins("JOIN orders ON orders.customer_id = customers.id").Where("orders.product_id = ?", 12).Find(&[]Customer{})
	}
	page.queries(2, "one table that is off is enough")

	e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB { return tx.First(&Customer{}, 1) })
	page.ok(err)
	page.show("customers are kept for %v", e.StoredFor)
}

// To begin with, you may want to cache a few queries that you have looked at,
// and leave everything else alone.
func optIn(_ context.Context, page *page) {
	open := page.open
	db, _ := open(querycache.Config{
		OptIn:  true,
		Tables: map[string]querycache.TableRule{"customers": {On: true}},
	})
	for range 2 {
		db.First(&Product{}, 1)
	}
	page.queries(2, "nobody asked for it")

	for range 2 {
		db.Scopes(querycache.Cache).First(&Product{}, 1)
	}
	page.queries(1, "this query did")

	for range 2 {
		db.First(&Customer{}, 1)
	}
	page.queries(1, "its table is on")
}

// tenantKey is where the program's middleware leaves the tenant.
type tenantKey struct{}

// One program serves several shops, and which one is known from the context.
// Results are never shared between tenants, and each can be invalidated by
// itself.
func tenants(ctx context.Context, page *page) {
	open := page.open
	db, cache := open(querycache.Config{Tenant: func(ctx context.Context) string {
		tenant, _ := ctx.Value(tenantKey{}).(string)
		return tenant
	}})
	acme := context.WithValue(ctx, tenantKey{}, "acme")
	blue := context.WithValue(ctx, tenantKey{}, "blue")

	db.WithContext(acme).First(&Product{}, 1)
	db.WithContext(blue).First(&Product{}, 1)
	page.queries(2, "")
	db.WithContext(acme).First(&Product{}, 1)
	db.WithContext(blue).First(&Product{}, 1)
	page.queries(0, "")

	n, err := cache.InvalidateTenant(ctx, "acme")
	page.ok(err)
	page.show("%d result dropped", n)
	db.WithContext(acme).First(&Product{}, 1)
	page.queries(1, "")
	db.WithContext(blue).First(&Product{}, 1)
	page.queries(0, "")
}

// Something looks wrong, and you want to know whether it is the cache. `Disable`
// sends all reads to the database, at once and in the running program. Writes go
// on invalidating, so that what is cached stays right for `Enable`.
func switchOff(_ context.Context, page *page) {
	db, cache := page.the()
	db.First(&Product{}, 1)
	db.First(&Product{}, 2)
	page.queries(2, "")

	cache.Disable()
	db.First(&Product{}, 1)
	db.First(&Product{}, 2)
	page.queries(2, "")
	db.Model(&Product{ID: 2}).Update("cents", 460)

	cache.Enable()
	db.First(&Product{}, 1)
	page.queries(0, "as it was before")
	db.First(&Product{}, 2)
	page.queries(1, "it was written meanwhile")
}
