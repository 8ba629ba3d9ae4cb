package snapshot

import (
	"reflect"
	"time"
	"unsafe"
)

// cloneMethod finds Clone() T or Clone() *T among the methods of *T.
func cloneMethod(t reflect.Type) (int, bool) {
	if t.Kind() == reflect.Interface {
		return 0, false
	}
	p := reflect.PointerTo(t)
	m, ok := p.MethodByName("Clone")
	if !ok || m.Type.NumIn() != 1 || m.Type.NumOut() != 1 {
		return 0, false
	}
	out := m.Type.Out(0)
	return m.Index, out == t || out == p
}

// ownClone replaces a value by its clone. A zero value has nothing to clone,
// and methods need not expect one.
func ownClone(typ reflect.Type, method int) func(unsafe.Pointer, *taking) {
	return func(at unsafe.Pointer, t *taking) {
		if zero(at, typ.Size()) {
			return
		}
		src := reflect.NewAt(typ, at)
		if t == nil {
			src.Elem().Set(clone(src, method))
			return
		}
		dst, ok := tryClone(src, method)
		if !ok || !reflect.DeepEqual(dst.Interface(), src.Elem().Interface()) || entangled(src.Elem(), dst) {
			t.failed = true
			return
		}
		t.size += deepWeight(dst, t.weighed())
		src.Elem().Set(dst)
	}
}

func clone(src reflect.Value, method int) reflect.Value {
	out := src.Method(method).Call(nil)[0]
	if out.Type() != src.Type() {
		return out
	}
	if out.IsNil() {
		return reflect.Zero(src.Type().Elem())
	}
	return out.Elem()
}

// tryClone is clone for a method not yet known to work on this value.
func tryClone(src reflect.Value, method int) (dst reflect.Value, ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return clone(src, method), true
}

// entangled reports whether two values share memory that can be written.
func entangled(a, b reflect.Value) bool {
	held := map[unsafe.Pointer]bool{}
	deepWeight(a, held)
	shared := false
	walk(b, map[unsafe.Pointer]bool{}, func(p unsafe.Pointer, _ int64) {
		shared = shared || held[p]
	})
	return shared
}

// deepWeight adds up the memory reachable from v, v itself left out, and notes
// in seen what it counted.
func deepWeight(v reflect.Value, seen map[unsafe.Pointer]bool) int64 {
	var sum int64
	walk(v, seen, func(_ unsafe.Pointer, size int64) { sum += size })
	return sum
}

// walk calls visit for every piece of memory reachable from v that is not in
// seen, strings left unnamed.
func walk(v reflect.Value, seen map[unsafe.Pointer]bool, visit func(unsafe.Pointer, int64)) {
	first := func(p unsafe.Pointer, size int64) bool {
		if p == nil || size == 0 || seen[p] {
			return false
		}
		seen[p] = true
		visit(p, size)
		return true
	}
	if listed(v.Type()) == shared {
		return
	}
	switch v.Kind() {
	case reflect.String:
		visit(nil, allocated(int64(v.Len()), true))
	case reflect.Pointer:
		elem := v.Type().Elem()
		if elem == locationType {
			return
		}
		if first(v.UnsafePointer(), allocated(int64(elem.Size()), pointerFree(elem))) {
			walk(v.Elem(), seen, visit)
		}
	case reflect.Slice:
		elem := v.Type().Elem()
		if v.Cap() == 0 || !first(v.UnsafePointer(), allocated(int64(v.Cap())*int64(elem.Size()), pointerFree(elem))) {
			return
		}
		walkElements(v, seen, visit)
	case reflect.Array:
		walkElements(v, seen, visit)
	case reflect.Map:
		slot := int64(v.Type().Key().Size() + v.Type().Elem().Size())
		if v.IsNil() || !first(v.UnsafePointer(), mapAllocated(int64(v.Len()), slot)) {
			return
		}
		for it := v.MapRange(); it.Next(); {
			walk(it.Key(), seen, visit)
			walk(it.Value(), seen, visit)
		}
	case reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), seen, visit)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), seen, visit)
		}
	}
}

func walkElements(v reflect.Value, seen map[unsafe.Pointer]bool, visit func(unsafe.Pointer, int64)) {
	if pointerFree(v.Type().Elem()) {
		return
	}
	for i := range v.Len() {
		walk(v.Index(i), seen, visit)
	}
}

var locationType = reflect.TypeFor[time.Location]()
