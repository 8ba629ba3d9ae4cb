package querycache_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

// carriers are the ways by which options reach a query and its preload. Each reads users with their pets.
var carriers = map[string]func(opts ...querycache.Option) reading{
	"scopes":      func(opts ...querycache.Option) reading { return scopedBy(allUsers, opts...) },
	"the context": func(opts ...querycache.Option) reading { return in(allUsers, opts...) },
	"G and the context": func(opts ...querycache.Option) reading {
		return func(db *gorm.DB) any {
			us, err := gorm.G[User](db).Preload("Pets", nil).Order("id").Find(querycache.WithOptions(context.Background(), opts...))
			return []any{us, err}
		}
	},
	"G and Generic": func(opts ...querycache.Option) reading {
		return func(db *gorm.DB) any {
			us, err := gorm.G[User](db).Scopes(querycache.Generic(opts...)).Preload("Pets", nil).Order("id").Find(context.Background())
			return []any{us, err}
		}
	},
	"both": func(opts ...querycache.Option) reading {
		n := len(opts) / 2
		return in(scopedBy(allUsers, opts[n:]...), opts[:n]...)
	},
}

func TestOptionsReachPreloadsByEveryCarrier(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		for name, carry := range carriers {
			t.Run(name, func(t *testing.T) {
				p := open(t, d)
				p.bypasses(t, carry(querycache.Skip), querycache.ReasonSkip)
				p.bypasses(t, carry(querycache.WithPolicy(querycache.NetworkOnly)), querycache.ReasonPolicy)
				p.bypasses(t, carry(querycache.TTL(-1)), querycache.ReasonOption)
				if s := p.cache.Stats(); s.Stores != 0 {
					t.Errorf("stored: %+v", s)
				}
				p.compare(t, carry(querycache.MaxRows(2)), asPlain)
				p.compare(t, carry(querycache.MaxBytes(1)), asPlain)
				p.compare(t, carry(querycache.Negative(false), querycache.Refresh), asPlain)
				p.hits(t, carry(querycache.Tags("a"), querycache.Tags("b")))
				if n, err := p.cache.InvalidateTags(context.Background(), "b"); n != 2 || err != nil {
					t.Errorf("%d results died of the tag (%v), want the users and the pets", n, err)
				}
				p.hits(t, carry(querycache.Tenant("t"), querycache.Named("n")))
				before := p.cache.Stats()
				p.hits(t, carry(querycache.Tenant("t"), querycache.Named("other")))
				p.hits(t, carry(querycache.Tenant("u"), querycache.Named("n")))
				if s := p.cache.Stats(); s.Misses-before.Misses != 4 {
					t.Errorf("another name and another tenant: %d misses, want 4", s.Misses-before.Misses)
				}

				// The users are cached, their pets are not any more.
				only := carry(querycache.WithPolicy(querycache.CacheOnly), querycache.Tags("c"))
				carry(querycache.Tags("c"))(p.cached.DB)
				p.wants(t, "cache-only", only, allUsersBy(name, p.plain.DB), 0)
				must(t, p.cached.Exec("UPDATE pets SET name = name WHERE id = 77").Error)
				if got, n := p.asked(only); !errors.Is(failure(got), querycache.ErrCacheMiss) || n != 0 {
					t.Errorf("the preload misses: %v, %d queries", failure(got), n)
				}
			})
		}
	})
}

// allUsersBy is what plain GORM says to a reading of a carrier.
func allUsersBy(carrier string, db *gorm.DB) any { return carriers[carrier]()(db) }

