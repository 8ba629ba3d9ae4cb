package querycache_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// barePool is a user's pool that does the least: it runs statements.
type barePool struct{ gorm.ConnPool }

// beginningPool also begins transactions, which do not adopt prepared
// statements.
type beginningPool struct {
	barePool
	pool *sql.DB

	mu    sync.Mutex
	begun []*sql.Tx
}

// bareTx has no StmtContext.
type bareTx struct {
	barePool
	tx *sql.Tx
}

func (p *beginningPool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	tx, err := p.pool.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun = append(p.begun, tx)
	return &bareTx{barePool{tx}, tx}, nil
}

// end rolls back what GORM began and dropped.
func (p *beginningPool) end() {
	for _, tx := range p.begun {
		_ = tx.Rollback()
	}
}

func (t *bareTx) Commit() error   { return t.tx.Commit() }
func (t *bareTx) Rollback() error { return t.tx.Rollback() }

// overPool opens a database over a user's pool.
func overPool(t *testing.T, d *testdb.Database, pool gorm.ConnPool, config gorm.Config, plugins ...gorm.Plugin) *gorm.DB {
	t.Helper()
	var over gorm.Dialector
	switch d.Dialect {
	case testdb.Postgres:
		over = postgres.New(postgres.Config{Conn: pool})
	case testdb.MySQL:
		over = mysql.New(mysql.Config{Conn: pool, SkipInitializeWithVersion: true})
	default:
		over = sqlite.New(sqlite.Config{Conn: pool})
	}
	config.Logger = logger.Discard
	config.PrepareStmtTTL = 10 * 365 * 24 * time.Hour // for which GORM starts no goroutine
	config.DisableAutomaticPing = true                // with PrepareStmt it fails on a pool that hides its *sql.DB
	db, err := gorm.Open(over, &config)
	must(t, err)
	for _, p := range plugins {
		must(t, db.Use(p))
		if c, ok := p.(*querycache.Plugin); ok {
			t.Cleanup(func() { must(t, c.Close(context.Background())) })
		}
	}
	return db
}

// cpRow is the table of these tests.
type cpRow struct {
	ID int `gorm:"autoIncrement:false"`
	N  int
}

func cpIDs(t *testing.T, db *gorm.DB) string {
	t.Helper()
	var ids []int
	must(t, db.Model(&cpRow{}).Order("id").Pluck("id", &ids).Error)
	return fmt.Sprint(ids)
}

// A user's pool begins transactions that do not adopt prepared statements:
//
//  1. GORM prepares INSERT on the pool.
//  2. It begins a transaction and asks it to adopt the statement. Plain GORM
//     sees that it cannot, and gives ErrInvalidTransaction.
//  3. If the cache's wrapper claimed that it can, the statement would run on
//     the pool.
//  4. The transaction is rolled back, and its rows stay.
func TestTransactionsThatAdoptNoStatements(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		var want []string
		for _, cached := range []bool{false, true} {
			below := d.Open(t, testdb.Options{MaxOpenConns: 20})
			must(t, below.Migrator().DropTable(&cpRow{}))
			must(t, below.AutoMigrate(&cpRow{}))
			pool := &beginningPool{barePool: barePool{below.Pool}, pool: below.Pool}
			var plugins []gorm.Plugin
			if cached {
				plugins = append(plugins, querycache.New(querycache.Config{}))
			}
			db := overPool(t, d, pool, gorm.Config{PrepareStmt: true}, plugins...)
			var got []string
			for i := range 3 {
				created := db.Exec("INSERT INTO cp_rows VALUES (?, 1)", 1+i).Error
				tx := db.Begin()
				var inTx error
				if tx.Error == nil {
					inTx = tx.Exec("INSERT INTO cp_rows VALUES (?, 1)", 10+i).Error
					must(t, tx.Rollback().Error)
				}
				whole := db.Transaction(func(tx *gorm.DB) error {
					return errors.Join(tx.Exec("INSERT INTO cp_rows VALUES (?, 1)", 20+i).Error, errBack)
				})
				got = append(got, fmt.Sprint(created, tx.Error, inTx, whole, cpIDs(t, db)))
			}
			pool.end()
			got = append(got, cpIDs(t, below.DB))
			if !cached {
				want = got
			}
			same(t, got, want)
			if cpIDs(t, below.DB) != "[1 2 3]" {
				t.Errorf("cached %v: rolled back rows are there: %s", cached, cpIDs(t, below.DB))
			}
		}
	})
}

// The same pool without prepared statements:
//
//  1. A read is cached.
//  2. A transaction of the pool writes and is rolled back, another writes and
//     is committed.
//  3. The read says what the database says after each.
func TestTransactionsOfAUsersPool(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		below := d.Open(t, testdb.Options{})
		must(t, below.AutoMigrate(&cpRow{}))
		pool := &beginningPool{barePool: barePool{below.Pool}, pool: below.Pool}
		db := overPool(t, d, pool, gorm.Config{}, querycache.New(querycache.Config{}))
		for i, step := range []struct {
			end  error
			want string
		}{{errBack, "[]"}, {nil, "[1]"}, {errBack, "[1]"}} {
			same(t, cpIDs(t, db), cpIDs(t, below.DB))
			err := db.Transaction(func(tx *gorm.DB) error {
				if err := tx.Create(&cpRow{i, 1}).Error; err != nil {
					return err
				}
				return step.end
			})
			if !errors.Is(err, step.end) {
				t.Fatal(err)
			}
			for range 2 {
				if got := cpIDs(t, db); got != step.want {
					t.Errorf("step %d: %s, want %s", i, got, step.want)
				}
			}
		}
	})
}

// A pool that cannot begin:
//
//  1. GORM asks for a transaction and gets ErrInvalidTransaction. The session
//     keeps its pool.
//  2. If the cache's wrapper gave back nil beside the error, the session's
//     pool would be nil, and whoever uses it would panic.
//  3. Writes that GORM would put in a transaction run without one and are seen.
func TestPoolThatCannotBegin(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		for _, prepared := range []bool{false, true} {
			var want []string
			for _, cached := range []bool{false, true} {
				below := d.Open(t, testdb.Options{})
				must(t, below.Migrator().DropTable(&cpRow{}))
				must(t, below.AutoMigrate(&cpRow{}))
				var plugins []gorm.Plugin
				if cached {
					plugins = append(plugins, querycache.New(querycache.Config{}))
				}
				db := overPool(t, d, &barePool{below.Pool}, gorm.Config{PrepareStmt: prepared}, plugins...)
				tx := db.Begin()
				kept := tx.Statement.ConnPool != nil && tx.Statement.ConnPool == db.ConnPool
				if !prepared && !kept {
					t.Errorf("cached %v: the session's pool is %T", cached, tx.Statement.ConnPool)
				}
				_, noDB := db.DB()
				got := []string{fmt.Sprint(tx.Error, kept, noDB,
					db.Transaction(func(*gorm.DB) error { t.Error("it began"); return nil }),
					attempt(func(db *gorm.DB) any {
						var n int
						return db.Raw("SELECT count(*) FROM cp_rows").Row().Scan(&n)
					}, db))}
				for i := range 3 {
					got = append(got, fmt.Sprint(db.Create(&cpRow{i, 1}).Error, cpIDs(t, db), cpIDs(t, db)))
				}
				if !cached {
					want = got
				}
				same(t, got, want)
				same(t, cpIDs(t, db), "[0 1 2]")
			}
		}
	})
}
