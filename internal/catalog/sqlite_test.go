package catalog

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

func openSQLite(t testing.TB, dsn string, statements ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	exec(t, db, statements...)
	return db
}

func sqliteFile(t testing.TB, statements ...string) *sql.DB {
	t.Helper()
	return openSQLite(t, filepath.Join(t.TempDir(), "test.sqlite")+"?_foreign_keys=1", statements...)
}

func TestSQLiteReach(t *testing.T) {
	db := sqliteFile(t,
		`CREATE TABLE Customers(id INTEGER PRIMARY KEY, name TEXT)`,
		`CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INT REFERENCES customers ON DELETE CASCADE, total INT)`,
		`CREATE TABLE order_lines(id INTEGER PRIMARY KEY, order_id INT REFERENCES ORDERS(id) ON DELETE SET NULL ON UPDATE CASCADE)`,
		`CREATE TABLE notes(id INTEGER PRIMARY KEY, line_id INT DEFAULT 1 REFERENCES order_lines ON DELETE SET DEFAULT)`,
		`CREATE TABLE strict_child(id INTEGER PRIMARY KEY, customer_id INT REFERENCES customers ON DELETE RESTRICT)`,
		`CREATE TABLE audit(id INTEGER PRIMARY KEY, what TEXT)`,
		`CREATE TABLE counters(name TEXT, n INT)`,
		`INSERT INTO counters VALUES ('audit', 0)`,
		`CREATE TRIGGER t1 AFTER DELETE ON orders BEGIN INSERT INTO audit(what) VALUES ('gone ' || OLD.id); END`,
		`CREATE TRIGGER t2 AFTER INSERT ON audit BEGIN UPDATE counters SET n = n + 1 WHERE name = 'audit'; END`,
		`CREATE VIEW big AS SELECT o.id, o.total, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 10`,
		`CREATE VIEW bigger AS SELECT * FROM big WHERE total > 100`,
		`CREATE TRIGGER t3 INSTEAD OF INSERT ON bigger BEGIN INSERT INTO orders(id, customer_id, total) VALUES (NEW.id, 1, NEW.total); INSERT INTO notes(id) VALUES (NEW.id); END`,
		`INSERT INTO customers VALUES (1, 'a'), (2, 'b'), (3, 'c')`,
		`INSERT INTO orders VALUES (1, 1, 500), (2, 2, 20), (3, 3, 5)`,
		`INSERT INTO order_lines VALUES (1, 1), (2, 2), (3, 3)`,
		`INSERT INTO notes VALUES (1, 1), (2, 2)`,
	)
	checkReach(t, db, sqlscan.SQLite,
		[]string{"customers", "orders", "order_lines", "notes", "audit", "counters", "strict_child", "big", "bigger"},
		[]reach{
			{sql: `UPDATE customers SET name = 'x' WHERE id = 1`, tables: []string{"customers"}},
			{sql: `UPDATE orders SET id = 20 WHERE id = 2`, tables: []string{"orders"}},
			{sql: `DELETE FROM customers WHERE id = 2`, tables: []string{"customers"}},
			{sql: `DELETE FROM order_lines WHERE id = 2`, tables: []string{"order_lines"}},
			{sql: `INSERT INTO bigger(id, total) VALUES (77, 7777)`, tables: []string{"bigger"}},
			{sql: `REPLACE INTO customers VALUES (3, 'again')`, tables: []string{"customers"}},
			{sql: `INSERT INTO audit(what) VALUES ('by hand')`, tables: []string{"audit"}},
			{sql: `DELETE FROM strict_child`, tables: []string{"strict_child"}, quiet: true},
		})
	c := load(t, db, sqlscan.SQLite)
	wantReads(t, c, "bigger", "big", "bigger", "customers", "orders")
	wantReads(t, c, "audit", "audit")
	wantWrites(t, c, "customers", "audit", "counters", "customers", "notes", "order_lines", "orders")
	wantWrites(t, c, "strict_child", "strict_child")
	wantWrites(t, c, "nowhere", "nowhere")
	wantRefused(t, c, "nowhere", "not a known table")
	wantRefused(t, c, "sqlite_master", "not a known table")
	if c.NonTransactional("orders") || c.ReadUncommitted() {
		t.Error("SQLite tables are transactional and committed")
	}
}