func TestNamesAndTenants(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		type key struct{}
		p := open(t, d, opening{Config: querycache.Config{Tenant: func(ctx context.Context) string {
			s, _ := ctx.Value(key{}).(string)
			return s
		}}})
		misses := func(want uint64, read reading) {
			t.Helper()
			before := p.cache.Stats().Misses
			p.hits(t, read)
			if got := p.cache.Stats().Misses - before; got != want {
				t.Errorf("%d misses, want %d", got, want)
			}
		}
		for _, read := range []reading{controlled["Find"], controlled["Count"], controlled["Rows"]} {
			of := func(tenant string, read reading) reading {
				return func(db *gorm.DB) any {
					return read(db.WithContext(context.WithValue(db.Statement.Context, key{}, tenant)))
				}
			}
			misses(1, read)
			misses(1, in(read, querycache.Named("x")))
			misses(1, in(read, querycache.Named("y"), querycache.Named("x")))
			misses(0, in(read, querycache.Named("x"), querycache.Named("y")))
			misses(1, in(read, querycache.Tags("x"))) // a tag is no name
			misses(1, of("a", read))
			misses(0, in(read, querycache.Tenant("a")))
			misses(0, of("b", in(read, querycache.Tenant("a")))) // the option, not the context's
			misses(0, of("b", in(read, querycache.Tenant(""))))
			misses(1, in(read, querycache.Tenant("b")))
		}
		e, err := querycache.Explain(p.cached.DB, func(tx *gorm.DB) *gorm.DB {
			return tx.Scopes(querycache.Named("n"), querycache.Tenant("acme"), querycache.Tags("t")).Find(&[]User{})
		})
		if err != nil || strings.Join(e.Names, " ") != "n" || strings.Join(e.Tags, " ") != "t" || !strings.Contains(e.Key, "acme") {
			t.Errorf("explained: %+v, %v", e, err)
		}
	})
}

func TestStatusOfAQuery(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		var s querycache.Status
		into := querycache.StatusInto(&s)
		is := func(what string, read reading, outcome querycache.Outcome, reason querycache.Reason) {
			t.Helper()
			s = querycache.Status{}
			read(p.cached.DB)
			tier := ""
			if outcome == querycache.OutcomeHit {
				tier = "memory"
			}
			if s.Outcome != outcome || s.Reason != reason || s.Tier != tier || (s.Age > 0) != (tier != "") {
				t.Errorf("%s: %+v (%v), want %v", what, s, s, outcome)
			}
		}
		for name, read := range controlled {
			if name == "preloads" {
				continue
			}
			// By the context; where scopes are read, by a scope too.
			is(name+", cold", in(read, into, querycache.Refresh), querycache.OutcomeMiss, "")
			is(name+", warm", in(read, into), querycache.OutcomeHit, "")
			is(name+", skipped", in(read, into, querycache.Skip), querycache.OutcomeBypass, querycache.ReasonSkip)
			is(name+", network-first", in(read, into, querycache.WithPolicy(querycache.NetworkFirst)), querycache.OutcomeMiss, "")
			is(name+", cache-only", in(read, into, querycache.WithPolicy(querycache.CacheOnly), querycache.Tags("none")), querycache.OutcomeMiss, "")
			if name != "G" {
				is(name+", by a scope", scopedBy(read, into), querycache.OutcomeHit, "")
			}
			is(name+", in a transaction", func(db *gorm.DB) any {
				return db.Transaction(func(tx *gorm.DB) error { in(read, into)(tx); return nil })
			}, querycache.OutcomeBypass, querycache.ReasonTransaction)
		}
		// The query's own status and not that of its preload, by a scope; that of the last read, by the context.
		carriers["scopes"]()(p.cached.DB)
		must(t, p.cached.Exec("UPDATE pets SET name = name WHERE id = 1").Error)
		is("a scope with a preload that misses", scopedBy(allUsers, into), querycache.OutcomeHit, "")
		must(t, p.cached.Exec("UPDATE pets SET name = name WHERE id = 1").Error)
		is("Generic with a preload that misses", carriers["G and Generic"](into), querycache.OutcomeHit, "")
		must(t, p.cached.Exec("UPDATE pets SET name = name WHERE id = 1").Error)
		is("a context with a preload that misses", in(allUsers, into), querycache.OutcomeMiss, "")
		// One session, two queries.
		is("the second query of a session", func(db *gorm.DB) any {
			tx := db.Model(&User{}).Scopes(into)
			var n int64
			tx.Count(&n)
			return tx.Where("name = ?", "nobody like that").Find(&[]User{})
		}, querycache.OutcomeMiss, "")
		is("a statement that cannot be built", in(func(db *gorm.DB) any { return db.Find(nil) }, into), querycache.OutcomeNone, "")
		is("a write", in(func(db *gorm.DB) any { return db.Exec("UPDATE pets SET name = name WHERE id = 1") }, into), querycache.OutcomeNone, "")
	})
}

