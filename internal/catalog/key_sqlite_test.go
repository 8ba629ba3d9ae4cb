package catalog

import (
	"path/filepath"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

func TestSQLiteKeys(t *testing.T) {
	db := sqliteFile(t,
		`CREATE TABLE Users(Id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE)`,
		`CREATE TABLE bigs("ID" bigint, n INT, PRIMARY KEY (id))`,
		`CREATE TABLE names(name VARCHAR(20) PRIMARY KEY, n INT) WITHOUT ROWID`,
		`CREATE TABLE members(user INT, club TEXT, n INT COLLATE NOCASE, PRIMARY KEY (user))`,
		`CREATE TABLE pairs(b INT, a TEXT, n INT, PRIMARY KEY (a, b))`,
		`CREATE TABLE strict_one(id TEXT PRIMARY KEY, n INT) STRICT`,
		`CREATE TABLE computed(id INTEGER PRIMARY KEY, n INT, m INT AS (n + 1), s INT AS (n) STORED)`,
		`CREATE TABLE child(id INTEGER PRIMARY KEY, user INT REFERENCES users ON DELETE CASCADE)`,
		`CREATE TABLE tree(id INTEGER PRIMARY KEY, parent INT REFERENCES tree)`,
		`CREATE TABLE strict_tree(id INTEGER PRIMARY KEY, parent INT REFERENCES strict_tree ON DELETE RESTRICT ON UPDATE NO ACTION)`,
		`CREATE VIEW seen AS SELECT * FROM users`,
		`CREATE TABLE added(id INTEGER PRIMARY KEY)`, `ALTER TABLE added ADD COLUMN n INT`,

		`CREATE TABLE no_key(id INT)`,
		`CREATE TABLE uuids(id uuid PRIMARY KEY)`, `CREATE TABLE reals(id REAL PRIMARY KEY)`,
		`CREATE TABLE blobs(id BLOB PRIMARY KEY)`, `CREATE TABLE untyped(id PRIMARY KEY)`,
		`CREATE TABLE strings(id STRING PRIMARY KEY)`, `CREATE TABLE decimals(id DECIMAL(10,2) PRIMARY KEY)`,
		"CREATE TABLE strange(id \u0130NT PRIMARY KEY)",
		"CREATE TABLE kelvin(k INTEGER PRIMARY KEY, \"\u212a\" INT)",
		`CREATE TABLE half(a INT, b REAL, PRIMARY KEY (a, b))`,
		`CREATE TABLE any_one(id ANY PRIMARY KEY) STRICT`,
		`CREATE TABLE nocase(id TEXT PRIMARY KEY COLLATE NOCASE)`,
		`CREATE TABLE nocase_key(id TEXT, PRIMARY KEY (id /* */ collate rtrim))`,
		`CREATE TABLE replacing(id INTEGER PRIMARY KEY, email TEXT UNIQUE ON CONFLICT REPLACE)`,
		`CREATE TABLE ignoring(id INTEGER PRIMARY KEY, email TEXT, UNIQUE (email) ON/**/CONFLICT
			IGNORE)`,
		`CREATE TABLE keyed_conflict(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, n INT)`,
		`CREATE TABLE self_delete(id INTEGER PRIMARY KEY, parent INT REFERENCES self_delete ON DELETE CASCADE)`,
		`CREATE TABLE self_null(id INTEGER PRIMARY KEY, parent INT REFERENCES Self_Null(id) ON DELETE SET NULL)`,
		`CREATE TABLE self_update(id INTEGER PRIMARY KEY, parent INT REFERENCES self_update ON UPDATE CASCADE)`,
		`CREATE TABLE self_default(id INTEGER PRIMARY KEY, parent INT DEFAULT 1 REFERENCES self_default ON DELETE SET DEFAULT)`,
		`CREATE TABLE hen(id INTEGER PRIMARY KEY, egg INT REFERENCES egg ON DELETE CASCADE)`,
		`CREATE TABLE egg(id INTEGER PRIMARY KEY, hen INT REFERENCES hen ON DELETE CASCADE)`,
		`CREATE TABLE coop(id INTEGER PRIMARY KEY)`,
		`CREATE TABLE fired(id INTEGER PRIMARY KEY, n INT)`,
		`CREATE TRIGGER g BEFORE INSERT ON fired BEGIN SELECT 1; END`,
		`CREATE VIRTUAL TABLE boxes USING rtree(id, minx, maxx)`,
		`CREATE VIRTUAL TABLE found USING fts4(body)`,
	)
	c := load(t, db, sqlscan.SQLite)
	wantKeys(t, c,
		"USERS", "id integer", "bigs", "id integer", "names", "name text", "members", "user integer",
		"pairs", "a text, b integer", "strict_one", "id text", "computed", "id integer", "child", "id integer",
		"tree", "id integer", "strict_tree", "id integer", "added", "id integer", "coop", "id integer",
		"seen", "", "no_key", "", "uuids", "", "reals", "", "blobs", "", "untyped", "", "strings", "", "decimals", "",
		"strange", "", "kelvin", "", "half", "", "any_one", "", "nocase", "", "nocase_key", "",
		"replacing", "", "ignoring", "", "keyed_conflict", "",
		"self_delete", "", "self_null", "", "self_update", "", "self_default", "", "hen", "", "egg", "",
		"fired", "", "boxes", "", "boxes_rowid", "", "found", "", "found_content", "", "sqlite_sequence", "", "sqlite_master", "",
	)
	d := c.Declare(map[string][]string{"child": {"users"}, "coop": {"hen"}})
	wantKeys(t, d, "users", "", "child", "", "coop", "id integer", "pairs", "a text, b integer", "hen", "")
}

// A chain of triggers that leads back to a table without one.
func TestSQLiteKeyOfATableThatTriggersReach(t *testing.T) {
	db := sqliteFile(t,
		`CREATE TABLE a(id INTEGER PRIMARY KEY, n INT)`,
		`CREATE TABLE b(id INTEGER PRIMARY KEY, a INT REFERENCES a ON DELETE CASCADE)`,
		`CREATE TABLE c(id INTEGER PRIMARY KEY, a INT REFERENCES a ON DELETE CASCADE)`,
		`CREATE TABLE log(id INTEGER PRIMARY KEY)`,
		`CREATE VIEW v AS SELECT * FROM a`,
		`CREATE TRIGGER g1 INSTEAD OF UPDATE ON v BEGIN UPDATE a SET n = n + 1; END`,
		`CREATE TRIGGER g2 AFTER DELETE ON b BEGIN UPDATE v SET n = 1; END`,
		`CREATE TRIGGER g3 AFTER DELETE ON c BEGIN INSERT INTO log VALUES (OLD.id); END`,
	)
	wantKeys(t, load(t, db, sqlscan.SQLite), "a", "", "b", "", "c", "", "log", "id integer")
	exec(t, db, `DROP TRIGGER g2`)
	wantKeys(t, load(t, db, sqlscan.SQLite), "a", "id integer", "b", "id integer")
}

func TestSQLiteKeysOfAttachedAndTemporary(t *testing.T) {
	db := openSQLite(t, filepath.Join(t.TempDir(), "main.sqlite"))
	db.SetMaxOpenConns(1)
	exec(t, db,
		`ATTACH ':memory:' AS "oth'er"`,
		`CREATE TABLE same(id INTEGER PRIMARY KEY, n INT)`, `CREATE TABLE "oth'er".Same(ID int, x TEXT, PRIMARY KEY (ID))`,
		`CREATE TABLE other_class(id INTEGER PRIMARY KEY)`, `CREATE TABLE "oth'er".other_class(id TEXT PRIMARY KEY)`,
		`CREATE TABLE keyless(id INTEGER PRIMARY KEY)`, `CREATE TABLE "oth'er".keyless(id INTEGER)`,
		`CREATE TABLE shadowed(id INTEGER PRIMARY KEY)`, `CREATE TEMP TABLE shadowed(id INTEGER PRIMARY KEY)`,
		`CREATE TABLE spied(id INTEGER PRIMARY KEY)`,
		`CREATE TEMP TRIGGER spy AFTER INSERT ON main.spied BEGIN SELECT 1; END`,
		`CREATE TABLE "oth'er".far(id TEXT PRIMARY KEY)`,
	)
	wantKeys(t, load(t, db, sqlscan.SQLite),
		"same", "id integer", "other_class", "", "keyless", "", "shadowed", "", "spied", "", "far", "id text")
}

// The columns of a virtual table whose module is not there cannot be asked for.
func TestSQLiteKeysBesideAMissingModule(t *testing.T) {
	db := sqliteFile(t, `CREATE TABLE a(id INTEGER PRIMARY KEY)`)
	db.SetMaxOpenConns(1)
	exec(t, db, `PRAGMA writable_schema = 1`,
		`INSERT INTO sqlite_master VALUES ('table', 'ghost', 'ghost', 0, 'CREATE VIRTUAL TABLE ghost USING nowhere(x)')`,
		`PRAGMA writable_schema = RESET`)
	c := load(t, db, sqlscan.SQLite)
	wantKeys(t, c, "a", "id integer", "ghost", "")
	wantRefused(t, c, "ghost", "module nowhere")
}
