package rows

import "database/sql"

// Recorder reads real rows for a caller, as the gorm.Rows that gorm.Scan takes, and records each row
// before the caller scans it. Values, column types and errors are those of the real rows. Like
// *sql.Rows it is for one goroutine.
type Recorder struct {
	real   *sql.Rows
	rec    recording
	closed bool
	failed error // first error of Close
	done   bool
	result *Recorded
	reason error
}

// NewRecorder returns a Recorder over real, which must not be nil and must stand before its first row.
func NewRecorder(real *sql.Rows, lim Limits) *Recorder {
	r := &Recorder{real: real}
	r.rec.start(real, lim, false)
	return r
}

// Columns is [sql.Rows.Columns].
func (r *Recorder) Columns() ([]string, error) { return r.real.Columns() }

// ColumnTypes is [sql.Rows.ColumnTypes].
func (r *Recorder) ColumnTypes() ([]*sql.ColumnType, error) { return r.real.ColumnTypes() }

// Next is [sql.Rows.Next]; it records the row it steps to.
func (r *Recorder) Next() bool {
	if !r.real.Next() {
		if !r.closed {
			r.rec.ended()
		}
		return false
	}
	if r.rec.tape != nil {
		r.rec.record()
	}
	return true
}

// Scan is [sql.Rows.Scan].
func (r *Recorder) Scan(dest ...any) error { return r.real.Scan(dest...) }

// Err is [sql.Rows.Err].
func (r *Recorder) Err() error { return r.real.Err() }

// Close is [sql.Rows.Close].
func (r *Recorder) Close() error {
	err := r.real.Close()
	r.closed = true
	if r.failed == nil {
		r.failed = err
	}
	return err
}

// Finish returns the recorded result, or the reason why there is none: [ErrIncomplete],
// [ErrTooLarge], [ErrUnstorable] or [ErrMultipleResults]. Call it after Close; called before, it
// ends the recording as incomplete. Further calls of Finish and FinishPrefix return the same.
func (r *Recorder) Finish() (*Recorded, error) { return r.finish(false) }

// FinishPrefix is Finish for a reader that stops early whatever there is, as gorm.Scan does after
// the first row when it scans into a struct or a map: closing before the end is then no reason to
// store nothing if at least one row was read. [Recorded.Complete] tells whether the end was reached.
func (r *Recorder) FinishPrefix() (*Recorded, error) { return r.finish(true) }

func (r *Recorder) finish(prefix bool) (*Recorded, error) {
	if r.done {
		return r.result, r.reason
	}
	r.done = true
	failure := r.failed
	if failure == nil {
		failure = r.real.Err()
	}
	if !r.closed {
		r.rec.stop(ErrIncomplete)
	}
	r.result, r.reason = r.rec.finish(failure, prefix)
	return r.result, r.reason
}
