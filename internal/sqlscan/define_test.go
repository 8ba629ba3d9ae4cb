package sqlscan

import (
	"strings"
	"sync"
	"testing"
)

func TestDefinitions(t *testing.T) {
	for _, c := range []scanCase{
		{"spmq", "CREATE VIEW v AS SELECT * FROM a JOIN b ON a.x = b.x", "r=a,b"},
		{"spmq", "CREATE VIEW v (x, y) AS SELECT * FROM a", "r=a"},
		{"pm", "CREATE OR REPLACE VIEW v AS SELECT * FROM a WITH CASCADED CHECK OPTION", "r=a"},
		{"pmq", "CREATE VIEW v AS SELECT * FROM a WHERE x = 1 WITH CHECK OPTION", "r=a"},
		{"m", "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `v` AS select `a`.`x` AS `x` from (`a` join `b` on((`a`.`x` = `b`.`x`)))", "r=a,b"},
		{"s", "CREATE TEMP VIEW IF NOT EXISTS v AS WITH c AS (SELECT * FROM a) SELECT * FROM c", "r=a"},
		{"p", " SELECT a.x,\n    b.y\n   FROM (a\n     JOIN b ON ((a.x = b.x)));", "r=a,b"},
		{"p", "SELECT now(), x FROM a", "r=a impure:function"},
		{"s", "CREATE VIEW v AS SELECT random() FROM a", "r=a impure:function"},
		{"s", "CREATE VIEW v AS SELECT * FROM a WHERE at > date('now')", "r=a impure:literal"},
		{"spmq", "CREATE VIEW v AS SELECT * FROM a; DROP TABLE b", "refused"},

		{"s", "CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE b SET x = new.x WHERE id = old.id; DELETE FROM c WHERE x IN (SELECT y FROM d); END", "r=b,c,d w=b,c impure:write"},
		{"s", "CREATE TEMP TRIGGER IF NOT EXISTS main.t INSTEAD OF UPDATE OF x, y ON [a b] FOR EACH ROW WHEN new.x > (SELECT max(y) FROM e) BEGIN INSERT OR REPLACE INTO b SELECT * FROM c; END;", "r=c,e w=b impure:write"},
		{"s", "CREATE TRIGGER t BEFORE DELETE ON a BEGIN SELECT RAISE(ABORT, 'no') WHERE EXISTS (SELECT 1 FROM b); END", "r=b impure:write"},
		{"s", "CREATE TRIGGER t AFTER UPDATE ON a BEGIN UPDATE b SET x = CASE WHEN new.x THEN 1 ELSE 2 END; INSERT INTO c VALUES (1) ON CONFLICT DO UPDATE SET y = 1; END", "r=b,c w=b,c impure:write"},
		{"m", "INSERT INTO a VALUES (NEW.x)", "w=a impure:write"},
		{"m", "SET NEW.x = (SELECT max(y) FROM a)", "r=a impure:write"},
		{"m", "BEGIN DECLARE n INT DEFAULT 0; IF NEW.x > 1 AND EXISTS (SELECT 1 FROM e) THEN INSERT INTO a SELECT * FROM b; ELSEIF n THEN UPDATE c SET x = 1; ELSE DELETE FROM d; END IF; SET NEW.y = 2; END", "r=b,c,d,e w=a,c,d impure:write"},
		{"m", "BEGIN WHILE n < 3 DO REPLACE INTO a VALUES (n); SET n = n + 1; END WHILE; SELECT x INTO @y FROM b; END", "r=b w=a impure:write"},
		{"m", "BEGIN CALL p(1); END", "all impure:write"},
		{"m", "CREATE DEFINER=`root`@`%` TRIGGER `t` BEFORE INSERT ON `a` FOR EACH ROW FOLLOWS u UPDATE b SET x = NEW.x", "r=b w=b impure:write"},
		{"m", "SET NEW.x = my_func(1)", "all impure:write"},
		{"pq", "CREATE TRIGGER t AFTER INSERT ON a EXECUTE FUNCTION f()", "refused"},
		{"spmq", "CREATE TABLE a (x int)", "refused"},
		{"s", "CREATE TRIGGER t AFTER INSERT ON a BEGIN DROP TABLE (; END", "refused"},
		{"s", "CREATE TRIGGER t", "refused"},
		{"s", "CREATE VIEW v", "refused"},
	} {
		for i := range c.dialects {
			d := letters[c.dialects[i]]
			if got := say(ScanDefinition(d, c.sql, nil)); got != c.want {
				t.Errorf("%v: %s\n got %s\nwant %s", d, c.sql, got, c.want)
			}
		}
	}
}

