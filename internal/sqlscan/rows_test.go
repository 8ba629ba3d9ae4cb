package sqlscan

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sort"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/mattn/go-sqlite3"
)

// The reference for what is told of rows is a database that runs the statement.
//
//  1. A SELECT answers the same when all rows but those of Where are gone.
//  2. The result of a Plain SELECT is a part of the rows that its WHERE lets
//     through, each shown once at most.
//  3. An UPDATE or DELETE changes rows of Where only, and an UPDATE columns of
//     Assigned only.
//  4. An INSERT changes no row that was there; an upsert those only whose Target
//     columns have a told value, and columns of Assigned only.

type rowReference struct {
	d  Dialect
	tx *sql.Tx
}

// tableRow holds id, a, b, c.
type tableRow [4]sql.NullInt64

var rowColumns = []string{"id", "a", "b", "c"}

func newRowReference(tb testing.TB, d Dialect) *rowReference {
	tb.Helper()
	driver, dsn, create, strict := "sqlite3", ":memory:", "CREATE TABLE", " STRICT" // integers only, as elsewhere
	switch d {
	case Postgres:
		driver, dsn, create, strict = "pgx", os.Getenv("QUERYCACHE_POSTGRES_DSN"), "CREATE TEMPORARY TABLE", ""
	case MySQL:
		driver, dsn, create, strict = "mysql", os.Getenv("QUERYCACHE_MYSQL_DSN"), "CREATE TEMPORARY TABLE", ""
	}
	if dsn == "" {
		if strings.Contains(os.Getenv("QUERYCACHE_REQUIRE"), d.String()) {
			tb.Fatalf("QUERYCACHE_REQUIRE names %v, but its DSN is not set", d)
		}
		tb.Skipf("no %v to compare with", d)
	}
	ctx := context.Background()
	db, err := sql.Open(driver, dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	conn, err := db.Conn(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = conn.Close() })
	if d == SQLite {
		_ = conn.Raw(func(c any) error {
			c.(*sqlite3.SQLiteConn).SetLimit(sqlite3.SQLITE_LIMIT_LENGTH, 1<<17)
			return nil
		})
	}
	exec := func(text string) {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
	}
	if d == MySQL { // else a column beside an aggregate is that of any row
		exec("SET SESSION sql_mode = CONCAT(@@sql_mode, ',ONLY_FULL_GROUP_BY')")
	}
	exec(create + " t (id integer primary key, a integer, b integer, c integer, UNIQUE (a, b))" + strict)
	exec("INSERT INTO t (id, a, b, c) VALUES (0,0,1,2), (1,1,1,1), (2,1,2,NULL), (3,3,1,1), (4,NULL,1,0), (5,2,2,2), (6,NULL,NULL,NULL), (7,0,0,0), (8,2,1,1), (9,4,3,2)")
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tx.Rollback() })
	return &rowReference{d, tx}
}

func (ref *rowReference) must(tb testing.TB, text string) {
	tb.Helper()
	if _, err := ref.tx.ExecContext(context.Background(), text); err != nil {
		tb.Fatalf("%s: %v", text, err)
	}
}

// try runs do, and takes back what it did.
func (ref *rowReference) try(tb testing.TB, do func()) {
	tb.Helper()
	ref.must(tb, "SAVEPOINT here")
	do()
	ref.must(tb, "ROLLBACK TO SAVEPOINT here")
}

// table returns the rows of the table by their id.
func (ref *rowReference) table(tb testing.TB) map[int64]tableRow {
	tb.Helper()
	return ref.matching(tb, "", nil)
}

func (ref *rowReference) matching(tb testing.TB, where string, args []any) map[int64]tableRow {
	tb.Helper()
	rows, err := ref.tx.QueryContext(context.Background(), "SELECT id, a, b, c FROM t"+where, args...)
	if err != nil {
		tb.Fatalf("%s: %v", where, err)
	}
	defer rows.Close()
	all := map[int64]tableRow{}
	for rows.Next() {
		var r tableRow
		if err := rows.Scan(&r[0], &r[1], &r[2], &r[3]); err != nil {
			tb.Fatal(err)
		}
		all[r[0].Int64] = r
	}
	if rows.Err() != nil {
		tb.Fatal(rows.Err())
	}
	return all
}

