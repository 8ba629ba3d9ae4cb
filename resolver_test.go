package querycache_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"
	"gorm.io/plugin/dbresolver"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// resolved is a source, a replica with other rows, and a source of its own for
// one table.
type resolved struct {
	*testing.T
	db                     *gorm.DB
	source, replica, other *testdb.DB // past the plugin, counting what is sent
	plugin                 *querycache.Plugin
}

func dialectorOf(d testdb.Dialect, db *testdb.DB) gorm.Dialector {
	switch d {
	case testdb.Postgres:
		return postgres.New(postgres.Config{Conn: db.Pool})
	case testdb.MySQL:
		return mysql.New(mysql.Config{Conn: db.Pool})
	}
	return sqlite.New(sqlite.Config{Conn: db.Pool})
}

// noTTL is the one lifetime of prepared statements for which GORM starts no
// goroutine, which it would never stop.
const noTTL = 10 * 365 * 24 * time.Hour

// newResolved installs dbresolver and the plugin in either order. The N of
// each first row says which database it is from.
func newResolved(t *testing.T, data [3]*testdb.Database, cacheFirst, prepared bool, c querycache.Config) *resolved {
	t.Helper()
	r := &resolved{T: t, plugin: querycache.New(c)}
	naming := schema.NamingStrategy{TablePrefix: fmt.Sprintf("r%d_", txWorlds.Add(1))}
	for i, db := range []**testdb.DB{&r.source, &r.replica, &r.other} {
		*db = data[i].Open(t, testdb.Options{Config: gorm.Config{NamingStrategy: naming}})
		r.must((*db).AutoMigrate(&txRow{}, &txOther{}))
		r.must((*db).Create(&txRow{1, 100 * (i + 1)}).Error)
		r.must((*db).Create(&txOther{1, 100 * (i + 1)}).Error)
	}
	db, err := gorm.Open(dialectorOf(data[0].Dialect, r.source), &gorm.Config{PrepareStmt: prepared, PrepareStmtTTL: noTTL, NamingStrategy: naming})
	r.must(err)
	r.db = db
	dr := dbresolver.Register(dbresolver.Config{Replicas: []gorm.Dialector{dialectorOf(data[0].Dialect, r.replica)}}).
		Register(dbresolver.Config{Sources: []gorm.Dialector{dialectorOf(data[0].Dialect, r.other)}}, &txOther{})
	if cacheFirst {
		r.must(db.Use(r.plugin))
		r.must(db.Use(dr))
	} else {
		r.must(db.Use(dr))
		r.must(db.Use(r.plugin))
	}
	t.Cleanup(func() { _ = r.plugin.Close(t.Context()) })
	return r
}

func (r *resolved) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func rowN(db *gorm.DB) int {
	var v txRow
	if db.First(&v, 1).Error != nil {
		return -1
	}
	return v.N
}

func otherN(db *gorm.DB) int {
	var v txOther
	if db.First(&v, 1).Error != nil {
		return -1
	}
	return v.N
}

// says demands what reads give: of the replica, of the source by choice, and
// of the table with a source of its own.
func (r *resolved) says(replica, source, other int) {
	r.Helper()
	for range 3 {
		got := []int{rowN(r.db), rowN(r.db.Clauses(dbresolver.Write)), otherN(r.db)}
		if want := []int{replica, source, other}; fmt.Sprint(got) != fmt.Sprint(want) {
			r.Errorf("read %v, want %v", got, want)
		}
	}
}

func inResolved(t *testing.T, c querycache.Config, run func(r *resolved)) {
	t.Helper()
	for _, dialect := range []testdb.Dialect{testdb.SQLite, testdb.Postgres, testdb.MySQL} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			holdServer(t, dialect)
			// Shared by all that follows, which has tables of its own: making
			// databases is slow.
			var data [3]*testdb.Database
			for i := range data {
				data[i] = testdb.New(t, dialect)
			}
			for _, cacheFirst := range []bool{false, true} {
				for _, prepared := range []bool{false, true} {
					t.Run(fmt.Sprintf("cache first %v, prepared %v", cacheFirst, prepared), func(t *testing.T) {
						run(newResolved(t, data, cacheFirst, prepared, c))
					})
				}
			}
		})
	}
}

