package querycache_test

import (
	"sync"
	"testing"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

func TestDisableAndEnable(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		users, toys := controlled["Find"], func(db *gorm.DB) any { var ts []Toy; return tell(db.Order("id").Find(&ts), &ts) }
		p := open(t, d)
		p.hits(t, users)
		p.hits(t, toys)
		p.cache.Disable()
		p.cache.Disable()
		if p.cache.Enabled() {
			t.Error("enabled")
		}
		before := p.cache.Stats()
		for _, read := range controlled {
			p.bypasses(t, read, querycache.ReasonDisabled)
		}
		p.bypasses(t, in(users, querycache.WithPolicy(querycache.CacheOnly)), querycache.ReasonDisabled)
		p.bypasses(t, in(users, querycache.Refresh), querycache.ReasonDisabled)
		if s := p.cache.Stats(); s.Stores != before.Stores || s.Hits != before.Hits || s.Misses != before.Misses {
			t.Errorf("looked up or stored: %+v", s)
		}
		// What is written meanwhile is seen at once, and what is not is still there.
		must(t, p.cached.Model(&User{}).Where("id = 4").Update("name", "Dot").Error)
		p.cache.Enable()
		p.cache.Enable()
		if !p.cache.Enabled() {
			t.Error("not enabled")
		}
		p.wants(t, "what was written while disabled", users, users(p.plain.DB), 1)
		p.wants(t, "what was not", toys, toys(p.plain.DB), 0)
	})
}

func TestAPluginMayStartDisabled(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d, opening{Config: querycache.Config{Disabled: true}})
		p.bypasses(t, allUsers, querycache.ReasonDisabled)
		e, err := querycache.Explain(p.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]User{}) })
		if err != nil || e.Cacheable || e.Reason != querycache.ReasonDisabled || e.Detail == "" {
			t.Errorf("explained: %+v, %v", e, err)
		}
		p.cache.Enable()
		p.hits(t, allUsers)
	})
}

// 1. Readers read and a writer writes. 2. Somebody switches the cache off and on all the while. No reader
// sees less than the last write that had returned when it began.
func TestSwitchingWhileOthersWork(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		const writes = 60
		var done sync.WaitGroup
		var mu sync.Mutex
		written := 0
		stop := make(chan struct{})
		for range 3 {
			done.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					mu.Lock()
					least := written
					mu.Unlock()
					var u User
					if err := p.cached.First(&u, 4).Error; err != nil || int(u.Age) < least {
						t.Errorf("age %d (%v), when %d was written", u.Age, err, least)
						return
					}
				}
			})
		}
		must(t, p.cached.Model(&User{}).Where("id = 4").Update("age", 0).Error)
		for i := 1; i <= writes; i++ {
			if i%3 == 0 {
				p.cache.Disable()
			} else {
				p.cache.Enable()
			}
			must(t, p.cached.Model(&User{}).Where("id = 4").Update("age", i).Error)
			mu.Lock()
			written = i
			mu.Unlock()
		}
		close(stop)
		done.Wait()
	})
}
