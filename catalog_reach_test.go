package querycache_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// newCatalogWorld makes a database by SQL alone, with a read of each name.
func newCatalogWorld(t *testing.T, d *testdb.Database, names []string, setup ...string) *world {
	t.Helper()
	w := &world{T: t, dialect: d.Dialect, data: d, plugin: querycache.New(querycache.Config{})}
	w.plain = d.Open(t, testdb.Options{Postgres: unprepared})
	for _, s := range setup {
		w.must(w.plain.Exec(s).Error)
	}
	w.db = d.Open(t, testdb.Options{Plugins: []gorm.Plugin{w.plugin}, Postgres: unprepared})
	for _, n := range names {
		w.readOf(n)
	}
	return w
}

// unprepared makes pgx prepare nothing: what it had prepared would fail once the
// schema has changed.
func unprepared(c *pgx.ConnConfig) { c.DefaultQueryExecMode = pgx.QueryExecModeExec }

// readOf adds a read of a table or view, which depends on itself.
func (w *world) readOf(name string) {
	w.reads = append(w.reads, wRead{name, []string{name}, func(db *gorm.DB) (any, error) {
		return scanned(db, "SELECT * FROM "+name+" ORDER BY 1, 2")
	}})
}

func sqlWrite(name, dialects string, text string, tables ...string) wWrite {
	return wWrite{name, dialects, tables, func(db *gorm.DB) error { return db.Exec(text).Error }}
}

// Foreign keys with actions reach as far as the database follows them, and no
// further; views show what lies behind them.
func TestCascadesReachReads(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		setup := []string{
			"CREATE TABLE k_a (id int PRIMARY KEY, n int)",
			"CREATE TABLE k_b (id int PRIMARY KEY, a_id int, FOREIGN KEY (a_id) REFERENCES k_a (id) ON DELETE CASCADE ON UPDATE CASCADE)",
			"CREATE TABLE k_c (id int PRIMARY KEY, b_id int, FOREIGN KEY (b_id) REFERENCES k_b (id) ON DELETE SET NULL)",
			"CREATE TABLE k_d (id int PRIMARY KEY, a_id int, FOREIGN KEY (a_id) REFERENCES k_a (id) ON UPDATE SET NULL ON DELETE SET NULL)",
			"CREATE TABLE k_e (id int PRIMARY KEY, a_id int, FOREIGN KEY (a_id) REFERENCES k_a (id))",
			"CREATE TABLE k_self (id int PRIMARY KEY, up int, FOREIGN KEY (up) REFERENCES k_self (id) ON DELETE CASCADE)",
			"CREATE TABLE k_free (id int PRIMARY KEY, n int)",
			"CREATE VIEW k_v AS SELECT c.id, b.a_id FROM k_c c LEFT JOIN k_b b ON b.id = c.b_id",
			"CREATE VIEW k_vv AS SELECT id, a_id FROM k_v WHERE id > 0",
			"INSERT INTO k_a VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
			"INSERT INTO k_b VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
			"INSERT INTO k_c VALUES (1, 1), (2, 2), (3, 3), (4, 4)",
			"INSERT INTO k_d VALUES (1, 1), (2, 2), (3, 3)",
			"INSERT INTO k_self VALUES (1, NULL), (2, 1), (3, 2)",
			"INSERT INTO k_free VALUES (1, 1)",
		}
		w := newCatalogWorld(t, d, []string{"k_a", "k_b", "k_c", "k_d", "k_e", "k_self", "k_free", "k_v", "k_vv"}, setup...)
		below := []string{"k_a", "k_b", "k_c", "k_d", "k_v", "k_vv"}
		w.runWrites([]wWrite{
			sqlWrite("delete a parent", "", "DELETE FROM k_a WHERE id = 1", below...),
			sqlWrite("update a parent's key", "", "UPDATE k_a SET id = 22 WHERE id = 2", below...),
			{"delete a parent by a model", "", below, func(db *gorm.DB) error {
				return db.Table("k_a").Where("id = ?", 3).Delete(nil).Error
			}},
			{"delete a parent in a transaction", "", below, func(db *gorm.DB) error {
				return db.Transaction(func(tx *gorm.DB) error { return tx.Exec("DELETE FROM k_a WHERE id = 22").Error })
			}},
			sqlWrite("delete in the middle", "", "DELETE FROM k_b WHERE id = 4", "k_b", "k_c", "k_v", "k_vv"),
			sqlWrite("write a child", "", "UPDATE k_d SET a_id = NULL; INSERT INTO k_d VALUES (50, NULL)", "k_d"),
			sqlWrite("delete from a table that refers to itself", "", "DELETE FROM k_self WHERE id = 1", "k_self"),
			sqlWrite("replace a parent", "sqlite mysql", "REPLACE INTO k_a VALUES (4, 44)", below...),
			sqlWrite("truncate with what refers to it", "postgres", "TRUNCATE k_a CASCADE", append([]string{"k_e", "k_self", "k_free"}, below...)...),
		})
	})
}

