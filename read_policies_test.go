package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

// controlled are the ways to read that every control is tried on.
var controlled = readings{
	"Find":  func(db *gorm.DB) any { var us []User; return tell(db.Order("id").Find(&us), &us) },
	"First": func(db *gorm.DB) any { var u User; return tell(db.First(&u, 2), &u) },
	"Joins": func(db *gorm.DB) any {
		var us []User
		return tell(db.Joins("Company").Order("users.id").Find(&us), &us)
	},
	"maps": func(db *gorm.DB) any {
		var ms []map[string]any
		return tell(db.Model(&User{}).Order("id").Find(&ms), ms)
	},
	"Count": func(db *gorm.DB) any { var n int64; return tell(db.Model(&User{}).Count(&n), n) },
	"Pluck": func(db *gorm.DB) any { var s []string; return tell(db.Model(&User{}).Order("id").Pluck("name", &s), s) },
	"Scan":  func(db *gorm.DB) any { var us []User; return tell(db.Model(&User{}).Order("id").Scan(&us), &us) },
	"Raw": func(db *gorm.DB) any {
		var us []User
		return tell(db.Raw("SELECT * FROM users ORDER BY id").Scan(&us), &us)
	},
	"Row": func(db *gorm.DB) any {
		var name string
		return []any{db.Model(&User{}).Select("name").Where("id = ?", 2).Row().Scan(&name), name}
	},
	"Rows": func(db *gorm.DB) any {
		rows, err := db.Model(&User{}).Select("id, name, age").Order("id").Rows()
		return iterate(rows, err)
	},
	"FindInBatches": func(db *gorm.DB) any {
		var us, batch []User
		tx := db.FindInBatches(&batch, 3, func(*gorm.DB, int) error { us = append(us, batch...); return nil })
		return []any{tx.Error, tx.RowsAffected, us}
	},
	"G": func(db *gorm.DB) any {
		us, err := gorm.G[User](db).Order("id").Find(db.Statement.Context)
		return []any{us, err}
	},
	"preloads": allUsers,
}

// failure is the error in what a reading told, nil if there is none.
func failure(v any) error {
	switch v := v.(type) {
	case error:
		return v
	case told:
		return v.Err
	case []any:
		for _, e := range v {
			if err, ok := e.(error); ok {
				return err
			}
		}
	}
	return nil
}

// in reads with options in the context, which reaches every way to read.
func in(read reading, opts ...querycache.Option) reading {
	return func(db *gorm.DB) any {
		return read(db.WithContext(querycache.WithOptions(db.Statement.Context, opts...)))
	}
}

// scopedBy reads with options as scopes.
func scopedBy(read reading, opts ...querycache.Option) reading {
	return func(db *gorm.DB) any { return read(db.Scopes(opts...)) }
}

// asked reads on the cached side, and counts the queries.
func (p *pair) asked(read reading) (got any, queries int) {
	queries = p.asks(func() { got = read(p.cached.DB) })
	return got, queries
}

// wants checks what a read on the cached side says, and how many queries it makes.
func (p *pair) wants(t *testing.T, what string, read reading, want any, queries int) {
	t.Helper()
	got, asked := p.asked(read)
	if diff := testdb.Equal(got, want); diff != "" {
		t.Errorf("%s differs:\n%s", what, diff)
	}
	if asked != queries {
		t.Errorf("%s made %d queries, want %d", what, asked, queries)
	}
}

var errBroken = errors.New("the database is broken")

// breaks lets every query fail that reaches the database, and returns what mends it and tells how many did.
func breaks(p *pair) (mend func() int) {
	var failed atomic.Int32
	p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
		if ev.Op == testdb.OpQuery {
			failed.Add(1)
			return errBroken
		}
		return nil
	}})
	return func() int {
		p.cached.Recorder.SetHooks(testdb.Hooks{})
		return int(failed.Load())
	}
}

// eachWay runs f for every way to read, in a cache of its own.
func eachWay(t *testing.T, d *testdb.Database, f func(t *testing.T, p *pair, read reading), how ...opening) {
	for name, read := range controlled {
		t.Run(name, func(t *testing.T) { f(t, open(t, d, how...), read) })
	}
}

