package catalog

import (
	"context"
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// t.f calls f(t) where t has no column f.
func TestPostgresAttributeNotation(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db,
		`CREATE TABLE x(id int)`, `CREATE TABLE y(id int)`, `CREATE TABLE z() INHERITS (x)`,
		`CREATE FUNCTION xname(x) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM y'`,
		`CREATE FUNCTION "Any ""f"""(anyelement, int DEFAULT 1) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM y'`,
		`CREATE FUNCTION calm(x) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1.id'`,
		`CREATE FUNCTION id(i int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM y'`,
		`CREATE VIEW v AS SELECT x.xname FROM x`,
	)
	c := load(t, db, sqlscan.Postgres)
	for _, text := range []string{`SELECT x.xname FROM x`, `SELECT z.XNAME FROM z`, `SELECT (x)."Any ""f""" FROM x`} {
		exec(t, db, text)
		if r := scanned(c, sqlscan.Postgres, text); r.Impure == "" || !r.WritesAll {
			t.Errorf("%s: %+v", text, r)
		}
	}
	for _, text := range []string{`SELECT x.calm FROM x`, `SELECT x.id FROM x`} {
		if r := scanned(c, sqlscan.Postgres, text); r.Impure != "" {
			t.Errorf("%s: %+v", text, r)
		}
	}
	wantReads(t, c, "x", "x", "z")
	wantRefused(t, c, "v", "xname")
}

// Statements use operators and casts without naming the functions behind them.
func TestPostgresOperatorsAndCasts(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db,
		`CREATE TABLE x(id int)`, `CREATE TYPE pair AS (a int, b int)`,
		`CREATE FUNCTION calm(int, int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $2'`,
		`CREATE OPERATOR === (FUNCTION = calm, LEFTARG = int, RIGHTARG = int)`,
		`CREATE EXTENSION citext`,
	)
	wantReads(t, load(t, db, sqlscan.Postgres), "x", "x")
	exec(t, db,
		`CREATE FUNCTION first_of(pair) RETURNS int LANGUAGE sql AS 'SELECT $1.a FROM x'`,
		`CREATE CAST (pair AS int) WITH FUNCTION first_of(pair)`,
	)
	c := load(t, db, sqlscan.Postgres)
	wantRefused(t, c, "x", `cast from pair to integer runs "first_of"`)
	exec(t, db, `DROP CAST (pair AS int)`,
		`CREATE FUNCTION moving(int, int) RETURNS bool LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM x)'`,
		`CREATE OPERATOR = (FUNCTION = moving, LEFTARG = int, RIGHTARG = int)`,
	)
	c = load(t, db, sqlscan.Postgres).Declare(map[string][]string{"x": nil})
	wantRefused(t, c, "x", `operator public.=(integer,integer) runs "moving"`)
	if _, reason := c.Reads(nil); !strings.Contains(reason, "moving") {
		t.Errorf("a query without a table is not refused: %q", reason)
	}
	pure, err := Load(context.Background(), db, sqlscan.Postgres, &sqlscan.Options{PureFunctions: map[string]bool{"moving": true}})
	if err != nil {
		t.Fatal(err)
	}
	wantReads(t, pure, "x", "x")
}

func TestPostgresDomains(t *testing.T) {
	db, _ := postgresDatabase(t)
	exec(t, db,
		`CREATE TABLE log(id int)`, `CREATE TABLE other(id int)`,
		`CREATE FUNCTION noted(i int) RETURNS bool LANGUAGE sql AS 'INSERT INTO log VALUES (i); SELECT true'`,
		`CREATE FUNCTION runs(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DELETE FROM other'; RETURN 1; END $$`,
		`CREATE FUNCTION calm(i int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT i > 0'`,
		`CREATE DOMAIN checked AS int CHECK (noted(VALUE))`,
		`CREATE DOMAIN twice AS checked`, `CREATE DOMAIN filled AS int DEFAULT runs(1)`, `CREATE DOMAIN calmly AS int CHECK (calm(VALUE))`,
		`CREATE TYPE pair AS (a int, b twice)`,
		`CREATE TABLE a(id checked)`, `CREATE TABLE b(id int, ids twice[])`, `CREATE TABLE c(p pair)`, `CREATE TABLE d(id int, n filled)`,
		`CREATE TABLE e(id calmly)`,
	)
	checkReach(t, db, sqlscan.Postgres, []string{"a", "b", "c", "d", "e", "log", "other"}, []reach{
		{sql: `INSERT INTO a VALUES (1)`, tables: []string{"a"}},
		{sql: `INSERT INTO b VALUES (1, '{2}')`, tables: []string{"b"}},
		{sql: `INSERT INTO c VALUES (ROW(1, 2))`, tables: []string{"c"}},
		{sql: `INSERT INTO e VALUES (1)`, tables: []string{"e"}},
	})
	c := load(t, db, sqlscan.Postgres)
	for _, name := range []string{"a", "b", "c"} {
		wantWrites(t, c, name, name, "log")
	}
	wantAll(t, c, "d", "domain filled")
	wantWrites(t, c, "e", "e")
}
