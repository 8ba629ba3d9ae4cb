package catalog

import (
	"testing"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

func TestPostgresKeys(t *testing.T) {
	db, config := postgresDatabase(t)
	exec(t, db,
		`CREATE EXTENSION citext`,
		`CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
		`CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%')`,
		`CREATE TABLE users(id serial PRIMARY KEY, name text UNIQUE)`,
		`CREATE TABLE shorts("Id" smallint PRIMARY KEY, n int)`,
		`CREATE TABLE bigs(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int, m int GENERATED ALWAYS AS (n + 1) STORED)`,
		`CREATE TABLE texts(id text PRIMARY KEY)`, `CREATE TABLE varchars(id varchar(9) COLLATE "C" PRIMARY KEY)`,
		`CREATE TABLE chars(id char(9) PRIMARY KEY)`, `CREATE TABLE uuids(id uuid DEFAULT gen_random_uuid() PRIMARY KEY)`,
		`CREATE TABLE citexts(id citext PRIMARY KEY)`,
		`CREATE TABLE pairs(b int, gone int, a text, n int, PRIMARY KEY (a, b) INCLUDE (n))`, `ALTER TABLE pairs DROP COLUMN gone`,
		`CREATE TABLE child(id int PRIMARY KEY, parent int REFERENCES users ON DELETE CASCADE)`,
		`CREATE TABLE tree(id int PRIMARY KEY, parent int REFERENCES tree ON DELETE RESTRICT ON UPDATE NO ACTION)`,
		`CREATE UNLOGGED TABLE fast(id int PRIMARY KEY)`,
		`CREATE TABLE checked(id int PRIMARY KEY, mail email, n int CHECK (n > 0) DEFAULT 1)`,

		`CREATE TABLE no_key(id int)`, `CREATE TABLE only_unique(id int NOT NULL UNIQUE)`,
		`CREATE TABLE numerics(id numeric PRIMARY KEY)`, `CREATE TABLE dates(id date PRIMARY KEY)`,
		`CREATE TABLE domains(id email PRIMARY KEY)`, `CREATE TABLE arrays(id int[] PRIMARY KEY)`,
		`CREATE TABLE letters(id "char" PRIMARY KEY)`, `CREATE TABLE names(id name PRIMARY KEY)`,
		`CREATE TABLE half(a int, b date, PRIMARY KEY (a, b))`,
		`CREATE TABLE loose_key(id text COLLATE loose PRIMARY KEY)`,
		`CREATE TABLE loose_citext(id citext COLLATE loose PRIMARY KEY)`,
		`CREATE TABLE loose_other(id text PRIMARY KEY, n text COLLATE loose)`,
		`CREATE TABLE computed(n int, id int GENERATED ALWAYS AS (n / 2) STORED PRIMARY KEY)`,
		`CREATE TABLE deferred(id int PRIMARY KEY DEFERRABLE)`,
		`CREATE TABLE namesakes(id int PRIMARY KEY, "ID" int)`,
		`CREATE TABLE self_delete(id int PRIMARY KEY, parent int REFERENCES self_delete ON DELETE CASCADE)`,
		`CREATE TABLE self_null(id int PRIMARY KEY, parent int REFERENCES self_null ON DELETE SET NULL)`,
		`CREATE TABLE self_update(id int PRIMARY KEY, parent int REFERENCES self_update ON UPDATE CASCADE)`,
		`CREATE TABLE hen(id int PRIMARY KEY, egg int)`,
		`CREATE TABLE egg(id int PRIMARY KEY, hen int REFERENCES hen ON DELETE CASCADE)`,
		`ALTER TABLE hen ADD FOREIGN KEY (egg) REFERENCES egg ON DELETE SET DEFAULT`,
		`CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 7; RETURN NEW; END $$`,
		`CREATE TABLE fired(id int PRIMARY KEY)`,
		`CREATE TRIGGER g BEFORE UPDATE ON fired FOR EACH ROW EXECUTE FUNCTION move()`,
		`CREATE TABLE fired_by_system(id int PRIMARY KEY, n int)`,
		`CREATE TRIGGER g BEFORE UPDATE ON fired_by_system FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
		`CREATE TABLE ruled(id int PRIMARY KEY)`,
		`CREATE RULE r AS ON UPDATE TO ruled DO INSTEAD DELETE FROM ruled`,
		`CREATE TABLE secured(id int PRIMARY KEY)`, `ALTER TABLE secured ENABLE ROW LEVEL SECURITY`,
		`CREATE TABLE parts(id int PRIMARY KEY) PARTITION BY RANGE (id)`,
		`CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (1) TO (9)`,
		`CREATE TABLE no_parts(id int PRIMARY KEY) PARTITION BY RANGE (id)`,
		`CREATE TABLE animals(id int PRIMARY KEY)`, `CREATE TABLE cats(PRIMARY KEY (id)) INHERITS (animals)`,
		`CREATE VIEW seen AS SELECT * FROM users`, `CREATE MATERIALIZED VIEW frozen AS SELECT * FROM users`,
		`CREATE FUNCTION touch_all() RETURNS int LANGUAGE plpgsql AS $$ BEGIN UPDATE touched SET n = 1; RETURN 1; END $$`,
		`CREATE TABLE touched(id int PRIMARY KEY, n int, m int DEFAULT touch_all())`,
		`CREATE SCHEMA aux`,
		`CREATE TABLE same(id int PRIMARY KEY)`, `CREATE TABLE aux."Same"("ID" bigint PRIMARY KEY, n int)`,
		`CREATE TABLE differs(id int PRIMARY KEY)`, `CREATE TABLE aux.differs(id text PRIMARY KEY)`,
		`CREATE TABLE one_view(id int PRIMARY KEY)`, `CREATE VIEW aux.one_view AS SELECT 1 AS id FROM users`,
		`CREATE TABLE one_fired(id int PRIMARY KEY)`, `CREATE TABLE aux.one_fired(id int PRIMARY KEY)`,
		`CREATE TRIGGER g BEFORE UPDATE ON aux.one_fired FOR EACH ROW EXECUTE FUNCTION move()`,
	)
	want := []string{
		"Users", "id integer", "shorts", "id integer", "bigs", "id integer", "texts", "id text", "varchars", "id text",
		"chars", "id text", "uuids", "id text", "citexts", "id text", "pairs", "a text, b integer", "child", "id integer",
		"tree", "id integer", "fast", "id integer", "checked", "id integer", "loose_other", "id text", "same", "id integer",
		"no_key", "", "only_unique", "", "numerics", "", "dates", "", "domains", "", "arrays", "", "letters", "", "names", "",
		"half", "", "loose_key", "", "loose_citext", "", "computed", "", "deferred", "", "namesakes", "",
		"self_delete", "", "self_null", "", "self_update", "", "hen", "", "egg", "", "fired", "", "fired_by_system", "",
		"ruled", "", "secured", "", "parts", "", "no_parts", "", "part_1", "", "animals", "", "cats", "", "seen", "", "frozen", "", "touched", "",
		"differs", "", "one_view", "", "one_fired", "", "users_id_seq", "", "pg_class", "",
	}
	c := load(t, db, sqlscan.Postgres)
	wantKeys(t, c, want...)
	wantKeys(t, c.Declare(map[string][]string{"child": {"users"}, "frozen": {"users"}}),
		"users", "", "child", "", "frozen", "", "texts", "id text")

	// A role without rights sees the same, since nothing is hidden from it.
	role := randomName(t)
	exec(t, db, `CREATE ROLE `+role+` LOGIN`)
	poorConfig := config.Copy()
	poorConfig.User, poorConfig.Password = role, ""
	poor := stdlib.OpenDB(*poorConfig)
	wantKeys(t, load(t, poor, sqlscan.Postgres), want...)
	poor.Close()
	exec(t, db, `DROP ROLE `+role)
}

// A type by the name of citext that is not the extension's compares as its
// maker likes.
func TestPostgresKeyOfAnotherCitext(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db, `CREATE TYPE citext AS ENUM ('a', 'b')`, `CREATE TABLE t(id citext PRIMARY KEY)`,
		`CREATE SCHEMA mine`, `CREATE DOMAIN mine.text AS numeric`, `CREATE TABLE u(id mine.text PRIMARY KEY)`)
	wantKeys(t, load(t, db, sqlscan.Postgres), "t", "", "u", "")
}

// With an operator = of the user's own, what equals what is not known.
func TestPostgresKeysBesideAnOperator(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db, `CREATE EXTENSION citext`,
		`CREATE FUNCTION alike(varchar, varchar) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT length($1) = length($2)'`,
		`CREATE OPERATOR = (LEFTARG = varchar, RIGHTARG = varchar, FUNCTION = alike)`,
		`CREATE TABLE v(id varchar(9) PRIMARY KEY, n int)`, `CREATE TABLE i(id int PRIMARY KEY, n varchar(9))`,
		`CREATE TABLE c(id citext PRIMARY KEY)`, `CREATE TABLE x(id text PRIMARY KEY)`)
	exec(t, db, `INSERT INTO v VALUES ('ab', 1), ('xy', 2)`)
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM v WHERE id = 'ab'`).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows, %v; the operator is not the one asked", n, err)
	}
	wantKeys(t, load(t, db, sqlscan.Postgres), "v", "", "i", "id integer", "c", "id text", "x", "id text")
}

// Names of columns that an old server's catalog lacks resolve to what stands in
// for them.
func TestPostgresKeysOfAnOldServer(t *testing.T) {
	db, _ := postgresDatabase(t)
	var generated, deterministic string
	err := db.QueryRow(`SELECT (SELECT attgenerated FROM pg_catalog.pg_namespace LIMIT 1),
		(SELECT collisdeterministic FROM pg_catalog.pg_namespace LIMIT 1)::text FROM (SELECT `+pgAbsent+`) absent`).
		Scan(&generated, &deterministic)
	if err != nil || generated != "" || deterministic != "true" {
		t.Errorf("%q, %q, %v", generated, deterministic, err)
	}
}
