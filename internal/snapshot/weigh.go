package snapshot

import (
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// weighString counts the bytes of a string. It may share them with others, but
// a snapshot keeps them alive.
func weighString(at unsafe.Pointer, t *taking) {
	t.size += allocated(int64(len(*(*string)(at))), true)
}

// weighBoxed counts a string in an interface; it does nothing in Put.
func (t *taking) weighBoxed(s string) {
	if t != nil {
		t.size += allocated(int64(len(s)), true) + allocated(16, false)
	}
}

// fixedZone is about what time.FixedZone allocates. Zones with a history are
// kept by whoever loaded them.
const fixedZone = 256

// weighTime counts a zone that a driver made for this one result.
func weighTime(at unsafe.Pointer, t *taking) {
	loc := (*time.Time)(at).Location()
	if loc == time.UTC || loc == time.Local || loc == t.zone {
		return
	}
	t.zone = loc
	if seen := t.weighed(); !seen[unsafe.Pointer(loc)] {
		seen[unsafe.Pointer(loc)] = true
		t.size += fixedZone
	}
}

// weighShared counts what an immutable value points to.
func weighShared(typ reflect.Type) func(unsafe.Pointer, *taking) {
	return func(at unsafe.Pointer, t *taking) {
		t.size += deepWeight(reflect.NewAt(typ, at).Elem(), t.weighed())
	}
}

// pointerFree reports whether the garbage collector has nothing to look for in
// values of type t.
func pointerFree(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return false
	case reflect.Array:
		return t.Len() == 0 || pointerFree(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !pointerFree(t.Field(i).Type) {
				return false
			}
		}
	}
	return true
}

// packed is allocated for what Take itself allocates: its small objects lie
// beside each other.
func packed(n int64, noscan bool) int64 {
	switch {
	case !noscan || n >= smallest:
		return allocated(n, noscan)
	case n > 8 || n%8 == 0:
		return (n + 7) / 8 * 8
	}
	return n
}

const (
	smallest = 16       // what objects too small for a class of their own share; each may keep the others
	largest  = 32 << 10 // the largest size class
	page     = 8 << 10  // larger objects take whole pages
	headed   = 512      // larger objects with pointers have a header of 8 bytes
)

// sizeClasses are the runtime's, found by asking append for each.
var sizeClasses = sync.OnceValue(func() []int64 {
	var classes []int64
	for n := int64(smallest); n <= largest; {
		c := int64(cap(append([]byte(nil), make([]byte, n)...)))
		classes = append(classes, c)
		n = c + 1
	}
	return classes
})

// allocated returns what an object of n bytes takes on the heap.
func allocated(n int64, noscan bool) int64 {
	if n == 0 {
		return 0
	}
	if !noscan && n > headed {
		n += 8
	}
	if n <= smallest {
		if noscan && n <= smallest/2 {
			return smallest * 3 / 4
		}
		return smallest
	}
	if n > largest {
		return (n + page - 1) / page * page
	}
	classes := sizeClasses()
	lo, hi := 0, len(classes)-1
	for lo < hi {
		if mid := (lo + hi) / 2; classes[mid] < n {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return max(classes[lo], n)
}

// mapAllocated returns what a map made for n pairs of slot bytes takes: groups
// of eight pairs and eight control bytes, seven eighths full at most, in
// tables of a power of two.
func mapAllocated(n, slot int64) int64 {
	const header, table = 48, 48
	group := 8 + 8*slot
	if n == 0 {
		return header
	}
	if n <= 8 {
		return header + allocated(group, false)
	}
	pairs := int64(16)
	for pairs*7/8 < n {
		pairs *= 2
	}
	tables := max(1, pairs/1024)
	return header + tables*(table+8+allocated(group*(pairs/8/tables), false))
}
