package testdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/mattn/go-sqlite3"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Dialect is the kind of a database, named as GORM's dialector names it.
type Dialect string

// The databases tests run on.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
	MySQL    Dialect = "mysql" // or MariaDB
)

// dsnVar names the environment variable that says where a database is.
var dsnVar = map[Dialect]string{
	Postgres: "QUERYCACHE_POSTGRES_DSN",
	MySQL:    "QUERYCACHE_MYSQL_DSN",
}

// Missing ends the test because what it needs is not there: a skip that says so, or a failure if
// QUERYCACHE_REQUIRE, a comma-separated list, has name in it.
func Missing(t testing.TB, name, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("QUERYCACHE_REQUIRE"), ","), name) {
		t.Fatalf("%s is required by QUERYCACHE_REQUIRE: %s", name, why)
	}
	t.Skipf("no %s: %s", name, why)
}

// Database is one fresh database. It is safe for concurrent use.
type Database struct {
	Dialect Dialect
	name    string // path of the file, or name on the server
	dsn     string
}

// New makes an empty database for the test and drops it when the test ends. Without a server for the
// dialect the test ends as Missing says.
func New(t testing.TB, dialect Dialect) *Database {
	t.Helper()
	if dialect == SQLite {
		return &Database{Dialect: SQLite, name: filepath.Join(t.TempDir(), "test.db")}
	}
	dsn := os.Getenv(dsnVar[dialect])
	if dsn == "" {
		Missing(t, string(dialect), "set "+dsnVar[dialect]+" to the DSN of a server on which databases may be created")
	}
	d := &Database{Dialect: dialect, name: "qc_test_" + randomName(), dsn: dsn}
	d.admin(t, "CREATE DATABASE "+d.name)
	t.Cleanup(func() {
		if dialect == Postgres {
			d.admin(t, "DROP DATABASE IF EXISTS "+d.name+" WITH (FORCE)")
		} else {
			d.admin(t, "DROP DATABASE IF EXISTS "+d.name)
		}
	})
	return d
}

// Name returns the name of the database on its server, or the path of its file.
func (d *Database) Name() string { return d.name }

