package rows

import (
	"database/sql/driver"
	"io"
	"reflect"
)

// replay is the driver's side of replayed rows.
type replay struct {
	rec   *Recorded
	names []string       // this replay's own: callers write into it
	row   []driver.Value // as stored; nil before the first
	left  int            // rows not yet given
	chunk int
	at    int // in the chunk, in cells
}

func newReplay(rec *Recorded) *replay {
	return &replay{rec: rec, names: rec.Columns(), left: rec.rows}
}

func (p *replay) Columns() []string { return p.names }

func (p *replay) Close() error { return nil }

func (p *replay) Next(dest []driver.Value) error {
	if p.left == 0 {
		if p.rec.open {
			return ErrPrefix
		}
		return io.EOF
	}
	p.left--
	width := len(p.rec.columns)
	if width == 0 {
		return nil
	}
	if p.at == len(p.rec.chunks[p.chunk]) {
		p.chunk, p.at = p.chunk+1, 0
	}
	p.row = p.rec.chunks[p.chunk][p.at : p.at+width]
	p.at += width
	copy(dest, p.row)
	for _, col := range p.rec.bytesIn {
		if b, ok := p.row[col].([]byte); ok {
			dest[col] = cloneBytes(b)
		}
	}
	return nil
}

func (p *replay) ColumnTypeScanType(i int) reflect.Type { return p.rec.describe(i, p.row).scan }

func (p *replay) ColumnTypeDatabaseTypeName(i int) string { return p.rec.describe(i, p.row).database }

func (p *replay) ColumnTypeLength(i int) (int64, bool) {
	c := p.rec.describe(i, p.row)
	return c.length, c.hasLength
}

func (p *replay) ColumnTypeNullable(i int) (nullable, ok bool) {
	c := p.rec.describe(i, p.row)
	return c.nullable, c.hasNullable
}

func (p *replay) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	c := p.rec.describe(i, p.row)
	return c.precision, c.scale, c.hasPrecisionScale
}
