package rows

import (
	"database/sql/driver"
	"math"
	"time"
)

// kind is the Go type of a driver value.
type kind uint8

const (
	kindNil kind = iota
	kindInt64
	kindFloat64
	kindFloat32
	kindUint64
	kindBool
	kindString
	kindBytes
	kindTime
	kindOther // nothing that may be stored
)

// Heap bytes of the parts of a value.
const (
	wordBox   = 8
	stringBox = 16
	bytesBox  = 24
	timeBox   = 24
	// fixedZone is a *time.Location made by time.FixedZone, as parsers do value by value.
	fixedZone = 160
	// staticBox: the runtime boxes integers (and the bits of floats) below it without allocating.
	staticBox = 256
)

// inspect tells a value's kind and the heap bytes that keeping it costs beside its cell. The data of
// []byte is not in it: the arena that holds it counts its blocks.
func inspect(v driver.Value) (kind, int64) {
	switch v := v.(type) {
	case nil:
		return kindNil, 0
	case int64:
		return kindInt64, boxed(uint64(v))
	case float64:
		return kindFloat64, boxed(math.Float64bits(v))
	case float32:
		return kindFloat32, boxed(uint64(math.Float32bits(v)))
	case uint64:
		return kindUint64, boxed(v)
	case bool:
		return kindBool, 0
	case string:
		if v == "" {
			return kindString, 0
		}
		return kindString, stringBox + allocated(len(v))
	case []byte:
		if v == nil {
			return kindBytes, 0
		}
		return kindBytes, bytesBox
	case time.Time:
		if v != v.Round(0) { // Round strips the monotonic reading, which says nothing in another process or later
			return kindOther, 0
		}
		return kindTime, timeBox
	}
	return kindOther, 0
}

// kindOf is inspect without the size, for values already stored.
func kindOf(v driver.Value) kind {
	switch v.(type) {
	case nil:
		return kindNil
	case int64:
		return kindInt64
	case float64:
		return kindFloat64
	case float32:
		return kindFloat32
	case uint64:
		return kindUint64
	case bool:
		return kindBool
	case string:
		return kindString
	case []byte:
		return kindBytes
	case time.Time:
		return kindTime
	}
	return kindOther
}

func boxed(bits uint64) int64 {
	if bits < staticBox {
		return 0
	}
	return wordBox
}

// cloneBytes copies b and keeps nil apart from empty, as bytes.Clone, without slack behind it.
func cloneBytes(b []byte) []byte {
	if b == nil {
		return nil
	}
	c := make([]byte, len(b))
	copy(c, b)
	return c
}
