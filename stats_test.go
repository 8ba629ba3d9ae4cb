package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

// adds checks that the parts of Stats add up: the tables, the operations and the tier tell of the same
// reads as the whole.
func adds(t *testing.T, s querycache.Stats) {
	t.Helper()
	total := querycache.ReadStats{
		Hits: s.Hits, Stale: s.Stale, Shared: s.Shared, Misses: s.Misses, Bypassed: sum(s.Bypassed), Errors: s.Errors,
	}
	for name, parts := range map[string]map[string]querycache.ReadStats{"Tables": s.Tables, "Operations": s.Operations} {
		var got querycache.ReadStats
		for _, r := range parts {
			got.Hits += r.Hits
			got.Stale += r.Stale
			got.Shared += r.Shared
			got.Misses += r.Misses
			got.Bypassed += r.Bypassed
			got.Errors += r.Errors
		}
		if got != total {
			t.Errorf("%s add up to %+v, the reads are %+v", name, got, total)
		}
	}
	if s.Reads() != total.Reads() {
		t.Errorf("%d reads, but %+v", s.Reads(), total)
	}
	if len(s.Tiers) != 1 || s.Tiers[0].Hits != s.Hits+s.Stale || s.Tiers[0].Misses != s.Shared+s.Misses {
		t.Errorf("the tiers %+v do not tell of %+v", s.Tiers, total)
	}
	if n := sum(s.Rejected); n != s.Rejections {
		t.Errorf("%d rejections, by cause %v", s.Rejections, s.Rejected)
	}
	var runs uint64
	for _, n := range s.Database.Buckets {
		runs += n
	}
	if runs != s.Database.Count || s.Database.Max > s.Database.Total {
		t.Errorf("the latency does not add up: %+v", s.Database)
	}
}

// counts is a Stats of few numbers, to compare with.
type counts struct {
	Table, Operation string
	querycache.ReadStats
}

