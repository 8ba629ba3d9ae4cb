package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"sync"

	"github.com/mattn/go-sqlite3"
)

// database opens connections to a SQLite file. It counts the queries that
// arrive there, below all that GORM, database/sql and the cache do, and can
// play a slow or a broken server. It is safe for concurrent use.
type database struct {
	dsn string

	mu      sync.Mutex // guards what follows
	queries int
	broken  bool
	held    chan struct{} // closed when the held queries may go on; nil if none is held
}

var errBroken = errors.New("the database is broken")

// Break lets every query fail until Repair.
func (d *database) Break() { d.set(func() { d.broken = true }) }

// Repair ends what Break began.
func (d *database) Repair() { d.set(func() { d.broken = false }) }

// Hold lets every query wait until Release.
func (d *database) Hold() { d.set(func() { d.held = make(chan struct{}) }) }

// Release ends what Hold began.
func (d *database) Release() {
	d.set(func() {
		close(d.held)
		d.held = nil
	})
}

func (d *database) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// counted tells how many queries arrived, and counts from zero again.
func (d *database) counted() (n int) {
	d.set(func() { n, d.queries = d.queries, 0 })
	return n
}

// arrived counts a query, and tells how it fares.
func (d *database) arrived(ctx context.Context, text string) (err error) {
	var held chan struct{}
	d.set(func() {
		// INSERT … RETURNING comes this way too, and is no query.
		if strings.HasPrefix(text, "SELECT") {
			d.queries++
		}
		if d.broken {
			err = errBroken
		}
		held = d.held
	})
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return err
}

func (d *database) Driver() driver.Driver { return &sqlite3.SQLiteDriver{} }

func (d *database) Connect(context.Context) (driver.Conn, error) {
	below, err := d.Driver().Open(d.dsn)
	if err != nil {
		return nil, err
	}
	return conn{SQLiteConn: below.(*sqlite3.SQLiteConn), to: d}, nil
}

// conn is a connection of the SQLite driver whose queries are counted on their
// way.
type conn struct {
	*sqlite3.SQLiteConn
	to *database
}

func (c conn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.to.arrived(ctx, text); err != nil {
		return nil, err
	}
	return c.SQLiteConn.QueryContext(ctx, text, args)
}