// triggerSetup are two triggers in a row: k_t1 writes k_t2, which writes k_t3.
func triggerSetup(d testdb.Dialect) []string {
	out := []string{
		"CREATE TABLE k_t1 (id int PRIMARY KEY, n int)", "CREATE TABLE k_t2 (id int, n int)", "CREATE TABLE k_t3 (id int, n int)",
		"CREATE TABLE k_free (id int PRIMARY KEY, n int)", "CREATE VIEW k_tv AS SELECT id, n FROM k_t1",
		"INSERT INTO k_free VALUES (1, 1)", "INSERT INTO k_t3 VALUES (1, 0)",
	}
	switch d {
	case testdb.SQLite:
		out = append(out,
			"CREATE TRIGGER k_one AFTER INSERT ON k_t1 BEGIN INSERT INTO k_t2 VALUES (new.id, new.n); END",
			"CREATE TRIGGER k_two AFTER INSERT ON k_t2 BEGIN UPDATE k_t3 SET n = n + 1; END",
			"CREATE TRIGGER k_instead INSTEAD OF UPDATE ON k_tv BEGIN UPDATE k_t3 SET n = new.n; END")
	case testdb.MySQL:
		out = append(out,
			"CREATE TRIGGER k_one AFTER INSERT ON k_t1 FOR EACH ROW INSERT INTO k_t2 VALUES (new.id, new.n)",
			"CREATE TRIGGER k_two AFTER INSERT ON k_t2 FOR EACH ROW UPDATE k_t3 SET n = n + 1")
	case testdb.Postgres:
		out = append(out,
			"CREATE FUNCTION k_f1() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO k_t2 VALUES (new.id, new.n); RETURN new; END $$",
			"CREATE FUNCTION k_f2() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE k_t3 SET n = n + 1; RETURN new; END $$",
			"CREATE FUNCTION k_f3() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE k_t3 SET n = new.n; RETURN new; END $$",
			"CREATE TRIGGER k_one AFTER INSERT ON k_t1 FOR EACH ROW EXECUTE FUNCTION k_f1()",
			"CREATE TRIGGER k_two AFTER INSERT ON k_t2 FOR EACH ROW EXECUTE FUNCTION k_f2()",
			"CREATE TRIGGER k_instead INSTEAD OF UPDATE ON k_tv FOR EACH ROW EXECUTE FUNCTION k_f3()")
	}
	return out
}

// Triggers write further tables, whose triggers write further ones.
func TestTriggersReachReads(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newCatalogWorld(t, d, []string{"k_t1", "k_t2", "k_t3", "k_tv", "k_free"}, triggerSetup(d.Dialect)...)
		w.runWrites([]wWrite{
			sqlWrite("a chain", "", "INSERT INTO k_t1 VALUES (1, 10)", "k_t1", "k_t2", "k_t3", "k_tv"),
			{"a chain in a transaction", "", []string{"k_t1", "k_t2", "k_t3", "k_tv"}, func(db *gorm.DB) error {
				return db.Transaction(func(tx *gorm.DB) error {
					return tx.Table("k_t1").Create(map[string]any{"id": 2, "n": 20}).Error
				})
			}},
			sqlWrite("in place of a write to a view", "sqlite postgres", "UPDATE k_tv SET n = 77 WHERE id = 1", "k_t1", "k_t2", "k_t3", "k_tv"),
			sqlWrite("through a view without one", "mysql", "UPDATE k_tv SET n = 77 WHERE id = 1", "k_t1", "k_t2", "k_t3", "k_tv"),
			sqlWrite("a table without", "", "INSERT INTO k_t3 VALUES (9, 9)", "k_t3"),
		})
	})
}

