package rows

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"reflect"
	"slices"
)

// StreamOptions says what a stream does beside passing rows through.
type StreamOptions struct {
	// Record keeps what is read, for Done. Default: false.
	Record bool
	// Limits bounds the recording.
	Limits Limits
	// Peek looks for a further row if the stream is closed after its first, so that a reader that
	// stops there knows whether it saw all. Default: false.
	Peek bool
	// Done, if set, is called exactly once, when the stream is over: its end was reached, it was closed
	// or failed, or its context ended. rec is non-nil only if Record was set and the result is complete.
	// err is the first error of Next, Err and Close, or of the context if it ended before the
	// rows did. Done runs before the call that ended the stream returns, while database/sql holds the rows
	// locked: it must not use them.
	Done func(rec *Recorded, err error)
}

// Stream returns rows that read from real while their caller iterates. Values, column types, result
// sets and errors are those of real; bytes are copied, so that a Scanner may keep them. The
// stream owns real and closes it with itself, or before returning an error. ctx must be the context
// that real was queried with.
//
// Rows of a transaction are closed by its end only when they are next used; Done waits for that.
func (p *Replayer) Stream(ctx context.Context, real *sql.Rows, opt StreamOptions) (rows *sql.Rows, err error) {
	if real == nil {
		if opt.Done != nil {
			opt.Done(nil, ErrNoResult)
		}
		return nil, ErrNoResult
	}
	s, err := newStream(ctx, real, opt, false)
	if err != nil {
		return nil, err
	}
	p.use(func(db *sql.DB) { rows, err = db.QueryContext(ctx, "", s) })
	if !s.started {
		s.abandon(err)
	}
	return rows, err
}

// StreamRow makes the *sql.Row that QueryRowContext would have returned, of what QueryContext
// returned: real, or queryErr, which the row then returns unchanged, however often it is asked. Only the
// first row counts: the result recorded for Done has at most that one, and is complete once
// it was delivered and closing real gave no error. Otherwise as [Replayer.Stream].
func (p *Replayer) StreamRow(ctx context.Context, real *sql.Rows, queryErr error, opt StreamOptions) (row *sql.Row) {
	if queryErr == nil && real == nil {
		queryErr = ErrNoResult
	}
	if queryErr != nil {
		if opt.Done != nil {
			opt.Done(nil, queryErr)
		}
		return Fail(queryErr)
	}
	s, err := newStream(ctx, real, opt, true)
	if err != nil {
		return Fail(err)
	}
	p.use(func(db *sql.DB) { row = db.QueryRowContext(ctx, "", s) })
	if !s.started {
		s.abandon(row.Err())
	}
	return row
}

// stream is the driver's side of streamed rows. database/sql calls it under its locks, never
// two methods at once.
type stream struct {
	ctx       context.Context
	real      *sql.Rows
	opt       StreamOptions
	single    bool // for a Row
	names     []string
	types     []*sql.ColumnType // told at the current row; nil: not asked yet
	lastTypes []*sql.ColumnType // told last, should real refuse to tell
	rec       recording
	started   bool // database/sql has taken the stream and will close it
	closed    bool
	eof       bool
	failed    error // the first
}

func newStream(ctx context.Context, real *sql.Rows, opt StreamOptions, single bool) (*stream, error) {
	s := &stream{ctx: ctx, real: real, opt: opt, single: single}
	s.rec.tap.real = real
	if err := s.name(); err != nil {
		if cause := real.Err(); cause != nil {
			err = cause
		}
		s.abandon(err)
		return nil, err
	}
	if opt.Record {
		s.rec.start(real, opt.Limits, single)
	}
	return s, nil
}

// abandon ends a stream that database/sql did not take.
func (s *stream) abandon(err error) {
	s.note(err)
	_ = s.Close() // a later error than the one that is returned
}

func (s *stream) note(err error) {
	if s.failed == nil {
		s.failed = err
	}
}

