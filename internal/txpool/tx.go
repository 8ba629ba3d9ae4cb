package txpool

import (
	"context"
	"database/sql"
	"sync"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/invalidation"
)

// Tx wraps a *sql.Tx and sees all that is written in it, and its end.
type Tx struct {
	*sql.Tx
	db    *sql.DB
	state txState
}

// newTx wraps a transaction. held is the connection that goes on being held
// after its end, nil if it goes back to the pool.
func newTx(tx *sql.Tx, db *sql.DB, g *Gate, held gorm.ConnPool) *Tx {
	return &Tx{Tx: tx, db: db, state: txState{gate: g, conn: tx, held: held}}
}

// Gate returns the write protocol of the transaction's database.
func (t *Tx) Gate() *Gate { return t.state.gate }

// GetDBConn makes gorm's DB() find the pool that the transaction came from.
func (t *Tx) GetDBConn() (*sql.DB, error) { return t.db, nil }

// ExecContext notes what the statement writes and runs it.
func (t *Tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if announced(ctx) {
		return t.Tx.ExecContext(ctx, query, args...)
	}
	return t.state.exec(ctx, t.Tx, query, args)
}

// QueryContext notes what the statement writes and runs it.
func (t *Tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if announced(ctx) {
		return t.Tx.QueryContext(ctx, query, args...)
	}
	return t.state.query(ctx, t.Tx, query, args)
}

// QueryRowContext notes what the statement writes and runs it.
func (t *Tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if announced(ctx) {
		return t.Tx.QueryRowContext(ctx, query, args...)
	}
	return t.state.queryRow(ctx, t.Tx, query, args)
}

// PrepareContext notes what the statement would write.
func (t *Tx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if !announced(ctx) {
		t.state.prepared(query)
	}
	return t.Tx.PrepareContext(ctx, query)
}

// Commit places the intents of all that was written, commits and completes.
func (t *Tx) Commit() error { return t.state.commit(t.Tx.Commit) }

// Rollback undoes the transaction; nothing was visible, nothing is touched.
func (t *Tx) Rollback() error { return t.state.rollback(t.Tx.Rollback) }

// txState is what the gate knows of one transaction.
type txState struct {
	gate    *Gate
	conn    gorm.ConnPool // the bare transaction
	held    gorm.ConnPool // what the catalog is read over after the end; nil: the pool
	tracker invalidation.Tracker

	mu sync.Mutex
	// autocommit: the database may have ended the transaction under us, so
	// that each further statement commits by itself.
	autocommit bool
	structural bool
	// reloaded: the catalog was read over the transaction, so that the one in
	// force may hold what a rollback takes back.
	reloaded bool
	plan     *analysis.Plan // the first write, by which a changed catalog is noticed
	sum      Summary        // all writes
}

// begin places the marks of all that was written so far, and tells of it.
func (s *txState) begin(ctx context.Context, p *analysis.Plan, slots []invalidation.Slot, conn gorm.ConnPool) *write {
	s.mu.Lock()
	sum := s.sum
	s.mu.Unlock()
	return s.gate.begin(ctx, p, slots, &sum, conn)
}

// manyRecords is from when on a transaction that touches record after record
// touches their whole tables instead.
const manyRecords = 1024

// noteRun is note of a write that is run with args, and tells what to bind.
func (s *txState) noteRun(p *analysis.Plan, args []any) (bound []any, autocommit bool) {
	t := p.Touch(s.gate.Stamps, args)
	if s.tracker.Len() > manyRecords {
		t.Slots, t.Records = p.Writes, -1
	}
	return t.Args, s.note(p, t.Slots, t.Records)
}

// note records a write before it is sent and tells whether it must be run as
// an autocommit statement.
func (s *txState) note(p *analysis.Plan, slots []invalidation.Slot, records int) (autocommit bool) {
	s.tracker.Add(slots)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Add(p, p.Verb, records)
	if s.plan == nil {
		s.plan = p
	}
	s.structural = s.structural || p.Structural
	raw := p.Tx != sqlscan.TxNone || p.ImplicitCommit || p.Refused()
	autocommit = s.autocommit || raw || p.Autocommit
	s.autocommit = s.autocommit || raw
	s.reloaded = s.reloaded || autocommit && p.Structural
	return autocommit
}

// failed notes that a statement gave an error. A database may have rolled the
// whole transaction back (a deadlock in MySQL, an interrupt in SQLite), and
// what follows on the connection then commits by itself.
func (s *txState) failed(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.autocommit = true
}

