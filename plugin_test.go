package querycache_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// TestPlugin is the specification: what the package promises, one promise to a test. The files read_*_test.go
// and write_*_test.go go into each.
func TestPlugin(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		// Each promise has a cache of its own.
		promise := func(name string, keep func(t *testing.T, p *pair)) {
			t.Run(name, func(t *testing.T) { keep(t, open(t, d)) })
		}

		promise("a read is answered by the database once, then from memory", func(t *testing.T, p *pair) {
			for i, want := range []int{1, 0, 0} {
				var u User
				if n := p.asks(func() { must(t, p.cached.First(&u, 1).Error) }); n != want || u.Name != "Amy" {
					t.Errorf("read %d: %d queries, %q", i, n, u.Name)
				}
			}
		})
		promise("a hit is what plain GORM would have said", func(t *testing.T, p *pair) {
			p.hits(t, func(db *gorm.DB) any {
				var us []User
				return tell(db.Joins("Company").Preload("Pets.Toy").Where("age > ?", 20).Order("users.id").Find(&us), &us)
			})
		})
		promise("what a caller does to a result, no other caller sees", func(t *testing.T, p *pair) {
			var a, b User
			must(t, p.cached.First(&a, 1).Error)
			*a.Birthday, *a.CompanyID, a.Name = a.Birthday.AddDate(1, 0, 0), 99, "changed"
			must(t, p.cached.First(&b, 1).Error)
			if b.Birthday.Year() != 1990 || *b.CompanyID != 1 || b.Name != "Amy" {
				t.Errorf("%+v", b)
			}
		})
		promise("nothing found is cached too, and is an error for those who ask", func(t *testing.T, p *pair) {
			for range 2 {
				if err := p.cached.First(&User{}, 99).Error; !errors.Is(err, gorm.ErrRecordNotFound) {
					t.Errorf("First: %v", err)
				}
				if tx := p.cached.Find(&User{}, 99); tx.Error != nil || tx.RowsAffected != 0 {
					t.Errorf("Find: %v", tx.Error)
				}
			}
			if n := p.cached.Recorder.Queries(); n != 2 {
				t.Errorf("%d queries, want 2", n)
			}
		})
		promise("once a write has returned, no read sees the old rows", func(t *testing.T, p *pair) {
			age := func() (u User) {
				must(t, p.cached.First(&u, 2).Error)
				return u
			}
			age()
			must(t, p.cached.Model(&User{}).Where("id = 2").Update("age", 43).Error)
			if u := age(); u.Age != 43 {
				t.Errorf("after Update: %d", u.Age)
			}
			must(t, p.cached.Exec("UPDATE users SET age = 42 WHERE id = 2").Error)
			if u := age(); u.Age != 42 {
				t.Errorf("after Exec: %d", u.Age)
			}
		})
		promise("a write leaves results of other tables cached", func(t *testing.T, p *pair) {
			must(t, p.cached.Find(&[]Language{}).Error)
			must(t, p.cached.Model(&User{}).Where("id = 2").Update("age", 42).Error)
			if n := p.asks(func() { must(t, p.cached.Find(&[]Language{}).Error) }); n != 0 {
				t.Errorf("%d queries", n)
			}
		})
		promise("rows that are rolled back are seen by nobody else", func(t *testing.T, p *pair) {
			var inside, outside User
			err := p.cached.Transaction(func(tx *gorm.DB) error {
				must(t, tx.Model(&User{}).Where("id = 2").Update("age", 1).Error)
				must(t, tx.First(&inside, 2).Error)
				return errors.New("rolled back")
			})
			must(t, p.cached.First(&outside, 2).Error)
			if err == nil || inside.Age != 1 || outside.Age != 42 {
				t.Errorf("inside %d, outside %d", inside.Age, outside.Age)
			}
		})
		promise("many readers of one cold query ask the database once", func(t *testing.T, p *pair) {
			const readers = 50
			g, all := p.hold(nil), arrivals(p.cached.DB, readers)
			var wg sync.WaitGroup
			for range readers {
				wg.Go(func() {
					var u User
					if err := p.cached.First(&u, 1).Error; err != nil || u.Name != "Amy" {
						t.Errorf("%q, %v", u.Name, err)
					}
				})
			}
			<-all
			<-g.reached
			close(g.open)
			wg.Wait()
			if n := p.cached.Recorder.Queries(); n != 1 {
				t.Errorf("%d queries", n)
			}
		})
		promise("what might change by itself is never cached, and Explain says why", func(t *testing.T, p *pair) {
			query := func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]User{}, "created_at < CURRENT_TIMESTAMP") }
			must(t, query(p.cached.DB).Error)
			if n := p.asks(func() { must(t, query(p.cached.DB).Error) }); n != 1 {
				t.Errorf("%d queries", n)
			}
			e, err := querycache.Explain(p.cached.DB, query)
			must(t, err)
			if e.Cacheable || e.Reason != querycache.ReasonImpure || e.Detail == "" {
				t.Errorf("%+v", e)
			}
		})
		promise("a query can skip the cache, refresh it, and be invalidated by a tag", func(t *testing.T, p *pair) {
			read := func(scopes ...func(*gorm.DB) *gorm.DB) int {
				return p.asks(func() { must(t, p.cached.Scopes(scopes...).First(&User{}, 1).Error) })
			}
			tagged := querycache.Tags("home")
			if a, b, c, d := read(tagged), read(tagged), read(tagged, querycache.Skip), read(tagged, querycache.Refresh); a != 1 || b != 0 || c != 1 || d != 1 {
				t.Errorf("cold %d, warm %d, Skip %d, Refresh %d", a, b, c, d)
			}
			if n, err := p.cache.InvalidateTags(context.Background(), "home"); n != 1 || err != nil {
				t.Errorf("%d died, %v", n, err)
			}
			if n := read(tagged); n != 1 {
				t.Errorf("%d queries after its tag was invalidated", n)
			}
		})
		promise("each read is counted once", func(t *testing.T, p *pair) {
			must(t, p.cached.First(&User{}, 1).Error)
			must(t, p.cached.First(&User{}, 1).Error)
			must(t, p.cached.Scopes(querycache.Skip).First(&User{}, 1).Error)
			s := p.cache.Stats()
			if s.Misses != 1 || s.Hits != 1 || s.Bypassed[querycache.ReasonSkip] != 1 || reads(p.cache) != 3 || s.Stores != 1 || s.Entries != 1 {
				t.Errorf("%+v", s)
			}
		})
		promise("after Close queries go on, uncached", func(t *testing.T, p *pair) {
			must(t, p.cached.First(&User{}, 1).Error)
			must(t, p.cache.Close(context.Background()))
			must(t, p.cache.Close(context.Background()))
			if n := p.asks(func() { must(t, p.cached.First(&User{}, 1).Error) }); n != 1 {
				t.Errorf("%d queries", n)
			}
		})
		t.Run("a mistake in Config is told by db.Use", func(t *testing.T) {
			db := d.Open(t, testdb.Options{})
			if err := db.Use(querycache.New(querycache.Config{OutcomeHold: -1})); !errors.Is(err, querycache.ErrConfig) {
				t.Error(err)
			}
		})
	})
}
