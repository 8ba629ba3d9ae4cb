package querycache_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/cachetest"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/key"
	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

func store(t *testing.T, cfg memory.Config) tiered.Local {
	t.Helper()
	s, err := memory.Open[*tiered.Entry](cfg)
	must(t, err)
	return s
}

// TestAFirstTierOfOnesOwn: it is used, and what it counts is shown.
func TestAFirstTierOfOnesOwn(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		own := store(t, memory.Config{Engine: memory.EngineGoCache})
		p := open(t, d, opening{Config: querycache.Config{L1: own}})
		p.hits(t, finishers["First"])
		entries := 0
		own.Range(func(string, *tiered.Entry) bool { entries++; return true })
		if s := p.cache.Stats(); entries == 0 || s.Entries != entries || s.Bytes == 0 {
			t.Errorf("%d entries in the tier, %d and %d bytes counted", entries, s.Entries, s.Bytes)
		}
	})
}

// TestATierThatFails: whatever a tier of the program's own drops, forgets or panics at, queries get what plain
// GORM says; who invalidates is told.
func TestATierThatFails(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		var logged bytes.Buffer
		p := open(t, d, opening{Config: querycache.Config{
			L1:     cachetest.Faulty(store(t, memory.Config{}), cachetest.Faults{Seed: 7, DropSets: 0.1, Forget: 0.1, Panics: 0.3}),
			Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		}})
		var told error
		for range 40 {
			for _, name := range []string{"First", "Find", "Count", "Rows", "Scan into structs", "ErrRecordNotFound"} {
				read := finishers[name]
				want := attempt(read, p.plain.DB)
				same(t, attempt(read, p.cached.DB), want)
			}
			must(t, p.cached.Model(&User{}).Where("id = ?", 2).Update("age", gorm.Expr("age + 1")).Error)
			for _, invalidate := range []func() (int, error){
				func() (int, error) { return p.cache.InvalidatePattern(t.Context(), key.Entity("users")) },
				func() (int, error) { return p.cache.InvalidateTable(t.Context(), "users") },
				func() (int, error) { return p.cache.Clear(t.Context()) },
			} {
				if _, err := invalidate(); err != nil {
					told = errors.Join(told, err)
					if !errors.Is(err, querycache.ErrTier) {
						t.Errorf("an error that is not of the tier: %v", err)
					}
				}
			}
		}
		s, h := p.cache.Stats(), p.cache.Health()
		if told == nil || s.Tiers[0].Errors == 0 || h.State != querycache.HealthDegraded {
			t.Errorf("nobody was told: %v, %+v, %+v", told, s.Tiers, h)
		}
		if n := strings.Count(logged.String(), "panicked"); n != 1 {
			t.Errorf("panics were logged %d times, want once: %s", n, &logged)
		}
		_ = p.cache.Close(context.Background()) // its error is the tier's
	})
}

// TestJitterSpreadsExpiry: results that were read together end one by one, none before its time less the jitter
// and none after its time with it.
func TestJitterSpreadsExpiry(t *testing.T) {
	bubble(t, querycache.Config{Tiered: tiered.Config{L1TTL: 10 * time.Second, Jitter: 0.5}}, func(t *testing.T, p *pair) {
		read := func() (asked int) {
			for age := range 100 {
				var us []User
				asked += p.asks(func() { must(t, p.cached.Where("age <> ?", 100+age).Find(&us).Error) })
			}
			return asked
		}
		read()
		time.Sleep(5*time.Second - time.Millisecond)
		if n := read(); n != 0 {
			t.Errorf("%d of 100 results ended too early", n)
		}
		time.Sleep(5 * time.Second)
		if n := read(); n < 20 || n > 80 {
			t.Errorf("%d of 100 results had ended at the time without jitter", n)
		}
		time.Sleep(5*time.Second + 2*time.Millisecond)
		if n := read(); n < 20 {
			t.Errorf("%d results ended: those that lasted longest are still there", n)
		}
	})
}
