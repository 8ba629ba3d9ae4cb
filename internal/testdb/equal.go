package testdb

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"time"

	"gorm.io/gorm"
)

// Equal compares two values as a strict program would and describes the first differences, one to a
// line, or returns "" if there are none.
//
// Types must be the same. Pointers are followed and their identity does not matter, except for channels and
// functions, which are compared by identity. Nil and empty slices and maps differ. NaN equals NaN, and 0 differs from -0.
// Times are equal if instant, zone name, offset and kind of location (UTC, Local or another) are.
// Errors are equal if their texts, the types in their trees and the well-known errors that they match are.
func Equal(a, b any) string { return Rules{}.Equal(a, b) }

// Rules change what Equal looks at.
type Rules struct {
	// ErrorText, if set, is applied to the texts of errors before they are compared: to take out what
	// must differ, such as the name of the database.
	ErrorText func(string) string
}

// maxDifferences bounds the description.
const maxDifferences = 8

// Equal is as the function Equal, under these rules.
func (r Rules) Equal(a, b any) string {
	c := comparison{rules: r, seen: map[visit]bool{}}
	c.values("", reflect.ValueOf(a), reflect.ValueOf(b))
	out := ""
	for _, d := range c.found {
		out += d + "\n"
	}
	return out
}

type visit struct {
	a, b uintptr
	t    reflect.Type
}

type comparison struct {
	rules Rules
	seen  map[visit]bool
	found []string
}

func (c *comparison) differ(path, format string, args ...any) {
	if len(c.found) < maxDifferences {
		if path == "" {
			path = "value"
		}
		c.found = append(c.found, path+": "+fmt.Sprintf(format, args...))
	}
}

var (
	timeType  = reflect.TypeFor[time.Time]()
	zoneType  = reflect.TypeFor[*time.Location]()
	errorType = reflect.TypeFor[error]()
)

// values compares two values that may be read freely (see readable).
func (c *comparison) values(path string, a, b reflect.Value) {
	if len(c.found) >= maxDifferences {
		return
	}
	if !a.IsValid() || !b.IsValid() {
		if a.IsValid() != b.IsValid() {
			c.differ(path, "%s, other %s", show(a), show(b))
		}
		return
	}
	if a.Type() != b.Type() {
		c.differ(path, "type %s, other %s (%s, other %s)", a.Type(), b.Type(), show(a), show(b))
		return
	}
	a, b = addressable(a), addressable(b)
	switch {
	case a.Type() == timeType:
		c.times(path, a.Interface().(time.Time), b.Interface().(time.Time))
		return
	case a.Type() == zoneType:
		if x, y := a.Interface().(*time.Location), b.Interface().(*time.Location); x.String() != y.String() {
			c.differ(path, "location %s, other %s", x, y)
		}
		return
	case a.Type().Implements(errorType) && !isNil(a) && !isNil(b):
		c.errors(path, a.Interface().(error), b.Interface().(error))
		return
	}
	switch a.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr,
		reflect.String, reflect.UnsafePointer, reflect.Chan:
		if !a.Equal(b) {
			c.differ(path, "%s, other %s", show(a), show(b))
		}
	case reflect.Float32, reflect.Float64:
		c.floats(path, a.Float(), b.Float())
	case reflect.Complex64, reflect.Complex128:
		c.floats(path+".real", real(a.Complex()), real(b.Complex()))
		c.floats(path+".imag", imag(a.Complex()), imag(b.Complex()))
	case reflect.Func:
		if a.Pointer() != b.Pointer() {
			c.differ(path, "another function")
		}
	case reflect.Pointer, reflect.Interface:
		c.pointers(path, a, b)
	case reflect.Struct:
		for i := range a.NumField() {
			c.values(path+"."+a.Type().Field(i).Name, readable(a.Field(i)), readable(b.Field(i)))
		}
	case reflect.Slice:
		c.slices(path, a, b)
	case reflect.Array:
		c.elements(path, a, b)
	case reflect.Map:
		c.maps(path, a, b)
	default:
		c.differ(path, "cannot compare values of kind %s", a.Kind())
	}
}

func (c *comparison) times(path string, a, b time.Time) {
	za, oa := a.Zone()
	zb, ob := b.Zone()
	kind := func(t time.Time) string {
		switch t.Location() {
		case time.UTC:
			return "UTC"
		case time.Local:
			return "Local"
		default:
			return "location " + strconv.Quote(t.Location().String())
		}
	}
	monotonic := func(t time.Time) bool { return t != t.Round(0) } // != sees the monotonic clock
	if !a.Equal(b) || za != zb || oa != ob || kind(a) != kind(b) || monotonic(a) != monotonic(b) {
		c.differ(path, "%s in %s, other %s in %s", a, kind(a), b, kind(b))
	}
}

func (c *comparison) floats(path string, a, b float64) {
	if math.IsNaN(a) && math.IsNaN(b) {
		return
	}
	if math.Float64bits(a) != math.Float64bits(b) {
		c.differ(path, "%v, other %v", a, b)
	}
}

func (c *comparison) pointers(path string, a, b reflect.Value) {
	if a.IsNil() || b.IsNil() {
		if a.IsNil() != b.IsNil() {
			c.differ(path, "%s, other %s", show(a), show(b))
		}
		return
	}
	if a.Kind() == reflect.Pointer && c.visited(a, b) {
		return
	}
	c.values(path, a.Elem(), b.Elem())
}

