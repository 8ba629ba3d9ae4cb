package bench

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"
	"gorm.io/gorm"
)

// connections is how many a pool may open: enough for each core, few enough
// that a thousand goroutines do not open a thousand.
const connections = 8

// file connects to a file of SQLite's as a server would run it: readers do
// not wait for the writer, and a commit does not wait for the disk.
type file struct{ path string }

func (f file) Connect(context.Context) (driver.Conn, error) {
	return f.Driver().Open(fmt.Sprintf("file:%s?_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=10000", f.path))
}

func (f file) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// newPool is a pool over a fresh copy of the database; it is closed when the
// benchmark ends. With wrap, its connections are made by what that returns.
func newPool(b *testing.B, wrap func(driver.Connector) driver.Connector) *sql.DB {
	b.Helper()
	seed.Do(func() { seed.file = makeSeed(b) })
	if seed.file == nil {
		b.Fatal("the database could not be made")
	}
	path := filepath.Join(b.TempDir(), "bench.db")
	if err := os.WriteFile(path, seed.file, 0o600); err != nil {
		b.Fatal(err)
	}
	var c driver.Connector = file{path}
	if wrap != nil {
		c = wrap(c)
	}
	return poolOf(b, c)
}

func poolOf(b *testing.B, c driver.Connector) *sql.DB {
	b.Helper()
	pool := sql.OpenDB(c)
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	b.Cleanup(func() {
		if err := pool.Close(); err != nil {
			b.Error(err)
		}
	})
	return pool
}

// seed is the file that each benchmark gets a copy of, made once.
var seed struct {
	sync.Once
	file []byte
}

func makeSeed(b *testing.B) []byte {
	b.Helper()
	path := filepath.Join(b.TempDir(), "seed.db")
	db := open(b, poolOf(b, file{path}))
	all := make([]Item, items)
	for i := range all {
		all[i] = itemAt(int64(i) + 1)
	}
	err := db.Transaction(func(tx *gorm.DB) error {
		if err := tx.AutoMigrate(&Item{}); err != nil {
			return err
		}
		return tx.CreateInBatches(all, 500).Error
	})
	if err != nil {
		b.Fatal(err)
	}
	// Everything into the one file that is copied.
	if err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)").Error; err != nil {
		b.Fatal(err)
	}
	made, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return made
}
