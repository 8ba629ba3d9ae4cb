package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// What DatabaseReads tells is what arrived at the driver, whatever the way.
func TestDatabaseReadsAreThoseThatArrive(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d)
	var us []User
	find := func(opts ...querycache.Option) func() error {
		return func() error { return p.cached.Scopes(opts...).Order("id").Find(&us).Error }
	}
	preloads := func() error { return p.cached.Preload("Account").Preload("Pets").Order("age").Find(&us).Error }
	only := querycache.WithPolicy(querycache.CacheOnly)
	missed := func(err error) error {
		if !errors.Is(err, querycache.ErrCacheMiss) {
			return fmt.Errorf("want a miss: %v", err)
		}
		return nil
	}
	rows := func() error {
		rows, err := p.cached.Model(&User{}).Where("id > 1").Rows()
		if err != nil {
			return err
		}
		return rows.Close()
	}
	var n int64
	row := func() error { return p.cached.Model(&User{}).Select("count(*)").Row().Scan(&n) }
	fetch := func(key string, opts ...querycache.Option) func() error {
		return func() error {
			ctx := querycache.WithOptions(t.Context(), opts...)
			_, err := querycache.Fetch(ctx, p.cache, key, querycache.FetchOptions{}, func(ctx context.Context) (int64, error) {
				var n int64
				return n, p.cached.WithContext(ctx).Model(&Pet{}).Where("name <> ?", key).Count(&n).Error
			})
			return err
		}
	}
	for _, c := range []struct {
		name string
		run  func() error
		want int
	}{
		{"a miss", find(), 1},
		{"a hit", find(), 0},
		{"a refresh", find(querycache.Refresh), 1},
		{"a bypass", find(querycache.Skip), 1},
		{"the network first", find(querycache.WithPolicy(querycache.NetworkFirst)), 1},
		{"a hit of the cache only", find(only), 0},
		{"a miss of the cache only", func() error { return missed(p.cached.Scopes(only).Find(&us, "id > 77").Error) }, 0},
		{"a miss of the cache only that is impure", func() error {
			return missed(p.cached.Scopes(only).Order("RANDOM()").Find(&us).Error)
		}, 0},
		{"an impure query", func() error { return p.cached.Order("RANDOM()").Find(&us).Error }, 1},
		{"in a transaction", func() error {
			return p.cached.Transaction(func(tx *gorm.DB) error {
				return errors.Join(tx.Find(&us).Error, tx.Find(&us).Error)
			})
		}, 2},
		{"preloads", preloads, 3},
		{"preloads again", preloads, 0},
		{"rows", rows, 1},
		{"a row", row, 1},
		{"a row again", row, 0},
		{"a statement that fails", func() error {
			if p.cached.Find(&us, "nosuchcolumn = 1").Error == nil {
				return errors.New("it does not fail")
			}
			return nil
		}, 1},
		{"a fetch", fetch("a"), 1},
		{"a fetch again", fetch("a"), 0},
		{"a fetch that is skipped, whose load is too", fetch("a", querycache.Skip), 1},
		{"a write", func() error { return p.cached.Model(&User{}).Where("id = 4").Update("age", 24).Error }, 0},
	} {
		before := p.cache.Stats()
		arrived := p.asks(func() {
			if err := c.run(); err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		})
		if got := p.cache.Stats().Sub(before).DatabaseReads(); got != uint64(c.want) {
			t.Errorf("%s: %d reads of the database, want %d", c.name, got, c.want)
		}
		if c.name != "a write" && arrived != c.want {
			t.Errorf("%s: %d arrived, want %d", c.name, arrived, c.want)
		}
	}
	// In the background too.
	stale := find(querycache.TTL(1), querycache.SWR(time.Hour))
	must(t, p.cached.Model(&User{}).Where("id = 4").Update("age", 25).Error)
	must(t, stale())
	before, queries := p.cache.Stats(), p.cached.Recorder.Queries()
	must(t, stale())
	must(t, p.cache.Close(t.Context()))
	if got, asked := p.cache.Stats().Sub(before).DatabaseReads(), p.cached.Recorder.Queries()-queries; got != 1 || asked != 1 {
		t.Errorf("a refresh: %d reads, %d queries", got, asked)
	}
}
