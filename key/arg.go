package key

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
)

// ErrUnknownArg is returned by Encoder.Arg for an argument whose value cannot be told from another
// with certainty. The query has to bypass the cache.
var ErrUnknownArg = errors.New("key: argument cannot be part of a cache key")

// maxPointers is how many pointers in a row are followed; a pointer type may point to itself.
const maxPointers = 4

var valuerType = reflect.TypeFor[driver.Valuer]()

// Arg appends one SQL argument with its Go type, and returns the value to bind in its place.
//
// Known are nil, bool, the sized and unsized integers, floats (told apart by their bits), string,
// []byte, time.Time (instant to the nanosecond, zone name and offset, and whether it is in
// time.UTC, time.Local or another location), named types of all these but the last, pointers to
// them, and sql.NamedArg of them. A nil pointer and a nil byte slice differ from untyped nil and
// from those of other types. The returned value is v itself.
//
// A driver.Valuer is asked once: what it returned is encoded, with the Valuer's type, and returned
// for binding. A nil pointer whose Value method has a value receiver is NULL, as in database/sql.
//
// Anything else (maps, structs, functions, channels, other slices, arrays, sql.Out, a Valuer that
// fails, panics or returns what is no driver.Value) gives an error that wraps ErrUnknownArg, with
// v returned and the encoder as it was.
//
// Arg does not allocate for scalars while the buffer is large enough.
func (e *Encoder) Arg(v any) (bound any, err error) {
	start := len(e.buf)
	bound, err = e.arg(v)
	if err != nil {
		e.buf = e.buf[:start]
		return v, err
	}
	return bound, nil
}

func (e *Encoder) arg(v any) (any, error) {
	if e.plain(v) {
		return v, nil
	}
	if named, ok := v.(sql.NamedArg); ok {
		return e.named(named)
	}
	bound, _, err := e.reflected(v, maxPointers)
	return bound, err
}

// plain appends values of predeclared types and time.Time, which have no methods of their own that
// could change what a driver sees. It reports false, having appended nothing, for all others.
func (e *Encoder) plain(v any) bool {
	switch x := v.(type) {
	case nil:
		e.put(argNil)
	case bool:
		e.put(argBool)
		e.bit(x)
	case int:
		e.put(argInt)
		e.varint(int64(x))
	case int8:
		e.put(argInt8)
		e.varint(int64(x))
	case int16:
		e.put(argInt16)
		e.varint(int64(x))
	case int32:
		e.put(argInt32)
		e.varint(int64(x))
	case int64:
		e.put(argInt64)
		e.varint(x)
	case uint:
		e.put(argUint)
		e.uvarint(uint64(x))
	case uint8:
		e.put(argUint8)
		e.uvarint(uint64(x))
	case uint16:
		e.put(argUint16)
		e.uvarint(uint64(x))
	case uint32:
		e.put(argUint32)
		e.uvarint(uint64(x))
	case uint64:
		e.put(argUint64)
		e.uvarint(x)
	case float32:
		e.put(argFloat32)
		e.fixed32(math.Float32bits(x))
	case float64:
		e.put(argFloat64)
		e.fixed64(math.Float64bits(x))
	case string:
		e.put(argString)
		e.str(x)
	case []byte:
		if x == nil {
			e.put(argNilOf)
			e.typeID(reflect.TypeFor[[]byte]())
			return true
		}
		e.put(argBytes)
		e.bytes(x)
	case time.Time:
		e.put(argTime)
		e.time(x)
	default:
		return false
	}
	return true
}

// time leaves out the monotonic reading, which no driver sends. The wall clock follows from the
// instant and the offset.
func (e *Encoder) time(t time.Time) {
	e.varint(t.Unix())
	e.uvarint(uint64(t.Nanosecond()))
	name, offset := t.Zone()
	e.str(name)
	e.varint(int64(offset))
	loc := t.Location()
	switch loc {
	case time.UTC:
		e.uvarint(0)
	case time.Local:
		e.uvarint(1)
	default:
		e.uvarint(2)
		e.str(loc.String())
	}
}

func (e *Encoder) named(n sql.NamedArg) (any, error) {
	if _, nested := n.Value.(sql.NamedArg); nested {
		return nil, fmt.Errorf("%w: a sql.NamedArg inside a sql.NamedArg", ErrUnknownArg)
	}
	e.put(argName)
	e.str(n.Name)
	bound, err := e.arg(n.Value)
	if err != nil {
		return nil, err
	}
	n.Value = bound
	return n, nil
}

// reflected appends values whose type has to be asked: Valuers, named types and pointers. It returns
// what to bind, which is v itself unless a Valuer was asked.
func (e *Encoder) reflected(v any, pointers int) (bound any, asked bool, err error) {
	if valuer, ok := v.(driver.Valuer); ok {
		bound, err = e.valuer(valuer)
		return bound, true, err
	}
	rv := reflect.ValueOf(v)
	t := rv.Type()
	switch t.Kind() {
	case reflect.Bool:
		e.typed(t, argBool)
		e.bit(rv.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.typed(t, argInt64)
		e.varint(rv.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		e.typed(t, argUint64)
		e.uvarint(rv.Uint())
	case reflect.Float32:
		// Not by rv.Float: the way through float64 changes the bits of a signalling NaN.
		e.typed(t, argFloat32)
		e.fixed32(math.Float32bits(rv.Convert(reflect.TypeFor[float32]()).Interface().(float32)))
	case reflect.Float64:
		e.typed(t, argFloat64)
		e.fixed64(math.Float64bits(rv.Float()))
	case reflect.String:
		e.typed(t, argString)
		e.str(rv.String())
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return nil, false, unknown(t)
		}
		if rv.IsNil() {
			e.nilOf(t)
			return v, false, nil
		}
		e.typed(t, argBytes)
		e.bytes(rv.Bytes())
	case reflect.Pointer:
		if rv.IsNil() {
			e.nilOf(t)
			return v, false, nil
		}
		if pointers == 0 {
			return nil, false, unknown(t)
		}
		e.put(argPointer)
		e.typeID(t)
		target := rv.Elem().Interface()
		if e.plain(target) {
			return v, false, nil
		}
		bound, asked, err = e.reflected(target, pointers-1)
		if err != nil || asked {
			return bound, asked, err
		}
	default:
		return nil, false, unknown(t)
	}
	return v, false, nil
}

func (e *Encoder) typed(t reflect.Type, kind part) {
	e.put(argType)
	e.typeID(t)
	e.put(kind)
}

func (e *Encoder) nilOf(t reflect.Type) {
	e.put(argNilOf)
	e.typeID(t)
}

// valuer asks a Valuer as database/sql does, and appends what it says.
func (e *Encoder) valuer(v driver.Valuer) (any, error) {
	t := reflect.TypeOf(v)
	value, err := ask(v)
	if err != nil {
		return nil, fmt.Errorf("%w: Value of %s: %w", ErrUnknownArg, t, err)
	}
	// database/sql refuses any other result of a Value method; bound in the Valuer's place it might
	// be accepted.
	if !driver.IsValue(value) {
		return nil, fmt.Errorf("%w: Value of %s returned %T, which is no driver.Value", ErrUnknownArg, t, value)
	}
	e.put(argValuer)
	e.typeID(t)
	if !e.plain(value) {
		return nil, unknown(reflect.TypeOf(value))
	}
	return value, nil
}

func ask(v driver.Valuer) (value driver.Value, err error) {
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer && rv.IsNil() && rv.Type().Elem().Implements(valuerType) {
		return nil, nil // the method would panic; database/sql sends NULL
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case error:
			value, err = nil, fmt.Errorf("panic: %w", p)
		default:
			// Not printed: it may hold the value.
			value, err = nil, fmt.Errorf("panic with a %T", p)
		}
	}()
	return v.Value()
}

func unknown(t reflect.Type) error {
	return fmt.Errorf("%w: %s; give it a Value method (driver.Valuer)", ErrUnknownArg, t)
}