func (s *txState) exec(ctx context.Context, to gorm.ConnPool, query string, args []any) (sql.Result, error) {
	p := s.gate.Analyzer.Plan(query)
	if !p.IsWrite() {
		res, err := to.ExecContext(ctx, query, args...)
		s.failed(err)
		return res, err
	}
	args, autocommit := s.noteRun(p, args)
	if autocommit {
		w := s.begin(ctx, p, s.tracker.Slots(), s.conn)
		res, err := w.exec(ctx, to, query, args)
		s.failed(err)
		return res, err
	}
	s.gate.Analyzer.Learn(p)
	res, err := to.ExecContext(ctx, query, args...)
	s.failed(err)
	return res, err
}

func (s *txState) query(ctx context.Context, to gorm.ConnPool, query string, args []any) (*sql.Rows, error) {
	p := s.gate.Analyzer.Plan(query)
	if !p.IsWrite() && !p.Locking {
		rows, err := to.QueryContext(ctx, query, args...)
		s.failed(err)
		return rows, err
	}
	w, args := s.beginIn(ctx, p, args)
	s.gate.Analyzer.Learn(p)
	real, err := w.query(ctx, to, query, args)
	s.failed(err)
	if err != nil {
		if w != nil {
			w.end(ctx, err)
		}
		return nil, err
	}
	return s.gate.Replayer.Stream(ctx, real, rows.StreamOptions{Done: s.done(ctx, w)})
}

func (s *txState) queryRow(ctx context.Context, to gorm.ConnPool, query string, args []any) *sql.Row {
	p := s.gate.Analyzer.Plan(query)
	if !p.IsWrite() && !p.Locking {
		row := to.QueryRowContext(ctx, query, args...)
		if row != nil {
			s.failed(row.Err())
		}
		return row
	}
	w, args := s.beginIn(ctx, p, args)
	s.gate.Analyzer.Learn(p)
	real, err := w.query(ctx, to, query, args)
	s.failed(err)
	return s.gate.Replayer.StreamRow(ctx, real, err, rows.StreamOptions{Done: s.done(ctx, w)})
}

// beginIn notes a statement that returns rows and begins it if it commits by
// itself; nil if not.
func (s *txState) beginIn(ctx context.Context, p *analysis.Plan, args []any) (w *write, bound []any) {
	if !p.IsWrite() {
		return nil, args
	}
	args, autocommit := s.noteRun(p, args)
	if autocommit {
		w = s.begin(ctx, p, s.tracker.Slots(), s.conn)
	}
	return w, args
}

// done settles a statement that returned rows, when they are closed.
func (s *txState) done(ctx context.Context, w *write) func(*rows.Recorded, error) {
	return func(_ *rows.Recorded, err error) {
		s.failed(err)
		if w != nil {
			w.end(ctx, err)
		}
	}
}

// prepared notes a statement whose runs nobody sees, nor whether one of them
// fails and ends the transaction. GORM keeps statements that were prepared
// in one transaction and prepares them again in the next, past this wrapper.
func (s *txState) prepared(query string) {
	p := s.gate.Analyzer.Plan(query)
	if !p.IsWrite() && !p.Locking {
		return
	}
	if p.IsWrite() {
		s.note(p, p.Writes, -1)
		s.gate.prepared(query)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.autocommit = true
}

// commit runs do, which sends COMMIT, under the intents of all that the
// transaction wrote.
func (s *txState) commit(do func() error) error {
	slots := s.tracker.Slots()
	if slots == nil {
		return do()
	}
	s.mu.Lock()
	first, structural := s.plan, s.structural
	s.mu.Unlock()
	if a := s.gate.Analyzer; a.Changed(first) {
		slots = append(slots, a.All()...)
	}
	w := s.begin(context.Background(), first, slots, s.held)
	w.structural, w.schema = structural, structural
	defer w.abandon() // a panic; otherwise w is settled by then
	if structural {
		// The catalog is read within the transaction, while it has a
		// connection: afterwards somebody may be waiting for that who holds it
		// until we return. A transaction that Postgres has aborted reads
		// nothing, and the catalog is read after its end.
		w.structural = s.gate.reload(context.Background(), s.conn) != nil
	}
	err := do()
	w.structural = w.structural || structural && err != nil
	w.end(context.Background(), err)
	return err
}

// rollback runs do, which sends ROLLBACK.
//
//  1. A statement fails; the transaction may be over.
//  2. DROP TRIGGER runs. The catalog is read, over the transaction: no trigger.
//  3. ROLLBACK. The trigger is back, the catalog in force lacks it.
//  4. A write fires it, and its plan does not name what the trigger writes.
func (s *txState) rollback(do func() error) error {
	s.mu.Lock()
	first, reloaded := s.plan, s.reloaded
	s.mu.Unlock()
	if !reloaded {
		return do()
	}
	w := s.begin(context.Background(), first, s.gate.Analyzer.All(), s.held)
	w.structural, w.schema = true, true
	defer w.abandon() // a panic; otherwise w is settled by then
	err := do()
	w.end(context.Background(), err)
	return err
}
