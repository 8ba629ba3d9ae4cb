package sqlscan

import (
	"strings"
	"testing"
)

// sayChange writes a change as "update a,b", "upsert id a id=$1|$2".
func sayChange(c *Change) string {
	if c == nil {
		return ""
	}
	s := c.Verb.String()
	if c.Upsert {
		s = "upsert " + strings.Join(c.Target, ",")
	}
	if c.Assigned != nil {
		s += " " + strings.Join(c.Assigned, ",")
	}
	if c.Columns != nil || c.Rows != nil {
		s += " " + sayRows(c.Columns, c.Rows)
	}
	return s
}

var changeCases = []struct{ dialects, sql, want string }{
	// UPDATE
	{"smp", "UPDATE t SET a = 1", "update a"},
	{"smp", "UPDATE t SET B = b + 1, a = CASE WHEN x THEN 1 END, c = coalesce(a, 2) WHERE id = 1", "update a,b,c"},
	{"sp", `UPDATE "t" AS x SET "A"=5 WHERE x.id = 1 RETURNING a, b`, "update a"},
	{"m", "UPDATE s.t x SET x.a = 1, s.t.b = 2 ORDER BY a LIMIT 1", "update a,b"},
	{"m", "UPDATE LOW_PRIORITY IGNORE t SET a = 1", "update a"},
	{"smp", "UPDATE t SET a = DEFAULT, b = NULL", "update a,b"},
	{"p", "UPDATE t SET a = ARRAY[1, b, 3], b = 2", "update a,b"},
	{"s", "UPDATE t SET rowid = 4, _ROWID_ = 5, oid = 6", "update _rowid_,oid,rowid"},
	{"smp", "UPDATE t SET value = 1, comment = 2", "update comment,value"},
	{"sm", "UPDATE t SET a = offset, b = 2", "update a,b"},
	{"m", "UPDATE t SET a = returning, b = 2", "update a,b"},
	{"s", "UPDATE OR IGNORE t SET a = 1", "update a"},
	{"s", "UPDATE OR ABORT t SET a = 1", "update a"},
	{"s", "UPDATE OR FAIL t SET a = 1", "update a"},
	{"s", "UPDATE OR REPLACE t SET a = 1", ""},
	{"s", "UPDATE OR ROLLBACK t SET a = 1", ""},
	{"p", "UPDATE t SET a.b = 1", ""},
	{"p", "UPDATE t SET a[1] = 1", ""},
	{"p", "UPDATE ONLY t SET a = 1", ""},
	{"m", "UPDATE t SET a = t.where, b = 2", ""},
	{"sp", "UPDATE t SET (a, b) = (1, 2)", ""},
	{"sp", "UPDATE t SET a = 1 FROM u", ""},
	{"sp", "UPDATE t SET a = 1 FROM t AS u WHERE t.id = 1", ""},
	{"smp", "UPDATE t SET a = (SELECT 1)", ""},
	{"smp", "UPDATE t SET a = 1 WHERE id IN (SELECT 1)", ""},
	{"s", "UPDATE t SET a = 1 WHERE id IN u", ""},
	{"m", "UPDATE t, u SET t.a = 1", ""},
	{"m", "UPDATE t JOIN u ON 1 SET t.a = 1", ""},
	{"smp", "UPDATE t SET ä = 1", ""},
	{"smp", "WITH c AS (SELECT 1) UPDATE t SET a = 1", ""},
	{"mp", "UPDATE t SET a = f(1)", ""},
	{"p", "UPDATE t SET a = 1 WHERE CURRENT OF c", "update a"},
	// DELETE
	{"smp", "DELETE FROM t", "delete"},
	{"smp", "DELETE FROM s.t WHERE id = 1;", "delete"},
	{"p", "DELETE FROM t AS x WHERE x.id = 1 RETURNING *", "delete"},
	{"m", "DELETE QUICK FROM t WHERE a = 1 ORDER BY a LIMIT 1", "delete"},
	{"m", "DELETE t FROM t", ""},
	{"m", "DELETE FROM t USING t JOIN u ON 1", ""},
	{"p", "DELETE FROM t USING u", ""},
	{"p", "DELETE FROM ONLY t", ""},
	{"smp", "DELETE FROM t WHERE id IN (SELECT 1)", ""},
	// INSERT
	{"smp", "INSERT INTO t (a, b) VALUES (1, 2), (3, 4)", "insert"},
	{"smp", "INSERT INTO t VALUES (1)", "insert"},
	{"sp", "INSERT INTO t DEFAULT VALUES", "insert"},
	{"smp", "INSERT INTO t (a) SELECT a FROM u WHERE id = 1", "insert"},
	{"smp", "INSERT INTO t (a) SELECT a FROM u UNION SELECT b FROM v", "insert"},
	{"m", "INSERT INTO t SET a = 1", "insert"},
	{"m", "INSERT IGNORE INTO t VALUES (1)", "insert"},
	{"s", "INSERT OR IGNORE INTO t VALUES (1)", "insert"},
	{"sp", "INSERT INTO t (a) VALUES (1) RETURNING id", "insert"},
	{"p", "INSERT INTO t (a) OVERRIDING SYSTEM VALUE VALUES (1)", "insert"},
	{"sp", "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING", "insert"},
	{"sp", "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) WHERE a > 1 DO NOTHING RETURNING id", "insert"},
	{"p", "INSERT INTO t (a) VALUES (1) ON CONFLICT ON CONSTRAINT x DO NOTHING", "insert"},
	{"s", "INSERT OR REPLACE INTO t VALUES (1)", ""},
	{"s", "INSERT OR ROLLBACK INTO t VALUES (1)", ""},
	{"s", "INSERT OR REPLACE INTO t VALUES (1) ON CONFLICT DO NOTHING", ""},
	{"sm", "REPLACE INTO t VALUES (1)", ""},
	{"m", "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2", ""},
	{"m", "INSERT INTO t (a) SELECT 1 ON DUPLICATE KEY UPDATE a = 2", ""},
	{"p", "WITH c AS (UPDATE t SET a = 1 RETURNING a) INSERT INTO t SELECT a FROM c", ""},
	{"p", "INSERT INTO t WITH c AS (UPDATE t SET a = 1 RETURNING a) SELECT a FROM c", ""},
	// upserts
	{"s", "INSERT INTO t (id, a) VALUES (?, ?), (?, ?) ON CONFLICT (id) DO UPDATE SET a = excluded.a", "upsert id a id=$1|$3"},
	{"p", `INSERT INTO "t" ("b","a") VALUES ($1,$2) ON CONFLICT ("a","b") DO UPDATE SET "x"="excluded"."x","y"=1 WHERE t.x > 1 RETURNING "id"`,
		"upsert a,b x,y a,b=$2,$1"},
	{"sp", "INSERT INTO t AS u (id, a) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = u.a + 1", "upsert id a id=1"},
	{"sp", "INSERT INTO t (a, id) VALUES ((1), 2), (coalesce(1, 2), NULL), (3, -1), ('x', DEFAULT), (NULL, 7) ON CONFLICT (id) DO UPDATE SET id = 9",
		"upsert id id id=2|*|*|*|7"},
	{"sp", "INSERT INTO t (a) VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 2", "upsert id a"},
	{"sp", "INSERT INTO t (b) VALUES (1) ON CONFLICT (a, b) DO UPDATE SET a = 2", "upsert a,b a b=1"},
	{"sp", "INSERT INTO t VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = 2", "upsert id a"},
	{"sp", "INSERT INTO t (id, a) VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 2", "upsert id a"},
	{"sp", "INSERT INTO t (id) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = 2", "upsert id a"},
	{"sp", "INSERT INTO t (id, id) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = 2", "upsert id a"},
	{"s", "INSERT INTO t (id, rowid) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = 2", "upsert id a"},
	{"p", `INSERT INTO t ("ID", id) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = 2`, "upsert id a id=2"},
	{"p", `INSERT INTO t ("ID") VALUES (1) ON CONFLICT ("ID") DO UPDATE SET a = 2`, ""},
	{"sp", "INSERT INTO t (id) VALUES (1) ON CONFLICT DO UPDATE SET a = 2", ""},
	{"sp", "INSERT INTO t (id) VALUES (1) ON CONFLICT (lower(id)) DO UPDATE SET a = 2", ""},
	{"sp", "INSERT INTO t (id) VALUES (1) ON CONFLICT (id + 1) DO UPDATE SET a = 2", ""},
	{"sp", "INSERT INTO t (id) VALUES (1) ON CONFLICT (id COLLATE x) DO UPDATE SET a = 2", ""},
	{"sp", "INSERT INTO t (id) VALUES (1) ON CONFLICT (id) WHERE a > 1 DO UPDATE SET a = 2", ""},
	{"p", "INSERT INTO t (id) VALUES (1) ON CONFLICT ON CONSTRAINT x DO UPDATE SET a = 2", ""},
	{"sp", "INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET (a, b) = (1, 2)", ""},
	{"sp", "INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET a = (SELECT 1)", ""},
	{"sp", "INSERT INTO t (id) VALUES ((SELECT 1)) ON CONFLICT (id) DO UPDATE SET a = 1", ""},
	{"sp", "INSERT INTO t (id) SELECT 1 WHERE true ON CONFLICT (id) DO UPDATE SET a = 1", ""},
	{"s", "INSERT INTO t (id) VALUES (1) ON CONFLICT (id) DO NOTHING ON CONFLICT (a) DO UPDATE SET a = 1", ""},
	{"s", "INSERT INTO t (id) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1 ON CONFLICT DO NOTHING", ""},
	{"s", "INSERT OR IGNORE INTO t (id) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1", ""},
	// others
	{"p", "MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE", ""},
	{"smp", "SELECT * FROM t", ""},
	{"smp", "TRUNCATE TABLE t", ""},
	{"smp", "UPDATE t SET a = 1; UPDATE t SET b = 1", ""},
	{"q", "UPDATE t SET a = 1", ""},
	{"q", "INSERT INTO t VALUES (1)", ""},
	{"q", "DELETE FROM t", ""},
}

func TestChange(t *testing.T) {
	for _, c := range changeCases {
		for i := range len(c.dialects) {
			d := letters[c.dialects[i]]
			r := Scan(d, c.sql, nil)
			if got := sayChange(r.Change); got != c.want {
				t.Errorf("%v: %s\n got %q (%v)\nwant %q", d, c.sql, got, r.Err, c.want)
			}
		}
	}
}
