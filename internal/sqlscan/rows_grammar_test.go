package sqlscan

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// rowGrammar writes statements about the table t (id, a, b, c), all integers, that
// try to look as if they were restricted to rows when they are not.
type rowGrammar struct {
	d    Dialect
	r    *rand.Rand
	args []any
	list []string // what the last SELECT shows: columns, or "" for something else
}

func newRowGrammar(d Dialect, seed uint64) *rowGrammar {
	return &rowGrammar{d: d, r: rand.New(rand.NewPCG(seed, 7))}
}

func (g *rowGrammar) pick(s ...string) string { return s[g.r.IntN(len(s))] }
func (g *rowGrammar) one(n int) bool          { return g.r.IntN(n) == 0 }

// param writes a mark that bind makes a parameter of, since not all that is written
// gets into the statement.
func (g *rowGrammar) param() string {
	var v any = int64(g.r.IntN(5))
	if g.one(12) {
		v = nil
	}
	if g.d != Postgres || len(g.args) == 0 || !g.one(4) {
		g.args = append(g.args, v)
		return fmt.Sprintf("\x01%d\x01", len(g.args)-1)
	}
	return fmt.Sprintf("\x01%d\x01", g.r.IntN(len(g.args)))
}

// bind returns the statement with its parameters, and their values.
func (g *rowGrammar) bind(text string) (string, []any) {
	parts := strings.Split(text, "\x01")
	var args []any
	numbers := map[string]int{}
	for i := 1; i < len(parts); i += 2 {
		mark := parts[i]
		n := numbers[mark]
		if n == 0 || g.d != Postgres {
			at, err := strconv.Atoi(mark)
			if err != nil {
				panic(err)
			}
			args = append(args, g.args[at])
			n = len(args)
			numbers[mark] = n
		}
		parts[i] = "?"
		if g.d == Postgres {
			parts[i] = fmt.Sprintf("$%d", n)
		}
	}
	return strings.Join(parts, ""), args
}

func (g *rowGrammar) column() string {
	c := g.pick("id", "id", "a", "b", "c")
	switch g.r.IntN(12) {
	case 0:
		return "t." + c
	case 1:
		return "t . " + strings.ToUpper(c)
	case 2:
		switch g.d {
		case MySQL:
			return "`" + c + "`"
		case SQLite:
			return g.pick("`"+c+"`", "["+c+"]", `"`+c+`"`, `t."`+c+`"`, "rowid", "oid")
		}
		return `"` + c + `"`
	}
	return c
}

func (g *rowGrammar) operand() string {
	switch g.r.IntN(16) {
	case 0:
		return g.column()
	case 1:
		return g.pick("NULL", "-1", "+1", "1.0", "1e0", "(2)", "1 + 1", "01", "- 1", "NOT 1", "true", "~1", "CASE WHEN a = 1 THEN 1 END", "'1'")
	case 2:
		return "(" + g.expr(2) + ")"
	case 3, 4, 5, 6:
		return fmt.Sprint(g.r.IntN(5))
	}
	return g.param()
}

// tail hangs something on an operand.
func (g *rowGrammar) tail() string {
	if !g.one(7) {
		return ""
	}
	common := g.pick(" + 1", " IS NULL", " IS NOT NULL", " = 1", " < 2", " * a", " IN (0, 1)", " NOT IN (0)", " BETWEEN 0 AND 1",
		" NOT BETWEEN 0 AND id", " <> 3", " IS TRUE", " LIKE 1", " - id", " % 2", " IS NOT FALSE")
	switch g.d {
	case SQLite:
		return g.pick(common, common, " COLLATE nocase", " ISNULL", " NOTNULL", " NOT NULL", " IS 1", " || 1", " | 1", " == 1", " IN t", " -> 1", " IS DISTINCT FROM 1", " & 3")
	case Postgres:
		return g.pick(common, common, "::int", "::int = 1", " ISNULL", " NOTNULL", " | 1", " IS DISTINCT FROM 1", " & 3", " # 1", " OPERATOR(pg_catalog.+) 1")
	}
	return g.pick(common, common, " | 1", " || 1", " && 0", " XOR 1", " DIV 2", " MOD 2", " <=> 1", " & 3", " RLIKE 1", " ^ 1", " OR 1")
}

func (g *rowGrammar) list1(n int, one func() string) string {
	var all []string
	for range n {
		all = append(all, one())
	}
	return strings.Join(all, g.pick(",", ", "))
}

