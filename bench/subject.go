// Package bench compares what one read or write costs: with plain GORM, with
// GORM's DryRun (which builds the statement and does nothing else, so nothing
// that goes through GORM can cost less) and with querycache.
//
// Every subject has a copy of the same database and runs the same program. A
// benchmark fails if a result is not the one that was put there, or if a read
// that should be a hit reached the database.
//
// Names of benchmarks are made for benchstat:
//
//	go test -run '^$' -bench Hit -count 10 | benchstat -col /subject -
package bench

import (
	"database/sql"
	"testing"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Subject is one way to run the same program.
type Subject interface {
	// Name tells the subject from others in the names of benchmarks.
	Name() string
	// Open opens the subject over a pool; what it starts ends with the
	// benchmark.
	Open(b *testing.B, pool *sql.DB) Opened
	// Answers tells whether reads come back with rows.
	Answers() bool
	// Caches tells whether a read made a second time is a hit.
	Caches() bool
}

// Opened is a subject with its database. It is safe for concurrent use.
type Opened struct {
	*gorm.DB
	// Hits is how many reads were answered without the database so far.
	Hits func() uint64
}

// Subjects are all that there are, the one to compare with first.
func Subjects() []Subject { return []Subject{Plain{}, DryRun{}, QueryCache{}} }

// never is the Hits of a subject without a cache.
func never() uint64 { return 0 }

// open opens GORM, as it is, over a pool.
func open(b *testing.B, pool *sql.DB) *gorm.DB {
	b.Helper()
	db, err := gorm.Open(sqlite.New(sqlite.Config{Conn: pool}), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		b.Fatal(err)
	}
	return db
}