// touch writes to the tables that the ways to read depend on, and changes nothing.
func (p *pair) touch(t *testing.T) {
	t.Helper()
	must(t, p.cached.Exec("UPDATE users SET age = age WHERE id = 2").Error)
	must(t, p.cached.Exec("UPDATE pets SET name = name WHERE id = 2").Error)
}

func TestNetworkFirst(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		eachWay(t, d, func(t *testing.T, p *pair, read reading) {
			first := in(read, querycache.WithPolicy(querycache.NetworkFirst))
			n := p.compare(t, first, asPlain)
			want := read(p.plain.DB)
			p.wants(t, "a read that follows", read, want, 0)

			mend := breaks(p)
			got := first(p.cached.DB)
			if asked, diff := mend(), testdb.Equal(got, want); diff != "" || asked != n {
				t.Errorf("the database fails: asked %d times, want %d\n%s", asked, n, diff)
			}
			p.touch(t)
			mend = breaks(p)
			if got := first(p.cached.DB); !errors.Is(failure(got), errBroken) {
				t.Errorf("after a write nothing valid is cached, and yet: %v", got)
			}
			mend()
			p.wants(t, "a read when all is well again", first, want, n)
		})
	})
}

func TestCacheOnly(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		eachWay(t, d, func(t *testing.T, p *pair, read reading) {
			only := in(read, querycache.WithPolicy(querycache.CacheOnly))
			misses := func(when string) {
				t.Helper()
				got, asked := p.asked(only)
				if err := failure(got); !errors.Is(err, querycache.ErrCacheMiss) || asked != 0 {
					t.Errorf("%s: %v, %d queries", when, err, asked)
				}
			}
			misses("nothing is cached")
			want := read(p.plain.DB)
			p.asked(read)
			p.wants(t, "a hit", only, want, 0)
			p.touch(t)
			misses("after a write")
			in(read, querycache.Refresh)(p.cached.DB)
			p.wants(t, "after a Refresh", only, want, 0)
			must(t, p.cached.Transaction(func(tx *gorm.DB) error {
				if err := failure(only(tx)); err != nil && !errors.Is(err, querycache.ErrCacheMiss) {
					t.Errorf("in a transaction: %v", err)
				}
				return nil
			}))
			if open := p.cached.Recorder.OpenRows(); open != 0 {
				t.Errorf("%d row sets left open", open)
			}
		})
	})
}

func TestNetworkOnly(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		eachWay(t, d, func(t *testing.T, p *pair, read reading) {
			p.bypasses(t, in(read, querycache.WithPolicy(querycache.NetworkOnly)), querycache.ReasonPolicy)
			if s := p.cache.Stats(); s.Entries != 0 || s.Stores != 0 {
				t.Errorf("stored: %+v", s)
			}
			p.hits(t, read)
			p.bypasses(t, in(read, querycache.WithPolicy(querycache.NetworkOnly)), querycache.ReasonPolicy)
		})
	})
}

// The policy of Config holds for all reads, that of a table for its own, and a query may say otherwise.
func TestPoliciesOfConfigAndTables(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		users, pets := controlled["Find"], func(db *gorm.DB) any { var ps []Pet; return tell(db.Order("id").Find(&ps), &ps) }
		p := open(t, d, opening{Config: querycache.Config{
			Policy: querycache.NetworkOnly, Tables: map[string]querycache.TableRule{"Pets": {Policy: querycache.CacheFirst}},
		}})
		p.bypasses(t, users, querycache.ReasonPolicy)
		p.hits(t, pets)
		p.hits(t, scopedBy(users, querycache.WithPolicy(querycache.CacheFirst)))
		p.bypasses(t, scopedBy(pets, querycache.WithPolicy(querycache.NetworkOnly)), querycache.ReasonPolicy)

		p = open(t, d, opening{Config: querycache.Config{Policy: querycache.CacheOnly}})
		if got, asked := p.asked(users); !errors.Is(failure(got), querycache.ErrCacheMiss) || asked != 0 {
			t.Errorf("%v, %d queries", got, asked)
		}
		p.compare(t, scopedBy(users, querycache.Refresh), asPlain)
		p.wants(t, "after a Refresh", users, users(p.plain.DB), 0)
	})
}