func (g *rowGrammar) term(depth int) string {
	if depth <= 0 {
		return g.column() + g.pick(" = ", "=", " = ", " < ") + g.operand()
	}
	switch g.r.IntN(26) {
	case 0, 1:
		return g.column() + g.pick(" IN (", " in(", " NOT IN (") + g.list1(1+g.r.IntN(3), g.operand) + ")" + g.tail()
	case 2:
		return g.pick("(a, b)", "(id, t.a)", "(a)", "(id,a,b)", "(a + 0, b)") + g.pick(" IN (", " IN (", " NOT IN (") +
			g.list1(1+g.r.IntN(2), func() string { return "(" + g.list1(1+g.r.IntN(3), g.operand) + ")" }) + ")" + g.tail()
	case 3:
		return "NOT " + g.term(depth-1)
	case 4, 5, 6:
		return "(" + g.expr(depth-1) + ")" + g.tail()
	case 7, 8:
		return g.column() + g.pick(" BETWEEN ", " NOT BETWEEN ", " between ") + g.pick(g.operand(), g.term(0)) + g.pick(" AND ", " and ") + g.pick(g.operand(), g.term(0))
	case 9:
		return "CASE WHEN " + g.expr(depth-1) + " THEN " + g.pick("1 = 1", g.term(0)) + " ELSE " + g.expr(depth-1) + " END" + g.tail()
	case 10:
		return g.column() + g.pick(" IS NULL", " IS NOT NULL", " > 1", " >= 1", " <= 2", " <> 1", " = a", " != 2")
	case 11:
		return g.pick("1 = 1", "1 = 0", "1 = ", "5 - 4 = ", "- ", "NOT NOT ", "+ ", "id + ") + g.term(0)
	case 12:
		return "coalesce(" + g.expr(depth-1) + ", 1 = 1)" + g.tail()
	case 13:
		return g.pick("EXISTS (SELECT 1 FROM t AS u WHERE u.id = 1)", "id IN (SELECT a FROM t AS u)", "(SELECT count(*) FROM t AS u) > 3", "a = (SELECT 1)")
	case 14:
		switch g.d {
		case SQLite:
			return g.pick("id == 1", "a IN t", "3 IN (1)", "id IS 1", "a || b = c", "id = 1 || 1", "id GLOB 1", "id IN ()", "id NOT IN ()")
		case Postgres:
			return g.pick("id = ANY(ARRAY[1, 2])", "id IN (VALUES (1))", "id = ALL(ARRAY[1])", "ROW(a, b) = ROW(1, 2)", "(t).id = 1", "a IS DISTINCT FROM b", "(a, b) = (1, 2)")
		}
		return g.pick("! id = 1", "BINARY id = 1", "(@x := 1)", "@x := 1", "a XOR b", "a || b", "a && b", "NOT a || b", "INTERVAL(1, 2) = a", "id <=> 1", "(a, b) = (1, 2)")
	}
	return g.column() + g.pick(" = ", "=", " = ", "\n=\t", " /* OR */ = ") + g.operand() + g.tail()
}

func (g *rowGrammar) expr(depth int) string {
	s := g.term(depth)
	for n := g.r.IntN(4); n > 0; n-- {
		op := g.pick(" AND ", " AND ", " AND ", " and ", "\nAND ", " OR ", " AND NOT ")
		if g.d == MySQL && g.one(8) {
			op = g.pick(" XOR ", " || ", " && ")
		}
		s += op + g.term(depth)
	}
	return s
}

func (g *rowGrammar) where() string {
	if g.one(12) {
		return ""
	}
	return g.pick(" WHERE ", " where ") + g.expr(1+g.r.IntN(3))
}

