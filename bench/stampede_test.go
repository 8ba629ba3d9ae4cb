package bench

import (
	"database/sql/driver"
	"sync"
	"testing"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// crowd is how many goroutines want the same at once.
const crowd = 1_000

// BenchmarkStampede lets a crowd loose on a query that nobody has made before;
// each round is another query. The metric queries/round is how many of theirs
// reached the database.
func BenchmarkStampede(b *testing.B) {
	for _, s := range Subjects() {
		if !s.Answers() {
			continue
		}
		b.Run("subject="+s.Name(), func(b *testing.B) {
			var driven testdb.Recorder
			db := s.Open(b, newPool(b, func(c driver.Connector) driver.Connector { return testdb.Wrap(c, &driven) }))
			driven.Reset()
			measure(b, func() {
				for round := range b.N {
					stampede(b, db, round)
				}
			})
			queries := driven.Queries()
			b.ReportMetric(float64(queries)/float64(b.N), "queries/round")
			if s.Caches() && queries != b.N {
				b.Fatalf("%d queries in %d rounds", queries, b.N)
			}
		})
	}
}

func stampede(b *testing.B, db Opened, round int) {
	start := make(chan struct{})
	var done sync.WaitGroup
	category := int64(round) % (items / perCategory)
	for range crowd {
		done.Go(func() {
			<-start
			var found []Item
			err := db.Where("category_id = ? AND stock > ?", category, -round-1).Find(&found).Error
			if err != nil || len(found) != perCategory {
				b.Errorf("%d rows: %v", len(found), err)
				return
			}
			if err := right(found[0], category*perCategory+1); err != nil {
				b.Error(err)
			}
		})
	}
	close(start)
	done.Wait()
}
