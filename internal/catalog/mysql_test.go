package catalog

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

func openMySQL(t testing.TB, config *mysql.Config) *sql.DB {
	t.Helper()
	connector, err := mysql.NewConnector(config)
	if err != nil {
		t.Fatal(err)
	}
	return sql.OpenDB(connector)
}

// A catalog of MySQL spans all schemas of the server, so the tables of these
// tests have names that no other test uses.

// mysqlDatabase makes a schema of its own and drops it after the test.
func mysqlDatabase(t testing.TB) (db *sql.DB, config *mysql.Config) {
	t.Helper()
	config, err := mysql.ParseDSN(needDSN(t, "QUERYCACHE_MYSQL_DSN", "mysql"))
	if err != nil {
		t.Fatal(err)
	}
	admin := openMySQL(t, config)
	name := randomName(t)
	exec(t, admin, `CREATE DATABASE `+name)
	config = config.Clone()
	config.DBName = name
	db = openMySQL(t, config)
	t.Cleanup(func() {
		db.Close()
		exec(t, admin, `DROP DATABASE `+name)
		admin.Close()
	})
	return db, config
}

func TestMySQLReach(t *testing.T) {
	db, _ := mysqlDatabase(t)
	exec(t, db,
		`CREATE TABLE zk_customers(id int PRIMARY KEY, name varchar(20))`,
		`CREATE TABLE zk_orders(id int PRIMARY KEY, customer_id int, total int, FOREIGN KEY (customer_id) REFERENCES zk_customers(id) ON DELETE CASCADE)`,
		`CREATE TABLE zk_order_lines(id int PRIMARY KEY, order_id int, FOREIGN KEY (order_id) REFERENCES zk_orders(id) ON DELETE SET NULL ON UPDATE CASCADE)`,
		`CREATE TABLE zk_strict_child(id int PRIMARY KEY, customer_id int, FOREIGN KEY (customer_id) REFERENCES zk_customers(id))`,
		`CREATE TABLE zk_audit(id int AUTO_INCREMENT PRIMARY KEY, what varchar(50)) ENGINE=MyISAM`,
		`CREATE TABLE zk_counters(name varchar(20) PRIMARY KEY, n int)`,
		`CREATE TABLE zk_seen(id int)`,
		`INSERT INTO zk_counters VALUES ('audit', 0)`,
		`CREATE FUNCTION zk_bump(who varchar(20)) RETURNS int BEGIN
			INSERT INTO zk_counters VALUES (who, 1) ON DUPLICATE KEY UPDATE n = n + 1; RETURN 1; END`,
		`CREATE PROCEDURE zk_note(x int) BEGIN DECLARE i int DEFAULT 0; WHILE i < 1 DO UPDATE zk_seen SET id = x; SET i = i + 1; END WHILE; END`,
		`CREATE TRIGGER t1 AFTER UPDATE ON zk_orders FOR EACH ROW BEGIN
			IF NEW.total <> OLD.total THEN INSERT INTO zk_audit(what) VALUES (CONCAT('was ', OLD.total)); END IF; CALL zk_note(NEW.id); END`,
		`CREATE TRIGGER t2 BEFORE INSERT ON zk_audit FOR EACH ROW SET NEW.what = CONCAT(NEW.what, zk_bump('audit'))`,
		`CREATE VIEW zk_big AS SELECT o.id, o.total, c.name FROM zk_orders o JOIN zk_customers c ON c.id = o.customer_id WHERE o.total > 10`,
		`CREATE VIEW zk_bigger AS SELECT * FROM zk_big WHERE total > 100`,
		`CREATE VIEW zk_totals AS SELECT id, total FROM zk_orders`,
		`INSERT INTO zk_seen VALUES (0)`,
		`INSERT INTO zk_customers VALUES (1, 'a'), (2, 'b'), (3, 'c')`,
		`INSERT INTO zk_orders VALUES (1, 1, 500), (2, 2, 20), (3, 3, 5)`,
		`INSERT INTO zk_order_lines VALUES (1, 1), (2, 2), (3, 3)`,
	)
	checkReach(t, db, sqlscan.MySQL,
		[]string{"zk_customers", "zk_orders", "zk_order_lines", "zk_audit", "zk_counters", "zk_seen", "zk_strict_child", "zk_big", "zk_bigger", "zk_totals"},
		[]reach{
			{sql: `UPDATE zk_customers SET name = 'x' WHERE id = 1`, tables: []string{"zk_customers"}},
			{sql: `UPDATE zk_totals SET total = 501 WHERE id = 1`, tables: []string{"zk_totals"}},
			{sql: `UPDATE zk_orders SET id = 20 WHERE id = 2`, tables: []string{"zk_orders"}},
			{sql: `DELETE FROM zk_customers WHERE id = 2`, tables: []string{"zk_customers"}},
			{sql: `REPLACE INTO zk_customers VALUES (3, 'again')`, tables: []string{"zk_customers"}},
			{sql: `INSERT INTO zk_audit(what) VALUES ('by hand')`, tables: []string{"zk_audit"}},
		})
	c := load(t, db, sqlscan.MySQL)
	wantReads(t, c, "zk_bigger", "zk_big", "zk_bigger", "zk_customers", "zk_orders")
	wantWrites(t, c, "zk_customers", "zk_audit", "zk_counters", "zk_customers", "zk_order_lines", "zk_orders", "zk_seen")
	wantWrites(t, c, "zk_strict_child", "zk_strict_child")
	if !c.NonTransactional("zk_audit") || c.NonTransactional("zk_orders") || c.NonTransactional("nowhere") {
		t.Error("MyISAM tables, and those alone, keep what is rolled back")
	}
}

