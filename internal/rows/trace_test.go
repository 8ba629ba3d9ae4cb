package rows

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"
)

// keeper is a Scanner that keeps what it is given, as careless ones do.
type keeper struct{ v any }

func (k *keeper) Scan(v any) error { k.v = v; return nil }

// spoiler is a Scanner that keeps a copy and overwrites the bytes it is given.
type spoiler struct{ v any }

func (s *spoiler) Scan(v any) error {
	s.v = v
	if b, ok := v.([]byte); ok {
		s.v = append([]byte("was:"), b...)
		for i := range b {
			b[i] = '#'
		}
	}
	return nil
}

type refuser struct{}

var errRefused = errors.New("scanner refuses")

func (refuser) Scan(any) error { return errRefused }

type (
	namedString string
	namedBytes  []byte
	namedInt    int64
)

// dests are the kinds of destination that every column is scanned into.
var dests = []func() any{
	func() any { return new(any) }, func() any { return new(string) }, func() any { return new([]byte) },
	func() any { return new(int) }, func() any { return new(int8) }, func() any { return new(int64) },
	func() any { return new(uint8) }, func() any { return new(uint64) }, func() any { return new(float32) },
	func() any { return new(float64) }, func() any { return new(bool) }, func() any { return new(time.Time) },
	func() any { return new(*string) }, func() any { return new(*int64) }, func() any { return new(*time.Time) },
	func() any { return new(*[]byte) }, func() any { return new(*any) }, func() any { return new(namedString) },
	func() any { return new(namedBytes) }, func() any { return new(namedInt) },
	func() any { return new(json.RawMessage) }, func() any { return new(sql.NullString) },
	func() any { return new(sql.NullInt64) }, func() any { return new(sql.NullFloat64) },
	func() any { return new(sql.NullBool) }, func() any { return new(sql.NullTime) },
	func() any { return new(sql.Null[[]byte]) }, func() any { return new(sql.Null[any]) },
	func() any { return new(keeper) }, func() any { return new(spoiler) }, func() any { return refuser{} },
	func() any { return new(chan int) }, func() any { return (*namedInt)(nil) },
	func() any { return 7 },
}

// step is one thing that reading rows showed.
type step struct {
	what string
	v    any
}

// trace reads rows in every way and returns all that could be seen. Each destination has a reading
// pass of its own at one row, since a Scanner may spoil the row for the next.
func trace(rows *sql.Rows) (steps []step) {
	say := func(what string, v any) { steps = append(steps, step{what, v}) }
	types := func(at string) {
		cts, err := rows.ColumnTypes()
		say(at+" types error", err)
		for _, ct := range cts {
			say(at+" type", columnOf(ct))
		}
	}
	names, err := rows.Columns()
	say("columns", slices.Clone(names))
	say("columns error", err)
	types("before")
	say("early scan", rows.Scan())
	discard := make([]any, len(names))
	for n := 0; rows.Next(); n++ {
		at := fmt.Sprint("row ", n)
		types(at)
		say(at+" too few", rows.Scan(make([]any, max(0, len(names)-1))...))
		for c := range names {
			for k, mk := range dests {
				for i := range discard {
					discard[i] = new(keeper)
				}
				d := mk()
				discard[c] = d
				say(fmt.Sprintf("%s column %d dest %d %T error", at, c, k, d), rows.Scan(discard...))
				switch d := d.(type) {
				case *spoiler:
					say(at+" spoiled", clone(d.v))
				case *keeper:
					say(at+" kept", clone(d.v))
				default:
					say(at+" dest", clone(reflect.ValueOf(d)))
				}
			}
		}
		if cts, err := rows.ColumnTypes(); err == nil { // as gorm scans into maps
			byType := make([]any, len(cts))
			for i, ct := range cts {
				byType[i] = new(any)
				if st := ct.ScanType(); st != nil && st != reflect.TypeFor[sql.RawBytes]() {
					byType[i] = reflect.New(reflect.PointerTo(st)).Interface()
				} else if st != nil {
					byType[i] = new(sql.RawBytes)
				}
			}
			say(at+" by type error", rows.Scan(byType...))
			for i := range byType {
				say(at+" by type", clone(reflect.ValueOf(byType[i])))
			}
		}
	}
	say("err", rows.Err())
	_, err = rows.Columns()
	say("columns after", err)
	say("more sets", rows.NextResultSet())
	say("close", rows.Close())
	say("close again", rows.Close())
	say("err after close", rows.Err())
	say("late scan", rows.Scan(discard...))
	say("next after close", rows.Next())
	return steps
}

// traceRaw scans everything into RawBytes, which keeps database/sql's lock until the next row.
func traceRaw(rows *sql.Rows) (steps []step) {
	names, _ := rows.Columns()
	for rows.Next() {
		raw := make([]any, len(names))
		for i := range raw {
			raw[i] = new(sql.RawBytes)
		}
		steps = append(steps, step{"raw error", rows.Scan(raw...)})
		for i := range raw {
			steps = append(steps, step{"raw", bytes.Clone(*raw[i].(*sql.RawBytes))}, step{"nil", *raw[i].(*sql.RawBytes) == nil})
		}
	}
	return append(steps, step{"err", rows.Err()}, step{"close", rows.Close()})
}

