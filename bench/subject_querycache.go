package bench

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

// QueryCache is GORM with the plugin, which keeps results in memory.
type QueryCache struct {
	// MaxBytes bounds the memory. The default is the plugin's own.
	MaxBytes int64
}

// Name is "querycache".
func (QueryCache) Name() string { return "querycache" }

// Open opens GORM and installs the plugin. Results live longer than any
// benchmark runs.
func (s QueryCache) Open(b *testing.B, pool *sql.DB) Opened {
	b.Helper()
	db := open(b, pool)
	plugin := querycache.New(querycache.Config{
		Memory: memory.Config{MaxBytes: s.MaxBytes},
		Tiered: tiered.Config{L1TTL: 24 * time.Hour},
	})
	if err := db.Use(plugin); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := plugin.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return Opened{DB: db, Hits: func() uint64 { return plugin.Stats().Hits }}
}

// Answers is true.
func (QueryCache) Answers() bool { return true }

// Caches is true.
func (QueryCache) Caches() bool { return true }
