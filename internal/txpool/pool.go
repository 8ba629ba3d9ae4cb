package txpool

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

type announcedKey struct{}

// announce marks a context: the statement was seen above, let it pass.
func announce(ctx context.Context) context.Context {
	return context.WithValue(ctx, announcedKey{}, true)
}

func announced(ctx context.Context) bool { return ctx.Value(announcedKey{}) != nil }

// Pool is a wrapped pool.
type Pool interface {
	gorm.ConnPool
	gorm.ConnPoolBeginner
	// Gate is the write protocol of the pool's database.
	Gate() *Gate
}

// DB wraps a *sql.DB. It offers all its methods; only BeginTx has another
// type, which GORM tries second.
type DB struct {
	*sql.DB
	gate *Gate
}

// NewDB wraps a pool.
func NewDB(db *sql.DB, g *Gate) *DB { return &DB{DB: db, gate: g} }

// Gate returns the write protocol of the pool's database.
func (p *DB) Gate() *Gate { return p.gate }

// GetDBConn makes gorm's DB() find the pool itself.
func (p *DB) GetDBConn() (*sql.DB, error) { return p.DB, nil }

// ExecContext runs an autocommit statement.
func (p *DB) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if announced(ctx) {
		return p.DB.ExecContext(ctx, query, args...)
	}
	return p.gate.exec(ctx, p.DB, nil, query, args)
}

// QueryContext runs a query, or an autocommit statement that returns rows.
func (p *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if announced(ctx) {
		return p.DB.QueryContext(ctx, query, args...)
	}
	return p.gate.query(ctx, p.DB, nil, query, args)
}

// QueryRowContext is QueryContext for one row.
func (p *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if announced(ctx) {
		return p.DB.QueryRowContext(ctx, query, args...)
	}
	return p.gate.queryRow(ctx, p.DB, nil, query, args)
}

// PrepareContext prepares a statement whose runs are seen by an Announcer, or
// else by nobody.
func (p *DB) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if !announced(ctx) {
		p.gate.prepared(query)
	}
	return p.DB.PrepareContext(ctx, query)
}

// BeginTx starts a transaction that is seen to its end. On failure the pool
// is a typed nil, as GORM expects.
func (p *DB) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	tx, err := p.DB.BeginTx(ctx, opts)
	if err != nil {
		return (*Tx)(nil), err
	}
	return newTx(tx, p.DB, p.gate, nil), nil
}

// Conn wraps one connection taken out of the pool.
type Conn struct {
	*sql.Conn
	db   *sql.DB
	gate *Gate
}

// NewConn wraps a connection of db, which may be nil if it is not known.
func NewConn(c *sql.Conn, db *sql.DB, g *Gate) *Conn { return &Conn{Conn: c, db: db, gate: g} }

// Gate returns the write protocol of the connection's database.
func (c *Conn) Gate() *Gate { return c.gate }

// ExecContext runs an autocommit statement.
func (c *Conn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if announced(ctx) {
		return c.Conn.ExecContext(ctx, query, args...)
	}
	return c.gate.exec(ctx, c.Conn, c.Conn, query, args)
}

// QueryContext runs a query, or an autocommit statement that returns rows.
func (c *Conn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if announced(ctx) {
		return c.Conn.QueryContext(ctx, query, args...)
	}
	return c.gate.query(ctx, c.Conn, c.Conn, query, args)
}

// QueryRowContext is QueryContext for one row.
func (c *Conn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if announced(ctx) {
		return c.Conn.QueryRowContext(ctx, query, args...)
	}
	return c.gate.queryRow(ctx, c.Conn, c.Conn, query, args)
}

// PrepareContext prepares a statement on the connection.
func (c *Conn) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if !announced(ctx) {
		c.gate.prepared(query)
	}
	return c.Conn.PrepareContext(ctx, query)
}

// BeginTx starts a transaction on the connection.
func (c *Conn) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	tx, err := c.Conn.BeginTx(ctx, opts)
	if err != nil {
		return (*Tx)(nil), err
	}
	return newTx(tx, c.db, c.gate, c.Conn), nil
}
