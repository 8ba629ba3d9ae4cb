package sqlscan

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// grammar writes random statements over the tables of the soundness tests, with
// all the ways a name, a comment and a blank can be written.
type grammar struct {
	r     *rand.Rand
	d     Dialect
	depth int
	ctes  []string
}

var grammarTables = []string{"users", "orders", "Items", `My"T`, "us ers", "us`ers", "offset", "left", "replace", "now", "v1", "v2"}

const grammarTableCount = 10 // the rest are views, which are only read

func newGrammar(d Dialect, seed uint64) *grammar {
	return &grammar{r: rand.New(rand.NewPCG(seed, 7)), d: d}
}

func (g *grammar) pick(s ...string) string { return s[g.r.IntN(len(s))] }
func (g *grammar) one(n int) bool          { return g.r.IntN(n) == 0 }

func (g *grammar) quote(name string) string {
	plain := !strings.ContainsAny(name, " \"`")
	if plain && name != "offset" && name != "left" && g.d == SQLite && g.one(3) ||
		plain && name == strings.ToLower(name) && name != "offset" && name != "left" && g.one(2) {
		if g.one(4) {
			return strings.ToUpper(name)
		}
		return name
	}
	double := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
	if g.d != SQLite {
		return double
	}
	return g.pick(double, "`"+strings.ReplaceAll(name, "`", "``")+"`", "["+name+"]", double)
}

func (g *grammar) base() string { return grammarTables[g.r.IntN(grammarTableCount)] }

func (g *grammar) table() string {
	if len(g.ctes) > 0 && g.one(3) {
		return g.quote(g.ctes[g.r.IntN(len(g.ctes))])
	}
	name := grammarTables[g.r.IntN(len(grammarTables))]
	if g.d == SQLite {
		switch g.r.IntN(12) {
		case 0:
			return "main." + g.quote(name)
		case 1:
			return "'" + name + "'"
		}
	}
	return g.quote(name)
}

// column is mostly a constant: a column of joined tables is seldom unambiguous.
func (g *grammar) column() string {
	if !g.one(5) {
		return g.pick("1", "2", "NULL", "length('a')", "3")
	}
	c := g.pick("id", "name", "a", "b")
	if g.one(4) {
		c = `"` + c + `"`
	}
	return c
}

func (g *grammar) alias() string {
	a := fmt.Sprintf("x%d", g.r.IntN(1000))
	switch {
	case g.d == SQLite && g.one(12):
		a = g.pick("replace", "key", "temp", "desc", "for", "view", "offset", "row", "'q'", "[z z]")
	case g.d == Postgres && g.one(12):
		a = g.pick("replace", "key", "temp", "view", "row", "update", "insert", `"Z z"`)
		return " AS " + a
	case g.one(10):
		return ""
	}
	return g.pick(" ", " AS ", "\tas\n") + a
}

func (g *grammar) from() string {
	var b strings.Builder
	b.WriteString(g.tableRef())
	for g.one(2) {
		switch g.r.IntN(5) {
		case 0:
			b.WriteString(g.pick(",", " , ") + g.tableRef())
		case 1:
			b.WriteString(" CROSS JOIN " + g.tableRef())
		case 2:
			b.WriteString(g.pick(" LEFT JOIN ", " left outer join ", " JOIN ", " INNER JOIN ") + g.tableRef() +
				" ON " + g.expr())
		case 3:
			b.WriteString(" JOIN " + g.tableRef() + " USING (id)")
		case 4:
			b.WriteString(" NATURAL JOIN " + g.tableRef())
		}
	}
	return b.String()
}

func (g *grammar) tableRef() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth < 6 {
		switch g.r.IntN(9) {
		case 0:
			return "(" + g.query() + ")" + fmt.Sprintf(" x%d", g.r.IntN(1000))
		case 1:
			return "(" + g.from() + ")"
		case 2:
			if g.d == Postgres {
				return "LATERAL (" + g.query() + ") AS " + fmt.Sprintf("x%d", g.r.IntN(1000))
			}
			return "((" + g.query() + "))"
		case 3:
			if g.d == Postgres {
				return g.pick("generate_series(1,2) AS ", "ONLY "+g.quote(g.base())+" ") + fmt.Sprintf("x%d", g.r.IntN(1000))
			}
			return g.pick("json_each('[1]')", "generate_series(1,2)", "json_tree('[1]') AS j")
		}
	}
	if g.d == SQLite && g.one(15) {
		return g.quote(g.base()) + " NOT INDEXED"
	}
	return g.table() + g.alias()
}

