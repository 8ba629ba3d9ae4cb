package querycache

import (
	"database/sql"
	"errors"
	"reflect"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/key"
)

// identify writes the canonical form of the query, which is its key: two
// reads share a result only if it is equal, byte for byte.
func (b *binding) identify(db *gorm.DB, r *read, text string, f form) error {
	stmt, enc := db.Statement, &r.enc
	enc.Text(b.plugin.cfg.Namespace)
	enc.Text(r.tenant)
	enc.Uint(r.db.number)
	enc.Uint(uint64(f))
	enc.Text(text)
	enc.Uint(uint64(len(stmt.Vars)))
	r.args = stmt.Vars
	for i, v := range stmt.Vars {
		bound, err := enc.Arg(v)
		if err != nil {
			return err
		}
		if err := fixed(bound); err != nil {
			return err
		}
		if !scalar(v) { // a Valuer, which must not be asked again, may be in it
			if &r.args[0] == &stmt.Vars[0] {
				r.args = slices.Clone(stmt.Vars)
			}
			r.args[i] = bound
		}
	}
	for _, list := range [...][]string{r.wishes.tags, r.wishes.names} {
		enc.Uint(uint64(len(list)))
		for _, t := range list {
			enc.Text(t)
		}
	}
	if f == formDest {
		identifyDest(stmt, enc)
	}
	return nil
}

// identifyDest adds what makes one text and one set of arguments scan into
// different values.
func identifyDest(stmt *gorm.Statement, enc *key.Encoder) {
	enc.Type(reflect.TypeOf(stmt.Dest))
	enc.Type(reflect.TypeOf(stmt.Model))
	// The entry keeps its schema alive, so that the address is not reused.
	enc.Uint(uint64(reflect.ValueOf(stmt.Schema).Pointer()))
	enc.Uint(uint64(len(stmt.Joins)))
	for _, j := range stmt.Joins {
		enc.Text(j.Name)
		enc.Text(j.Alias)
	}
	enc.Uint(uint64(len(stmt.ColumnMapping)))
	if len(stmt.ColumnMapping) > 0 {
		for _, from := range sortedKeys(stmt.ColumnMapping) {
			enc.Text(from)
			enc.Text(stmt.ColumnMapping[from])
		}
	}
}

var errMoving = errors.New("an argument is a text that a database may read as a moving time, such as 'now'")

// fixed refuses arguments whose meaning moves with the clock.
func fixed(arg any) error {
	var moving bool
	switch v := arg.(type) {
	case string:
		moving = sqlscan.VolatileText(v)
	case []byte:
		moving = sqlscan.VolatileText(string(v))
	case sql.NamedArg:
		return fixed(v.Value)
	default:
		v2 := reflect.ValueOf(arg)
		for v2.Kind() == reflect.Pointer && !v2.IsNil() {
			v2 = v2.Elem()
		}
		moving = v2.Kind() == reflect.String && sqlscan.VolatileText(v2.String())
	}
	if moving {
		return errMoving
	}
	return nil
}

// scalar tells whether a value is bound as it is.
func scalar(v any) bool {
	switch v.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64,
		float32, float64, string, []byte, time.Time:
		return true
	}
	return false
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// tenant is whose query it is.
func (p *Plugin) tenant(stmt *gorm.Statement, w *wishes) string {
	switch {
	case w.hasTenant:
		return w.tenant
	case p.cfg.Tenant != nil:
		return p.cfg.Tenant(stmt.Context)
	}
	return ""
}

// label is the key in the form that people read, without its fingerprint.
func (b *binding) label(db *gorm.DB, r *read, f form) key.CacheKey {
	return key.CacheKey{
		Namespace: b.plugin.cfg.Namespace,
		Database:  r.db.analyzer().Scope(),
		Tenant:    r.tenant,
		Entity:    entity(db.Statement, r.plan),
		Operation: operationOf(db, f).String(),
	}
}

// cacheKey is the key in the form that people read.
func (b *binding) cacheKey(db *gorm.DB, r *read, f form) key.CacheKey {
	k := b.label(db, r, f)
	k.Fingerprint = r.enc.Sum()
	return k
}

func isRecord(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() || t.Kind() == reflect.Map
}
