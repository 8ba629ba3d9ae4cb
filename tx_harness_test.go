package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// txRow is the one table of the transaction tests; txOther is never written.
type (
	txRow struct {
		ID uint
		N  int
	}
	txOther struct {
		ID uint
		N  int
	}
)

var txWorlds atomic.Int64

// onRows puts the table's name in place of tx_rows in a text.
func onRows(db *gorm.DB, text string) string {
	return strings.ReplaceAll(text, "tx_rows", db.NamingStrategy.TableName("txRow"))
}

var errBack = errors.New("roll back")

// txWorld is a database with two rows, N 10 and 20, read through the cache
// and past it.
type txWorld struct {
	*testing.T
	data   *testdb.Database
	db     *testdb.DB
	plain  *testdb.DB
	plugin *querycache.Plugin
}

func newTxWorld(t *testing.T, d *testdb.Database, config gorm.Config) *txWorld {
	t.Helper()
	return newTxWorldWith(t, d, testdb.Options{Config: config}, querycache.Config{OutcomeHold: time.Hour})
}

func newTxWorldWith(t *testing.T, d *testdb.Database, o testdb.Options, c querycache.Config) *txWorld {
	t.Helper()
	// The databases of one MySQL server share their tags and their catalog,
	// with those of other processes too, and marks outlast a test here: so each
	// has table names of its own.
	o.Config.NamingStrategy = schema.NamingStrategy{TablePrefix: fmt.Sprintf("w%d_%d_", os.Getpid(), txWorlds.Add(1))}
	w := &txWorld{T: t, data: d, plugin: querycache.New(c)}
	w.plain = d.Open(t, testdb.Options{Config: gorm.Config{NamingStrategy: o.Config.NamingStrategy}})
	w.must(w.plain.AutoMigrate(&txRow{}, &txOther{}))
	w.must(w.plain.Create([]txRow{{1, 10}, {2, 20}}).Error)
	w.must(w.plain.Create(&txOther{1, 1}).Error)
	o.Plugins = []gorm.Plugin{w.plugin}
	w.db = d.Open(t, o)
	return w
}

func (w *txWorld) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// read is what a session says of the row 1 in three ways, as one text.
func read(db *gorm.DB) string {
	var r txRow
	var all []txRow
	var sum int
	errs := errors.Join(
		db.Session(&gorm.Session{}).First(&r, 1).Error,
		db.Session(&gorm.Session{}).Order("id").Find(&all).Error,
		db.Session(&gorm.Session{}).Raw(onRows(db, "SELECT sum(n) FROM tx_rows")).Row().Scan(&sum),
	)
	if errs != nil {
		return "error: " + errs.Error()
	}
	return fmt.Sprint(r, all, sum)
}

// rowsAre is what read says when the rows have these N.
func rowsAre(a, b int) string {
	return fmt.Sprint(txRow{1, a}, []txRow{{1, a}, {2, b}}, a+b)
}

// sees demands what the cache says, twice, and that the database agrees.
func (w *txWorld) sees(a, b int) {
	w.Helper()
	for range 2 {
		if got := read(w.db.DB); got != rowsAre(a, b) {
			w.Errorf("the cache says %s, not %s", got, rowsAre(a, b))
		}
	}
	if got := read(w.plain.DB); got != rowsAre(a, b) {
		w.Errorf("the database says %s, not %s", got, rowsAre(a, b))
	}
}

// exec runs a text on tx_rows through the cache.
func (w *txWorld) exec(text string) error { return w.db.Exec(onRows(w.db.DB, text)).Error }

// past runs a text on tx_rows past the cache.
func (w *txWorld) past(text string) {
	w.Helper()
	w.must(w.plain.Exec(onRows(w.db.DB, text)).Error)
}

// queries is how many queries f sends.
func (w *txWorld) queries(f func()) int {
	n := w.db.Recorder.Queries()
	f()
	return w.db.Recorder.Queries() - n
}

// hits demands that reads of the rows send no query.
func (w *txWorld) hits() {
	w.Helper()
	if n := w.queries(func() { read(w.db.DB) }); n != 0 {
		w.Errorf("%d queries, where hits were due; bypassed so far: %v", n, w.plugin.Stats().Bypassed)
	}
}

// misses demands that all three reads of the rows go to the database, and do
// so again.
func (w *txWorld) misses() {
	w.Helper()
	for range 2 {
		if n := w.queries(func() { read(w.db.DB) }); n != 3 {
			w.Errorf("%d queries, where all 3 reads were due at the database", n)
		}
	}
}

// otherHits demands that the table that nobody writes is still cached.
func (w *txWorld) otherHits() {
	w.Helper()
	var o txOther
	if n := w.queries(func() { w.must(w.db.First(&o, 1).Error) }); n != 0 {
		w.Errorf("the read of a table that was not written is no hit; bypassed so far: %v", w.plugin.Stats().Bypassed)
	}
}

// warm fills the cache and demands hits.
func (w *txWorld) warm(a, b int) {
	w.Helper()
	w.sees(a, b)
	w.hits()
	var o txOther
	w.must(w.db.First(&o, 1).Error)
	w.otherHits()
}

func set(db *gorm.DB, id uint, n int) error {
	return db.Session(&gorm.Session{}).Model(&txRow{}).Where("id = ?", id).Update("n", n).Error
}

// onCommit sets a hook on COMMIT: before and after it was applied. One that is
// nil does nothing.
func (w *txWorld) onCommit(before func() error, after func(error) error) {
	w.db.Recorder.SetHooks(testdb.Hooks{
		Before: func(_ context.Context, ev testdb.Event) error {
			if ev.Op == testdb.OpCommit && before != nil {
				return before()
			}
			return nil
		},
		After: func(_ context.Context, ev testdb.Event, err error) error {
			if ev.Op == testdb.OpCommit && after != nil {
				return after(err)
			}
			return err
		},
	})
}

func (w *txWorld) noHooks() { w.db.Recorder.SetHooks(testdb.Hooks{}) }

// onText sets a hook on statements whose text begins so.
func (w *txWorld) onText(prefix string, before func() error, after func(error) error) {
	is := func(ev testdb.Event) bool {
		return (ev.Op == testdb.OpQuery || ev.Op == testdb.OpExec) && strings.HasPrefix(ev.SQL, prefix)
	}
	w.db.Recorder.SetHooks(testdb.Hooks{
		Before: func(_ context.Context, ev testdb.Event) error {
			if is(ev) && before != nil {
				return before()
			}
			return nil
		},
		After: func(_ context.Context, ev testdb.Event, err error) error {
			if is(ev) && after != nil {
				return after(err)
			}
			return err
		},
	})
}
