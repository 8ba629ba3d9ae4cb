package querycache_test

import (
	"runtime"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// A *sql.Tx that the user began and handed to a session: what it writes is
// uncached until it is over, and fresh after.
func TestForeignTransaction(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		for _, prepared := range []bool{false, true} {
			for _, commit := range []bool{true, false} {
				w := newTxWorldWith(t, d, testdb.Options{Config: gorm.Config{PrepareStmt: prepared}}, querycache.Config{OutcomeHold: time.Millisecond})
				w.warm(10, 20)
				tx, err := w.db.Pool.BeginTx(t.Context(), nil)
				w.must(err)
				s := w.db.Session(&gorm.Session{NewDB: true, Context: t.Context()})
				s.Statement.ConnPool = tx
				w.must(set(s, 1, 11))
				if got := read(s); got != rowsAre(11, 20) {
					t.Errorf("the transaction sees %s", got)
				}
				w.sees(10, 20)
				w.misses()
				w.otherHits()
				a := 10
				if commit {
					w.must(tx.Commit())
					a = 11
				} else {
					w.must(tx.Rollback())
				}
				w.sees(a, 20)
				for w.queries(func() { w.sees(a, 20) }) > 0 {
					runtime.Gosched() // cached again once the hold is over
				}
				w.hits()
			}
		}
	})
}

// Transactions and sessions that were there before db.Use.
func TestTransactionAndSessionFromBeforeUse(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		for _, prepared := range []bool{false, true} {
			w := newTxWorld(t, d, gorm.Config{})
			db := d.Open(t, testdb.Options{Config: gorm.Config{PrepareStmt: prepared, NamingStrategy: w.plain.NamingStrategy}})
			tx := db.Begin()
			if prepared {
				read(db.DB)
			}
			old := db.Session(&gorm.Session{})
			oldPrepared := db.Session(&gorm.Session{PrepareStmt: true})
			chained := db.Model(&txRow{}).Where("id = ?", 2)
			p := querycache.New(querycache.Config{})
			w.must(db.Use(p))
			t.Cleanup(func() { _ = p.Close(t.Context()) })
			w.db, w.plugin = db, p
			w.warm(10, 20)
			w.must(set(tx, 1, 11))
			w.sees(10, 20)
			w.must(tx.Commit().Error)
			w.sees(11, 20)

			w.must(set(old, 1, 12))
			w.sees(12, 20)
			w.must(set(oldPrepared, 1, 13))
			w.sees(13, 20)
			w.must(old.Transaction(func(tx *gorm.DB) error {
				if err := set(tx, 1, 14); err != nil {
					return err
				}
				w.sees(13, 20)
				return nil
			}))
			w.sees(14, 20)
			w.must(oldPrepared.Transaction(func(tx *gorm.DB) error { return set(tx, 1, 15) }))
			w.sees(15, 20)
			w.must(chained.Update("n", 21).Error)
			w.sees(15, 21)
			read(old)
			w.must(old.Exec(onRows(old, "UPDATE tx_rows SET n = 22 WHERE id = 2")).Error)
			w.sees(15, 22)
			if got := read(old); got != rowsAre(15, 22) {
				t.Errorf("the old session reads %s", got)
			}
		}
	})
}

// One connection taken out of the pool, with autocommit, a transaction of
// GORM's and one by raw SQL.
func TestConnection(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		begin := "BEGIN"
		w.warm(10, 20)
		w.must(w.db.Connection(func(c *gorm.DB) error {
			w.must(set(c, 1, 11))
			w.sees(11, 20)
			if got := read(c); got != rowsAre(11, 20) {
				w.Errorf("the connection reads %s", got)
			}
			w.must(c.Transaction(func(tx *gorm.DB) error {
				w.must(set(tx, 1, 12))
				w.sees(11, 20)
				return nil
			}))
			w.sees(12, 20)
			w.must(c.Exec(begin).Error)
			w.must(set(c.Session(&gorm.Session{SkipDefaultTransaction: true}), 1, 13))
			w.sees(12, 20)
			w.must(c.Exec("COMMIT").Error)
			w.sees(13, 20)
			w.must(c.Exec(begin).Error)
			w.must(c.Exec(onRows(c, "UPDATE tx_rows SET n = 14 WHERE id = 1")).Error)
			w.sees(13, 20)
			w.must(c.Exec("ROLLBACK").Error)
			w.sees(13, 20)
			return nil
		}))
		w.sees(13, 20)
	})
}