func TestSQLiteImpureView(t *testing.T) {
	db := sqliteFile(t,
		`CREATE TABLE a(id INT)`,
		`CREATE VIEW dice AS SELECT random() AS r FROM a`,
		`CREATE VIEW over AS SELECT * FROM dice`,
		`CREATE VIEW broken AS SELECT * FROM gone`,
	)
	c := load(t, db, sqlscan.SQLite)
	wantRefused(t, c, "dice", "not pure")
	wantRefused(t, c, "over", "not pure")
	wantRefused(t, c, "broken", `"gone" is not a known table`)
	wantRefused(t, c.Declare(map[string][]string{"a": {"dice"}}), "dice", "not pure")
	wantReads(t, c.Declare(map[string][]string{"gone": nil}), "broken", "broken", "gone")
}

func TestSQLiteVirtualTables(t *testing.T) {
	db := sqliteFile(t,
		`CREATE TABLE posts(id INTEGER PRIMARY KEY, body TEXT, x1 REAL, x2 REAL)`,
		`CREATE VIRTUAL TABLE boxes USING rtree(id, minx, maxx)`,
		`CREATE VIRTUAL TABLE "odd ""name" USING rtree(id, a, b)`,
		`CREATE TRIGGER grow AFTER INSERT ON posts BEGIN INSERT INTO boxes VALUES (NEW.id, NEW.x1, NEW.x2); END`,
	)
	checkReach(t, db, sqlscan.SQLite, []string{"posts", "boxes", "boxes_node", "boxes_rowid", "boxes_parent"}, []reach{
		{sql: `INSERT INTO posts VALUES (1, 'x', 1, 2)`, tables: []string{"posts"}},
		{sql: `UPDATE boxes SET maxx = 9`, tables: []string{"boxes"}},
	})
	c := load(t, db, sqlscan.SQLite)
	wantReads(t, c, "boxes", "boxes", "boxes_node", "boxes_parent", "boxes_rowid")
	wantReads(t, c, `odd "name`, `odd "name`, `odd "name_node`, `odd "name_parent`, `odd "name_rowid`)
}

func TestSQLiteFullText(t *testing.T) {
	db := sqliteFile(t,
		`CREATE TABLE posts(docid INTEGER PRIMARY KEY, body TEXT)`,
		`CREATE VIRTUAL TABLE found USING fts4(content="posts", body)`,
		`CREATE VIRTUAL TABLE own USING fts3(body)`,
		`CREATE VIRTUAL TABLE words USING fts4aux(own)`,
		`INSERT INTO posts VALUES (1, 'hello')`,
		`INSERT INTO found(docid, body) VALUES (1, 'hello')`,
	)
	checkReach(t, db, sqlscan.SQLite, []string{"posts", "found", "own", "own_content"}, []reach{
		{sql: `UPDATE posts SET body = 'changed' WHERE docid = 1`, tables: []string{"posts"}},
		{sql: `INSERT INTO own VALUES ('x')`, tables: []string{"own"}},
		{sql: `UPDATE own_content SET c0body = 'y'`, tables: []string{"own_content"}},
	})
	c := load(t, db, sqlscan.SQLite)
	wantRefused(t, c, "words", "module fts4aux")
	wantAll(t, c, "words", "module fts4aux")
	wantReads(t, c.Declare(map[string][]string{"own": {"words"}}), "words", "words")
	if got, _ := c.Declare(map[string][]string{"own": {"words"}}).Writes([]string{"own_content"}); len(got) == 0 {
		t.Error("a declaration lost edges")
	}
}

