package analysis

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gorm-querycache/querycache/internal/catalog"
)

// maxDigits is how long a text may be that stands for an integer: MySQL
// compares a longer one as a floating-point number, to which several integers
// are equal.
const maxDigits = 15

// maxPointers is how many pointers in a row are followed.
const maxPointers = 4

// uuidBytes is how long a UUID is that is not spelled out.
const uuidBytes = 16

// appendValue appends a value in the one spelling that all values have which
// the database may take for equal to it. It may give values that the database
// tells apart the same spelling, which costs hits. ok is false for those of
// which it is not known what they are equal to.
func appendValue(buf []byte, class catalog.Class, v any) (out []byte, ok bool) {
	switch x := v.(type) {
	case int64:
		return appendInt(buf, class, x)
	case int:
		return appendInt(buf, class, int64(x))
	case uint:
		return appendUint(buf, class, uint64(x))
	case uint64:
		return appendUint(buf, class, x)
	case string:
		return appendText(buf, class, x)
	case []byte:
		// Compared with an integer a blob is what the database likes; with a
		// UUID, pgx and MariaDB take one of this length for its bytes.
		if class != catalog.ClassText || x == nil || len(x) == uuidBytes {
			return buf, false
		}
		return appendText(buf, class, string(x))
	case nil, driver.Valuer, sql.NamedArg:
		return buf, false
	}
	return appendReflected(buf, class, v)
}

// appendReflected is appendValue for the types of others, as database/sql
// reads them.
func appendReflected(buf []byte, class catalog.Class, v any) (out []byte, ok bool) {
	rv := reflect.ValueOf(v)
	if answers(rv.Type()) {
		return buf, false
	}
	for range maxPointers {
		if rv.Kind() != reflect.Pointer || rv.IsNil() {
			break
		}
		if rv = rv.Elem(); answers(rv.Type()) {
			return buf, false
		}
	}
	switch rv.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return appendInt(buf, class, rv.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return appendUint(buf, class, rv.Uint())
	case reflect.String:
		if rv.Type().Implements(stringer) {
			return buf, false // some releases of pgx send what String says
		}
		return appendText(buf, class, rv.String())
	}
	return buf, false
}

var stringer = reflect.TypeFor[fmt.Stringer]()

// answering remembers for each type what answers finds.
var answering sync.Map

// answers tells whether a driver may ask values of a type what they stand for,
// instead of taking them for what they are: driver.Valuer is asked by all, and
// pgx asks TextValue, Int64Value and their like too.
func answers(t reflect.Type) bool {
	if t.NumMethod() == 0 {
		return false
	}
	if known, ok := answering.Load(t); ok {
		return known.(bool)
	}
	found := false
	for i := range t.NumMethod() {
		found = found || strings.HasSuffix(t.Method(i).Name, "Value")
	}
	answering.Store(t, found)
	return found
}

func appendInt(buf []byte, class catalog.Class, n int64) ([]byte, bool) {
	if class != catalog.ClassInteger {
		return buf, false // MySQL takes 1 for equal to '1', '01' and '1abc'
	}
	return strconv.AppendInt(buf, n, 10), true
}

func appendUint(buf []byte, class catalog.Class, n uint64) ([]byte, bool) {
	if class != catalog.ClassInteger {
		return buf, false
	}
	return strconv.AppendUint(buf, n, 10), true
}

func appendText(buf []byte, class catalog.Class, s string) ([]byte, bool) {
	switch class {
	case catalog.ClassInteger:
		if !canonicalInteger(s) {
			return buf, false
		}
		return append(buf, s...), true
	case catalog.ClassText:
		return foldText(buf, s)
	}
	return buf, false
}

// canonicalInteger tells whether a text is an integer in the only spelling that
// every database takes for that integer alone.
func canonicalInteger(s string) bool {
	digits := s
	if len(s) > 1 && s[0] == '-' {
		digits = s[1:]
	}
	if digits == "" || len(digits) > maxDigits || digits[0] == '0' && s != "0" {
		return false
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
	}
	return true
}

// foldText keeps of a text what no collation makes little of: its letters
// without their case, and its numbers without leading zeros. Collations differ
// in whether case, blanks at the end, punctuation, hyphens of a UUID and even
// leading zeros tell two texts apart. Beyond ASCII they differ in more, and
// nothing is said of those texts.
func foldText(buf []byte, s string) ([]byte, bool) {
	number := false // the last byte kept was a digit
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 0x80:
			return buf, false
		case c >= 'A' && c <= 'Z':
			buf, number = append(buf, c|0x20), false
		case c >= 'a' && c <= 'z':
			buf, number = append(buf, c), false
		case c == '0' && !number:
		case c >= '0' && c <= '9':
			buf, number = append(buf, c), true
		}
	}
	return buf, true
}

// ask asks each driver.Valuer among the values of records what it binds, since
// it is not known before, and puts the answer in its place, so that it is asked
// once. What fails is left for the driver to ask and to report.
func (r *records) ask(args []any) []any {
	if len(args) != r.params {
		return args
	}
	bound := args
	for _, row := range r.rows {
		for _, op := range row {
			if op.Param < 1 || op.Param > len(args) {
				continue
			}
			valuer, ok := bound[op.Param-1].(driver.Valuer)
			if !ok || reflect.ValueOf(valuer).Kind() == reflect.Pointer {
				continue
			}
			v, ok := valueOf(valuer)
			if !ok {
				continue
			}
			if &bound[0] == &args[0] {
				bound = slices.Clone(args)
			}
			bound[op.Param-1] = v
		}
	}
	return bound
}

func valueOf(valuer driver.Valuer) (v any, ok bool) {
	defer func() {
		if recover() != nil {
			v, ok = nil, false // the driver will panic in its turn
		}
	}()
	v, err := valuer.Value()
	return v, err == nil && driver.IsValue(v)
}
