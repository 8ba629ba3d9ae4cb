package txpool

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/invalidation"
)

// Options are what a Gate needs to know of its database.
type Options struct {
	Analyzer *analysis.Analyzer
	Stamps   *invalidation.Stamps
	// Hold is how long marks stay after an unknown outcome.
	Hold time.Duration
	// Settled says that an error always tells the outcome: the database
	// lives in this process (SQLite).
	Settled bool
	// Reload reads the catalog again after the schema changed, over conn, or
	// over the pool if conn is nil, and puts it in force. If it fails, nothing
	// is known of the schema.
	Reload func(ctx context.Context, conn gorm.ConnPool) error
	// Replayer lends real rows that tell when they were closed.
	Replayer *rows.Replayer
	// Lag is how far the database may lag behind what another pool wrote.
	Lag time.Duration
	// After runs f later; time.AfterFunc but in tests.
	After func(time.Duration, func())
}

// Gate runs the statements of one database under the write protocol. It is
// safe for concurrent use.
type Gate struct {
	Options

	events Events

	reloadMu sync.Mutex // held while the catalog is read and put in force

	rawMu  sync.Mutex
	rawTxs []*write // transactions begun by raw SQL on the pool

	pinnedMu sync.Mutex
	pinned   map[invalidation.Slot]bool // pending for good
	texts    map[string]bool            // whose writes are pinned
	passing  []invalidation.Slot        // pending until the catalog is read again

	late       atomic.Bool // a catching up is to come
	catchingUp sync.Mutex  // held while one runs

	foreignMu sync.Mutex
	foreign   map[*sql.Tx]*foreignTx
	sweeping  sync.Mutex // held while one sweep runs
}

// NewGate makes the gate of one database.
func NewGate(o Options) *Gate {
	if o.After == nil {
		o.After = func(d time.Duration, f func()) { time.AfterFunc(d, f) }
	}
	g := &Gate{Options: o}
	g.Analyzer.WhenStale(g.catchUpSoon)
	return g
}

// write is one write under way: an autocommit statement or a COMMIT.
type write struct {
	g          *Gate
	plan       *analysis.Plan // of a COMMIT, that of the first write
	structural bool           // the catalog is to be read again
	schema     bool           // the schema is changed
	pool       bool           // a statement on the pool, which may begin or end a transaction
	conn       gorm.ConnPool  // what the catalog is read over; nil: the pool
	unsent     bool           // the context had ended before: database/sql sends nothing
	told       telling
	intent     invalidation.Intent
	settled    atomic.Bool
}

// begin places the marks of a write and tells of it.
func (g *Gate) begin(ctx context.Context, p *analysis.Plan, slots []invalidation.Slot, sum *Summary, conn gorm.ConnPool) *write {
	w := &write{g: g, plan: p, structural: p.Structural, schema: p.Structural, conn: conn}
	w.intent.Place(g.Stamps, slots)
	w.told = g.events.start(ctx, sum, len(slots))
	return w
}

// end settles the write with the error that its caller will see.
func (w *write) end(ctx context.Context, err error) {
	if !w.settled.CompareAndSwap(false, true) {
		return
	}
	w.catchUp(context.WithoutCancel(ctx), w.conn)
	switch {
	case !w.g.Settled && !(w.unsent && isContext(err)) && unknownOutcome(err):
		w.hold()
	case w.pool && w.plan.Tx != sqlscan.TxNone:
		w.endRaw(err)
		w.told.end(outcomeOf(err))
	default:
		w.intent.Complete()
		w.told.end(outcomeOf(err))
	}
}

func outcomeOf(err error) Outcome {
	if err != nil {
		return OutcomeFailed
	}
	return OutcomeCommitted
}

// abandon settles a write that a panic left in the middle: unknown outcome.
func (w *write) abandon() {
	if w.settled.CompareAndSwap(false, true) {
		w.hold()
	}
}

// hold leaves the marks for the hold time. The database may apply the write
// until then, so the catalog is read again at its end, over the pool, since the
// connection may be gone.
func (w *write) hold() {
	w.told.end(OutcomeUnknown)
	w.g.After(w.g.Hold, func() {
		w.catchUp(context.Background(), nil)
		w.intent.Complete()
		w.told.release()
	})
}

// catchUp brings what is known of the schema up to date, under the intent.
func (w *write) catchUp(ctx context.Context, conn gorm.ConnPool) {
	g := w.g
	g.Analyzer.Learn(w.plan)
	if w.structural {
		_ = g.reload(ctx, conn) // then nothing is cached, and the operator was told
	}
	if w.schema {
		g.Analyzer.SchemaChanged()
	}
	// 1. A write is planned. 2. Another statement adds a cascade and the
	// catalog is read again. 3. The write runs and cascades. Its plan
	// does not name the child, so everything is touched.
	if g.Analyzer.Changed(w.plan) {
		g.Stamps.Bump(g.Analyzer.All())
	}
}

