package key

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"reflect"
	"sync"
	"sync/atomic"
)

// maxKept is the largest buffer, in bytes, that Reset keeps: one query with a huge argument should
// not pin its memory in every pooled Encoder.
const maxKept = 64 << 10

// part says what follows in the encoded form. Every part starts with one, and each is followed by a
// number of bytes that it and they alone determine, so no sequence of parts is the prefix of
// another part and the bytes can be read one way only.
type part byte

const (
	partText part = iota + 1
	partUint
	partInt
	partBool
	partType

	argNil     // untyped nil
	argNilOf   // nil pointer or nil byte slice: type
	argPointer // type, then what it points to
	argValuer  // type, then what Value returned
	argName    // text, then the value of the sql.NamedArg
	argType    // type, then the kind's form below: any type that is not predeclared
	argBool
	argInt
	argInt8
	argInt16
	argInt32
	argInt64
	argUint
	argUint8
	argUint16
	argUint32
	argUint64
	argFloat32
	argFloat64
	argString
	argBytes
	argTime
)

// Encoder builds the canonical form of a query from its parts: typed, length-prefixed, and
// injective, so two queries have the same bytes only if they are the same query.
//
// The zero value is ready. Reset makes it ready again and keeps its buffer. An Encoder must not be
// used by two goroutines at once.
//
// The bytes hold ids of Go types that mean something in this process alone: do not compare them, or
// a Sum of them, with those of another process.
type Encoder struct {
	buf []byte
}

// Reset empties the encoder. Slices that Bytes returned are no longer valid.
func (e *Encoder) Reset() {
	if cap(e.buf) > maxKept {
		e.buf = nil
	}
	e.buf = e.buf[:0]
}

// Restore puts a canonical form that Bytes returned in the place of what is there. It copies it.
func (e *Encoder) Restore(form []byte) { e.buf = append(e.buf[:0], form...) }

// Bytes returns the canonical form so far. It is valid until the next call that appends or resets,
// and must not be changed.
func (e *Encoder) Bytes() []byte { return e.buf }

// Len returns the number of bytes so far.
func (e *Encoder) Len() int { return len(e.buf) }

// Sum returns the SHA-256 of the canonical form as 64 hexadecimal digits.
func (e *Encoder) Sum() string {
	sum := sha256.Sum256(e.buf)
	return hex.EncodeToString(sum[:])
}

// Text appends a text: SQL, a table's name, an option. Any bytes may be in it.
func (e *Encoder) Text(s string) {
	e.put(partText)
	e.str(s)
}

// Uint appends an unsigned number.
func (e *Encoder) Uint(u uint64) {
	e.put(partUint)
	e.uvarint(u)
}

// Int appends a signed number.
func (e *Encoder) Int(i int64) {
	e.put(partInt)
	e.varint(i)
}

// Bool appends a truth value.
func (e *Encoder) Bool(b bool) {
	e.put(partBool)
	e.bit(b)
}

// Type appends the identity of a Go type; nil is allowed. Types that print alike (those declared in
// two functions of one package under one name) have different identities.
func (e *Encoder) Type(t reflect.Type) {
	e.put(partType)
	e.typeID(t)
}

func (e *Encoder) put(p part)            { e.buf = append(e.buf, byte(p)) }
func (e *Encoder) uvarint(u uint64)      { e.buf = binary.AppendUvarint(e.buf, u) }
func (e *Encoder) varint(i int64)        { e.buf = binary.AppendVarint(e.buf, i) }
func (e *Encoder) fixed64(u uint64)      { e.buf = binary.BigEndian.AppendUint64(e.buf, u) }
func (e *Encoder) fixed32(u uint32)      { e.buf = binary.BigEndian.AppendUint32(e.buf, u) }
func (e *Encoder) typeID(t reflect.Type) { e.uvarint(idOf(t)) }

func (e *Encoder) str(s string) {
	e.uvarint(uint64(len(s)))
	e.buf = append(e.buf, s...)
}

func (e *Encoder) bytes(b []byte) {
	e.uvarint(uint64(len(b)))
	e.buf = append(e.buf, b...)
}

func (e *Encoder) bit(b bool) {
	if b {
		e.buf = append(e.buf, 1)
	} else {
		e.buf = append(e.buf, 0)
	}
}

// typeIDs gives each reflect.Type a number that no other type of this process has. PkgPath and Name
// would not do: they are equal for two types declared in different functions. A program has finitely
// many types that it can pass as arguments, so the map stays small.
var (
	typeIDs    sync.Map // reflect.Type → uint64
	lastTypeID atomic.Uint64
)

func idOf(t reflect.Type) uint64 {
	if t == nil {
		return 0
	}
	if id, ok := typeIDs.Load(t); ok {
		return id.(uint64)
	}
	id, _ := typeIDs.LoadOrStore(t, lastTypeID.Add(1))
	return id.(uint64)
}
