package rows

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
)

// traceRow uses a row in the ways there are.
func traceRow(row func() *sql.Row) (steps []step) {
	for _, dest := range [][]any{{new(string)}, {new(any)}, {new(keeper)}, {refuser{}}, {new(int)}, {new(sql.RawBytes)}, {}, {new(string), new(string)}} {
		r := row()
		at := fmt.Sprintf("%T", dest)
		steps = append(steps, step{at + " err", r.Err()}, step{at + " scan", r.Scan(dest...)})
		for _, d := range dest {
			steps = append(steps, step{at, d})
		}
		steps = append(steps, step{at + " scan again", r.Scan(dest...)}, step{at + " err after", r.Err()})
	}
	return steps
}

func TestRowBehavesAsTheDatabasesOwn(t *testing.T) {
	boom := &myError{3}
	none := result([]string{"a"})
	one := result([]string{"a"}, []driver.Value{[]byte("x")})
	two := result([]string{"a"}, []driver.Value{"x"}, []driver.Value{"y"})
	laterError := result([]string{"a"}, []driver.Value{"x"})
	laterError.sets[0].err = boom
	unclosable := result([]string{"a"}, []driver.Value{"x"})
	unclosable.closeErr = boom
	emptyUnclosable := result([]string{"a"})
	emptyUnclosable.closeErr = boom
	failing := func(err error) *script { return &script{queryErr: err} }
	broken := result([]string{"a"})
	broken.sets[0].err = boom
	for name, c := range map[string]struct {
		s      *script
		stored int // rows; -1: nothing stored
		err    error
	}{
		"no row":                     {none, 0, nil},
		"one row":                    {one, 1, nil},
		"two rows":                   {two, 1, nil},
		"an error after the row":     {laterError, 1, nil},
		"an error instead of a row":  {broken, -1, boom},
		"an error at the close":      {unclosable, -1, boom},
		"an error at an empty close": {emptyUnclosable, -1, boom},
		"a failed query":             {failing(boom), -1, boom},
		"a bad connection":           {failing(driver.ErrBadConn), -1, driver.ErrBadConn},
		"a wrapped bad connection":   {failing(fmt.Errorf("w: %w", driver.ErrBadConn)), -1, driver.ErrBadConn},
		"a driver that skips":        {failing(driver.ErrSkip), -1, driver.ErrSkip},
		"a query that found no rows": {failing(sql.ErrNoRows), -1, sql.ErrNoRows},
		"a query that was cancelled": {failing(context.Canceled), -1, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			db := c.s.open(t)
			want := traceRow(func() *sql.Row { return db.QueryRowContext(ctx, "q") })
			p := NewReplayer()
			defer p.Close()
			var rec *Recorded
			stream := func(f func(*Recorded, error)) *sql.Row {
				real, err := db.QueryContext(ctx, "q")
				queries := c.s.queries
				row := p.StreamRow(ctx, real, err, StreamOptions{Record: true, Done: f})
				if row.Err() != err {
					t.Errorf("Err is %v, want %v itself", row.Err(), err)
				}
				if c.s.queries != queries {
					t.Errorf("ran %d more queries", c.s.queries-queries)
				}
				return row
			}
			if d := diff(want, traceRow(func() *sql.Row { return stream(nil) })); d != "" {
				t.Error("stream:", d)
			}
			done, f := doneChan()
			_ = stream(f).Scan(new(string))
			got := once(t, done)
			rec = got.rec
			if !errors.Is(got.err, c.err) || (rec != nil) != (c.stored >= 0) {
				t.Fatalf("Done got %v", got)
			}
			if rec == nil {
				return
			}
			if rec.Len() != c.stored {
				t.Errorf("stored %d rows", rec.Len())
			}
			if d := diff(want, traceRow(func() *sql.Row { return p.Row(ctx, rec) })); d != "" {
				t.Error("replay:", d)
			}
			if _, err := p.Rows(ctx, rec); err != ErrUntyped {
				t.Errorf("replayed as rows: %v", err)
			}
			// A full result serves a Row, too.
			if c.s.sets[0].err == nil {
				full, err := record(t, c.s)
				if err != nil {
					t.Fatal(err)
				}
				if d := diff(want, traceRow(func() *sql.Row { return p.Row(ctx, full) })); d != "" {
					t.Error("replay of all rows:", d)
				}
			}
		})
	}
}

// RawBytes is refused before a row was read: nothing is known of the result.
func TestRowThatReadNothingIsNotStored(t *testing.T) {
	p := NewReplayer()
	defer p.Close()
	done, f := doneChan()
	s := result([]string{"a"}, []driver.Value{"x"})
	if err := p.StreamRow(context.Background(), s.query(t, context.Background()), nil, StreamOptions{Record: true, Done: f}).Scan(new(sql.RawBytes)); err == nil {
		t.Error("scanned RawBytes")
	}
	if got := once(t, done); got.rec != nil || got.err != nil {
		t.Errorf("Done got %v", got)
	}
}

func TestFail(t *testing.T) {
	for _, err := range []error{&myError{4}, driver.ErrBadConn, driver.ErrSkip, context.Canceled} {
		row := Fail(err)
		if row.Err() != err || row.Scan(new(any)) != err || row.Scan() != err {
			t.Errorf("got %v, want %v", row.Err(), err)
		}
	}
	if err := Fail(nil).Scan(); err != ErrNoResult {
		t.Error(err)
	}
	p := NewReplayer()
	defer p.Close()
	if err := p.Row(context.Background(), nil).Scan(); err != ErrNoResult {
		t.Error(err)
	}
	if _, err := p.Rows(context.Background(), nil); err != ErrNoResult {
		t.Error(err)
	}
}
