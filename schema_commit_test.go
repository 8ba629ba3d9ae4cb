package querycache_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// scNew is a table that is made in a transaction.
type scNew struct {
	ID int `gorm:"autoIncrement:false"`
}

// A transaction that changed the schema, on a pool of one connection:
//
//  1. The transaction makes a table.
//  2. Somebody else waits for the connection.
//  3. COMMIT gives the connection to them.
//  4. They keep it until Commit has returned. Were the catalog read only now,
//     over the pool, Commit would wait for them, and they for it, until the
//     reading times out and nothing is known of the schema.
//  5. Once they are done, the new table is cached.
func TestCommitOfDDLWaitsForNobody(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		for _, prepared := range []bool{false, true} {
			must(t, d.Open(t, testdb.Options{}).Migrator().DropTable(&scNew{}))
			p := open(t, d, opening{Options: testdb.Options{MaxOpenConns: 1, Config: gorm.Config{PrepareStmt: prepared}}})
			pool := p.cached.Pool
			tx := p.cached.Begin()
			must(t, tx.Exec("CREATE TABLE sc_news (id int PRIMARY KEY)").Error)
			must(t, tx.Create(&scNew{1}).Error)
			waited := pool.Stats().WaitCount
			committed, released := make(chan struct{}), make(chan error, 1)
			go func() {
				conn, err := pool.Conn(context.Background())
				if err != nil {
					released <- err
					return
				}
				<-committed
				released <- conn.Close()
			}()
			for pool.Stats().WaitCount == waited {
				runtime.Gosched()
			}
			err := tx.Commit().Error
			close(committed)
			must(t, err)
			must(t, <-released)
			p.hits(t, all[scNew])
			must(t, p.cached.Create(&scNew{2}).Error)
			p.hits(t, all[scNew])
		}
	})
}

// A COMMIT that fails after the schema was changed:
//
//  1. A trigger writes one table when another is written. A transaction drops
//     it (or makes it, where there is none).
//  2. Before COMMIT the catalog is read within the transaction: the trigger is
//     gone.
//  3. COMMIT fails, and the transaction is rolled back; or it happens, and its
//     answer is lost.
//  4. INSERT fires the trigger, or does not. What is known of it must be right,
//     so that what it wrote is seen.
func TestFailedCommitOfDDL(t *testing.T) {
	t.Parallel()
	lost := errors.New("the connection is lost")
	for _, dialect := range []testdb.Dialect{testdb.SQLite, testdb.Postgres} { // MySQL commits with each such statement
		t.Run(string(dialect), func(t *testing.T) {
			d := testdb.New(t, dialect)
			// A short hold, since a lost answer leaves everything uncached for it.
			p := openPA(t, d, opening{Config: querycache.Config{OutcomeHold: time.Millisecond}})
			drop := []string{"DROP TRIGGER pa_trigger"}
			if dialect == testdb.Postgres {
				drop = []string{"DROP FUNCTION pa_log() CASCADE"}
			}
			row, made := 0, false
			for _, happens := range []bool{false, true, false, true} {
				change := paTrigger(dialect)
				if made {
					change = drop
				}
				hooks := testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
					if ev.Op == testdb.OpCommit && !happens {
						return lost
					}
					return nil
				}, After: func(_ context.Context, ev testdb.Event, err error) error {
					if ev.Op == testdb.OpCommit && happens {
						return lost
					}
					return err
				}}
				p.compare(t, all[paLog], atMost)
				tx := p.cached.Begin()
				for _, text := range change {
					must(t, tx.Exec(text).Error)
				}
				p.cached.Recorder.SetHooks(hooks)
				if err := tx.Commit().Error; !errors.Is(err, lost) {
					t.Fatal(err)
				}
				p.cached.Recorder.SetHooks(testdb.Hooks{})
				if happens {
					made = !made
				}
				for range 2 {
					for p.asks(func() { all[paLog](p.cached.DB) }) > 0 {
						runtime.Gosched() // cached again once the hold is over
					}
					row++
					must(t, p.cached.Create(&paRow{row}).Error)
					p.compare(t, all[paLog], 0)
					var logged []int
					must(t, p.plain.Model(&paLog{}).Pluck("id", &logged).Error)
					if slices.Contains(logged, row) != made {
						t.Fatalf("trigger: %v, logged: %v", made, logged)
					}
				}
			}
		})
	}
}
