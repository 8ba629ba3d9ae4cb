package querycache_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache"
)

// TestFetchBesideReplicas: load may read from a replica that lags behind, so that what it returns is kept only once
// the last write is older than the lag.
func TestFetchBesideReplicas(t *testing.T) {
	fetch := func(r *resolved, calls *int) int {
		n, err := querycache.Fetch(r.Context(), r.plugin, "n", querycache.FetchOptions{Models: []any{txRow{}}}, func(ctx context.Context) (int, error) {
			*calls++
			return rowN(r.db.WithContext(ctx)), nil
		})
		r.must(err)
		return n
	}
	for name, lag := range map[string]time.Duration{"unknown": 0, "an hour": time.Hour} {
		t.Run("lag "+name, func(t *testing.T) {
			inResolved(t, querycache.Config{ReplicaLag: lag}, func(r *resolved) {
				r.must(set(r.db, 1, 101))
				calls := 0
				if a, b := fetch(r, &calls), fetch(r, &calls); a != 200 || b != 200 || calls != 2 {
					r.Errorf("before it is replicated: %d, %d, %d calls", a, b, calls)
				}
				r.must(set(r.replica.DB, 1, 101)) // replicated
				if n := fetch(r, &calls); n != 101 {
					r.Errorf("once it is replicated: %d", n)
				}
				if n := r.plugin.Stats().Tables["(fetch)"].Bypassed; n != 3 {
					r.Errorf("%d bypassed", n)
				}
			})
		})
	}
	t.Run("lag known", func(t *testing.T) {
		inResolved(t, querycache.Config{ReplicaLag: 2 * time.Millisecond}, func(r *resolved) {
			calls := 0
			for r.plugin.Stats().Tables["(fetch)"].Hits == 0 {
				fetch(r, &calls)
				runtime.Gosched() // until the lag has passed
			}
			before := calls
			if n := fetch(r, &calls); n != 200 || calls != before {
				r.Errorf("%d, %d calls more", n, calls-before)
			}
			r.must(set(r.db, 1, 101))
			r.must(set(r.replica.DB, 1, 101))
			if n := fetch(r, &calls); n != 101 {
				r.Errorf("after a write: %d", n)
			}
		})
	})
}
