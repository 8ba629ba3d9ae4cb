package testdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
)

// Wrap returns a connector that opens connections through c and reports every call to rec.
func Wrap(c driver.Connector, rec *Recorder) driver.Connector {
	return &connector{Connector: c, rec: rec}
}

type connector struct {
	driver.Connector
	rec *Recorder
}

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	ev := Event{Op: OpConnect}
	if err := c.rec.before(ctx, ev); err != nil {
		return nil, err
	}
	c.rec.sent(ev)
	below, err := c.Connector.Connect(ctx)
	if aerr := c.rec.after(ctx, ev, err); aerr != nil {
		if err == nil {
			_ = below.Close()
		}
		return nil, aerr
	}
	return &conn{Conn: below, rec: c.rec, id: c.rec.conns.Add(1)}, nil
}

func (c *connector) Close() error {
	if closer, ok := c.Connector.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// conn implements every optional interface of a connection. Where the one below lacks one, it answers
// what database/sql takes as its absence, or does what database/sql would have done instead.
type conn struct {
	driver.Conn
	rec *Recorder
	id  int64

	// A call declined with driver.ErrSkip: database/sql now prepares the same text on this
	// connection and runs it. Its hook has run already.
	skipped Event
}

// Unwrap returns the connection below, for sql.Conn.Raw.
func (c *conn) Unwrap() driver.Conn { return c.Conn }

func (c *conn) Ping(ctx context.Context) error {
	p, ok := c.Conn.(driver.Pinger)
	if !ok {
		return nil
	}
	ev := Event{Op: OpPing, Conn: c.id}
	if err := c.rec.before(ctx, ev); err != nil {
		return err
	}
	c.rec.sent(ev)
	return c.rec.after(ctx, ev, p.Ping(ctx))
}

func (c *conn) ResetSession(ctx context.Context) error {
	c.skipped = Event{}
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *conn) IsValid() bool {
	if v, ok := c.Conn.(driver.Validator); ok {
		return v.IsValid()
	}
	return true
}

func (c *conn) CheckNamedValue(nv *driver.NamedValue) error {
	if ch, ok := c.Conn.(driver.NamedValueChecker); ok {
		return ch.CheckNamedValue(nv)
	}
	return driver.ErrSkip
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	q, ok := c.Conn.(driver.QueryerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	ev := Event{Op: OpQuery, SQL: query, Conn: c.id}
	if err := c.rec.before(ctx, ev); err != nil {
		return nil, err
	}
	c.rec.sent(ev)
	rows, err := q.QueryContext(ctx, query, args)
	if errors.Is(err, driver.ErrSkip) {
		c.rec.unsent(ev)
		c.skipped = ev
		return nil, err
	}
	return c.opened(ctx, ev, rows, err)
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	e, ok := c.Conn.(driver.ExecerContext)
	if !ok {
		return nil, driver.ErrSkip
	}
	ev := Event{Op: OpExec, SQL: query, Conn: c.id}
	if err := c.rec.before(ctx, ev); err != nil {
		return nil, err
	}
	c.rec.sent(ev)
	res, err := e.ExecContext(ctx, query, args)
	if errors.Is(err, driver.ErrSkip) {
		c.rec.unsent(ev)
		c.skipped = ev
		return nil, err
	}
	if err = c.rec.after(ctx, ev, err); err != nil {
		return nil, err
	}
	return res, nil
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	ev := Event{Op: OpPrepare, SQL: query, Conn: c.id}
	var announced Op
	if c.skipped.SQL == query {
		announced = c.skipped.Op
	}
	c.skipped = Event{}
	if err := c.rec.before(ctx, ev); err != nil {
		return nil, err
	}
	c.rec.sent(ev)
	below, err := c.prepareBelow(ctx, query)
	if aerr := c.rec.after(ctx, ev, err); aerr != nil {
		if err == nil {
			_ = below.Close()
		}
		return nil, aerr
	}
	s := &stmt{Stmt: below, conn: c, query: query, announced: announced}
	//lint:ignore SA1019 the MySQL driver still has it
	if cc, ok := below.(driver.ColumnConverter); ok {
		return &convertingStmt{stmt: s, cc: cc}, nil
	}
	return s, nil
}

func (c *conn) prepareBelow(ctx context.Context, query string) (driver.Stmt, error) {
	if p, ok := c.Conn.(driver.ConnPrepareContext); ok {
		return p.PrepareContext(ctx, query)
	}
	s, err := c.Conn.Prepare(query)
	if err == nil && ctx.Err() != nil {
		_ = s.Close()
		return nil, ctx.Err()
	}
	return s, err
}

func (c *conn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	ev := Event{Op: OpBegin, Conn: c.id}
	if err := c.rec.before(ctx, ev); err != nil {
		return nil, err
	}
	c.rec.sent(ev)
	below, err := c.beginBelow(ctx, opts)
	if aerr := c.rec.after(ctx, ev, err); aerr != nil {
		if err == nil {
			_ = below.Rollback()
		}
		return nil, aerr
	}
	return &tx{Tx: below, conn: c}, nil
}

func (c *conn) beginBelow(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	if b, ok := c.Conn.(driver.ConnBeginTx); ok {
		return b.BeginTx(ctx, opts)
	}
	switch {
	case opts.Isolation != 0:
		return nil, errors.New("sql: driver does not support non-default isolation level")
	case opts.ReadOnly:
		return nil, errors.New("sql: driver does not support read-only transactions")
	}
	//lint:ignore SA1019 what database/sql does for such a driver
	t, err := c.Conn.Begin()
	if err == nil && ctx.Err() != nil {
		_ = t.Rollback()
		return nil, ctx.Err()
	}
	return t, err
}

// opened wraps the rows of a query that reached the database.
func (c *conn) opened(ctx context.Context, ev Event, below driver.Rows, err error) (driver.Rows, error) {
	if aerr := c.rec.after(ctx, ev, err); aerr != nil {
		if err == nil {
			_ = below.Close()
		}
		return nil, aerr
	}
	c.rec.rowsOpened.Add(1)
	r := &rows{Rows: below, conn: c, query: ev.SQL}
	if next, ok := below.(driver.RowsNextResultSet); ok {
		return &multiRows{rows: r, RowsNextResultSet: next}, nil
	}
	return r, nil
}

type tx struct {
	driver.Tx
	conn *conn
}

func (t *tx) Commit() error   { return t.end(OpCommit, t.Tx.Commit) }
func (t *tx) Rollback() error { return t.end(OpRollback, t.Tx.Rollback) }

func (t *tx) end(op Op, call func() error) error {
	ctx, ev := context.Background(), Event{Op: op, Conn: t.conn.id}
	if err := t.conn.rec.before(ctx, ev); err != nil {
		// The connection goes back to the pool, where an open transaction would fail whoever is next.
		_ = t.Tx.Rollback()
		return err
	}
	t.conn.rec.sent(ev)
	return t.conn.rec.after(ctx, ev, call())
}
