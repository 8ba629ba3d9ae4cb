package rows

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"runtime"
	"testing"
)

type doneCall struct {
	rec *Recorded
	err error
}

// doneChan is a Done that hands its calls over, and room to notice a second one.
func doneChan() (chan doneCall, func(*Recorded, error)) {
	c := make(chan doneCall, 2)
	return c, func(rec *Recorded, err error) { c <- doneCall{rec, err} }
}

func once(t *testing.T, c chan doneCall) doneCall {
	t.Helper()
	got := <-c
	if len(c) > 0 {
		t.Error("Done called twice")
	}
	return got
}

type myError struct{ n int }

func (e *myError) Error() string { return fmt.Sprint("my error ", e.n) }

func TestErrorsPassUnchanged(t *testing.T) {
	mine := &myError{1}
	for _, cause := range []error{mine, fmt.Errorf("wrapped: %w", mine), driver.ErrBadConn, context.Canceled, context.DeadlineExceeded, sql.ErrNoRows} {
		for _, at := range []string{"next", "close"} {
			s := result([]string{"a"}, []driver.Value{"x"})
			if at == "next" {
				s.sets[0].err = cause
			} else {
				s.closeErr = cause
			}
			want := trace(s.query(t, context.Background()))
			p := NewReplayer()
			done, f := doneChan()
			rows, err := p.Stream(context.Background(), s.query(t, context.Background()), StreamOptions{Record: true, Done: f})
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(want, trace(rows)); d != "" {
				t.Errorf("%s %v: %s", at, cause, d)
			}
			if rows.Err() != cause {
				t.Errorf("%s: Err is %v, want %v itself", at, rows.Err(), cause)
			}
			if got := once(t, done); got.err != cause || got.rec != nil {
				t.Errorf("%s: Done got %v", at, got)
			}
			_ = p.Close()
		}
	}
}

// The error of an early Close is returned by it, as by real rows.
func TestErrorOfAnEarlyClose(t *testing.T) {
	s := result([]string{"a"}, []driver.Value{"x"})
	s.closeErr = &myError{2}
	p := NewReplayer()
	defer p.Close()
	done, f := doneChan()
	rows, err := p.Stream(context.Background(), s.query(t, context.Background()), StreamOptions{Record: true, Done: f})
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	if err := rows.Close(); err != s.closeErr {
		t.Errorf("Close: %v", err)
	}
	if err := rows.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if got := once(t, done); got.err != s.closeErr || got.rec != nil {
		t.Errorf("Done got %v", got)
	}
}

func TestResultSetsPassThrough(t *testing.T) {
	s := &script{sets: []scriptSet{
		{columns: []string{"a"}, rows: [][]driver.Value{{"x"}, {"y"}}},
		{columns: []string{"b", "c", "d"}, rows: [][]driver.Value{{nil, int64(300), []byte("z")}}},
		{columns: nil},
		{columns: []string{"e"}, rows: [][]driver.Value{{true}}},
	}}
	s.typeOf = func(col int, row []driver.Value) reflect.Type { return reflect.TypeOf(col) }
	all := func(rows *sql.Rows, skip int) (steps []step) {
		for set := 0; ; set++ {
			names, err := rows.Columns()
			types, terr := rows.ColumnTypes()
			steps = append(steps, step{"columns", names}, step{"error", err}, step{"error", terr})
			for _, ct := range types {
				steps = append(steps, step{"type", columnOf(ct)})
			}
			for set != skip && rows.Next() {
				vals := make([]any, len(names))
				for i := range vals {
					vals[i] = new(any)
				}
				steps = append(steps, step{"scan", rows.Scan(vals...)}, step{"values", vals})
			}
			more := rows.NextResultSet()
			steps = append(steps, step{"more", more}, step{"err", rows.Err()})
			if !more {
				return append(steps, step{"close", rows.Close()})
			}
		}
	}
	p := NewReplayer()
	defer p.Close()
	for skip := -1; skip < 4; skip++ {
		want := all(s.query(t, context.Background()), skip)
		for _, record := range []bool{false, true} {
			done, f := doneChan()
			rows, err := p.Stream(context.Background(), s.query(t, context.Background()), StreamOptions{Record: record, Done: f})
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(want, all(rows, skip)); d != "" {
				t.Errorf("skipping set %d: %s", skip, d)
			}
			if got := once(t, done); got.rec != nil || got.err != nil {
				t.Errorf("Done got %v", got)
			}
		}
	}
}

func TestContextThatEndedBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := NewReplayer()
	defer p.Close()
	s := result([]string{"a"}, []driver.Value{"x"})
	rec, err := record(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := p.Rows(ctx, rec); rows != nil || err != context.Canceled {
		t.Errorf("Rows: %v, %v", rows, err)
	}
	if err := p.Row(ctx, rec).Err(); err != context.Canceled {
		t.Errorf("Row: %v", err)
	}
	closed := s.closed
	for _, row := range []bool{false, true} {
		done, f := doneChan()
		opt := StreamOptions{Record: true, Done: f}
		real := s.query(t, context.Background())
		if row {
			err = p.StreamRow(ctx, real, nil, opt).Scan(new(string))
		} else {
			_, err = p.Stream(ctx, real, opt)
		}
		closed++
		if got := once(t, done); err != context.Canceled || got.err != err || got.rec != nil || s.closed != closed {
			t.Errorf("stream: %v, Done got %v, closed %d times", err, got, s.closed)
		}
	}
}

// A context that ends while the stream is idle ends it: Done comes without another call of the user.
func TestContextThatEndsWhileIdle(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := NewReplayer()
	defer p.Close()
	s := result([]string{"a"}, []driver.Value{"x"}, []driver.Value{"y"})
	done, f := doneChan()
	rows, err := p.Stream(ctx, s.query(t, ctx), StreamOptions{Record: true, Done: f})
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	cancel()
	if got := once(t, done); got.err != context.Canceled || got.rec != nil {
		t.Errorf("Done got %v", got)
	}
	if rows.Next() || rows.Err() != context.Canceled {
		t.Errorf("Err is %v", rows.Err())
	}
	_ = rows.Close()
}

func TestContextThatEndsInReplay(t *testing.T) {
	rec, err := record(t, result([]string{"a"}, []driver.Value{"x"}, []driver.Value{"y"}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p := NewReplayer()
	defer p.Close()
	rows, err := p.Rows(ctx, rec)
	if err != nil {
		t.Fatal(err)
	}
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	cancel()
	for rows.Next() { // ends: by the context, or by EOF if that is quicker than its watcher
	}
	if err := rows.Err(); err != nil && err != context.Canceled {
		t.Error(err)
	}
	_ = rows.Close()
	if rows.Next() {
		t.Error("a row after Close")
	}
}

// A driver that panics must not lose the call of Done, which a write waits for.
func TestDoneSurvivesAPanickingDriver(t *testing.T) {
	s := result([]string{"a"}, []driver.Value{"x"})
	s.onNext = func(row int) {
		if row == 1 {
			panic("driver")
		}
	}
	p := NewReplayer()
	defer p.Close()
	done, f := doneChan()
	rows, err := p.Stream(context.Background(), s.query(t, context.Background()), StreamOptions{Record: true, Done: f})
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		defer rows.Close()
		for rows.Next() {
		}
	}()
	if got := once(t, done); got.rec != nil {
		t.Errorf("Done got %v", got)
	}
}

func TestStreamOfNothing(t *testing.T) {
	p := NewReplayer()
	defer p.Close()
	done, f := doneChan()
	if _, err := p.Stream(context.Background(), nil, StreamOptions{Done: f}); err != ErrNoResult {
		t.Error(err)
	}
	once(t, done)
	if err := p.StreamRow(context.Background(), nil, nil, StreamOptions{Done: f}).Scan(); err != ErrNoResult {
		t.Error(err)
	}
	once(t, done)
	if _, err := p.Stream(context.Background(), nil, StreamOptions{}); err != ErrNoResult {
		t.Error(err)
	}
	real := result([]string{"a"}).query(t, context.Background())
	_ = real.Close()
	if _, err := p.Stream(context.Background(), real, StreamOptions{Done: f}); err == nil {
		t.Error("streamed closed rows")
	}
	if got := once(t, done); got.err == nil {
		t.Error("Done got no error")
	}
}

// Real rows that something else ended, such as their transaction, are not a success.
func TestRowsEndedFromOutside(t *testing.T) {
	p := NewReplayer()
	defer p.Close()
	ctx, cancel := context.WithCancel(context.Background())
	real := result([]string{"a"}, []driver.Value{"x"}).query(t, ctx)
	done, f := doneChan()
	rows, err := p.Stream(context.Background(), real, StreamOptions{Record: true, Done: f})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	for real.Err() == nil {
		runtime.Gosched()
	}
	_ = rows.Close()
	if got := once(t, done); got.err != context.Canceled || got.rec != nil {
		t.Errorf("Done got %v", got)
	}
}