// Every way to read and every way to be answered is counted once, under its table and operation.
func TestEachReadIsCountedOnce(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		hit, miss := querycache.ReadStats{Hits: 1}, querycache.ReadStats{Misses: 1}
		bypass := querycache.ReadStats{Bypassed: 1}
		var us []User
		var names []string
		var n int64
		rows := func(tx *gorm.DB) error {
			rows, err := tx.Rows()
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return errors.Join(rows.Err(), rows.Close())
		}
		users := func(op string, of querycache.ReadStats) []counts { return []counts{{"users", op, of}} }
		for _, c := range []struct {
			name string
			read func(db *gorm.DB) error
			want []counts
		}{
			{"find", func(db *gorm.DB) error { return db.Find(&us).Error }, users("find", miss)},
			{"find again", func(db *gorm.DB) error { return db.Find(&us).Error }, users("find", hit)},
			{"first", func(db *gorm.DB) error { return db.First(&User{}, 1).Error }, users("first", miss)},
			{"first again", func(db *gorm.DB) error { return db.First(&User{}, 1).Error }, users("first", hit)},
			{"first of none", func(db *gorm.DB) error { _ = db.First(&User{}, 99).Error; return nil }, users("first", miss)},
			{"count", func(db *gorm.DB) error { return db.Model(&User{}).Count(&n).Error }, users("count", miss)},
			{"pluck", func(db *gorm.DB) error { return db.Model(&User{}).Pluck("name", &names).Error }, users("pluck", miss)},
			{"scan", func(db *gorm.DB) error { return db.Table("users").Scan(&us).Error }, users("rows", miss)},
			{"rows", func(db *gorm.DB) error { return rows(db.Model(&User{}).Where("id > 1")) }, users("rows", miss)},
			{"rows again", func(db *gorm.DB) error { return rows(db.Model(&User{}).Where("id > 1")) }, users("rows", hit)},
			{"row", func(db *gorm.DB) error { return db.Model(&User{}).Select("count(*)").Row().Scan(&n) }, users("row", miss)},
			{"an alias", func(db *gorm.DB) error { return db.Table("users AS u").Find(&[]map[string]any{}).Error }, users("find", miss)},
			{"raw", func(db *gorm.DB) error {
				return db.Raw("SELECT users.id FROM users JOIN accounts ON accounts.user_id = users.id").Find(&[]map[string]any{}).Error
			}, []counts{{"accounts", "find", miss}}}, // the first in the alphabet
			{"a refresh", func(db *gorm.DB) error { return db.Scopes(querycache.Refresh).Find(&us).Error }, users("find", miss)},
			{"skipped", func(db *gorm.DB) error { return db.Scopes(querycache.Skip).Find(&us).Error }, users("find", bypass)},
			{"skipped rows", func(db *gorm.DB) error { return rows(db.Scopes(querycache.Skip).Model(&User{})) }, users("rows", bypass)},
			{"skipped raw", func(db *gorm.DB) error {
				return db.Scopes(querycache.Skip).Raw("SELECT 1").Find(&n).Error
			}, []counts{{"(none)", "count", bypass}}},
			{"in a transaction", func(db *gorm.DB) error {
				return db.Transaction(func(tx *gorm.DB) error { return tx.Find(&us).Error })
			}, users("find", bypass)},
			{"an impure one", func(db *gorm.DB) error {
				return db.Find(&us, "birthday < CURRENT_TIMESTAMP").Error
			}, users("find", bypass)},
			{"with preloads", func(db *gorm.DB) error { return db.Preload("Account").Preload("Pets").Order("age").Find(&us).Error },
				[]counts{{"users", "find", miss}, {"accounts", "find", miss}, {"pets", "find", miss}}},
			{"with preloads again", func(db *gorm.DB) error { return db.Preload("Account").Preload("Pets").Order("age").Find(&us).Error },
				[]counts{{"users", "find", hit}, {"accounts", "find", hit}, {"pets", "find", hit}}},
			{"one that fails", func(db *gorm.DB) error {
				_ = db.Where("nosuchcolumn = 1").Find(&us).Error
				return nil
			}, users("find", miss)},
			{"rows that fail", func(db *gorm.DB) error {
				_ = rows(db.Model(&User{}).Where("nosuchcolumn = 1"))
				return nil
			}, users("rows", miss)},
			{"a context that ended", func(db *gorm.DB) error {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				_ = db.WithContext(ctx).Where("id > 3").Find(&us).Error
				return nil
			}, users("find", miss)},
			{"only from the cache", func(db *gorm.DB) error {
				err := db.Scopes(querycache.WithPolicy(querycache.CacheOnly)).Where("id > 2").Find(&us).Error
				if !errors.Is(err, querycache.ErrCacheMiss) {
					return fmt.Errorf("got %v", err)
				}
				return nil
			}, users("find", miss)},
			{"no read", func(db *gorm.DB) error { return db.Model(&User{}).Where("id = 4").Update("age", 24).Error }, nil},
			{"dry", func(db *gorm.DB) error { return db.Session(&gorm.Session{DryRun: true}).Find(&us).Error }, nil},
		} {
			before := p.cache.Stats()
			if err := c.read(p.cached.DB); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			after := p.cache.Stats()
			adds(t, after)
			got := after.Sub(before)
			if got.Reads() != uint64(len(c.want)) || len(got.Tables) != len(c.want) {
				t.Errorf("%s: counted %+v, want %+v", c.name, got.Tables, c.want)
			}
			for _, w := range c.want {
				if got.Tables[w.Table] != w.ReadStats {
					t.Errorf("%s: of %s: %+v, want %+v", c.name, w.Table, got.Tables[w.Table], w.ReadStats)
				}
				if got.Operations[w.Operation] == (querycache.ReadStats{}) {
					t.Errorf("%s: no %s in %+v", c.name, w.Operation, got.Operations)
				}
			}
		}
		if s := p.cache.Stats(); s.InFlight != 0 || s.Database.Count == 0 || s.Errors != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// Readers and writers all at once, with flights, stale results, refreshes, bypasses and errors: as many reads
// are counted as were made.
func TestCountingIsExactUnderLoad(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	w := &watching{}
	p := open(t, d, opening{Config: querycache.Config{
		Tiered: tiered.Config{SWR: time.Hour}, Observers: []any{w},
	}})
	const workers, each = 8, 150
	var made atomic.Uint64
	var all sync.WaitGroup
	for i := range workers {
		random := rand.New(rand.NewPCG(1, uint64(i)))
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for range each {
				var us []User
				var n int64
				id := random.IntN(4) + 1
				made.Add(1)
				switch random.IntN(9) {
				case 0:
					_ = p.cached.First(&User{}, id)
				case 1:
					p.cached.Scopes(querycache.TTL(1)).Find(&us) // stale at once
				case 2:
					p.cached.Model(&User{}).Count(&n)
				case 3:
					made.Add(1)
					p.cached.Preload("Account").Find(&us)
				case 4:
					p.cached.Scopes(querycache.Skip).Find(&us)
				case 5:
					p.cached.Where("nosuchcolumn = 1").Find(&us)
				case 6:
					p.cached.Table("pets").Scan(&[]Pet{})
				case 7:
					ended, end := context.WithCancel(ctx)
					end()
					p.cached.WithContext(ended).Where("age > ?", random.IntN(9)).Find(&us)
				case 8:
					made.Add(^uint64(0))
					p.cached.Model(&User{}).Where("id = ?", id).Update("age", random.IntN(99))
				}
			}
		})
	}
	all.Wait()
	must(t, p.cache.Close(context.Background())) // no refresh runs any more
	s := p.cache.Stats()
	adds(t, s)
	if s.Reads() != made.Load() {
		t.Errorf("%d reads counted, %d made: %+v", s.Reads(), made.Load(), s)
	}
	if s.Stale == 0 || s.Refreshes.Started == 0 || s.Hits == 0 || sum(s.Bypassed) == 0 {
		t.Errorf("too little happened: %+v", s)
	}
	if s.InFlight != 0 || s.Invalidations.Pending != 0 {
		t.Errorf("something is under way still: %+v", s)
	}
	if got := w.byOutcome(); got[querycache.OutcomeHit] != int(s.Hits) || got[querycache.OutcomeStale] != int(s.Stale) ||
		got[querycache.OutcomeShared] != int(s.Shared) || got[querycache.OutcomeMiss] != int(s.Misses) ||
		got[querycache.OutcomeBypass] != int(sum(s.Bypassed)) || got[querycache.OutcomeError] != int(s.Errors) {
		t.Errorf("observers were told of %v, counted are %+v", got, s)
	}
}

