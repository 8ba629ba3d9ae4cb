package snapshot

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"go.uber.org/goleak"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/logger"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// probe stands in for the plugin: it takes a snapshot after gorm's own scan,
// or puts one in the place of it.
type probe struct {
	planner  *Planner
	plan     *Plan
	reason   string
	accepted bool
	snap     *Snapshot
	taken    bool
	put      bool
	spent    bool // preloads inherit the settings, and are no business of ours
}

const probeKey = "snapshot:probe"

type probeInContext struct{}

func probeQuery(db *gorm.DB) {
	v, ok := db.Get(probeKey)
	if !ok {
		v = db.Statement.Context.Value(probeInContext{})
	}
	p, ok := v.(*probe)
	if !ok || db.Error != nil || p.spent {
		callbacks.Query(db)
		return
	}
	p.spent = true
	rv := db.Statement.ReflectValue
	if p.put {
		plan, reason := p.planner.PlanFor(db.Statement)
		if plan == nil || !plan.Accepts(rv) {
			panic("put into a destination that is refused: " + reason)
		}
		plan.Put(rv, p.snap)
		db.RowsAffected = p.snap.Rows()
		if db.RowsAffected == 0 && db.Statement.RaiseErrorOnNotFound {
			_ = db.AddError(gorm.ErrRecordNotFound)
		}
		return
	}
	p.plan, p.reason = p.planner.PlanFor(db.Statement)
	p.accepted = p.plan != nil && p.plan.Accepts(rv)
	callbacks.Query(db)
	if p.accepted && (db.Error == nil || errors.Is(db.Error, gorm.ErrRecordNotFound)) {
		p.snap, p.taken = p.plan.Take(rv, db.RowsAffected)
	}
}

