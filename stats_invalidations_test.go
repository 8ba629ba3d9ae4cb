package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// seenRow and seenOther are the tables of tests that write much: on MySQL all databases of the server share
// their tags.
type seenRow struct {
	ID int `gorm:"autoIncrement:false"`
	N  int `gorm:"unique"`
}

type seenOther struct{ ID int }

func TestInvalidationsAreCountedByKind(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		w := &watching{}
		must(t, d.Open(t, testdb.Options{}).AutoMigrate(&seenRow{}, &seenOther{}))
		p := open(t, d, opening{Config: querycache.Config{Observers: []any{w}, OutcomeHold: time.Hour}})
		db := p.cached.DB
		type seen = querycache.InvalidationEndData
		rows, both := []string{"seen_rows"}, []string{"seen_others", "seen_rows"}
		for _, c := range []struct {
			name   string
			write  func() error
			want   querycache.InvalidationKind // "" if there is none
			tables []string
			check  func(d seen) bool
		}{
			{"create", func() error { return db.Create(&[]seenRow{{1, 1}, {2, 2}, {3, 3}}).Error }, querycache.InvalidationInsert, rows, nil},
			{"update", func() error { return db.Model(&seenRow{ID: 1}).Update("n", 11).Error }, querycache.InvalidationUpdate,
				rows, func(d seen) bool { return d.Records == 1 }},
			{"delete", func() error { return db.Delete(&[]seenRow{{ID: 2}, {ID: 3}}).Error }, querycache.InvalidationDelete,
				rows, func(d seen) bool { return d.Records == 2 }},
			{"update where", func() error { return db.Model(&seenRow{}).Where("n > ?", 5).Update("n", 12).Error },
				querycache.InvalidationBulk, rows, func(d seen) bool { return d.Records == 0 }},
			{"a transaction", func() error {
				return db.Transaction(func(tx *gorm.DB) error {
					return errors.Join(tx.Create(&seenOther{1}).Error, tx.Model(&seenRow{ID: 1}).Update("n", 13).Error)
				})
			}, querycache.InvalidationBulk, both, nil},
			{"a transaction of updates", func() error {
				return db.Transaction(func(tx *gorm.DB) error {
					return errors.Join(tx.Model(&seenRow{ID: 1}).Update("n", 14).Error, tx.Model(&seenRow{ID: 2}).Update("n", 15).Error)
				})
			}, querycache.InvalidationUpdate, rows, func(d seen) bool { return d.Records == 2 }},
			{"a rollback", func() error {
				_ = db.Transaction(func(tx *gorm.DB) error {
					return errors.Join(tx.Create(&seenRow{9, 9}).Error, errors.New("no"))
				})
				return nil
			}, "", nil, nil},
			{"a read", func() error { return db.Find(&[]seenRow{}).Error }, "", nil, nil},
			{"schema", func() error { return db.Exec("CREATE TABLE seen_made (id INTEGER)").Error }, querycache.InvalidationSchema, nil,
				func(d seen) bool { return d.All }},
		} {
			before := p.cache.Stats().Invalidations
			w.reset()
			must(t, c.write())
			after := p.cache.Stats().Invalidations
			n, told := after.ByKind[c.want]-before.ByKind[c.want], w.written()
			if c.want == "" {
				n = sum(after.ByKind) - sum(before.ByKind)
				if n != 0 || len(told) != 0 {
					t.Errorf("%s: %+v, told %+v", c.name, after, told)
				}
				continue
			}
			if n != 1 || len(told) != 1 || after.Tags == before.Tags || after.Pending != 0 || after.Held != 0 {
				t.Errorf("%s: before %+v, after %+v, told %+v", c.name, before, after, told)
				continue
			}
			e := told[0]
			if e.Kind != c.want || fmt.Sprint(e.Tables) != fmt.Sprint(c.tables) || e.Outcome != querycache.WriteCommitted ||
				e.Err != nil || e.Duration < 0 || c.check != nil && !c.check(e) {
				t.Errorf("%s: told %+v", c.name, e)
			}
		}

		w.reset()
		before := p.cache.Stats().Invalidations
		if db.Exec("INSERT INTO seen_rows (id, n) VALUES (?, ?)", 1, 99).Error == nil {
			t.Fatal("no error")
		}
		if e := latest(w.written()); e.Outcome != querycache.WriteFailed {
			t.Errorf("one that fails: %+v", e)
		}
		if s := p.cache.Stats().Invalidations; s.Failed != before.Failed+1 || s.Held != 0 {
			t.Errorf("one that fails: %+v", s)
		}

		if d.Dialect == testdb.MySQL {
			return // what is held may be everything: see TestHealthOfWhatDoesNot
		}
		p.cached.Recorder.SetHooks(testdb.Hooks{After: loseCommits})
		_ = db.Create(&seenRow{20, 20})
		p.cached.Recorder.SetHooks(testdb.Hooks{})
		want, held := querycache.WriteUnknown, 1
		if d.Dialect == testdb.SQLite { // which lives in this process, and settles each write
			want, held = querycache.WriteFailed, 0
		}
		if e := latest(w.written()); e.Outcome != want {
			t.Errorf("one whose answer is lost: %+v", e)
		}
		if s := p.cache.Stats().Invalidations; s.Unknown != uint64(held) || s.Held != held || s.Pending != 0 {
			t.Errorf("one whose answer is lost: %+v", s)
		}
	})
}

// loseCommits is a hook.
func loseCommits(_ context.Context, ev testdb.Event, err error) error {
	if ev.Op == testdb.OpCommit {
		return errLost
	}
	return err
}

func latest[T any](list []T) (none T) {
	if len(list) == 0 {
		return none
	}
	return list[len(list)-1]
}

func TestHeldWritesAreReleased(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.Postgres)
	must(t, d.Open(t, testdb.Options{}).AutoMigrate(&seenRow{}))
	p := open(t, d, opening{Config: querycache.Config{OutcomeHold: time.Millisecond}})
	p.cached.Recorder.SetHooks(testdb.Hooks{After: loseCommits})
	_ = p.cached.Create(&seenRow{1, 1})
	for p.cache.Stats().Invalidations.Held != 0 {
		runtime.Gosched() // the test's own deadline ends this if it never comes
	}
	if s := p.cache.Stats().Invalidations; s.Unknown != 1 || s.Pending != 0 {
		t.Errorf("%+v", s)
	}
}

func TestWritesUnderWayAreCounted(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d)
	reached, goOn := make(chan struct{}), make(chan struct{})
	p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
		if ev.Op == testdb.OpCommit {
			close(reached)
			<-goOn
		}
		return nil
	}})
	done := make(chan error)
	go func() { done <- p.cached.Create(&Company{Name: "Dice"}).Error }()
	<-reached
	if s := p.cache.Stats().Invalidations; s.Pending != 1 || s.ByKind[querycache.InvalidationInsert] != 1 {
		t.Errorf("%+v", s)
	}
	close(goOn)
	must(t, <-done)
	if s := p.cache.Stats().Invalidations; s.Pending != 0 {
		t.Errorf("%+v", s)
	}
}
