package querycache_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/gorm-querycache/querycache"
)

// TestLoadsThatFetchEachOther: the load of a fetches b while that of b, in another goroutine, fetches a. Neither can
// wait for the other. It goes for longer circles, and for loads that fetch from goroutines of their own, too.
func TestLoadsThatFetchEachOther(t *testing.T) {
	for _, size := range []int{2, 3, 5} {
		for _, spawn := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) { // a deadlock fails it
				cache := querycache.New(querycache.Config{})
				defer cache.Close(context.Background())
				keys := []string{"a", "b", "c", "d", "e"}[:size]
				var met sync.WaitGroup
				met.Add(size)
				fetch := func(ctx context.Context, key string, load func(context.Context) (int, error)) int {
					n, err := querycache.Fetch(ctx, cache, key, querycache.FetchOptions{}, load)
					if err != nil {
						t.Errorf("%s: %v", key, err)
					}
					return n
				}
				var all sync.WaitGroup
				for i := range keys {
					all.Go(func() {
						n := fetch(context.Background(), keys[i], func(ctx context.Context) (n int, err error) {
							met.Done()
							met.Wait() // all are under way
							next := func() {
								n = 10 + fetch(ctx, keys[(i+1)%size], func(context.Context) (int, error) { return 1, nil })
							}
							if spawn {
								var own sync.WaitGroup
								own.Go(next)
								own.Wait()
								return n, nil
							}
							next()
							return n, nil
						})
						if n < 11 {
							t.Errorf("%s is %d", keys[i], n)
						}
					})
				}
				all.Wait()
			})
		}
	}
}
