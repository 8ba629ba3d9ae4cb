package bench

import (
	"database/sql"
	"testing"

	"gorm.io/gorm"
)

// DryRun is GORM that builds statements and runs none.
type DryRun struct{}

// Name is "dryrun".
func (DryRun) Name() string { return "dryrun" }

// Open opens GORM in its DryRun mode.
func (DryRun) Open(b *testing.B, pool *sql.DB) Opened {
	b.Helper()
	db := open(b, pool)
	// A session of its own, as a program holds one: its settings cost nothing
	// per statement.
	return Opened{DB: db.Session(&gorm.Session{DryRun: true}), Hits: never}
}

// Answers is false.
func (DryRun) Answers() bool { return false }

// Caches is false.
func (DryRun) Caches() bool { return false }