func (g *grammar) expr() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 7 {
		return g.pick("1 = 1", "true")
	}
	e := g.expr
	switch g.r.IntN(24) {
	case 0, 1, 2:
		return g.column() + g.pick(" = ", " > ", "<>") + g.pick("1", "4", "5", "-1", "1.5e3", ".5", "'--'", "'/*'")
	case 3:
		return "(" + e() + ") AND (" + e() + ")"
	case 4:
		return "NOT " + e()
	case 5:
		return "EXISTS (" + g.query() + ")"
	case 6:
		return g.column() + g.pick(" IN ", " NOT IN ", " in") + "(" + g.oneColumn() + ")"
	case 7:
		if g.d == SQLite {
			return "(1, 'a', 2, 3)" + g.pick(" IN ", " NOT IN ", " in ") + g.table()
		}
		return "1 = ANY (" + g.oneColumn() + ")"
	case 8:
		return "1 = (" + g.oneColumn() + ")"
	case 9:
		return "CASE WHEN " + e() + " THEN " + g.pick("true", "1=1") + " ELSE " + e() + " END"
	case 10:
		return "2 IS " + g.pick("", "NOT ") + "DISTINCT FROM " + g.pick("3", "1", "("+g.oneColumn()+")")
	case 11:
		return "coalesce(NULL, " + g.pick("1", "2", "("+g.oneColumn()+")") + ") = 1"
	case 12:
		return "(" + g.oneColumn() + " UNION " + g.oneColumn() + " LIMIT 1) = 1"
	case 13:
		return "'n' LIKE " + g.pick("'%x'", "('a' || 'name')", "'a\\b'", "lower('A')")
	case 14:
		return "1 BETWEEN 1 AND (" + g.oneColumn() + ")"
	case 15:
		if g.d == SQLite {
			return g.pick("random() > 0", "date('now') > 'a'", `date("now") > 'x'`, "changes() = 1", "datetime() = ''", "last_insert_rowid() = 1")
		}
		return "extract(epoch FROM now()) > 1"
	case 16:
		if g.d == Postgres {
			return g.pick("substring('ab' FROM 1 FOR 2) = 'x'", "trim(both 'x' from 'xy') = ''", "position('a' IN 'ab') = 1",
				"'x' = $q$ FROM users $q$", "1 = ANY(ARRAY[1,2])", "(1::numeric(10,2)) = 1", "extract(year from date '2020-01-01') = 1")
		}
		return "substr('ab', 1, 2) = 'x'"
	case 17:
		return "(1, 2) IN (SELECT 1, 2 FROM " + g.from() + ")"
	case 18:
		return g.pick("count(*) OVER (PARTITION BY 1 ORDER BY 2 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) > 0",
			"(SELECT count(*) FILTER (WHERE 2 > 1) FROM "+g.from()+") > 0")
	case 19:
		return "CAST(1 AS " + g.pick("integer", "text", "numeric(10,2)", "varchar(3)") + ") IS NOT NULL"
	}
	return g.pick("true", "1 = 1", "2 = 1")
}

func (g *grammar) oneColumn() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 6 {
		return "SELECT 1"
	}
	if g.one(5) {
		scope := len(g.ctes)
		w := g.with()
		s := w + "SELECT " + g.pick("max(1)", "1") + " FROM " + g.from()
		g.ctes = g.ctes[:scope]
		return s
	}
	return "SELECT " + g.pick("max(1)", "count(*)", "1") + " FROM " + g.from() + g.pick("", " WHERE "+g.expr())
}

func (g *grammar) with() string {
	var b strings.Builder
	b.WriteString("WITH ")
	if g.one(3) {
		b.WriteString("RECURSIVE ")
	}
	for i := 0; i == 0 || g.one(3) && i < 3; i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		name := g.pick("c1", "c2", "users", "Orders", "C1", "v1", "offset")
		q := g.query()
		g.ctes = append(g.ctes, name)
		b.WriteString(g.quote(name) + " AS " + g.pick("", "", "MATERIALIZED ", "NOT MATERIALIZED ") + "(" + q + ")")
	}
	return b.String() + " "
}

func (g *grammar) query() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 6 {
		return "SELECT 1 AS id"
	}
	var b strings.Builder
	scope := len(g.ctes)
	if g.one(5) {
		b.WriteString(g.with())
	}
	switch g.r.IntN(14) {
	case 0:
		b.WriteString("VALUES (1), (2)")
	case 1:
		if g.d == Postgres {
			b.WriteString("TABLE " + g.quote(g.base()))
			break
		}
		fallthrough
	default:
		list := g.pick("*", "*", "1 AS id", "1 AS id, 2 AS name", "1 AS id, (SELECT max(1) FROM "+g.table()+") AS m", "count(*) AS id", "DISTINCT 1 AS id",
			g.column()+" || 'FROM orders'", g.expr()+" AS e")
		b.WriteString(g.pick("SELECT ", "select ", "SELECT/**/", "SELECT -- FROM items\n ", "SELECT ALL ") + list +
			g.pick(" FROM ", "\nfrom ", " /* , b */ FROM ", " FROM/* x */") + g.from())
		if g.one(2) {
			b.WriteString(" WHERE " + g.expr())
		}
		if g.one(8) {
			b.WriteString(" GROUP BY 1" + g.pick("", " HAVING count(*) > 0"))
		}
		if g.one(9) && g.d == SQLite {
			b.WriteString(" WINDOW w AS (ORDER BY id)")
		}
	}
	if g.one(7) {
		b.WriteString(g.pick(" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT ") + "SELECT " +
			g.pick("1", "*", "1") + " FROM " + g.from())
	}
	if g.one(4) {
		b.WriteString(" ORDER BY 1" + g.pick("", " DESC"))
	}
	if g.one(4) {
		b.WriteString(" LIMIT 1" + g.pick("", " OFFSET 2"))
	}
	g.ctes = g.ctes[:scope]
	return b.String()
}

