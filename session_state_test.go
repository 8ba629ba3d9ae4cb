package querycache_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// sRow is the table of these tests.
type sRow struct {
	ID int `gorm:"autoIncrement:false"`
	N  int
}

func sN(db *gorm.DB) any {
	var r sRow
	return tell(db.First(&r, 1), &r)
}

// openS makes the table and opens it with two connections.
func openS(t *testing.T, d *testdb.Database) *pair {
	t.Helper()
	p := open(t, d, opening{Options: testdb.Options{MaxOpenConns: 2}})
	must(t, p.plain.AutoMigrate(&sRow{}))
	must(t, p.plain.Create(&sRow{1, 1}).Error)
	must(t, p.cache.Reload(t.Context()))
	return p
}

// besides runs f while one of the two connections is taken, so that it runs on
// the other.
func besides(t *testing.T, pool *sql.DB, f func()) {
	t.Helper()
	held, err := pool.Conn(t.Context())
	must(t, err)
	f()
	must(t, held.Close())
}

// A session that reads what is not committed:
//
//  1. SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED runs on
//     connection A.
//  2. A transaction on B writes 2.
//  3. A read on A says 2, which must not be stored.
//  4. B rolls back.
//  5. Reads say 1.
func TestSessionReadsUncommittedRows(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
		"set session tx_isolation = 'read-uncommitted'",
	} {
		t.Run(text, func(t *testing.T) {
			holdServer(t, testdb.MySQL)
			d := testdb.New(t, testdb.MySQL)
			p := openS(t, d)
			p.hits(t, sN)
			for _, db := range []*testdb.DB{p.plain, p.cached} {
				besides(t, db.Pool, func() { must(t, db.Exec(text).Error) })
				tx := db.Begin()
				must(t, tx.Exec("UPDATE s_rows SET n = 2").Error)
				// The transaction has one connection, so this is the other.
				same(t, sN(db.DB), sN(db.DB))
				must(t, tx.Rollback().Error)
			}
			p.bypasses(t, sN, querycache.ReasonReadUncommitted)
			must(t, p.cache.Reload(t.Context()))
			p.bypasses(t, sN, querycache.ReasonReadUncommitted) // it is not forgotten
		})
	}
}

// A session without autocommit:
//
//  1. SET autocommit = 0 runs on A, and a read opens a snapshot there.
//  2. B writes 2, and commits.
//  3. A read on A says 1, which must not be stored.
//  4. A read on B says 2.
func TestSessionWithoutAutocommit(t *testing.T) {
	t.Parallel()
	holdServer(t, testdb.MySQL)
	d := testdb.New(t, testdb.MySQL)
	p := openS(t, d)
	p.hits(t, sN)
	for _, text := range []string{"SET autocommit = 1", "SET @@autocommit=ON", "SET SESSION autocommit = 1"} {
		must(t, p.cached.Exec(text).Error)
		p.hits(t, sN)
	}
	old := func(db *testdb.DB) any {
		b, err := db.Pool.Conn(t.Context())
		must(t, err)
		must(t, db.Exec("SET autocommit = 0").Error) // on A
		sN(db.DB)
		a, err := db.Pool.Conn(t.Context())
		must(t, err)
		must(t, b.Close())
		must(t, db.Exec("UPDATE s_rows SET n = n + 1").Error) // on B
		fresh := sN(db.DB)
		b, err = db.Pool.Conn(t.Context())
		must(t, err)
		must(t, a.Close())
		stale := sN(db.DB)
		a, err = db.Pool.Conn(t.Context())
		must(t, err)
		must(t, b.Close())
		again := sN(db.DB)
		must(t, a.Close())
		return []any{fresh, stale, again}
	}
	want := old(p.plain)
	must(t, p.plain.Exec("UPDATE s_rows SET n = 1").Error)
	must(t, p.plain.Exec("COMMIT").Error)
	same(t, old(p.cached), want)
	if got := p.cache.Stats().Bypassed[querycache.ReasonReadUncommitted]; got != 4 {
		t.Errorf("%d reads bypassed", got)
	}
}

