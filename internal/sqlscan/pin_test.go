package sqlscan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// sayOperand writes a parameter as $1, a literal as it is, anything else as *.
func sayOperand(op Operand) string {
	switch {
	case op.Param > 0:
		return fmt.Sprintf("$%d", op.Param)
	case op.Param < 0:
		return "*"
	}
	return op.Literal
}

func sayRows(columns []string, rows [][]Operand) string {
	var all []string
	for _, row := range rows {
		var ops []string
		for _, op := range row {
			ops = append(ops, sayOperand(op))
		}
		all = append(all, strings.Join(ops, ","))
	}
	return strings.Join(columns, ",") + "=" + strings.Join(all, "|")
}

// sayWhere writes restrictions as "id=$1|$2 & a,b=1,2".
func sayWhere(where []Restriction) string {
	var all []string
	for _, r := range where {
		all = append(all, sayRows(r.Columns, r.Rows))
	}
	return strings.Join(all, " & ")
}

type whereCase struct {
	dialects string
	where    string
	want     string
}

// whereCases hold what may stand behind WHERE.
var whereCases = []whereCase{
	// what a term is
	{"s", "id = ?", "id=$1"},
	{"smp", "id = 5", "id=5"},
	{"p", "id = $1", "id=$1"},
	{"p", "id = $3 AND a = $1 AND b = $3", "id=$3 & a=$1 & b=$3"},
	{"sm", "a > ? AND id = ?", "id=$2"},
	{"smp", "users.id = 5", "id=5"},
	{"smp", "main.users.ID = 5", "id=5"},
	{"smp", "a.b.c.id = 5", ""},
	{"sm", "`users`.`id` = ?", "id=$1"},
	{"sp", `"users"."id" = 5`, "id=5"},
	{"m", `"id" = 5`, ""},
	{"smp", `'id' = 5`, ""},
	{"s", "[users].[ID] = 5", "id=5"},
	{"p", `"ID" = 5`, ""}, // another column than id
	{"s", `"ID" = 5`, "id=5"},
	{"sp", `"i""d" = 5`, ""},
	{"smp", "ïd = 5", ""},
	{"sp", "key = 5", "key=5"},
	{"m", "id = 5 AND true = 1", "id=5"},
	{"smp", "null = 5", ""},
	{"p", "user = 5", ""},
	{"smp", strings.Repeat("x", 63) + " = 5", strings.Repeat("x", 63) + "=5"},
	{"p", strings.Repeat("x", 64) + " = 5", ""},
	{"sm", "id IN (?,?)", "id=$1|$2"},
	{"smp", "id IN (7)", "id=7"},
	{"smp", "users.id IN (7, 0, 123456789012345)", "id=7|0|123456789012345"},
	{"sm", "(a, users.b) IN ((?,?),(3,?))", "a,b=$1,$2|3,$3"},
	{"smp", "(a) IN ((1),(2))", "a=1|2"},
	{"smp", "(a, b) IN ((1,2))", "a,b=1,2"},
	{"smp", "(a, b) = (1,2)", ""},
	{"sm", "id = ? AND a = ? AND id = 4", "id=$1 & a=$2 & id=4"},
	// what an operand is
	{"smp", "id = -1", ""},
	{"smp", "id = +1", ""},
	{"smp", "id = 01", ""},
	{"smp", "id = 00", ""},
	{"smp", "id = 0", "id=0"},
	{"smp", "id = 1.0", ""},
	{"smp", "id = 1.", ""},
	{"smp", "id = .1", ""},
	{"smp", "id = 1e3", ""},
	{"smp", "id = 0x1", ""},
	{"smp", "id = 1_000", ""},
	{"smp", "id = 1234567890123456", ""},
	{"smp", "id = '1'", ""},
	{"smp", "id = NULL", ""},
	{"smp", "id = a", ""},
	{"smp", "id = (1)", ""},
	{"smp", "5 = id", ""},
	{"smp", "id = DEFAULT", ""},
	{"m", "id = @x", ""},
	// nothing may hang on it
	{"smp", "id = 1 + 1", ""},
	{"smp", "id = 1 IS NULL", ""},
	{"smp", "id = 1 NOTNULL", ""},
	{"smp", "id = 1 = 1", ""},
	{"smp", "id = 1 < 2", ""},
	{"smp", "id = 1 COLLATE x", ""},
	{"p", "id = $1::int", ""},
	{"p", "id = $1[1]", ""},
	{"p", "id[1] = $1", ""},
	{"p", "id = $1 AT TIME ZONE 'UTC'", ""},
	{"smp", "1 + id = 1", ""},
	{"smp", "- id = 1", ""},
	{"sm", "~ id = 1", ""},
	{"m", "BINARY id = 1", ""},
	{"smp", "NOT id = 1", ""},
	{"m", "! id = 1", ""},
	{"smp", "NOT (id = 1)", ""},
	{"smp", "NOT (id = 1) AND a = 2", "a=2"},
	{"smp", "NOT a AND id = 2", "id=2"},
	{"smp", "id + 1 = 1", ""},
	{"smp", "lower(id) = 1", ""},
	{"smp", "f.id(1) = 1", ""},
	{"smp", "id == 1", ""},
	{"smp", "id <= 1", ""},
	{"smp", "id >= 1", ""},
	{"smp", "id <> 1", ""},
	{"smp", "id != 1", ""},
	{"m", "id <=> 1", ""},
	{"smp", "id LIKE 1", ""},
	{"smp", "id IS 1", ""},
	{"smp", "id NOT IN (1)", ""},
	{"smp", "(a, b) NOT IN ((1,2))", ""},
	{"smp", "id IN (1) IS NULL", ""},
	{"smp", "id IN (1) = 0", ""},
	{"smp", "id IN (1, NULL)", ""},
	{"smp", "id IN (1, a)", ""},
	{"smp", "id IN (1, -2)", ""},
	{"smp", "id IN (1, (2))", ""},
	{"smp", "id IN ((1))", ""},
	{"s", "id IN ()", ""},
	{"smp", "id IN (1,)", ""},
	{"smp", "id IN (1 + 1)", ""},
	{"smp", "(a, b) IN ((1,2),(3))", ""},
	{"smp", "(a, b) IN ((1,2),(3,4,5))", ""},
	{"smp", "(a, b) IN ((1,2,3,4))", ""},
	{"smp", "(a, b) IN (1,2)", ""},
	{"smp", "(a, b + 1) IN ((1,2))", ""},
	{"smp", "(a, b) IN ((1,2 + 1))", ""},
	{"p", "id = ANY($1)", ""},
	{"p", "id = ANY(ARRAY[1])", ""},
	// conjunctions
	{"smp", "(id = 1)", "id=1"},
	{"smp", "((id = 1))", "id=1"},
	{"smp", "(id = 1 AND a > 3) AND b IS NULL", "id=1"},
	{"smp", "(id = 1 OR a > 3) AND b = 1", "b=1"},
	{"smp", "(a OR b) AND (c = 1 AND (d = 2 OR e) AND (f = 3))", "c=1 & f=3"},
	{"smp", "a AND id = 1 AND (b OR c)", "id=1"},
	{"smp", "id = 1 OR a = 1", ""},
	{"smp", "id = 1 AND a OR b", ""},
	{"smp", "a OR b AND id = 1", ""},
	{"smp", "(id = 1 AND a OR b)", ""},
	{"smp", "(id = 1) = 0", ""},
	{"smp", "(id = 1) IS NULL AND a = 1", "a=1"},
	{"smp", "(id = 1, a = 2) AND b = 1", "b=1"},
	{"smp", "lower(id = 1) AND b = 1", "b=1"},
	{"s", "f(id = 1) AND b = 1", "b=1"},
	{"mp", "f(id = 1) AND b = 1", ""}, // what f writes is not known
	{"m", "id = 1 XOR a", ""},
	{"m", "id = 1 || a", ""},
	{"m", "a || b AND id = 1", ""},
	{"m", "id = 1 && a = 1", ""},
	{"m", "(id = 1 || a) AND b = 1", "b=1"},
	{"sp", "a || b = c AND id = 1", "id=1"},
	{"m", "@x := 1 AND id = 1", ""},
	{"m", "t.and(id = 1)", ""},
	{"m", "t.or(id = 1) AND a = 1", ""},
	{"smp", "CASE WHEN a AND id = 1 THEN 1 END", ""},
	{"smp", "b = 2 AND CASE WHEN a THEN b ELSE c AND id = 1 END AND a = 1", ""},
	{"smp", "b = 2 AND (CASE WHEN a THEN b ELSE c AND id = 1 END) AND a = 1", "b=2 & a=1"},
	{"smp", "a BETWEEN 1 AND id = 1", ""},
	{"smp", "a BETWEEN 1 AND 2 AND id = 1", "id=1"},
	{"smp", "a NOT BETWEEN 1 AND 2 AND id = 1", "id=1"},
	{"smp", "a BETWEEN 1 AND id AND id = 1", "id=1"},
	{"smp", "a BETWEEN b BETWEEN 1 AND 2 AND id = 1", ""},
	{"smp", "a BETWEEN (b AND c) AND id = 1", ""},
	{"p", "a BETWEEN SYMMETRIC 1 AND 2 AND id = 1", "id=1"},
	{"smp", "id = 1 AND a BETWEEN 1 AND 2", "id=1"},
	{"smp", strings.Repeat("(", 8) + "id = 1" + strings.Repeat(")", 8), "id=1"},
	{"smp", strings.Repeat("(", 9) + "id = 1" + strings.Repeat(")", 9), ""},
	// the end of the clause
	{"smp", "id = 1;", "id=1"},
	{"smp", "id = 1 ORDER BY a LIMIT 1 OFFSET 2", "id=1"},
	{"sp", "id = 1 GROUP BY a HAVING b = 1", "id=1"},
	{"smp", "id = 1 GROUP BY a HAVING b OR c", ""},
	{"p", "id = 1 FETCH FIRST 1 ROWS ONLY", "id=1"},
	{"mp", "id = 1 FOR UPDATE", "id=1"},
	{"p", "id = 1 WINDOW w AS (ORDER BY a)", "id=1"},
	{"smp", "id = 1 ORDER BY a = 1 OR b", ""},
	{"sm", "id = 1 AND offset = 5 OR b", ""},
	{"sm", "id = 1 AND offset = 5 AND b = 1", "id=1"},
	{"m", "id = 1 AND t.order = 5 OR b", ""},
	{"smp", "id = 1 -- AND\n AND /* OR */ a = 2", "id=1 & a=2"},
	{"smp", "a = 'x OR y' AND id = 1", "id=1"},
	// other rows and tables
	{"smp", "id = 1 AND a IN (SELECT b FROM users)", ""},
	{"smp", "id = 1 AND EXISTS (SELECT 1 FROM users)", ""},
	{"s", "id = 1 AND a IN users", ""},
	{"s", "id = 1 AND a IN (users)", "id=1"},
	{"p", "id = 1 AND a IN (VALUES (1))", ""},
	{"p", "id = 1 AND a IN (TABLE users)", ""},
	{"m", "id = 1 AND MATCH (a) AGAINST ('x')", ""},
	{"s", "id = 1 AND users MATCH 'x'", ""},
	{"smp", "id = 1 UNION SELECT * FROM users", ""},
	{"smp", "id = 1; SELECT 1", ""},
	// parameters
	{"s", "id = ?1", ""},
	{"s", "id = :id", ""},
	{"s", "id = @id AND a = 1", "a=1"},
	{"s", "id = ? AND a = :a AND b = 2", "b=2"},
	{"p", "id = $01", ""},
	{"p", "id = $0", ""},
	{"p", "id = $70000000000", ""},
	{"p", "id = ?", ""},
	{"q", "id = 1", ""},
}

