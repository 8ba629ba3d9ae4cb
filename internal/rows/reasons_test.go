package rows

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"time"
)

// record reads a script to its end through a Recorder.
func record(t testing.TB, s *script) (*Recorded, error) {
	t.Helper()
	return recordWithin(t, s, Limits{})
}

func recordWithin(t testing.TB, s *script, lim Limits) (*Recorded, error) {
	t.Helper()
	r := NewRecorder(s.query(t, context.Background()), lim)
	for r.Next() {
	}
	_ = r.Close()
	return r.Finish()
}

func TestNothingIsStoredOf(t *testing.T) {
	boom := errors.New("boom")
	two := func() *script {
		return result([]string{"a"}, []driver.Value{"one"}, []driver.Value{"two"})
	}
	broken := two()
	broken.sets[0].err = boom
	unclosable := two()
	unclosable.closeErr = boom
	several := two()
	several.sets = append(several.sets, scriptSet{columns: []string{"b"}})
	for name, c := range map[string]struct {
		s      *script
		lim    Limits
		reason error
		cause  error
	}{
		"an error in the middle":    {s: broken, reason: ErrIncomplete, cause: boom},
		"an error at the close":     {s: unclosable, reason: ErrIncomplete, cause: boom},
		"a second result set":       {s: several, reason: ErrMultipleResults},
		"too many rows":             {s: two(), lim: Limits{Rows: 1}, reason: ErrTooLarge},
		"too many bytes":            {s: two(), lim: Limits{Bytes: 40}, reason: ErrTooLarge},
		"too many bytes in all":     {s: two(), lim: Limits{Bytes: 200}, reason: ErrTooLarge},
		"an int":                    {s: result([]string{"a"}, []driver.Value{1}), reason: ErrUnstorable},
		"an int32 in the last row":  {s: result([]string{"a"}, []driver.Value{"x"}, []driver.Value{int32(1)}), reason: ErrUnstorable},
		"a named string":            {s: result([]string{"a"}, []driver.Value{namedString("x")}), reason: ErrUnstorable},
		"named bytes":               {s: result([]string{"a"}, []driver.Value{namedBytes("x")}), reason: ErrUnstorable},
		"a list":                    {s: result([]string{"a"}, []driver.Value{[]string{"x"}}), reason: ErrUnstorable},
		"a pointer":                 {s: result([]string{"a"}, []driver.Value{new(int64)}), reason: ErrUnstorable},
		"a cursor":                  {s: result([]string{"a"}, []driver.Value{&scriptRows{}}), reason: ErrUnstorable},
		"a time of a running clock": {s: result([]string{"a"}, []driver.Value{time.Now()}), reason: ErrUnstorable},
	} {
		t.Run(name, func(t *testing.T) {
			rec, err := recordWithin(t, c.s, c.lim)
			if rec != nil || !errors.Is(err, c.reason) || c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("Recorder: got %v, %v", rec, err)
			}
			p := NewReplayer()
			defer p.Close()
			calls := 0
			rows, err := p.Stream(context.Background(), c.s.query(t, context.Background()), StreamOptions{Record: true, Limits: c.lim,
				Done: func(rec *Recorded, err error) {
					calls++
					if rec != nil || err != c.cause {
						t.Errorf("Stream: got %v, %v", rec, err)
					}
				}})
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			for ; rows.Next(); n++ {
				var v any
				if err := rows.Scan(&v); err != nil {
					t.Error(err)
				}
				want := c.s.sets[0].rows[n][0]
				if _, slice := want.([]string); !slice {
					if _, slice := want.(namedBytes); !slice && v != want {
						t.Errorf("row %d: got %v", n, v)
					}
				}
			}
			_ = rows.Close()
			if n != len(c.s.sets[0].rows) || calls != 1 {
				t.Errorf("%d rows, %d calls of Done", n, calls)
			}
		})
	}
}

