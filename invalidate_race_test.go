package querycache_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// TestAnInvalidationByHandKillsLateFills:
//  1. R reads the database, and has not stored what it read.
//  2. Somebody writes past GORM, and invalidates by hand.
//  3. S reads: it must not wait for R, and sees what was written.
//  4. R stores.
//  5. T reads: it must see what was written, too.
func TestAnInvalidationByHandKillsLateFills(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		shelve(t, d)
		for name, run := range handMethods {
			t.Run(name, func(t *testing.T) {
				p := open(t, d)
				must(t, p.plain.Exec("UPDATE hand_books SET title = 'old'").Error)
				_, err := p.cache.InvalidateTable(t.Context(), "hand_books") // other plugins wrote before
				must(t, err)
				reached, release := make(chan struct{}), make(chan struct{})
				var held atomic.Bool
				p.cached.Recorder.SetHooks(testdb.Hooks{After: func(_ context.Context, ev testdb.Event, err error) error {
					if ev.Op == testdb.OpRowsClose && held.CompareAndSwap(false, true) {
						close(reached)
						<-release
					}
					return err
				}})
				read := func() string {
					var b handBook
					tx := p.cached.Scopes(querycache.Tags("a tag"), querycache.Named("a name"), querycache.Tenant("a tenant"))
					if err := tx.First(&b, 1).Error; err != nil {
						return err.Error()
					}
					return b.Title
				}
				r := make(chan string, 1)
				go func() { r <- read() }()
				<-reached
				must(t, p.plain.Exec("UPDATE hand_books SET title = 'new'").Error)
				if n, err := run(t.Context(), p.cache); n != 0 || err != nil {
					t.Errorf("%d died, %v", n, err)
				}
				if got := read(); got != "new" {
					t.Errorf("S read %q", got)
				}
				close(release)
				if got := <-r; got != "old" {
					t.Errorf("R read %q", got)
				}
				if got := read(); got != "new" {
					t.Errorf("T read %q", got)
				}
			})
		}
	})
}

// TestInvalidationsByHandUnderLoad: while many read and invalidate, no read that begins after an invalidation has
// returned sees what was there before the write that went ahead of it.
func TestInvalidationsByHandUnderLoad(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	var published atomic.Int64
	must(t, p.plain.Exec("UPDATE hand_books SET title = '0'").Error)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				least := published.Load()
				var b handBook
				tx := p.cached.Scopes(querycache.Tags("a tag"), querycache.Named("a name"), querycache.Tenant("a tenant"))
				if err := tx.First(&b, 1).Error; err != nil {
					t.Error(err)
					return
				}
				var saw int64
				if _, err := fmt.Sscan(b.Title, &saw); err != nil || saw < least {
					t.Errorf("saw %q after %d was published", b.Title, least)
					return
				}
			}
		})
	}
	n := int64(0)
	for range 20 {
		for _, run := range handMethods {
			n++
			must(t, p.plain.Exec("UPDATE hand_books SET title = ?", fmt.Sprint(n)).Error)
			_, err := run(t.Context(), p.cache)
			must(t, err)
			published.Store(n)
		}
	}
	close(stop)
	wg.Wait()
}

// TestEachEntryIsCountedOnce: of invalidations at the same time, one counts an entry. It is beside no other test, since
// a write of one that reaches every result of the process would kill entries, and count none.
func TestEachEntryIsCountedOnce(t *testing.T) {
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	const entries = 300
	for i := range entries {
		must(t, p.cached.Scopes(querycache.Tags("a tag"), querycache.Named("a name"), querycache.Tenant("a tenant")).
			Find(&[]handBook{}, "title <> ?", fmt.Sprint(i)).Error)
	}
	var sum atomic.Int64
	var wg sync.WaitGroup
	for _, name := range []string{"InvalidateTags", "InvalidateNamed", "InvalidateTable", "InvalidateModel"} {
		wg.Go(func() {
			n, err := handMethods[name](t.Context(), p.cache)
			if err != nil {
				t.Error(err)
			}
			sum.Add(int64(n))
		})
	}
	wg.Wait()
	if got := sum.Load(); got != entries {
		t.Errorf("%d counted, want %d", got, entries)
	}
}
