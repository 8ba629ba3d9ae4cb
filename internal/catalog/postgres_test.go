package catalog

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

func randomName(t testing.TB) string {
	t.Helper()
	b := make([]byte, 6)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return "catalog_" + hex.EncodeToString(b)
}

// postgresDatabase makes a database of its own and drops it after the test.
func postgresDatabase(t testing.TB) (db *sql.DB, config *pgx.ConnConfig) {
	t.Helper()
	config, err := pgx.ParseConfig(needDSN(t, "QUERYCACHE_POSTGRES_DSN", "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	admin := stdlib.OpenDB(*config)
	name := randomName(t)
	exec(t, admin, `CREATE DATABASE `+name)
	config = config.Copy()
	config.Database = name
	db = stdlib.OpenDB(*config)
	t.Cleanup(func() {
		db.Close()
		exec(t, admin, `DROP DATABASE `+name+` WITH (FORCE)`)
		admin.Close()
	})
	return db, config
}

func TestPostgresReach(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db,
		`CREATE TABLE customers(id int PRIMARY KEY, name text)`,
		`CREATE TABLE orders(id int PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, total int)`,
		`CREATE TABLE order_lines(id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE SET NULL ON UPDATE CASCADE)`,
		`CREATE TABLE notes(id int PRIMARY KEY, line_id int DEFAULT 1 REFERENCES order_lines ON DELETE SET DEFAULT)`,
		`CREATE TABLE strict_child(id int PRIMARY KEY, customer_id int REFERENCES customers)`,
		`CREATE SCHEMA aux`,
		`CREATE TABLE aux.audit(id serial PRIMARY KEY, what text, at timestamptz DEFAULT now())`,
		`CREATE TABLE counters(name text PRIMARY KEY, n int)`,
		`INSERT INTO counters VALUES ('audit', 0)`,
		`CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$
		DECLARE n numeric(10,2); -- UPDATE nothing here
		BEGIN
			IF TG_OP = 'DELETE' THEN
				INSERT INTO aux.audit(what) VALUES (format('gone %s', OLD.id));
			ELSIF TG_OP IN ('INSERT', 'UPDATE') THEN
				PERFORM 1 FROM customers WHERE id = NEW.id FOR UPDATE;
				NEW.total := coalesce(NEW.total, 0);
			END IF;
			RETURN coalesce(NEW, OLD);
		END $$`,
		`CREATE TRIGGER t1 BEFORE INSERT OR UPDATE OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION log_it()`,
		`CREATE FUNCTION bump(who text) RETURNS void LANGUAGE sql AS $$
			INSERT INTO counters VALUES (who, 1) ON CONFLICT (name) DO UPDATE SET n = counters.n + 1 $$`,
		`CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM bump('audit'); RETURN NULL; END $$`,
		`CREATE TRIGGER t2 AFTER INSERT ON aux.audit FOR EACH STATEMENT EXECUTE FUNCTION count_it()`,
		`CREATE VIEW big AS SELECT o.id, o.total, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 10`,
		`CREATE VIEW bigger AS SELECT * FROM big WHERE total > 100 AND EXISTS (SELECT FROM counters)`,
		`CREATE VIEW just_names AS SELECT id, name FROM customers`,
		`CREATE FUNCTION instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			INSERT INTO orders VALUES (NEW.id, 1, NEW.total); UPDATE ONLY notes SET line_id = NULL; RETURN NEW; END $$`,
		`CREATE TRIGGER t3 INSTEAD OF INSERT ON bigger FOR EACH ROW EXECUTE FUNCTION instead()`,
		`CREATE MATERIALIZED VIEW frozen AS SELECT count(*) AS n FROM customers`,
		`INSERT INTO customers VALUES (1, 'a'), (2, 'b'), (3, 'c')`,
		`INSERT INTO orders VALUES (1, 1, 500), (2, 2, 20), (3, 3, 5)`,
		`INSERT INTO order_lines VALUES (1, 1), (2, 2), (3, 3)`,
		`INSERT INTO notes VALUES (1, 1), (2, 2)`,
	)
	checkReach(t, db, sqlscan.Postgres,
		[]string{"customers", "orders", "order_lines", "notes", "aux.audit", "counters", "strict_child", "big", "bigger", "just_names", "frozen"},
		[]reach{
			{sql: `UPDATE customers SET name = 'x' WHERE id = 1`, tables: []string{"customers"}},
			{sql: `UPDATE just_names SET name = 'y' WHERE id = 1`, tables: []string{"just_names"}},
			{sql: `UPDATE orders SET id = 20 WHERE id = 2`, tables: []string{"orders"}},
			{sql: `DELETE FROM customers WHERE id = 2`, tables: []string{"customers"}},
			{sql: `INSERT INTO bigger(id, total) VALUES (77, 7777)`, tables: []string{"bigger"}},
			{sql: `DELETE FROM just_names WHERE id = 3`, tables: []string{"just_names"}},
			{sql: `INSERT INTO aux.audit(what) VALUES ('by hand')`, tables: []string{"audit"}},
			{sql: `REFRESH MATERIALIZED VIEW frozen`, tables: []string{"frozen"}},
		})
	c := load(t, db, sqlscan.Postgres)
	wantReads(t, c, "bigger", "big", "bigger", "counters", "customers", "orders")
	wantReads(t, c, "frozen", "frozen")
	wantReads(t, c, "audit", "audit")
	wantWrites(t, c, "customers", "audit", "counters", "customers", "notes", "order_lines", "orders")
	wantWrites(t, c, "strict_child", "strict_child")
	wantRefused(t, c, "pg_class", "not a known table")
	wantRefused(t, c, "audit_id_seq", "sequence")
	if c.ReadUncommitted() || c.NonTransactional("orders") {
		t.Error("Postgres reads committed data and rolls back")
	}
}

func TestPostgresPartitions(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db,
		`CREATE TABLE events(id int, day int, note text, PRIMARY KEY (id, day)) PARTITION BY LIST (day)`,
		`CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1)`,
		`CREATE TABLE events_2 PARTITION OF events FOR VALUES IN (2) PARTITION BY LIST (id)`,
		`CREATE TABLE events_2a PARTITION OF events_2 FOR VALUES IN (1, 2, 3)`,
		`CREATE TABLE attached(id int, day int, note text)`,
		`CREATE TABLE comments(id int PRIMARY KEY, event_id int, day int, FOREIGN KEY (event_id, day) REFERENCES events ON DELETE CASCADE)`,
		`CREATE TABLE log(what text)`,
		`CREATE FUNCTION log_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (TG_TABLE_NAME); RETURN NULL; END $$`,
		`CREATE TRIGGER t AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION log_it()`,
		`CREATE TABLE animals(name text)`,
		`CREATE TABLE cats(claws int) INHERITS (animals)`,
		`CREATE TABLE lions(mane int) INHERITS (cats)`,
		`CREATE VIEW zoo AS SELECT name FROM animals`,
		`INSERT INTO events VALUES (9, 1, 'x')`,
		`INSERT INTO comments VALUES (1, 9, 1)`,
	)
	checkReach(t, db, sqlscan.Postgres,
		[]string{"events", "events_1", "events_2", "events_2a", "comments", "log", "animals", "cats", "lions", "zoo"},
		[]reach{
			{sql: `INSERT INTO events VALUES (1, 1, 'a'), (2, 2, 'b')`, tables: []string{"events"}},
			{sql: `INSERT INTO events_2a VALUES (3, 2, 'c')`, tables: []string{"events_2a"}},
			{sql: `UPDATE events SET day = 2 WHERE id = 1`, tables: []string{"events"}},
			{sql: `DELETE FROM events_1 WHERE id = 9`, tables: []string{"events_1"}},
			{sql: `INSERT INTO lions VALUES ('leo', 4, 1)`, tables: []string{"lions"}},
			{sql: `UPDATE animals SET name = 'simba'`, tables: []string{"animals"}},
		})
	c := load(t, db, sqlscan.Postgres)
	wantReads(t, c, "events", "events", "events_1", "events_2", "events_2a")
	wantReads(t, c, "zoo", "animals", "cats", "lions", "zoo")
	wantReads(t, c, "events_1", "events_1")
	wantWrites(t, c, "events_2a", "comments", "events", "events_2", "events_2a", "log")
	wantWrites(t, c, "cats", "animals", "cats", "lions")
}