// Reads of one context may run at the same time. (The race detector looks on.)
func TestStatusThroughASharedContext(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		var s querycache.Status
		db := p.cached.WithContext(querycache.WithOptions(context.Background(), querycache.StatusInto(&s)))
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 20 {
					allUsers(db)
				}
			})
		}
		all.Wait()
		if s.Outcome != querycache.OutcomeHit && s.Outcome != querycache.OutcomeShared {
			t.Errorf("%v", s)
		}
	})
}

func TestStatusOfStaleAndSharedReads(t *testing.T) {
	bubble(t, querycache.Config{Tiered: tiered.Config{L1TTL: time.Second, SWR: time.Minute, StaleIfError: time.Hour}}, func(t *testing.T, p *pair) {
		var s querycache.Status
		read := func(opts ...querycache.Option) {
			t.Helper()
			s = querycache.Status{}
			if err := failure(in(controlled["Find"], append(opts, querycache.StatusInto(&s))...)(p.cached.DB)); err != nil {
				t.Error(err)
			}
		}
		read()
		time.Sleep(30 * time.Second)
		read()
		if s.Outcome != querycache.OutcomeStale || s.Tier != "memory" || s.Age != 30*time.Second {
			t.Errorf("within the window: %v", s)
		}
		synctest.Wait() // the refresh overwrites no status
		if s.Outcome != querycache.OutcomeStale {
			t.Errorf("after the refresh: %v", s)
		}
		time.Sleep(10 * time.Minute)
		mend := breaks(p)
		read()
		mend()
		if s.Outcome != querycache.OutcomeStale || s.Age != 10*time.Minute {
			t.Errorf("the database fails: %v", s)
		}

		hold := make(chan struct{})
		p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
			if ev.Op == testdb.OpQuery {
				<-hold
			}
			return nil
		}})
		statuses := make([]querycache.Status, 5)
		var all sync.WaitGroup
		for i := range statuses {
			all.Go(func() { in(allPets, querycache.StatusInto(&statuses[i]))(p.cached.DB) })
		}
		synctest.Wait()
		close(hold)
		all.Wait()
		counts := map[querycache.Outcome]int{}
		for _, s := range statuses {
			counts[s.Outcome]++
		}
		if counts[querycache.OutcomeMiss] != 1 || counts[querycache.OutcomeShared] != 4 {
			t.Errorf("five at a time: %v", counts)
		}
	})
}

// Options that cannot be used are no error of the query's. It is answered, and Explain says what is wrong.
func TestOptionsThatCannotBeUsed(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		for told, opt := range map[string]querycache.Option{
			"TTL(-1s)": querycache.TTL(-time.Second), "SWR(-1s)": querycache.SWR(-time.Second),
			"StaleIfError(-1s)": querycache.StaleIfError(-time.Second), "MaxRows(-1)": querycache.MaxRows(-1),
			"MaxBytes(-1)": querycache.MaxBytes(-1), "WithPolicy(77)": querycache.WithPolicy(77),
			"Named": querycache.Named(""), "Tags": querycache.Tags("a", ""), "StatusInto(nil)": querycache.StatusInto(nil),
		} {
			for name, carry := range carriers {
				t.Run(told+" by "+name, func(t *testing.T) { p.bypasses(t, carry(opt), querycache.ReasonOption) })
			}
			e, err := querycache.Explain(p.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Scopes(opt).Find(&[]User{}) })
			if err != nil || e.Reason != querycache.ReasonOption || !strings.Contains(e.Detail, told) {
				t.Errorf("%s: explained as %q (%s), %v", told, e.Reason, e.Detail, err)
			}
		}
		adults := func(db *gorm.DB) *gorm.DB { return db.Where("age > 18") }
		p.bypasses(t, in(allUsers, adults), querycache.ReasonOption)
		p.hits(t, scopedBy(allUsers, adults, querycache.TTL(time.Hour)))
	})
}

