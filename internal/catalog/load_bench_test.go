package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// BenchmarkLoad reads the catalog of 100 tables of 12 columns, each a child of
// the one before.
func BenchmarkLoad(b *testing.B) {
	run := func(name string, d sqlscan.Dialect, open func(*testing.B) *sql.DB) {
		b.Run(name, func(b *testing.B) {
			db := open(b)
			for i := range 100 {
				exec(b, db, fmt.Sprintf(`CREATE TABLE zl_%d(id int PRIMARY KEY, a text, b text, c text, d text, e int, f int, g int,
					h int, i int, j int, parent int, FOREIGN KEY (parent) REFERENCES zl_%d(id) ON DELETE CASCADE)`, i, max(0, i-1)))
			}
			for b.Loop() {
				if _, err := Load(context.Background(), db, d, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("sqlite", sqlscan.SQLite, func(b *testing.B) *sql.DB { return sqliteFile(b) })
	run("postgres", sqlscan.Postgres, func(b *testing.B) *sql.DB { db, _ := postgresDatabase(b); return db })
	run("mysql", sqlscan.MySQL, func(b *testing.B) *sql.DB { db, _ := mysqlDatabase(b); return db })
}
