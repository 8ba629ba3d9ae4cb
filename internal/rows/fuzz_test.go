package rows

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/binary"
	"math"
	"reflect"
	"testing"
	"time"
)

// reader makes values of fuzzed bytes; at their end it yields zeros.
type reader struct{ b []byte }

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uint64() uint64 {
	var w [8]byte
	r.b = r.b[copy(w[:], r.b):]
	return binary.LittleEndian.Uint64(w[:])
}

func (r *reader) bytes() []byte {
	n := min(int(r.byte()), len(r.b))
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) value() driver.Value {
	switch r.byte() % 14 {
	case 0:
		return nil
	case 1:
		return int64(r.uint64())
	case 2:
		return int64(r.byte())
	case 3:
		return math.Float64frombits(r.uint64())
	case 4:
		return math.Float32frombits(uint32(r.uint64()))
	case 5:
		return r.uint64()
	case 6:
		return r.byte()%2 == 0
	case 7:
		return string(r.bytes())
	case 8:
		return append([]byte{}, r.bytes()...)
	case 9:
		return []byte(nil)
	case 10:
		return time.Unix(int64(r.uint64()>>24), int64(r.byte())).UTC()
	case 11:
		return time.Unix(int64(r.uint64()>>24), 5).In(time.FixedZone(string(r.bytes()), int(int8(r.byte()))*900))
	case 12:
		return time.Unix(int64(r.uint64()>>24), 7) // Local
	}
	return make([]byte, arenaLast/4-100+int(r.byte())) // about where the arena stops packing
}

func (r *reader) script() *script {
	s := result(make([]string, r.byte()%6))
	for i := range s.sets[0].columns {
		s.sets[0].columns[i] = string(r.bytes())
	}
	flags := r.byte()
	s.reuse = flags&1 != 0
	if flags&2 != 0 {
		s.typeOf = func(col int, row []driver.Value) reflect.Type {
			if row == nil || flags&4 != 0 {
				return reflect.TypeOf(col)
			}
			return reflect.TypeOf(row[col])
		}
	}
	for n := r.byte() % 12; n > 0; n-- {
		row := make([]driver.Value, len(s.sets[0].columns))
		for i := range row {
			row[i] = r.value()
		}
		s.sets[0].rows = append(s.sets[0].rows, row)
	}
	return s
}

// FuzzReplay: whatever a driver returns, a stream, a recording and both their replays show the same.
func FuzzReplay(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{2, 1, 'a', 1, 'b', 3, 4, 7, 3, 'x', 'y', 'z', 8, 2, 1, 2, 0, 9, 13, 255, 1, 0, 1})
	f.Add([]byte{1, 0, 2, 9, 0, 0, 2, 7, 0, 0, 8, 1, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
	f.Add([]byte{5, 1, 'a', 1, 'a', 0, 0, 2, 'x', 0xff, 7, 39, 11, 1, 2, 3, 4, 5, 6, 7, 8, 3, 'E', 'S', 'T', 20, 4, 1, 2, 3})
	f.Add([]byte{0, 0, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		s := (&reader{b}).script()
		db := s.open(t)
		rec := threeWays(t, func() (*sql.Rows, error) { return db.QueryContext(context.Background(), "q") })
		if rec.Len() != len(s.sets[0].rows) || !reflect.DeepEqual(rec.Columns(), append([]string(nil), s.sets[0].columns...)) {
			t.Errorf("%d rows of %q", rec.Len(), rec.Columns())
		}
	})
}
