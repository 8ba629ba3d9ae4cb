package txpool

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

// Custom wraps a pool that is no *sql.DB: one that the user gave to the
// dialector.
type Custom struct {
	gorm.ConnPool
	gate *Gate
}

// NewCustom wraps a user's pool.
func NewCustom(p gorm.ConnPool, g *Gate) *Custom { return &Custom{ConnPool: p, gate: g} }

// Gate returns the write protocol of the pool's database.
func (p *Custom) Gate() *Gate { return p.gate }

// GetDBConn asks the wrapped pool.
func (p *Custom) GetDBConn() (*sql.DB, error) {
	if c, ok := p.ConnPool.(gorm.GetDBConnector); ok {
		return c.GetDBConn()
	}
	return nil, gorm.ErrInvalidDB
}

// Ping asks the wrapped pool, if it can be asked.
func (p *Custom) Ping() error {
	if c, ok := p.ConnPool.(interface{ Ping() error }); ok {
		return c.Ping()
	}
	return nil
}

// ExecContext runs an autocommit statement.
func (p *Custom) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if announced(ctx) {
		return p.ConnPool.ExecContext(ctx, query, args...)
	}
	return p.gate.exec(ctx, p.ConnPool, nil, query, args)
}

// QueryContext runs a query, or an autocommit statement that returns rows.
func (p *Custom) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if announced(ctx) {
		return p.ConnPool.QueryContext(ctx, query, args...)
	}
	return p.gate.query(ctx, p.ConnPool, nil, query, args)
}

// QueryRowContext is QueryContext for one row.
func (p *Custom) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if announced(ctx) {
		return p.ConnPool.QueryRowContext(ctx, query, args...)
	}
	return p.gate.queryRow(ctx, p.ConnPool, nil, query, args)
}

// PrepareContext prepares a statement whose runs are seen by an Announcer, or
// else by nobody.
func (p *Custom) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if !announced(ctx) {
		p.gate.prepared(query)
	}
	return p.ConnPool.PrepareContext(ctx, query)
}

// BeginTx starts a transaction in whichever of GORM's two ways the wrapped
// pool offers.
func (p *Custom) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	switch b := p.ConnPool.(type) {
	case gorm.TxBeginner:
		tx, err := b.BeginTx(ctx, opts)
		if err != nil {
			return (*Tx)(nil), err
		}
		db, _ := p.GetDBConn()
		return newTx(tx, db, p.gate, nil), nil
	case gorm.ConnPoolBeginner:
		inner, err := b.BeginTx(ctx, opts)
		if err != nil {
			return inner, err
		}
		if tx, ok := inner.(gorm.Tx); ok {
			return &CustomTx{BareTx: BareTx{committer: tx, state: txState{gate: p.gate, conn: tx}}, tx: tx}, nil
		}
		if tx, ok := inner.(committer); ok {
			return &BareTx{committer: tx, state: txState{gate: p.gate, conn: tx}}, nil
		}
		return inner, nil
	}
	return p, gorm.ErrInvalidTransaction // GORM leaves the pool where it was
}

// committer is the least that GORM asks of a transaction.
type committer interface {
	gorm.ConnPool
	gorm.TxCommitter
}

// CustomTx wraps a transaction of a user's pool that adopts prepared
// statements.
type CustomTx struct {
	BareTx
	tx gorm.Tx
}

// StmtContext adopts a prepared statement.
func (t *CustomTx) StmtContext(ctx context.Context, stmt *sql.Stmt) *sql.Stmt {
	return t.tx.StmtContext(ctx, stmt)
}

// BareTx wraps a transaction of a user's pool that does not. It must not offer
// to: prepared statements would run on the pool, past the transaction.
type BareTx struct {
	committer
	state txState
}

// Gate returns the write protocol of the transaction's database.
func (t *BareTx) Gate() *Gate { return t.state.gate }

// GetDBConn asks the wrapped transaction.
func (t *BareTx) GetDBConn() (*sql.DB, error) {
	if c, ok := t.committer.(gorm.GetDBConnector); ok {
		return c.GetDBConn()
	}
	return nil, gorm.ErrInvalidDB
}

// ExecContext notes what the statement writes and runs it.
func (t *BareTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if announced(ctx) {
		return t.committer.ExecContext(ctx, query, args...)
	}
	return t.state.exec(ctx, t.committer, query, args)
}

// QueryContext notes what the statement writes and runs it.
func (t *BareTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if announced(ctx) {
		return t.committer.QueryContext(ctx, query, args...)
	}
	return t.state.query(ctx, t.committer, query, args)
}

// QueryRowContext notes what the statement writes and runs it.
func (t *BareTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if announced(ctx) {
		return t.committer.QueryRowContext(ctx, query, args...)
	}
	return t.state.queryRow(ctx, t.committer, query, args)
}

// PrepareContext notes what the statement would write.
func (t *BareTx) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if !announced(ctx) {
		t.state.prepared(query)
	}
	return t.committer.PrepareContext(ctx, query)
}

// Commit places the intents of all that was written, commits and completes.
func (t *BareTx) Commit() error { return t.state.commit(t.committer.Commit) }

// Rollback undoes the transaction; nothing was visible, nothing is touched.
func (t *BareTx) Rollback() error { return t.state.rollback(t.committer.Rollback) }
