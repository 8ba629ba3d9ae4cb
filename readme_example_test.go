package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	gocache "github.com/patrickmn/go-cache"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/key"    // patterns to invalidate by
	"github.com/gorm-querycache/querycache/memory" // the field Config.Memory
	"github.com/gorm-querycache/querycache/tiered" // the field Config.Tiered, and tiers of your own
)

// shopWith is shop with articles, reviews and a configuration.
func shopWith(config querycache.Config) (db *gorm.DB, cache *querycache.Plugin, closeShop func()) {
	dir, err := os.MkdirTemp("", "querycache-readme-")
	if err != nil {
		panic(err)
	}
	db, err = gorm.Open(sqlite.Open(filepath.Join(dir, "shop.db")), &gorm.Config{})
	if err != nil {
		panic(err)
	}
	cache = querycache.New(config)
	err = errors.Join(
		db.Use(cache),
		db.AutoMigrate(&Article{}, &Review{}),
		db.Create([]Article{{Name: "anvil", Cents: 9900}, {Name: "bell", Cents: 450}, {Name: "candle", Cents: 120}}).Error,
		db.Create([]Review{{ArticleID: 1, Stars: 5}, {ArticleID: 1, Stars: 3}, {ArticleID: 2, Stars: 4}}).Error,
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

// Install the plugin, and close it when the program ends.
func Example_install() {
	ctx := context.Background()
	run := func(db *gorm.DB) error {
		cache := querycache.New(querycache.Config{})
		if err := db.Use(cache); err != nil {
			return err
		}
		defer cache.Close(ctx) // when the program ends
		return db.First(&Article{}, 1).Error
	}
	db, _, closeShop := shop()
	defer closeShop()
	pool, err := db.DB()
	if err != nil {
		panic(err)
	}
	again, err := gorm.Open(sqlite.New(sqlite.Config{Conn: pool}), &gorm.Config{})
	if err != nil {
		panic(err)
	}
	fmt.Println(run(again))
	// Output: <nil>
}

// One *gorm.DB has one querycache, and so have its sessions.
func Example_registered() {
	db, _, closeShop := shop()
	defer closeShop()
	err := db.Session(&gorm.Session{}).Use(querycache.New(querycache.Config{}))
	fmt.Println(err, errors.Is(err, gorm.ErrRegistered))
	// Output: registered true
}

// queryLog is a logger of GORM's that counts what it is told.
type queryLog struct {
	logger.Interface
	told, failed int
}

func (l *queryLog) Trace(_ context.Context, _ time.Time, _ func() (string, int64), err error) {
	l.told++
	if err != nil {
		l.failed++
	}
}

// GORM's logger is told of hits too, and takes a miss of CacheOnly for an error.
func Example_logger() {
	db, cache, closeShop := shop()
	defer closeShop()
	log := &queryLog{Interface: logger.Discard}
	db = db.Session(&gorm.Session{Logger: log})
	before := cache.Stats()

	db.First(&Article{}, 1)
	db.First(&Article{}, 1)
	db.Scopes(querycache.WithPolicy(querycache.CacheOnly)).First(&Article{}, 2)

	fmt.Println("the logger:", log.told, "queries,", log.failed, "failed")
	fmt.Println("the database:", cache.Stats().Sub(before).DatabaseReads())
	// Output:
	// the logger: 3 queries, 1 failed
	// the database: 1
}

// Options of one query: as scopes, through a context, and for gorm.G.
func Example_perQuery() {
	db, cache, closeShop := shop()
	defer closeShop()
	ctx := context.Background()
	before := cache.Stats()
	var articles []Article

	db.Scopes(querycache.TTL(querycache.TTLLong), querycache.Tags("homepage")).Order("cents").Find(&articles)

	// code that takes no scopes
	n, err := gorm.G[Article](db).Count(querycache.WithOptions(ctx, querycache.Skip), "*")

	// or, with gorm.G
	found, err2 := gorm.G[Article](db).Scopes(querycache.Generic(querycache.MaxRows(10))).Find(ctx)

	fmt.Println(len(articles), n, err, len(found), err2, cache.Stats().Sub(before).Bypassed)
	// Output: 3 3 <nil> 3 <nil> map[skip:1]
}

// Rules for all queries that depend on a table.
func Example_perTable() {
	config := querycache.Config{
		Tables: map[string]querycache.TableRule{
			"reviews":  {Off: true}, // written all the time
			"articles": {TTL: querycache.TTLLong, MaxRows: 100},
		},
	}
	db, _, closeShop := shopWith(config)
	defer closeShop()

	for _, dest := range []any{&Article{}, &Review{}} {
		e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB { return tx.First(dest, 1) })
		fmt.Println(e.Cacheable, e.StoredFor, e.Mend, err)
	}
	// Output:
	// true 1h0m0s  <nil>
	// false 1m0s remove Off from the rule of the table in Config.Tables <nil>
}

// A policy says in which order a read asks the cache and the database.
func Example_policies() {
	db, _, closeShop := shop()
	defer closeShop()
	db = db.Session(&gorm.Session{Logger: logger.Discard}) // GORM logs a miss as any error

	var article Article
	fromCache := querycache.WithPolicy(querycache.CacheOnly)
	err := db.Scopes(fromCache).First(&article, 1).Error
	if errors.Is(err, querycache.ErrCacheMiss) {
		// nobody asked the database
		err = db.Scopes(querycache.Refresh).First(&article, 1).Error
	}

	fmt.Println(err, db.Scopes(fromCache).First(&Article{}, 1).Error)
	// Output: <nil> <nil>
}

// A result past its time may still be an answer; one that a write has touched
// never is.
func Example_stale() {
	db, _, closeShop := shop()
	defer closeShop()

	list := func(tx *gorm.DB) *gorm.DB {
		return tx.Scopes(
			querycache.TTL(time.Minute),
			querycache.SWR(10*time.Minute),     // after the minute: at once, and read anew in the background
			querycache.StaleIfError(time.Hour), // and if the database fails
		).Order("cents").Find(&[]Article{})
	}

	list(db)
	e, err := querycache.Explain(db, list)
	fmt.Println(e.Policy, e.StoredFor, e.SWR, e.StaleIfError, e.Cached, err)
	db.Model(&Article{}).Where("name = ?", "bell").Update("cents", 460)
	e, err = querycache.Explain(db, list)
	fmt.Println("after a write:", e.Cached, err)
	// Output:
	// cache-first 1m0s 10m0s 1h0m0s true <nil>
	// after a write: false <nil>
}

// What a writer past GORM changed, by hand.
func Example_byHand() {
	db, cache, closeShop := shopWith(querycache.Config{})
	defer closeShop()
	ctx := context.Background()
	db.First(&Article{}, 1)
	db.First(&Article{}, 2)
	db.Find(&[]Article{})
	db.Model(&Review{}).Count(new(int64))

	n, err := cache.InvalidateRecord(ctx, &Article{}, 2) // 2: the article, and the list
	fmt.Println(n, err)

	n, err = cache.InvalidatePattern(ctx, key.Operation("count")) // 1: the count
	fmt.Println(n, err)

	n, err = cache.InvalidateTable(ctx, "artikel") // ErrUnknownTable
	fmt.Println(n, errors.Is(err, querycache.ErrUnknownTable))
	// Output:
	// 2 <nil>
	// 1 <nil>
	// 0 true
}

// Fetch keeps what a function returns as fresh as a query.
func ExampleFetch() {
	db, cache, closeShop := shopWith(querycache.Config{})
	defer closeShop()
	ctx := context.Background()
	calls := 0

	stars := func() (map[uint]int, error) {
		return querycache.Fetch(ctx, cache, "stars by article", querycache.FetchOptions{Models: []any{&Review{}}},
			func(ctx context.Context) (map[uint]int, error) {
				calls++
				var reviews []Review
				err := db.WithContext(ctx).Find(&reviews).Error
				sum := map[uint]int{}
				for _, r := range reviews {
					sum[r.ArticleID] += r.Stars
				}
				return sum, err
			})
	}

	for range 2 {
		fmt.Println(stars())
	}
	fmt.Println(calls, "call")
	db.Create(&Review{ArticleID: 2, Stars: 5})
	fmt.Println(stars())
	fmt.Println(calls, "calls")
	// Output:
	// map[1:8 2:4] <nil>
	// map[1:8 2:4] <nil>
	// 1 call
	// map[1:8 2:9] <nil>
	// 2 calls
}

// The second engine, in a go-cache of the program's own.
func Example_engine() {
	mine := gocache.New(gocache.NoExpiration, 0)
	mine.SetDefault("greeting", "hello")
	config := querycache.Config{
		Memory: memory.Config{Engine: memory.EngineGoCache, GoCache: mine, MaxEntries: 10_000},
	}
	db, cache, closeShop := shopWith(config)
	defer closeShop()

	db.First(&Article{}, 1)
	db.First(&Article{}, 1)
	greeting, _ := mine.Get("greeting")
	fmt.Println(mine.ItemCount(), cache.Stats().Entries, cache.Stats().Hits, greeting)
	// Output: 2 1 1 hello
}

// Without a first tier, reads that come at once still share one.
func Example_engineNone() {
	db, cache, closeShop := shopWith(querycache.Config{Memory: memory.Config{Engine: memory.EngineNone}})
	defer closeShop()
	before := cache.Stats()
	db.First(&Article{}, 1)
	db.First(&Article{}, 1)
	s := cache.Stats().Sub(before)
	fmt.Println(s.Hits, s.Misses, s.Entries)
	// Output: 0 2 0
}

// noisyTier is a tier of one's own: here one of ours that counts what it stores.
type noisyTier struct {
	tiered.Local
	sets atomic.Int64
}

func (t *noisyTier) Set(key string, e *tiered.Entry) bool {
	t.sets.Add(1)
	return t.Local.Set(key, e)
}

// A first tier of one's own.
func Example_ownTier() {
	inner, err := memory.Open[*tiered.Entry](memory.Config{MaxBytes: 16 << 20})
	if err != nil {
		panic(err)
	}
	tier := &noisyTier{Local: inner} // has the methods of tiered.Local
	config := querycache.Config{L1: tier}
	db, cache, closeShop := shopWith(config)
	defer closeShop()
	defer inner.Close()
	before := tier.sets.Load()

	db.First(&Article{}, 1)
	db.First(&Article{}, 1)
	fmt.Println(tier.sets.Load()-before, cache.Stats().Hits)
	// Output: 1 1
}

// The usual times to live.
func Example_presets() {
	fmt.Println(querycache.TTLRealtime, querycache.TTLShort, querycache.TTLMedium, querycache.TTLLong, querycache.TTLDaily)
	// Output: 10s 1m0s 5m0s 1h0m0s 24h0m0s
}

// Pages of one list are results of their own, whatever their size.
func Example_pages() {
	db, cache, closeShop := shop()
	defer closeShop()
	before := cache.Stats()
	for range 2 {
		var pages [4][]string
		for i, at := range [][2]int{{1, 0}, {2, 0}, {1, 1}, {2, 1}} {
			db.Model(&Article{}).Order("id").Limit(at[0]).Offset(at[1]).Pluck("name", &pages[i])
		}
		fmt.Println(pages)
	}
	s := cache.Stats().Sub(before)
	fmt.Println(s.Misses, "misses,", s.Hits, "hits")
	// Output:
	// [[anvil] [anvil bell] [bell] [bell candle]]
	// [[anvil] [anvil bell] [bell] [bell candle]]
	// 4 misses, 4 hits
}

// A read is pinned to 16 records at most, and a write names 64 at most.
func Example_pins() {
	db, _, closeShop := shop()
	defer closeShop()
	ids := func(n int) (out []int) {
		for i := range n {
			out = append(out, 100+i)
		}
		return out
	}
	for _, n := range []int{16, 17} {
		e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]Article{}, ids(n)) })
		fmt.Println(n, "records: pinned to", len(e.Pins), err)
	}
	first := func(tx *gorm.DB) *gorm.DB { return tx.First(&Article{}, 1) }
	for _, n := range []int{64, 65} {
		first(db)
		db.Model(&Article{}).Where("id IN ?", ids(n)).Update("cents", 1)
		e, err := querycache.Explain(db, first)
		fmt.Println("after a write to", n, "others:", e.Cached, err)
	}
	// Output:
	// 16 records: pinned to 16 <nil>
	// 17 records: pinned to 0 <nil>
	// after a write to 64 others: true <nil>
	// after a write to 65 others: false <nil>
}
