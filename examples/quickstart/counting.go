package main

import (
	"context"
	"database/sql/driver"
	"sync/atomic"

	"github.com/mattn/go-sqlite3"
)

// counter counts the queries that reach a database. It is safe for concurrent
// use.
type counter struct{ n atomic.Int64 }

// during tells how many queries reached the database while f ran.
func (c *counter) during(f func() error) (int64, error) {
	before := c.n.Load()
	err := f()
	return c.n.Load() - before, err
}

// countingConnector opens SQLite connections that count, below everything
// that GORM, database/sql and the cache do.
type countingConnector struct {
	dsn     string
	queries *counter
}

func (c countingConnector) Connect(context.Context) (driver.Conn, error) {
	conn, err := (&sqlite3.SQLiteDriver{}).Open(c.dsn)
	if err != nil {
		return nil, err
	}
	return countingConn{SQLiteConn: conn.(*sqlite3.SQLiteConn), queries: c.queries}, nil
}

func (c countingConnector) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// countingConn is a connection of the SQLite driver; only its queries are
// counted on their way. (Prepared statements, which the shop does not use,
// would be counted in PrepareContext's result.)
type countingConn struct {
	*sqlite3.SQLiteConn
	queries *counter
}

func (c countingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.queries.n.Add(1)
	return c.SQLiteConn.QueryContext(ctx, query, args)
}
