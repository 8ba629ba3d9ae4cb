package rows

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"
)

var oddValues = []driver.Value{
	nil, int64(0), int64(-1), int64(255), int64(256), int64(math.MinInt64), 0.0, math.Copysign(0, -1), math.NaN(),
	math.Inf(1), 1e300, float32(1.1), float32(0), uint64(math.MaxUint64), uint64(3), true, false, "", "text", "300", "\xff\x00",
	[]byte(nil), []byte{}, []byte("bytes"), []byte("12"), make([]byte, 5000), time.Time{}, time.Unix(1, 2).UTC(), time.Unix(1, 2).Local(),
	time.Date(2024, 2, 29, 1, 2, 3, 4, time.FixedZone("", 3600*5+1800)), time.Date(9999, 1, 1, 0, 0, 0, 0, time.FixedZone("X", -7)),
}

func TestEveryKindOfValueIsReplayedExactly(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		var rows [][]driver.Value
		for i, v := range oddValues {
			rows = append(rows, []driver.Value{v, oddValues[(i*7)%len(oddValues)], []byte("x")})
		}
		s := result([]string{"a", "a", ""}, rows...)
		s.reuse = reuse
		db := s.open(t)
		rec := threeWays(t, func() (*sql.Rows, error) { return db.Query("q") })
		if rec.Len() != len(rows) || !reflect.DeepEqual(rec.Columns(), []string{"a", "a", ""}) {
			t.Errorf("got %d rows of %q", rec.Len(), rec.Columns())
		}
	}
}

func TestResultsWithoutRowsOrColumns(t *testing.T) {
	for name, s := range map[string]*script{
		"nothing":    result(nil),
		"no rows":    result([]string{"a", "b"}),
		"no columns": result([]string{}, nil, nil, nil),
	} {
		t.Run(name, func(t *testing.T) {
			db := s.open(t)
			rec := threeWays(t, func() (*sql.Rows, error) { return db.Query("q") })
			if rec.Len() != len(s.sets[0].rows) {
				t.Errorf("%d rows", rec.Len())
			}
		})
	}
}

// Types that follow the value, as the drivers of SQLite tell them.
func TestColumnTypesThatFollowTheValue(t *testing.T) {
	s := result([]string{"a", "b"},
		[]driver.Value{int64(1), nil}, []driver.Value{nil, "s"}, []driver.Value{"x", nil}, []driver.Value{int64(4), []byte("b")})
	s.typeOf = func(col int, row []driver.Value) reflect.Type {
		if row == nil || row[col] == nil {
			return nil
		}
		return reflect.TypeOf(row[col])
	}
	db := s.open(t)
	threeWays(t, func() (*sql.Rows, error) { return db.Query("q") })
}

// Types that follow neither the column nor the kind of value cannot be replayed.
func TestColumnTypesThatFollowNothing(t *testing.T) {
	s := result([]string{"a", "b"}, []driver.Value{int64(1), nil}, []driver.Value{int64(2), "new"})
	s.typeOf = func(_ int, row []driver.Value) reflect.Type {
		if row != nil && row[0] == int64(2) {
			return reflect.TypeFor[string]()
		}
		return reflect.TypeFor[int64]()
	}
	if _, err := record(t, s); !errors.Is(err, ErrUnstorable) {
		t.Errorf("stored, or refused with %v", err)
	}
}

// The caller's renaming of columns, which gorm's ColumnMapping does in place, is its own.
func TestRenamedColumnsStayWithTheirReader(t *testing.T) {
	s := result([]string{"a"}, []driver.Value{"x"}, []driver.Value{nil})
	s.typeOf = func(int, []driver.Value) reflect.Type { return reflect.TypeFor[string]() }
	r := NewRecorder(s.query(t, context.Background()), Limits{})
	names, _ := r.Columns()
	names[0] = "mapped"
	for r.Next() {
	}
	_ = r.Close()
	rec, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	p := NewReplayer()
	defer p.Close()
	for range 2 {
		rows, err := p.Rows(context.Background(), rec)
		if err != nil {
			t.Fatal(err)
		}
		names, _ = rows.Columns()
		if names[0] != "a" {
			t.Errorf("got %q", names[0])
		}
		names[0] = "again"
		types, _ := rows.ColumnTypes()
		if types[0].Name() != "again" { // as with drivers, which share the slice
			t.Errorf("got %q", types[0].Name())
		}
		_ = rows.Close()
	}
}

// Renaming while the rows go by does not look like types that contradict each other.
func TestColumnsRenamedOnTheWay(t *testing.T) {
	s := result([]string{"a", "b"}, []driver.Value{"x", "y"}, []driver.Value{"z", nil})
	s.typeOf = func(int, []driver.Value) reflect.Type { return reflect.TypeFor[string]() }
	r := NewRecorder(s.query(t, context.Background()), Limits{})
	names, _ := r.Columns()
	r.Next()
	names[0] = "mapped"
	for r.Next() {
	}
	_ = r.Close()
	if rec, err := r.Finish(); err != nil || rec.Columns()[0] != "a" {
		t.Errorf("got %v, %v", rec, err)
	}
}
