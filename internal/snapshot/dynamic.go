package snapshot

import (
	"encoding/json"
	"reflect"
	"unsafe"
)

// ownDynamic replaces the value of an empty interface by a copy. It knows what
// the json and gob packages put there when nobody tells them types; Take
// refuses everything else.
func ownDynamic(at unsafe.Pointer, t *taking) {
	*(*any)(at) = copyDynamic(*(*any)(at), t)
}

func copyDynamic(v any, t *taking) any {
	switch v := v.(type) {
	case nil, bool, int8, uint8: // Go keeps these values ready
	case float64, float32,
		int, int16, int32, int64,
		uint, uint16, uint32, uint64, uintptr:
		if t != nil {
			t.size += packed(int64(reflect.TypeOf(v).Size()), true)
		}
	case string:
		t.weighBoxed(v)
	case json.Number:
		t.weighBoxed(string(v))
	case []any:
		return copyList(v, t)
	case map[string]any:
		return copyObject(v, t)
	default:
		if t != nil {
			t.failed = true
		}
	}
	return v
}

func copyList(v []any, t *taking) any {
	if v == nil {
		return v //nolint:gocritic // a nil list in an interface is not a nil interface
	}
	if t != nil {
		if len(v) > 0 && !t.enter(unsafe.Pointer(unsafe.SliceData(v)), anySlice) {
			return v
		}
		t.size += allocated(int64(cap(v))*16, false) + allocated(24, false)
	}
	dst := make([]any, len(v), cap(v))
	for i := range v {
		if dst[i] = copyDynamic(v[i], t); t != nil && t.failed {
			return v
		}
	}
	if t != nil && len(v) > 0 {
		t.leave(unsafe.Pointer(unsafe.SliceData(v)), anySlice)
	}
	return dst
}

func copyObject(v map[string]any, t *taking) any {
	if v == nil {
		return v //nolint:gocritic // a nil map in an interface is not a nil interface
	}
	if t != nil {
		if !t.enter(*(*unsafe.Pointer)(unsafe.Pointer(&v)), anyMap) {
			return v
		}
		t.size += mapAllocated(int64(len(v)), 32)
	}
	dst := make(map[string]any, len(v))
	for k, x := range v {
		if t != nil {
			t.size += allocated(int64(len(k)), true)
		}
		if dst[k] = copyDynamic(x, t); t != nil && t.failed {
			return v
		}
	}
	if t != nil {
		t.leave(*(*unsafe.Pointer)(unsafe.Pointer(&v)), anyMap)
	}
	return dst
}

var (
	anySlice = reflect.TypeFor[[]any]()
	anyMap   = reflect.TypeFor[map[string]any]()
)
