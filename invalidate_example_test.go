package querycache_test

import (
	"context"
	"fmt"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/key"
)

// A job that writes past GORM says what it changed.
func ExamplePlugin_InvalidateRecord() {
	db, cache, closeShop := shop()
	defer closeShop()
	ctx := context.Background()

	for id := 1; id <= 3; id++ {
		db.First(&Article{}, id)
	}
	db.Find(&[]Article{})

	pool, _ := db.DB()
	pool.Exec("UPDATE articles SET cents = 1 WHERE id = 2") // GORM does not see it

	n, err := cache.InvalidateRecord(ctx, &Article{}, 2)
	fmt.Println(n, err) // the article and the list; 1 and 3 stay

	var a Article
	db.First(&a, 2)
	fmt.Println(a.Name, a.Cents)
	// Output:
	// 2 <nil>
	// bell 1
}

// An import changes whole tables, under any of their names.
func ExamplePlugin_InvalidateTable() {
	db, cache, closeShop := shop()
	defer closeShop()
	db.First(&Article{}, 1)
	db.Find(&[]Article{})

	fmt.Println(cache.InvalidateTable(context.Background(), "Articles"))
	fmt.Println(cache.InvalidateTable(context.Background(), "artikles"))
	// Output:
	// 2 <nil>
	// 0 invalidating tables: querycache: no database of the plugin has this table: "artikles": check the spelling, or call Reload if it was made past GORM
}

// Patterns choose by the key that Explain prints.
func ExamplePlugin_InvalidatePattern() {
	db, cache, closeShop := shop()
	defer closeShop()
	db.First(&Article{}, 1)
	db.Find(&[]Article{})
	db.Model(&Article{}).Count(new(int64))

	counts, err := key.ParsePattern("*:*:*:articles:count:*")
	if err != nil {
		panic(err)
	}
	fmt.Println(cache.InvalidatePattern(context.Background(), counts))
	fmt.Println(cache.InvalidatePattern(context.Background(), key.Entity("articles")))
	// Output:
	// 1 <nil>
	// 2 <nil>
}

// Fetch keeps what is worked out from queries, until one of the tables changes.
func ExampleFetch_prices() {
	db, cache, closeShop := shop()
	defer closeShop()
	ctx := context.Background()

	worth := func(ctx context.Context) (map[string]float64, error) {
		fmt.Println("working it out")
		var articles []Article
		if err := db.WithContext(ctx).Find(&articles).Error; err != nil {
			return nil, err
		}
		euros := map[string]float64{}
		for _, a := range articles {
			euros[a.Name] = float64(a.Cents) / 100
		}
		return euros, nil
	}
	prices := func() map[string]float64 {
		m, err := querycache.Fetch(ctx, cache, "prices", querycache.FetchOptions{Models: []any{&Article{}}}, worth)
		if err != nil {
			panic(err)
		}
		return m
	}

	m := prices()
	fmt.Println(m["bell"])
	m["bell"] = 0 // this caller's own
	fmt.Println(prices()["bell"])
	db.Model(&Article{ID: 2}).Update("cents", 500)
	fmt.Println(prices()["bell"])
	// Output:
	// working it out
	// 4.5
	// 4.5
	// working it out
	// 5
}