func TestWhere(t *testing.T) {
	for _, c := range whereCases {
		for i := range len(c.dialects) {
			d := letters[c.dialects[i]]
			for _, head := range []string{"SELECT * FROM users WHERE ", "SELECT count(*) FROM main.users AS u WHERE ",
				"UPDATE users SET x = 1 WHERE ", "DELETE FROM users WHERE "} {
				text := head + c.where
				r := Scan(d, text, nil)
				if r.Err != nil && r.Where == nil && head[0] != 'S' {
					continue // a clause that only a SELECT has
				}
				if got := sayWhere(r.Where); got != c.want {
					t.Errorf("%v: %s\n got %q\nwant %q", d, text, got, c.want)
				}
			}
		}
	}
}

func TestWhereOfManyValues(t *testing.T) {
	for n, want := range map[int]int{maxPinned: maxPinned, maxPinned + 1: 0} {
		single := Scan(SQLite, "SELECT * FROM t WHERE id IN ("+strings.Repeat("?,", n-1)+"?)", nil)
		pairs := Scan(MySQL, "SELECT * FROM t WHERE (a,b) IN ("+strings.Repeat("(?,?),", n-1)+"(?,?))", nil)
		for _, r := range []*Result{single, pairs} {
			rows := 0
			for _, w := range r.Where {
				rows = len(w.Rows)
			}
			if rows != want || r.Err != nil {
				t.Errorf("%d values: %d told, want %d (%v)", n, rows, want, r.Err)
			}
		}
	}
}

