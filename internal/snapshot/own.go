package snapshot

import (
	"reflect"
	"time"
	"unsafe"
)

// sliceHeader is a slice as the runtime lays it out.
type sliceHeader struct {
	data     unsafe.Pointer
	len, cap int
}

// ownPointer replaces a pointer by one to a copy. Each is allocated by itself,
// as a scan does: one that is kept must not keep others alive, and finalizers
// need the start of an allocation.
func ownPointer(elem *shape) func(unsafe.Pointer, *taking) {
	size := int64(elem.typ.Size())
	noscan := pointerFree(elem.typ)
	fast := pointerCopier(elem)
	if size == 0 {
		return func(unsafe.Pointer, *taking) {} // there is nothing to share
	}
	return func(at unsafe.Pointer, t *taking) {
		src := *(*unsafe.Pointer)(at)
		if src == nil {
			return
		}
		if t == nil && fast != nil {
			fast(at)
			return
		}
		if t != nil {
			if elem.recursive && !t.enter(src, elem.typ) {
				return
			}
			t.size += packed(size, noscan)
		}
		dst := reflect.New(elem.typ)
		dst.Elem().Set(reflect.NewAt(elem.typ, src).Elem())
		*(*unsafe.Pointer)(at) = dst.UnsafePointer()
		elem.own(dst.UnsafePointer(), t)
		if t != nil && elem.recursive {
			t.leave(src, elem.typ)
		}
	}
}

// pointerCopier returns a quicker way to replace a pointer to one of the
// commonest shapes of memory, or nil.
func pointerCopier(elem *shape) func(unsafe.Pointer) {
	switch {
	case elem.building:
		return nil
	case elem.typ.Kind() == reflect.String:
		return copyPointee[string]
	case elem.typ == timeType:
		return copyPointee[time.Time]
	case !pointerFree(elem.typ) || elem.typ.Kind() == reflect.Struct || elem.typ.Kind() == reflect.Array:
		return nil
	}
	switch elem.typ.Size() {
	case 1:
		return copyPointee[uint8]
	case 2:
		return copyPointee[uint16]
	case 4:
		return copyPointee[uint32]
	case 8:
		return copyPointee[uint64]
	}
	return nil
}

func copyPointee[T any](at unsafe.Pointer) {
	v := **(**T)(at)
	*(**T)(at) = &v
}

// ownSlice replaces a slice by a copy of the same length and capacity. What a
// scan leaves between the two is zero.
func ownSlice(s, elem *shape) func(unsafe.Pointer, *taking) {
	typ := s.typ
	size := int64(elem.typ.Size())
	noscan := pointerFree(elem.typ)
	bytes := size == 1 && noscan && !elem.building && elem.flat()
	return func(at unsafe.Pointer, t *taking) {
		h := (*sliceHeader)(at)
		if h.data == nil {
			return
		}
		if t != nil {
			if (s.recursive || elem.recursive) && h.len > 0 && !t.enter(h.data, typ) {
				return
			}
			t.size += packed(size*int64(h.cap), noscan)
		}
		if bytes {
			dst := make([]byte, h.len, h.cap)
			copy(dst, *(*[]byte)(at))
			*(*[]byte)(at) = dst
			return
		}
		dst := reflect.MakeSlice(typ, h.len, h.cap)
		reflect.Copy(dst, reflect.NewAt(typ, at).Elem())
		src := h.data
		h.data = dst.UnsafePointer()
		elem.ownAll(h.data, h.len, t)
		if t != nil && (s.recursive || elem.recursive) && h.len > 0 {
			t.leave(src, typ)
		}
	}
}

// ownArray does for each element what has to be done, if anything has.
func ownArray(s, elem *shape, n int) {
	if elem.typ.Size() == 0 {
		return
	}
	size := elem.typ.Size()
	if !elem.flat() {
		s.op(func(at unsafe.Pointer, t *taking) { elem.ownAll(at, n, t) })
	} else if len(elem.takes) > 0 {
		s.take(0, func(at unsafe.Pointer, t *taking) {
			for i := range n {
				elem.own(unsafe.Add(at, uintptr(i)*size), t)
			}
		})
	}
}

// ownMap replaces a map by a copy.
func ownMap(s, key, elem *shape) func(unsafe.Pointer, *taking) {
	typ := s.typ
	slot := int64(key.typ.Size() + elem.typ.Size())
	texts := typ.Key() == stringType && typ.Elem() == stringType
	return func(at unsafe.Pointer, t *taking) {
		if *(*unsafe.Pointer)(at) == nil {
			return
		}
		src := reflect.NewAt(typ, at).Elem()
		n := src.Len()
		if t != nil {
			if (s.recursive || elem.recursive) && !t.enter(*(*unsafe.Pointer)(at), typ) {
				return
			}
			t.size += mapAllocated(int64(n), slot)
		} else if texts {
			dst := make(map[string]string, n)
			for k, v := range *(*map[string]string)(at) {
				dst[k] = v
			}
			*(*map[string]string)(at) = dst
			return
		}

		dst := reflect.MakeMapWithSize(typ, n)
		k, v := reflect.New(key.typ), reflect.New(elem.typ)
		for it := src.MapRange(); it.Next(); {
			k.Elem().SetIterKey(it)
			v.Elem().SetIterValue(it)
			if t != nil {
				key.own(k.UnsafePointer(), t)
			}
			if elem.own(v.UnsafePointer(), t); t != nil && t.failed {
				return
			}
			dst.SetMapIndex(k.Elem(), v.Elem())
		}
		if t != nil && (s.recursive || elem.recursive) {
			t.leave(*(*unsafe.Pointer)(at), typ)
		}
		*(*unsafe.Pointer)(at) = dst.UnsafePointer()
	}
}

var stringType = reflect.TypeFor[string]()

// mustBeZero refuses a destination where a scan has left what it should not.
func mustBeZero(size uintptr) func(unsafe.Pointer, *taking) {
	return func(at unsafe.Pointer, t *taking) {
		if !zero(at, size) {
			t.failed = true
		}
	}
}

// zero reports whether size bytes are. Unlike reflect.Value.IsZero it tells
// -0.0 from 0, and an empty string that points somewhere is not zero for it:
// it may say no too often, never yes.
func zero(p unsafe.Pointer, size uintptr) bool {
	mem := unsafe.Slice((*byte)(p), size)
	for len(mem) >= 8 {
		if mem[0]|mem[1]|mem[2]|mem[3]|mem[4]|mem[5]|mem[6]|mem[7] != 0 {
			return false
		}
		mem = mem[8:]
	}
	for _, b := range mem {
		if b != 0 {
			return false
		}
	}
	return true
}
