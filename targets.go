package querycache

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	"gorm.io/gorm/schema"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/invalidation"
)

// targets add up what one invalidation by hand touches.
type targets struct {
	plugin    *Plugin
	databases []*database
	slots     []invalidation.Slot
	names     []string // of the tables, for people
	errs      []error
}

func (t *targets) wrong(format string, args ...any) {
	t.errs = append(t.errs, fmt.Errorf("%w: "+format, append([]any{ErrInvalidArgument}, args...)...))
}

// table adds all of a table.
func (t *targets) table(name string) {
	folded := foldTable(name)
	if folded == "" {
		t.wrong("%q names no table: name one", name)
		return
	}
	t.add("", map[string]func(*analysis.Analyzer) analysis.Extent{folded: whole(folded)})
}

func whole(table string) func(*analysis.Analyzer) analysis.Extent {
	return func(a *analysis.Analyzer) analysis.Extent { return a.Table(table) }
}

// add adds what a write to a table touches in each database. A model may have
// a table of another name in each of them, so that one known name is enough.
func (t *targets) add(of string, tables map[string]func(*analysis.Analyzer) analysis.Extent) {
	known := false
	for _, d := range t.databases {
		for _, extent := range tables {
			e := extent(d.analyzer())
			known = known || e.Known
			t.slots = append(t.slots, e.Slots...)
		}
	}
	names := slices.Sorted(maps.Keys(tables))
	t.names = append(t.names, names...)
	if !known {
		t.errs = append(t.errs, fmt.Errorf("%w: %q%s: check the spelling, or call Reload if it was made past GORM",
			ErrUnknownTable, strings.Join(names, ", "), of))
	}
}

// model adds all of a model's table.
func (t *targets) model(model any) {
	schemas, err := t.plugin.models.parse(model)
	if err != nil {
		t.errs = append(t.errs, err)
		return
	}
	tables := map[string]func(*analysis.Analyzer) analysis.Extent{}
	for _, s := range schemas {
		name := foldTable(s.Table)
		tables[name] = whole(name)
	}
	t.add(fmt.Sprintf(" of %T", model), tables)
}

// records adds some records of a table.
func (t *targets) records(model any, keys []any) {
	if name, ok := model.(string); ok {
		t.named(name, keys)
		return
	}
	schemas, err := t.plugin.models.parse(model)
	if err != nil {
		t.errs = append(t.errs, err)
		return
	}
	if len(keys) == 0 {
		keys = []any{model}
	}
	tables := map[string]func(*analysis.Analyzer) analysis.Extent{}
	for _, s := range schemas {
		if len(s.PrimaryFields) == 0 {
			t.wrong("%s has no primary key: use InvalidateModel", s.ModelType)
			return
		}
		k := keyReader{schema: s}
		for _, f := range s.PrimaryFields {
			k.columns = append(k.columns, strings.ToLower(f.DBName))
		}
		if err := k.readAll(keys); err != nil {
			t.errs = append(t.errs, err)
			return
		}
		tables[foldTable(s.Table)] = k.extent(foldTable(s.Table))
	}
	t.add(fmt.Sprintf(" of %T", model), tables)
}

// named adds some records of a table that is named.
func (t *targets) named(name string, keys []any) {
	folded := foldTable(name)
	switch {
	case folded == "":
		t.wrong("%q names no table: name one", name)
		return
	case len(keys) == 0:
		t.wrong("no key of %q is given: pass one, or use InvalidateTable", name)
		return
	}
	k := keyReader{}
	for _, d := range t.databases {
		if k.columns = d.analyzer().KeyColumns(folded); k.columns != nil {
			break
		}
	}
	if k.columns == nil { // nothing can be said of single records
		t.table(name)
		return
	}
	if err := k.readAll(keys); err != nil {
		t.errs = append(t.errs, err)
		return
	}
	t.add("", map[string]func(*analysis.Analyzer) analysis.Extent{folded: k.extent(folded)})
}

// keyReader finds the primary keys in what the program gave for them.
type keyReader struct {
	schema  *schema.Schema // nil if the table was named
	columns []string
	rows    [][]any
}

func (k *keyReader) extent(table string) func(*analysis.Analyzer) analysis.Extent {
	return func(a *analysis.Analyzer) analysis.Extent { return a.Records(table, k.columns, k.rows) }
}

