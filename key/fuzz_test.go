package key_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/key"
)

// program reads a sequence of parts out of raw bytes. It appends each to the encoder and returns a
// description that tells different sequences apart, made without the encoder.
func program(raw []byte, e *key.Encoder) string {
	var desc []byte
	next := func(n int) []byte {
		var out [16]byte
		raw = raw[copy(out[:n], raw):]
		return out[:n]
	}
	for len(raw) > 0 {
		op := next(1)[0] % 17
		var v any
		switch op {
		case 0, 1, 2:
			n := min(int(next(1)[0]), len(raw))
			text := raw[:n]
			raw = raw[n:]
			switch op {
			case 0:
				e.Text(string(text))
				desc = fmt.Appendf(desc, "Text %q;", text)
				continue
			case 1:
				v = string(text)
			case 2:
				v = bytes.Clone(text)
			}
		case 3:
			u := binary.BigEndian.Uint64(next(8))
			e.Uint(u)
			desc = fmt.Appendf(desc, "Uint %d;", u)
			continue
		case 4:
			i := int64(binary.BigEndian.Uint64(next(8)))
			e.Int(i)
			desc = fmt.Appendf(desc, "Int %d;", i)
			continue
		case 5:
			b := next(1)[0]&1 == 1
			e.Bool(b)
			desc = fmt.Appendf(desc, "Bool %v;", b)
			continue
		case 6:
			t := []reflect.Type{nil, reflect.TypeFor[int](), reflect.TypeFor[*int](), reflect.TypeFor[namedInt]()}[next(1)[0]%4]
			e.Type(t)
			desc = fmt.Appendf(desc, "Type %v;", t)
			continue
		case 7:
			v = int64(binary.BigEndian.Uint64(next(8)))
		case 8:
			v = binary.BigEndian.Uint64(next(8))
		case 9:
			v = math.Float64frombits(binary.BigEndian.Uint64(next(8)))
		case 10:
			v = math.Float32frombits(binary.BigEndian.Uint32(next(4)))
		case 11:
			v = []any{nil, (*int)(nil), (*string)(nil), []byte(nil), true, false}[next(1)[0]%6]
		case 12:
			v = namedInt(next(1)[0])
		case 13:
			n := int(next(1)[0])
			v = &n
		case 14:
			loc := []*time.Location{time.UTC, time.Local, time.FixedZone("UTC", 0), time.FixedZone("X", int(next(1)[0]))}[next(1)[0]%4]
			v = time.Unix(int64(int32(binary.BigEndian.Uint32(next(4)))), int64(next(1)[0])).In(loc)
		case 15:
			v = returns{int64(next(1)[0])}
		case 16:
			v = sql.Named(string(next(1)), int64(next(1)[0]))
		}
		if _, err := e.Arg(v); err != nil {
			panic(err)
		}
		desc = append(desc, describe(v)...)
	}
	return string(desc)
}

func describe(v any) string {
	switch x := v.(type) {
	case float64:
		return fmt.Sprintf("float64 %x;", math.Float64bits(x))
	case float32:
		return fmt.Sprintf("float32 %x;", math.Float32bits(x))
	case []byte:
		return fmt.Sprintf("bytes %v %q;", x == nil, x)
	case *int:
		if x != nil {
			return fmt.Sprintf("*int %d;", *x)
		}
	case time.Time:
		name, offset := x.Zone()
		return fmt.Sprintf("time %d %q %d %v %v;", x.UnixNano(), name, offset, x.Location() == time.UTC, x.Location() == time.Local)
	}
	return fmt.Sprintf("%T %#v;", v, v)
}

func FuzzEncoderInjective(f *testing.F) {
	f.Add([]byte("\x00\x03abc\x00\x01d"), []byte("\x00\x01a\x00\x03bcd"))
	f.Add([]byte("\x01\x011"), []byte("\x02\x011"))
	f.Add([]byte{7, 0, 0, 0, 0, 0, 0, 0, 1}, []byte{8, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add([]byte{11, 0, 11, 1, 11, 2}, []byte{11, 0, 11, 2, 11, 1})
	f.Add([]byte{14, 0, 0, 1}, []byte{14, 0, 2, 1})
	f.Add([]byte{13, 1, 15, 1, 16, 'a', 1}, []byte{12, 1, 15, 1, 16, 'b', 1})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var ea, eb key.Encoder
		da, db := program(a, &ea), program(b, &eb)
		if (da == db) != bytes.Equal(ea.Bytes(), eb.Bytes()) {
			t.Fatalf("%s\n%x\n%s\n%x", da, ea.Bytes(), db, eb.Bytes())
		}
		// The two in a row differ from the two the other way round, unless they are the same.
		var ab, ba key.Encoder
		dab, dba := program(a, &ab), program(b, &ba)
		dab, dba = dab+program(b, &ab), dba+program(a, &ba)
		if (dab == dba) != bytes.Equal(ab.Bytes(), ba.Bytes()) {
			t.Fatalf("in a row: %s\n%x\n%s\n%x", dab, ab.Bytes(), dba, ba.Bytes())
		}
	})
}