func TestMySQLRefusals(t *testing.T) {
	db, _ := mysqlDatabase(t)
	exec(t, db,
		`CREATE TABLE zk_a(id int PRIMARY KEY)`, `CREATE TABLE zk_b(id int PRIMARY KEY)`,
		`CREATE TABLE zk_m1(id int) ENGINE=MyISAM`, `CREATE TABLE zk_m2(id int) ENGINE=MEMORY`,
		`CREATE TABLE zk_merged(id int) ENGINE=MERGE UNION=(zk_m1) INSERT_METHOD=LAST`,
		`CREATE VIEW zk_dice AS SELECT rand() AS r FROM zk_a`,
		`CREATE TRIGGER t AFTER INSERT ON zk_a FOR EACH ROW CALL nowhere()`,
	)
	db.SetMaxOpenConns(1)
	exec(t, db, `SET SESSION sql_mode = 'ANSI_QUOTES'`,
		`CREATE TRIGGER t2 AFTER INSERT ON zk_b FOR EACH ROW INSERT INTO "zk_m1" VALUES (1)`)
	c := load(t, db, sqlscan.MySQL)
	wantRefused(t, c, "zk_merged", "engine")
	wantAll(t, c, "zk_merged", "engine")
	wantRefused(t, c, "zk_dice", "not pure")
	wantAll(t, c, "zk_a", "nowhere")
	wantAll(t, c, "zk_b", "SQL mode")
	if !c.NonTransactional("zk_m1") || !c.NonTransactional("zk_m2") {
		t.Error("MyISAM and MEMORY keep what is rolled back")
	}
}

func TestMySQLSessionAndIdentity(t *testing.T) {
	db, config := mysqlDatabase(t)
	db.SetMaxOpenConns(1)
	exec(t, db, `CREATE TABLE a(id int)`, `SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED`)
	c := load(t, db, sqlscan.MySQL)
	if !c.ReadUncommitted() {
		t.Error("READ UNCOMMITTED is not seen")
	}
	other := config.Clone()
	other.DBName = "information_schema"
	odb := openMySQL(t, other)
	defer odb.Close()
	o := load(t, odb, sqlscan.MySQL)
	if o.ReadUncommitted() {
		t.Error("the default isolation is not READ UNCOMMITTED")
	}
	if c.Identity() == "" || c.Identity() != o.Identity() {
		t.Errorf("identities %q and %q of one server", c.Identity(), o.Identity())
	}
	if c.Scope() != config.DBName || o.Scope() == c.Scope() {
		t.Errorf("scopes %q and %q", c.Scope(), o.Scope())
	}
}

