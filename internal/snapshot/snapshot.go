package snapshot

import (
	"reflect"
	"time"
	"unsafe"
)

// Snapshot is a copy of a scanned destination. It never changes and is safe
// for concurrent use.
type Snapshot struct {
	plan *Plan
	held reflect.Value // a pointer to the record or scalar, or a slice of records; invalid when nothing was scanned
	rows int64
	size int64
}

// Rows returns the RowsAffected of the scan.
func (s *Snapshot) Rows() int64 { return s.rows }

// Size returns about how many bytes of heap the snapshot keeps alive.
func (s *Snapshot) Size() int64 { return s.size }

const (
	snapshotSize = int64(unsafe.Sizeof(Snapshot{}))
	headerSize   = int64(unsafe.Sizeof(sliceHeader{}))
)

// Accepts reports whether Put would leave rv as a scan would. A struct must be
// entirely zero, fields that are no columns included: a scan leaves alone what
// it does not select. Slices, arrays and scalars are overwritten in any state.
// Ask before the scan, too, if a snapshot is to be taken after it.
func (pl *Plan) Accepts(rv reflect.Value) bool {
	if !rv.IsValid() || rv.Type() != pl.typ || !rv.CanSet() {
		return false
	}
	return pl.form != record || zero(rv.Addr().UnsafePointer(), pl.typ.Size())
}

// taking is the state of one Take.
type taking struct {
	failed bool
	size   int64
	depth  int
	zone   *time.Location // the last one met
	seen   map[unsafe.Pointer]bool
	within map[place]bool
	// shares says that what two pointers point to may be one thing, as in no
	// value that a decoder made. Each gets a copy, entered of them so far.
	shares  bool
	entered int
}

// place is a pointer that a value of a recursive type was entered by.
type place struct {
	at  unsafe.Pointer
	typ reflect.Type
}

// maxDepth bounds how deep values of recursive types may be nested. It is the
// json package's own bound.
const maxDepth = 10000

// maxEntered bounds how much a value with shared parts may grow by copying.
const maxEntered = 1 << 20

// enter notes that p is being copied. What decoders make is a tree: a pointer
// met twice means a cycle, or sharing that copies could multiply without end.
func (t *taking) enter(p unsafe.Pointer, typ reflect.Type) bool {
	if t.within == nil {
		t.within = map[place]bool{}
	}
	at := place{p, typ}
	t.depth++
	t.entered++
	if t.within[at] || t.depth > maxDepth || t.shares && t.entered > maxEntered {
		t.failed = true
		return false
	}
	t.within[at] = true
	return true
}

// leave notes that p has been copied.
func (t *taking) leave(p unsafe.Pointer, typ reflect.Type) {
	t.depth--
	if t.shares {
		delete(t.within, place{p, typ})
	}
}

func (t *taking) weighed() map[unsafe.Pointer]bool {
	if t.seen == nil {
		t.seen = map[unsafe.Pointer]bool{}
	}
	return t.seen
}

// Take copies rv, which gorm.Scan has just filled without an error and which
// was acceptable before; rowsAffected is what the scan counted. It says no when
// something is there that cannot be copied exactly.
func (pl *Plan) Take(rv reflect.Value, rowsAffected int64) (*Snapshot, bool) {
	if !rv.IsValid() || rv.Type() != pl.typ || !rv.CanSet() || rowsAffected < 0 {
		return nil, false
	}
	t := &taking{size: allocated(snapshotSize, false)}
	s := &Snapshot{plan: pl, rows: rowsAffected}
	switch pl.form {
	case record, scalar:
		if rowsAffected > 0 {
			s.held = reflect.New(pl.typ)
			s.held.Elem().Set(rv)
			t.size += max(smallest, allocated(int64(pl.typ.Size()), pointerFree(pl.typ)))
			pl.elem.own(s.held.UnsafePointer(), t)
		}
	case list, array:
		n := rv.Len()
		if pl.form == array {
			n = int(min(int64(n), rowsAffected))
		} else if int64(n) != rowsAffected {
			return nil, false // somebody else was here
		}
		if n > 0 {
			s.held = pl.collect(rv, n, t)
		}
	}
	s.size = t.size
	return s, !t.failed
}

// collect copies n elements into one slice of records.
func (pl *Plan) collect(rv reflect.Value, n int, t *taking) reflect.Value {
	held := reflect.MakeSlice(pl.list, n, n)
	if pl.pointed {
		for i := range n {
			p := rv.Index(i)
			if p.IsNil() {
				t.failed = true
				return held
			}
			held.Index(i).Set(p.Elem())
		}
	} else {
		reflect.Copy(held, rv)
	}
	elem := pl.elem.typ
	t.size += headerSize + packed(int64(n)*int64(elem.Size()), pointerFree(elem))
	pl.elem.ownAll(held.UnsafePointer(), n, t)
	return held
}

// Put leaves rv as the scan that s was taken from would have left it. rv must
// be acceptable to pl and s be taken by a plan for the same type; another type
// panics.
func (pl *Plan) Put(rv reflect.Value, s *Snapshot) {
	if rv.Type() != s.plan.typ {
		panic("snapshot: " + s.plan.typ.String() + " put into " + rv.Type().String())
	}
	pl = s.plan // plans for one type may differ in the relations they copy
	switch pl.form {
	case record, scalar:
		if s.held.IsValid() {
			rv.Set(s.held.Elem())
			pl.elem.own(rv.Addr().UnsafePointer(), nil)
		}
	case array:
		rv.SetZero()
		if s.held.IsValid() {
			pl.copyInto(rv, rv.Addr().UnsafePointer(), s.held, 0, s.held.Len())
		}
	case list:
		pl.putList(rv, s)
	}
}

// putList empties a slice and appends the records, as gorm.Scan does: into the
// capacity there is, or else room for 20, and beyond that into larger arrays.
func (pl *Plan) putList(rv reflect.Value, s *Snapshot) {
	n := 0
	if s.held.IsValid() {
		n = s.held.Len()
	}
	room := rv.Cap()
	if room == 0 {
		want := pl.growth.reach(initialRoom, n)
		rv.SetLen(0)
		rv.Grow(want)
		rv.SetCap(want)
	}
	if n == 0 {
		rv.SetLen(0)
		return
	}
	if room == 0 || n <= room {
		rv.SetLen(n)
		pl.copyInto(rv, rv.UnsafePointer(), s.held, 0, n)
		return
	}
	// The array that the caller brought is filled to its end before it is left.
	rv.SetLen(room)
	pl.copyInto(rv, rv.UnsafePointer(), s.held, 0, room)
	grown := reflect.MakeSlice(pl.typ, n, pl.growth.reach(room, n))
	reflect.Copy(grown, rv)
	pl.copyInto(grown.Slice(room, n), grown.Index(room).Addr().UnsafePointer(), s.held, room, n)
	rv.Set(grown)
}

// copyInto copies records from to to of held into the list or array dst, whose
// elements are at p.
func (pl *Plan) copyInto(dst reflect.Value, p unsafe.Pointer, held reflect.Value, from, to int) {
	if !pl.pointed {
		if from > 0 {
			held = held.Slice(from, to)
		}
		reflect.Copy(dst, held)
		pl.elem.ownAll(p, to-from, nil)
		return
	}
	elem := pl.elem.typ
	for i := from; i < to; i++ {
		fresh := reflect.New(elem)
		fresh.Elem().Set(held.Index(i))
		pl.elem.own(fresh.UnsafePointer(), nil)
		*(*unsafe.Pointer)(unsafe.Add(p, uintptr(i-from)*unsafe.Sizeof(p))) = fresh.UnsafePointer()
	}
}
