package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

func allUsers(db *gorm.DB) any {
	var us []User
	return tell(db.Preload("Pets").Order("id").Find(&us), &us)
}

func TestOptionsOfOneQuery(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		with := func(opts ...querycache.Option) reading {
			return func(db *gorm.DB) any {
				return allUsers(db.WithContext(querycache.WithOptions(context.Background(), opts...)))
			}
		}
		scoped := func(scope func(*gorm.DB) *gorm.DB) reading {
			return func(db *gorm.DB) any { return allUsers(db.Scopes(scope)) }
		}
		t.Run("Skip leaves the cache alone, preloads too", func(t *testing.T) {
			p := open(t, d)
			p.bypasses(t, scoped(querycache.Skip), querycache.ReasonSkip)
			p.bypasses(t, with(querycache.Skip), querycache.ReasonSkip)
			if s := p.cache.Stats(); s.Entries != 0 {
				t.Errorf("stored: %+v", s)
			}
		})
		t.Run("Refresh reads the database and replaces the result", func(t *testing.T) {
			p := open(t, d)
			p.hits(t, allUsers)
			p.compare(t, scoped(querycache.Refresh), 2)
			p.compare(t, with(querycache.Refresh), 2)
			past := p.plain.Pool // nobody tells the cache
			_, err := past.Exec("UPDATE users SET age = 62 WHERE id = 1")
			must(t, err)
			defer past.Exec("UPDATE users SET age = 61 WHERE id = 1")
			scoped(querycache.Refresh)(p.cached.DB)
			if n := p.asks(func() { same(t, allUsers(p.cached.DB), allUsers(p.plain.DB)) }); n != 0 {
				t.Errorf("%d queries after a Refresh, want 0", n)
			}
		})
		t.Run("Tags make another entry that InvalidateTags finds", func(t *testing.T) {
			p := open(t, d)
			p.hits(t, scoped(querycache.Tags("a", "b")))
			p.hits(t, with(querycache.Tags("b"), querycache.Tags("a", "a")))
			if n := p.asks(func() { with(querycache.Tags("b", "a"))(p.cached.DB) }); n != 0 {
				t.Errorf("the order of tags matters: %d queries", n)
			}
			p.hits(t, allUsers)
			n, err := p.cache.InvalidateTags(context.Background(), "a")
			must(t, err)
			if n != 2 {
				t.Errorf("%d entries died, want the users and the pets", n)
			}
			if n := p.asks(func() { allUsers(p.cached.DB) }); n != 0 {
				t.Error("an entry without the tag died")
			}
			p.hits(t, scoped(querycache.Tags("a", "b")))
			if n, err := p.cache.InvalidateTags(context.Background()); n != 0 || err != nil {
				t.Errorf("no tags: %d, %v", n, err)
			}
		})
		t.Run("a scope wins over the context", func(t *testing.T) {
			p := open(t, d)
			ctx := querycache.WithOptions(context.Background(), querycache.TTL(time.Hour), querycache.Tags("c"))
			read := func(tx *gorm.DB) *gorm.DB {
				return tx.WithContext(ctx).Scopes(querycache.TTL(2*time.Hour), querycache.Tags("s")).Find(&[]User{})
			}
			must(t, read(p.cached.DB).Error)
			e, err := querycache.Explain(p.cached.DB, read)
			must(t, err)
			if !e.Cached || e.TTL <= time.Hour || strings.Join(e.Tags, " ") != "c s" {
				t.Errorf("%+v", e)
			}
		})
		t.Run("options of one query do not stick", func(t *testing.T) {
			p := open(t, d)
			base := p.cached.Session(&gorm.Session{})
			must(t, base.Scopes(querycache.Skip).Find(&[]User{}).Error)
			must(t, base.Find(&[]User{}).Error)
			if n := p.asks(func() { must(t, base.Find(&[]User{}).Error) }); n != 0 {
				t.Error("Skip stuck to the session")
			}
		})
	})
}

func TestAResultLivesAsLongAsItsTTL(t *testing.T) {
	// Not parallel and not on servers: the clock of a bubble needs a driver without I/O of the network.
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	synctest.Test(t, func(t *testing.T) {
		p := open(t, d, opening{Config: querycache.Config{Tiered: tiered.Config{L1TTL: 10 * time.Second}}, Options: testdb.Options{MaxOpenConns: 1}})
		plain := func(db *gorm.DB) { must(t, db.Find(&[]User{}).Error) }
		long := func(db *gorm.DB) { must(t, db.Scopes(querycache.TTL(time.Minute)).Find(&[]Pet{}).Error) }
		short := func(db *gorm.DB) { must(t, db.Scopes(querycache.TTL(50*time.Millisecond)).Find(&[]Toy{}).Error) }
		zero := func(db *gorm.DB) { must(t, db.Scopes(querycache.TTL(0)).Find(&[]Company{}).Error) }
		age := time.Duration(0)
		at := func(when time.Duration, want int, name string, read func(*gorm.DB)) {
			time.Sleep(when - age) // the bubble's clock, which does not wait
			age = when
			if n := p.asks(func() { read(p.cached.DB) }); n != want {
				t.Errorf("%s after %v: %d queries, want %d", name, when, n, want)
			}
		}
		at(0, 1, "the default", plain)
		at(0, 1, "a minute", long)
		at(0, 1, "50 ms", short)
		at(0, 1, "a TTL of 0", zero)
		at(49*time.Millisecond, 0, "50 ms", short)
		at(51*time.Millisecond, 1, "50 ms", short)
		at(9999*time.Millisecond, 0, "the default", plain)
		at(9999*time.Millisecond, 0, "a TTL of 0", zero)
		at(10001*time.Millisecond, 1, "the default", plain)
		at(10001*time.Millisecond, 1, "a TTL of 0", zero)
		at(59*time.Second, 0, "a minute", long)
		at(61*time.Second, 1, "a minute", long)
		must(t, p.cache.Close(context.Background()))
		must(t, p.plain.Pool.Close())
		must(t, p.cached.Pool.Close())
		synctest.Wait()
	})
}