// bubble runs f on a SQLite database in a bubble with a clock that does not wait.
func bubble(t *testing.T, config querycache.Config, f func(t *testing.T, p *pair)) {
	t.Helper()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	synctest.Test(t, func(t *testing.T) {
		p := open(t, d, opening{Config: config, Options: testdb.Options{MaxOpenConns: 1}})
		f(t, p)
		synctest.Wait()
		must(t, p.cache.Close(context.Background()))
		must(t, p.plain.Pool.Close())
		must(t, p.cached.Pool.Close())
		synctest.Wait()
	})
}

// ages sets everybody's age past the cache, as a program does that has no plugin.
func (p *pair) ages(t *testing.T, age int) {
	t.Helper()
	must(t, p.plain.Exec("UPDATE users SET age = ?", age).Error)
}

// seesAge reads an age by some way on the cached side.
var seesAge = map[string]func(db *gorm.DB) (int, error){
	"Find": func(db *gorm.DB) (int, error) {
		var us []User
		err := db.Order("id").Find(&us).Error
		if len(us) == 0 {
			return 0, err
		}
		return int(us[0].Age), err
	},
	"First": func(db *gorm.DB) (int, error) { var u User; err := db.First(&u, 2).Error; return int(u.Age), err },
	"maps": func(db *gorm.DB) (int, error) {
		m := map[string]any{}
		err := db.Model(&User{}).Where("id = 3").Take(&m).Error
		if err != nil {
			return 0, err
		}
		var n int
		_, err = fmt.Sscan(fmt.Sprint(m["age"]), &n)
		return n, err
	},
	"Pluck": func(db *gorm.DB) (int, error) {
		var s []int
		err := db.Model(&User{}).Where("id = 4").Pluck("age", &s).Error
		if len(s) == 0 {
			return 0, err
		}
		return s[0], err
	},
	"Scan": func(db *gorm.DB) (int, error) {
		var n int
		err := db.Model(&User{}).Select("MAX(age)").Scan(&n).Error
		return n, err
	},
	"Row": func(db *gorm.DB) (n int, err error) {
		err = db.Model(&User{}).Select("MIN(age)").Row().Scan(&n)
		return n, err
	},
	"Rows": func(db *gorm.DB) (age int, err error) {
		rows, err := db.Model(&User{}).Select("age").Order("id").Rows()
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		for rows.Next() {
			if err := rows.Scan(&age); err != nil {
				return 0, err
			}
		}
		return age, rows.Err()
	},
	"G": func(db *gorm.DB) (int, error) {
		u, err := gorm.G[User](db).Where("id = ?", 1).Take(db.Statement.Context)
		return int(u.Age), err
	},
}

// Past its TTL and within the window a result is served at once, while one read in the background
// replaces it. Past the window, and after a write, it is not.
func TestStaleWhileRevalidate(t *testing.T) {
	for how, c := range map[string]struct {
		config querycache.Config
		opts   []querycache.Option
	}{
		"by the query's policy": {querycache.Config{Tiered: tiered.Config{L1TTL: 10 * time.Second}}, []querycache.Option{querycache.WithPolicy(querycache.StaleWhileRevalidate)}},
		"by SWR":                {querycache.Config{}, []querycache.Option{querycache.TTL(10 * time.Second), querycache.SWR(10 * time.Second)}},
		"by Config":             {querycache.Config{Tiered: tiered.Config{L1TTL: 10 * time.Second, SWR: 10 * time.Second}}, nil},
		"by the table":          {querycache.Config{Tables: map[string]querycache.TableRule{"users": {TTL: 10 * time.Second, SWR: 10 * time.Second}}}, nil},
		"by Config's policy":    {querycache.Config{Policy: querycache.StaleWhileRevalidate, Tiered: tiered.Config{L1TTL: 10 * time.Second}}, nil},
	} {
		t.Run(how, func(t *testing.T) {
			bubble(t, c.config, func(t *testing.T, p *pair) {
				for name, age := range seesAge {
					must(t, p.cached.Exec("UPDATE users SET age = 30").Error)
					sees := func(when string, want, asked int) {
						t.Helper()
						db := p.cached.WithContext(querycache.WithOptions(context.Background(), c.opts...))
						before := p.cached.Recorder.Queries()
						got, err := age(db)
						synctest.Wait() // for a refresh in the background
						if n := p.cached.Recorder.Queries() - before; err != nil || got != want || n != asked {
							t.Errorf("%s, %s: %d (%v) with %d queries, want %d with %d", name, when, got, err, n, want, asked)
						}
					}
					sees("cold", 30, 1)
					p.ages(t, 40)
					time.Sleep(9 * time.Second)
					sees("fresh", 30, 0)
					time.Sleep(5 * time.Second)
					sees("stale", 30, 1)
					sees("refreshed", 40, 0)
					p.ages(t, 50)
					time.Sleep(21 * time.Second)
					sees("past the window", 50, 1)
					time.Sleep(15 * time.Second)
					must(t, p.cached.Exec("UPDATE users SET age = 60").Error)
					sees("after a write", 60, 1)
				}
			})
		})
	}
}

