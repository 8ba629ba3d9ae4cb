package rows

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
)

// tap reads the driver's values of the row that real stands at, through Scanners, which get them as
// the driver gave them. Bytes are copied in Scan, where database/sql keeps the rows open.
type tap struct {
	real  *sql.Rows
	tape  *tape // nil: values go to row only
	row   []driver.Value
	cells []cell
	dests []any
}

type cell struct {
	tap *tap
	col int
}

// Scan implements sql.Scanner.
func (c *cell) Scan(v any) error {
	t := c.tap
	if t.tape != nil {
		t.tape.set(t.row, c.col, v)
		return nil
	}
	if b, ok := v.([]byte); ok {
		v = cloneBytes(b)
	}
	t.row[c.col] = v
	return nil
}

// read scans the current row into row, by way of tape if that is not nil.
func (t *tap) read(row []driver.Value, tape *tape) error {
	if len(t.cells) != len(row) {
		t.cells = make([]cell, len(row))
		t.dests = make([]any, len(row))
		for i := range t.cells {
			t.cells[i] = cell{tap: t, col: i}
			t.dests[i] = &t.cells[i]
		}
	}
	t.row, t.tape = row, tape
	return t.real.Scan(t.dests...)
}

// recording follows real rows to their end. A nil tape means that it stopped, for reason.
type recording struct {
	tap    tap
	tape   *tape
	reason error
	eof    bool
}

func (r *recording) start(real *sql.Rows, limits Limits, untyped bool) {
	r.tap.real = real
	t, err := newTape(real, limits, untyped)
	if err != nil {
		r.reason = incomplete(err)
		return
	}
	r.tape = t
}

// stop gives up the recording and its memory. The first reason stays.
func (r *recording) stop(reason error) {
	r.tape = nil
	r.tap.row, r.tap.tape = nil, nil
	if r.reason == nil {
		r.reason = reason
	}
}

// record writes the current row and returns its values, which belong to the recording. It returns
// nil if the row could not be read.
func (r *recording) record() []driver.Value {
	row := r.tape.next()
	if err := r.tap.read(row, r.tape); err != nil {
		r.stop(incomplete(err))
		return nil
	}
	if err := r.tape.commit(r.tap.real); err != nil {
		r.stop(err)
	}
	return row
}

// ended is told that Next returned false.
func (r *recording) ended() {
	if r.tape == nil || r.eof {
		return
	}
	if err := r.tap.real.Err(); err != nil {
		r.stop(incomplete(err))
		return
	}
	// At the end of the last result set database/sql has closed the rows; open ones have another.
	if _, err := r.tap.real.Columns(); err == nil {
		r.stop(ErrMultipleResults)
		return
	}
	r.eof = true
}

// finish is called once, after Close. With prefix, the end need not have been reached if a row was.
func (r *recording) finish(failure error, prefix bool) (*Recorded, error) {
	if r.tape != nil {
		switch {
		case failure != nil:
			r.stop(incomplete(failure))
		case !r.eof && !(prefix && r.tape.rows > 0):
			r.stop(ErrIncomplete)
		}
	}
	if r.tape == nil {
		return nil, r.reason
	}
	rec, err := r.tape.finish(r.eof)
	r.tape = nil
	r.reason = err
	return rec, err
}

func incomplete(cause error) error { return fmt.Errorf("%w: %w", ErrIncomplete, cause) }
