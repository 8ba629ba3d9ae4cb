package key_test

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/key"
)

type (
	namedString string
	namedOther  string
	namedInt    int
	namedBool   bool
	namedBytes  []byte
	namedF32    float32
	namedTime   time.Time
	selfPointer *selfPointer
)

// counted is a Valuer that tells another thing each time and counts its calls.
type counted struct{ calls *int }

func (c counted) Value() (driver.Value, error) {
	*c.calls++
	return int64(*c.calls), nil
}

type returns struct{ v driver.Value }

func (r returns) Value() (driver.Value, error) { return r.v, nil }

type returnsToo struct{ v driver.Value }

func (r returnsToo) Value() (driver.Value, error) { return r.v, nil }

var errValue = errors.New("no value")

type fails struct{}

func (fails) Value() (driver.Value, error) { return nil, errValue }

type panics struct{ with any }

func (p panics) Value() (driver.Value, error) { panic(p.with) }

// ptrValuer has its method on the pointer, and accepts nil.
type ptrValuer struct{ s string }

func (p *ptrValuer) Value() (driver.Value, error) {
	if p == nil {
		return "was nil", nil
	}
	return p.s, nil
}

func encodeArg(t *testing.T, v any) string {
	t.Helper()
	var e key.Encoder
	if _, err := e.Arg(v); err != nil {
		t.Fatalf("Arg(%#v): %v", v, err)
	}
	return string(e.Bytes())
}

func localType1() any { type local string; return local("x") }
func localType2() any { type local string; return local("x") }

// distinctArgs are all different arguments, many of which print alike.
func distinctArgs() []any {
	berlin := time.FixedZone("CET", 3600)
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	one, oneAgain, str := 1, int64(1), "1"
	pone := &one
	named := namedString("1")
	var nilValuer *returns
	return []any{
		nil, (*int)(nil), (*int64)(nil), (*string)(nil), []byte(nil), namedBytes(nil), json.RawMessage(nil), nilValuer,
		(*ptrValuer)(nil), (**int)(nil),
		true, false, namedBool(true),
		1, int8(1), int16(1), int32(1), int64(1), uint(1), uint8(1), uint16(1), uint32(1), uint64(1), namedInt(1),
		-1, int64(-1), uint64(math.MaxUint64), int64(math.MinInt64), uint64(1) << 63,
		float32(1), float64(1), 0.0, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0x7ff8000000000002), math.Inf(1), math.Inf(-1),
		float32(0.1), 0.1, float64(float32(0.1)), namedF32(math.Float32frombits(0x7fa00001)), namedF32(math.Float32frombits(0x7fe00001)),
		"1", []byte("1"), namedString("1"), namedOther("1"), namedBytes("1"), json.RawMessage("1"),
		"", []byte{}, namedBytes{}, "\x00", "\xff", "nil", "<nil>", "true",
		pone, &oneAgain, &str, &named, &pone,
		at, at.Add(1), at.In(berlin), at.In(time.FixedZone("CET", 7200)), at.In(time.FixedZone("XXX", 3600)),
		at.In(time.FixedZone("UTC", 0)), at.Local(), time.Time{}, time.Unix(0, 0).UTC(), &at,
		returns{int64(1)}, returnsToo{int64(1)}, returns{"1"}, returns{[]byte("1")}, returns{nil}, returns{at}, returns{at.In(berlin)},
		&returns{int64(1)}, returns{1.0}, returns{true}, returns{[]byte(nil)},
		sql.NullString{}, sql.NullString{String: "1", Valid: true}, sql.NullInt64{}, sql.NullInt64{Int64: 1, Valid: true}, sql.NullTime{Time: at, Valid: true},
		sql.Named("a", 1), sql.Named("b", 1), sql.Named("a", int64(1)), sql.Named("", nil), sql.Named("a", returns{int64(1)}),
		localType1(), localType2(),
		strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20) + "y", bytes.Repeat([]byte("x"), 1<<20),
	}
}

func TestArgsAreToldApart(t *testing.T) {
	args := distinctArgs()
	seen := map[string]int{}
	for i, v := range args {
		s := encodeArg(t, v)
		if j, ok := seen[s]; ok {
			t.Errorf("args %d %T and %d %T (%.40v) encode alike", j, args[j], i, v, v)
		}
		seen[s] = i
	}
	for i, v := range distinctArgs() {
		if got := seen[encodeArg(t, v)]; got != i {
			t.Errorf("arg %d %T encodes differently the second time", i, v)
		}
	}
}

