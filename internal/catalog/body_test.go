package catalog

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// bodyWorld knows the tables a, b, c and the stored routines f and g.
func bodyWorld(d sqlscan.Dialect) world {
	known := map[string]bool{"a": true, "b": true, "c": true}
	stored := map[string]bool{"f": true, "g": true}
	return world{d, func(n string) bool { return known[n] }, func(n string, plain bool) (bool, bool) {
		switch d {
		case sqlscan.MySQL:
			return stored[n], plain && mysqlHarmless[n]
		case sqlscan.Postgres:
			return stored[n], !pgRunners[n]
		}
		return false, true
	}}
}

func TestReadBody(t *testing.T) {
	const pg, my, ms = sqlscan.Postgres, sqlscan.MySQL, sqlscan.SQLServer
	for _, tc := range []struct {
		d      sqlscan.Dialect
		body   string
		writes string // joined by commas; "all" if it must be given up
		calls  string
	}{
		{pg, `BEGIN RETURN NEW; END`, "", ""},
		{pg, `begin insert into "A" values (1); end`, "a", ""},
		{pg, `INSERT INTO x.y.A (b) VALUES (1)`, "a", ""},
		{pg, `UPDATE ONLY a SET x = 1 FROM b WHERE true`, "a", ""},
		{pg, `DELETE FROM a USING b WHERE f(1)`, "a", "f"},
		{pg, `WITH w AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM w`, "a,b", ""},
		{pg, `MERGE INTO a USING b ON true WHEN MATCHED THEN UPDATE SET x = 1 WHEN NOT MATCHED THEN INSERT (x) VALUES (1)`, "a", ""},
		{pg, `MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1)`, "a", ""},
		{pg, `INSERT INTO a VALUES (1) ON CONFLICT DO UPDATE SET x = 2`, "a", ""},
		{pg, `INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING`, "a", ""},
		{pg, `SELECT 1 FROM a FOR NO KEY UPDATE`, "", ""},
		{pg, `TRUNCATE a, b`, "a,b", ""},
		{pg, `TRUNCATE a CASCADE`, "all", ""},
		{pg, `-- INSERT INTO a` + "\n" + `/* UPDATE /* b */ c */ NULL;`, "", ""},
		{pg, `x := 'INSERT INTO a'; y := $$DELETE FROM b$$; z := $q$UPDATE $$ c$q$;`, "", ""},
		{pg, `x := E'it\'s'; INSERT INTO b VALUES (1)`, "b", ""},
		{pg, `x := 'a\'; INSERT INTO b VALUES (1); y := ''`, "all", ""},
		{pg, `EXECUTE 'INSERT INTO a VALUES (1)'`, "all", ""},
		{pg, `EXECUTE format('...')`, "all", ""},
		{pg, `CALL f(1)`, "", "f"},
		{pg, `CALL s.f(1)`, "", "f"},
		{pg, `CALL other()`, "all", ""},
		{pg, `PERFORM s."f" (1)`, "", "f"},
		{pg, `x := NEW.g`, "", "g"},
		{pg, `x := @f(1)`, "", "f"},
		{pg, `DO $$ BEGIN END $$`, "all", ""},
		{pg, `CREATE TEMP TABLE t AS SELECT 1`, "all", ""},
		{pg, `COPY a FROM '/x'`, "all", ""},
		{pg, `INSERT INTO`, "all", ""},
		{pg, `UPDATE`, "all", ""},
		{pg, `U&"d\0061t"`, "all", ""},
		{pg, `'unterminated`, "all", ""},
		{pg, `$$unterminated`, "all", ""},
		{pg, `/* unterminated`, "all", ""},
		{pg, "a\x00b", "all", ""},

		{my, `INSERT IGNORE a VALUES (1)`, "a", ""},
		{my, "REPLACE LOW_PRIORITY INTO `x`.`A` SET b = 1", "a", ""},
		{my, `SET NEW.x = REPLACE(NEW.x, 'a', INSERT('b', 1, 2, 'c'))`, "", ""},
		{my, `UPDATE a SET x = (SELECT max(y) FROM b)`, "a", ""},
		{my, `UPDATE a, b SET a.x = 1`, "a,b", ""},
		{my, `UPDATE x AS q JOIN a ON 1 SET a.x = 1`, "a,x", ""},
		{my, `WHILE 1 DO UPDATE a SET x = 1; END WHILE`, "a", ""},
		{my, `DELETE FROM a WHERE x IN (SELECT y FROM b)`, "a", ""},
		{my, `DELETE x FROM a AS x JOIN b ON 1`, "a,b", ""},
		{my, `DELETE FROM x USING a AS x JOIN b ON 1`, "a,b,x", ""},
		{my, `IF f(1) THEN DELETE FROM a; END IF`, "a", "f"},
		{my, `CALL g`, "", "g"},
		{my, `CALL h`, "all", ""},
		{my, `SET @x = h(1)`, "all", ""},
		{my, `SET @x = db.concat(1)`, "all", ""},
		{my, `SET @x = 'it\'s'; INSERT INTO b VALUES ("a\"b")`, "b", ""},
		{my, `SET @x = 1--1; INSERT INTO b VALUES (1)`, "all", ""},
		{my, `SET @x = 1 -- INSERT INTO a` + "\n" + `+ 1 # DELETE FROM b`, "", ""},
		{my, `/*! INSERT INTO a VALUES (1) */`, "all", ""},
		{my, `/*M!100100 INSERT INTO a VALUES (1) */`, "all", ""},
		{my, `PREPARE s FROM 'x'`, "all", ""},
		{my, `INSERT INTO a VALUES (1) ON DUPLICATE KEY UPDATE x = VALUES(x)`, "a", ""},

		{ms, `UPDATE x SET v = 1 FROM dbo.a x JOIN inserted i ON 1 = 1`, "a,x", ""},
		{ms, `IF UPDATE(v) INSERT a (v) SELECT dbo.f(v) FROM inserted`, "a", ""},
		{ms, `DELETE TOP (1) FROM [dbo].[B]`, "b", ""},
		{ms, `INSERT INTO other.dbo.t OUTPUT inserted.id INTO c VALUES (1)`, "t", ""},
		{ms, `MERGE a USING b ON 1 = 1 WHEN MATCHED THEN DELETE;`, "a,b", ""},
		{ms, `EXEC sp_x`, "all", ""},
		{ms, `SELECT 1 /* /* */ INSERT INTO a */`, "", ""},
	} {
		r := readBody(bodyWorld(tc.d), tc.body)
		if tc.writes == "all" {
			if r.opaque == "" {
				t.Errorf("%v: %s\n  taken to write %v only", tc.d, tc.body, r.writes)
			}
			continue
		}
		got := strings.Join(slices.Sorted(maps.Keys(r.writes)), ",")
		calls := strings.Join(slices.Sorted(maps.Keys(r.calls)), ",")
		if r.opaque != "" || got != tc.writes || calls != tc.calls {
			t.Errorf("%v: %s\n  writes %q calls %q opaque %q; want %q, %q", tc.d, tc.body, got, calls, r.opaque, tc.writes, tc.calls)
		}
	}
}

