package querycache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// TestALoadThatReadsInATransaction: what it saw there, rows that are rolled back among them, is for its caller only.
func TestALoadThatReadsInATransaction(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		count := func(ctx context.Context, db *gorm.DB, inner bool) int64 {
			o := querycache.FetchOptions{Models: []any{&Language{}}, SWR: time.Hour}
			load := func(ctx context.Context) (n int64, err error) {
				return n, db.WithContext(ctx).Model(&Language{}).Count(&n).Error
			}
			if inner { // the reading is deeper
				deepest := load
				load = func(ctx context.Context) (int64, error) {
					return querycache.Fetch(ctx, p.cache, "inner", o, deepest)
				}
			}
			n, err := querycache.Fetch(ctx, p.cache, "languages", o, func(ctx context.Context) (n int64, err error) {
				n, err = load(ctx)
				return n, err
			})
			must(t, err)
			return n
		}
		for _, inner := range []bool{false, true} {
			before := count(t.Context(), p.cached.DB, inner)
			_, err := p.cache.Clear(t.Context())
			must(t, err)
			_ = p.cached.Transaction(func(tx *gorm.DB) error {
				must(t, tx.Create(&Language{Code: "xx", Name: "Unknown"}).Error)
				if n := count(t.Context(), tx, inner); n != before+1 {
					t.Errorf("in the transaction there are %d, want %d", n, before+1)
				}
				return errors.New("no")
			})
			if n := count(t.Context(), p.cached.DB, inner); n != before {
				t.Errorf("after the rollback there are %d, want %d", n, before)
			}
			if p.cache.Stats().Rejected[querycache.RejectedPrivate] == 0 {
				t.Error("nobody is told why it was not stored")
			}
		}
	})
}

// TestTTLBoundsTheAgeOfWhatOthersStored: a query that says how long its result may be kept is not given an older one,
// whoever stored it.
func TestTTLBoundsTheAgeOfWhatOthersStored(t *testing.T) {
	bubble(t, querycache.Config{}, func(t *testing.T, p *pair) {
		find := func(opts ...querycache.Option) (st querycache.Status) {
			var us []User
			must(t, p.cached.Scopes(append(opts, querycache.StatusInto(&st))...).Order("id").Find(&us).Error)
			return st
		}
		find(querycache.TTL(time.Hour))
		time.Sleep(10 * time.Second)
		if st := find(querycache.TTL(11 * time.Second)); st.Outcome != querycache.OutcomeHit {
			t.Errorf("a result of ten seconds, to one who takes eleven: %v", st)
		}
		if st := find(querycache.TTL(9*time.Second), querycache.SWR(2*time.Second)); st.Outcome != querycache.OutcomeStale {
			t.Errorf("to one who takes nine, and two more if it is then read anew: %v", st)
		}
		time.Sleep(10 * time.Second) // the reading in the background is over
		if st := find(querycache.TTL(9 * time.Second)); st.Outcome != querycache.OutcomeMiss {
			t.Errorf("a result of ten seconds, to one who takes nine: %v", st)
		}
		if st := find(); st.Outcome != querycache.OutcomeHit {
			t.Errorf("what he stored, to one who does not care: %v", st)
		}
		time.Sleep(10 * time.Second)
		if st := find(); st.Outcome != querycache.OutcomeMiss {
			t.Errorf("it was stored for nine seconds: %v", st)
		}
	})
}
