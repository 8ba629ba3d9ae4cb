package snapshot

import (
	"fmt"
	"reflect"
	"sync"

	"gorm.io/gorm/schema"
)

// slot is what a scan may do to one field of a struct.
type slot struct {
	column   *schema.Field
	relation *schema.Relationship
	below    joinTree      // joins below the relation
	inner    map[int]*slot // the fields of an embedded struct
}

// record returns how a struct is copied that gorm scans column by column.
func (c *compiler) record(typ reflect.Type, sch *schema.Schema, joins joinTree) (*shape, string) {
	slots := map[int]*slot{}
	for _, f := range sch.Fields {
		if !f.Readable || f.DBName == "" {
			continue // a scan that fills it all the same is noticed by mustBeZero
		}
		at, reason := reach(slots, f)
		if reason != "" {
			return nil, reason
		}
		at.column = f
	}
	for name, below := range joins {
		rel := relation(sch, name)
		if rel == nil || rel.FieldSchema == nil || rel.Field == nil {
			continue
		}
		at, reason := reach(slots, rel.Field)
		if reason != "" {
			return nil, reason
		}
		at.relation, at.below = rel, below
	}
	s := &shape{typ: typ}
	return s, c.slots(s, typ, 0, slots)
}

// reach finds the slot of a field, through the structs it is embedded in. In
// gorm's paths -i-1 is a pointer at field i.
func reach(slots map[int]*slot, f *schema.Field) (*slot, string) {
	var at *slot
	for _, i := range f.StructField.Index {
		if at != nil {
			if at.inner == nil {
				at.inner = map[int]*slot{}
			}
			slots = at.inner
		}
		if i < 0 {
			i = -i - 1
		}
		if slots[i] == nil {
			slots[i] = &slot{}
		}
		at = slots[i]
	}
	if at == nil {
		return nil, fmt.Sprintf("field %s has no place in its struct", f.Name)
	}
	return at, ""
}

// slots adds to s the struct typ that lies off bytes into it.
func (c *compiler) slots(s *shape, typ reflect.Type, off uintptr, slots map[int]*slot) string {
	var unfilled span
	for i := range typ.NumField() {
		f := typ.Field(i)
		at := slots[i]
		if at == nil {
			unfilled.extend(off+f.Offset, f.Type.Size())
			continue
		}
		unfilled.end(s)
		if reason := c.slot(s, f, off+f.Offset, at); reason != "" {
			return fmt.Sprintf("%s.%s: %s", typ, f.Name, reason)
		}
	}
	unfilled.end(s)
	return ""
}

func (c *compiler) slot(s *shape, f reflect.StructField, off uintptr, at *slot) string {
	kinds := 0
	for _, is := range [...]bool{at.column != nil, at.relation != nil, at.inner != nil} {
		if is {
			kinds++
		}
	}
	if kinds != 1 {
		return "filled in two ways"
	}

	if at.column != nil {
		part, reason := c.column(f, at.column)
		if reason == "" {
			s.inline(part, off)
		}
		return reason
	}

	typ, pointed := f.Type, f.Type.Kind() == reflect.Pointer
	if pointed {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct {
		return fmt.Sprintf("type %s is not scanned into", f.Type)
	}
	part := &shape{typ: typ}
	if at.relation != nil {
		if at.relation.FieldSchema.ModelType != typ {
			return fmt.Sprintf("type %s is not scanned into", f.Type)
		}
		var reason string
		if part, reason = c.record(typ, at.relation.FieldSchema, at.below); reason != "" {
			return reason
		}
	} else if reason := c.slots(part, typ, 0, at.inner); reason != "" {
		return reason
	}
	if pointed {
		whole := &shape{typ: f.Type}
		whole.op(ownPointer(part))
		part = whole
	}
	s.inline(part, off)
	return ""
}

// column returns how a column's field is copied.
func (c *compiler) column(f reflect.StructField, col *schema.Field) (*shape, string) {
	if col.FieldType != f.Type {
		return nil, "the schema gives it another type"
	}
	if col.Serializer != nil {
		// Others see the context of a query: what they make is for its caller.
		switch col.Serializer.(type) {
		case schema.JSONSerializer, schema.UnixSecondSerializer, schema.GobSerializer:
		default:
			return nil, fmt.Sprintf("serializer %T is not one of gorm's own", col.Serializer)
		}
	} else if f.Type.Kind() == reflect.Interface {
		return nil, "an interface takes what the driver gives"
	}
	if _, ok := col.NewValuePool.(*sync.Pool); !ok {
		return nil, fmt.Sprintf("value pool %T is not gorm's own", col.NewValuePool)
	}
	return c.shape(f.Type)
}

// span collects neighbouring fields that a scan leaves alone into one check.
type span struct {
	off, size uintptr
	open      bool
}

func (z *span) extend(off, size uintptr) {
	if !z.open {
		z.off, z.open = off, true
	}
	z.size = off + size - z.off
}

func (z *span) end(s *shape) {
	if z.open && z.size > 0 {
		s.take(z.off, mustBeZero(z.size))
	}
	*z = span{}
}
