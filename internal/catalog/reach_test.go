package catalog

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// reach is one statement and the tables that its text names as written.
type reach struct {
	sql    string
	tables []string
	all    bool // the catalog is expected to give up
	quiet  bool // the statement is not expected to change anything
}

func load(t testing.TB, db Querier, d sqlscan.Dialect) *Catalog {
	t.Helper()
	c, err := Load(context.Background(), db, d, nil)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	if !c.Known() {
		t.Fatal("a loaded catalog is not known")
	}
	return c
}

func exec(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%v\n%s", err, s)
		}
	}
}

// content reads every table and view, each as one text.
func content(t *testing.T, db *sql.DB, names []string) map[string]string {
	t.Helper()
	return contentOf(t, db, names)
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func contentOf(t fataler, db *sql.DB, names []string) map[string]string {
	all := map[string]string{}
	for _, name := range names {
		rows, err := db.Query("SELECT * FROM " + name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		cols, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for rows.Next() {
			values := make([]any, len(cols))
			for i := range values {
				values[i] = new(sql.NullString)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			var line strings.Builder
			for _, v := range values {
				fmt.Fprintf(&line, "%q|", v.(*sql.NullString).String)
			}
			lines = append(lines, line.String())
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
		slices.Sort(lines)
		all[name] = strings.Join(lines, "\n")
	}
	return all
}

// checkReach runs the statements and compares what changed with what the
// catalog said would: every table that changed is in Writes, and everything
// that changed depends, by Reads, on something in Writes.
func checkReach(t *testing.T, db *sql.DB, d sqlscan.Dialect, names []string, statements []reach) {
	t.Helper()
	c := load(t, db, d)
	views := c.Views()
	before := content(t, db, names)
	for _, s := range statements {
		exec(t, db, s.sql)
		after := content(t, db, names)
		written, why := c.WritesWhy(s.tables)
		if (why != "") != s.all {
			t.Errorf("%s: gives up = %q, expected %v", s.sql, why, s.all)
		}
		if _, all := c.Writes(s.tables); all != (why != "") {
			t.Errorf("%s: Writes and WritesWhy disagree", s.sql)
		}
		changed := 0
		for _, name := range names {
			if before[name] == after[name] {
				continue
			}
			changed++
			if why != "" {
				continue
			}
			name = lastPart(name)
			if !slices.Contains(views, name) && !slices.Contains(written, name) {
				t.Errorf("%s: changed table %s, which is not in Writes%v = %v", s.sql, name, s.tables, written)
			}
			depends, reason := c.Reads([]string{name})
			if reason == "" && !slices.ContainsFunc(depends, func(d string) bool { return slices.Contains(written, d) }) {
				t.Errorf("%s: changed %s, which depends on %v; written %v", s.sql, name, depends, written)
			}
		}
		if (changed == 0) != s.quiet {
			t.Errorf("%s: changed %d tables and views; the test expects otherwise", s.sql, changed)
		}
		before = after
	}
}

func wantReads(t *testing.T, c *Catalog, name string, want ...string) {
	t.Helper()
	got, reason := c.Reads([]string{name})
	if reason != "" || !slices.Equal(got, want) {
		t.Errorf("Reads(%s) = %v, %q; want %v", name, got, reason, want)
	}
}

func wantRefused(t *testing.T, c *Catalog, name, because string) {
	t.Helper()
	if _, reason := c.Reads([]string{name}); !strings.Contains(reason, because) || reason == "" {
		t.Errorf("Reads(%s) gives the reason %q; want one with %q", name, reason, because)
	}
}

func wantWrites(t *testing.T, c *Catalog, name string, want ...string) {
	t.Helper()
	got, why := c.WritesWhy([]string{name})
	if why != "" || !slices.Equal(got, want) {
		t.Errorf("Writes(%s) = %v, %q; want %v", name, got, why, want)
	}
}

func wantAll(t *testing.T, c *Catalog, name, because string) {
	t.Helper()
	if _, why := c.WritesWhy([]string{name}); !strings.Contains(why, because) || why == "" {
		t.Errorf("Writes(%s) gives the reason %q; want one with %q", name, why, because)
	}
}