// answer runs a query and writes each row of its result as a text, sorted.
func (ref *rowReference) answer(text string, args []any) ([]string, error) {
	rows, err := ref.tx.QueryContext(context.Background(), text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	all := []string{}
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = string(b)
			}
		}
		all = append(all, fmt.Sprint(values))
	}
	sort.Strings(all)
	return all, rows.Err()
}

func columnIndex(d Dialect, name string) int {
	if d == SQLite && (name == "rowid" || name == "oid" || name == "_rowid_") {
		name = "id"
	}
	return slices.Index(rowColumns, name)
}

// meets reports whether the columns of row are equal to one of operands. What is
// no column of the table meets everything.
func meets(d Dialect, row tableRow, columns []string, operands [][]Operand, args []any) bool {
	return slices.ContainsFunc(operands, func(ops []Operand) bool {
		for i, name := range columns {
			at := columnIndex(d, name)
			if at < 0 || ops[i].Param < 0 {
				continue
			}
			want := ops[i].Literal
			if n := ops[i].Param; n > 0 {
				want = fmt.Sprint(args[n-1])
			}
			if !row[at].Valid || fmt.Sprint(row[at].Int64) != want {
				return false
			}
		}
		return true
	})
}

func within(d Dialect, row tableRow, where []Restriction, args []any) bool {
	for _, w := range where {
		if !meets(d, row, w.Columns, w.Rows, args) {
			return false
		}
	}
	return true
}

func (ref *rowReference) checkQuery(tb testing.TB, text string, args []any, list []string) (told bool) {
	r := Scan(ref.d, text, nil)
	if r.Err != nil || r.Where == nil && !r.Plain {
		return false
	}
	if r.Params >= 0 && r.Params != len(args) {
		tb.Fatalf("%s: %d parameters, want %d", text, r.Params, len(args))
	}
	ref.try(tb, func() {
		full, err := ref.answer(text, args)
		if err != nil {
			return
		}
		told = true
		if r.Plain && list != nil {
			where := text[strings.Index(text, " FROM t")+len(" FROM t"):]
			if i := strings.Index(where, " ORDER BY"); i >= 0 {
				where = where[:i]
			}
			shown := map[string]int{}
			for _, row := range ref.matching(tb, where, args) {
				var values []any
				for _, c := range list {
					if i := slices.Index(rowColumns, c); i >= 0 && row[i].Valid {
						values = append(values, row[i].Int64)
					} else if i >= 0 {
						values = append(values, nil)
					} else {
						tb.Fatalf("%v: %s: told to be plain", ref.d, text)
					}
				}
				shown[fmt.Sprint(values)]++
			}
			for _, s := range full {
				if shown[s]--; shown[s] < 0 {
					tb.Fatalf("%v: %s: %v: told to be plain, but %s stands for no row of its own", ref.d, text, args, s)
				}
			}
		}
		if r.Where == nil {
			return
		}
		for id, row := range ref.table(tb) {
			if !within(ref.d, row, r.Where, args) {
				ref.must(tb, fmt.Sprintf("DELETE FROM t WHERE id = %d", id))
			}
		}
		part, err := ref.answer(text, args)
		if err != nil || !slices.Equal(full, part) {
			tb.Fatalf("%v: %s: %v: told %s\nof all rows %v\nof those    %v %v", ref.d, text, args, sayWhere(r.Where), full, part, err)
		}
	})
	return told
}

