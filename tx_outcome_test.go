package querycache_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

var errLost = errors.New("connection lost")

// A COMMIT that was applied and whose answer was lost: the new rows are read.
// The database of another process may apply such a COMMIT later still, so the
// rows stay uncached; SQLite, in this process, has done all it will do.
func TestCommitAppliedButAnswerLost(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		for _, lost := range []error{errLost, driver.ErrBadConn, context.DeadlineExceeded} {
			w.must(set(w.db.DB, 1, 10))
			w.sees(10, 20)
			w.onCommit(nil, func(error) error { return lost })
			if err := w.db.Transaction(func(tx *gorm.DB) error { return set(tx, 1, 11) }); !errors.Is(err, lost) {
				w.Fatal(err)
			}
			w.noHooks()
			w.sees(11, 20)
			if w.data.Dialect == testdb.SQLite {
				w.hits()
			} else {
				w.misses()
			}
		}
	})
}

// A COMMIT that never arrived, and one that the application cannot tell from
// it: old rows may be read, but are not cached while the outcome is open.
func TestCommitNotSent(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		w.warm(10, 20)
		w.onCommit(func() error { return errLost }, nil)
		if err := w.db.Transaction(func(tx *gorm.DB) error { return set(tx, 1, 11) }); !errors.Is(err, errLost) {
			w.Fatal(err)
		}
		w.noHooks()
		w.sees(10, 20)
		w.otherHits()
		if w.data.Dialect != testdb.SQLite {
			w.misses()
			w.must(set(w.plain.DB, 1, 11)) // the database applies it late
			w.sees(11, 20)
		}
	})
}

// A database that applies a COMMIT after its connection was lost, between two
// reads: the second sees it.
func TestCommitAppliedLate(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		if d.Dialect == testdb.SQLite {
			return // it lives in this process and answers each COMMIT
		}
		w := newTxWorld(t, d, gorm.Config{})
		w.warm(10, 20)
		w.onText("UPDATE", func() error { return errLost }, nil)
		if err := w.exec("UPDATE tx_rows SET n = 11 WHERE id = 1"); !errors.Is(err, errLost) {
			t.Fatal(err)
		}
		w.noHooks()
		w.sees(10, 20)
		w.past("UPDATE tx_rows SET n = 11 WHERE id = 1")
		w.sees(11, 20)
		w.otherHits()
	})
}

// After OutcomeHold the rows are cached again.
func TestOutcomeHoldEnds(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newTxWorldWith(t, d, testdb.Options{}, querycache.Config{OutcomeHold: time.Millisecond})
		w.warm(10, 20)
		w.onCommit(nil, func(error) error { return errLost })
		if err := set(w.db.DB, 1, 11); !errors.Is(err, errLost) {
			t.Fatal(err)
		}
		w.noHooks()
		w.sees(11, 20)
		for w.queries(func() { w.sees(11, 20) }) > 0 {
			runtime.Gosched() // the test's own deadline ends this if it never comes
		}
		w.hits()
	})
}

// A statement whose answer is lost, outside any transaction, is no different.
func TestAutocommitAnswerLost(t *testing.T) {
	for _, prepared := range []bool{false, true} {
		everywhere(t, func(t *testing.T, d *testdb.Database) {
			w := newTxWorld(t, d, gorm.Config{SkipDefaultTransaction: true, PrepareStmt: prepared})
			w.warm(10, 20)
			w.onText("UPDATE", nil, func(error) error { return errLost })
			if err := set(w.db.DB, 1, 11); !errors.Is(err, errLost) {
				t.Fatal(err)
			}
			w.noHooks()
			w.sees(11, 20)
			w.otherHits()
			if d.Dialect != testdb.SQLite {
				w.misses()
			}
		})
	}
}

// A COMMIT that the database refuses leaves the old rows, which are cached
// again at once: the refusal says that nothing was written.
func TestCommitRefusedByDeferredKey(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		if d.Dialect == testdb.MySQL {
			return // it has no deferred keys
		}
		w := newTxWorld(t, d, gorm.Config{})
		w.past("CREATE TABLE tx_children (id int, row_id int REFERENCES tx_rows (id) DEFERRABLE INITIALLY DEFERRED)")
		w.warm(10, 20)
		tx := w.db.Begin()
		w.must(set(tx, 1, 11))
		w.must(tx.Exec("INSERT INTO tx_children VALUES (1, 999)").Error)
		if tx.Commit().Error == nil {
			t.Fatal("the database took an orphan")
		}
		w.sees(10, 20)
		w.hits()
	})
}

