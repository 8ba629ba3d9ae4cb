package querycache_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// TestManyReadersOfAnExpiredResultShareOneRead: that each of them could do with the old one if the database
// failed does not send each of them there. If it does fail, all have the old one.
func TestManyReadersOfAnExpiredResultShareOneRead(t *testing.T) {
	const readers = 50
	for name, failure := range map[string]error{"it answers": nil, "it fails": errors.New("out of order")} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, d *testdb.Database) {
				p := open(t, d)
				find := func(db *gorm.DB) ([]User, error) {
					var us []User
					err := db.Scopes(querycache.StaleIfError(time.Hour)).Order("id").Find(&us).Error
					return us, err
				}
				want, err := find(p.plain.DB)
				must(t, err)
				_, err = find(querycache.TTL(1)(p.cached.DB)) // expired as soon as it is there
				must(t, err)
				before := p.cached.Recorder.Queries()

				g := p.hold(func(int) error { return failure })
				all := arrivals(p.cached.DB, readers)
				var wg sync.WaitGroup
				for range readers {
					wg.Go(func() {
						us, err := find(querycache.TTL(time.Hour)(p.cached.DB))
						if err != nil {
							t.Error(err)
						}
						same(t, us, want)
						overwrite(&us)
					})
				}
				<-all
				<-g.reached
				close(g.open)
				wg.Wait()
				s := p.cache.Stats()
				asked := p.cached.Recorder.Queries() - before
				switch {
				case failure == nil && (asked != 1 || s.Misses != 2):
					t.Errorf("%d queries, want 1: %+v", asked, s)
				case failure != nil && s.Stale != readers:
					t.Errorf("%d of %d had the old one: %+v", s.Stale, readers, s)
				}
			})
		})
	}
}
