package rows

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"sync"
	"testing"
)

func sample(t testing.TB) *Recorded {
	s := result([]string{"a", "b", "c"})
	for i := range 50 {
		s.sets[0].rows = append(s.sets[0].rows, []driver.Value{int64(i), fmt.Sprint("s", i), fmt.Append(nil, "b", i)})
	}
	rec, err := record(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// check reads a replay of sample with Scanners that overwrite what they get.
func check(rows *sql.Rows) error {
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	names[0] = "mine"
	i := 0
	for ; rows.Next(); i++ {
		var a int
		var b string
		var c spoiler
		if err := rows.Scan(&a, &b, &c); err != nil {
			return err
		}
		if a != i || b != fmt.Sprint("s", i) || string(c.v.([]byte)) != fmt.Sprint("was:b", i) {
			return fmt.Errorf("row %d: got %v %v %s", i, a, b, c.v)
		}
	}
	if i != 50 {
		return fmt.Errorf("%d rows", i)
	}
	return rows.Err()
}

func TestManyReplaysAtOnce(t *testing.T) {
	rec := sample(t)
	p := NewReplayer()
	defer p.Close()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				rows, err := p.Rows(context.Background(), rec)
				if err == nil {
					err = check(rows)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestAThousandOpenRows(t *testing.T) {
	rec := sample(t)
	p := NewReplayer()
	defer p.Close()
	var open []*sql.Rows
	for range 1000 {
		rows, err := p.Rows(context.Background(), rec)
		if err != nil {
			t.Fatal(err)
		}
		if !rows.Next() {
			t.Fatal(rows.Err())
		}
		open = append(open, rows)
	}
	if n := p.db.Stats().InUse; n != 1000 {
		t.Errorf("%d in use", n)
	}
	for _, rows := range open {
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if s := p.db.Stats(); s.InUse != 0 || s.Idle != idleConns {
		t.Errorf("%+v", s)
	}
}

func TestIdleConnectionsAreReused(t *testing.T) {
	rec := sample(t)
	p := NewReplayer()
	defer p.Close()
	for range 100 {
		if err := p.Row(context.Background(), rec).Scan(new(any), new(any), new(any)); err != nil {
			t.Fatal(err)
		}
	}
	if n := p.db.Stats().OpenConnections; n != 1 {
		t.Errorf("%d connections for one row at a time", n)
	}
}

// Close leaves open rows alone, and rows asked for later are given all the same.
func TestCloseWhileInUse(t *testing.T) {
	rec := sample(t)
	p := NewReplayer()
	before, err := p.Rows(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	start := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			<-start
			for range 50 {
				rows, err := p.Rows(context.Background(), rec)
				if err == nil {
					err = check(rows)
				}
				if err != nil {
					t.Error(err)
				}
				if err := p.Row(context.Background(), rec).Scan(new(any), new(any), new(any)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	close(start)
	for range 3 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := check(before); err != nil {
		t.Error(err)
	}
	never := NewReplayer()
	if err := never.Close(); err != nil {
		t.Error(err)
	}
	rows, err := never.Rows(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(rows); err != nil {
		t.Error(err)
	}
	// A stream counts on it most: its write has happened.
	done, f := doneChan()
	rows, err = p.Stream(context.Background(), result([]string{"a"}, []driver.Value{"x"}).query(t, context.Background()), StreamOptions{Record: true, Done: f})
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
	}
	if got := once(t, done); got.rec.Len() != 1 || got.err != nil {
		t.Errorf("Done got %v", got)
	}
}

// Streams whose contexts end at any moment call Done once and leave nothing open.
func TestStreamsRacingTheirContexts(t *testing.T) {
	p := NewReplayer()
	defer p.Close()
	db := (&fresh{columns: []string{"a", "b"}, rows: 200, value: func(row, _ int) driver.Value { return fmt.Append(nil, row) }}).open(t)
	var wg sync.WaitGroup
	for n := range 60 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			real, err := db.QueryContext(ctx, "q")
			if err != nil {
				t.Error(err)
				return
			}
			done, f := doneChan()
			rows, err := p.Stream(ctx, real, StreamOptions{Record: n%2 == 0, Done: f})
			if err != nil {
				t.Error(err)
				return
			}
			go func() {
				if n%3 == 0 {
					cancel()
				}
			}()
			read := 0
			for ; rows.Next(); read++ {
				var a, b sql.RawBytes
				if err := rows.Scan(&a, &b); err == nil && string(a) != fmt.Sprint(read) {
					t.Errorf("row %d: got %s", read, a)
				}
			}
			got := <-done
			if rows.Err() == nil && (read != 200 || n%2 == 0 && got.rec.Len() != 200) || rows.Err() != nil && got.rec != nil {
				t.Errorf("%d rows, %v, Done got %v", read, rows.Err(), got)
			}
			_ = rows.Close()
			if len(done) > 0 {
				t.Error("Done called twice")
			}
		})
	}
	wg.Wait()
	if n := db.Stats().InUse; n != 0 {
		t.Errorf("%d real connections are still in use", n)
	}
}

type panicker struct{}

func (panicker) Scan(any) error { panic("scanner") }

// A Scanner that panics takes its own rows with it (database/sql never unlocks them), nothing else.
func TestPanickingScannerLocksNothingElse(t *testing.T) {
	rec := sample(t)
	p := NewReplayer()
	rows, err := p.Rows(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	rows.Next()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		_ = rows.Scan(panicker{}, panicker{}, panicker{})
	}()
	again, err := p.Rows(context.Background(), rec)
	if err != nil {
		t.Fatal(err)
	}
	if err := check(again); err != nil {
		t.Error(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	// A Row closes itself, and so cannot be tested here: its own Scan never returns.
}