// Beside dbresolver a read is answered with the rows of the database that
// plain GORM would have asked, and every write to a source is seen.
func TestResolver(t *testing.T) {
	inResolved(t, querycache.Config{}, func(r *resolved) {
		r.says(200, 100, 300)
		n := r.source.Recorder.Queries() + r.other.Recorder.Queries()
		r.says(200, 100, 300)
		if m := r.source.Recorder.Queries() + r.other.Recorder.Queries(); m != n {
			r.Errorf("%d queries of sources, where hits were due", m-n)
		}
		write := func(what string, source, other int, f func() error) {
			r.Helper()
			if err := f(); err != nil {
				r.Fatalf("%s: %v", what, err)
			}
			r.says(200, source, other)
		}
		rows := r.db.NamingStrategy.TableName("txRow")
		others := r.db.NamingStrategy.TableName("txOther")
		write("update", 101, 300, func() error { return set(r.db, 1, 101) })
		write("update of a table with its own source", 101, 301, func() error {
			return r.db.Model(&txOther{}).Where("id = 1").Update("n", 301).Error
		})
		write("raw", 102, 301, func() error { return r.db.Exec("UPDATE " + rows + " SET n = 102").Error })
		write("raw elsewhere", 102, 302, func() error {
			return r.db.Clauses(dbresolver.Use(others)).Exec("UPDATE " + others + " SET n = 302").Error
		})
		write("transaction", 103, 302, func() error {
			return r.db.Transaction(func(tx *gorm.DB) error {
				if err := set(tx, 1, 103); err != nil {
					return err
				}
				if got := rowN(tx); got != 103 {
					r.Errorf("the transaction reads %d", got)
				}
				r.says(200, 102, 302)
				return nil
			})
		})
		write("transaction that is rolled back", 103, 302, func() error {
			_ = r.db.Transaction(func(tx *gorm.DB) error {
				_ = set(tx, 1, 104)
				return errBack
			})
			return nil
		})
		write("transaction on a chosen source", 103, 303, func() error {
			tx := r.db.Clauses(dbresolver.Use(others), dbresolver.Write).Begin()
			if err := tx.Model(&txOther{}).Where("id = 1").Update("n", 303).Error; err != nil {
				return err
			}
			r.says(200, 103, 302)
			return tx.Commit().Error
		})
		write("transaction on the chosen source of all", 105, 303, func() error {
			tx := r.db.Clauses(dbresolver.Write).Begin()
			if err := set(tx, 1, 105); err != nil {
				return err
			}
			return tx.Commit().Error
		})

		r.must(set(r.replica.DB, 1, 201)) // replicated at last
		r.says(201, 105, 303)
	})
}

// What a replica says is cached if it is known how far it lags, once the last
// write is older than that.
func TestResolverWithReplicaLag(t *testing.T) {
	inResolved(t, querycache.Config{ReplicaLag: 2 * time.Millisecond}, func(r *resolved) {
		settle := func() {
			for {
				n := r.replica.Recorder.Queries()
				rowN(r.db)
				if r.replica.Recorder.Queries() == n {
					return
				}
				runtime.Gosched() // until the lag has passed
			}
		}
		r.says(200, 100, 300)
		settle()
		r.says(200, 100, 300)
		r.must(set(r.db, 1, 101))
		r.must(set(r.replica.DB, 1, 101)) // replicated within the lag
		r.says(101, 101, 300)
		settle()
		r.says(101, 101, 300)
	})
	inResolved(t, querycache.Config{ReplicaLag: time.Hour}, func(r *resolved) {
		r.must(set(r.db, 1, 101))
		r.says(200, 101, 300) // read on the replica, and not kept
		r.must(set(r.replica.DB, 1, 101))
		r.says(101, 101, 300)
	})
}