func randomName() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// admin runs a statement in the database that the DSN names.
func (d *Database) admin(t testing.TB, text string) {
	t.Helper()
	c, err := (&Database{Dialect: d.Dialect, dsn: d.dsn}).connector(Options{})
	if err != nil {
		t.Fatalf("connect to %s: %v", d.Dialect, err)
	}
	db := sql.OpenDB(c)
	_, err = db.ExecContext(context.Background(), text)
	if cerr := db.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// Options say how a database is opened. The zero value is plain GORM over four connections.
type Options struct {
	// Config is copied. Its Logger defaults to one that discards everything, its PrepareStmtTTL to one for
	// which GORM starts no goroutine.
	Config gorm.Config
	// Plugins are used in this order. One that has Close(context.Context) error is closed before the
	// connections are, and the test fails if that fails.
	Plugins []gorm.Plugin
	// MaxOpenConns, default 4. Connections are kept open when idle.
	MaxOpenConns int
	// SQLiteParams are added to the DSN of a SQLite file, such as "_txlock=immediate".
	SQLiteParams string
	// MySQL changes the driver's configuration after the DSN was read.
	MySQL func(*mysql.Config)
	// Postgres changes the driver's configuration after the DSN was read.
	Postgres func(*pgx.ConnConfig)
}

// forEver is the one lifetime of prepared statements for which GORM starts no goroutine, which it would
// never stop.
const forEver = 10 * 365 * 24 * time.Hour

// DB is an open database.
type DB struct {
	*gorm.DB
	Pool     *sql.DB   // the connections, below every plugin
	Recorder *Recorder // counts what reaches the driver
	Database *Database
}

// Open makes a fresh SQLite database and opens it: short for New(t, SQLite).Open(t, opts).
func Open(t testing.TB, opts Options) *DB {
	t.Helper()
	return New(t, SQLite).Open(t, opts)
}

// Each runs the test on every database, as a subtest named after it.
func Each(t *testing.T, run func(t *testing.T, d *Database)) {
	t.Helper()
	for _, dialect := range []Dialect{SQLite, Postgres, MySQL} {
		t.Run(string(dialect), func(t *testing.T) { run(t, New(t, dialect)) })
	}
}

// Open opens the database over connections of its own, closed when the test ends. It may be called
// several times.
func (d *Database) Open(t testing.TB, opts Options) *DB {
	t.Helper()
	below, err := d.connector(opts)
	if err != nil {
		t.Fatalf("connect to %s: %v", d.Dialect, err)
	}
	rec := &Recorder{}
	pool := sql.OpenDB(Wrap(below, rec))
	n := opts.MaxOpenConns
	if n == 0 {
		n = 4
	}
	pool.SetMaxOpenConns(n)
	pool.SetMaxIdleConns(n)
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Errorf("close %s: %v", d.Dialect, err)
		}
	})
	config := opts.Config
	if config.Logger == nil {
		config.Logger = logger.Discard
	}
	if config.PrepareStmtTTL == 0 {
		config.PrepareStmtTTL = forEver
	}
	db, err := gorm.Open(d.dialector(pool), &config)
	if err != nil {
		t.Fatalf("open %s: %v", d.Dialect, err)
	}
	for _, p := range opts.Plugins {
		if err := db.Use(p); err != nil {
			t.Fatalf("use %s: %v", p.Name(), err)
		}
		if c, ok := p.(interface{ Close(context.Context) error }); ok {
			t.Cleanup(func() {
				if err := c.Close(context.Background()); err != nil {
					t.Errorf("close plugin %s: %v", p.Name(), err)
				}
			})
		}
	}
	rec.Reset()
	return &DB{DB: db, Pool: pool, Recorder: rec, Database: d}
}

func (d *Database) dialector(pool *sql.DB) gorm.Dialector {
	switch d.Dialect {
	case Postgres:
		return postgres.New(postgres.Config{Conn: pool})
	case MySQL:
		return gormmysql.New(gormmysql.Config{Conn: pool})
	default:
		return sqlite.New(sqlite.Config{Conn: pool})
	}
}

// connector opens connections to the database, or, if it has no name, to the one in its DSN.
func (d *Database) connector(opts Options) (driver.Connector, error) {
	switch d.Dialect {
	case Postgres:
		config, err := pgx.ParseConfig(d.dsn)
		if err != nil {
			return nil, err
		}
		if d.name != "" {
			config.Database = d.name
		}
		if opts.Postgres != nil {
			opts.Postgres(config)
		}
		return stdlib.GetConnector(*config), nil
	case MySQL:
		config, err := mysql.ParseDSN(d.dsn)
		if err != nil {
			return nil, err
		}
		if d.name != "" {
			config.DBName = d.name
		}
		// What tests rely on, whatever the DSN says.
		config.ParseTime, config.MultiStatements = true, true
		if opts.MySQL != nil {
			opts.MySQL(config)
		}
		return mysql.NewConnector(config)
	case SQLite:
		// Nothing here outlives a crash, so nothing need be synced.
		// The path is escaped, since a name like "test#01" would end at the fragment.
		dsn := "file:" + (&url.URL{Path: d.name}).EscapedPath() + "?_journal_mode=WAL&_busy_timeout=10000&_foreign_keys=on&_synchronous=OFF"
		if opts.SQLiteParams != "" {
			dsn += "&" + opts.SQLiteParams
		}
		return sqliteConnector{dsn: dsn}, nil
	}
	return nil, fmt.Errorf("no such dialect: %q", d.Dialect)
}

type sqliteConnector struct{ dsn string }

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) {
	return (&sqlite3.SQLiteDriver{}).Open(c.dsn)
}

func (c sqliteConnector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }
