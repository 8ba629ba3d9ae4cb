package rows

import (
	"context"
	"database/sql/driver"
)

// The in-memory driver. A query's one argument is what it returns: a *Recorded to replay, or a
// *stream to read through. Connections hold nothing.

type memConnector struct{}

func (memConnector) Connect(context.Context) (driver.Conn, error) { return &memConn{}, nil }

func (memConnector) Driver() driver.Driver { return memDriver{} }

type memDriver struct{}

func (memDriver) Open(string) (driver.Conn, error) { return &memConn{}, nil }

// memConn has a size, so that connections differ as pointers.
type memConn struct{ _ byte }

func (*memConn) CheckNamedValue(*driver.NamedValue) error { return nil }

func (*memConn) QueryContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 1 {
		switch from := args[0].Value.(type) {
		case *Recorded:
			return newReplay(from), nil
		case *stream:
			from.started = true
			return from, nil
		}
	}
	return nil, errNotQueryable
}

func (*memConn) Prepare(string) (driver.Stmt, error) { return nil, errNotQueryable }

func (*memConn) Begin() (driver.Tx, error) { return nil, errNotQueryable }

func (*memConn) Close() error { return nil }

// failConnector makes a database that fails every query with err, unchanged.
type failConnector struct{ err error }

func (c failConnector) Connect(context.Context) (driver.Conn, error) { return nil, c.err }

func (failConnector) Driver() driver.Driver { return memDriver{} }