// Triggers, keys and definitions are hidden from roles with few privileges.
// Without autocommit a connection reads from the snapshot of a transaction that
// an earlier statement of somebody else's began, so what it reads may be older
// than a write that has returned.
func TestMySQLWithoutAutocommit(t *testing.T) {
	_, config := mysqlDatabase(t)
	config = config.Clone()
	config.Params = map[string]string{"autocommit": "0"}
	db := openMySQL(t, config)
	defer db.Close()
	c := load(t, db, sqlscan.MySQL)
	if !c.ReadUncommitted() {
		t.Fatal("a pool without autocommit may be cached")
	}
}

func TestMySQLPoorRole(t *testing.T) {
	db, config := mysqlDatabase(t)
	schema, user := config.DBName, randomName(t)
	exec(t, db,
		`CREATE TABLE p(id int PRIMARY KEY)`,
		`CREATE TABLE c(id int PRIMARY KEY, pid int, FOREIGN KEY (pid) REFERENCES p(id) ON DELETE CASCADE)`,
		`CREATE TABLE log(id int)`,
		`CREATE TRIGGER t AFTER INSERT ON p FOR EACH ROW INSERT INTO log VALUES (NEW.id)`,
		`CREATE VIEW v AS SELECT * FROM p`,
		`CREATE USER `+user+`@'%'`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON `+schema+`.p TO `+user+`@'%'`,
		`GRANT SELECT ON `+schema+`.c TO `+user+`@'%'`,
		`GRANT SELECT, INSERT ON `+schema+`.v TO `+user+`@'%'`,
	)
	t.Cleanup(func() { exec(t, db, `DROP USER `+user+`@'%'`) })
	poor := config.Clone()
	poor.User, poor.Passwd = user, ""
	pdb := openMySQL(t, poor)
	defer func() { pdb.Close() }() // the variable is assigned anew below

	c := load(t, pdb, sqlscan.MySQL)
	wantReads(t, c, "p", "p")
	wantRefused(t, c, "v", "cannot be seen")
	wantRefused(t, c, "log", "not a known table")
	wantAll(t, c, "v", "cannot be seen")
	wantAll(t, c, "p", "TRIGGER")
	wantReads(t, c.Declare(map[string][]string{"p": {"v"}}), "v", "v")

	exec(t, db, `GRANT TRIGGER ON `+schema+`.p TO `+user+`@'%'`)
	wantAll(t, load(t, pdb, sqlscan.MySQL), "p", "log")
	exec(t, db, `GRANT SELECT ON `+schema+`.log TO `+user+`@'%'`)
	wantAll(t, load(t, pdb, sqlscan.MySQL), "p", "foreign keys of")
	exec(t, db, `GRANT TRIGGER, SHOW VIEW ON `+"`"+strings.ReplaceAll(schema, "_", `\_`)+"`"+`.* TO `+user+`@'%'`)
	pdb.Close()
	pdb = openMySQL(t, poor) // privileges on a schema are read at the next USE
	c = load(t, pdb, sqlscan.MySQL)
	wantWrites(t, c, "p", "c", "log", "p")
	wantReads(t, c, "v", "p", "v")
}

// A foreign key whose parent cannot be seen: what else reaches that parent
// cannot be seen either.
func TestMySQLHiddenParent(t *testing.T) {
	db, config := mysqlDatabase(t)
	schema, user := config.DBName, randomName(t)
	exec(t, db,
		`CREATE TABLE first_one(id int PRIMARY KEY)`,
		`CREATE TABLE middle(id int PRIMARY KEY, FOREIGN KEY (id) REFERENCES first_one(id) ON DELETE CASCADE)`,
		`CREATE TABLE last_one(id int PRIMARY KEY, FOREIGN KEY (id) REFERENCES middle(id) ON DELETE CASCADE)`,
		`CREATE USER `+user+`@'%'`,
		`GRANT ALL ON `+schema+`.first_one TO `+user+`@'%'`,
		`GRANT ALL ON `+schema+`.last_one TO `+user+`@'%'`,
	)
	t.Cleanup(func() { exec(t, db, `DROP USER `+user+`@'%'`) })
	poor := config.Clone()
	poor.User, poor.Passwd = user, ""
	pdb := openMySQL(t, poor)
	defer pdb.Close()
	c := load(t, pdb, sqlscan.MySQL)
	wantAll(t, c, "first_one", "middle")
	wantReads(t, c, "last_one", "last_one")
}

// A virtual column is computed by each read.
func TestMariaDBVirtualColumns(t *testing.T) {
	db, _ := mysqlDatabase(t)
	needMariaDB(t, db)
	exec(t, db,
		`CREATE TABLE zk_ages(id int, born int, age bigint AS (unix_timestamp() - born) VIRTUAL)`,
		`CREATE TABLE zk_moments(id int, at datetime AS (now()) VIRTUAL, who varchar(99) AS (current_user()) VIRTUAL)`,
		`CREATE TABLE zk_dice(id int, n double AS (rand()) VIRTUAL)`,
		`CREATE TABLE zk_names(id int, name varchar(9), tall varchar(99) AS (concat(upper(name), ' - "', 'x', id % 3)) VIRTUAL,
			n int AS (case when id > 3 and name like '%a' then 1 else cast(name as signed) end) VIRTUAL,
			doc longtext, x varchar(20) AS (json_unquote(json_extract(doc, '$.x'))) VIRTUAL, d int AS (year(born)) VIRTUAL, born date)`,
		`CREATE TABLE zk_kept(doc blob, at varchar(99) AS (column_json(doc)) STORED)`, `CREATE TABLE zk_kept_not(doc blob, at varchar(99) AS (column_json(doc)) VIRTUAL)`,
		`CREATE VIEW zk_old AS SELECT id FROM zk_ages`,
	)
	c := load(t, db, sqlscan.MySQL)
	wantRefused(t, c, "zk_ages", `"age": calls unix_timestamp`)
	wantRefused(t, c, "zk_old", `"age": calls unix_timestamp`)
	wantRefused(t, c, "zk_moments", `virtual column`)
	wantRefused(t, c, "zk_dice", `"n": calls rand`)
	wantReads(t, c, "zk_names", "zk_names")
	wantReads(t, c, "zk_kept", "zk_kept")
	wantRefused(t, c, "zk_kept_not", "column_json")
}

func isMariaDB(t *testing.T, db *sql.DB) bool {
	t.Helper()
	var version string
	if err := db.QueryRow(`SELECT version()`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	return strings.Contains(version, "MariaDB")
}

func needMariaDB(t *testing.T, db *sql.DB) {
	t.Helper()
	if !isMariaDB(t, db) {
		t.Skip("it is not MariaDB, which alone has these")
	}
}

func TestMariaDBKindsOfTables(t *testing.T) {
	db, _ := mysqlDatabase(t)
	needMariaDB(t, db)
	exec(t, db,
		`CREATE SEQUENCE zk_numbers`,
		`CREATE TABLE zk_aria(id int DEFAULT nextval(zk_numbers), x int) ENGINE=Aria TRANSACTIONAL=0`,
		`CREATE TABLE zk_versioned(id int) WITH SYSTEM VERSIONING`,
	)
	c := load(t, db, sqlscan.MySQL)
	wantRefused(t, c, "zk_numbers", "sequence")
	wantReads(t, c, "zk_aria", "zk_aria")
	wantReads(t, c, "zk_versioned", "zk_versioned")
	if !c.NonTransactional("zk_aria") || c.NonTransactional("zk_versioned") {
		t.Error("Aria keeps what is rolled back, InnoDB does not")
	}
}