func TestPostgresRefusals(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db,
		`CREATE TABLE a(id int PRIMARY KEY)`, `CREATE TABLE b(id int)`, `CREATE TABLE c(id int)`, `CREATE TABLE d(id int)`,
		`CREATE TABLE secret(id int)`, `ALTER TABLE secret ENABLE ROW LEVEL SECURITY`,
		`CREATE VIEW over_secret AS SELECT * FROM secret`,
		`CREATE VIEW dice AS SELECT random() AS r FROM a`,
		`CREATE VIEW users_of AS SELECT * FROM pg_roles`,
		`CREATE FUNCTION same(int, int) RETURNS bool LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM b)'`,
		`CREATE OPERATOR === (FUNCTION = same, LEFTARG = int, RIGHTARG = int)`,
		`CREATE VIEW by_operator AS SELECT * FROM a WHERE id === 1`,
		`CREATE RULE r AS ON INSERT TO b DO ALSO INSERT INTO a VALUES (NEW.id)`,
		`CREATE FUNCTION dyn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'INSERT INTO b VALUES (1)'; RETURN NEW; END $$`,
		`CREATE TRIGGER t AFTER INSERT ON c FOR EACH ROW EXECUTE FUNCTION dyn()`,
		`CREATE FUNCTION runs() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM query_to_xml('SELECT 1', true, true, ''); RETURN NEW; END $$`,
		`CREATE TABLE e(id int)`,
		`CREATE TRIGGER t AFTER INSERT ON e FOR EACH ROW EXECUTE FUNCTION runs()`,
		`CREATE FUNCTION next_id() RETURNS int LANGUAGE sql AS $$ INSERT INTO d VALUES (1); SELECT 1 $$`,
		`CREATE TABLE f(id int DEFAULT next_id(), x int)`,
		`CREATE TABLE parent(id int)`, `CREATE TABLE child() INHERITS (parent)`,
		`ALTER TABLE child ENABLE ROW LEVEL SECURITY`,
	)
	c := load(t, db, sqlscan.Postgres)
	wantRefused(t, c, "secret", "row-level security")
	wantRefused(t, c, "over_secret", "row-level security")
	wantRefused(t, c, "parent", "row-level security")
	wantRefused(t, c, "dice", "not pure")
	wantRefused(t, c, "users_of", "")
	wantRefused(t, c, "by_operator", `calls "same"`)
	wantAll(t, c, "b", `rule "r"`)
	wantAll(t, c, "c", "execute")
	wantAll(t, c, "e", "query_to_xml")
	wantWrites(t, c, "f", "d", "f")
	wantRefused(t, c.Declare(map[string][]string{"secret": nil}), "secret", "row-level security")

	pure, err := Load(context.Background(), db, sqlscan.Postgres, &sqlscan.Options{PureFunctions: map[string]bool{"same": true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, reason := pure.Reads([]string{"by_operator"}); strings.Contains(reason, `calls "same"`) {
		t.Errorf("a function that the user calls pure is refused: %s", reason)
	}
}

func TestPostgresTemporaryTable(t *testing.T) {
	db, _ := postgresDatabase(t)
	db.SetMaxOpenConns(1)
	exec(t, db, `CREATE TABLE users(id int)`, `CREATE TEMP TABLE users(id int)`)
	wantRefused(t, load(t, db, sqlscan.Postgres), "users", "temporary")
}

// What is hidden from a role without privileges must not be taken for absent.
func TestPostgresIdentityAndPoorRole(t *testing.T) {
	db, config := postgresDatabase(t)
	role := randomName(t)
	exec(t, db,
		`CREATE TABLE a(id int PRIMARY KEY)`, `CREATE TABLE b(id int REFERENCES a ON DELETE CASCADE)`,
		`CREATE TABLE log(id int)`,
		`CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (1); RETURN NULL; END $$`,
		`CREATE TRIGGER t AFTER INSERT ON b FOR EACH ROW EXECUTE FUNCTION f()`,
		`CREATE VIEW v AS SELECT * FROM b`,
		`CREATE ROLE `+role,
	)
	t.Cleanup(func() { exec(t, db, `DROP ROLE `+role) })
	rich := load(t, db, sqlscan.Postgres)

	poor := stdlib.OpenDB(*config)
	defer poor.Close()
	poor.SetMaxOpenConns(1)
	exec(t, poor, `SET ROLE `+role)
	c := load(t, poor, sqlscan.Postgres)
	wantReads(t, c, "v", "b", "v")
	wantWrites(t, c, "a", "a", "b", "log")
	if c.Identity() != rich.Identity() || !strings.HasSuffix(c.Identity(), "/"+config.Database) {
		t.Errorf("identities %q and %q of one database", rich.Identity(), c.Identity())
	}
	if c.Scope() == rich.Scope() {
		t.Errorf("two roles have the scope %q", c.Scope())
	}

	exec(t, db, `REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC`)
	if id := load(t, poor, sqlscan.Postgres).Identity(); id != "" {
		t.Errorf("without pg_control_system the identity is %q", id)
	}
}
