package querycache_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// txConfigs are the settings that change how GORM runs a transaction.
var txConfigs = map[string]gorm.Config{
	"default":    {},
	"prepared":   {PrepareStmt: true, SkipDefaultTransaction: true},
	"no nesting": {DisableNestedTransaction: true},
}

func inTxWorlds(t *testing.T, run func(w *txWorld)) {
	t.Helper()
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		for name, config := range txConfigs {
			t.Run(name, func(t *testing.T) {
				run(newTxWorld(t, d, config))
			})
		}
	})
}

// A transaction touches what it wrote when it commits, not before and not if
// it is rolled back; others see nothing of it meanwhile, it sees itself.
func TestTransactions(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		w.warm(10, 20)
		err := w.db.Transaction(func(tx *gorm.DB) error {
			if err := set(tx, 1, 11); err != nil {
				return err
			}
			if got := read(tx); got != rowsAre(11, 20) {
				w.Errorf("the transaction sees %s", got)
			}
			w.sees(10, 20)
			w.hits() // what is committed is cached still
			return errBack
		})
		if !errors.Is(err, errBack) {
			w.Fatal(err)
		}
		w.hits() // a rollback touches nothing
		w.sees(10, 20)

		w.must(w.db.Transaction(func(tx *gorm.DB) error { return set(tx, 1, 11) }))
		w.otherHits()
		w.sees(11, 20)
		w.hits()

		tx := w.db.Begin()
		w.must(set(tx, 2, 21))
		w.sees(11, 20)
		w.must(tx.Commit().Error)
		w.sees(11, 21)

		tx = w.db.Begin()
		w.must(set(tx, 2, 22))
		w.must(tx.Rollback().Error)
		w.hits()
		w.sees(11, 21)

		tx = w.db.Begin()
		read(tx)
		w.must(tx.Commit().Error)
		w.hits() // it wrote nothing
		w.otherHits()
	})
}

// What a savepoint's rollback undoes may be touched needlessly; what stays is
// touched at the outer commit.
func TestTransactionsNested(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		w.warm(10, 20)
		nested := !w.db.DisableNestedTransaction
		w.must(w.db.Transaction(func(tx *gorm.DB) error {
			if err := set(tx, 1, 11); err != nil {
				return err
			}
			err := tx.Transaction(func(inner *gorm.DB) error {
				if err := set(inner, 2, 21); err != nil {
					return err
				}
				w.sees(10, 20)
				return errBack
			})
			if !errors.Is(err, errBack) {
				return err
			}
			w.sees(10, 20)
			return nil
		}))
		second := 20
		if !nested {
			second = 21 // nothing was undone
		}
		w.otherHits()
		w.sees(11, second)

		w.must(w.db.Transaction(func(tx *gorm.DB) error { // the inner one alone writes
			return tx.Transaction(func(inner *gorm.DB) error { return set(inner, 1, 12) })
		}))
		w.sees(12, second)

		err := w.db.Transaction(func(tx *gorm.DB) error { // the inner one "commits", the outer does not
			if err := tx.Transaction(func(inner *gorm.DB) error { return set(inner, 1, 13) }); err != nil {
				return err
			}
			w.sees(12, second)
			return errBack
		})
		if !errors.Is(err, errBack) {
			w.Fatal(err)
		}
		w.hits()
		w.sees(12, second)

		tx := w.db.Begin()
		w.must(set(tx, 1, 14))
		w.must(tx.SavePoint("one").Error)
		w.must(set(tx, 1, 15))
		w.must(tx.SavePoint("two").Error)
		w.must(set(tx, 2, 25))
		w.must(tx.RollbackTo("two").Error)
		w.hits()
		w.sees(12, second)
		w.must(tx.RollbackTo("one").Error)
		if got := read(tx); got != rowsAre(14, second) {
			w.Errorf("the transaction sees %s", got)
		}
		w.must(tx.Commit().Error)
		w.sees(14, second)
		w.otherHits()
	})
}