func (c *comparison) slices(path string, a, b reflect.Value) {
	switch {
	case a.IsNil() != b.IsNil() && a.Len() == b.Len():
		c.differ(path, "%s, other %s", show(a), show(b))
	case a.Len() != b.Len():
		c.differ(path, "%d elements, other %d (%s, other %s)", a.Len(), b.Len(), show(a), show(b))
	case a.Type().Elem().Kind() == reflect.Uint8:
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			c.differ(path, "%s, other %s", show(a), show(b))
		}
	case a.Len() > 0 && !c.visited(a, b):
		c.elements(path, a, b)
	}
}

func (c *comparison) elements(path string, a, b reflect.Value) {
	for i := range a.Len() {
		c.values(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
	}
}

func (c *comparison) maps(path string, a, b reflect.Value) {
	if a.IsNil() != b.IsNil() || a.Len() != b.Len() {
		c.differ(path, "%s, other %s", show(a), show(b))
		return
	}
	if a.Len() == 0 || c.visited(a, b) {
		return
	}
	for _, key := range a.MapKeys() {
		if other := b.MapIndex(key); other.IsValid() {
			c.values(fmt.Sprintf("%s[%s]", path, show(key)), a.MapIndex(key), other)
		} else if !c.inMap(key, a, b) {
			c.differ(path, "key %s only on the one side", show(key))
		}
	}
}

// inMap reports whether b has an entry equal to a's under a key that lookups do not find: NaN, or a pointer.
func (c *comparison) inMap(key, a, b reflect.Value) bool {
	find := func(m reflect.Value, want reflect.Value) (entries []reflect.Value) {
		for it := m.MapRange(); it.Next(); {
			sub := comparison{rules: c.rules, seen: map[visit]bool{}}
			if sub.values("", want, it.Key()); len(sub.found) == 0 {
				entries = append(entries, it.Value())
			}
		}
		return entries
	}
	mine, others := find(a, key), find(b, key)
	if len(mine) != len(others) {
		return false
	}
	for _, m := range mine {
		found := false
		for _, o := range others {
			sub := comparison{rules: c.rules, seen: map[visit]bool{}}
			sub.values("", m, o)
			found = found || len(sub.found) == 0
		}
		if !found {
			return false
		}
	}
	return true
}

// visited reports whether this pair is being compared already, as in a cycle.
func (c *comparison) visited(a, b reflect.Value) bool {
	v := visit{a.Pointer(), b.Pointer(), a.Type()}
	if c.seen[v] {
		return true
	}
	c.seen[v] = true
	return false
}

func (c *comparison) errors(path string, a, b error) {
	ta, tb := a.Error(), b.Error()
	if c.rules.ErrorText != nil {
		ta, tb = c.rules.ErrorText(ta), c.rules.ErrorText(tb)
	}
	if ta != tb {
		c.differ(path, "error %q, other %q", ta, tb)
		return
	}
	if ca, cb := errorTree(a), errorTree(b); ca != cb {
		c.differ(path, "error %q of class %s, other of class %s", ta, ca, cb)
	}
	for _, known := range wellKnown {
		if errors.Is(a, known) != errors.Is(b, known) {
			c.differ(path, "error %q is %q: %t, other %t", ta, known, errors.Is(a, known), errors.Is(b, known))
		}
	}
}

var wellKnown = []error{
	gorm.ErrRecordNotFound, gorm.ErrInvalidTransaction, gorm.ErrMissingWhereClause, gorm.ErrUnsupportedRelation,
	gorm.ErrPrimaryKeyRequired, gorm.ErrModelValueRequired, gorm.ErrInvalidData, gorm.ErrInvalidField,
	gorm.ErrEmptySlice, gorm.ErrDryRunModeUnsupported, gorm.ErrInvalidDB, gorm.ErrInvalidValue,
	gorm.ErrDuplicatedKey, gorm.ErrForeignKeyViolated, gorm.ErrCheckConstraintViolated,
	sql.ErrNoRows, sql.ErrTxDone, sql.ErrConnDone, driver.ErrBadConn, driver.ErrSkip,
	context.Canceled, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
}

// errorTree names the types of an error and of all that it wraps.
func errorTree(err error) string {
	if err == nil {
		return "nil"
	}
	out := reflect.TypeOf(err).String()
	switch w := err.(type) { //nolint:errorlint // the tree itself is looked at
	case interface{ Unwrap() error }:
		out += "(" + errorTree(w.Unwrap()) + ")"
	case interface{ Unwrap() []error }:
		for _, e := range w.Unwrap() {
			out += "(" + errorTree(e) + ")"
		}
	}
	return out
}

// readable gives free access to the field of a struct that is addressable, unexported or not.
func readable(v reflect.Value) reflect.Value {
	if v.CanInterface() {
		return v
	}
	return reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
}

// addressable returns v, or a copy of it if v is a struct or array that has no address.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan:
		return v.IsNil()
	default:
		return false
	}
}

// show prints a value shortly.
func show(v reflect.Value) string {
	if !v.IsValid() {
		return "nil"
	}
	var s string
	switch {
	case isNil(v):
		s = v.Type().String() + "(nil)"
	case v.Kind() == reflect.Slice && v.Len() == 0:
		s = v.Type().String() + "(empty)"
	case v.Kind() == reflect.String:
		s = strconv.Quote(v.String())
	case v.Kind() == reflect.Pointer:
		s = "&" + show(v.Elem())
	default:
		s = fmt.Sprintf("%+v", v)
	}
	if len(s) > 200 {
		s = s[:200] + "…"
	}
	return s
}
