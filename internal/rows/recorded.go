package rows

import (
	"database/sql/driver"
	"unique"
	"unsafe"
)

// Recorded is one query result: its columns with everything a [*sql.ColumnType] tells, and
// the driver's values. It is immutable and safe for concurrent use. Replay it with a [Replayer].
//
// Values are kept as the interface words the driver gave, in a few large slices, so that recording
// copies only bytes, and replaying an int or a string allocates nothing.
type Recorded struct {
	columns []unique.Handle[column] // interned: results of one query share them
	differ  []told                  // where a column's description follows its value; mostly empty
	chunks  [][]driver.Value        // whole rows each, none empty
	bytesIn []int                   // columns that hold a []byte in some row
	rows    int
	size    int64
	open    bool // more rows may follow: a prefix
	untyped bool // made by StreamRow: no column types
}

// Len returns the number of rows.
func (r *Recorded) Len() int { return r.rows }

// Complete reports whether these are all rows of the query. If not (see [Recorder.FinishPrefix] and
// [Replayer.StreamRow]), a replay that reads past them fails with [ErrPrefix].
func (r *Recorded) Complete() bool { return !r.open }

// Columns returns the column names, in a slice of the caller's own.
func (r *Recorded) Columns() []string {
	if r.columns == nil {
		return nil // as the driver said
	}
	names := make([]string, len(r.columns))
	for i, c := range r.columns {
		names[i] = c.Value().name
	}
	return names
}

// Size returns the heap bytes that the result keeps alive, estimated from the allocator's size classes.
// Column descriptions are interned, shared by all results of the same columns, and not counted.
func (r *Recorded) Size() int64 { return r.size }

// describe tells the column as the driver did for the value at hand; row is nil before the first.
func (r *Recorded) describe(col int, row []driver.Value) column {
	if len(r.differ) > 0 && row != nil {
		k := kindOf(row[col])
		for _, t := range r.differ {
			if t.col == col && t.kind == k {
				return t.as.Value()
			}
		}
	}
	return r.columns[col].Value()
}

// measure computes the size from the parts.
func (r *Recorded) measure(values int64) {
	const slice = int(unsafe.Sizeof([]driver.Value(nil)))
	r.size = values + allocatedPointers(int(unsafe.Sizeof(*r))) +
		allocatedPointers(len(r.columns)*int(unsafe.Sizeof(r.columns[0]))) +
		allocatedPointers(cap(r.differ)*int(unsafe.Sizeof(told{}))) +
		allocatedPointers(cap(r.chunks)*slice) +
		allocated(cap(r.bytesIn)*int(unsafe.Sizeof(0)))
	for _, c := range r.chunks {
		r.size += allocatedPointers(cap(c) * cellSize)
	}
}

// cellSize is the size of one driver.Value.
const cellSize = int(unsafe.Sizeof(driver.Value(nil)))
