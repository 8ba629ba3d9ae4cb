package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// Querier is what Load asks: *sql.DB, *sql.Conn, *sql.Tx or a GORM pool.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// ErrDialect says that this database's catalog cannot be read.
var ErrDialect = errors.New("no catalog is known for this dialect: declare its tables in Config")

// loader reads the catalog of one database.
type loader struct {
	*facts
	ctx     context.Context
	query   Querier
	dialect sqlscan.Dialect
	options *sqlscan.Options
}

// Load reads the catalog of the database behind q in at most eight queries, one
// at a time, and leaves no rows open. opts are those with which statements are
// scanned, but for the routines, which are read here; nil means none. If any query fails, so does Load, since half a
// catalog would be taken for a whole one; use Unknown then.
func Load(ctx context.Context, q Querier, d sqlscan.Dialect, opts *sqlscan.Options) (*Catalog, error) {
	if q == nil {
		return nil, fmt.Errorf("read catalog: %w", errNoPool)
	}
	l := &loader{facts: newFacts(), ctx: ctx, query: q, dialect: d, options: &sqlscan.Options{}}
	if opts != nil {
		*l.options = *opts
	}
	l.options.Routines = l.routines // definitions are read once all are there
	var err error
	switch d {
	case sqlscan.SQLite:
		err = l.sqlite()
	case sqlscan.Postgres:
		err = l.postgres()
	case sqlscan.MySQL:
		err = l.mysql()
	case sqlscan.SQLServer:
		err = l.sqlserver()
	default:
		err = ErrDialect
	}
	if err != nil {
		return nil, fmt.Errorf("read catalog: %w", err)
	}
	l.unseen()
	return l.catalog(), nil
}

// unseen makes opaque what is a view of something that this role cannot see,
// since what happens to that when it is written cannot be seen either.
func (l *loader) unseen() {
	for _, n := range l.nodes {
		if !n.view {
			continue
		}
		for part := range n.parts {
			if p := l.nodes[part]; p == nil || !p.base && !p.view {
				first(&n.opaque, fmt.Sprintf("it is a view of %q, which is not a known table", part))
			}
		}
	}
}

// relation tells whether a name is a table or view seen so far.
func (l *loader) relation(name string) bool {
	n := l.nodes[name]
	return n != nil && (n.base || n.view)
}

var (
	errNoPool = errors.New("there is no connection pool to ask")
	errNoRows = errors.New("the pool returned neither rows nor an error")
)

// each calls row for every row of a query; it reads to the end and closes.
func (l *loader) each(what, query string, row func(scan func(...any) error) error) (err error) {
	rows, err := l.query.QueryContext(l.ctx, query)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if rows == nil {
		return fmt.Errorf("%s: %w", what, errNoRows)
	}
	defer func() {
		if e := rows.Close(); e != nil && err == nil {
			err = fmt.Errorf("%s: %w", what, e)
		}
	}()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// define records what a view is made of, as its definition says. A view whose
// definition the scanner cannot read is refused, and unless its tables are
// known from elsewhere, a write to it reaches everything.
func (l *loader) define(view, definition string, tablesKnown bool) {
	n := l.view(view)
	if definition == "" {
		l.hidden(n, "its definition cannot be seen with this role: grant the right to see it, or declare it", tablesKnown)
		return
	}
	res := sqlscan.ScanDefinition(l.dialect, definition, l.options)
	switch {
	case res.Err != nil:
		l.hidden(n, "its definition cannot be read: "+res.Err.Error(), tablesKnown)
		return
	case res.Impure != "":
		first(&n.hard, "its definition is not pure: "+res.Impure)
	case len(res.Reads) == 0 && !tablesKnown:
		first(&n.soft, "its definition names no table")
	}
	for _, t := range res.Reads {
		l.madeOf(view, t)
	}
}

func (l *loader) hidden(n *node, why string, tablesKnown bool) {
	first(&n.soft, why)
	if !tablesKnown {
		first(&n.opaque, why)
	}
}

// pure tells whether the user listed a function as pure, with its schema or
// without.
func (l *loader) pure(schema, function string) bool {
	pure := l.options.PureFunctions
	return pure[fold(function)] || pure[fold(schema+"."+function)]
}
