package txpool

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/internal/catalog"
	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/invalidation"
)

// TestMain forgives GORM the goroutine that sweeps its prepared statements,
// which nothing stops.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"))
}

var bg = context.Background()

// rig is a gate over a real database, with its clock in the test's hand.
type rig struct {
	*testing.T
	db   *testdb.DB
	an   *analysis.Analyzer
	gate *Gate
	pool *DB

	mu      sync.Mutex
	held    []func() // what After was given
	reloads int
	loading func() // called while the catalog is read, before it is put in force
}

// options say how a rig differs from a file with four connections.
type options struct {
	conns   int
	dialect sqlscan.Dialect // that texts are read in; the database is what it is
	remote  bool            // an error does not tell the outcome
	on      *testdb.Database
}

const schema = `CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, UNIQUE (name));
CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER);
CREATE TABLE other (id INTEGER PRIMARY KEY);`

func newRig(t *testing.T, o options) *rig {
	t.Helper()
	if o.on == nil {
		o.on = testdb.New(t, testdb.SQLite)
	}
	if o.dialect == sqlscan.Unknown {
		o.dialect = sqlscan.DialectOf(string(o.on.Dialect))
	}
	r := &rig{T: t, db: o.on.Open(t, testdb.Options{MaxOpenConns: o.conns})}
	if o.on.Dialect == testdb.SQLite {
		_, err := r.db.Pool.ExecContext(bg, schema)
		r.must(err)
	}
	stamps := invalidation.NewStamps(16)
	replayer := rows.NewReplayer()
	t.Cleanup(func() { r.must(replayer.Close()) })
	c, err := r.load(nil)
	r.must(err)
	r.an = analysis.New(o.dialect, nil, stamps, c, "db", "pool")
	r.gate = NewGate(Options{
		Analyzer: r.an, Stamps: stamps, Hold: time.Minute, Settled: !o.remote, Replayer: replayer,
		Reload: func(_ context.Context, conn gorm.ConnPool) error {
			c, err := r.load(conn)
			if err != nil {
				c = catalog.Unknown(err)
			}
			r.mu.Lock()
			r.reloads++
			loading := r.loading
			r.mu.Unlock()
			if loading != nil {
				loading()
			}
			r.an.SetCatalog(c, "db")
			return err
		},
		After: func(d time.Duration, f func()) {
			if d != time.Minute {
				t.Errorf("held for %v", d)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.held = append(r.held, f)
		},
	})
	t.Cleanup(r.gate.Wait)
	r.pool = NewDB(r.db.Pool, r.gate)
	r.db.Recorder.Reset()
	return r
}

// load reads the catalog, which fails rather than waits where no connection is
// left.
func (r *rig) load(conn gorm.ConnPool) (*catalog.Catalog, error) {
	var q catalog.Querier = r.db.Pool
	if conn != nil {
		q = conn
	}
	if s := r.db.Pool.Stats(); conn == nil && s.InUse == s.MaxOpenConnections {
		r.Error("the catalog is read over the pool while every connection is in use: a deadlock")
		return nil, errors.New("no connection")
	}
	return catalog.Load(bg, q, sqlscan.DialectOf(string(r.db.Database.Dialect)), nil)
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// fails checks that an error came through.
func (r *rig) fails(err error) {
	r.Helper()
	if err == nil {
		r.Fatal("no error")
	}
}

// elapse lets the hold time pass.
func (r *rig) elapse() (n int) {
	r.mu.Lock()
	held := r.held
	r.held = nil
	r.mu.Unlock()
	for _, f := range held {
		f()
	}
	return len(held)
}

func (r *rig) reloaded() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reloads
}

// sample is what a reader of a table would take now.
func (r *rig) sample(table string) *invalidation.Sample {
	r.Helper()
	p := r.an.Plan("SELECT * FROM " + table)
	if p.Reason != "" {
		r.Fatalf("%s cannot be read: %s: %s", table, p.Reason, p.Detail)
	}
	sm := r.gate.Stamps.Sample(p.Reads)
	return &sm
}

func (r *rig) pending(table string) bool {
	r.Helper()
	return r.sample(table).Pending()
}

// expect checks which tables have an intent pending.
func (r *rig) expect(when string, pending bool, tables ...string) {
	r.Helper()
	for _, t := range tables {
		if got := r.pending(t); got != pending {
			r.Errorf("%s: %s pending is %v", when, t, got)
		}
	}
}

// moved checks that a table was bumped, or was not, since the sample, and has no
// mark now.
func (r *rig) moved(when string, since *invalidation.Sample, want bool) {
	r.Helper()
	now := r.gate.Stamps.Sample(since.Slots())
	if now.Pending() {
		r.Errorf("%s: a mark is left", when)
	}
	if got := !now.Equal(since); got != want {
		r.Errorf("%s: bumped is %v, want %v", when, got, want)
	}
}

// at runs do when the driver is given a call of this kind whose text is sql (or
// any, if empty), before it is sent, and counts how often.
func (r *rig) at(op testdb.Op, text string, do func() error) *int {
	n := new(int)
	r.db.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
		if ev.Op != op || text != "" && ev.SQL != text {
			return nil
		}
		*n++
		return do()
	}})
	return n
}

// after runs do once the database has answered, and gives what it returns to
// the caller instead of success.
func (r *rig) after(op testdb.Op, text string, do func() error) *int {
	n := new(int)
	r.db.Recorder.SetHooks(testdb.Hooks{After: func(_ context.Context, ev testdb.Event, err error) error {
		if ev.Op != op || text != "" && ev.SQL != text || err != nil {
			return err
		}
		*n++
		return do()
	}})
	return n
}

func (r *rig) quiet() { r.db.Recorder.SetHooks(testdb.Hooks{}) }

func (r *rig) exec(p gorm.ConnPool, text string, args ...any) {
	r.Helper()
	_, err := p.ExecContext(bg, text, args...)
	r.must(err)
}

// begin starts a transaction the way GORM does.
func (r *rig) begin(p gorm.ConnPoolBeginner) interface {
	gorm.ConnPool
	gorm.TxCommitter
} {
	r.Helper()
	tx, err := p.BeginTx(bg, nil)
	r.must(err)
	return tx.(interface {
		gorm.ConnPool
		gorm.TxCommitter
	})
}

// count reads the database itself, past the gate.
func (r *rig) count(table string) (n int) {
	r.Helper()
	r.must(r.db.Pool.QueryRowContext(bg, "SELECT count(*) FROM "+table).Scan(&n))
	return n
}

// drain reads rows to their end and closes them.
func (r *rig) drain(real *sql.Rows) (n int) {
	r.Helper()
	for real.Next() {
		n++
	}
	r.must(real.Err())
	r.must(real.Close())
	return n
}

// only is a gateOf that knows one gate.
func only(g *Gate) func(gorm.ConnPool) *Gate { return func(gorm.ConnPool) *Gate { return g } }
