package txpool

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

// Announcer runs statements over a pool that hides them from the wrapper
// below it (a prepared-statement pool), or that has none (a foreign
// connection or transaction). The plugin puts it into a statement for the
// time of one callback.
type Announcer struct {
	gorm.ConnPool
	gate  *Gate
	conn  gorm.ConnPool // the connection held, nil if none is
	state *txState      // the transaction below, if it is ours
	tx    *sql.Tx       // the transaction below, if it is foreign
	lost  bool          // a transaction whose end nobody can see
}

// poolAnnouncer is an Announcer over a pool, the others are over a
// transaction: code that finds it in a statement goes on finding what it
// needs.
type (
	poolAnnouncer struct {
		*Announcer
		Beginner
	}
	txAnnouncer struct {
		*Announcer
		Committer
	}
	stmtAnnouncer struct { // of a transaction that adopts prepared statements
		txAnnouncer
		tx gorm.Tx
	}
)

// StmtContext adopts a prepared statement.
func (a *stmtAnnouncer) StmtContext(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	return a.tx.StmtContext(ctx, stmt)
}

// Announce returns the pool to run one statement over: pool itself if it sees
// its statements, else an announcer above it. gateOf finds the gate of what
// is beneath, if that is none of ours.
func Announce(pool gorm.ConnPool, gateOf func(beneath gorm.ConnPool) *Gate) gorm.ConnPool {
	switch pool.(type) {
	case nil, *DB, *Conn, *Tx, *Custom, *BareTx, *CustomTx, *poolAnnouncer, *txAnnouncer, *stmtAnnouncer:
		return pool
	}
	a := &Announcer{ConnPool: pool}
	switch p := Beneath(pool).(type) {
	case *Tx:
		a.gate, a.state = p.Gate(), &p.state
	case *BareTx:
		a.gate, a.state = p.Gate(), &p.state
	case *CustomTx:
		a.gate, a.state = p.Gate(), &p.state
	case *Conn:
		a.gate, a.conn = p.Gate(), p.Conn
	case Pool:
		a.gate = p.Gate()
	case *sql.Tx:
		a.gate, a.tx = gateOf(p), p
	case gorm.TxCommitter:
		a.gate, a.lost = gateOf(Beneath(pool)), true
	default:
		a.gate = gateOf(p)
	}
	if tx, ok := pool.(gorm.Tx); ok {
		return &stmtAnnouncer{txAnnouncer{a, Committer{pool}}, tx}
	}
	if _, ok := pool.(gorm.TxCommitter); ok {
		return &txAnnouncer{a, Committer{pool}}
	}
	return &poolAnnouncer{a, Beginner{pool}}
}

// Beneath returns the pool or transaction under announcers and any number of
// prepared-statement pools: a session that asks for prepared statements on a
// database that has them already puts one above the other.
func Beneath(pool gorm.ConnPool) gorm.ConnPool {
	for {
		switch p := pool.(type) {
		case *gorm.PreparedStmtDB:
			pool = p.ConnPool
		case *gorm.PreparedStmtTX:
			pool = p.Tx
		case *poolAnnouncer:
			pool = p.ConnPool
		case *txAnnouncer:
			pool = p.ConnPool
		case *stmtAnnouncer:
			pool = p.ConnPool
		default:
			return pool
		}
	}
}

// outside tells whether the statement runs in a transaction that the gate did
// not begin, and notes what it writes there. The caller calls after when the
// statement has run.
func (a *Announcer) outside(query string, args []any) (after func(), bound []any, yes bool) {
	switch {
	case a.tx != nil:
		p := a.gate.Analyzer.Plan(query)
		if !p.IsWrite() {
			return func() {}, args, true
		}
		a.gate.Analyzer.Learn(p)
		t := p.Touch(a.gate.Stamps, args)
		a.gate.noteForeign(a.tx, p, t.Slots, p.Writes)
		return func() {
			// The catalog changed while it ran, and with it what it reached.
			if a.gate.Analyzer.Changed(p) {
				all := a.gate.Analyzer.All()
				a.gate.noteForeign(a.tx, p, all, all)
			}
		}, t.Args, true
	case a.lost:
		// Nobody tells when it ends: what it writes is pending for good.
		a.gate.prepared(query)
		return func() {}, args, true
	}
	return nil, args, false
}

// ExecContext announces the statement and runs it.
func (a *Announcer) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if after, args, yes := a.outside(query, args); yes {
		defer after()
		return a.ConnPool.ExecContext(announce(ctx), query, args...)
	}
	if a.state != nil {
		if a.gate.Analyzer.Plan(query).Savepoint {
			// As GORM does: MySQL cannot prepare it.
			return Beneath(a.ConnPool).ExecContext(ctx, query, args...)
		}
		return a.state.exec(announce(ctx), a.ConnPool, query, args)
	}
	return a.gate.exec(announce(ctx), a.ConnPool, a.conn, query, args)
}

// QueryContext announces the statement and runs it.
func (a *Announcer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if after, args, yes := a.outside(query, args); yes {
		defer after()
		return a.ConnPool.QueryContext(announce(ctx), query, args...)
	}
	if a.state != nil {
		return a.state.query(announce(ctx), a.ConnPool, query, args)
	}
	return a.gate.query(announce(ctx), a.ConnPool, a.conn, query, args)
}

// QueryRowContext announces the statement and runs it.
func (a *Announcer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if after, args, yes := a.outside(query, args); yes {
		defer after()
		return a.ConnPool.QueryRowContext(announce(ctx), query, args...)
	}
	if a.state != nil {
		return a.state.queryRow(announce(ctx), a.ConnPool, query, args)
	}
	return a.gate.queryRow(announce(ctx), a.ConnPool, a.conn, query, args)
}
