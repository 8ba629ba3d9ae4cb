package snapshot

import (
	"reflect"
	"strings"
	"time"
)

// standing says what is known of a type that decodes itself and holds
// pointers. Types are known by name, so that their packages need not be
// imported.
type standing uint8

const (
	unlisted   standing = iota
	shared              // nothing can change what its values point to
	structured          // its decoder makes fresh, plain data: copied part by part
)

var known = map[string]standing{
	"net/netip.Addr":     shared,
	"net/netip.AddrPort": shared,
	"net/netip.Prefix":   shared,

	"database/sql.NullString":  structured,
	"database/sql.NullBool":    structured,
	"database/sql.NullByte":    structured,
	"database/sql.NullInt16":   structured,
	"database/sql.NullInt32":   structured,
	"database/sql.NullInt64":   structured,
	"database/sql.NullFloat64": structured,
	"database/sql.NullTime":    structured,
	"database/sql.Null":        structured,
	"gorm.io/gorm.DeletedAt":   structured,

	"encoding/json.RawMessage": structured,
	"net.IP":                   structured,
	"net/url.URL":              structured,

	"gorm.io/datatypes.JSON":      structured,
	"gorm.io/datatypes.JSONMap":   structured,
	"gorm.io/datatypes.JSONSlice": structured,
	"gorm.io/datatypes.JSONType":  structured,
	"gorm.io/datatypes.Null":      structured,
	"gorm.io/datatypes.URL":       structured,

	"github.com/lib/pq.BoolArray":    structured,
	"github.com/lib/pq.ByteaArray":   structured,
	"github.com/lib/pq.Float32Array": structured,
	"github.com/lib/pq.Float64Array": structured,
	"github.com/lib/pq.Int32Array":   structured,
	"github.com/lib/pq.Int64Array":   structured,
	"github.com/lib/pq.StringArray":  structured,
}

func listed(t reflect.Type) standing {
	if t.PkgPath() == "" {
		return unlisted
	}
	name, _, _ := strings.Cut(t.Name(), "[") // type arguments are looked at as parts
	return known[t.PkgPath()+"."+name]
}

var timeType = reflect.TypeFor[time.Time]()

// isTime reports whether t is time.Time under any name. Its pointer is to a
// time.Location, which nothing changes.
func isTime(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.ConvertibleTo(timeType)
}