func TestVolatileText(t *testing.T) {
	for s, want := range map[string]bool{
		"now": true, "NOW": true, " Today\t": true, "tomorrow": true, "yesterday 10:00": true, "now()": true,
		"subsec": true, "subsecond": true, "today+1": true, "x now y": true,
		strings.Repeat(" ", 100) + "now": true,
		"":                               false, "no": false, "know": false, "nowhere": false, "todays": false, "2020-01-01": false,
		"now" + strings.Repeat("x", 70): false, "now " + strings.Repeat("1", 70): false, "n\u00f6w": false,
	} {
		if got := VolatileText(s); got != want {
			t.Errorf("%q: got %v, want %v", s, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	opts := &Options{PureFunctions: map[string]bool{"my_func": true, "s.f": true, "regexp": true}}
	for _, c := range []scanCase{
		{"spmq", "SELECT MY_FUNC(x) FROM a", "r=a"},
		{"spmq", "SELECT s.F(x) FROM a", "r=a"},
		{"pmq", "SELECT f(x) FROM a", "r=a all impure:function"},
		{"pmq", "SELECT t.my_func(x) FROM a", "r=a all impure:function"},
		{"s", "SELECT * FROM a WHERE x REGEXP 'y'", "r=a"},
	} {
		for i := range c.dialects {
			if got := say(Scan(letters[c.dialects[i]], c.sql, opts)); got != c.want {
				t.Errorf("%c: %s\n got %s\nwant %s", c.dialects[i], c.sql, got, c.want)
			}
		}
	}
}

// A function of the user's own may be what runs where a built-in one has its name.
func TestRoutines(t *testing.T) {
	opts := &Options{
		Routines: map[string]bool{"area": true, "lower": true, "now": true, "by": true, "is": true, "mine": true,
			".f": true, ".mine": true, "json_table": true, "regexp": true, "json_each": true, "openjson": true},
		PureFunctions: map[string]bool{"mine": true},
	}
	for _, c := range []scanCase{
		{"pmq", "SELECT Lower(x) FROM a", "r=a all impure:function"},
		{"s", "SELECT lower(x) FROM a", "r=a impure:function"},
		{"p", `SELECT area(id) FROM a`, "r=a all impure:function"},
		{"p", `SELECT "area"(id) FROM a`, "r=a all impure:function"},
		{"p", `SELECT pg_catalog.area(id) FROM a`, "r=a"},
		{"pmq", "SELECT now() FROM a", "r=a all impure:function"},
		{"spmq", "SELECT mine(x), upper(x), area FROM a", "r=a"},
		{"pmq", "INSERT INTO a VALUES (lower('X'))", "w=a all impure:write"},
		{"p", "SELECT by(1) FROM a", "r=a all impure:function"},
		{"p", "SELECT x.f FROM x", "r=x all impure:function"},
		{"p", "SELECT s.x.F FROM s.x", "r=x all impure:function"},
		{"p", "SELECT (x).f, x.* FROM x", "r=x all impure:function"},
		{"p", `SELECT 1 FROM x ORDER BY (x.a[1])."f"`, "r=x all impure:function"},
		{"p", "UPDATE x SET a = x.f", "r=x w=x all impure:write"},
		{"p", "SELECT f, x.g, x.mine, f.* FROM x, s.f", "r=f,x"},
		{"smq", "SELECT x.f FROM x", "r=x"},
		{"p", "SELECT is(1) FROM a", "r=a all impure:function"},
		{"m", "SELECT * FROM JSON_TABLE('[]', '$' COLUMNS (x int path '$')) j", "all impure:function"},
		{"p", "SELECT * FROM json_each('{}')", "all impure:function"},
		{"s", "SELECT * FROM a WHERE x REGEXP 'y'", "r=a impure:function"},
	} {
		for i := range c.dialects {
			if got := say(Scan(letters[c.dialects[i]], c.sql, opts)); got != c.want {
				t.Errorf("%c: %s\n got %s\nwant %s", c.dialects[i], c.sql, got, c.want)
			}
			if r := Scan(letters[c.dialects[i]], c.sql, nil); r.Err != nil {
				t.Errorf("%c: %s: %v", c.dialects[i], c.sql, r.Err)
			}
		}
	}
}

// A time word may be put together from pieces.
func TestBuiltTimes(t *testing.T) {
	runCases(t, []scanCase{
		{"p", "SELECT ('to'||'day')::date FROM a", "r=a impure:literal"},
		{"p", "SELECT CAST('to' || ('day') AS timestamp with time zone) FROM a", "r=a impure:literal"},
		{"p", "SELECT date('to' || x) FROM a", "r=a impure:literal"},
		{"p", "SELECT concat('to', 'day')::date FROM a", "r=a impure:literal"},
		{"p", "SELECT lower('TO' || 'DAY')::date FROM a", "r=a impure:literal"},
		{"p", "SELECT * FROM a WHERE d > ($1||$2)::date", "r=a impure:literal"},
		{"p", "SELECT (('to')||(('day')))::date FROM a", "r=a impure:literal"},
		{"p", "SELECT cast('to'||'day') FROM a", "r=a impure:literal"},
		{"p", `SELECT ('to'||'day')::"date" FROM a`, "r=a impure:literal"},
		{"p", `SELECT ('to'||'day')::date[] FROM a`, "r=a impure:literal"},
		{"p", `SELECT ((('to')||'day'))::date FROM a`, "r=a impure:literal"},
		{"s", "SELECT datetime('n'||'ow') FROM a", "r=a impure:literal"},
		{"s", "SELECT strftime('%s', ('n')||'ow') FROM a", "r=a impure:literal"},
		{"s", "SELECT julianday(? || ?) FROM a", "r=a impure:literal"},
		{"p", "SELECT ('to'||'day')::text, ('1'||' day')::interval FROM a", "r=a"},
		{"p", "SELECT d::date, date_trunc('day', d)::date FROM a WHERE n LIKE '%' || $1 || '%'", "r=a"},
		{"p", "SELECT (y || '-01-01')::date, ($1 || '-01')::date FROM a", "r=a"},
		{"s", "SELECT date(d), date(y || '-01-01'), date(? || '-01'), upper('n'||'ow') FROM a WHERE n LIKE '%' || ? || '%'", "r=a"},
	})
}

func TestDialects(t *testing.T) {
	for name, want := range map[string]Dialect{"sqlite": SQLite, "postgres": Postgres, "mysql": MySQL, "sqlserver": SQLServer,
		"clickhouse": Unknown, "": Unknown, "SQLite": Unknown} {
		if got := DialectOf(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
	for _, d := range []Dialect{Unknown, 5, 200} {
		if r := Scan(d, "SELECT 1", nil); r.Err == nil || !r.WritesAll || r.ReadOnly() {
			t.Errorf("dialect %d is not refused: %+v", d, r)
		}
	}
}

func TestReadOnly(t *testing.T) {
	for sql, want := range map[string]bool{
		"SELECT * FROM a": true, "SELECT random()": true, "PRAGMA table_info(a)": true, "EXPLAIN DELETE FROM a": true,
		"DELETE FROM a": false, "BEGIN": false, "SAVEPOINT x": false, "CREATE INDEX i ON a (x)": false, "PRAGMA x = 1": false,
		"SELECT 'a": false,
	} {
		if got := Scan(SQLite, sql, nil).ReadOnly(); got != want {
			t.Errorf("%s: got %v", sql, got)
		}
	}
}

// A name under two flags would be judged by the order of a map.
func TestFunctionListsNameEachOnce(t *testing.T) {
	for _, lists := range [][]map[fn]string{{commonFunctions, sqliteFunctions}, {commonFunctions, postgresFunctions},
		{commonFunctions, mysqlFunctions}, {commonFunctions, sqlserverFunctions}} {
		seen := map[string]fn{}
		for _, list := range lists {
			for flag, names := range list {
				for _, name := range strings.Fields(names) {
					if old, ok := seen[name]; ok && old != flag {
						t.Errorf("%s is %d and %d", name, old, flag)
					}
					seen[name] = flag
					if len(name) > len(parser{}.buf) || name != strings.ToLower(name) {
						t.Errorf("%s can never be found", name)
					}
				}
			}
		}
	}
}

func TestScanIsSafeForConcurrentUse(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for _, c := range scanCases {
				if got := say(Scan(letters[c.dialects[0]], c.sql, nil)); got != c.want {
					t.Errorf("%s: got %s", c.sql, got)
				}
			}
		}()
	}
	wg.Wait()
}

// Long and deep texts end, with or without an answer.
func TestScanOfHugeTexts(t *testing.T) {
	for _, sql := range []string{
		"SELECT " + strings.Repeat("(", 1<<20),
		strings.Repeat("WITH c AS (", 1<<18),
		"SELECT * FROM " + strings.Repeat("(", 1<<20),
		strings.Repeat("SELECT 1 UNION ", 1<<17) + "SELECT 1 FROM a",
		"INSERT INTO a VALUES " + strings.Repeat("(?,?,?),", 1<<17) + "(1,2,3)",
		"WITH " + strings.Repeat("c AS (SELECT 1),", 1<<16) + "d AS (SELECT 1) SELECT * FROM a",
		strings.Repeat("EXPLAIN ", 1<<18) + "SELECT 1",
		strings.Repeat("INSERT INTO a SELECT * FROM b;", 1<<15),
		strings.Repeat("/*", 1<<19), strings.Repeat("'", 1<<20+1), strings.Repeat("$a", 1<<19), strings.Repeat("$a$", 1<<18),
		strings.Repeat("a.", 1<<19), strings.Repeat("CASE WHEN ", 1<<17), strings.Repeat("\\", 1<<20),
		"SELECT * FROM a" + strings.Repeat(" JOIN b ON 1=1", 1<<16),
		"SELECT * FROM " + strings.Repeat("LATERAL ", 1<<17),
		strings.Repeat("x", 17<<20),
	} {
		for _, d := range letters {
			Scan(d, sql, nil)
			ScanDefinition(d, sql, nil)
		}
	}
}

func FuzzScanNeverPanics(f *testing.F) {
	for _, c := range scanCases {
		for i := range c.dialects {
			f.Add(uint8(letters[c.dialects[i]]), c.sql)
		}
	}
	f.Fuzz(func(t *testing.T, d uint8, sql string) {
		for _, r := range []*Result{Scan(Dialect(d%6), sql, nil), ScanDefinition(Dialect(d%6), sql, nil)} {
			if r.Err != nil {
				if strings.Contains(r.Err.Error(), "broke the scanner") {
					t.Fatalf("panicked on %q", sql)
				}
				if !r.WritesAll || r.Impure == "" {
					t.Fatalf("refused, but not the worst: %+v", r)
				}
			}
			if (r.Impure == "") != (r.ImpureKind == ImpureNone) || r.Impure == "" && !r.ReadOnly() {
				t.Fatalf("contradiction: %+v", r)
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	for _, c := range []struct{ name, sql string }{
		{"first", "SELECT * FROM `users` WHERE `users`.`id` = ? AND `users`.`deleted_at` IS NULL ORDER BY `users`.`id` LIMIT ?"},
		{"join", "SELECT `orders`.`id`,`orders`.`total`,count(*) AS n FROM `orders` LEFT JOIN `users` `User` ON `orders`.`user_id` = `User`.`id` " +
			"WHERE `orders`.`state` IN (?,?,?) AND EXISTS (SELECT 1 FROM items WHERE items.order_id = orders.id) GROUP BY `orders`.`id` ORDER BY n DESC LIMIT 20"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if Scan(SQLite, c.sql, nil).Impure != "" {
					b.Fatal("not pure")
				}
			}
		})
	}
}