// What raw SQL adds to the schema after db.Use counts from then on.
func TestSchemaChangedAfterUse(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newCatalogWorld(t, d, []string{"k_a", "k_free"},
			"CREATE TABLE k_a (id int PRIMARY KEY, n int)", "CREATE TABLE k_free (id int PRIMARY KEY, n int)",
			"INSERT INTO k_a VALUES (1, 1), (2, 2), (3, 3), (4, 4)", "INSERT INTO k_free VALUES (1, 1)")
		exec := func(text string) {
			t.Helper()
			w.must(w.db.Exec(text).Error)
		}
		w.warm()
		exec("CREATE TABLE k_kid (id int PRIMARY KEY, a_id int, FOREIGN KEY (a_id) REFERENCES k_a (id) ON DELETE CASCADE)")
		w.readOf("k_kid")
		exec("INSERT INTO k_kid VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
		w.warm()
		exec("DELETE FROM k_a WHERE id = 1")
		w.check("k_a", "k_kid")

		exec("CREATE VIEW k_late AS SELECT id, a_id FROM k_kid WHERE id > 1")
		w.readOf("k_late")
		w.warm()
		exec("DELETE FROM k_a WHERE id = 2")
		w.check("k_a", "k_kid", "k_late")

		exec("DROP VIEW k_late")
		exec("CREATE VIEW k_late AS SELECT id, n FROM k_free")
		w.warm()
		exec("UPDATE k_free SET n = 7")
		w.check("k_free", "k_late")

		trigger := map[testdb.Dialect][]string{
			testdb.SQLite: {"CREATE TRIGGER k_new AFTER DELETE ON k_kid BEGIN UPDATE k_free SET n = n + 1; END"},
			testdb.MySQL:  {"CREATE TRIGGER k_new AFTER INSERT ON k_kid FOR EACH ROW UPDATE k_free SET n = n + 1"},
			testdb.Postgres: {
				"CREATE FUNCTION k_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE k_free SET n = n + 1; RETURN old; END $$",
				"CREATE TRIGGER k_new AFTER DELETE ON k_kid FOR EACH ROW EXECUTE FUNCTION k_f()",
			},
		}
		for _, s := range trigger[d.Dialect] {
			exec(s)
		}
		w.warm()
		exec("INSERT INTO k_kid VALUES (8, 4)") // on MySQL, cascades fire no triggers
		exec("DELETE FROM k_a WHERE id = 3")
		w.check("k_a", "k_kid", "k_free", "k_late")

		exec("ALTER TABLE k_free ADD COLUMN extra int")
		w.agree("k_a", "k_kid", "k_free", "k_late")
		w.warm()
		exec("UPDATE k_free SET extra = 5")
		w.check("k_free", "k_late")
		exec("DROP TABLE k_kid")
		w.check("k_a", "k_kid", "k_free", "k_late")
	})
}

// DDL inside a transaction: what it adds counts when it commits, on servers
// that commit at once it counts at once, and nothing stays of a rollback.
func TestSchemaChangedInTransaction(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newCatalogWorld(t, d, []string{"k_a", "k_free"},
			"CREATE TABLE k_a (id int PRIMARY KEY, n int)", "CREATE TABLE k_free (id int PRIMARY KEY, n int)",
			"INSERT INTO k_a VALUES (1, 1), (2, 2), (3, 3)", "INSERT INTO k_free VALUES (1, 1)")
		w.warm()
		for _, commit := range []bool{false, true} {
			tx := w.db.Begin()
			w.must(tx.Exec("UPDATE k_free SET n = n + 1").Error)
			w.must(tx.Exec("CREATE TABLE k_kid (id int PRIMARY KEY, a_id int, FOREIGN KEY (a_id) REFERENCES k_a (id) ON DELETE CASCADE)").Error)
			w.agree("k_a", "k_free")
			w.must(tx.Exec("INSERT INTO k_kid VALUES (1, 1), (2, 2)").Error)
			if commit {
				w.must(tx.Commit().Error)
			} else {
				w.must(tx.Rollback().Error)
				w.agree("k_a", "k_free")
				w.must(w.db.Exec("DROP TABLE IF EXISTS k_kid").Error)
			}
		}
		w.readOf("k_kid")
		w.warm()
		w.must(w.db.Exec("DELETE FROM k_a WHERE id = 1").Error)
		w.check("k_a", "k_kid")
	})
}

// A temporary table hides another of its name on one connection; reads of the
// name say what that connection says, and are not cached.
func TestTemporaryTables(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		plain := d.Open(t, testdb.Options{})
		for _, s := range []string{"CREATE TABLE k_a (id int PRIMARY KEY, n int)", "INSERT INTO k_a VALUES (1, 1)"} {
			if err := plain.Exec(s).Error; err != nil {
				t.Fatal(err)
			}
		}
		db := d.Open(t, testdb.Options{MaxOpenConns: 1, Plugins: []gorm.Plugin{querycache.New(querycache.Config{})}})
		see := func(want string) {
			t.Helper()
			for range 2 {
				v, err := scanned(db.DB, "SELECT n FROM k_a ORDER BY n")
				if got := fmt.Sprint(v, err); !strings.Contains(got, want) {
					t.Errorf("%s, not %s", got, want)
				}
			}
		}
		run := func(text string) {
			t.Helper()
			if err := db.Exec(text).Error; err != nil {
				t.Fatal(err)
			}
		}
		see("[map[n:1]] <nil>")
		run("CREATE TEMPORARY TABLE k_a (id int, n int)")
		see("[] <nil>")
		run("INSERT INTO k_a VALUES (1, 5)")
		see("[map[n:5]] <nil>")
		run("CREATE TEMPORARY TABLE k_only (id int, n int)")
		run("INSERT INTO k_only VALUES (1, 5)")
		for range 2 {
			if v, err := scanned(db.DB, "SELECT n FROM k_only"); err != nil || !strings.Contains(fmt.Sprint(v), "5") {
				t.Error(v, err)
			}
			run("UPDATE k_only SET n = 55")
		}
		run("DROP TABLE " + map[testdb.Dialect]string{testdb.SQLite: "temp.k_a", testdb.Postgres: "pg_temp.k_a", testdb.MySQL: "k_a"}[d.Dialect])
		see("[map[n:1]] <nil>")
	})
}