// A repeatable-read transaction that took its snapshot before a write reads
// old rows; nobody else does.
func TestOldSnapshotFillsNothing(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		w.warm(10, 20)
		tx := w.db.Begin()
		if w.data.Dialect == testdb.Postgres {
			w.must(tx.Exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").Error)
		}
		read(tx)
		w.must(set(w.db.DB, 1, 11))
		if got := read(tx); got != rowsAre(10, 20) {
			w.Errorf("the snapshot is %s", got)
		}
		w.sees(11, 20)
		read(tx)
		w.sees(11, 20)
		w.must(tx.Commit().Error)
		w.sees(11, 20)
	})
}

// Two writers of one table at once: the first to finish does not clear the
// way for old rows of the second.
func TestTwoWritersTheFirstEndsFirst(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newTxWorld(t, d, gorm.Config{})
		if d.Dialect == testdb.SQLite {
			return // it has one writer at a time
		}
		w.warm(10, 20)
		atCommit, proceed := make(chan struct{}), make(chan struct{})
		first := true
		w.onCommit(func() error {
			if first {
				first = false
				close(atCommit)
				<-proceed
			}
			return nil
		}, nil)
		one, two := w.db.Begin(), w.db.Begin()
		w.must(set(one, 1, 11))
		w.must(set(two, 2, 22))
		done := make(chan error, 1)
		go func() { done <- one.Commit().Error }()
		<-atCommit // its COMMIT is not sent yet
		w.must(two.Commit().Error)
		w.sees(10, 22)
		w.misses() // the other's mark stands
		close(proceed)
		w.must(<-done)
		w.sees(11, 22)
		w.hits()
	})
}

// A statement that returns rows is over when they are: until then its tables
// are uncached.
func TestAutocommitReturningReadSlowly(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		if d.Dialect == testdb.MySQL {
			return // it has no RETURNING on updates
		}
		for _, prepared := range []bool{false, true} {
			w := newTxWorld(t, d, gorm.Config{PrepareStmt: prepared})
			w.warm(10, 20)
			rows, err := w.db.Raw(onRows(w.db.DB, "UPDATE tx_rows SET n = n + 1 RETURNING id")).Rows()
			w.must(err)
			for rows.Next() {
				if got, want := read(w.db.DB), read(w.plain.DB); got != want {
					t.Errorf("the cache says %s, the database %s", got, want)
				}
				w.misses()
			}
			w.must(rows.Close())
			w.sees(11, 21)
			w.hits()
			row := w.db.Raw(onRows(w.db.DB, "UPDATE tx_rows SET n = n + 1 RETURNING id")).Row()
			w.misses()
			var id int
			w.must(row.Scan(&id))
			w.sees(12, 22)
			w.hits()
		}
	})
}

// A session that asks for prepared statements on a database that has them
// already: GORM puts one pool of them above the other. Such a session's writes
// touch their tables, and no others of the process for good.
func TestPreparedSessionOfPreparedDatabase(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newTxWorld(t, d, gorm.Config{PrepareStmt: true})
		w.warm(10, 20)
		s := w.db.Session(&gorm.Session{PrepareStmt: true})
		w.must(set(s, 1, 11))
		w.otherHits()
		w.sees(11, 20)
		w.hits()
		w.must(s.Transaction(func(tx *gorm.DB) error {
			if _, ok := querycache.SQLTx(tx); !ok {
				t.Error("no *sql.Tx")
			}
			return set(tx, 1, 12)
		}))
		w.otherHits()
		w.sees(12, 20)
		w.hits()
		if n := w.queries(func() { read(s) }); n != 0 {
			t.Errorf("%d queries by the session, where hits were due", n)
		}
	})
}