// TestEncodingIsReadOneWay: no sequence of parts has the bytes of another, or is its prefix in a way
// that would let the rest make up the difference.
func TestEncodingIsReadOneWay(t *testing.T) {
	args := distinctArgs()
	args = args[:len(args)-3] // not the large ones
	enc := make([]string, len(args))
	for i, v := range args {
		enc[i] = encodeArg(t, v)
	}
	for i := range enc {
		for j := range enc {
			if i != j && strings.HasPrefix(enc[i], enc[j]) {
				t.Errorf("the form of %T %v begins with that of %T %v", args[i], args[i], args[j], args[j])
			}
		}
	}
	pairs := map[string][2]int{}
	for i := range enc {
		for j := range enc {
			s := enc[i] + enc[j]
			if p, ok := pairs[s]; ok {
				t.Fatalf("pairs %v and %v encode alike", p, [2]int{i, j})
			}
			pairs[s] = [2]int{i, j}
		}
	}
}

func TestPartsAreToldApart(t *testing.T) {
	seqs := []func(e *key.Encoder){
		func(*key.Encoder) {},
		func(e *key.Encoder) { e.Text("") },
		func(e *key.Encoder) { e.Text(""); e.Text("") },
		func(e *key.Encoder) { e.Text("a b"); e.Text("c") },
		func(e *key.Encoder) { e.Text("a"); e.Text("b c") },
		func(e *key.Encoder) { e.Text("a b c") },
		func(e *key.Encoder) { e.Text("1") },
		func(e *key.Encoder) { e.Uint(1) },
		func(e *key.Encoder) { e.Int(1) },
		func(e *key.Encoder) { e.Bool(true) },
		func(e *key.Encoder) { e.Bool(false) },
		func(e *key.Encoder) { _, _ = e.Arg("1") },
		func(e *key.Encoder) { _, _ = e.Arg(int64(1)) },
		func(e *key.Encoder) { _, _ = e.Arg(nil) },
		func(e *key.Encoder) { e.Type(nil) },
		func(e *key.Encoder) { e.Type(reflect.TypeFor[int]()) },
		func(e *key.Encoder) { e.Type(reflect.TypeFor[*int]()) },
		func(e *key.Encoder) { e.Type(reflect.TypeOf(localType1())) },
		func(e *key.Encoder) { e.Type(reflect.TypeOf(localType2())) },
		// the SQL is the same, the arguments differ
		func(e *key.Encoder) { e.Text("SELECT ?"); _, _ = e.Arg("a b"); _, _ = e.Arg("c") },
		func(e *key.Encoder) { e.Text("SELECT ?"); _, _ = e.Arg("a"); _, _ = e.Arg("b c") },
		func(e *key.Encoder) { e.Text("SELECT ?"); _, _ = e.Arg("a") },
		func(e *key.Encoder) { e.Text("SELECT ?"); _, _ = e.Arg("b") },
		func(e *key.Encoder) { e.Text("SELECT ?") },
		// a page of another size
		func(e *key.Encoder) { e.Uint(10); e.Uint(20) },
		func(e *key.Encoder) { e.Uint(20); e.Uint(10) },
	}
	bytesSeen, sumsSeen := map[string]int{}, map[string]int{}
	var e key.Encoder
	for i, f := range seqs {
		e.Reset()
		f(&e)
		if e.Len() != len(e.Bytes()) {
			t.Errorf("Len %d, %d bytes", e.Len(), len(e.Bytes()))
		}
		if j, ok := bytesSeen[string(e.Bytes())]; ok {
			t.Errorf("sequences %d and %d encode alike", i, j)
		}
		if j, ok := sumsSeen[e.Sum()]; ok {
			t.Errorf("sequences %d and %d have one sum", i, j)
		}
		bytesSeen[string(e.Bytes())], sumsSeen[e.Sum()] = i, i
		if len(e.Sum()) != 64 {
			t.Errorf("sum %q", e.Sum())
		}
	}
}

func TestArgBindsTheValueItself(t *testing.T) {
	n, s, b := 7, "s", []byte("b")
	nv := namedString("n")
	var e key.Encoder
	for _, v := range []any{nil, 1, "x", &n, &s, &nv, (*int)(nil), 1.5, namedInt(3), sql.Named("a", 1)} {
		if got, err := e.Arg(v); err != nil || got != v {
			t.Errorf("Arg(%T) = %v, %v; want the argument itself", v, got, err)
		}
	}
	got, err := e.Arg(b)
	if g, ok := got.([]byte); err != nil || !ok || &g[0] != &b[0] {
		t.Errorf("Arg of bytes = %v, %v", got, err)
	}
}

func TestValuerIsAskedOnce(t *testing.T) {
	calls := 0
	c := counted{&calls}
	pc := &c
	for i, v := range []any{c, &c, &pc, sql.Named("n", c)} {
		var e key.Encoder
		calls = 0
		bound, err := e.Arg(v)
		if n, ok := bound.(sql.NamedArg); ok {
			bound = n.Value
		}
		if err != nil || bound != int64(1) || calls != 1 {
			t.Errorf("%d: bound %v, %v after %d calls; want 1 after 1", i, bound, err, calls)
		}
	}
	// What is encoded is what was returned: a second asking gives another form.
	calls = 0
	first, second := encodeArg(t, c), encodeArg(t, c)
	if first == second {
		t.Error("a Valuer that answered differently encodes alike")
	}
}