func (g *grammar) statement() string {
	g.depth, g.ctes = 0, nil
	w := ""
	if g.one(4) {
		w = g.with()
	}
	t := g.quote(g.base())
	or := ""
	if g.d == SQLite && g.one(4) {
		or = g.pick(" OR REPLACE", " OR IGNORE")
	}
	ret := ""
	if g.one(4) {
		ret = " RETURNING " + g.pick("*", "id", "(SELECT max(id) FROM "+g.table()+")")
	}
	switch g.r.IntN(14) {
	case 0:
		return w + "INSERT" + or + " INTO " + t + " (id, name) VALUES (1, 'x'), ((" + g.oneColumn() + "), 'FROM users')" + ret
	case 1:
		return w + "INSERT" + or + " INTO " + t + " (id, name) SELECT 1, 'x' FROM " + g.from() + " WHERE " + g.expr() +
			g.pick("", " ON CONFLICT DO NOTHING", " ON CONFLICT (id) DO UPDATE SET name = excluded.name, a = ("+g.oneColumn()+") WHERE "+g.expr()) + ret
	case 2:
		return w + "UPDATE" + or + " " + t + " SET a = (" + g.oneColumn() + "), b = 1 WHERE " + g.expr() + ret
	case 3:
		return w + "UPDATE " + t + " AS u0 SET a = 1 FROM " + g.from() + " WHERE " + g.expr() + ret
	case 4:
		return w + "DELETE FROM " + t + g.pick("", " WHERE "+g.expr()) + ret
	case 5:
		if g.d == Postgres {
			return w + "DELETE FROM " + t + " u0 USING " + g.from() + " WHERE u0.id = 1" + ret
		}
		return w + "REPLACE INTO " + t + " (id) VALUES (1)"
	case 6:
		if g.d == Postgres {
			return "WITH d AS (" + g.pick("DELETE FROM "+t, "UPDATE "+t+" SET a = 1", "INSERT INTO "+t+" (id) VALUES (1)") +
				" RETURNING *) SELECT * FROM d, " + g.from()
		}
	case 7:
		if g.d == Postgres {
			return "MERGE INTO " + t + " AS u0 USING " + g.table() + " AS s ON u0.id = s.id WHEN MATCHED THEN " +
				g.pick("DELETE", "UPDATE SET a = 1", "DO NOTHING") + " WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"
		}
	}
	if w != "" {
		return w + "SELECT * FROM " + g.from() + " WHERE " + g.expr()
	}
	return g.query()
}

// mutate changes a few bytes, or moves pieces, of s.
func (g *grammar) mutate(s string) string {
	b := []byte(s)
	for n := 1 + g.r.IntN(3); n > 0 && len(b) > 2; n-- {
		i := g.r.IntN(len(b))
		switch g.r.IntN(5) {
		case 0:
			b = append(b[:i], b[i+1:]...)
		case 1:
			b[i] = "'\"`[]()-*/,;.$@ \n\\#:"[g.r.IntN(20)]
		case 2:
			piece := g.pick(" users", "(", ")", ",", " FROM orders", " JOIN Items", " , 'us ers'", "'", "\"", "--", "/*", "*/",
				" UNION SELECT id FROM orders", " AS ", " OFFSET ", " LIMIT ", " WINDOW ", " FOR ", " IN ", " NOT ", " LEFT ",
				" IS DISTINCT FROM users", ";", " ON ", " USING ", " REPLACE ", " WITH ", " VALUES ", " SELECT ", " WHERE ",
				" TABLE ", " ORDER ", " FETCH ", " RETURNING ", " SET ", " LATERAL ", " TABLESAMPLE ", " CROSS ", " INTO ", "E'", "$a$", "\r", "::", ".")
			b = append(b[:i], append([]byte(piece), b[i:]...)...)
		case 3:
			j := i + g.r.IntN(len(b)-i)
			k := g.r.IntN(i + 1)
			b = append(b[:k], append([]byte(string(b[i:j])), b[k:]...)...)
		case 4:
			j := min(len(b), i+g.r.IntN(12))
			b = append(b[:i], b[j:]...)
		}
	}
	return string(b)
}