func TestTenantsShareNothing(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		type tenantKey struct{}
		p := open(t, d, opening{Config: querycache.Config{Tenant: func(ctx context.Context) string {
			s, _ := ctx.Value(tenantKey{}).(string)
			return s
		}}})
		for _, tenant := range []string{"a", "b", ""} {
			p.hits(t, func(db *gorm.DB) any {
				return allUsers(db.WithContext(context.WithValue(context.Background(), tenantKey{}, tenant)))
			})
			if s := p.cache.Stats(); s.Misses%2 != 0 || s.Misses < 2 {
				t.Errorf("tenant %q: %+v", tenant, s)
			}
		}
		if s := p.cache.Stats(); s.Misses != 6 {
			t.Errorf("%d misses for three tenants and two queries", s.Misses)
		}
	})
}

func TestResultsOverALimitAreReadButNotStored(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		all := func(db *gorm.DB) any { var us []User; return tell(db.Order("id").Find(&us), &us) }
		one := func(db *gorm.DB) any { var us []User; return tell(db.Where("id = 1").Find(&us), &us) }
		ways := readings{
			"Find": all, "Scan": finishers["Scan into structs"], "Rows": func(db *gorm.DB) any { return iterate(db.Table("users").Order("id").Rows()) },
			"maps": dests["maps"],
		}
		for name, cfg := range map[string]tiered.Config{"rows": {MaxResultRows: 3}, "bytes": {MaxResultBytes: 200}} {
			p := open(t, d, opening{Config: querycache.Config{Tiered: cfg}})
			for way, read := range ways {
				before := p.cache.Stats()
				p.compare(t, read, 1)
				if s := p.cache.Stats(); s.Rejections-before.Rejections != 3 || s.Stores != before.Stores {
					t.Errorf("%s, limited by %s: %+v", way, name, s)
				}
			}
			if name == "rows" {
				p.hits(t, one)
			}
		}
		p := open(t, d, opening{Config: querycache.Config{Memory: memory.Config{MaxBytes: 8 << 10}}})
		for i := range 200 {
			must(t, p.cached.Find(&[]User{}, "age > ?", i%97).Error)
		}
		if s := p.cache.Stats(); s.Bytes > 8<<10 || s.Entries > 20 {
			t.Errorf("over its bound: %+v", s)
		}
		same(t, all(p.cached.DB), all(p.plain.DB))
	})
}