func (k *keyReader) readAll(keys []any) error {
	for _, key := range keys {
		if err := k.read(reflect.ValueOf(key)); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidArgument, err)
		}
	}
	if len(k.rows) == 0 {
		return fmt.Errorf("%w: there is no record in the slice: pass one, or its key", ErrInvalidArgument)
	}
	return nil
}

// read reads one key, one record, or a slice of them.
func (k *keyReader) read(v reflect.Value) error {
	for v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer && !isValuer(v) {
		if v.IsNil() {
			return fmt.Errorf("a key is a nil %s: pass its value", v.Type())
		}
		v = v.Elem()
	}
	switch {
	case !v.IsValid():
		return fmt.Errorf("a key is nil: pass its value")
	case k.schema != nil && v.Type() == k.schema.ModelType:
		return k.readRecord(v)
	case !isList(v):
		return k.readRow([]any{v.Interface()})
	case len(k.columns) > 1 && !k.holdsKeys(v):
		row := make([]any, v.Len())
		for i := range row {
			row[i] = v.Index(i).Interface()
		}
		return k.readRow(row)
	}
	for i := range v.Len() {
		if err := k.read(v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// holdsKeys tells whether a list is of composite keys or records, and not of
// the values of one key.
func (k *keyReader) holdsKeys(v reflect.Value) bool {
	for i := range v.Len() {
		e := v.Index(i)
		for e.Kind() == reflect.Interface || e.Kind() == reflect.Pointer && !isValuer(e) {
			e = e.Elem()
		}
		if e.IsValid() && (isList(e) || k.schema != nil && e.Type() == k.schema.ModelType) {
			return true
		}
	}
	return v.Len() == 0
}

func (k *keyReader) readRow(row []any) error {
	if len(row) != len(k.columns) {
		return fmt.Errorf("a key has %d values where the table's has %d (%s): pass a slice of as many in this order",
			len(row), len(k.columns), strings.Join(k.columns, ", "))
	}
	k.rows = append(k.rows, row)
	return nil
}

// readRecord takes the key from a record.
func (k *keyReader) readRecord(v reflect.Value) error {
	row := make([]any, len(k.columns))
	unset := true
	for i, f := range k.schema.PrimaryFields {
		value, zero := f.ValueOf(context.Background(), v)
		row[i] = value
		unset = unset && zero
	}
	if unset {
		return fmt.Errorf("the primary key of a %s is not set: set it, pass the key beside it, or use InvalidateModel", v.Type())
	}
	k.rows = append(k.rows, row)
	return nil
}

// isValuer tells whether a value is one of the database's, whatever its kind.
func isValuer(v reflect.Value) bool {
	return v.IsValid() && v.CanInterface() && v.Type().Implements(reflect.TypeFor[driver.Valuer]())
}

// isList tells whether a value is a list of values, and not one of bytes.
func isList(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		return v.Type().Elem().Kind() != reflect.Uint8 && !isValuer(v)
	}
	return false
}

// models names the tables of models as GORM does. It is safe for concurrent
// use.
type models struct {
	mu     sync.Mutex // guards namers
	namers []*namer
}

// namer is how one or more *gorm.DB name tables.
type namer struct {
	schema.Namer
	schemas sync.Map // of schema.Parse
}

// learn takes notice of how a *gorm.DB names tables.
func (m *models) learn(n schema.Namer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, have := range m.namers {
		if reflect.DeepEqual(have.Namer, n) {
			return
		}
	}
	m.namers = append(m.namers, &namer{Namer: n})
}

// parse parses a model in each way that its table may be named.
func (m *models) parse(model any) (out []*schema.Schema, err error) {
	m.mu.Lock()
	namers := slices.Clone(m.namers)
	m.mu.Unlock()
	if t, ok := model.(string); ok {
		return nil, fmt.Errorf("%w: %q is a name: name a table by InvalidateTable, or in FetchOptions.Tables", ErrInvalidArgument, t)
	}
	for _, n := range namers {
		s, err := schema.Parse(model, &n.schemas, n.Namer)
		if err != nil {
			// Not wrapped: it prints the value.
			return nil, fmt.Errorf("%w: %T is no model that GORM understands: pass a struct, a pointer to one, or a slice of either", ErrInvalidArgument, model)
		}
		out = append(out, s)
	}
	return out, nil
}
