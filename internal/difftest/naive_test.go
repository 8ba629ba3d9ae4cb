package difftest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
)

// naive is a small cache of whole results with one bug. Without one it drops everything at each write that callbacks see,
// and does not read in transactions.
type naive struct {
	bug string

	mu      sync.Mutex
	entries map[string]naiveEntry
}

type naiveEntry struct {
	value reflect.Value
	json  []byte
	rows  int64
	table string
	pin   pin
}

func (n *naive) Name() string { return "naive" }

func (n *naive) Initialize(db *gorm.DB) error {
	n.entries = map[string]naiveEntry{}
	drop := func(db *gorm.DB) {
		n.mu.Lock()
		defer n.mu.Unlock()
		touched, known := pin{}, false
		if n.pinning() {
			touched, known = n.written(db)
		}
		for key, e := range n.entries {
			if n.bug == "never drops" || n.survives(e.pin, touched, known, db.Statement.Table) {
				continue
			}
			if n.bug != "only its table" || e.table == db.Statement.Table || db.Statement.Table == "" {
				delete(n.entries, key)
			}
		}
	}
	c := db.Callback()
	for _, err := range []error{
		c.Query().Replace("gorm:query", n.query),
		c.Create().After("*").Register("naive:create", drop),
		c.Update().After("*").Register("naive:update", drop),
		c.Delete().After("*").Register("naive:delete", drop),
		c.Row().After("*").Register("naive:row", func(db *gorm.DB) {
			if !strings.HasPrefix(db.Statement.SQL.String(), "SELECT") {
				drop(db)
			}
		}),
	} {
		if err != nil {
			return err
		}
	}
	if n.bug == "ignores Exec" {
		return nil
	}
	return c.Raw().After("*").Register("naive:raw", drop)
}

func (n *naive) query(db *gorm.DB) {
	if db.Error != nil {
		return
	}
	callbacks.BuildQuerySQL(db)
	if db.DryRun || db.Error != nil {
		return
	}
	key, ok := n.key(db)
	if !ok {
		n.read(db)
		return
	}
	n.mu.Lock()
	e, ok := n.entries[key]
	n.mu.Unlock()
	if ok {
		n.serve(db, e)
		return
	}
	n.read(db)
	if db.Error != nil && db.RowsAffected != 0 || db.Error != nil && !strings.Contains(db.Error.Error(), "record not found") {
		return
	}
	e = naiveEntry{value: n.copy(db.Statement.ReflectValue), rows: db.RowsAffected, table: db.Statement.Table}
	if n.pinning() {
		e.pin = n.readPin(db)
	}
	if n.bug == "stores JSON" {
		e.json, _ = json.Marshal(db.Statement.ReflectValue.Interface())
	}
	n.mu.Lock()
	n.entries[key] = e
	n.mu.Unlock()
}

func (n *naive) read(db *gorm.DB) {
	rows, err := db.Statement.ConnPool.QueryContext(db.Statement.Context, db.Statement.SQL.String(), db.Statement.Vars...)
	if err != nil {
		_ = db.AddError(err)
		return
	}
	defer func() { _ = db.AddError(rows.Close()) }()
	gorm.Scan(rows, db, 0)
	if db.Statement.Result != nil {
		db.Statement.Result.RowsAffected = db.RowsAffected
	}
}

func (n *naive) key(db *gorm.DB) (string, bool) {
	stmt := db.Statement
	if _, tx := stmt.ConnPool.(gorm.TxCommitter); tx && n.bug != "reads in transactions" {
		return "", false
	}
	switch stmt.ReflectValue.Kind() {
	case reflect.Slice:
		if stmt.ReflectValue.Type().Elem().Kind() == reflect.Map || stmt.ReflectValue.Cap() > 0 {
			return "", false
		}
	case reflect.Struct:
		if !stmt.ReflectValue.IsZero() && n.bug != "forgets the dest's state" {
			return "", false
		}
	default:
		return "", false
	}
	text := stmt.SQL.String()
	if n.bug == "keys by %v" {
		return fmt.Sprintf("%v %v %v", text, stmt.Vars, stmt.ReflectValue.Type()), true
	}
	if n.bug != "forgets the context" {
		text += fmt.Sprint(stmt.Context.Value(viewer{}))
	}
	if n.bug != "forgets the column mapping" {
		text += fmt.Sprint(stmt.ColumnMapping)
	}
	for _, v := range stmt.Vars {
		if v != nil && reflect.TypeOf(v).Kind() == reflect.Pointer {
			return "", false
		}
		arg := fmt.Sprintf("%T %#v", v, v)
		text += fmt.Sprintf("\x00%d %s", len(arg), arg)
	}
	if n.bug == "forgets the arguments" {
		text = stmt.SQL.String()
	}
	return text + stmt.ReflectValue.Type().String(), true
}

func (n *naive) serve(db *gorm.DB, e naiveEntry) {
	switch {
	case n.bug == "stores JSON":
		_ = json.Unmarshal(e.json, db.Statement.ReflectValue.Addr().Interface())
	case n.bug == "nil for empty" && e.rows == 0 && e.value.Kind() == reflect.Slice:
		db.Statement.ReflectValue.SetZero()
	default:
		db.Statement.ReflectValue.Set(n.copy(e.value))
	}
	db.RowsAffected = e.rows
	if n.bug == "skips hooks" {
		db.Statement.SkipHooks = true
	}
	if n.bug == "forgets RowsAffected" {
		db.RowsAffected = 0
	}
	if e.rows == 0 && db.Statement.RaiseErrorOnNotFound && n.bug != "forgets not found" {
		_ = db.AddError(gorm.ErrRecordNotFound)
	}
}

func (n *naive) copy(v reflect.Value) reflect.Value {
	c := reflect.New(v.Type()).Elem()
	if n.bug == "aliases" {
		c.Set(v)
		return c
	}
	deepCopy(c, v)
	return c
}

// deepCopy copies src, which is addressable where it matters, into dst.
func deepCopy(dst, src reflect.Value) {
	dst.Set(src)
	if src.Type() == timeType {
		return
	}
	switch src.Kind() {
	case reflect.Pointer:
		if !src.IsNil() {
			dst.Set(reflect.New(src.Type().Elem()))
			deepCopy(dst.Elem(), src.Elem())
		}
	case reflect.Interface:
		if !src.IsNil() {
			c := reflect.New(src.Elem().Type()).Elem()
			c.Set(src.Elem())
			d := reflect.New(c.Type()).Elem()
			deepCopy(d, c)
			dst.Set(d)
		}
	case reflect.Slice:
		if !src.IsNil() {
			dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Cap()))
			for i := range src.Len() {
				deepCopy(dst.Index(i), src.Index(i))
			}
		}
	case reflect.Array:
		for i := range src.Len() {
			deepCopy(dst.Index(i), src.Index(i))
		}
	case reflect.Map:
		if !src.IsNil() {
			dst.Set(reflect.MakeMap(src.Type()))
			for it := src.MapRange(); it.Next(); {
				c, d := reflect.New(src.Type().Elem()).Elem(), reflect.New(src.Type().Elem()).Elem()
				c.Set(it.Value())
				deepCopy(d, c)
				dst.SetMapIndex(it.Key(), d)
			}
		}
	case reflect.Struct:
		for i := range src.NumField() {
			s, d := src.Field(i), dst.Field(i)
			deepCopy(reflect.NewAt(d.Type(), d.Addr().UnsafePointer()).Elem(), reflect.NewAt(s.Type(), s.Addr().UnsafePointer()).Elem())
		}
	default:
	}
}