func TestReadingThatStopsEarlyIsNotStored(t *testing.T) {
	s := result([]string{"a"}, []driver.Value{"one"}, []driver.Value{"two"})
	for rows := range 3 { // 2: all rows, but not their end
		r := NewRecorder(s.query(t, context.Background()), Limits{})
		for range rows {
			r.Next()
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if r.Next() {
			t.Error("a row after Close")
		}
		if rec, err := r.Finish(); rec != nil || err != ErrIncomplete {
			t.Errorf("after %d rows: got %v, %v", rows, rec, err)
		}
	}
}

func TestFinishBeforeCloseStoresNothing(t *testing.T) {
	r := NewRecorder(result([]string{"a"}).query(t, context.Background()), Limits{})
	for r.Next() {
	}
	for range 2 {
		if rec, err := r.Finish(); rec != nil || !errors.Is(err, ErrIncomplete) {
			t.Errorf("got %v, %v", rec, err)
		}
		_ = r.Close()
	}
}

func TestFinishAgainReturnsTheSame(t *testing.T) {
	r := NewRecorder(result([]string{"a"}, []driver.Value{"x"}).query(t, context.Background()), Limits{})
	for r.Next() {
	}
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	first, err := r.Finish()
	if first == nil || err != nil {
		t.Fatal(first, err)
	}
	if again, err := r.Finish(); again != first || err != nil {
		t.Error(again, err)
	}
}

func TestLimitsThatAreJustMet(t *testing.T) {
	s := result([]string{"a"}, []driver.Value{"one"}, []driver.Value{"two"})
	free, err := record(t, s)
	if err != nil {
		t.Fatal(err)
	}
	if rec, err := recordWithin(t, s, Limits{Rows: 2, Bytes: free.Size()}); err != nil || rec.Size() != free.Size() {
		t.Errorf("got %v, %v", rec, err)
	}
	if _, err := recordWithin(t, s, Limits{Bytes: free.Size() - 1}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// A recorder over rows that are closed already stores nothing and says what the rows say.
func TestRecorderOfClosedRows(t *testing.T) {
	real := result([]string{"a"}, []driver.Value{"x"}).query(t, context.Background())
	_ = real.Close()
	r := NewRecorder(real, Limits{})
	if r.Next() {
		t.Error("a row")
	}
	_ = r.Close()
	if rec, err := r.Finish(); rec != nil || !errors.Is(err, ErrIncomplete) {
		t.Errorf("got %v, %v", rec, err)
	}
}

// A prefix is kept only on request, and says that it is one.
func TestPrefix(t *testing.T) {
	ctx := context.Background()
	p := NewReplayer()
	defer p.Close()
	s := result([]string{"a"}, []driver.Value{"one"}, []driver.Value{"two"})
	for n := range 4 { // calls of Next
		r := NewRecorder(s.query(t, ctx), Limits{})
		for range n {
			r.Next()
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		rec, err := r.FinishPrefix()
		if n == 0 {
			if rec != nil || err != ErrIncomplete {
				t.Errorf("of nothing: %v, %v", rec, err)
			}
			continue
		}
		if err != nil || rec.Len() != min(n, 2) || rec.Complete() != (n == 3) {
			t.Fatalf("%d: got %v, %v", n, rec, err)
		}
		if err := p.Row(ctx, rec).Scan(new(string)); err != nil {
			t.Error(err)
		}
		rows, err := p.Rows(ctx, rec)
		if err != nil {
			t.Fatal(err)
		}
		for range rec.Len() {
			if !rows.Next() || rows.Err() != nil {
				t.Error("a row is missing", rows.Err())
			}
		}
		var want error
		if n < 3 {
			want = ErrPrefix
		}
		if rows.Next() || rows.Err() != want {
			t.Errorf("past the prefix: %v", rows.Err())
		}
	}
	s.closeErr = &myError{5}
	r := NewRecorder(s.query(t, ctx), Limits{})
	r.Next()
	if err := r.Close(); err != s.closeErr {
		t.Error(err)
	}
	if rec, err := r.FinishPrefix(); rec != nil || !errors.Is(err, s.closeErr) {
		t.Errorf("got %v, %v", rec, err)
	}
}
