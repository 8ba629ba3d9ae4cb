package bench

import (
	"database/sql"
	"testing"
)

// Plain is GORM on its own.
type Plain struct{}

// Name is "plain".
func (Plain) Name() string { return "plain" }

// Open opens GORM with nothing beside it.
func (Plain) Open(b *testing.B, pool *sql.DB) Opened {
	b.Helper()
	return Opened{DB: open(b, pool), Hits: never}
}

// Answers is true.
func (Plain) Answers() bool { return true }

// Caches is false.
func (Plain) Caches() bool { return false }
