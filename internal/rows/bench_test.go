package rows

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

// usualTable is a SQLite file with a table of 1000 rows and 12 columns of the usual types.
func usualTable(b testing.TB) *sql.DB {
	b.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(b.TempDir(), "bench.sqlite"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c TEXT, d REAL, e REAL, f BOOLEAN,
		g DATETIME, h DATETIME, i INTEGER, j INTEGER, k BLOB)`); err != nil {
		b.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for n := range 1000 {
		at := time.Date(2025, 1, 2, 3, 4, n%60, 0, time.UTC)
		var deleted any
		if n%10 == 9 {
			deleted = at
		}
		if _, err := tx.Exec(`INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?,?,?)`, n, fmt.Sprint("name ", n),
			fmt.Sprintf("someone%d@example.org", n), "a text of an ordinary length for a column", float64(n)/3, 1.5, n%2 == 0,
			at, deleted, n*1000, n%7, []byte("a few bytes")); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return db
}

type scannable interface {
	Next() bool
	Scan(...any) error
	Err() error
	Close() error
}

// drain scans as gorm scans into a struct: through pointers to pointers.
func drain(b *testing.B, rows scannable) {
	var (
		id, i, j *int64
		t1, t2   *time.Time
		a, s, c  *string
		d, e     *float64
		f        *bool
		k        []byte
	)
	for rows.Next() {
		if err := rows.Scan(&id, &a, &s, &c, &d, &e, &f, &t1, &t2, &i, &j, &k); err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkRead(b *testing.B) {
	db := usualTable(b)
	ctx := context.Background()
	p := NewReplayer()
	defer p.Close()
	for _, n := range []int{1, 100, 1000} {
		query := func() *sql.Rows {
			rows, err := db.QueryContext(ctx, "SELECT * FROM t LIMIT ?", n)
			if err != nil {
				b.Fatal(err)
			}
			return rows
		}
		run := func(name string, f func()) {
			b.Run(fmt.Sprintf("%s/rows=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
		var rec *Recorded
		run("plain", func() { drain(b, query()) })
		run("recorder", func() {
			r := NewRecorder(query(), Limits{})
			drain(b, r)
			var err error
			if rec, err = r.Finish(); err != nil {
				b.Fatal(err)
			}
		})
		run("stream", func() {
			rows, err := p.Stream(ctx, query(), StreamOptions{})
			if err != nil {
				b.Fatal(err)
			}
			drain(b, rows)
		})
		run("recording-stream", func() {
			rows, err := p.Stream(ctx, query(), StreamOptions{Record: true})
			if err != nil {
				b.Fatal(err)
			}
			drain(b, rows)
		})
		run("replay", func() {
			rows, err := p.Rows(ctx, rec)
			if err != nil {
				b.Fatal(err)
			}
			drain(b, rows)
		})
	}
}
