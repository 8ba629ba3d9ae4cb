package rows

import (
	"context"
	"database/sql"
	"sync"
)

// idleConns is how many idle connections of the replay database are kept for reuse. They hold no
// resources; opening one costs about as much as the rows it carries.
const idleConns = 64

// Replayer turns recorded results into *sql.Rows and *sql.Row, through an in-memory database that
// is opened on first use. It is safe for concurrent use, also with Close.
type Replayer struct {
	mu     sync.RWMutex
	db     *sql.DB // nil before the first use and after Close
	closed bool
}

// NewReplayer returns a Replayer. It holds a goroutine from its first use until Close.
func NewReplayer() *Replayer { return &Replayer{} }

// Close closes the in-memory database. Rows that are open stay usable, and later calls still answer,
// each from a database of its own, which is slower: so nothing fails that races with Close.
// Closing twice is fine; the error is always nil.
func (p *Replayer) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.db == nil {
		return nil
	}
	db := p.db
	p.db = nil
	return db.Close()
}

// use calls f with the replay database, held open until f returns.
func (p *Replayer) use(f func(*sql.DB)) {
	p.mu.RLock()
	if p.db != nil {
		defer p.mu.RUnlock()
		f(p.db)
		return
	}
	p.mu.RUnlock()
	p.open()

	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.db != nil {
		f(p.db)
		return
	}
	db := sql.OpenDB(memConnector{})
	defer db.Close() // leaves rows that are in use alone
	f(db)
}

func (p *Replayer) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.db != nil || p.closed {
		return
	}
	p.db = sql.OpenDB(memConnector{})
	p.db.SetMaxIdleConns(idleConns)
}

// Rows replays rec. If ctx is done it returns ctx's error; if ctx ends while the rows are open, they
// are closed and Err returns its error, as with a database.
func (p *Replayer) Rows(ctx context.Context, rec *Recorded) (rows *sql.Rows, err error) {
	if rec == nil {
		return nil, ErrNoResult
	}
	if rec.untyped {
		return nil, ErrUntyped
	}
	p.use(func(db *sql.DB) { rows, err = db.QueryContext(ctx, "", rec) })
	return rows, err
}

// Row replays the first row of rec, as QueryRowContext would. Without a row its Scan returns sql.ErrNoRows.
func (p *Replayer) Row(ctx context.Context, rec *Recorded) (row *sql.Row) {
	if rec == nil {
		return Fail(ErrNoResult)
	}
	p.use(func(db *sql.DB) { row = db.QueryRowContext(ctx, "", rec) })
	return row
}

// Fail returns a row whose Err and Scan return err itself, for a caller that has an error where it
// must return a row. A nil err becomes [ErrNoResult].
func Fail(err error) *sql.Row {
	if err == nil {
		err = ErrNoResult
	}
	db := sql.OpenDB(failConnector{err})
	defer db.Close()
	// Not the query's context: its end would take the place of err.
	return db.QueryRowContext(context.Background(), "")
}
