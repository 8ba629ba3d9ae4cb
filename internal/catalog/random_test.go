package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// Random schemas on a real SQLite: keys with every action, chains of triggers,
// views of views, INSTEAD OF. Whatever a random write changes must be within
// what the catalog says of the table written.
func TestSQLiteRandomSchemas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		db, err := sql.Open("sqlite3", ":memory:?_foreign_keys=1")
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		var script []string
		run := func(format string, args ...any) bool {
			s := fmt.Sprintf(format, args...)
			_, err := db.Exec(s)
			if err == nil {
				script = append(script, s)
			}
			return err == nil
		}

		tables := []string{"t0", "t1", "t2", "t3", "t4"}
		table := rapid.SampledFrom(tables)
		actions := rapid.SampledFrom([]string{"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"})
		for i, name := range tables {
			keys := ""
			if i > 0 {
				keys = fmt.Sprintf(" REFERENCES t%d ON DELETE %s ON UPDATE %s",
					rapid.IntRange(0, i).Draw(t, "parent"), actions.Draw(t, "delete"), actions.Draw(t, "update"))
			}
			run("CREATE TABLE %s(id INTEGER PRIMARY KEY, k INT DEFAULT 1%s, n INT)", name, keys)
		}
		statement := func(target string) string {
			return rapid.SampledFrom([]string{
				"UPDATE %s SET n = coalesce(n, 0) + 1", "DELETE FROM %s WHERE id = 2", "INSERT OR IGNORE INTO %s(id, k) VALUES (9, 1)",
				"UPDATE %s SET id = id + 20 WHERE id = 3", "REPLACE INTO %s(id, k, n) VALUES (1, 1, 7)",
			}).Draw(t, "statement")
		}
		for i := range rapid.IntRange(0, 4).Draw(t, "triggers") {
			on, target := table.Draw(t, "on"), table.Draw(t, "target")
			run("CREATE TRIGGER g%d AFTER %s ON %s BEGIN %s; END", i,
				rapid.SampledFrom([]string{"INSERT", "UPDATE", "DELETE"}).Draw(t, "event"), on, fmt.Sprintf(statement(target), target))
		}
		names := slices.Clone(tables)
		for i := range rapid.IntRange(0, 3).Draw(t, "views") {
			a, b := rapid.SampledFrom(names).Draw(t, "a"), rapid.SampledFrom(names).Draw(t, "b")
			view := fmt.Sprint("v", i)
			run("CREATE VIEW %s AS SELECT a.id, a.k, (SELECT count(*) FROM %s) AS n FROM %s a", view, b, a)
			run("CREATE TRIGGER i%d INSTEAD OF UPDATE ON %s BEGIN UPDATE %s SET n = 99; END", i, view, table.Draw(t, "instead"))
			names = append(names, view)
		}
		for _, name := range tables {
			run("INSERT INTO %s VALUES (1, 1, 0), (2, 1, 0), (3, 2, 0)", name)
		}

		c, err := Load(context.Background(), db, sqlscan.SQLite, nil)
		if err != nil {
			t.Fatal(err)
		}
		before := contentOf(t, db, names)
		for range 6 {
			target := rapid.SampledFrom(names).Draw(t, "written")
			if !run(statement(target), target) {
				continue // a key or a view forbids it; nothing changed
			}
			after := contentOf(t, db, names)
			written, why := c.WritesWhy([]string{target})
			if why != "" {
				t.Fatalf("all may change: %s\n%s", why, strings.Join(script, ";\n"))
			}
			for _, name := range names {
				reads, reason := c.Reads([]string{name})
				if reason != "" {
					t.Fatalf("Reads(%s): %s", name, reason)
				}
				if before[name] == after[name] {
					continue
				}
				if slices.Contains(tables, name) && !slices.Contains(written, name) ||
					!slices.ContainsFunc(reads, func(r string) bool { return slices.Contains(written, r) }) {
					t.Fatalf("%s changed; Writes(%s) = %v, Reads(%s) = %v\n%s;", name, target, written, name, reads, strings.Join(script, ";\n"))
				}
			}
			before = after
		}
	})
}

// Load keeps to eight queries and one connection on every server.
func TestQueriesOfLoad(t *testing.T) {
	count := func(db *sql.DB, d sqlscan.Dialect) {
		db.SetMaxOpenConns(1)
		q := &countingQuerier{db: db}
		load(t, q, d)
		if q.n == 0 || q.n > 8 {
			t.Errorf("%v: %d queries", d, q.n)
		}
		if n := db.Stats().InUse; n != 0 {
			t.Errorf("%v: %d connections in use", d, n)
		}
	}
	count(sqliteFile(t, `CREATE TABLE a(id INT)`), sqlscan.SQLite)
	t.Run("postgres", func(t *testing.T) {
		db, _ := postgresDatabase(t)
		count(db, sqlscan.Postgres)
	})
	t.Run("mysql", func(t *testing.T) {
		db, _ := mysqlDatabase(t)
		count(db, sqlscan.MySQL)
	})
}

type countingQuerier struct {
	db *sql.DB
	n  int
}

func (q *countingQuerier) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	q.n++
	return q.db.QueryContext(ctx, query, args...)
}
