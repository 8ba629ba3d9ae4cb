package rows

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fresh is a driver that makes every value anew, so that a recording alone keeps it alive.
type fresh struct {
	columns []string
	rows    int
	value   func(row, col int) driver.Value
}

func (f fresh) Connect(context.Context) (driver.Conn, error) { return &freshConn{f: f}, nil }
func (f fresh) Driver() driver.Driver                        { return nil }

type freshConn struct {
	scriptConn
	f fresh
}

func (c *freshConn) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return &freshRows{f: c.f}, nil
}

type freshRows struct {
	f  fresh
	at int
}

func (r *freshRows) Columns() []string { return r.f.columns }
func (r *freshRows) Close() error      { return nil }
func (r *freshRows) Next(dest []driver.Value) error {
	if r.at == r.f.rows {
		return io.EOF
	}
	for i := range dest {
		dest[i] = r.f.value(r.at, i)
	}
	r.at++
	return nil
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestSizeIsWhatTheHeapSays(t *testing.T) {
	mixed := func(row, col int) driver.Value {
		switch col % 7 {
		case 0:
			return int64(row + 1000)
		case 1:
			return fmt.Sprintf("someone%d@example.org", row)
		case 2:
			return time.Unix(int64(row), 0).UTC()
		case 3:
			return float64(row) + 0.5
		case 4:
			return row%2 == 0
		case 5:
			return bytes.Repeat([]byte("b"), row%40)
		}
		return nil
	}
	for name, c := range map[string]struct {
		columns, rows, results int
		value                  func(row, col int) driver.Value
	}{
		"mixed":         {12, 100, 50, mixed},
		"one row":       {12, 1, 2000, mixed},
		"many rows":     {12, 5000, 2, mixed},
		"empty":         {12, 0, 5000, mixed},
		"small ints":    {3, 1000, 20, func(row, _ int) driver.Value { return int64(row % 200) }},
		"large ints":    {3, 1000, 20, func(row, _ int) driver.Value { return int64(row + 1<<40) }},
		"short strings": {3, 1000, 20, func(row, _ int) driver.Value { return strconv.Itoa(row + 1000) }},
		"long strings":  {2, 50, 10, func(row, _ int) driver.Value { return strings.Repeat("x", row*311) }},
		"blobs":         {2, 50, 10, func(row, _ int) driver.Value { return bytes.Repeat([]byte("x"), row*311) }},
		"small bytes":   {4, 1000, 10, func(row, _ int) driver.Value { return fmt.Append(nil, "number ", row) }},
		"zones": {1, 1000, 10, func(row, _ int) driver.Value {
			return time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", 19800))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := fresh{rows: c.rows, value: c.value}
			for i := range c.columns {
				f.columns = append(f.columns, fmt.Sprint("column", i))
			}
			db := sql.OpenDB(f)
			defer db.Close()
			keep := make([]*Recorded, c.results)
			one := func() *Recorded {
				rows, err := db.Query("q")
				if err != nil {
					t.Fatal(err)
				}
				r := NewRecorder(rows, Limits{})
				for r.Next() {
				}
				_ = r.Close()
				rec, err := r.Finish()
				if err != nil {
					t.Fatal(err)
				}
				return rec
			}
			warm := one() // the interned columns
			before := heap()
			for i := range keep {
				keep[i] = one()
			}
			got := heap() - before
			var want int64
			for _, rec := range keep {
				want += rec.Size()
			}
			if ratio := float64(want) / float64(got); ratio < 1-heapTolerance || ratio > 1+heapTolerance {
				t.Errorf("sizes add up to %d bytes, the heap grew by %d: %.2f", want, got, ratio)
			}
			runtime.KeepAlive(keep)
			runtime.KeepAlive(warm)
		})
	}
}

func TestSizeOfASQLiteResult(t *testing.T) {
	db := usualTable(t)
	read := func() *Recorded {
		rows, err := db.Query("SELECT * FROM t")
		if err != nil {
			t.Fatal(err)
		}
		r := NewRecorder(rows, Limits{})
		for r.Next() {
		}
		_ = r.Close()
		rec, err := r.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}
	first := read()
	before := heap()
	var keep []*Recorded
	for range 10 {
		keep = append(keep, read())
	}
	got, want := heap()-before, 10*first.Size()
	if ratio := float64(want) / float64(got); ratio < 1-heapTolerance || ratio > 1+heapTolerance {
		t.Errorf("sizes add up to %d bytes, the heap grew by %d: %.2f", want, got, ratio)
	}
	runtime.KeepAlive(keep)
}

// Recording stops at a limit and lets go of what it had.
func TestStoppedRecordingFreesItsMemory(t *testing.T) {
	blob := bytes.Repeat([]byte("x"), 1<<20)
	s := result([]string{"a"})
	for range 20 {
		s.sets[0].rows = append(s.sets[0].rows, []driver.Value{blob})
	}
	r := NewRecorder(s.query(t, context.Background()), Limits{Bytes: 8 << 20})
	before := heap()
	for r.Next() {
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("%d bytes are still held", grown)
	}
	_ = r.Close()
	if r.rec.tape != nil {
		t.Error("the tape is still held")
	}
}

// sizeClasses must be the runtime's own.
func TestSizeClasses(t *testing.T) {
	for n := 1; n <= tinyShared; n++ {
		if allocated(n) != int64(n) {
			t.Errorf("%d bytes are said to take %d", n, allocated(n))
		}
	}
	for n := tinyShared + 1; n <= largestClass; n++ {
		if got := cap(append([]byte(nil), make([]byte, n)...)); allocated(n) != int64(got) {
			t.Fatalf("%d bytes take %d, we say %d", n, got, allocated(n))
		}
	}
	if !reflect.DeepEqual([]int64{allocated(0), allocated(-1), allocated(32769)}, []int64{0, 0, 40960}) {
		t.Error("wrong at the edges")
	}
}

func (f *fresh) open(t testing.TB) *sql.DB {
	db := sql.OpenDB(*f)
	t.Cleanup(func() { _ = db.Close() })
	return db
}
