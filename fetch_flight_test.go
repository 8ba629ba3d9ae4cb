package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorm-querycache/querycache"
)

// TestAStampedeCallsLoadOnce: 1000 callers, one load, each with a value of its own.
// Not beside other tests: what depends on no table dies with a write to a database that nobody knows.
func TestAStampedeCallsLoadOnce(t *testing.T) {
	cache := querycache.New(querycache.Config{})
	defer cache.Close(context.Background())
	const callers = 1000
	var calls atomic.Int64
	release := make(chan struct{})
	var waiting, wg sync.WaitGroup
	waiting.Add(callers)
	for range callers {
		wg.Go(func() {
			waiting.Done()
			got, err := querycache.Fetch(t.Context(), cache, "k", querycache.FetchOptions{}, func(context.Context) (map[string][]int, error) {
				calls.Add(1)
				<-release
				return map[string][]int{"a": {1, 2}}, nil
			})
			if err != nil || len(got) != 1 || !slices.Equal(got["a"], []int{1, 2}) {
				t.Errorf("%v, %v", got, err)
				return
			}
			got["a"][0] = 9
			delete(got, "a")
		})
	}
	waiting.Wait()
	close(release)
	wg.Wait()
	s := cache.Stats()
	if calls.Load() != 1 || s.Misses != 1 || s.Shared+s.Hits != callers-1 || s.Tables["(fetch)"].Reads() != callers || s.Operations["fetch"].Reads() != callers {
		t.Errorf("%d calls: %+v", calls.Load(), s)
	}
}

// TestALoadThatFailsHarmsNobodyElse: errors, panics and cancellations are the leader's own, and are not stored.
func TestALoadThatFailsHarmsNobodyElse(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	for name, fail := range map[string]func(ctx context.Context, cancel func()) error{
		"an error":       func(context.Context, func()) error { return boom },
		"a panic":        func(context.Context, func()) error { panic(boom) },
		"a cancellation": func(ctx context.Context, cancel func()) error { cancel(); <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			cache := querycache.New(querycache.Config{})
			defer cache.Close(context.Background())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			reached, release := make(chan struct{}), make(chan struct{})
			led := make(chan string, 1)
			go func() {
				defer func() {
					if v := recover(); v != nil {
						led <- fmt.Sprint("panic: ", v)
					}
				}()
				n, err := querycache.Fetch(ctx, cache, "k", querycache.FetchOptions{}, func(ctx context.Context) (int64, error) {
					close(reached)
					<-release
					return 5, fail(ctx, cancel)
				})
				led <- fmt.Sprint(n, err)
			}()
			<-reached
			var c counting
			const followers = 20
			var waiting, wg sync.WaitGroup
			waiting.Add(followers)
			for range followers {
				wg.Go(func() {
					waiting.Done()
					if n, err := querycache.Fetch(t.Context(), cache, "k", querycache.FetchOptions{}, c.load); n < 1 || err != nil {
						t.Errorf("a follower got %d, %v", n, err)
					}
				})
			}
			waiting.Wait()
			close(release)
			wg.Wait()
			want := map[string]string{"an error": "5 boom", "a panic": "panic: boom", "a cancellation": "5 context canceled"}[name]
			if got := <-led; got != want {
				t.Errorf("the leader got %q", got)
			}
			if c.calls.Load() < 1 {
				t.Error("nobody called load again")
			}
			before := c.calls.Load()
			if c.fetch(t, cache, "k", querycache.FetchOptions{}); c.calls.Load() != before {
				t.Error("what a follower worked out is not kept")
			}
		})
	}
}

// TestAFollowerWaitsNoLongerThanItsContext and hands out no value then.
func TestAFollowerWaitsNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{})
	defer cache.Close(context.Background())
	reached, release, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		querycache.Fetch(t.Context(), cache, "k", querycache.FetchOptions{}, func(context.Context) (int64, error) {
			close(reached)
			<-release
			return 7, nil
		})
	}()
	<-reached
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var c counting
	if n, err := querycache.Fetch(ctx, cache, "k", querycache.FetchOptions{}, c.load); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("while the leader works: %d, %v", n, err)
	}
	close(release)
	<-done
	if n, err := querycache.Fetch(ctx, cache, "k", querycache.FetchOptions{}, c.load); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("a hit: %d, %v", n, err)
	}
	if c.calls.Load() != 0 {
		t.Error("load was called")
	}
}

// TestALoadMayFetchOtherKeys but not its own, for which it would wait for ever.
func TestALoadMayFetchOtherKeys(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{})
	defer cache.Close(context.Background())
	var depth func(n int) func(ctx context.Context) (int, error)
	depth = func(n int) func(ctx context.Context) (int, error) {
		return func(ctx context.Context) (int, error) {
			if n == 0 {
				return 1, nil
			}
			below, err := querycache.Fetch(ctx, cache, fmt.Sprint(n-1), querycache.FetchOptions{}, depth(n-1))
			return below + 1, err
		}
	}
	if n, err := querycache.Fetch(t.Context(), cache, "5", querycache.FetchOptions{}, depth(5)); n != 6 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if s := cache.Stats(); s.Misses != 6 || s.Entries != 6 {
		t.Errorf("%+v", s)
	}
	var kept context.Context
	_, err := querycache.Fetch(t.Context(), cache, "own", querycache.FetchOptions{}, func(ctx context.Context) (int, error) {
		kept = ctx
		return querycache.Fetch(ctx, cache, "between", querycache.FetchOptions{}, func(ctx context.Context) (int, error) {
			return querycache.Fetch(ctx, cache, "own", querycache.FetchOptions{}, depth(0))
		})
	})
	if !errors.Is(err, querycache.ErrInvalidArgument) || !strings.Contains(err.Error(), "another key") {
		t.Errorf("its own key: %v", err)
	}
	if n, err := querycache.Fetch(kept, cache, "own", querycache.FetchOptions{}, depth(0)); n != 1 || err != nil {
		t.Errorf("a context that outlived its load: %d, %v", n, err)
	}
}
