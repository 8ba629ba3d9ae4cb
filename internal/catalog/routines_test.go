package catalog

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// scanned tells how a statement is judged with the routines of a catalog.
func scanned(c *Catalog, d sqlscan.Dialect, text string) *sqlscan.Result {
	return sqlscan.Scan(d, text, &sqlscan.Options{Routines: c.Routines()})
}

func TestPostgresRoutines(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db,
		`CREATE TABLE x(id int)`, `CREATE TABLE y(id int)`, `CREATE SCHEMA aux`,
		`CREATE FUNCTION area(i int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM y'`,
		`CREATE FUNCTION aux."Slope"(i int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT i'`,
		`CREATE AGGREGATE mode(int) (SFUNC = int4pl, STYPE = int)`,
		`CREATE PROCEDURE width(i int) LANGUAGE sql AS 'INSERT INTO y VALUES (i)'`,
		`CREATE VIEW v AS SELECT area(id) FROM x`,
		`CREATE EXTENSION "uuid-ossp"`, `CREATE EXTENSION unaccent`, `CREATE EXTENSION tablefunc`,
	)
	c := load(t, db, sqlscan.Postgres)
	for _, name := range []string{"area", "slope", "mode", "width", "normal_rand"} {
		if !c.Routines()[name] || !c.Declare(map[string][]string{"x": nil}).Routines()[name] {
			t.Errorf("%s is not listed", name)
		}
	}
	for _, name := range []string{"lower", "count", "uuid_generate_v4", "unaccent"} {
		if c.Routines()[name] {
			t.Errorf("%s is listed", name)
		}
	}
	if r := scanned(c, sqlscan.Postgres, `SELECT area(id) FROM x`); r.Impure == "" || !r.WritesAll {
		t.Errorf("%+v", r)
	}
	if r := scanned(c, sqlscan.Postgres, `INSERT INTO x SELECT 1 WHERE uuid_generate_v4() IS NOT NULL`); r.WritesAll {
		t.Errorf("%+v", r)
	}
	wantRefused(t, c, "v", "area")
}

func TestMySQLRoutines(t *testing.T) {
	db, config := mysqlDatabase(t)
	user := randomName(t)
	exec(t, db,
		`CREATE TABLE zk_x(id int)`, `CREATE TABLE zk_y(id int)`,
		`CREATE FUNCTION any_value(i INT) RETURNS int READS SQL DATA RETURN (SELECT count(*) FROM zk_y)`,
		`CREATE FUNCTION Uuid_To_Bin(i INT) RETURNS int BEGIN INSERT INTO zk_y VALUES (i); RETURN i; END`,
		`CREATE VIEW zk_v AS SELECT any_value(id) AS n FROM zk_x`,
		`CREATE TRIGGER zk_t AFTER INSERT ON zk_x FOR EACH ROW SET @n = uuid_to_bin(NEW.id)`,
		`CREATE USER `+user+`@'%'`,
		`GRANT ALL ON `+config.DBName+`.* TO `+user+`@'%'`,
	)
	t.Cleanup(func() { exec(t, db, `DROP USER `+user+`@'%'`) })
	poor := config.Clone()
	poor.User, poor.Passwd = user, ""
	pdb := openMySQL(t, poor)
	defer pdb.Close()
	for _, pool := range []*sql.DB{db, pdb} { // the second may not read mysql.func
		c := load(t, pool, sqlscan.MySQL)
		for _, text := range []string{`SELECT any_value(id) FROM zk_x`, "SELECT `UUID_TO_BIN`(1)"} {
			if r := scanned(c, sqlscan.MySQL, text); r.Impure == "" || !r.WritesAll {
				t.Errorf("%s: %+v", text, r)
			}
		}
		if r := scanned(c, sqlscan.MySQL, `SELECT lower(id), bin_to_uuid(id) FROM zk_x`); r.Impure != "" {
			t.Errorf("%+v", r)
		}
		wantRefused(t, c, "zk_v", "any_value")
	}
	wantWrites(t, load(t, db, sqlscan.MySQL), "zk_x", "zk_x", "zk_y")
	wantAll(t, load(t, pdb, sqlscan.MySQL), "zk_x", "cannot be seen")
}

func TestRoutinesOfOthers(t *testing.T) {
	db := sql.OpenDB(recorded{
		"SERVERPROPERTY": {{"SHOP\\A", "shop", "dbo", int64(2)}},
		"sys.objects o": {
			object("Difference", "AF", nil, nil, nil, 0, 0, 0, 1),
			object("String_Split", "IF", "CREATE FUNCTION …", nil, nil, 0, 0, 0, 1),
			object("v", "V", "CREATE VIEW v AS SELECT * FROM string_split('a', ',')", nil, nil, 0, 0, 0, 1),
			object("x", "U", nil, nil, nil, 0, 0, 0, 1),
		},
		"sys.foreign_keys": {}, "sys.triggers": {},
	})
	defer db.Close()
	c := load(t, db, sqlscan.SQLServer)
	if got := strings.Join(sorted(c.Routines()), " "); got != "difference string_split" {
		t.Errorf("routines %s", got)
	}
	if got := strings.Join(c.Tables(), " "); got != "x" {
		t.Errorf("tables %s", got)
	}
	wantRefused(t, c, "v", "string_split")
	if n := len(load(t, sqliteFile(t, `CREATE TABLE a(id INT)`), sqlscan.SQLite).Routines()); n != 0 {
		t.Errorf("SQLite has %d routines", n)
	}
}