func TestStatsOfAFlight(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d)
	leader, led := p.lead(t, t.Context(), nil, &[]User{})
	if s := p.cache.Stats(); s.InFlight != 1 || s.Reads() != 0 {
		t.Errorf("while one is read: %+v", s)
	}
	arrived := arrivals(p.cached.DB, 2)
	ctx, cancel := context.WithCancel(t.Context())
	impatient, patient := make(chan error), make(chan error)
	go func() { impatient <- p.cached.WithContext(ctx).Order("id").Find(&[]User{}).Error }()
	go func() { patient <- p.cached.Order("id").Find(&[]User{}).Error }()
	<-arrived
	cancel()
	if err := <-impatient; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(leader.open)
	must(t, <-led)
	must(t, <-patient)
	s := p.cache.Stats()
	adds(t, s)
	// The one that waited may have come only when the result was there.
	if s.Misses != 1 || s.Shared+s.Hits != 1 || s.Errors != 1 || s.InFlight != 0 || s.Database.Count != 1 || s.Stores != 1 {
		t.Errorf("%+v", s)
	}
	if rate := s.HitRate(); rate != 0.5 {
		t.Errorf("the hit rate is %v", rate)
	}
}

func TestRejectionsAreCountedByCause(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d)
	for cause, read := range map[querycache.Rejection]func() error{
		querycache.RejectedTooManyRows: func() error {
			return p.cached.Scopes(querycache.MaxRows(2)).Find(&[]User{}).Error
		},
		querycache.RejectedTooLarge: func() error {
			return p.cached.Scopes(querycache.MaxBytes(10)).Order("age").Find(&[]User{}).Error
		},
		querycache.RejectedUnread: func() error {
			rows, err := p.cached.Model(&User{}).Order("name").Rows()
			if err != nil {
				return err
			}
			rows.Next()
			return rows.Close()
		},
	} {
		before := p.cache.Stats()
		must(t, read())
		s := p.cache.Stats()
		adds(t, s)
		got := s.Sub(before)
		if got.Rejected[cause] != 1 || got.Rejections != 1 || got.Misses != 1 || got.Stores != 0 {
			t.Errorf("%s: %+v", cause, got)
		}
	}
}

// The number of tables that are told apart is bounded; what is beyond is not lost.
func TestStatsOfManyTables(t *testing.T) {
	t.Parallel()
	p := open(t, testdb.New(t, testdb.SQLite))
	const n = 1100
	for range 2 {
		for i := range n {
			_ = p.cached.Table(fmt.Sprintf("Nowhere.t%d", i)).Find(&[]map[string]any{})
		}
	}
	s := p.cache.Stats()
	adds(t, s)
	if s.Reads() != 2*n || len(s.Tables) != 1025 || s.Tables["t7"].Bypassed != 2 || s.Tables["(other)"].Bypassed != 2*(n-1024) {
		t.Errorf("%d tables, %d reads, t7 %+v, others %+v", len(s.Tables), s.Reads(), s.Tables["t7"], s.Tables["(other)"])
	}
}

func TestLatencyBounds(t *testing.T) {
	t.Parallel()
	bounds := querycache.LatencyBounds()
	var l querycache.Latency
	if len(bounds)+1 != len(l.Buckets) || l.Mean() != 0 {
		t.Errorf("%d bounds of %d buckets", len(bounds), len(l.Buckets))
	}
	for i := 1; i < len(bounds); i++ {
		if bounds[i] <= bounds[i-1] {
			t.Errorf("%v after %v", bounds[i], bounds[i-1])
		}
	}
	bounds[0] = 0
	if querycache.LatencyBounds()[0] == 0 {
		t.Error("a caller may write into the bounds")
	}
}