// name copies the names of the current result set.
func (s *stream) name() error {
	names, err := s.real.Columns()
	if err != nil {
		return err
	}
	s.names = slices.Clone(names)
	return nil
}

func (s *stream) Columns() []string { return s.names }

func (s *stream) Next(dest []driver.Value) error {
	s.types = nil
	if !s.real.Next() {
		s.rec.ended()
		if err := s.real.Err(); err != nil {
			s.note(err)
			return err
		}
		s.eof = true
		return io.EOF
	}
	if s.rec.tape != nil {
		if row := s.rec.record(); row != nil {
			copy(dest, row)
			for i, v := range row {
				if b, ok := v.([]byte); ok {
					dest[i] = cloneBytes(b)
				}
			}
			return nil
		}
		// The row could not be read, nor can it be now: the error below is its own.
	}
	if err := s.rec.tap.read(dest, nil); err != nil {
		if cause := s.real.Err(); cause != nil {
			err = cause
		}
		s.note(err)
		return err
	}
	return nil
}

// HasNextResultSet is asked at the end of a result set, where database/sql keeps real open only
// if there is another.
func (s *stream) HasNextResultSet() bool {
	_, err := s.real.Columns()
	return err == nil
}

func (s *stream) NextResultSet() error {
	s.types = nil
	s.rec.stop(ErrMultipleResults)
	if s.real.NextResultSet() {
		s.eof = false
		err := s.name()
		s.note(err)
		return err
	}
	if err := s.real.Err(); err != nil {
		s.note(err)
		return err
	}
	s.eof = true
	return io.EOF
}

// Close ends the stream, whatever ended the rows: database/sql calls it at their end, on errors,
// when the context ends and when the caller closes them.
func (s *stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var rec *Recorded
	finished := false
	defer func() {
		if !finished {
			s.note(ErrIncomplete) // the driver panicked
		}
		if s.opt.Done != nil {
			s.opt.Done(rec, s.failed)
		}
	}()
	s.peek()
	err := s.real.Close()
	s.note(err)
	s.note(s.real.Err())
	if !s.eof {
		s.note(s.ctx.Err())
	}
	rec, _ = s.rec.finish(s.failed, s.single)
	finished = true
	return err
}

// peek finds the end of the rows where the caller stopped before it.
func (s *stream) peek() {
	if !s.opt.Peek || s.eof || s.failed != nil || s.ctx.Err() != nil || s.rec.tape == nil || s.rec.tape.rows != 1 {
		return
	}
	if !s.real.Next() && s.real.Err() == nil {
		s.rec.ended()
		s.eof = true
	}
}

func (s *stream) columnType(i int) *sql.ColumnType {
	if s.types == nil {
		types, err := s.real.ColumnTypes()
		if err != nil {
			// Closed by its context in this instant: these rows are about to be, too.
			types = s.lastTypes
		}
		s.types, s.lastTypes = types, types
	}
	if i >= len(s.types) {
		return nil
	}
	return s.types[i]
}

func (s *stream) ColumnTypeScanType(i int) reflect.Type {
	if ct := s.columnType(i); ct != nil {
		return ct.ScanType()
	}
	return reflect.TypeFor[any]()
}

func (s *stream) ColumnTypeDatabaseTypeName(i int) string {
	if ct := s.columnType(i); ct != nil {
		return ct.DatabaseTypeName()
	}
	return ""
}

func (s *stream) ColumnTypeLength(i int) (int64, bool) {
	if ct := s.columnType(i); ct != nil {
		return ct.Length()
	}
	return 0, false
}

func (s *stream) ColumnTypeNullable(i int) (nullable, ok bool) {
	if ct := s.columnType(i); ct != nil {
		return ct.Nullable()
	}
	return false, false
}

func (s *stream) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	if ct := s.columnType(i); ct != nil {
		return ct.DecimalSize()
	}
	return 0, 0, false
}