// However many read a stale result, one read in the background replaces it; if it fails, the stale one stays.
func TestOneRefreshAtATime(t *testing.T) {
	bubble(t, querycache.Config{Tiered: tiered.Config{L1TTL: time.Second, SWR: time.Hour}}, func(t *testing.T, p *pair) {
		age := func() {
			t.Helper()
			if n, err := seesAge["Find"](p.cached.DB); err != nil || n != 30 {
				t.Errorf("%d, %v", n, err)
			}
		}
		p.ages(t, 30)
		age()
		time.Sleep(2 * time.Second)
		hold := make(chan struct{})
		p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
			if ev.Op == testdb.OpQuery {
				<-hold
				return errBroken
			}
			return nil
		}})
		if n := p.asks(func() {
			for range 20 {
				age()
			}
			synctest.Wait()
		}); n > 1 {
			t.Errorf("%d refreshes at a time", n)
		}
		close(hold)
		synctest.Wait()
		age() // and a second refresh that fails
		synctest.Wait()
		age()
		synctest.Wait()
		p.cached.Recorder.SetHooks(testdb.Hooks{})
	})
}

// The database fails. Past its TTL and within the window a result is the answer nevertheless; past the
// window, and after a write, the error is.
func TestStaleIfError(t *testing.T) {
	for how, c := range map[string]struct {
		config querycache.Config
		opts   []querycache.Option
	}{
		"by Config":      {querycache.Config{Tiered: tiered.Config{L1TTL: 10 * time.Second, StaleIfError: time.Minute}}, nil},
		"by the query":   {querycache.Config{}, []querycache.Option{querycache.TTL(10 * time.Second), querycache.StaleIfError(time.Minute)}},
		"by the table":   {querycache.Config{Tables: map[string]querycache.TableRule{"users": {TTL: 10 * time.Second, StaleIfError: time.Minute}}}, nil},
		"network-first":  {querycache.Config{}, []querycache.Option{querycache.TTL(10 * time.Second), querycache.StaleIfError(time.Minute), querycache.WithPolicy(querycache.NetworkFirst)}},
		"beside an SWR":  {querycache.Config{}, []querycache.Option{querycache.TTL(10 * time.Second), querycache.SWR(time.Second), querycache.StaleIfError(time.Minute)}},
		"off by default": {querycache.Config{Tiered: tiered.Config{L1TTL: 10 * time.Second}}, nil},
		"off by a query": {querycache.Config{Tiered: tiered.Config{L1TTL: 10 * time.Second, StaleIfError: time.Minute}}, []querycache.Option{querycache.StaleIfError(0)}},
	} {
		t.Run(how, func(t *testing.T) {
			bubble(t, c.config, func(t *testing.T, p *pair) {
				off := how == "off by default" || how == "off by a query"
				for name, age := range seesAge {
					must(t, p.cached.Exec("UPDATE users SET age = 30").Error)
					sees := func(when string, want int, fails bool) {
						t.Helper()
						got, err := age(p.cached.WithContext(querycache.WithOptions(context.Background(), c.opts...)))
						if errors.Is(err, errBroken) != fails || !fails && (err != nil || got != want) {
							t.Errorf("%s, %s: %d (%v), want %d, failing: %v", name, when, got, err, want, fails)
						}
						synctest.Wait()
					}
					sees("cold", 30, false)
					p.ages(t, 40)
					time.Sleep(15 * time.Second)
					mend := breaks(p)
					sees("the database fails", 30, off)
					sees("it fails again", 30, off)
					time.Sleep(time.Minute)
					sees("past the window", 0, true)
					mend()
					sees("mended", 40, false)
					must(t, p.cached.Exec("UPDATE users SET age = 50").Error)
					mend = breaks(p)
					sees("after a write", 0, true)
					mend()
					sees("mended", 50, false)
				}
			})
		})
	}
}