// Routines that call each other end, with the effects of all.
func TestRoutinesRun(t *testing.T) {
	rs := routines{}
	w := bodyWorld(sqlscan.Postgres)
	rs.add("F", readBody(w, `PERFORM g(1); INSERT INTO a VALUES (1)`))
	rs.add("g", readBody(w, `PERFORM f(1); INSERT INTO b VALUES (1)`))
	if e := rs.run(*rs["f"]); e.opaque != "" || len(e.writes) != 2 {
		t.Errorf("f writes %v, %q", e.writes, e.opaque)
	}
	rs.add("g", readBody(w, `EXECUTE 'x'`)) // an overload
	if e := rs.run(*rs["f"]); e.opaque == "" {
		t.Error("an overload that runs text is overlooked")
	}
}

// Whatever the text, reading it must end without a panic; and what stands in a
// string or comment must not hide a write that follows it.
func FuzzReadBody(f *testing.F) {
	for _, s := range []string{`x := 'a''b'`, `E'\''`, `$a$ $$ $a$`, `/* /* */ */`, "-- x\r\n", "`a``b`", `[a]]b]`, `"a""b"`, `U&'x'`, `N'x'`, `UPDATE`, `MERGE INTO`, `CALL a.b.c`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []sqlscan.Dialect{sqlscan.Postgres, sqlscan.MySQL, sqlscan.SQLServer} {
			readBody(bodyWorld(d), text)
			tokens, why := tokenize(d, text)
			for _, tok := range tokens {
				if why == "" && tok.named() && tok.text != fold(tok.text) {
					t.Fatalf("%v: token %q is not folded", d, tok.text)
				}
			}
			if why == "" && !strings.Contains(text, "--") && !strings.Contains(text, "#") {
				r := readBody(bodyWorld(d), text+"\n; INSERT INTO a VALUES (1)")
				if r.opaque == "" && !r.writes["a"] {
					t.Fatalf("%v: the write after %q is overlooked", d, text)
				}
			}
		}
		parseVirtual(text)
		new(grants).add(text)
	})
}
