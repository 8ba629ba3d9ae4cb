package querycache_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// stop holds the first call that reaches it until it is opened; later ones
// pass.
type stop struct {
	met     atomic.Bool
	reached chan struct{}
	open    chan struct{}
}

func newStop() *stop { return &stop{reached: make(chan struct{}), open: make(chan struct{})} }

func (s *stop) wait() {
	if s.met.CompareAndSwap(false, true) {
		close(s.reached)
		<-s.open
	}
}

// stopReadAfter stops the first read of the rows when the database has
// answered it: at the end of its rows, which are thus old by now.
func (w *txWorld) stopReadAfter(s *stop) {
	w.db.Recorder.SetHooks(testdb.Hooks{After: func(_ context.Context, ev testdb.Event, err error) error {
		if ev.Op == testdb.OpRowsClose && strings.Contains(ev.SQL, "tx_rows") && strings.HasPrefix(ev.SQL, "SELECT") {
			s.wait()
		}
		return err
	}})
}

// stopReadBefore stops the first read of the rows before it is sent.
func (w *txWorld) stopReadBefore(s *stop) {
	w.db.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
		if ev.Op == testdb.OpQuery && strings.Contains(ev.SQL, "tx_rows") && strings.HasPrefix(ev.SQL, "SELECT") {
			s.wait()
		}
		return nil
	}})
}

// raceReads are the forms a read can take, each of the row 1.
var raceReads = map[string]func(db *gorm.DB) (int, error){
	"snapshot": func(db *gorm.DB) (int, error) {
		var r txRow
		err := db.Session(&gorm.Session{}).First(&r, 1).Error
		return r.N, err
	},
	"rows": func(db *gorm.DB) (n int, err error) {
		err = db.Raw(onRows(db, "SELECT n FROM tx_rows WHERE id = ?"), 1).Row().Scan(&n)
		return n, err
	},
	"map": func(db *gorm.DB) (int, error) {
		var v []map[string]any
		err := db.Session(&gorm.Session{}).Model(&txRow{}).Select("n AS n").Where("id = 1").Find(&v).Error
		if err != nil || len(v) != 1 {
			return 0, err
		}
		return int(toInt(v[0]["n"])), nil
	},
}

func toInt(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case int32:
		return int64(n)
	case int:
		return int64(n)
	}
	return -1
}

type asked struct {
	n   int
	err error
}

// inRaceWorlds runs for each form of read, with and without prepared
// statements.
func inRaceWorlds(t *testing.T, run func(w *txWorld, ask func(*gorm.DB) asked)) {
	t.Helper()
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		for name, f := range raceReads {
			for _, prepared := range []bool{false, true} {
				if prepared == (name == "rows") {
					continue // half of the combinations, for the sake of time
				}
				t.Run(name, func(t *testing.T) {
					w := newTxWorld(t, d, gorm.Config{PrepareStmt: prepared})
					run(w, func(db *gorm.DB) asked {
						n, err := f(db)
						return asked{n, err}
					})
				})
			}
		}
	})
}

func (w *txWorld) is(got asked, want int) {
	w.Helper()
	if got.err != nil || got.n != want {
		w.Errorf("read %d, %v; want %d", got.n, got.err, want)
	}
}

// 1. A reader reads old rows. 2. A writer commits and returns. 3. The reader
// stores. 4. Nobody gets what it stored, and the next read fills anew.
func TestLateFill(t *testing.T) {
	inRaceWorlds(t, func(w *txWorld, ask func(*gorm.DB) asked) {
		s, late := newStop(), make(chan asked, 1)
		w.stopReadAfter(s)
		go func() { late <- ask(w.db.DB) }()
		<-s.reached
		w.must(set(w.db.DB, 1, 11))
		w.is(ask(w.db.DB), 11)
		close(s.open)
		w.is(<-late, 10)
		w.is(ask(w.db.DB), 11)
		n := w.queries(func() { w.is(ask(w.db.DB), 11) })
		if n != 0 {
			w.Error("what the second reader stored is gone")
		}
	})
}

// 1. A reader leads a flight and reads old rows. 2. A writer commits and
// returns. 3. Another reader begins: it does not take part in that flight.
func TestFlightIsNotJoinedAcrossAWrite(t *testing.T) {
	inRaceWorlds(t, func(w *txWorld, ask func(*gorm.DB) asked) {
		s, leader := newStop(), make(chan asked, 1)
		w.stopReadAfter(s)
		go func() { leader <- ask(w.db.DB) }()
		<-s.reached
		w.must(set(w.db.DB, 1, 11))
		for range 3 { // the leader is under way all the time
			w.is(ask(w.db.DB), 11)
		}
		close(s.open)
		w.is(<-leader, 10)
		w.is(ask(w.db.DB), 11)
	})
}

