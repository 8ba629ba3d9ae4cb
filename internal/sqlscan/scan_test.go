package sqlscan

import (
	"errors"
	"strings"
	"testing"
)

// say puts a result into one line: what is false or empty is left out.
func say(r *Result) string {
	if r.Err != nil {
		return "refused"
	}
	var s []string
	list := func(name string, names []string) {
		if len(names) > 0 {
			s = append(s, name+"="+strings.Join(names, ","))
		}
	}
	flag := func(name string, on bool) {
		if on {
			s = append(s, name)
		}
	}
	list("r", r.Reads)
	list("w", r.Writes)
	flag("all", r.WritesAll)
	flag("ddl", r.DDL)
	flag("structural", r.Structural)
	list("temp", r.Temp)
	flag("tx:"+r.Tx.String(), r.Tx != TxNone)
	flag("commits", r.ImplicitCommit)
	flag("impure:"+r.ImpureKind.String(), r.Impure != "")
	return strings.Join(s, " ")
}

type scanCase struct {
	dialects string // letters: s(qlite) p(ostgres) m(ysql) q (SQL Server)
	sql      string
	want     string
}

var letters = map[byte]Dialect{'s': SQLite, 'p': Postgres, 'm': MySQL, 'q': SQLServer}

func runCases(t *testing.T, cases []scanCase) {
	t.Helper()
	for _, c := range cases {
		for i := 0; i < len(c.dialects); i++ {
			d := letters[c.dialects[i]]
			r := Scan(d, c.sql, nil)
			if got := say(r); got != c.want {
				t.Errorf("%v: %s\n got %s (%s; %v)\nwant %s", d, c.sql, got, r.Impure, r.Err, c.want)
			}
			if r.Err != nil && (!errors.Is(r.Err, ErrRefused) || !r.WritesAll || r.Impure == "" || r.ReadOnly()) {
				t.Errorf("%v: %s: a refused text does not say the worst: %+v", d, c.sql, r)
			}
		}
	}
}

// scanCases also seed the fuzz targets.
var scanCases = slicesOf(lexCases, queryCases, writeCases, ddlCases, controlCases, impureCases)

