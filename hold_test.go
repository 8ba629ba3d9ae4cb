package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// hoRow is the table of these tests.
type hoRow struct {
	ID int `gorm:"autoIncrement:false"`
	N  int
}

// Writes that fail before anything is sent:
//
//  1. A read is cached. A write's context ends, or it has an argument that no
//     driver takes.
//  2. database/sql or the driver says so without sending it.
//  3. An error of which nobody knows whether the server did the write would
//     keep its table from the cache for OutcomeHold. This is none: reads are
//     hits again.
func TestWritesThatWereNotSentHoldNothing(t *testing.T) {
	t.Parallel()
	for _, dialect := range []testdb.Dialect{testdb.Postgres, testdb.MySQL} {
		t.Run(string(dialect), func(t *testing.T) {
			holdServer(t, dialect)
			d := testdb.New(t, dialect)
			must(t, d.Open(t, testdb.Options{}).AutoMigrate(&hoRow{}))
			must(t, d.Open(t, testdb.Options{}).Create(&hoRow{1, 1}).Error)
			for name, config := range map[string]gorm.Config{
				"plain": {}, "prepared": {PrepareStmt: true}, "autocommit": {SkipDefaultTransaction: true},
				"prepared, autocommit": {PrepareStmt: true, SkipDefaultTransaction: true},
			} {
				t.Run(name, func(t *testing.T) { testNotSent(t, d, config) })
			}
		})
	}
}

func testNotSent(t *testing.T, d *testdb.Database, config gorm.Config) {
	p := open(t, d, opening{Options: testdb.Options{Config: config}, Config: querycache.Config{OutcomeHold: time.Hour}})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	unfit := make(chan int)
	for name, write := range map[string]func(db *gorm.DB) error{
		"exec": func(db *gorm.DB) error {
			return db.WithContext(over).Exec("UPDATE ho_rows SET n = 2").Error
		},
		"exec, late": func(db *gorm.DB) error {
			return db.WithContext(late).Exec("UPDATE ho_rows SET n = 2").Error
		},
		"update": func(db *gorm.DB) error {
			return db.WithContext(over).Model(&hoRow{ID: 1}).Update("n", 2).Error
		},
		"create": func(db *gorm.DB) error { return db.WithContext(over).Create(&hoRow{9, 9}).Error },
		"returning": func(db *gorm.DB) error {
			return db.WithContext(over).Clauses(clause.Returning{}).Where("id = 9").Delete(&[]hoRow{}).Error
		},
		"rows": func(db *gorm.DB) error {
			rows, err := db.WithContext(over).Raw("DELETE FROM ho_rows WHERE id = 9 RETURNING id").Rows()
			if err == nil {
				err = errors.Join(errors.New("there are rows"), rows.Close(), rows.Err())
			}
			return err
		},
		"row": func(db *gorm.DB) error {
			return db.WithContext(over).Raw("DELETE FROM ho_rows WHERE id = 9 RETURNING id").Row().Scan(new(int))
		},
		"in a transaction": func(db *gorm.DB) error {
			return db.Transaction(func(tx *gorm.DB) error {
				return tx.WithContext(over).Exec("UPDATE ho_rows SET n = 2").Error
			})
		},
		"an argument": func(db *gorm.DB) error {
			return db.Exec("UPDATE ho_rows SET n = ?", unfit).Error
		},
		"an argument of a row": func(db *gorm.DB) error {
			return db.Raw("DELETE FROM ho_rows WHERE n = ? RETURNING id", unfit).Row().Scan(new(int))
		},
		"an argument of an update": func(db *gorm.DB) error {
			return db.Model(&hoRow{}).Where("id = ?", unfit).Update("n", 2).Error
		},
	} {
		t.Run(name, func(t *testing.T) {
			read := all[hoRow]
			p.hits(t, read)
			failing := func(db *gorm.DB) any { return fmt.Sprint(write(db)) }
			want, got := attempt(failing, p.plain.DB), attempt(failing, p.cached.DB)
			if name == "row" && config.PrepareStmt {
				want = over.Err().Error() // of which plain GORM makes an empty *sql.Row, whose Scan panics
			}
			if got != want || want == fmt.Sprint(error(nil)) {
				t.Errorf("the error is %v, plain GORM's %v", got, want)
			}
			p.hits(t, read)
		})
	}
	if n := p.cache.Stats().Bypassed[querycache.ReasonPending]; n != 0 {
		t.Errorf("%d reads found a write pending", n)
	}
}
