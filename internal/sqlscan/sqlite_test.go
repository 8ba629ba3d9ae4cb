package sqlscan

import (
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// The reference for SQLite is SQLite: its authorizer is told of every table a
// statement reads and writes while it is compiled.
//
//  1. Each table read is in Reads, or is a base of a view in Reads.
//  2. Each table written is in Writes, or WritesAll is set.
//  3. Where the catalog is read, or a moving function called, Impure is set.
//  4. Transaction control, PRAGMA and ATTACH are seen as such.
//
// A refused text owes nothing.

type event struct {
	op      int
	a, b, c string
}

type sqliteReference struct {
	mu     sync.Mutex
	conn   driver.Conn
	events []event
}

var sqliteViews = map[string][]string{"v1": {"users", "orders"}, "v2": {"v1", "users", "orders", "items"}}

func newSQLiteReference(tb testing.TB) *sqliteReference {
	tb.Helper()
	ref := &sqliteReference{}
	drv := &sqlite3.SQLiteDriver{ConnectHook: func(c *sqlite3.SQLiteConn) error {
		for _, s := range grammarSchema() {
			if _, err := c.Exec(s, nil); err != nil {
				return fmt.Errorf("%s: %w", s, err)
			}
		}
		c.RegisterAuthorizer(func(op int, a, b, c string) int {
			ref.events = append(ref.events, event{op, a, b, c})
			return sqlite3.SQLITE_OK
		})
		return nil
	}}
	conn, err := drv.Open(":memory:")
	if err != nil {
		tb.Fatal(err)
	}
	ref.conn = conn
	tb.Cleanup(func() {
		if err := conn.Close(); err != nil {
			tb.Error(err)
		}
	})
	return ref
}

func grammarSchema() []string {
	var list []string
	for _, name := range grammarTables[:grammarTableCount] {
		list = append(list, fmt.Sprintf(`CREATE TABLE "%s" (id integer primary key, name text, a integer, b integer)`,
			strings.ReplaceAll(name, `"`, `""`)))
	}
	return append(list, "CREATE VIEW v1 AS SELECT users.id, users.name, orders.a, orders.b FROM users, orders",
		`CREATE VIEW v2 AS SELECT v1.* FROM v1, "Items"`)
}

// compile returns what SQLite says of the first statement, false if it is none.
func (ref *sqliteReference) compile(sql string) ([]event, bool) {
	ref.mu.Lock()
	defer ref.mu.Unlock()
	ref.events = nil
	stmt, err := ref.conn.Prepare(sql)
	if err != nil || stmt == nil {
		return nil, false
	}
	_ = stmt.Close()
	return ref.events, true
}

// opens reports whether the program SQLite makes of sql opens the table name.
func (ref *sqliteReference) opens(sql, name string) bool {
	ref.mu.Lock()
	defer ref.mu.Unlock()
	roots := map[int64]bool{}
	for _, row := range ref.rows("SELECT rootpage FROM sqlite_master WHERE lower(tbl_name) = '" + strings.ReplaceAll(name, "'", "''") + "'") {
		roots[row[0].(int64)] = true
	}
	for _, row := range ref.rows("EXPLAIN " + sql) { // addr, opcode, p1, p2, …
		switch row[1] {
		case "OpenRead", "ReopenIdx": // the table of an INSERT is opened to be written
			if roots[row[3].(int64)] {
				return true
			}
		}
	}
	return false
}

func (ref *sqliteReference) rows(sql string) (all [][]driver.Value) {
	stmt, err := ref.conn.Prepare(sql)
	if err != nil {
		return nil
	}
	defer stmt.Close()
	//lint:ignore SA1019 the driver below database/sql
	rows, err := stmt.Query(nil)
	if err != nil {
		return nil
	}
	defer rows.Close()
	for {
		row := make([]driver.Value, len(rows.Columns()))
		if rows.Next(row) != nil {
			return all
		}
		all = append(all, row)
	}
}

// unsound returns what Scan missed, or "".
func (ref *sqliteReference) unsound(sql string) (miss string, compiled bool) {
	events, ok := ref.compile(sql)
	if !ok {
		return "", false
	}
	r := Scan(SQLite, sql, nil)
	if r.Err != nil {
		return "", true
	}
	reads := map[string]bool{}
	for _, name := range r.Reads {
		reads[name] = true
		for _, base := range sqliteViews[name] {
			reads[base] = true
		}
	}
	for _, e := range events {
		name := strings.ToLower(e.a)
		system := strings.HasPrefix(name, "sqlite_")
		switch e.op {
		case sqlite3.SQLITE_READ:
			if system && r.Impure == "" {
				return "the catalog is read", true
			}
			virtual := name == "json_each" || name == "json_tree" || name == "generate_series"
			// without a column, the name may be one of a WITH clause
			if e.b == "" && !reads[name] && containsFold(sql, "with") && !ref.opens(sql, name) {
				continue
			}
			if !system && !reads[name] && !virtual && !r.WritesAll && !(r.Impure != "" && strings.HasPrefix(name, "pragma_")) {
				return "reads " + name, true
			}
		case sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE:
			if system && !r.DDL && !r.WritesAll || !system && !slices.Contains(r.Writes, name) && !r.WritesAll {
				return "writes " + name, true
			}
			if r.Impure == "" {
				return "writes, but counts as pure", true
			}
		case sqlite3.SQLITE_FUNCTION:
			switch f := strings.ToLower(e.b); f {
			case "random", "randomblob", "changes", "total_changes", "last_insert_rowid", "sqlite_version",
				"current_timestamp", "current_date", "current_time", "load_extension":
				if r.Impure == "" {
					return "calls " + f, true
				}
			}
		case sqlite3.SQLITE_TRANSACTION:
			if r.Tx == TxNone || !r.WritesAll {
				return "transaction " + e.a, true
			}
		case sqlite3.SQLITE_SAVEPOINT:
			if r.Tx == TxNone {
				return "savepoint " + e.a, true
			}
		case sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH:
			if !r.WritesAll {
				return "attach", true
			}
		case sqlite3.SQLITE_PRAGMA:
			if r.Impure == "" {
				return "pragma", true
			}
		case sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_VIEW, sqlite3.SQLITE_CREATE_TRIGGER,
			sqlite3.SQLITE_CREATE_TEMP_TABLE, sqlite3.SQLITE_CREATE_TEMP_VIEW, sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
			sqlite3.SQLITE_CREATE_VTABLE, sqlite3.SQLITE_DROP_VTABLE,
			sqlite3.SQLITE_DROP_TABLE, sqlite3.SQLITE_DROP_VIEW, sqlite3.SQLITE_DROP_TRIGGER:
			if !r.DDL || !r.Structural {
				return "changes the structure", true
			}
		}
	}
	return "", true
}

func TestSQLiteAgrees(t *testing.T) {
	ref := newSQLiteReference(t)
	const seed, rounds = 1, 6000
	compiled, refused := 0, 0
	for i := uint64(0); i < rounds; i++ {
		g := newGrammar(SQLite, seed*1_000_000+i)
		sql := g.statement()
		miss, ok := ref.unsound(sql)
		if miss != "" {
			t.Fatalf("seed %d: missed: %s\n%s", seed*1_000_000+i, miss, sql)
		}
		if ok {
			compiled++
			if err := Scan(SQLite, sql, nil).Err; err != nil {
				refused++
				t.Logf("refused: %v\n%s", err, sql)
			}
		}
		mutant := g.mutate(sql)
		if miss, _ := ref.unsound(mutant); miss != "" {
			t.Fatalf("seed %d, mutated: missed: %s\n%s", seed*1_000_000+i, miss, mutant)
		}
	}
	// the generator must go on saying something, and the scanner reading it
	if compiled < rounds/4 {
		t.Errorf("only %d of %d statements compile", compiled, rounds)
	}
	if refused > compiled/50 {
		t.Errorf("%d of %d statements refused", refused, compiled)
	}
	t.Logf("%d statements compiled, %d refused", compiled, refused)
}

// FuzzSQLiteGrammar draws statements from the grammar and mutates them.
func FuzzSQLiteGrammar(f *testing.F) {
	ref := newSQLiteReference(f)
	f.Add(uint64(1), 0)
	f.Fuzz(func(t *testing.T, seed uint64, mutations int) {
		for i := uint64(0); i < 20; i++ {
			g := newGrammar(SQLite, seed+i<<40)
			sql := g.statement()
			for n := mutations & 3; n > 0; n-- {
				sql = g.mutate(sql)
			}
			if miss, _ := ref.unsound(sql); miss != "" {
				t.Fatalf("missed: %s\n%s", miss, sql)
			}
		}
	})
}

// FuzzSQLiteBytes mutates texts byte by byte.
func FuzzSQLiteBytes(f *testing.F) {
	ref := newSQLiteReference(f)
	for _, c := range scanCases {
		f.Add(c.sql)
	}
	for i := uint64(0); i < 50; i++ {
		f.Add(newGrammar(SQLite, i).statement())
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 4096 {
			return
		}
		if miss, _ := ref.unsound(sql); miss != "" {
			t.Fatalf("missed: %s\n%q", miss, sql)
		}
	})
}