// Whatever is asked for, however often and by whatever carrier, between writes: the answer is the
// database's, and no read asks it more often than plain GORM does.
func TestOptionsInAnyCombination(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		seed := rand.Uint64()
		rng := rand.New(rand.NewPCG(seed, 7))
		var s querycache.Status
		options := []querycache.Option{
			querycache.Skip, querycache.Refresh, querycache.Cache, querycache.TTL(time.Hour), querycache.TTL(time.Nanosecond), querycache.TTL(0),
			querycache.SWR(time.Hour), querycache.SWR(0), querycache.StaleIfError(time.Hour), querycache.MaxRows(1), querycache.MaxRows(100),
			querycache.MaxBytes(1), querycache.Negative(false), querycache.Negative(true), querycache.Tags("a"), querycache.Tags("b", "c"),
			querycache.Named("n"), querycache.Tenant("t"), querycache.Tenant(""), querycache.StatusInto(&s),
			querycache.WithPolicy(querycache.CacheFirst), querycache.WithPolicy(querycache.NetworkFirst), querycache.WithPolicy(querycache.NetworkOnly),
			querycache.WithPolicy(querycache.StaleWhileRevalidate), querycache.WithPolicy(querycache.PolicyDefault), querycache.MaxRows(-1),
		}
		some := func() (list []querycache.Option) {
			for range rng.IntN(3) {
				list = append(list, options[rng.IntN(len(options))])
			}
			return list
		}
		ways := []reading{finishers["ErrRecordNotFound"], usersWithPets}
		for _, name := range []string{"Find", "First", "Joins", "maps", "Count", "Pluck", "Scan", "Raw", "Row", "Rows", "FindInBatches", "preloads"} {
			ways = append(ways, controlled[name])
		}
		caches := []*pair{
			open(t, d),
			open(t, d, opening{Config: querycache.Config{OptIn: true, Tables: map[string]querycache.TableRule{"users": {On: true, MaxRows: 2}}}}),
			open(t, d, opening{Config: querycache.Config{
				Policy: querycache.StaleWhileRevalidate, Tables: map[string]querycache.TableRule{"pets": {Off: true}, "companies": {Policy: querycache.NetworkFirst}},
			}}),
		}
		for step := range 300 {
			if rng.IntN(6) == 0 { // all of them share the database's tags, whichever of them writes
				must(t, caches[rng.IntN(len(caches))].cached.Exec("UPDATE users SET age = ? WHERE id = ?", rng.IntN(90), 1+rng.IntN(4)).Error)
			}
			p := caches[rng.IntN(len(caches))]
			scopes, own, way := some(), some(), ways[rng.IntN(len(ways))]
			read := in(scopedBy(way, scopes...), own...)
			before := p.plain.Recorder.Queries()
			want := way(p.plain.DB)
			plain := p.plain.Recorder.Queries() - before
			for range 2 { // the second may hit
				was := p.cache.Stats()
				got, asked := p.asked(read)
				is := p.cache.Stats()
				// Of a result that lives for a nanosecond, a refresh in the background may be among the queries.
				quiet := was.Stale == is.Stale && was.Refreshes.Started == was.Refreshes.Ended && is.Refreshes.Started == was.Refreshes.Started
				if diff := testdb.Equal(got, want); diff != "" || asked > plain && quiet {
					t.Fatalf("step %d of seed %d: %d queries, plain GORM makes %d\n%s", step, seed, asked, plain, diff)
				}
			}
			if n := p.cached.Recorder.OpenRows(); n > 1 {
				t.Fatalf("step %d of seed %d: %d row sets left open", step, seed, n)
			}
		}
		if s := caches[0].cache.Stats(); s.Hits == 0 || s.Misses == 0 || s.Stores == 0 {
			t.Errorf("seed %d tries nothing: %+v", seed, s)
		}
	})
}