// Only a statement of one table, named once, has restrictions.
func TestWhereWantsOneTable(t *testing.T) {
	for _, c := range []struct{ dialects, sql, want string }{
		{"smp", "SELECT * FROM t WHERE id = 1", "id=1"},
		{"smp", "SELECT ALL * FROM t x WHERE id = 1", "id=1"},
		{"sp", `SELECT * FROM "main"."t" AS "x" WHERE id = 1`, "id=1"},
		{"smp", "SELECT DISTINCT a FROM t WHERE id = 1", "id=1"},
		{"p", "SELECT DISTINCT ON (a) b FROM t WHERE id = 1", "id=1"},
		{"sp", "SELECT a IS DISTINCT FROM b FROM t WHERE id = 1", "id=1"},
		{"sp", "SELECT a IS DISTINCT FROM b", ""},
		{"p", "SELECT extract(year FROM a) FROM t WHERE id = 1", "id=1"},
		{"smp", "SELECT * FROM t, t AS u WHERE t.id = 1", ""},
		{"smp", "SELECT * FROM t JOIN t AS u ON 1 = 1 WHERE t.id = 1", ""},
		{"smp", "SELECT * FROM t LEFT JOIN u ON u.id = t.id WHERE t.id = 1", ""},
		{"smp", "SELECT * FROM (SELECT * FROM t) x WHERE id = 1", ""},
		{"smp", "SELECT (SELECT max(id) FROM t) FROM t WHERE id = 1", ""},
		{"smp", "WITH c AS (SELECT 1) SELECT * FROM t WHERE id = 1", ""},
		{"smp", "SELECT 1 UNION SELECT id FROM t WHERE id = 1", ""},
		{"p", "(SELECT * FROM t WHERE id = 1)", ""},
		{"smp", "EXPLAIN SELECT * FROM t WHERE id = 1", ""},
		{"p", "SELECT * FROM ONLY t WHERE id = 1", ""},
		{"p", "SELECT * FROM t * WHERE id = 1", ""},
		{"p", "SELECT * FROM t AS u (a, id) WHERE id = 1", ""},
		{"p", "SELECT * FROM t TABLESAMPLE SYSTEM (10) WHERE id = 1", ""},
		{"p", "SELECT * FROM generate_series(1, 2) AS id WHERE id = 1", ""},
		{"p", "SELECT * INTO u FROM t WHERE id = 1", ""},
		{"m", "SELECT * FROM t PARTITION (p0) WHERE id = 1", ""},
		{"m", "SELECT * FROM t FORCE INDEX (x) WHERE id = 1", ""},
		{"m", "SELECT * FROM t WHERE id = 1 INTO OUTFILE 'x'", ""},
		{"s", "SELECT * FROM t INDEXED BY x WHERE id = 1", ""},
		{"s", "SELECT * FROM t NOT INDEXED WHERE id = 1", ""},
		{"s", "SELECT * FROM 't' WHERE id = 1", ""},
		{"s", "SELECT * FROM t(1) WHERE id = 1", ""},
		{"smp", "SELECT * FROM t WHERE id = 1 ORDER BY (SELECT 1)", ""},
		{"sp", "UPDATE t SET x = 1 FROM u WHERE t.id = 1", ""},
		{"sp", "UPDATE t SET x = 1 FROM t AS u WHERE t.id = 1", ""},
		{"m", "UPDATE t, u SET t.x = 1 WHERE t.id = 1", ""},
		{"m", "UPDATE t JOIN u ON t.id = u.id SET t.x = 1 WHERE t.id = 1", ""},
		{"smp", "UPDATE t SET x = (SELECT max(x) FROM t) WHERE id = 1", ""},
		{"p", "DELETE FROM t USING u WHERE t.id = 1", ""},
		{"p", "DELETE FROM t USING t AS u WHERE t.id = 1", ""},
		{"m", "DELETE t FROM t WHERE id = 1", ""},
		{"m", "DELETE FROM t USING t JOIN u ON 1 WHERE t.id = 1", ""},
		{"m", "DELETE FROM t, u USING t JOIN u ON 1 WHERE t.id = 1", ""},
		{"p", "WITH c AS (SELECT 1) DELETE FROM t WHERE id = 1", ""},
		{"p", "DELETE FROM t WHERE f(id) AND id = 1", ""}, // what f writes is not known
	} {
		for i := range len(c.dialects) {
			d := letters[c.dialects[i]]
			if got := sayWhere(Scan(d, c.sql, nil).Where); got != c.want {
				t.Errorf("%v: %s\n got %q\nwant %q", d, c.sql, got, c.want)
			}
		}
	}
}

