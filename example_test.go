package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
)

// Article is what the examples sell.
type Article struct {
	ID    uint
	Name  string
	Cents int64
}

// Review is what a customer thinks of an article.
type Review struct {
	ID        uint
	ArticleID uint
	Stars     int
}

// shop opens a SQLite file with three articles, with the cache in use.
func shop() (db *gorm.DB, cache *querycache.Plugin, closeShop func()) {
	dir, err := os.MkdirTemp("", "querycache-example-")
	if err != nil {
		panic(err)
	}
	db, err = gorm.Open(sqlite.Open(filepath.Join(dir, "shop.db")), &gorm.Config{})
	if err != nil {
		panic(err)
	}
	cache = querycache.New(querycache.Config{})
	err = errors.Join(
		db.Use(cache),
		db.AutoMigrate(&Article{}),
		db.Create([]Article{{Name: "anvil", Cents: 9900}, {Name: "bell", Cents: 450}, {Name: "candle", Cents: 120}}).Error,
	)
	if err != nil {
		panic(err)
	}
	return db, cache, func() {
		pool, err := db.DB()
		if err = errors.Join(err, cache.Close(context.Background()), pool.Close(), os.RemoveAll(dir)); err != nil {
			panic(err)
		}
	}
}

// Install the plugin once. Reads are cached from then on, and writes
// invalidate what they change, with no further code.
func Example() {
	dir, err := os.MkdirTemp("", "querycache-example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	db, err := gorm.Open(sqlite.Open(filepath.Join(dir, "shop.db")), &gorm.Config{})
	if err != nil {
		panic(err)
	}
	cache := querycache.New(querycache.Config{})
	defer cache.Close(context.Background())
	if err := db.Use(cache); err != nil {
		panic(err)
	}

	db.AutoMigrate(&Article{})
	db.Create(&Article{Name: "anvil", Cents: 9900})

	for range 3 {
		var a Article
		db.First(&a, 1) // the database is asked once
		fmt.Println(a.Name, a.Cents)
	}
	db.Model(&Article{}).Where("id = ?", 1).Update("cents", 8900)
	var a Article
	db.First(&a, 1) // fresh
	fmt.Println(a.Name, a.Cents)

	s := cache.Stats()
	fmt.Println(s.Hits, "hits,", s.Misses, "misses")

	pool, _ := db.DB()
	pool.Close()
	// Output:
	// anvil 9900
	// anvil 9900
	// anvil 9900
	// anvil 8900
	// 2 hits, 2 misses
}

// What reaches the database, step by step.
func Example_steps() {
	db, cache, closeShop := shop()
	defer closeShop()
	if err := db.AutoMigrate(&Review{}); err != nil {
		panic(err)
	}
	reached := func() (n uint64) { // reads that the database answered so far
		s := cache.Stats()
		n = s.Misses
		for _, bypassed := range s.Bypassed {
			n += bypassed
		}
		return n
	}
	before := reached()
	step := func(what string) {
		fmt.Printf("%-47s%d\n", what, reached()-before)
		before = reached()
	}
	read := func(db *gorm.DB) { db.First(&Article{}, 1) }

	read(db)
	step("a read")
	read(db)
	step("again")
	db.Create(&Review{ArticleID: 1, Stars: 5})
	read(db)
	step("after a write to another table")
	db.Model(&Article{ID: 2}).Update("cents", 500)
	read(db)
	step("after a write to another record of its table")
	db.Model(&Article{ID: 1}).Update("cents", 500)
	read(db)
	step("after a write to it")
	db.Exec("UPDATE articles SET cents = cents + 1")
	read(db)
	step("after a write by raw SQL")
	tx := db.Begin()
	tx.Model(&Article{ID: 1}).Update("cents", 1)
	read(db)
	step("while a transaction has written, not committed")
	read(tx)
	step("in that transaction")
	tx.Rollback()
	read(db)
	step("after its rollback")
	db.Transaction(func(tx *gorm.DB) error { return tx.Model(&Article{ID: 1}).Update("cents", 2).Error })
	read(db)
	step("after a transaction that was committed")
	read(db.Scopes(querycache.Skip))
	step("with Skip")
	// Output:
	// a read                                         1
	// again                                          0
	// after a write to another table                 0
	// after a write to another record of its table   0
	// after a write to it                            1
	// after a write by raw SQL                       1
	// while a transaction has written, not committed 0
	// in that transaction                            1
	// after its rollback                             0
	// after a transaction that was committed         1
	// with Skip                                      1
}

// New takes a Config, whose mistakes db.Use reports.
func ExampleNew() {
	cfg := querycache.Config{Namespace: "shop"}
	cfg.Memory.MaxBytes = 256 << 20       // hold up to 256 MiB
	cfg.Tiered.L1TTL = -5 * time.Minute   // a slip
	cfg.Tiered.MaxResultBytes = 512 << 10 // leave larger results alone

	db, err := gorm.Open(sqlite.Open(":memory:"), &gorm.Config{})
	if err != nil {
		panic(err)
	}
	err = db.Use(querycache.New(cfg))
	fmt.Println(err)
	fmt.Println(errors.Is(err, querycache.ErrConfig))

	pool, _ := db.DB()
	pool.Close()
	// Output:
	// querycache: invalid configuration: Tiered.L1TTL is -5m0s: set a positive duration, or 0 for 1m0s
	// true
}

// Skip keeps one query out of the cache, both ways.
func ExampleSkip() {
	db, cache, closeShop := shop()
	defer closeShop()

	var articles []Article
	for range 2 {
		db.Scopes(querycache.Skip).Find(&articles)
	}
	s := cache.Stats()
	fmt.Println(s.Hits, s.Misses, s.Bypassed[querycache.ReasonSkip])
	// Output:
	// 0 0 2
}

// Refresh reads the database although the result is cached, and replaces it:
// after a change that the cache could not see, such as one by another program.
func ExampleRefresh() {
	db, _, closeShop := shop()
	defer closeShop()

	var n int64
	db.Model(&Article{}).Count(&n)
	fmt.Println(n)

	pool, err := db.DB() // past GORM: nobody tells the cache
	if err != nil {
		panic(err)
	}
	if _, err := pool.Exec("DELETE FROM articles WHERE id = 3"); err != nil {
		panic(err)
	}

	db.Model(&Article{}).Count(&n)
	fmt.Println(n, "from the cache")
	db.Model(&Article{}).Scopes(querycache.Refresh).Count(&n)
	fmt.Println(n, "refreshed")
	db.Model(&Article{}).Count(&n)
	fmt.Println(n, "from the cache again")
	// Output:
	// 3
	// 3 from the cache
	// 2 refreshed
	// 2 from the cache again
}

// TTL keeps one result for another time than the configured one.
func ExampleTTL() {
	db, _, closeShop := shop()
	defer closeShop()

	var cheap []Article
	byPrice := func(tx *gorm.DB) *gorm.DB { return tx.Where("cents < ?", 500).Find(&cheap) }
	byPrice(db.Scopes(querycache.TTL(10 * time.Minute)))

	e, err := querycache.Explain(db, byPrice)
	if err != nil {
		panic(err)
	}
	fmt.Println(e.Cached, e.TTL.Round(time.Minute))
	// Output:
	// true 10m0s
}

// Tags mark results with names of your own, by which InvalidateTags finds
// them.
func ExampleTags() {
	db, cache, closeShop := shop()
	defer closeShop()

	homepage := db.Scopes(querycache.Tags("homepage")).Session(&gorm.Session{})
	var articles []Article
	var n int64
	homepage.Order("id").Find(&articles)
	homepage.Model(&Article{}).Count(&n)

	dropped, err := cache.InvalidateTags(context.Background(), "homepage")
	fmt.Println(dropped, err)
	dropped, err = cache.InvalidateTags(context.Background(), "homepage")
	fmt.Println(dropped, err)
	// Output:
	// 2 <nil>
	// 0 <nil>
}

// InvalidateTags says how many results it dropped; those that are being read
// at that moment are not stored either.
func ExamplePlugin_InvalidateTags() {
	db, cache, closeShop := shop()
	defer closeShop()

	db.Scopes(querycache.Tags("import", "articles")).First(&Article{}, 1)
	db.First(&Article{}, 2) // carries no tag: stays

	fmt.Println(cache.InvalidateTags(context.Background(), "articles"))
	fmt.Println(cache.InvalidateTags(context.Background(), "a tag that nobody used"))
	// Output:
	// 1 <nil>
	// 0 <nil>
}

// WithOptions carries options in a context, to code that takes no scopes.
func ExampleWithOptions() {
	db, cache, closeShop := shop()
	defer closeShop()

	report := func(ctx context.Context) (int64, error) { // somebody else's code
		return gorm.G[Article](db).Count(ctx, "*")
	}
	ctx := querycache.WithOptions(context.Background(), querycache.Tags("report"), querycache.TTL(time.Hour))
	fmt.Println(report(ctx))
	fmt.Println(cache.InvalidateTags(ctx, "report"))

	fmt.Println(report(querycache.WithOptions(ctx, querycache.Skip)))
	fmt.Println(cache.InvalidateTags(ctx, "report"))
	// Output:
	// 3 <nil>
	// 1 <nil>
	// 3 <nil>
	// 0 <nil>
}

// Explain runs nothing. It says whether a query would be answered from the
// cache, and if not, why.
func ExampleExplain() {
	db, _, closeShop := shop()
	defer closeShop()

	var articles []Article
	for _, order := range []string{"name", "RANDOM()"} {
		e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB {
			return tx.Order(order).Limit(2).Find(&articles)
		})
		if err != nil {
			panic(err)
		}
		fmt.Println(e.SQL)
		if e.Cacheable {
			fmt.Println("  cacheable, depends on", e.Tables)
		} else {
			fmt.Println("  not cacheable:", e.Reason)
		}
	}
	// Output:
	// SELECT * FROM `articles` ORDER BY name LIMIT 2
	//   cacheable, depends on [articles]
	// SELECT * FROM `articles` ORDER BY RANDOM() LIMIT 2
	//   not cacheable: impure query
}