func (g *rowGrammar) query() string {
	g.list = nil
	var items []string
	for n := 1 + g.r.IntN(3); n > 0; n-- {
		c := g.pick("id", "a", "b", "c")
		switch g.r.IntN(14) {
		case 0:
			items, g.list = append(items, g.pick("*", "t.*")), append(g.list, "id", "a", "b", "c")
		case 1:
			items, g.list = append(items, "t."+c), append(g.list, c)
		case 2:
			items, g.list = append(items, c+g.pick(" AS x", " y", " AS id")), append(g.list, c)
		case 3:
			items, g.list = append(items, g.pick("count(*)", "max(a)", "id + 1", "1", "-id", "(id)", "NULL", "CASE WHEN a = 1 THEN 1 END",
				"sum(a) OVER (ORDER BY id)", "(SELECT max(id) FROM t AS u)", "t.count", "t.array_agg", "count(*) AS id")), append(g.list, "")
		default:
			items, g.list = append(items, c), append(g.list, c)
		}
	}
	s := "SELECT " + g.pick("", "", "", "", "DISTINCT ", "ALL ") + strings.Join(items, ", ") + " FROM t" + g.where()
	if g.one(6) {
		s += g.pick(" GROUP BY a", " GROUP BY id", " GROUP BY id HAVING count(*) > 0", " HAVING count(*) > 1")
	}
	if g.one(3) {
		s += " ORDER BY " + g.pick("id", "id", "id, a", "count(*), id", "t.id", "a + b, id", "max(a)") + g.pick("", " LIMIT 2", " LIMIT 3 OFFSET 1", " LIMIT 5")
	}
	return s
}

func (g *rowGrammar) set() string {
	var all []string
	for n := 1 + g.r.IntN(2); n > 0; n-- {
		c := g.pick("id", "a", "b", "c", "c")
		if g.d == MySQL && g.one(4) {
			c = "t." + c
		}
		if g.d == SQLite && g.one(8) {
			c = g.pick("rowid", "oid", "C", "[c]")
		}
		all = append(all, c+" = "+g.pick(g.operand(), "id + 20", "a + 10", "CASE WHEN a = 1 AND b = 2 THEN 3 ELSE c END", "coalesce(a, 1)"))
	}
	if g.one(10) && g.d != MySQL {
		return "(a, c) = (7, 8)"
	}
	return strings.Join(all, ", ")
}

func (g *rowGrammar) update() string {
	or := ""
	if g.d == SQLite && g.one(4) {
		or = g.pick("OR IGNORE ", "OR REPLACE ", "OR ABORT ", "OR FAIL ", "OR ROLLBACK ")
	}
	if g.d == MySQL && g.one(4) {
		or = "IGNORE "
	}
	s := "UPDATE " + or + "t SET " + g.set()
	switch {
	case g.one(12) && g.d != MySQL:
		s += " FROM (SELECT 1 AS one) AS u"
	case g.one(12) && g.d != MySQL:
		s += " FROM t AS u"
	}
	s += g.where()
	if g.d == MySQL && g.one(5) {
		s += " ORDER BY id LIMIT 1"
	}
	return s
}

func (g *rowGrammar) delete() string {
	s := "DELETE FROM t" + g.where()
	if g.d == MySQL && g.one(5) {
		s += " ORDER BY id LIMIT 1"
	}
	return s
}

func (g *rowGrammar) insert() string {
	columns := g.pick("id, a, b, c", "id, a, b, c", "c, b, a, id", "a, b", "id, c", "")
	verb := "INSERT INTO"
	switch {
	case g.d == SQLite && g.one(5):
		verb = g.pick("INSERT OR REPLACE INTO", "INSERT OR IGNORE INTO", "REPLACE INTO", "INSERT OR FAIL INTO")
	case g.d == MySQL && g.one(4):
		verb = g.pick("REPLACE INTO", "INSERT IGNORE INTO", "INSERT LOW_PRIORITY INTO")
	}
	s := verb + " t"
	width := 4
	if columns != "" {
		s += " (" + columns + ")"
		width = strings.Count(columns, ",") + 1
	}
	if g.one(8) {
		s += " SELECT " + g.list1(width, g.operand) + " FROM t WHERE " + g.expr(1)
	} else {
		s += " VALUES " + g.list1(1+g.r.IntN(3), func() string { return "(" + g.list1(width, g.operand) + ")" })
	}
	switch {
	case g.d == MySQL && g.one(2):
		s += " ON DUPLICATE KEY UPDATE " + g.set()
	case g.d != MySQL && !g.one(3):
		s += " ON CONFLICT" + g.pick(" (id)", " (id)", " (a, b)", " (b,a)", "", " (id) WHERE true", ` ("id")`, " (c)")
		s += g.pick(" DO NOTHING", " DO UPDATE SET "+g.set()+g.pick("", " WHERE t.a = 1"), " DO UPDATE SET c = excluded.c + 90",
			" DO UPDATE SET c = 91, a = 92", " DO UPDATE SET c = 93 WHERE t.c <> 93")
		if g.d == SQLite && g.one(8) {
			s += g.pick(" ON CONFLICT DO NOTHING", " ON CONFLICT (id) DO UPDATE SET c = 94")
		}
	}
	return s
}