// A shared cache, whose connections may read one another's rows:
//
//  1. PRAGMA read_uncommitted = 1 runs on A.
//  2. A transaction on B writes 2.
//  3. A read on A says 2, which must not be stored.
//  4. B rolls back.
//  5. Reads say 1.
func TestSharedCacheReadsUncommittedRows(t *testing.T) {
	t.Parallel()
	var want []any
	for i, cached := range []bool{false, true} {
		db, err := gorm.Open(sqlite.Open(fmt.Sprintf("file:uncommitted%d?mode=memory&cache=shared", i)), &gorm.Config{Logger: logger.Discard})
		must(t, err)
		pool, err := db.DB()
		must(t, err)
		pool.SetMaxOpenConns(2)
		pool.SetMaxIdleConns(2)
		t.Cleanup(func() { must(t, pool.Close()) })
		p := querycache.New(querycache.Config{})
		if cached {
			must(t, db.Use(p))
			t.Cleanup(func() { must(t, p.Close(context.Background())) })
		}
		must(t, db.AutoMigrate(&sRow{}))
		must(t, db.Create(&sRow{1, 1}).Error)
		sN(db)
		sN(db)
		if cached && p.Stats().Hits != 1 {
			t.Errorf("the table is not cached before: %+v", p.Stats())
		}
		besides(t, pool, func() { must(t, db.Exec("PRAGMA read_uncommitted = 1").Error) })
		tx := db.Begin() // takes the connection that was given back last
		must(t, tx.Exec("UPDATE s_rows SET n = 2").Error)
		got := []any{sN(db), sN(db)}
		must(t, tx.Rollback().Error)
		got = append(got, sN(db), sN(db))
		if !cached {
			want = got
			continue
		}
		same(t, got, want)
		if n := p.Stats().Bypassed[querycache.ReasonReadUncommitted]; n != 4 {
			t.Errorf("%d of 4 reads bypassed: %+v", n, p.Stats())
		}
	}
}

// A stricter level, set for one transaction, changes nothing for others:
//
//  1. A read is cached.
//  2. SET TRANSACTION ISOLATION LEVEL SERIALIZABLE runs in a transaction.
//  3. Reads are cached as before.
func TestStricterTransactionsAreCachedPast(t *testing.T) {
	t.Parallel()
	p := openS(t, testdb.New(t, testdb.Postgres))
	p.hits(t, sN)
	must(t, p.cached.Transaction(func(tx *gorm.DB) error {
		return tx.Exec("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").Error
	}))
	p.hits(t, sN)
}

// A file attached to a connection of another pool:
//
//  1. A pool has a.db as its main file and caches a read.
//  2. Another pool, of another plugin, has b.db, and attaches a.db as other.
//  3. It writes other.s_rows.
//  4. The first pool's read says what was written.
//
// Nobody knows which file it wrote, so every cached read in the process dies:
// the test is not run beside others.
func TestAttachedFiles(t *testing.T) {
	for _, text := range []string{"ATTACH DATABASE ? AS other", "attach ? as other", "/* first */ ATTACH ? AS other"} {
		t.Run(text, func(t *testing.T) {
			d, e := testdb.New(t, testdb.SQLite), testdb.New(t, testdb.SQLite)
			p := openS(t, d)
			q := open(t, e, opening{Options: testdb.Options{MaxOpenConns: 1}})
			p.hits(t, sN)
			must(t, q.cached.Exec(text, d.Name()).Error)
			for _, write := range []func(db *gorm.DB) error{
				func(db *gorm.DB) error { return db.Exec("UPDATE other.s_rows SET n = n + 1").Error },
				func(db *gorm.DB) error {
					return db.Table("other.s_rows").Where("id = 1").Update("n", gorm.Expr("n + 1")).Error
				},
				func(db *gorm.DB) error { // the name stands for the attached table
					return db.Transaction(func(tx *gorm.DB) error { return tx.Exec("UPDATE s_rows SET n = n + 1").Error })
				},
			} {
				before := sN(p.plain.DB)
				must(t, write(q.cached.DB))
				if testdb.Equal(sN(p.plain.DB), before) == "" {
					t.Fatal("the write changed nothing")
				}
				p.compare(t, sN, atMost)
			}
		})
	}
}