// 1. A flight is under way before a write, with its query not yet sent. 2. The
// write returns. 3. The leader's query is sent and reads new rows, under an
// old sample: right to return, wrong to store, harmless either way.
func TestFlightSentAfterAWrite(t *testing.T) {
	inRaceWorlds(t, func(w *txWorld, ask func(*gorm.DB) asked) {
		s, leader := newStop(), make(chan asked, 1)
		w.stopReadBefore(s)
		go func() { leader <- ask(w.db.DB) }()
		<-s.reached
		w.must(set(w.db.DB, 1, 11))
		close(s.open)
		w.is(<-leader, 11)
		w.must(set(w.db.DB, 1, 12))
		w.is(ask(w.db.DB), 12)
	})
}

// 1. COMMIT is applied. 2. Its call has not returned. 3. Readers may see the
// new rows, and then never the old ones again; nothing is stored.
func TestReadersDuringCommit(t *testing.T) {
	inRaceWorlds(t, func(w *txWorld, ask func(*gorm.DB) asked) {
		w.is(ask(w.db.DB), 10)
		before, applied := newStop(), newStop()
		w.onCommit(func() error { before.wait(); return nil }, func(err error) error { applied.wait(); return err })
		done := make(chan error, 1)
		go func() {
			done <- w.db.Transaction(func(tx *gorm.DB) error { return set(tx, 1, 11) })
		}()
		<-before.reached
		w.is(ask(w.db.DB), 10)
		if n := w.queries(func() { w.is(ask(w.db.DB), 10) }); n == 0 {
			w.Error("served from the cache while a write is pending")
		}
		close(before.open)
		<-applied.reached
		for range 2 {
			if n := w.queries(func() { w.is(ask(w.db.DB), 11) }); n == 0 {
				w.Error("stored while a write is pending")
			}
		}
		close(applied.open)
		w.must(<-done)
		w.is(ask(w.db.DB), 11)
		if n := w.queries(func() { w.is(ask(w.db.DB), 11) }); n != 0 {
			w.Error("not cached after the write")
		}
	})
}

// A reader that began before the commit, read old rows, and stores while
// COMMIT is under way or after it: dead either way.
func TestFillAcrossACommit(t *testing.T) {
	inRaceWorlds(t, func(w *txWorld, ask func(*gorm.DB) asked) {
		read, applied := newStop(), newStop()
		w.db.Recorder.SetHooks(testdb.Hooks{After: func(_ context.Context, ev testdb.Event, err error) error {
			switch {
			case ev.Op == testdb.OpRowsClose && strings.Contains(ev.SQL, "tx_rows") && strings.HasPrefix(ev.SQL, "SELECT"):
				read.wait()
			case ev.Op == testdb.OpCommit:
				applied.wait()
			}
			return err
		}})
		late, done := make(chan asked, 1), make(chan error, 1)
		go func() { late <- ask(w.db.DB) }()
		<-read.reached
		go func() { done <- set(w.db.DB, 1, 11) }()
		<-applied.reached
		close(read.open)
		w.is(<-late, 10) // it stored, or tried to, within the commit
		w.is(ask(w.db.DB), 11)
		close(applied.open)
		w.must(<-done)
		w.is(ask(w.db.DB), 11)
		w.is(ask(w.db.DB), 11)
	})
}

// A refresh that read old rows stores them after a write: nobody gets them.
func TestRefreshRacesAWrite(t *testing.T) {
	inRaceWorlds(t, func(w *txWorld, ask func(*gorm.DB) asked) {
		w.is(ask(w.db.DB), 10)
		s, late := newStop(), make(chan asked, 1)
		w.stopReadAfter(s)
		go func() { late <- ask(w.db.Scopes(querycache.Refresh).Session(&gorm.Session{})) }()
		<-s.reached
		w.must(set(w.db.DB, 1, 11))
		w.is(ask(w.db.DB), 11)
		close(s.open)
		<-late
		w.is(ask(w.db.DB), 11)
		w.is(ask(w.db.DB), 11)
	})
}

// Uncommitted rows are seen by their transaction alone, whoever reads on other
// goroutines at the same time.
func TestReadersBesideUncommittedRows(t *testing.T) {
	inRaceWorlds(t, func(w *txWorld, ask func(*gorm.DB) asked) {
		tx := w.db.Begin()
		w.must(set(tx, 1, 11))
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 5 {
					w.is(ask(w.db.DB), 10)
				}
			})
		}
		for range 5 {
			w.is(ask(tx), 11)
		}
		all.Wait()
		w.must(tx.Rollback().Error)
		w.is(ask(w.db.DB), 10)
	})
}
