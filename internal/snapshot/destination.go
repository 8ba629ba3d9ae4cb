package snapshot

import (
	"database/sql"
	"fmt"
	"reflect"
	"time"

	"gorm.io/gorm/schema"
)

// form is the way gorm.Scan treats a destination.
type form uint8

const (
	record form = iota // a struct: the first row is set into it, if there is one
	list               // a slice: emptied, then each row appended
	array              // an array: zeroed, then filled as far as it goes
	scalar             // one of gorm's own list: each row is scanned over the last
)

// Plan says how destinations of one type are copied. It is immutable and safe
// for concurrent use.
type Plan struct {
	form    form
	typ     reflect.Type // of the destination, after dereferencing
	elem    *shape       // of one record
	pointed bool         // the elements are pointers to records
	list    reflect.Type // []record, the form a snapshot holds lists in
	growth  *growth      // the capacities of lists
}

// compile decides which of gorm.Scan's ways a destination goes, in the order
// gorm.Scan asks.
func (p *Planner) compile(dest any, typ reflect.Type, sch *schema.Schema, joins string, parse func(any) (*schema.Schema, error)) (*Plan, string) {
	c := &compiler{immutable: p.immutable, shapes: map[reflect.Type]*shape{}}
	if isScalar(dest) {
		elem, reason := c.shape(typ)
		if reason != "" {
			return nil, reason
		}
		return &Plan{form: scalar, typ: typ, elem: elem}, ""
	}

	plan := &Plan{form: record, typ: typ}
	elem := typ
	switch typ.Kind() {
	case reflect.Struct:
	case reflect.Slice:
		plan.form, elem = list, typ.Elem()
	case reflect.Array:
		plan.form, elem = array, typ.Elem()
	default:
		return nil, fmt.Sprintf("a destination of type %T is read row by row", dest)
	}
	if plan.form != record && elem.Kind() == reflect.Pointer {
		plan.pointed, elem = true, elem.Elem()
	}

	var reason string
	if plan.elem, reason = c.element(dest, elem, sch, joins, parse); reason != "" {
		return nil, reason
	}
	plan.list = reflect.SliceOf(elem)
	if plan.form == list {
		plan.growth = &growth{typ: typ}
	}
	return plan, ""
}

// element compiles what one row is scanned into.
func (c *compiler) element(dest any, typ reflect.Type, sch *schema.Schema, joins string, parse func(any) (*schema.Schema, error)) (*shape, string) {
	switch typ.Kind() {
	case reflect.Interface, reflect.Map, reflect.Pointer, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return nil, fmt.Sprintf("a destination of type %T is read row by row", dest)
	}
	if typ.Size() == 0 {
		return nil, fmt.Sprintf("type %s has no columns", typ)
	}
	if typ.Kind() != reflect.Struct {
		return c.shape(typ) // plucked
	}

	// A struct that scans itself takes a single column whole if that is no
	// column of its own, so it must be copyable whatever is in it.
	whole := isTime(typ) || listed(typ) != unlisted
	scans := decodesColumn(typ)
	if whole || (scans && sch == nil) {
		return c.shape(typ)
	}
	if sch == nil {
		return nil, fmt.Sprintf("no schema is known for type %s", typ)
	}
	if sch.ModelType != typ {
		parsed, err := parse(dest)
		if err != nil || parsed == nil || parsed.ModelType != typ {
			return nil, fmt.Sprintf("type %s has no valid schema", typ)
		}
		// Relations are looked for in the schema of the destination, under the
		// names the joins have in the model's.
		sch = parsed
	}
	if len(sch.DBNames) == 0 && !scans {
		return nil, fmt.Sprintf("type %s has no columns", typ)
	}
	rec, reason := c.record(typ, sch, parseJoins(joins))
	if scans && reason == "" {
		return c.shape(typ)
	}
	return rec, reason
}

// isScalar reports whether gorm.Scan hands dest to the driver as it is, row
// after row.
func isScalar(dest any) bool {
	switch dest.(type) {
	case *int, *int8, *int16, *int32, *int64,
		*uint, *uint8, *uint16, *uint32, *uint64, *uintptr,
		*float32, *float64,
		*bool, *string, *time.Time,
		*sql.NullInt32, *sql.NullInt64, *sql.NullFloat64,
		*sql.NullBool, *sql.NullString, *sql.NullTime:
		return true
	}
	return false
}