func TestPlain(t *testing.T) {
	opts := &Options{Routines: map[string]bool{".made": true, "own": true}}
	for _, c := range []struct {
		dialects, sql string
		want          bool
	}{
		{"smp", "SELECT * FROM t", true},
		{"smp", "SELECT * FROM t;", true},
		{"smp", "SELECT t.* FROM t", true},
		{"smp", "SELECT id, t.a, s.t.b AS x, c y FROM s.t", true},
		{"sm", "SELECT `t`.`id`,`t`.`a` FROM `t` WHERE lower(a) ORDER BY `t`.`id` LIMIT ?", true},
		{"sp", `SELECT "t"."id" AS "x", a "y" FROM "t" AS "u"`, true},
		{"sm", "SELECT id AS 'x' FROM t", true},
		{"smp", "SELECT ALL id FROM t", true},
		{"smp", "SELECT DISTINCT a, b FROM t WHERE x > 3 ORDER BY a DESC, b LIMIT 5 OFFSET 2", true},
		{"p", "SELECT * FROM t FOR UPDATE", true},
		{"smp", "SELECT count FROM t", true},
		{"p", "SELECT DISTINCT ON (a) b FROM t", false},
		{"smp", "SELECT count(*) FROM t", false},
		{"smp", "SELECT id, max(a) FROM t", false},
		{"smp", "SELECT max(a) x FROM t WHERE id = 1", false},
		{"smp", "SELECT id + 1 FROM t", false},
		{"smp", "SELECT -id FROM t", false},
		{"smp", "SELECT 1 FROM t", false},
		{"smp", "SELECT 'x' FROM t", false},
		{"smp", "SELECT NULL, true FROM t", false},
		{"s", "SELECT ? FROM t", false},
		{"smp", "SELECT (id) FROM t", false},
		{"smp", "SELECT CASE WHEN a THEN 1 END FROM t", false},
		{"p", "SELECT id::text FROM t", false},
		{"p", "SELECT a[1] FROM t", false},
		{"smp", "SELECT current_timestamp FROM t", false},
		{"smp", "SELECT rank() OVER (ORDER BY a) FROM t", false},
		{"smp", "SELECT a FROM t GROUP BY a", false},
		{"smp", "SELECT a FROM t WHERE b = 1 GROUP BY a", false},
		{"smp", "SELECT a FROM t HAVING a > 1", false},
		{"smp", "SELECT a FROM t ORDER BY count(*)", false},
		{"smp", "SELECT a FROM t WHERE b = 1 ORDER BY max(a)", false},
		{"smp", "SELECT a FROM t, u", false},
		{"smp", "SELECT a FROM t JOIN u ON 1 = 1", false},
		{"smp", "SELECT a FROM t UNION SELECT a FROM t", false},
		{"smp", "SELECT a FROM t WHERE a IN (SELECT 1)", false},
		{"smp", "INSERT INTO t VALUES (1)", false},
		{"smp", "UPDATE t SET a = 1", false},
		{"p", "SELECT FROM t", false},
		// a function that is called like a column is read
		{"p", "SELECT t.count FROM t", false},
		{"p", `SELECT t."count" FROM t`, false},
		{"p", "SELECT s.t.array_agg FROM s.t", false},
		{"p", "SELECT t.JSON_AGG AS x FROM t", false},
		{"p", "SELECT a FROM t ORDER BY t.count", false},
		{"p", "SELECT t.own FROM t", false},
		{"p", "SELECT t.made FROM t", false},
		{"sm", "SELECT t.count FROM t", true},
		{"q", "SELECT * FROM t", false},
	} {
		for i := range len(c.dialects) {
			d := letters[c.dialects[i]]
			if r := Scan(d, c.sql, opts); r.Plain != c.want {
				t.Errorf("%v: %s: plain %v, want %v (%v)", d, c.sql, r.Plain, c.want, r.Err)
			}
		}
	}
}