// reload reads the catalog again, one reading at a time.
//
//  1. D1 changed the schema and reads the catalog.
//  2. D2 adds a trigger, reads the catalog and puts it in force.
//  3. D1 puts in force what it read: the trigger is lost.
func (g *Gate) reload(ctx context.Context, conn gorm.ConnPool) error {
	g.reloadMu.Lock()
	defer g.reloadMu.Unlock()
	mark := g.Analyzer.SchemaMark()
	err := g.Reload(ctx, conn)
	g.Analyzer.Loaded(mark)
	g.repin()
	return err
}

// Refresh reads the catalog again because the schema was changed past the
// gate. What was cached before is dead.
func (g *Gate) Refresh(ctx context.Context) error {
	all := g.Analyzer.All()
	g.Stamps.Intent(all)
	defer g.Stamps.Complete(all)
	err := g.reload(ctx, nil)
	g.Stamps.Bump(g.Analyzer.All()) // it may have learned another name
	return err
}

// query sends the write's statement; a panic of the driver abandons it. A nil
// write only sends.
func (w *write) query(ctx context.Context, to gorm.ConnPool, query string, args []any) (*sql.Rows, error) {
	if w == nil {
		return to.QueryContext(ctx, query, args...)
	}
	returned := false
	defer func() {
		if !returned {
			w.abandon()
		}
	}()
	w.unsent = endedBefore(ctx, to)
	real, err := to.QueryContext(ctx, query, args...)
	returned = true
	return real, err
}

// beginPool begins an autocommit statement. conn is what the catalog is read
// over afterwards: the connection that the statement holds, nil if it
// holds none.
func (g *Gate) beginPool(ctx context.Context, p *analysis.Plan, t analysis.Touching, conn gorm.ConnPool) *write {
	var sum Summary
	sum.Add(p, p.Verb, t.Records)
	w := g.begin(ctx, p, t.Slots, &sum, conn)
	w.pool = true
	return w
}

// exec runs an autocommit statement.
func (g *Gate) exec(ctx context.Context, to, conn gorm.ConnPool, query string, args []any) (sql.Result, error) {
	p := g.Analyzer.Plan(query)
	if !p.IsWrite() {
		return to.ExecContext(ctx, query, args...)
	}
	t := p.Touch(g.Stamps, args)
	return g.beginPool(ctx, p, t, conn).exec(ctx, to, query, t.Args)
}

func (w *write) exec(ctx context.Context, to gorm.ConnPool, query string, args []any) (sql.Result, error) {
	defer w.abandon() // a panic; otherwise w is settled by then
	w.unsent = endedBefore(ctx, to)
	res, err := to.ExecContext(ctx, query, args...)
	w.end(ctx, err)
	return res, err
}

// endRaw settles transaction control on the pool. The mark of a BEGIN stays
// until a COMMIT or ROLLBACK: reads that land on its connection see rows that
// nobody else may be served. Each takes away one mark, since the others may be
// of other connections; a COMMIT that failed takes none, since its transaction
// may be open still.
func (w *write) endRaw(err error) {
	g, tx := w.g, w.plan.Tx
	if w.plan.RawBegin && err == nil {
		g.rawMu.Lock()
		g.rawTxs = append(g.rawTxs, w)
		g.rawMu.Unlock()
		return
	}
	w.intent.Complete()
	if tx == sqlscan.TxCommit && err == nil || tx == sqlscan.TxRollback {
		g.rawMu.Lock()
		defer g.rawMu.Unlock()
		if last := len(g.rawTxs) - 1; last >= 0 {
			g.rawTxs[last].intent.Complete()
			g.rawTxs = g.rawTxs[:last]
		}
	}
}

// query runs an autocommit statement that returns rows. A write is complete
// only when its rows are exhausted or closed, so those are streamed.
func (g *Gate) query(ctx context.Context, to, conn gorm.ConnPool, query string, args []any) (*sql.Rows, error) {
	p := g.Analyzer.Plan(query)
	if !p.IsWrite() {
		return to.QueryContext(ctx, query, args...)
	}
	t := p.Touch(g.Stamps, args)
	w := g.beginPool(ctx, p, t, conn)
	real, err := w.query(ctx, to, query, t.Args)
	if err != nil {
		w.end(ctx, err)
		return nil, err
	}
	return g.Replayer.Stream(ctx, real, rows.StreamOptions{Done: w.done(ctx)})
}

// queryRow is query for a single row.
func (g *Gate) queryRow(ctx context.Context, to, conn gorm.ConnPool, query string, args []any) *sql.Row {
	p := g.Analyzer.Plan(query)
	if !p.IsWrite() {
		return to.QueryRowContext(ctx, query, args...)
	}
	t := p.Touch(g.Stamps, args)
	w := g.beginPool(ctx, p, t, conn)
	real, err := w.query(ctx, to, query, t.Args)
	return g.Replayer.StreamRow(ctx, real, err, rows.StreamOptions{Done: w.done(ctx)})
}

func (w *write) done(ctx context.Context) func(*rows.Recorded, error) {
	return func(_ *rows.Recorded, err error) { w.end(ctx, err) }
}

// Listen adds a listener to the writes of the database, for good.
func (g *Gate) Listen(l Listener) { g.events.Listen(l) }

// Wait returns when background work has ended.
func (g *Gate) Wait() {
	g.catchingUp.Lock()
	defer g.catchingUp.Unlock()
	g.sweeping.Lock()
	defer g.sweeping.Unlock()
}