func slicesOf(lists ...[]scanCase) (all []scanCase) {
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

func TestLexing(t *testing.T)     { runCases(t, lexCases) }
func TestQueries(t *testing.T)    { runCases(t, queryCases) }
func TestWrites(t *testing.T)     { runCases(t, writeCases) }
func TestDDL(t *testing.T)        { runCases(t, ddlCases) }
func TestControl(t *testing.T)    { runCases(t, controlCases) }
func TestImpurities(t *testing.T) { runCases(t, impureCases) }

// What one server reads so and another otherwise is refused; what each dialect
// fixes is read its way.
var lexCases = []scanCase{
	// strings and backslashes
	{"s", `SELECT 'a\' FROM us`, "r=us"},
	{"q", `SELECT 'a\' FROM us`, "r=us"},
	{"pm", `SELECT 'a\' FROM us`, "refused"},
	{"pm", `SELECT 'a\\' FROM us`, "r=us"},
	{"m", `SELECT "a\" FROM us`, "refused"},
	{"pm", `SELECT 'a\'' FROM us -- '`, "refused"},
	{"p", `SELECT E'a\' FROM b' FROM us`, "r=us"},
	{"p", `SELECT E'a\\' FROM us`, "r=us"},
	{"p", `SELECT e'\'' , ' FROM us'`, ""},
	{"spmq", `SELECT 'it''s FROM b' FROM us`, "r=us"},
	{"p", "SELECT 'a'\n'FROM b' FROM us", "refused"},
	{"m", "SELECT 'a' 'b' FROM us", "refused"},
	{"s", "SELECT 'a' 'b' FROM us", "r=us"},
	{"m", "SELECT '中\\\\' FROM us", "refused"},
	{"spmq", `SELECT 'abc FROM us`, "refused"},
	{"spmq", `SELECT "abc FROM us`, "refused"},
	{"spmq", `SELECT x'00ff' FROM us`, "r=us"},
	{"m", `SELECT _utf8mb4'x', N'y' FROM us`, "r=us"},
	{"spmq", `SELECT q'[it's]' FROM us`, "refused"},
	{"spmq", `SELECT nq'x' FROM us`, "refused"},
	{"spmq", `SELECT U&'\0041' FROM us`, "refused"},
	{"spmq", `SELECT * FROM U&"us"`, "refused"},
	// comments
	{"m", `SELECT 1--1 FROM us`, "refused"},
	{"m", "SELECT 1 -- 1 FROM x\n FROM us", "r=us"},
	{"m", "SELECT 1 # FROM x\n FROM us", "r=us"},
	{"m", "SELECT 1--", "refused"},
	{"spq", "SELECT 1--1 FROM x\n FROM us", "r=us"},
	{"m", `SELECT 1 FROM a /*!40000 , b */`, "refused"},
	{"m", `SELECT 1 FROM a /*M! , b */`, "refused"},
	{"spq", `SELECT 1 FROM a /*!40000 , b */`, "r=a"},
	{"spmq", `SELECT 1 /* a /* b */ FROM us`, "refused"},
	{"spmq", `SELECT 1 /* a /* b */ */ FROM us`, "refused"},
	{"spmq", `SELECT 1 /*/ FROM a */ FROM us`, "r=us"},
	{"spmq", `SELECT 1 /* FROM us`, "refused"},
	{"spmq", "SELECT 1 -- x\rFROM us", "refused"},
	{"spmq", "SELECT 1 -- x\r\nFROM us", "r=us"},
	{"spmq", "SELECT/**/*/**/FROM/**/us", "r=us"},
	// names
	{"s", "SELECT * FROM `us``ers`", "r=us`ers"},
	{"m", "SELECT * FROM `us``ers`", "r=us`ers"},
	{"spq", `SELECT * FROM "My""T"`, `r=my"t`},
	{"sq", "SELECT * FROM [us ers]", "r=us ers"},
	{"q", "SELECT * FROM [us]]ers]", "r=us]ers"},
	{"s", "SELECT * FROM [us]]ers]", "refused"},
	{"s", "SELECT * FROM 'us'", "r=us"},
	{"s", "SELECT * FROM 'u''s' x, 'b'", "r=b,u's"},
	{"m", `SELECT * FROM "us"`, "r=us"},
	{"p", "SELECT * FROM 'us'", "refused"},
	{"p", "SELECT * FROM `us`", "refused"},
	{"m", "SELECT * FROM [us]", "refused"},
	{"spmq", "SELECT * FROM Us", "r=us"},
	{"spmq", "SELECT * FROM shop.Us", "r=us"},
	{"sm", "SELECT * FROM `Shop` . `Us`", "r=us"},
	{"q", "SELECT * FROM shop..us, srv.db.dbo.[T]", "r=t,us"},
	{"spmq", `SELECT * FROM ""`, "refused"},
	{"spmq", "SELECT * FROM größe", "r=größe"},
	{"spmq", "SELECT * FROM\u00a0us", "refused"},
	{"spmq", "SELECT * FROM\ufeffus", "refused"},
	{"spmq", "SELECT *\u3000FROM us", "refused"},
	{"p", "SELECT * FROM " + strings.Repeat("x", 64), "refused"},
	{"spmq", "SELECT * FROM us\x00ers", "refused"},
	{"spmq", "SELECT '\x00' FROM us", "refused"},
	{"spmq", "SELECT '\xff' FROM us", "refused"},
	{"spmq", "SELECT *\vFROM us", "refused"},
	{"spmq", `SELECT \N FROM us`, "refused"},
	{"m", "SELECT {fn now()}", "refused"},
	{"m", "SELECT * FROM {oj a LEFT JOIN b ON 1}", "refused"},
	// numbers
	{"spmq", "SELECT 1FROM us", "refused"},
	{"spmq", "SELECT 1.5e3, .5, 0x1F FROM us", "r=us"},
	{"spmq", "SELECT 1.FROM us", "refused"},
	{"spmq", "SELECT 1e FROM us", "refused"},
	{"m", "SELECT * FROM 2024_orders", "refused"},
	// dollar quotes and parameters
	{"p", "SELECT $$ FROM a $$, $x$ FROM $$ b $x$ FROM us", "r=us"},
	{"p", "SELECT $x$ FROM us", "refused"},
	{"p", "SELECT $1, $2 FROM us", "r=us"},
	{"p", "SELECT 1$x$ FROM a $x$", "refused"},
	{"m", "SELECT $$ FROM us $$", "refused"},
	{"s", "SELECT ?, ?12, :a, @b, $c FROM us", "r=us"},
	{"s", "SELECT $a::b(c) FROM us", "refused"},
	{"s", "SELECT #1 FROM us", "refused"},
	{"q", "SELECT * FROM us WHERE a = @p1", "r=us"},
	{"p", "SELECT a ? 'b', a @> b, a->>'x', a #>> b, -@a FROM us", "r=us"},
	{"p", "SELECT a[1:2], ARRAY[1,2], a::text FROM us", "r=us"},
}

var queryCases = []scanCase{
	{"spmq", "SELECT 1", ""},
	{"spmq", "SELECT * FROM a", "r=a"},
	{"spmq", "SELECT * FROM a;", "r=a"},
	{"spmq", "(SELECT * FROM a)", "r=a"},
	{"spmq", "SELECT a.x, b.y AS z FROM a, b AS c, d e WHERE a.x = c.y", "r=a,b,d"},
	{"spmq", "SELECT * FROM a JOIN b ON a.x = b.x LEFT JOIN c ON (c.y = b.y), d WHERE 1 = 1", "r=a,b,c,d"},
	{"spmq", "SELECT * FROM a INNER JOIN b ON a.x = b.x RIGHT OUTER JOIN c ON 1=1 CROSS JOIN d", "r=a,b,c,d"},
	{"spm", "SELECT * FROM a NATURAL JOIN b NATURAL LEFT JOIN c", "r=a,b,c"},
	{"spm", "SELECT * FROM a JOIN b USING (x, y), c", "r=a,b,c"},
	{"spmq", "SELECT * FROM (a JOIN (b JOIN c ON 1=1) ON 1=1), d", "r=a,b,c,d"},
	{"spmq", "SELECT * FROM ((SELECT * FROM a) UNION (SELECT * FROM b)) x, c", "r=a,b,c"},
	{"spmq", "SELECT * FROM a JOIN (b JOIN c ON b.x=c.x LEFT JOIN d ON 1=1) ON a.x = b.x", "r=a,b,c,d"},
	{"m", "SELECT STRAIGHT_JOIN * FROM a STRAIGHT_JOIN b ON 1, c", "r=a,b,c"},
	{"m", "SELECT * FROM a USE INDEX (i, j) IGNORE INDEX FOR JOIN (k), b FORCE KEY (l) JOIN c", "r=a,b,c"},
	{"m", "SELECT * FROM a PARTITION (p0, p1) AS x, b", "r=a,b"},
	{"m", "SELECT 1 FROM dual", ""},
	{"m", "SELECT 1 FROM `dual`", "r=dual"},
	{"s", "SELECT * FROM a INDEXED BY i, b NOT INDEXED, c AS d INDEXED BY j", "r=a,b,c"},
	{"p", "SELECT * FROM ONLY a, ONLY (b), c *, d AS e(x, y)", "r=a,b,c,d"},
	{"pm", "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.x = a.x) c", "r=a,b"},
	{"p", "SELECT * FROM a LEFT JOIN LATERAL unnest(a.tags) WITH ORDINALITY AS t(v, n) ON true, b", "r=a,b"},
	{"p", "SELECT * FROM ROWS FROM (generate_series(1,2), unnest(ARRAY[1])) AS x, b", "r=b"},
	{"p", "SELECT * FROM json_to_recordset('[]') AS x(a int, b numeric(10,2)), c", "r=c"},
	{"q", "SELECT * FROM a CROSS APPLY (SELECT * FROM b) x OUTER APPLY openjson(a.j) y, c", "r=a,b,c"},
	{"q", "SELECT * FROM a INNER HASH JOIN b ON 1=1 LEFT LOOP JOIN c ON 1=1", "r=a,b,c"},
	{"q", "SELECT * FROM (SELECT x, y FROM a) s PIVOT (sum(x) FOR y IN ([1],[2])) AS p, b", "r=a,b"},
	{"q", "SELECT TOP 5 * FROM a ORDER BY x OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", "r=a"},
	{"q", "SELECT TOP (5) PERCENT WITH TIES x FROM a FOR JSON PATH", "r=a"},
	{"q", "SELECT * FROM a limit, b", "r=a,b"},
	{"m", "SELECT * FROM a, JSON_TABLE(a.j, '$[*]' COLUMNS (x INT PATH '$.x' DEFAULT '1' ON EMPTY)) jt, b", "r=a,b"},
	{"s", "SELECT * FROM json_each('[1]') j, a, generate_series(1, 2)", "r=a"},
	{"spmq", "SELECT (SELECT max(x) FROM a) FROM b WHERE EXISTS (SELECT 1 FROM c) AND x IN (SELECT y FROM d)", "r=a,b,c,d"},
	{"pmq", "SELECT * FROM a WHERE x = ANY (SELECT y FROM b) OR x > ALL (SELECT y FROM c)", "r=a,b,c"},
	{"spm", "SELECT * FROM a WHERE (x, y) IN ((SELECT x, y FROM b UNION SELECT 1, 2 FROM c))", "r=a,b,c"},
	{"spmq", "SELECT * FROM a UNION ALL SELECT * FROM b EXCEPT SELECT * FROM c INTERSECT SELECT * FROM d ORDER BY 1", "r=a,b,c,d"},
	{"spm", "SELECT * FROM a UNION (SELECT * FROM b LIMIT 1) ORDER BY x LIMIT 2", "r=a,b"},
	{"pm", "TABLE a", "r=a"},
	{"pm", "SELECT * FROM x UNION TABLE a", "r=a,x"},
	{"spm", "VALUES (1), ((SELECT max(x) FROM a))", "r=a"},
	{"s", "SELECT * FROM a WHERE x IN b AND y NOT IN main.c OR z IN 'd'", "r=a,b,c,d"},
	{"spmq", "SELECT CASE WHEN x > 1 THEN (SELECT 1 FROM a) ELSE 2 END, CAST(x AS decimal(10,2)) FROM b", "r=a,b"},
	{"pm", "SELECT EXTRACT(YEAR FROM x), SUBSTRING(x FROM 2 FOR 3), TRIM(BOTH 'a' FROM x) FROM b", "r=b"},
	{"p", "SELECT overlay(x PLACING 'a' FROM 2 FOR 3), position('a' IN x) FROM b", "r=b"},
	{"spq", "SELECT * FROM a WHERE x IS DISTINCT FROM y AND x IS NOT DISTINCT FROM (SELECT z FROM b)", "r=a,b"},
	{"spmq", "SELECT sum(DISTINCT x) FROM a", "r=a"},
	{"spmq", "SELECT DISTINCT x FROM a", "r=a"},
	{"p", "SELECT DISTINCT ON (x, (SELECT 1 FROM b)) y FROM a", "r=a,b"},
	{"spm", "SELECT row_number() OVER (PARTITION BY x ORDER BY y ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), " +
		"sum(x) OVER w FROM a WINDOW w AS (ORDER BY y), v AS (w)", "r=a"},
	{"sp", "SELECT count(*) FILTER (WHERE x > (SELECT 1 FROM b)) FROM a", "r=a,b"},
	{"p", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x) FROM a", "r=a"},
	{"m", "SELECT x + INTERVAL 1 DAY, DATE_ADD(x, INTERVAL 1 MONTH), MATCH (a, b) AGAINST ('x' IN BOOLEAN MODE) FROM t", "r=t"},
	{"m", "SELECT group_concat(DISTINCT x ORDER BY y DESC SEPARATOR ', ') FROM t GROUP BY z WITH ROLLUP HAVING x > 1", "r=t"},
	{"p", "SELECT string_agg(x, ',' ORDER BY y), array_agg(x), interval '1 day', timestamp with time zone '2020-01-01' FROM t", "r=t"},
	{"p", "SELECT x FROM t GROUP BY GROUPING SETS ((x), (y), ()) ORDER BY x NULLS LAST LIMIT ALL OFFSET 3", "r=t"},
	{"p", "SELECT x FROM t FETCH FIRST 5 ROWS ONLY", "r=t"},
	{"p", "SELECT t.user, t.from, 1 AS from FROM t", "r=t"},
	{"p", "SELECT pg_catalog.lower(x) FROM t", "r=t"},
	{"spm", "SELECT * FROM a WHERE x = ? OR y LIKE '%x%' ESCAPE '!' LIMIT 1, 2", "r=a"},
	// names of WITH clauses
	{"spmq", "WITH c AS (SELECT * FROM a) SELECT * FROM c", "r=a"},
	{"spmq", "WITH c AS (SELECT * FROM a), d AS (SELECT * FROM c JOIN b ON 1=1) SELECT * FROM d, c", "r=a,b"},
	{"spmq", "WITH c (x, y) AS (SELECT * FROM a) SELECT * FROM x.c", "r=a,c"},
	{"pm", "WITH c AS (SELECT * FROM c) SELECT * FROM c", "r=c"},
	{"s", "WITH c AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT * FROM c", ""},
	{"spm", "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c, a) SELECT * FROM c", "r=a"},
	{"q", "WITH c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c JOIN a ON 1=1) SELECT * FROM c OPTION (MAXRECURSION 5)", "r=a"},
	{"sp", "WITH c AS MATERIALIZED (SELECT 1), d AS NOT MATERIALIZED (SELECT 2) SELECT * FROM c, d", ""},
	{"spmq", "SELECT * FROM (SELECT * FROM c) x, a WHERE EXISTS (SELECT 1 FROM c)", "r=a,c"},
	{"spm", "SELECT * FROM (WITH c AS (SELECT 1) SELECT * FROM c) x, c", "r=c"},
	{"spm", "WITH c AS (SELECT 1) SELECT * FROM a WHERE x IN (SELECT y FROM c)", "r=a"},
	{"sp", "WITH C AS (SELECT 1) SELECT * FROM c", ""},
	{"p", `WITH c AS (SELECT 1) SELECT * FROM "C"`, "r=c"},
	{"p", `WITH "C" AS (SELECT 1) SELECT * FROM c`, "r=c"},
	{"mq", "WITH C AS (SELECT 1) SELECT * FROM c", "r=c"},
	{"p", "WITH RECURSIVE c AS (SELECT * FROM a) SEARCH DEPTH FIRST BY x, y SET o CYCLE x SET i USING p, d AS (SELECT * FROM b) SELECT * FROM c, d", "r=a,b"},
	{"m", "WITH RECURSIVE c AS (SELECT * FROM a) CYCLE x, y RESTRICT SELECT * FROM c, b", "r=a,b"},
	// a keyword that may be a name
	{"s", "SELECT * FROM a replace, b key, c AS temp", "r=a,b,c"},
	{"sm", "SELECT * FROM a offset, b", "r=a,b"},
	{"sm", "SELECT * FROM a JOIN b ON a.x = offset, c", "r=a,b,c"},
	{"sm", "SELECT * FROM a JOIN b ON offset = b.x, c", "r=a,b,c"},
	{"sm", "SELECT * FROM a full, b", "r=a,b"},
	{"s", "SELECT * FROM a window, b", "r=a,b"},
	{"spmq", "SELECT * FROM a WHERE x = 1 b", "r=a"},
	{"spmq", "SELECT * FROM .a", "refused"},
	{"spmq", "SELECT * FROM a, .b", "refused"},
	{"p", "SELECT t.is DISTINCT FROM t", "r=t"},
	{"p", "SELECT x distinct FROM t", "r=t"},
	{"p", "SELECT array(TABLE a), array(SELECT x FROM b)", "r=a,b"},
	{"spmq", "SELECT * FROM a b c", "refused"},
	{"spmq", "SELECT * FROM a, WHERE x = 1", "refused"},
	{"spmq", "SELECT * FROM", "refused"},
	{"spmq", "SELECT * FROM a JOIN", "refused"},
	{"spmq", "SELECT * FROM (a", "refused"},
	{"spmq", "SELECT (1 FROM a", "refused"},
	{"spmq", "SELECT 1) FROM a", "refused"},
	{"spmq", "SELECT lower(x FROM a)", "refused"},
	{"spm", "SELECT 1 SELECT * FROM a", "refused"},
	{"q", "SELECT 1 SELECT * FROM a", "refused"},
	{"q", "SELECT 1 EXEC p", "refused"},
	{"q", "SELECT * FROM a DROP TABLE b", "refused"},
	{"q", "SELECT * FROM a WHERE x = 1 DELETE FROM b", "refused"},
	{"q", "SELECT * FROM a FOR SYSTEM_TIME AS OF '2020-01-01'", "refused"},
	{"m", "SELECT * FROM a FOR SYSTEM_TIME ALL", "refused"},
	{"spmq", strings.Repeat("(", 300) + "SELECT 1" + strings.Repeat(")", 300), "refused"},
	{"spmq", "SELECT " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), "refused"},
}
