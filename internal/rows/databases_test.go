package rows

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
)

// server opens the database that an environment variable names, or skips the test, or fails it if
// QUERYCACHE_REQUIRE says that the database must be there.
func server(t *testing.T, driver, name string) *sql.DB {
	t.Helper()
	env := "QUERYCACHE_" + strings.ToUpper(name) + "_DSN"
	dsn := os.Getenv(env)
	if dsn == "" {
		if strings.Contains(os.Getenv("QUERYCACHE_REQUIRE"), name) {
			t.Fatalf("QUERYCACHE_REQUIRE asks for %s, but %s is not set", name, env)
		}
		t.Skipf("%s is not set: the driver of %s is not compared", env, name)
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	return db
}

func sqliteFile(t testing.TB, options string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(t.TempDir(), "rows.sqlite")+"?"+options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func run(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// compare checks every query three ways, with an argument too where the driver then uses another protocol.
func compare(t *testing.T, db *sql.DB, query string, args ...any) *Recorded {
	t.Helper()
	return threeWays(t, func() (*sql.Rows, error) { return db.Query(query, args...) })
}

func TestSQLite(t *testing.T) {
	for name, options := range map[string]string{"plain": "", "local": "_loc=auto", "zone": "_loc=America%2FNew_York", "statements": "_stmt_cache_size=10"} {
		t.Run(name, func(t *testing.T) {
			db := sqliteFile(t, options)
			types := []string{"INTEGER", "INT8", "TEXT", "CLOB", "VARCHAR(20)", "BLOB", "REAL", "DOUBLE", "FLOAT", "NUMERIC",
				"DECIMAL(10,2)", "BOOLEAN", "DATE", "DATETIME", "TIMESTAMP", "JSON", "UUID", ""}
			if options != "" {
				types = []string{"INTEGER", "TEXT", "BLOB", "DATE", "DATETIME", "TIMESTAMP", "BOOLEAN"}
			}
			var cols []string
			for i, typ := range types {
				cols = append(cols, "c"+string(rune('a'+i))+" "+typ)
			}
			run(t, db, "CREATE TABLE t ("+strings.Join(cols, ",")+")")
			for _, v := range []string{"NULL", "0", "1", "-5", "9223372036854775807", "1.5", "1e300", "''", "'text'", "'12'", "x''", "x'00ff'",
				"'2024-02-29 01:02:03.456'", "'2024-02-29 01:02:03+05:30'", "'2024-02-29'", "'not a time'", "1700000000", "1700000000000", "char(0)", "x'ff' || ''"} {
				run(t, db, "INSERT INTO t VALUES ("+strings.TrimSuffix(strings.Repeat(v+",", len(types)), ",")+")")
			}
			if rec := compare(t, db, "SELECT * FROM t"); rec.Len() != 20 {
				t.Errorf("%d rows", rec.Len())
			}
			compare(t, db, "SELECT * FROM t WHERE 0")
			compare(t, db, "SELECT ca, ca, ca AS x, ca+1, count(*), max(cd), NULL FROM t WHERE ca > ?", 0)
			compare(t, db, "SELECT * FROM t a JOIN t b ON a.rowid = b.rowid LIMIT 3")
			compare(t, db, "SELECT ce, typeof(ce) FROM t UNION ALL SELECT 1, 2")
		})
	}
}

// A write that returns rows is complete when its stream is.
func TestSQLiteReturning(t *testing.T) {
	db := sqliteFile(t, "")
	run(t, db, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)")
	p := NewReplayer()
	defer p.Close()
	ctx := context.Background()
	for n := range 3 { // rows read before Close; SQLite writes both at the first
		real, err := db.QueryContext(ctx, "INSERT INTO t (a) VALUES ('x'), ('y') RETURNING id, a")
		if err != nil {
			t.Fatal(err)
		}
		done, f := doneChan()
		rows, err := p.Stream(ctx, real, StreamOptions{Done: f})
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			if !rows.Next() {
				t.Fatal(rows.Err())
			}
		}
		if len(done) != 0 {
			t.Error("done before the rows were")
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
		if got := once(t, done); got.err != nil || got.rec != nil {
			t.Errorf("Done got %v", got)
		}
		var count int
		if err := db.QueryRow("SELECT count(*) FROM t").Scan(&count); err != nil || count != 2*n {
			t.Errorf("%d rows written, %v", count, err)
		}
	}
	// A constraint that fails after the first row.
	run(t, db, "CREATE TABLE u (a UNIQUE)")
	const bad = "INSERT INTO u VALUES (1), (1) RETURNING a"
	read := func(rows *sql.Rows, err error) string {
		if err != nil {
			return "query: " + err.Error()
		}
		defer rows.Close()
		for rows.Next() {
		}
		return "rows: " + rows.Err().Error()
	}
	want := read(db.Query(bad))
	got := read(func() (*sql.Rows, error) {
		real, err := db.QueryContext(ctx, bad)
		if err != nil {
			return nil, err
		}
		return p.Stream(ctx, real, StreamOptions{})
	}())
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPostgres(t *testing.T) {
	db := server(t, "pgx", "postgres")
	const types = `SELECT 1::int2 a, 2::int4 b, 3::int8 c, 1.5::float4 d, 2.5::float8 e, 'NaN'::float8 f, 12.340::numeric(10,3) g,
		'NaN'::numeric h, true i, 'x'::text j, 'y'::varchar(9) k, 'z'::char(5) l, '\x00ff'::bytea m, ''::bytea n,
		'2024-02-29'::date o, 'infinity'::date p, '01:02:03.5'::time q, '01:02:03+05:30'::timetz r,
		'2024-02-29 01:02:03.456'::timestamp s, '2024-02-29 01:02:03.456+05:30'::timestamptz t, '-infinity'::timestamptz u,
		'1 year 2 days 03:04:05'::interval v, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid w, '{"a": [1]}'::json x, '{"a": 1}'::jsonb y,
		ARRAY[1,2]::int4[] z, ARRAY['a',NULL]::text[] aa, '192.168.0.1/24'::inet ab, '10.0.0.0/8'::cidr ac, '08:00:2b:01:02:03'::macaddr ad,
		B'101'::bit(3) ae, B'10'::varbit af, '(1,2)'::point ag, '[1,5)'::int4range ah, 12.34::money ai, 'fat & cat'::tsquery aj,
		'a cat'::tsvector ak, '<a/>'::xml al, 7::oid am, 'pg_class'::regclass an, 'n'::name ao, '"c"'::"char" ap, row(1,'x') aq,
		'0/16'::pg_lsn ar, '{[1,2)}'::int4multirange at, ''::text au`
	compare(t, db, types)
	compare(t, db, types+" WHERE 1 = $1", 1)
	compare(t, db, "SELECT NULL::int2, NULL::int8, NULL::float8, NULL::numeric, NULL::bool, NULL::text, NULL::bytea, NULL::date, NULL::timestamptz, NULL::jsonb, NULL::int4[], NULL")
	compare(t, db, "SELECT g, g::text, CASE WHEN g % 2 = 0 THEN g END, repeat('x', g)::bytea FROM generate_series(1, 300) g")
	compare(t, db, "SELECT 1 a, 2 a WHERE false")
	compare(t, db, "SELECT FROM generate_series(1, 3)")
	// An error after rows were sent.
	p := NewReplayer()
	defer p.Close()
	const late = "SELECT 1/(20000-g) FROM generate_series(1, 20000) g"
	read := func(rows *sql.Rows, err error) (int, string) {
		if err != nil {
			return 0, err.Error()
		}
		n := 0
		for ; rows.Next(); n++ {
		}
		return n, rows.Err().Error()
	}
	wantN, want := read(db.Query(late))
	done, f := doneChan()
	real, err := db.Query(late)
	if err != nil {
		t.Fatal(err)
	}
	gotN, got := read(p.Stream(context.Background(), real, StreamOptions{Record: true, Done: f}))
	if gotN != wantN || got != want {
		t.Errorf("got %d rows and %q, want %d and %q", gotN, got, wantN, want)
	}
	if d := once(t, done); d.rec != nil || d.err == nil {
		t.Errorf("Done got %v", d)
	}
}

func TestMySQL(t *testing.T) {
	db := server(t, "mysql", "mysql")
	db.SetMaxOpenConns(1) // a temporary table belongs to its connection
	run(t, db, `CREATE TEMPORARY TABLE querycache_rows (a TINYINT, b TINYINT UNSIGNED NOT NULL, c SMALLINT, d MEDIUMINT, e INT, f BIGINT,
		g BIGINT UNSIGNED, h BIGINT UNSIGNED NOT NULL, i FLOAT, j DOUBLE, k DECIMAL(10,3), l BIT(9), m BOOL, n CHAR(5), o VARCHAR(9), p TEXT, q BLOB,
		r VARBINARY(9), s BINARY(3), t DATE, u TIME, v DATETIME(6), w TIMESTAMP(3) NULL, x YEAR, y ENUM('p','q'), z SET('p','q'), aa JSON, ab POINT, ac LONGTEXT, ad FLOAT NOT NULL)`,
		`INSERT INTO querycache_rows VALUES (-1,255,-3,4,5,-6,18446744073709551615,7,1.1,2.5,12.340,b'101010101',1,'x','y','z',x'00ff','','ab','2024-02-29','-12:34:56',
		'2024-02-29 01:02:03.456789','2024-02-29 01:02:03.456',2024,'q','p,q','{"a": 1}',POINT(1,2),'',3.25)`,
		`INSERT INTO querycache_rows (b, h, ad) VALUES (0, 0, 0)`)
	for range 2 {
		run(t, db, "INSERT INTO querycache_rows SELECT * FROM (SELECT * FROM querycache_rows) x")
	}
	compare(t, db, "SELECT * FROM querycache_rows")                 // text protocol
	compare(t, db, "SELECT * FROM querycache_rows WHERE b >= ?", 0) // binary protocol
	compare(t, db, "SELECT a, a, count(*), sum(f), NULL, 1.5, 'x' FROM querycache_rows GROUP BY a")
	compare(t, db, "SELECT * FROM querycache_rows WHERE b > ?", 999)
}