func TestParams(t *testing.T) {
	for _, c := range []struct {
		dialects, sql string
		want          int
	}{
		{"smpq", "SELECT 1", 0},
		{"smq", "SELECT ?, '?', ? /* ? */", 2},
		{"p", "SELECT $2, $1, $2, '$3'", 2},
		{"p", "SELECT $7", 7},
		{"p", "SELECT a ? 'b' FROM t", 0},
		{"p", "SELECT $0", -1},
		{"p", "SELECT $01", -1},
		{"p", "SELECT $123456", -1},
		{"s", "SELECT ?1", -1},
		{"s", "SELECT ?, :a", -1},
		{"s", "SELECT $a", -1},
		{"q", "SELECT @p1", -1},
		{"smp", "SELECT 1; SELECT 2", -1},
		{"smp", "SELECT '", -1},
		{"smp", "", -1},
	} {
		for i := range len(c.dialects) {
			d := letters[c.dialects[i]]
			if r := Scan(d, c.sql, nil); r.Params != c.want {
				t.Errorf("%v: %s: %d parameters, want %d", d, c.sql, r.Params, c.want)
			}
		}
	}
	r := ScanDefinition(SQLite, "CREATE VIEW v AS SELECT * FROM t WHERE id = 1", nil)
	if r.Params != -1 || r.Where != nil || r.Plain || r.Change != nil {
		t.Errorf("a definition says %+v", r)
	}
}

