package difftest

import (
	"reflect"
	"time"
)

// scramble overwrites everything that can be reached from v and could be shared with somebody else:
// pointers, slices up to their capacity, and maps, at any depth, unexported fields too.
func scramble(v any) {
	(&scrambler{seen: map[scrambled]bool{}}).value(reflect.ValueOf(v))
}

type scrambled struct {
	at uintptr
	t  reflect.Type
}

type scrambler struct{ seen map[scrambled]bool }

var (
	timeType  = reflect.TypeFor[time.Time]()
	errorType = reflect.TypeFor[error]()
	typeType  = reflect.TypeFor[reflect.Type]()
)

func (s *scrambler) value(v reflect.Value) {
	if !v.IsValid() || v.Type().Implements(errorType) || v.Type().Implements(typeType) {
		return // errors and types belong to everybody
	}
	if !v.CanAddr() { // not shared itself, but what it points to may be
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		v = c
	}
	if v.Type() == timeType {
		v.Set(reflect.ValueOf(time.Unix(1, 1)))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(v.Int() ^ 0x55)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v.SetUint(v.Uint() ^ 0x55)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.String:
		v.SetString("scrambled")
	case reflect.Pointer:
		if !v.IsNil() && s.first(v.Pointer(), v.Type()) {
			s.value(v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			s.value(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			s.value(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem())
		}
	case reflect.Array:
		for i := range v.Len() {
			s.value(v.Index(i))
		}
	case reflect.Slice:
		if v.Cap() > 0 && s.first(v.Pointer(), v.Type()) {
			all := v.Slice(0, v.Cap())
			for i := range all.Len() {
				s.value(all.Index(i))
			}
		}
	case reflect.Map:
		s.mapping(v)
	default: // channels, functions: nothing to overwrite
	}
}

func (s *scrambler) mapping(m reflect.Value) {
	if m.IsNil() || !s.first(m.Pointer(), m.Type()) {
		return
	}
	for _, key := range m.MapKeys() {
		s.value(m.MapIndex(key)) // what the value points to
		m.SetMapIndex(key, reflect.Zero(m.Type().Elem()))
	}
	if m.Type().Key().Kind() == reflect.String {
		m.SetMapIndex(reflect.ValueOf("scrambled").Convert(m.Type().Key()), reflect.Zero(m.Type().Elem()))
	}
}

// first reports whether this memory has not been overwritten yet.
func (s *scrambler) first(at uintptr, t reflect.Type) bool {
	k := scrambled{at, t}
	if s.seen[k] {
		return false
	}
	s.seen[k] = true
	return true
}