// A panic inside rolls back and touches nothing; the connection comes back.
func TestTransactionPanics(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		w.warm(10, 20)
		func() {
			defer func() {
				if recover() == nil {
					w.Error("no panic")
				}
			}()
			_ = w.db.Transaction(func(tx *gorm.DB) error {
				w.must(set(tx, 1, 11))
				panic("within")
			})
		}()
		w.hits()
		w.sees(10, 20)
		w.must(set(w.db.DB, 1, 12))
		w.sees(12, 20)
		w.hits()
	})
}

// txHooked fails or reads in its hooks, as the context asks.
type txHooked struct {
	ID uint
	N  int
}

func (txHooked) TableName(n schema.Namer) string { return n.TableName("txRow") }

type hookKey struct{}

func (txHooked) AfterSave(tx *gorm.DB) error {
	if f, ok := tx.Statement.Context.Value(hookKey{}).(func(*gorm.DB) error); ok {
		return f(tx)
	}
	return nil
}

// A single write runs in a transaction of its own. A hook that fails undoes
// it, without one it stays; either way the cache follows.
func TestTransactionOfOneWriteWithHooks(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		w.warm(10, 20)
		with := func(f func(*gorm.DB) error) *gorm.DB {
			return w.db.WithContext(context.WithValue(w.Context(), hookKey{}, f))
		}
		failing := with(func(tx *gorm.DB) error {
			if !w.db.SkipDefaultTransaction {
				w.sees(10, 20)
			}
			return errBack
		})
		if err := failing.Save(&txHooked{1, 11}).Error; !errors.Is(err, errBack) {
			w.Fatal(err)
		}
		first := 10
		if w.db.SkipDefaultTransaction {
			first = 11 // the statement had been committed
		} else {
			w.hits()
		}
		w.sees(first, 20)

		writing := with(func(tx *gorm.DB) error {
			return tx.Exec(onRows(tx, "UPDATE tx_rows SET n = 22 WHERE id = 2")).Error
		})
		w.must(writing.Save(&txHooked{1, 12}).Error)
		w.sees(12, 22)
		w.otherHits()

		elsewhere := with(func(tx *gorm.DB) error { // on another session, where the write is not seen
			got := read(w.db.DB)
			if want := read(w.plain.DB); got != want {
				w.Errorf("the cache says %s, the database %s", got, want)
			}
			return nil
		})
		w.must(elsewhere.Save(&txHooked{1, 13}).Error)
		w.sees(13, 22)
	})
}

// The application's own code that runs right after the commit, in a callback
// or after Transaction, reads what was committed.
func TestTransactionReadAtOnceAfterCommit(t *testing.T) {
	inTxWorlds(t, func(w *txWorld) {
		var got string
		w.must(w.db.Callback().Update().After("gorm:commit_or_rollback_transaction").Register("test:after", func(tx *gorm.DB) {
			got = read(w.db.DB)
		}))
		w.warm(10, 20)
		w.must(set(w.db.DB, 1, 11))
		if got != rowsAre(11, 20) {
			w.Errorf("after the commit of a single write: %s", got)
		}
		w.sees(11, 20)
	})
}

// A read-only transaction, and one at another isolation, are transactions.
func TestTransactionOptions(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newTxWorld(t, d, gorm.Config{})
		w.warm(10, 20)
		if d.Dialect != testdb.SQLite { // its driver ignores the option
			err := w.db.Transaction(func(tx *gorm.DB) error {
				if set(tx, 1, 99) == nil {
					w.Error("a read-only transaction has written")
				}
				return errBack
			}, &sql.TxOptions{ReadOnly: true})
			if !errors.Is(err, errBack) {
				w.Fatal(err)
			}
		}
		w.sees(10, 20)
		if d.Dialect != testdb.SQLite {
			w.must(w.db.Transaction(func(tx *gorm.DB) error { return set(tx, 1, 12) }, &sql.TxOptions{Isolation: sql.LevelSerializable}))
			w.sees(12, 20)
		}
	})
}