func openDB(t testing.TB) *gorm.DB {
	t.Helper()
	db, err := gorm.Open(sqlite.Open("file:"+filepath.Join(t.TempDir(), "test.db")+"?_sync=0&_journal=MEMORY"), &gorm.Config{Logger: logger.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Callback().Query().Replace("gorm:query", probeQuery); err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// query is one read; made anew for each destination.
type query func(tx *gorm.DB, dest any) *gorm.DB

func find(tx *gorm.DB, dest any) *gorm.DB { return tx.Order("1").Find(dest) }

// observe runs q into dest with a probe and returns it.
func observe(db *gorm.DB, p *Planner, q query, dest any) (*probe, *gorm.DB) {
	pr := &probe{planner: p}
	tx := q(db.Set(probeKey, pr), dest)
	return pr, tx
}

// checkSame is the differential test: what q scans into a destination made by
// fresh, and what Put leaves in another one, are the same; neither shares
// memory with the other, and changing one changes no later Put.
func checkSame(t *testing.T, db *gorm.DB, p *Planner, fresh func() any, q query) *Snapshot {
	t.Helper()
	first := fresh()
	pr, tx := observe(db, p, q, first)
	if pr.plan == nil {
		t.Fatalf("%T: no plan: %s", first, pr.reason)
	}
	if !pr.accepted || !pr.taken {
		t.Fatalf("%T: accepted %v, taken %v, error %v", first, pr.accepted, pr.taken, tx.Error)
	}
	want := fresh()
	scan := q(db, want)

	put := func() any {
		dest := fresh()
		got := q(db.Set(probeKey, &probe{planner: p, snap: pr.snap, put: true}), dest)
		if got.RowsAffected != scan.RowsAffected || !errors.Is(got.Error, scan.Error) {
			t.Fatalf("%T: rows %d, error %v; a scan: rows %d, error %v", dest, got.RowsAffected, got.Error, scan.RowsAffected, scan.Error)
		}
		return dest
	}
	same := func(what string, got any) {
		t.Helper()
		if diff := difference(reflect.ValueOf(want).Elem(), reflect.ValueOf(got).Elem()); diff != "" {
			t.Fatalf("%T: %s: %s", got, what, diff)
		}
	}
	same("the scan that was taken", first)
	a, b := put(), put()
	same("first put", a)
	same("second put", b)
	for _, pair := range [][2]any{{first, a}, {first, b}, {a, b}} {
		if sharesMemory(pair[0], pair[1]) {
			t.Fatalf("%T: two destinations share memory", first)
		}
	}
	spoil(reflect.ValueOf(first).Elem(), map[unsafe.Pointer]bool{})
	same("put after the first destination was changed", put())
	spoil(reflect.ValueOf(a).Elem(), map[unsafe.Pointer]bool{})
	same("put after another destination was changed", put())
	same("a destination after others were changed", b)
	return pr.snap
}

// open makes a value readable and writable whatever its field's name.
func open(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
	}
	return v
}

// difference says where two values differ, in anything a program can see but
// addresses.
func difference(a, b reflect.Value) string {
	a, b = open(a), open(b)
	if a.Type() != b.Type() {
		return fmt.Sprintf("type %s, not %s", b.Type(), a.Type())
	}
	in := func(name, diff string) string {
		if diff == "" {
			return ""
		}
		return name + diff
	}
	if a.Type() == timeType {
		x, y := a.Interface().(time.Time), b.Interface().(time.Time)
		xn, xo := x.Zone()
		yn, yo := y.Zone()
		if !x.Equal(y) || xn != yn || xo != yo || x.Location().String() != y.Location().String() ||
			(x.Location() == time.Local) != (y.Location() == time.Local) || (x.Location() == time.UTC) != (y.Location() == time.UTC) {
			return fmt.Sprintf(": %#v, not %#v", y, x)
		}
		return ""
	}
	switch a.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		if a.IsNil() != b.IsNil() {
			return fmt.Sprintf(": nil is %v, not %v", b.IsNil(), a.IsNil())
		}
		if a.IsNil() {
			return ""
		}
	}
	switch a.Kind() {
	case reflect.Pointer:
		if a.Type().Elem() == locationType {
			return ""
		}
		return in("*", difference(a.Elem(), b.Elem()))
	case reflect.Interface:
		return in(".(type)", difference(a.Elem(), b.Elem()))
	case reflect.Struct:
		for i := range a.NumField() {
			if d := difference(a.Field(i), b.Field(i)); d != "" {
				return "." + a.Type().Field(i).Name + d
			}
		}
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() || a.Cap() != b.Cap() {
			return fmt.Sprintf(": len %d cap %d, not len %d cap %d", b.Len(), b.Cap(), a.Len(), a.Cap())
		}
		if a.Kind() == reflect.Slice { // what append would uncover counts
			a, b = a.Slice(0, a.Cap()), b.Slice(0, b.Cap())
		}
		for i := range a.Len() {
			if d := difference(a.Index(i), b.Index(i)); d != "" {
				return fmt.Sprintf("[%d]%s", i, d)
			}
		}
	case reflect.Map:
		if a.Len() != b.Len() {
			return fmt.Sprintf(": %d pairs, not %d", b.Len(), a.Len())
		}
		for it := a.MapRange(); it.Next(); {
			other := b.MapIndex(it.Key())
			if !other.IsValid() {
				return fmt.Sprintf("[%v] is missing", it.Key())
			}
			if d := difference(it.Value(), other); d != "" {
				return fmt.Sprintf("[%v]%s", it.Key(), d)
			}
		}
	case reflect.Float32, reflect.Float64:
		if x, y := a.Float(), b.Float(); x != y && (x == x || y == y) {
			return fmt.Sprintf(": %v, not %v", y, x)
		}
	default:
		if x, y := a.Interface(), b.Interface(); x != y {
			return fmt.Sprintf(": %#v, not %#v", y, x)
		}
	}
	return ""
}

// sharesMemory reports whether memory that can be written is reachable from
// both values.
func sharesMemory(a, b any) bool {
	return entangled(reflect.ValueOf(a), reflect.ValueOf(b))
}

// spoil changes everything reachable from v in place.
func spoil(v reflect.Value, seen map[unsafe.Pointer]bool) {
	v = open(v)
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(1, 1)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && v.Type().Elem() != locationType && !seen[v.UnsafePointer()] {
			seen[v.UnsafePointer()] = true
			spoil(v.Elem(), seen)
		}
	case reflect.Interface:
		if v.NumMethod() == 0 && !v.IsNil() {
			spoil(v.Elem(), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			spoil(v.Field(i), seen)
		}
	case reflect.Slice:
		v = v.Slice(0, v.Cap())
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			spoil(v.Index(i), seen)
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			spoil(it.Value(), seen)
		}
		v.Clear()
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
	case reflect.String:
		if v.CanSet() {
			v.SetString("spoilt")
		}
	default:
		if v.CanSet() {
			mem := unsafe.Slice((*byte)(v.Addr().UnsafePointer()), v.Type().Size())
			for i := range mem {
				mem[i] = 1
			}
		}
	}
}