// Stats counts each read once.
func ExamplePlugin_Stats() {
	db, cache, closeShop := shop()
	defer closeShop()
	before := cache.Stats() // AutoMigrate reads, too

	db.First(&Article{}, 1)                  // a miss
	db.First(&Article{}, 2)                  // a miss
	db.First(&Article{}, 1)                  // a hit
	db.Transaction(func(tx *gorm.DB) error { // reads in a transaction go to the database
		return tx.First(&Article{}, 1).Error
	})

	s := cache.Stats()
	fmt.Println("hits:", s.Hits-before.Hits)
	fmt.Println("misses:", s.Misses-before.Misses)
	fmt.Println("in a transaction:", s.Bypassed[querycache.ReasonTransaction])
	fmt.Println("entries:", s.Entries)
	// Output:
	// hits: 1
	// misses: 2
	// in a transaction: 1
	// entries: 2
}

// SQLTx gives the *sql.Tx of a transaction to code that needs one.
func ExampleSQLTx() {
	db, _, closeShop := shop()
	defer closeShop()

	_, ok := querycache.SQLTx(db)
	fmt.Println("outside of a transaction:", ok)
	err := db.Transaction(func(tx *gorm.DB) error {
		sqlTx, ok := querycache.SQLTx(tx)
		fmt.Println("inside:", ok)
		var n int
		if err := sqlTx.QueryRow("SELECT count(*) FROM articles").Scan(&n); err != nil {
			return err
		}
		fmt.Println(n, "articles")
		return nil
	})
	fmt.Println(err)
	// Output:
	// outside of a transaction: false
	// inside: true
	// 3 articles
	// <nil>
}