// clone follows pointers and copies bytes, so that later scans do not change what was seen.
func clone(v any) any {
	rv, ok := v.(reflect.Value)
	if !ok {
		if b, ok := v.([]byte); ok {
			return bytes.Clone(b)
		}
		return v
	}
	for rv.IsValid() && rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	if !rv.IsValid() {
		return nil
	}
	if rv.Kind() == reflect.Slice && rv.Type().Elem().Kind() == reflect.Uint8 {
		c := reflect.MakeSlice(rv.Type(), rv.Len(), rv.Len())
		reflect.Copy(c, rv)
		if rv.IsNil() {
			return reflect.Zero(rv.Type()).Interface()
		}
		return c.Interface()
	}
	return rv.Interface()
}

// diff returns the first difference between two traces, or "".
func diff(want, got []step) string {
	for i := range want {
		if i >= len(got) {
			return fmt.Sprintf("ends before %q", want[i].what)
		}
		if want[i].what != got[i].what || !same(reflect.ValueOf(want[i].v), reflect.ValueOf(got[i].v)) {
			return fmt.Sprintf("step %d: want %s: %.200s\n got %s: %.200s", i,
				want[i].what, fmt.Sprintf("%T %[1]v %#[1]v", want[i].v), got[i].what, fmt.Sprintf("%T %[1]v %#[1]v", got[i].v))
		}
	}
	if len(got) > len(want) {
		return fmt.Sprintf("goes on with %q", got[len(want)].what)
	}
	return ""
}

// same is reflect.DeepEqual, but with floats by bits, times by instant, zone and offset, and errors by
// type and text.
func same(a, b reflect.Value) bool {
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	if a.CanInterface() {
		switch x := a.Interface().(type) {
		case time.Time:
			y := b.Interface().(time.Time)
			xn, xo := x.Zone()
			yn, yo := y.Zone()
			return x.Equal(y) && xn == yn && xo == yo && x.Location().String() == y.Location().String()
		case reflect.Type:
			return x == b.Interface().(reflect.Type)
		case error:
			return x.Error() == b.Interface().(error).Error()
		}
	}
	switch a.Kind() {
	case reflect.Float32, reflect.Float64:
		return math.Float64bits(a.Float()) == math.Float64bits(b.Float())
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() == b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if a.Type().Field(i).Type == reflect.TypeFor[reflect.Type]() {
				if a.Field(i).IsNil() != b.Field(i).IsNil() || !a.Field(i).IsNil() && a.Field(i).Elem().Pointer() != b.Field(i).Elem().Pointer() {
					return false
				}
				continue
			}
			if !same(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
			return false
		}
		if a.Type().Elem().Kind() == reflect.Uint8 {
			return bytes.Equal(a.Bytes(), b.Bytes())
		}
		for i := range a.Len() {
			if !same(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Chan:
		return a.IsNil() && b.IsNil()
	}
	return a.Equal(b)
}

// threeWays reads the same query really, through a stream and through a recorder, and replays both
// recordings twice; every reading must show the same.
func threeWays(t *testing.T, query func() (*sql.Rows, error)) *Recorded {
	t.Helper()
	p := NewReplayer()
	defer p.Close()
	ctx := context.Background()
	real := func() *sql.Rows {
		t.Helper()
		rows, err := query()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	var last *Recorded
	for name, read := range map[string]func(*sql.Rows) []step{"scan": trace, "raw": traceRaw} {
		want := read(real())
		check := func(way string, rows *sql.Rows, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(way, err)
			}
			if d := diff(want, read(rows)); d != "" {
				t.Errorf("%s, %s: %s", way, name, d)
			}
		}
		var streamed *Recorded
		calls := 0
		rows, err := p.Stream(ctx, real(), StreamOptions{Record: true, Done: func(rec *Recorded, err error) {
			calls++
			streamed = rec
			if err != nil {
				t.Error(err)
			}
		}})
		check("stream", rows, err)
		if streamed == nil || calls != 1 {
			t.Fatalf("stream recorded %v in %d calls", streamed, calls)
		}
		rows, err = p.Stream(ctx, real(), StreamOptions{})
		check("unrecorded stream", rows, err)

		r := NewRecorder(real(), Limits{})
		for r.Next() {
			spoil := make([]any, len(streamed.Columns()))
			for i := range spoil {
				spoil[i] = new(spoiler)
			}
			if err := r.Scan(spoil...); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(r.Err(), r.Close()); err != nil {
			t.Fatal(err)
		}
		recorded, err := r.Finish()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			rows, err = p.Rows(ctx, streamed)
			check("replayed stream", rows, err)
			rows, err = p.Rows(ctx, recorded)
			check("replayed recorder", rows, err)
		}
		last = recorded
	}
	return last
}