func TestSQLiteAttachedAndTemporary(t *testing.T) {
	dir := t.TempDir()
	db := openSQLite(t, filepath.Join(dir, "main.sqlite")+"?_foreign_keys=1")
	db.SetMaxOpenConns(1)
	exec(t, db,
		`ATTACH '`+filepath.Join(dir, "other.sqlite")+`' AS "oth""er'"`,
		`CREATE TABLE shared(id INTEGER PRIMARY KEY)`,
		`CREATE TABLE "oth""er'".shared(id INTEGER PRIMARY KEY)`,
		`CREATE TABLE "oth""er'".child(id INT REFERENCES shared ON DELETE CASCADE)`,
		`CREATE TEMP TABLE scratch(id INT)`,
		`CREATE TABLE hidden(id INT)`,
		`CREATE TEMP VIEW hidden AS SELECT 1 AS id`,
		`CREATE TABLE log(id INT)`,
		`CREATE TEMP TRIGGER spy AFTER INSERT ON main.shared BEGIN INSERT INTO log VALUES (NEW.id); END`,
	)
	c := load(t, db, sqlscan.SQLite)
	wantWrites(t, c, "shared", "child", "log", "shared")
	wantReads(t, c, "child", "child")
	wantRefused(t, c, "scratch", "temporary")
	wantRefused(t, c, "hidden", "temporary")
	wantRefused(t, c.Declare(map[string][]string{"scratch": nil}), "scratch", "temporary")
}

func TestSQLiteIdentity(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "real.sqlite")
	a := load(t, openSQLite(t, path, `CREATE TABLE a(id INT)`), sqlscan.SQLite).Identity()
	link := filepath.Join(dir, "link.sqlite")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if a == "" || !filepath.IsAbs(a[len("sqlite:"):]) {
		t.Errorf("identity %q is not a path", a)
	}
	if b := load(t, openSQLite(t, link), sqlscan.SQLite).Identity(); a != b {
		t.Errorf("by a link the identity is %q, not %q", b, a)
	}
	if b := load(t, openSQLite(t, "file:"+path+"?mode=ro"), sqlscan.SQLite).Identity(); a != b {
		t.Errorf("by a URI the identity is %q, not %q", b, a)
	}
	for _, dsn := range []string{":memory:", "file::memory:?cache=shared", "file:x?mode=memory&cache=shared", "file:/m?vfs=memdb", ""} {
		if id := load(t, openSQLite(t, dsn), sqlscan.SQLite).Identity(); id != "" {
			t.Errorf("%q in memory has the identity %q", dsn, id)
		}
	}
}

// An attached file may be the main one of another pool, whose writes would not
// be known to change this pool's tables.
func TestSQLiteIdentityWithAttachedFile(t *testing.T) {
	dir := t.TempDir()
	db := openSQLite(t, filepath.Join(dir, "main.sqlite"), `CREATE TABLE a(id INT)`)
	db.SetMaxOpenConns(1)
	exec(t, db, `CREATE TEMP TABLE scratch(id INT)`, `ATTACH ':memory:' AS m`)
	if load(t, db, sqlscan.SQLite).Identity() == "" {
		t.Error("tables in memory take the identity away")
	}
	exec(t, db, `ATTACH '`+filepath.Join(dir, "other.sqlite")+`' AS other`, `CREATE TABLE other.b(id INT)`)
	if id := load(t, db, sqlscan.SQLite).Identity(); id != "" {
		t.Errorf("with an attached file the identity is %q", id)
	}
}

func TestSQLiteReadUncommitted(t *testing.T) {
	db := openSQLite(t, "file:dirty?mode=memory&cache=shared")
	db.SetMaxOpenConns(1)
	exec(t, db, `PRAGMA read_uncommitted = 1`)
	if !load(t, db, sqlscan.SQLite).ReadUncommitted() {
		t.Error("PRAGMA read_uncommitted is not seen")
	}
}

// Load on a pool of one connection must neither deadlock nor leave rows open.
func TestLoadLeavesNothingOpen(t *testing.T) {
	db := sqliteFile(t, `CREATE TABLE a(id INT)`)
	db.SetMaxOpenConns(1)
	for range 3 {
		load(t, db, sqlscan.SQLite)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Load(ctx, db, sqlscan.SQLite, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d connections are still in use", n)
	}
	if _, err := Load(context.Background(), db, sqlscan.Unknown, nil); !errors.Is(err, ErrDialect) {
		t.Errorf("unknown dialect: %v", err)
	}
	if _, err := Load(context.Background(), nil, sqlscan.SQLite, nil); err == nil {
		t.Error("a nil pool loads")
	}
}
