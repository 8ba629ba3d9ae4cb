package testdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"reflect"
)

type stmt struct {
	driver.Stmt
	conn      *conn
	query     string
	announced Op // the hook of its first run has been called already; zero (OpConnect) if not
}

func (s *stmt) CheckNamedValue(nv *driver.NamedValue) error {
	if ch, ok := s.Stmt.(driver.NamedValueChecker); ok {
		return ch.CheckNamedValue(nv)
	}
	return s.conn.CheckNamedValue(nv)
}

func (s *stmt) before(ctx context.Context, ev Event) error {
	announced := s.announced
	s.announced = 0
	if announced == ev.Op {
		return nil
	}
	return s.conn.rec.before(ctx, ev)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	ev := Event{Op: OpQuery, SQL: s.query, Conn: s.conn.id}
	if err := s.before(ctx, ev); err != nil {
		return nil, err
	}
	s.conn.rec.sent(ev)
	below, err := s.queryBelow(ctx, args)
	return s.conn.opened(ctx, ev, below, err)
}

func (s *stmt) queryBelow(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if q, ok := s.Stmt.(driver.StmtQueryContext); ok {
		return q.QueryContext(ctx, args)
	}
	values, err := plainValues(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 what database/sql does for such a driver
	return s.Stmt.Query(values)
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	ev := Event{Op: OpExec, SQL: s.query, Conn: s.conn.id}
	if err := s.before(ctx, ev); err != nil {
		return nil, err
	}
	s.conn.rec.sent(ev)
	res, err := s.execBelow(ctx, args)
	if err = s.conn.rec.after(ctx, ev, err); err != nil {
		return nil, err
	}
	return res, nil
}

func (s *stmt) execBelow(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if e, ok := s.Stmt.(driver.StmtExecContext); ok {
		return e.ExecContext(ctx, args)
	}
	values, err := plainValues(ctx, args)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 what database/sql does for such a driver
	return s.Stmt.Exec(values)
}

func plainValues(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, arg := range args {
		if arg.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = arg.Value
	}
	return values, ctx.Err()
}

// convertingStmt is a statement whose driver still converts arguments by column. A separate type, since
// having the method changes what database/sql does.
type convertingStmt struct {
	*stmt
	//lint:ignore SA1019 forwarded as it is
	cc driver.ColumnConverter
}

func (s *convertingStmt) ColumnConverter(i int) driver.ValueConverter { return s.cc.ColumnConverter(i) }

// rows forwards column types; what it answers where the rows below have none is what
// database/sql assumes then.
type rows struct {
	driver.Rows
	conn   *conn
	query  string
	closed bool
}

// multiRows are rows that may be followed by a further result set.
type multiRows struct {
	*rows
	driver.RowsNextResultSet
}

// Close, Columns and Next are in both embedded interfaces.
func (r *multiRows) Close() error                   { return r.rows.Close() }
func (r *multiRows) Columns() []string              { return r.rows.Columns() }
func (r *multiRows) Next(dest []driver.Value) error { return r.rows.Next(dest) }

func (r *rows) Next(dest []driver.Value) error {
	ctx, ev := context.Background(), Event{Op: OpNext, SQL: r.query, Conn: r.conn.id}
	if err := r.conn.rec.before(ctx, ev); err != nil {
		return err
	}
	r.conn.rec.sent(ev)
	return r.conn.rec.after(ctx, ev, r.Rows.Next(dest))
}

func (r *rows) Close() error {
	ctx, ev := context.Background(), Event{Op: OpRowsClose, SQL: r.query, Conn: r.conn.id}
	err := r.conn.rec.before(ctx, ev)
	if !r.closed {
		r.closed = true
		r.conn.rec.sent(ev)
	}
	// Closed below even if the hook failed: a row set kept open would block the test's other connections.
	if cerr := r.Rows.Close(); err == nil {
		err = cerr
	}
	return r.conn.rec.after(ctx, ev, err)
}

func (r *rows) ColumnTypeScanType(i int) reflect.Type {
	if t, ok := r.Rows.(driver.RowsColumnTypeScanType); ok {
		return t.ColumnTypeScanType(i)
	}
	return reflect.TypeFor[any]()
}

func (r *rows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

func (r *rows) ColumnTypeLength(i int) (length int64, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypeLength); has {
		return t.ColumnTypeLength(i)
	}
	return 0, false
}

func (r *rows) ColumnTypeNullable(i int) (nullable, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypeNullable); has {
		return t.ColumnTypeNullable(i)
	}
	return false, false
}

func (r *rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	if t, has := r.Rows.(driver.RowsColumnTypePrecisionScale); has {
		return t.ColumnTypePrecisionScale(i)
	}
	return 0, 0, false
}