// A context that ends before, while or after COMMIT is sent: whatever the
// database made of it, the cache says the same.
func TestCommitAndCancelledContext(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		a := 10
		truth := func() int {
			var r txRow
			w.must(w.plain.First(&r, 1).Error)
			return r.N
		}
		for _, when := range []string{"before", "while", "applied", "after"} {
			w.sees(a, 20)
			ctx, cancel := context.WithCancel(w.Context())
			tx := w.db.WithContext(ctx).Begin()
			w.must(set(tx, 1, a+1))
			var err error
			switch when {
			case "before":
				cancel()
				err = tx.Commit().Error
			case "while":
				w.onCommit(func() error { cancel(); return nil }, nil)
				err = tx.Commit().Error
			case "applied":
				w.onCommit(nil, func(err error) error { cancel(); return err })
				err = tx.Commit().Error
			case "after":
				err = tx.Commit().Error
				cancel()
			}
			cancel()
			w.noHooks()
			if got := truth(); (when == "after" || err == nil) && got != a+1 {
				w.Errorf("%s: committed with %v, but the row is %d", when, err, got)
			}
			a = truth()
			w.sees(a, 20)
			w.otherCached()
		}
	})
}

// otherCached reads the table that nobody writes, whether cached yet or not.
func (w *txWorld) otherCached() {
	w.Helper()
	var o txOther
	w.must(w.db.First(&o, 1).Error)
	w.otherHits()
}

// A context that ends while an autocommit statement runs.
func TestAutocommitAndCancelledContext(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newTxWorld(t, d, gorm.Config{SkipDefaultTransaction: true})
		w.warm(10, 20)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.onText("UPDATE", nil, func(err error) error {
			cancel()
			return errors.Join(ctx.Err(), err)
		})
		if err := set(w.db.WithContext(ctx), 1, 11); err == nil {
			t.Fatal("no error")
		}
		w.noHooks()
		w.sees(11, 20)
	})
}

// Statements that fail inside: what the database did with the transaction is
// its own affair, and differs.
func TestTransactionWithAFailingStatement(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		w.warm(10, 20)
		tx := w.db.Begin()
		w.must(set(tx, 1, 11))
		insert := "INSERT INTO tx_rows (id, n) VALUES (2, 99)"
		if w.data.Dialect == testdb.SQLite {
			insert = strings.Replace(insert, "INSERT", "INSERT OR ROLLBACK", 1)
		}
		if tx.Exec(onRows(tx, insert)).Error == nil {
			w.Fatal("the duplicate was accepted")
		}
		w.sees(10, 20)
		err := set(tx, 2, 22)
		if w.data.Dialect == testdb.SQLite {
			w.must(err)
			w.sees(10, 22) // the statement was a transaction of its own
		} else {
			w.sees(10, 20)
		}
		err = tx.Commit().Error
		switch w.data.Dialect {
		case testdb.SQLite: // no transaction is active
			if err == nil {
				w.Error("SQLite committed a transaction that it had rolled back")
			}
			w.sees(10, 22)
		case testdb.Postgres: // aborted
			if err == nil {
				w.Error("Postgres committed an aborted transaction")
			}
			w.sees(10, 20)
		case testdb.MySQL: // the statement alone failed
			w.must(err)
			w.sees(11, 22)
		}
	})
}

// MySQL rolls a transaction back that was chosen to end a deadlock; what
// follows on its connection commits by itself.
func TestTransactionThatWasADeadlocksVictim(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		if d.Dialect != testdb.MySQL {
			return
		}
		for _, prepared := range []bool{false, true} {
			w := newTxWorld(t, d, gorm.Config{PrepareStmt: prepared})
			w.warm(10, 20)
			one, two := w.db.Begin(), w.db.Begin()
			w.must(set(one, 1, 11))
			w.must(set(two, 2, 22))
			waits := make(chan error, 1)
			go func() { waits <- set(one, 2, 12) }()
			err2 := set(two, 1, 21) // one of the two is told of the deadlock
			err1 := <-waits
			victim, winner := two, one
			if err1 != nil {
				victim, winner = one, two
			}
			if (err1 == nil) == (err2 == nil) {
				t.Fatal("no deadlock: ", err1, err2)
			}
			w.must(winner.Rollback().Error)
			w.must(set(victim, 1, 31)) // by itself
			w.sees(31, 20)
			w.must(victim.Commit().Error)
			w.sees(31, 20)
		}
	})
}
