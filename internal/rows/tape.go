package rows

import (
	"database/sql"
	"database/sql/driver"
	"time"
	"unique"
)

// Limits bounds a recording. Past a limit recording stops and its memory is released; reading goes
// on. The zero value sets no limit.
type Limits struct {
	// Rows is the largest number of rows stored. 0: no limit.
	Rows int
	// Bytes is the largest [Recorded.Size] stored. 0: no limit.
	Bytes int64
}

// chunkCells is how many cells fit the largest block of memory that the runtime hands out without
// rounding to pages.
const chunkCells = (largestClass - headerSize) / cellSize

// tape is a result being written. It is used by one goroutine.
type tape struct {
	limits Limits
	// untyped: nobody can ask for column types, so they are not recorded.
	untyped bool
	width   int
	// nameless: the driver gave nil for names, not an empty slice.
	nameless bool
	watch    columnsWatch

	rows   int
	full   [][]driver.Value
	chunk  []driver.Value // the last, with room for whole rows
	kinds  []kind         // of the row being written
	held   []bool         // by column: a []byte was seen
	arena  arena
	values int64 // heap bytes of boxes and strings
	zone   *time.Location
	other  bool // a value that may not be stored was seen
	news   bool // the row holds a kind not yet seen in its column
}

// newTape starts a recording of real, which must stand before its first row.
func newTape(real *sql.Rows, limits Limits, untyped bool) (*tape, error) {
	t := &tape{limits: limits, untyped: untyped}
	names, err := real.Columns()
	if err != nil {
		return nil, err
	}
	t.nameless = names == nil
	if untyped {
		t.watch.before = make([]column, len(names))
		for i, name := range names {
			t.watch.before[i].name = name
		}
	} else {
		types, err := real.ColumnTypes()
		if err != nil {
			return nil, err
		}
		t.watch.before = make([]column, len(types))
		for i, ct := range types {
			t.watch.before[i] = columnOf(ct)
		}
		t.watch.seen = make([]uint16, len(types))
	}
	t.width = len(t.watch.before)
	t.kinds = make([]kind, t.width)
	t.held = make([]bool, t.width)
	return t, nil
}

// next returns the cells of a new row, to be set one by one and then committed.
func (t *tape) next() []driver.Value {
	if cap(t.chunk)-len(t.chunk) < t.width {
		if len(t.chunk) > 0 {
			t.full = append(t.full, t.chunk)
		}
		// 1 row, then 4, 16 … : exact for a single row, few allocations for many.
		rows := 1
		if t.width > 0 {
			rows = max(1, min(4*cap(t.chunk)/t.width, chunkCells/t.width))
		}
		t.chunk = make([]driver.Value, 0, rows*t.width)
	}
	n := len(t.chunk)
	t.chunk = t.chunk[:n+t.width]
	t.news, t.other = false, false
	return t.chunk[n : n+t.width : n+t.width]
}

// set writes one value. The bytes of v are copied, so it must be called while they are valid.
func (t *tape) set(row []driver.Value, col int, v driver.Value) {
	k, size := inspect(v)
	switch k {
	case kindBytes:
		v = t.arena.keep(v.([]byte))
		t.held[col] = true
	case kindTime:
		if zone := v.(time.Time).Location(); zone != t.zone && zone != time.UTC && zone != time.Local {
			t.zone = zone
			size += fixedZone
		}
	case kindOther:
		t.other = true
	}
	row[col] = v
	t.kinds[col] = k
	t.values += size
	if !t.untyped && t.watch.news(col, k) {
		t.news = true
	}
}

// commit ends the row that next began, which is the one real stands at. An error is the reason
// to stop recording.
func (t *tape) commit(real *sql.Rows) error {
	t.rows++
	if t.other {
		return ErrUnstorable
	}
	if t.limits.Rows > 0 && t.rows > t.limits.Rows {
		return ErrTooManyRows
	}
	if t.limits.Bytes > 0 && t.values+t.arena.size+int64(t.rows)*int64(t.width*cellSize) > t.limits.Bytes {
		return ErrTooLarge
	}
	if t.news {
		types, err := real.ColumnTypes()
		if err != nil {
			return incomplete(err)
		}
		if !t.watch.observe(types, t.kinds) {
			return ErrUnstorable
		}
	}
	return nil
}

// finish makes the result of what was written. The tape must not be used after.
func (t *tape) finish(eof bool) (*Recorded, error) {
	r := &Recorded{rows: t.rows, open: !eof, untyped: t.untyped}
	if !t.nameless {
		r.columns = make([]unique.Handle[column], t.width)
	}
	for i, c := range t.watch.before {
		r.columns[i] = unique.Make(c)
	}
	if len(t.watch.differ) > 0 {
		r.differ = make([]told, len(t.watch.differ))
		for i, d := range t.watch.differ {
			r.differ[i] = told{col: d.col, kind: d.kind, as: unique.Make(d.as)}
		}
	}
	if len(t.chunk) > 0 {
		t.full = append(t.full, exact(t.chunk))
	}
	r.chunks = t.full
	for col, held := range t.held {
		if held {
			r.bytesIn = append(r.bytesIn, col)
		}
	}
	r.measure(t.values + t.arena.size)
	if t.limits.Bytes > 0 && r.size > t.limits.Bytes {
		return nil, ErrTooLarge
	}
	return r, nil
}

// exact returns the cells without room behind them.
func exact(cells []driver.Value) []driver.Value {
	if len(cells) == cap(cells) {
		return cells
	}
	c := make([]driver.Value, len(cells))
	copy(c, cells)
	return c
}
