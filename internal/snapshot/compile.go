package snapshot

import (
	"database/sql"
	"fmt"
	"maps"
	"reflect"
)

// compiler makes the shapes of one plan.
type compiler struct {
	immutable map[reflect.Type]bool
	shapes    map[reflect.Type]*shape
}

// shape returns how values of type t are copied, or why they are not.
func (c *compiler) shape(t reflect.Type) (*shape, string) {
	if s, ok := c.shapes[t]; ok {
		s.recursive = s.recursive || s.building
		return s, ""
	}
	s := &shape{typ: t, building: true}
	c.shapes[t] = s
	if reason := c.fill(s); reason != "" {
		return nil, reason // and so has the plan none: what was begun is dropped with c
	}
	s.building = false
	return s, ""
}

func (c *compiler) fill(s *shape) string {
	t := s.typ
	switch {
	case c.immutable[t]:
		s.take(0, weighShared(t))
		return ""
	case isTime(t):
		s.take(0, weighTime)
		return ""
	case listed(t) == shared:
		return ""
	case t == rawBytes:
		return "sql.RawBytes is memory of the driver's"
	case c.flat(t):
		return c.structure(s, true)
	case listed(t) == structured:
		return c.structure(s, true)
	case !decodes(t):
		if method, ok := cloneMethod(t); ok && !c.plain(t) {
			s.op(ownClone(t, method))
			return ""
		}
		return c.structure(s, false)
	}
	method, ok := cloneMethod(t)
	if !ok {
		return fmt.Sprintf("type %s decodes itself and holds pointers: give it a Clone method or list it in Config.ImmutableTypes", t)
	}
	s.op(ownClone(t, method))
	return ""
}

// plain reports whether t can be copied part by part, leaving nothing out. It
// compiles on trial, since what a failed compilation leaves is of no use.
func (c *compiler) plain(t reflect.Type) bool {
	trial := &compiler{immutable: c.immutable, shapes: maps.Clone(c.shapes)}
	trial.shapes[t] = &shape{typ: t, building: true}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			if f := t.Field(i); c.hidden(f) {
				return false
			}
		}
	}
	return trial.structure(trial.shapes[t], false) == ""
}

// hidden reports whether f is out of the reach of decoders and cannot be copied
// with its struct's memory.
func (c *compiler) hidden(f reflect.StructField) bool {
	return !f.IsExported() && !c.flat(f.Type) && (!f.Anonymous || f.Type.Kind() != reflect.Struct)
}

// structure copies a value by its kind, part by part. trusted says that
// unexported fields hold plain data too.
func (c *compiler) structure(s *shape, trusted bool) string {
	t := s.typ
	switch t.Kind() {
	case reflect.Bool, reflect.Uintptr,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64,
		reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128:
		return ""
	case reflect.String:
		s.take(0, weighString)
		return ""
	case reflect.Struct:
		return c.fields(s, trusted)
	case reflect.Pointer:
		elem, reason := c.shape(t.Elem())
		if reason == "" {
			s.op(ownPointer(elem))
		}
		return reason
	case reflect.Slice:
		elem, reason := c.shape(t.Elem())
		if reason == "" {
			s.op(ownSlice(s, elem))
		}
		return reason
	case reflect.Array:
		if t.Len() == 0 {
			return ""
		}
		elem, reason := c.shape(t.Elem())
		if reason == "" {
			ownArray(s, elem, t.Len())
		}
		return reason
	case reflect.Map:
		if !c.flat(t.Key()) {
			return fmt.Sprintf("the keys of %s hold pointers", t)
		}
		key, reason := c.shape(t.Key())
		if reason != "" {
			return reason
		}
		elem, reason := c.shape(t.Elem())
		if reason == "" {
			s.op(ownMap(s, key, elem))
		}
		return reason
	case reflect.Interface:
		if t.NumMethod() == 0 {
			s.op(ownDynamic)
			return ""
		}
	}
	return fmt.Sprintf("values of type %s cannot be copied", t)
}

// fields copies a struct. Decoders leave unexported fields alone, so those
// that hold pointers must be zero, unless the type's own code may fill them.
func (c *compiler) fields(s *shape, trusted bool) string {
	t := s.typ
	for i := range t.NumField() {
		f := t.Field(i)
		if !trusted && c.hidden(f) {
			s.take(f.Offset, mustBeZero(f.Type.Size()))
			continue
		}
		part, reason := c.shape(f.Type)
		if reason != "" {
			return fmt.Sprintf("%s.%s: %s", t, f.Name, reason)
		}
		s.inline(part, f.Offset)
	}
	return ""
}

// flat reports whether a value of type t holds nothing that can be changed
// through a copy of its memory.
func (c *compiler) flat(t reflect.Type) bool {
	if c.immutable[t] || isTime(t) {
		return true
	}
	switch t.Kind() {
	case reflect.Struct:
		if listed(t) == shared {
			return true
		}
		for i := range t.NumField() {
			if !c.flat(t.Field(i).Type) {
				return false
			}
		}
		return true
	case reflect.Array:
		return t.Len() == 0 || c.flat(t.Elem())
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return false
	}
	return true
}

var (
	rawBytes = reflect.TypeFor[sql.RawBytes]()
	scanner  = reflect.TypeFor[sql.Scanner]()
)

// decodesColumn reports whether t or *t is a sql.Scanner.
func decodesColumn(t reflect.Type) bool {
	return t.Implements(scanner) || reflect.PointerTo(t).Implements(scanner)
}

// decodes reports whether code of t's own fills its values, in a scan or in a
// serializer.
func decodes(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface, reflect.Pointer:
		return false // what they point to is asked
	}
	if decodesColumn(t) {
		return true
	}
	p := reflect.PointerTo(t)
	for _, name := range [...]string{"UnmarshalJSON", "UnmarshalJSONFrom", "UnmarshalText", "UnmarshalBinary", "GobDecode"} {
		if _, ok := p.MethodByName(name); ok {
			return true
		}
	}
	return false
}
