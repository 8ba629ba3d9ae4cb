package querycache_test

import (
	"errors"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// TestFetchIsNotKeptWhereAQueryWouldNotBe: what it depends on cannot be followed, or is not to be cached. It is
// beside no other test, as the next one: some of what it does reaches every result of the process.
func TestFetchIsNotKeptWhereAQueryWouldNotBe(t *testing.T) {
	for name, c := range map[string]struct {
		config querycache.Config
		before func(db *gorm.DB) error
		table  string
		want   querycache.Reason
	}{
		"the table is off": {config: querycache.Config{Tables: map[string]querycache.TableRule{"hand_books": {Off: true}}}, table: "hand_titles", want: querycache.ReasonTableRule},
		"a temporary table": {before: func(db *gorm.DB) error { return db.Exec("CREATE TEMP TABLE hand_tmp (id INT)").Error },
			table: "hand_tmp", want: querycache.ReasonUnknownTable},
		"a view that varies": {before: func(db *gorm.DB) error {
			return db.Exec("CREATE VIEW hand_any AS SELECT random() r FROM hand_books").Error
		},
			table: "hand_any", want: querycache.ReasonUnknownTable},
		"another database attached": {before: func(db *gorm.DB) error { return db.Exec("ATTACH ':memory:' AS side").Error },
			table: "hand_books", want: querycache.ReasonCatalog},
		"uncommitted reads": {before: func(db *gorm.DB) error { return db.Exec("PRAGMA read_uncommitted = 1").Error },
			table: "hand_books", want: querycache.ReasonReadUncommitted},
	} {
		t.Run(name, func(t *testing.T) {
			d := testdb.New(t, testdb.SQLite)
			shelve(t, d)
			p := open(t, d, opening{Config: c.config})
			if c.before != nil {
				must(t, c.before(p.cached.DB))
			}
			var n counting
			o := querycache.FetchOptions{Tables: []string{c.table}}
			n.fetch(t, p.cache, "k", o)
			if got := n.fetch(t, p.cache, "k", o); got != 2 || p.cache.Stats().Bypassed[c.want] != 2 {
				t.Errorf("%d: %v", got, p.cache.Stats().Bypassed)
			}
			only := querycache.WithOptions(t.Context(), querycache.WithPolicy(querycache.CacheOnly))
			if _, err := querycache.Fetch(only, p.cache, "k", o, n.load); !errors.Is(err, querycache.ErrCacheMiss) {
				t.Errorf("cache-only: %v", err)
			}
			if _, err := p.cache.InvalidateTable(t.Context(), c.table); err != nil {
				t.Errorf("by hand: %v", err)
			}
		})
	}
}

// TestAnInvalidationOfADatabaseThatIsNotKnownReachesEverything, as a write there would: it may be any other.
func TestAnInvalidationOfADatabaseThatIsNotKnownReachesEverything(t *testing.T) {
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	cache := querycache.New(querycache.Config{})
	other := d.Open(t, testdb.Options{Plugins: []gorm.Plugin{cache}, MaxOpenConns: 1})
	must(t, other.Exec("ATTACH ':memory:' AS side").Error)
	for name, run := range map[string]func() (int, error){
		"a table":  func() (int, error) { return cache.InvalidateTable(t.Context(), "hand_books") },
		"a record": func() (int, error) { return cache.InvalidateRecord(t.Context(), handBook{}, 1) },
	} {
		must(t, handReads["others"](p.cached.DB))
		if _, err := run(); err != nil {
			t.Error(err)
		}
		if n := p.asks(func() { must(t, handReads["others"](p.cached.DB)) }); n != 1 {
			t.Errorf("%s: asked %d times", name, n)
		}
	}
}

// TestFetchByModelsOfSeveralNames: a model has the tables that the databases give it.
func TestFetchByModelsOfSeveralNames(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{})
	var dbs []*testdb.DB
	for _, prefix := range []string{"", "y_"} {
		db := testdb.Open(t, testdb.Options{
			Config: gorm.Config{NamingStrategy: schema.NamingStrategy{TablePrefix: prefix}}, Plugins: []gorm.Plugin{cache},
		})
		must(t, db.AutoMigrate(&handOther{}))
		dbs = append(dbs, db)
	}
	must(t, dbs[1].AutoMigrate(&handCode{}))
	var c counting
	for _, o := range []querycache.FetchOptions{{Models: []any{handOther{}}}, {Models: []any{handCode{}}}} {
		before := c.fetch(t, cache, "k", o)
		if n := c.fetch(t, cache, "k", o); n != before {
			t.Error("not kept")
		}
		for i, db := range dbs {
			must(t, db.Create(&handOther{}).Error)
			if n := c.fetch(t, cache, "k", o); (n != before) != (len(o.Models) == 1 && o.Models[0] == handOther{}) {
				t.Errorf("after a write to database %d: %d, %d", i, before, n)
			} else {
				before = n
			}
		}
	}
	_, err := querycache.Fetch(t.Context(), cache, "k", querycache.FetchOptions{Models: []any{handLine{}}}, c.load)
	if !errors.Is(err, querycache.ErrUnknownTable) {
		t.Errorf("a model without a table: %v", err)
	}
}
