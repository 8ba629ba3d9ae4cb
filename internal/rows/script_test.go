package rows

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"reflect"
	"testing"
)

// script is a driver whose one answer to every query is written down by the test.
type script struct {
	sets     []scriptSet
	queryErr error
	closeErr error
	queries  int
	closed   int
	reuse    bool                                           // hand out bytes in one buffer, overwritten by the next row
	typeOf   func(col int, row []driver.Value) reflect.Type // row is nil before the first
	onNext   func(row int)
}

type scriptSet struct {
	columns []string
	rows    [][]driver.Value
	err     error // after the rows, in place of io.EOF
}

// result is a script of one result set.
func result(columns []string, rows ...[]driver.Value) *script {
	return &script{sets: []scriptSet{{columns: columns, rows: rows}}}
}

func (s *script) Connect(context.Context) (driver.Conn, error) { return &scriptConn{s: s}, nil }
func (s *script) Driver() driver.Driver                        { return nil }

// open returns a database of the script, closed with the test.
func (s *script) open(t testing.TB) *sql.DB {
	db := sql.OpenDB(s)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (s *script) query(t testing.TB, ctx context.Context) *sql.Rows {
	t.Helper()
	rows, err := s.open(t).QueryContext(ctx, "q")
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

type scriptConn struct{ s *script }

func (c *scriptConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	c.s.queries++
	if c.s.queryErr != nil {
		return nil, c.s.queryErr
	}
	r := &scriptRows{s: c.s}
	r.columns = append(r.columns, c.s.sets[0].columns...)
	if c.s.typeOf != nil {
		return typedRows{r}, nil
	}
	return r, nil
}
func (c *scriptConn) Prepare(string) (driver.Stmt, error) { return nil, c.s.queryErr }
func (c *scriptConn) Begin() (driver.Tx, error)           { return nil, errNotQueryable }
func (c *scriptConn) Close() error                        { return nil }

type scriptRows struct {
	s       *script
	set, at int
	columns []string
	row     []driver.Value
	buf     []byte
}

func (r *scriptRows) Columns() []string { return r.columns }

func (r *scriptRows) Close() error {
	r.s.closed++
	for i := range r.buf {
		r.buf[i] = '!'
	}
	return r.s.closeErr
}

func (r *scriptRows) Next(dest []driver.Value) error {
	set := r.s.sets[r.set]
	if r.s.onNext != nil {
		r.s.onNext(r.at)
	}
	if r.at == len(set.rows) {
		if set.err != nil {
			return set.err
		}
		return io.EOF
	}
	r.row = set.rows[r.at]
	r.at++
	copy(dest, r.row)
	for i, v := range r.row {
		b, ok := v.([]byte)
		if !ok || b == nil {
			continue
		}
		if r.s.reuse {
			if i == 0 || r.buf == nil {
				r.buf = make([]byte, 0, 1<<12)
			}
			n := len(r.buf)
			r.buf = append(r.buf, b...)
			dest[i] = r.buf[n:]
		} else {
			dest[i] = append([]byte{}, b...)
		}
	}
	return nil
}

func (r *scriptRows) HasNextResultSet() bool { return r.set+1 < len(r.s.sets) }

func (r *scriptRows) NextResultSet() error {
	if !r.HasNextResultSet() {
		return io.EOF
	}
	r.set++
	r.at, r.row = 0, nil
	r.columns = append([]string(nil), r.s.sets[r.set].columns...)
	return nil
}

// typedRows tells column types, in all the ways there are.
type typedRows struct{ *scriptRows }

func (r typedRows) ColumnTypeScanType(i int) reflect.Type       { return r.s.typeOf(i, r.row) }
func (r typedRows) ColumnTypeDatabaseTypeName(i int) string     { return "T" + string(rune(65+i)) }
func (r typedRows) ColumnTypeLength(i int) (int64, bool)        { return int64(i) * 10, i%2 == 0 }
func (r typedRows) ColumnTypeNullable(i int) (nullable, k bool) { return i%3 == 0, i%2 == 1 }
func (r typedRows) ColumnTypePrecisionScale(i int) (int64, int64, bool) {
	return int64(i), int64(i) + 1, i%3 == 1
}