// The further pass must stay linear where texts are nested or long.
func TestRowsOfHugeTexts(t *testing.T) {
	const n = 1 << 16
	for _, text := range []string{
		"SELECT * FROM t WHERE " + strings.Repeat("(id = 1 AND ", 200) + "1" + strings.Repeat(")", 200),
		"SELECT * FROM t WHERE " + strings.Repeat("((((((id = 1)))))) AND ", n) + "1",
		"SELECT * FROM t WHERE " + strings.Repeat("a BETWEEN ", n) + "1",
		"UPDATE t SET " + strings.Repeat("a = 1, ", n) + "b = 2",
		"INSERT INTO t (a) VALUES " + strings.Repeat("(1),", n) + "(2) ON CONFLICT (a) DO UPDATE SET a = 1",
	} {
		r := Scan(SQLite, text, nil)
		if r.Err != nil {
			t.Errorf("%.40s…: %v", text, r.Err)
		}
		if r.Change != nil && r.Change.Upsert && r.Change.Rows != nil {
			t.Error("so many rows should not be told")
		}
		if r.Change != nil && r.Change.Verb == VerbUpdate && !slices.Equal(r.Change.Assigned, []string{"a", "b"}) {
			t.Errorf("assigned %v", r.Change.Assigned)
		}
	}
}