func TestExplainAgreesWithWhatThenHappens(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		var us []User
		var u User
		var n int64
		queries := map[string]func(tx *gorm.DB) *gorm.DB{
			"Find":        func(tx *gorm.DB) *gorm.DB { return tx.Find(&us, "age > ?", 30) },
			"First":       func(tx *gorm.DB) *gorm.DB { u = User{}; return tx.First(&u, 2) },
			"Count":       func(tx *gorm.DB) *gorm.DB { return tx.Model(&User{}).Count(&n) },
			"Joins":       func(tx *gorm.DB) *gorm.DB { return tx.Joins("Company").Find(&us) },
			"maps":        func(tx *gorm.DB) *gorm.DB { return tx.Model(&User{}).Find(&[]map[string]any{}) },
			"Raw":         func(tx *gorm.DB) *gorm.DB { return tx.Raw("SELECT * FROM pets").Find(&[]Pet{}) },
			"impure":      func(tx *gorm.DB) *gorm.DB { return tx.Find(&us, "birthday < CURRENT_TIMESTAMP") },
			"an argument": func(tx *gorm.DB) *gorm.DB { return tx.Find(&us, "name <> ?", "now") },
			"no table":    func(tx *gorm.DB) *gorm.DB { return tx.Raw("SELECT 1").Find(&n) },
			"skipped":     func(tx *gorm.DB) *gorm.DB { return tx.Scopes(querycache.Skip).Find(&us) },
		}
		for name, query := range queries {
			explain := func() querycache.Explanation {
				var e querycache.Explanation
				var err error
				if n := p.asks(func() { e, err = querycache.Explain(p.cached.DB, query) }); n != 0 {
					t.Errorf("%s: Explain asked the database", name)
				}
				must(t, err)
				return e
			}
			before, counted := explain(), p.cache.Stats()
			if e := explain(); e.Cached || e.Key != before.Key || reads(p.cache) != int(counted.Hits+counted.Misses+sum(counted.Bypassed)) {
				t.Errorf("%s: Explain changed what it explains: %+v", name, e)
			}
			must(t, query(p.cached.DB).Error)
			after := explain()
			if after.Cached != before.Cacheable || after.Cacheable != before.Cacheable {
				t.Errorf("%s: before %+v, after %+v", name, before, after)
			}
			asked := p.asks(func() { must(t, query(p.cached.DB).Error) })
			if after.Cached != (asked == 0) {
				t.Errorf("%s: said %+v, then made %d queries", name, after, asked)
			}
			s := p.cache.Stats()
			if !after.Cacheable && s.Bypassed[after.Reason]-counted.Bypassed[after.Reason] != 2 {
				t.Errorf("%s: %q (%s), but counted %v", name, after.Reason, after.Detail, s.Bypassed)
			}
			if after.Cacheable && (after.Key == "" || len(after.Tables) == 0 || after.Tier != "memory" || after.Form == "" || after.TTL <= 0) {
				t.Errorf("%s: says too little: %+v", name, after)
			}
			if after.String() == "" || after.SQL == "" {
				t.Errorf("%s: says nothing", name)
			}
		}
		if _, err := querycache.Explain(p.plain.DB, queries["Find"]); !errors.Is(err, querycache.ErrNotInstalled) {
			t.Errorf("without the plugin: %v", err)
		}
		if _, err := querycache.Explain(p.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Find(nil) }); err == nil {
			t.Error("no error for a statement that cannot be built")
		}
		e, err := querycache.Explain(p.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Create(&Company{Name: "new"}) })
		if err != nil || e.Cacheable || e.Reason != querycache.ReasonNotRead {
			t.Errorf("a write: %+v, %v", e, err)
		}
	})
}

func sum[R ~string](m map[R]uint64) (n uint64) {
	for _, v := range m {
		n += v
	}
	return n
}

func TestMistakesInConfigNameTheField(t *testing.T) {
	t.Parallel()
	for field, cfg := range map[string]querycache.Config{
		"Memory":                {Memory: memory.Config{MaxBytes: -1}},
		"Tiered.L1TTL":          {Tiered: tiered.Config{L1TTL: -1}},
		"Tiered.MaxResultBytes": {Tiered: tiered.Config{MaxResultBytes: -1}},
		"Tiered.MaxResultRows":  {Tiered: tiered.Config{MaxResultRows: -1}},
		"OutcomeHold":           {OutcomeHold: -1},
		"ReplicaLag":            {ReplicaLag: -1},
		"ImmutableTypes[0]":     {ImmutableTypes: append(querycache.Config{}.ImmutableTypes, nil)},
		"PureFunctions[1]":      {PureFunctions: []string{"f", ""}},
		"Dependencies":          {Dependencies: map[string][]string{"": {"a"}}},
		`Dependencies["a"][0]`:  {Dependencies: map[string][]string{"a": {""}}},
	} {
		t.Run(field, func(t *testing.T) {
			db := testdb.Open(t, testdb.Options{})
			cache := querycache.New(cfg)
			err := db.Use(cache)
			if !errors.Is(err, querycache.ErrConfig) || !strings.Contains(fmt.Sprint(err), field) {
				t.Errorf("got %v", err)
			}
			_, err = cache.InvalidateTags(context.Background(), "x")
			if !errors.Is(err, querycache.ErrConfig) {
				t.Errorf("InvalidateTags: %v", err)
			}
			if s := cache.Stats(); s.Entries != 0 {
				t.Errorf("%+v", s)
			}
			must(t, cache.Close(context.Background()))
			must(t, db.AutoMigrate(&Company{}))
			must(t, db.Find(&[]Company{}).Error)
		})
	}
}

func TestAfterCloseQueriesGoOn(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		p.hits(t, allUsers)
		rows, err := p.cached.Table("users").Order("id").Rows()
		must(t, err)
		must(t, p.cache.Close(context.Background()))
		must(t, p.cache.Close(context.Background()))
		if rows.Next(); rows.Err() != nil || rows.Close() != nil {
			t.Error("rows that were open are lost")
		}
		p.bypasses(t, allUsers, querycache.ReasonClosed)
		p.bypasses(t, finishers["Scan into structs"], querycache.ReasonClosed)
		p.bypasses(t, finishers["Row"], querycache.ReasonClosed)
		must(t, p.cached.Model(&User{}).Where("id = 4").Update("age", 24).Error)
		if _, err := p.cache.InvalidateTags(context.Background(), "x"); !errors.Is(err, querycache.ErrClosed) {
			t.Errorf("InvalidateTags: %v", err)
		}
		if err := d.Open(t, testdb.Options{}).Use(p.cache); !errors.Is(err, querycache.ErrClosed) {
			t.Errorf("Use: %v", err)
		}
		if s := p.cache.Stats(); s.Entries != 0 || s.Bytes != 0 {
			t.Errorf("keeps results: %+v", s)
		}
	})
}