func TestNilPointerValuers(t *testing.T) {
	var e key.Encoder
	if bound, err := e.Arg((*returns)(nil)); bound != nil || err != nil {
		t.Errorf("value receiver: %v, %v; want NULL", bound, err)
	}
	if bound, err := e.Arg((*ptrValuer)(nil)); bound != "was nil" || err != nil {
		t.Errorf("pointer receiver: %v, %v; want what it returned", bound, err)
	}
}

func TestUnknownArgs(t *testing.T) {
	var loop selfPointer
	loop = &loop
	deep := new(int)
	d2 := &deep
	d3 := &d2
	d4 := &d3
	d5 := &d4
	for _, v := range []any{
		map[string]int{}, struct{}{}, struct{ A int }{1}, &struct{ A int }{1}, func() {}, make(chan int), []int{1}, []string{"a"},
		[]any{1}, [2]byte{1, 2}, [16]byte{}, complex(1, 2), uintptr(1), namedTime{}, sql.Out{Dest: new(int)}, sql.Named("o", sql.Out{}),
		sql.Named("a", sql.Named("b", 1)), sql.Named("m", map[int]int{}), errors.New("x"), loop, &d5, reflect.ValueOf(1),
		fails{}, panics{"secret"}, panics{errValue}, panics{nil}, returns{1}, returns{uint64(1)}, returns{namedString("a")}, returns{returns{"x"}},
		returns{[]int{1}}, struct{ time.Time }{}, &map[string]int{},
	} {
		var e key.Encoder
		e.Text("before")
		before := string(e.Bytes())
		bound, err := e.Arg(v)
		if !errors.Is(err, key.ErrUnknownArg) {
			t.Errorf("Arg(%T): %v, want ErrUnknownArg", v, err)
			continue
		}
		if reflect.TypeOf(bound) != reflect.TypeOf(v) {
			t.Errorf("Arg(%T) failed and bound a %T", v, bound)
		}
		if string(e.Bytes()) != before {
			t.Errorf("Arg(%T) failed and left %q", v, e.Bytes())
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("the error shows a value: %v", err)
		}
	}
	for _, v := range []any{fails{}, panics{errValue}} {
		var e key.Encoder
		if _, err := e.Arg(v); !errors.Is(err, errValue) {
			t.Errorf("Arg(%T): %v does not wrap its cause", v, err)
		}
	}
}

func TestMonotonicReadingIsNoPartOfATime(t *testing.T) {
	now := time.Now()
	if encodeArg(t, now) != encodeArg(t, now.Round(0)) {
		t.Error("the same instant with and without its monotonic reading encodes differently")
	}
}

func TestScalarsDoNotAllocate(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.Local)
	n, s := 1<<40, "some text"
	args := []any{nil, true, n, int64(n), uint64(n), 1.5, s, []byte(s), at, namedString(s), namedInt(n), (*int)(nil)}
	var e key.Encoder
	for _, v := range args {
		if got := testing.AllocsPerRun(100, func() {
			e.Reset()
			if _, err := e.Arg(v); err != nil {
				t.Fatal(err)
			}
		}); got != 0 {
			t.Errorf("Arg(%T) allocates %v times", v, got)
		}
	}
}

func TestResetFreesALargeBuffer(t *testing.T) {
	var e key.Encoder
	e.Text(strings.Repeat("x", 1<<20))
	e.Reset()
	if e.Len() != 0 || cap(e.Bytes()) > 64<<10 {
		t.Errorf("after Reset: %d bytes, capacity %d", e.Len(), cap(e.Bytes()))
	}
	e.Text("a")
	small := cap(e.Bytes())
	e.Reset()
	if cap(e.Bytes()) != small {
		t.Error("Reset dropped a small buffer")
	}
}

func BenchmarkEncoder(b *testing.B) {
	args := []any{int64(42), "name", time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC), namedString("x")}
	var e key.Encoder
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
		e.Text("SELECT * FROM users WHERE id = ? AND name = ?")
		for _, a := range args {
			_, _ = e.Arg(a)
		}
	}
}

func ExampleEncoder() {
	var one, two key.Encoder
	one.Text("SELECT * FROM users WHERE a = ? AND b = ?")
	_, _ = one.Arg("a b")
	_, _ = one.Arg("c")
	two.Text("SELECT * FROM users WHERE a = ? AND b = ?")
	_, _ = two.Arg("a")
	_, _ = two.Arg("b c")
	fmt.Println(bytes.Equal(one.Bytes(), two.Bytes()))
	// Output: false
}