func (ref *rowReference) checkWrite(tb testing.TB, text string, args []any) (told bool) {
	r := Scan(ref.d, text, nil)
	if r.Err != nil || r.Change == nil {
		if r.Where != nil {
			tb.Fatalf("%s: rows without a change", text)
		}
		return false
	}
	ref.try(tb, func() {
		before := ref.table(tb)
		ref.must(tb, "SAVEPOINT inner_one")
		if _, err := ref.tx.ExecContext(context.Background(), text, args...); err != nil {
			ref.must(tb, "ROLLBACK TO SAVEPOINT inner_one")
			return
		}
		after := ref.table(tb)
		told = len(before) != len(after)
		moved := slices.ContainsFunc(r.Change.Assigned, func(name string) bool { return columnIndex(ref.d, name) == 0 })
		for id, old := range before {
			now, there := after[id]
			if there && now == old {
				continue
			}
			told = true
			if r.Change.Verb == VerbInsert && !r.Change.Upsert ||
				r.Change.Upsert && r.Change.Rows != nil && !meets(ref.d, old, r.Change.Columns, r.Change.Rows, args) ||
				!r.Change.Upsert && !within(ref.d, old, r.Where, args) {
				tb.Fatalf("%v: %s: %v: told %s where %s, but %v is now %v", ref.d, text, args, sayChange(r.Change), sayWhere(r.Where), old, now)
			}
			if r.Change.Verb == VerbDelete || moved {
				continue
			}
			for i, name := range rowColumns {
				if old[i] != now[i] && !slices.ContainsFunc(r.Change.Assigned, func(s string) bool { return columnIndex(ref.d, s) == i }) {
					tb.Fatalf("%v: %s: %v: told %s, but %s changed", ref.d, text, args, sayChange(r.Change), name)
				}
			}
		}
	})
	return told
}

// check runs one statement that the seed makes.
func (ref *rowReference) check(tb testing.TB, seed uint64) (told bool) {
	g := newRowGrammar(ref.d, seed)
	kind := g.r.IntN(6)
	if kind < 3 {
		text, args := g.bind(g.query())
		return ref.checkQuery(tb, text, args, g.list)
	}
	write := [...]func() string{g.update, g.delete, g.insert}[kind-3]
	text, args := g.bind(write())
	return ref.checkWrite(tb, text, args)
}

func TestRestrictionsHold(t *testing.T) {
	for _, d := range []Dialect{SQLite, Postgres, MySQL} {
		t.Run(d.String(), func(t *testing.T) {
			ref := newRowReference(t, d)
			first, n, told := rand.Uint64(), 2000, 0
			if testing.Short() {
				n = 500
			}
			for i := range uint64(n) {
				if ref.check(t, first+i) {
					told++
				}
				if t.Failed() {
					break
				}
			}
			t.Logf("seed %d: %d of %d statements ran and had something told of them", first, told, n)
			if told < n/20 {
				t.Errorf("seed %d: only %d of %d statements ran and had something told of them", first, told, n)
			}
		})
	}
}

func someArgs(text string) (args []any) {
	for i := range max(0, Scan(SQLite, text, nil).Params) {
		args = append(args, int64(i%5))
	}
	return args
}

// FuzzRestrictionsHold runs statements of the grammar, and WHERE clauses as the
// fuzzer writes them.
func FuzzRestrictionsHold(f *testing.F) {
	for i, c := range whereCases {
		if strings.Contains(c.dialects, "s") {
			f.Add(uint64(i), c.where)
		}
	}
	ref := newRowReference(f, SQLite)
	f.Fuzz(func(t *testing.T, seed uint64, where string) {
		ref.check(t, seed)
		if len(where) > 500 {
			return
		}
		for _, head := range []string{"SELECT * FROM t WHERE ", "SELECT a FROM t AS users WHERE "} {
			ref.checkQuery(t, head+where, someArgs(head+where), nil)
		}
		for _, head := range []string{"UPDATE t SET c = c + 1 WHERE ", "DELETE FROM t WHERE "} {
			ref.checkWrite(t, head+where, someArgs(head+where))
		}
	})
}
