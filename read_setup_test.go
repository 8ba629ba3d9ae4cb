package querycache_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// pair is one database reached in two ways: by plain GORM and by GORM with the cache.
type pair struct {
	plain, cached *testdb.DB
	cache         *querycache.Plugin
}

// opening changes how both sides of a pair are opened.
type opening struct {
	Options testdb.Options
	Config  querycache.Config
	Before  []gorm.Plugin // used before the cache, on its side
	After   []gorm.Plugin
}

func open(t *testing.T, d *testdb.Database, how ...opening) *pair {
	t.Helper()
	var o opening
	if len(how) > 0 {
		o = how[0]
	}
	p := &pair{cache: querycache.New(o.Config)}
	p.plain = d.Open(t, o.Options)
	o.Options.Plugins = append(append(append([]gorm.Plugin{}, o.Before...), p.cache), o.After...)
	p.cached = d.Open(t, o.Options)
	return p
}

// told is all that a program learns from one call of GORM.
type told struct {
	Dest []any
	Rows int64
	Err  error
	SQL  string
	Vars []any
}

func tell(tx *gorm.DB, dest ...any) told {
	return told{dest, tx.RowsAffected, tx.Error, tx.Statement.SQL.String(), tx.Statement.Vars}
}

// A reading reads by GORM and returns all that it learned.
type reading func(db *gorm.DB) any

// hits checks that plain GORM, a cold cache and a warm cache say the same, and that the warm one asks
// the database nothing. What a caller got is overwritten before the next one asks.
func (p *pair) hits(t *testing.T, read reading) {
	t.Helper()
	p.compare(t, read, 0)
}

// bypasses checks that the results agree and that each comes from the database.
func (p *pair) bypasses(t *testing.T, read reading, reason querycache.Reason) {
	t.Helper()
	before := p.cache.Stats().Bypassed[reason]
	n := p.compare(t, read, asPlain)
	if got := p.cache.Stats().Bypassed[reason] - before; got != uint64(3*n) {
		t.Errorf("%d reads bypassed for %q, want %d: %v", got, reason, 3*n, p.cache.Stats().Bypassed)
	}
}

// Numbers of queries of a warm read that are not known beforehand.
const (
	asPlain = -1 // as many as a plain one
	atMost  = -2 // not more than a plain one
)

// compare reads plainly once and through the cache three times. A warm read makes warm queries. It returns
// how many queries a plain read makes.
func (p *pair) compare(t *testing.T, read reading, warm int) int {
	t.Helper()
	plainBefore := p.plain.Recorder.Queries()
	want := attempt(read, p.plain.DB)
	if text, ok := want.(string); ok && warm == 0 && strings.HasPrefix(text, "panic") {
		t.Fatalf("plain GORM fails, so that nothing can be cached: %s", text)
	}
	if w, ok := want.(told); ok && warm == 0 && w.Err != nil && !errors.Is(w.Err, gorm.ErrRecordNotFound) {
		t.Fatalf("plain GORM fails, so that nothing can be cached: %v", w.Err)
	}
	n := p.plain.Recorder.Queries() - plainBefore
	exact := warm != atMost
	if warm < 0 {
		warm = n
	}
	counted := reads(p.cache)
	for i, name := range []string{"first", "second", "third"} {
		before := p.cached.Recorder.Queries()
		got := attempt(read, p.cached.DB)
		asked := p.cached.Recorder.Queries() - before
		if diff := testdb.Equal(got, want); diff != "" {
			t.Errorf("the %s read differs from plain GORM's:\n%s", name, diff)
		}
		switch {
		case i == 0 && asked > n:
			t.Errorf("the first read made %d queries, plain GORM %d", asked, n)
		case i > 0 && asked > warm, i > 0 && asked != warm && exact:
			t.Errorf("the %s read made %d queries, want %d: %q", name, asked, warm, last(p.cached.Recorder.SQL(), asked))
		}
		overwrite(got)
	}
	if got := reads(p.cache) - counted; got != 3*n && (warm == 0 && n > 0 || got < 3*n) {
		t.Errorf("%d reads counted, want %d: %+v", got, 3*n, p.cache.Stats())
	}
	if open := p.cached.Recorder.OpenRows(); open != 0 {
		t.Errorf("%d row sets left open", open)
	}
	return n
}

// attempt reads; a panic is an answer like another.
func attempt(read reading, db *gorm.DB) (out any) {
	defer func() {
		if v := recover(); v != nil {
			out = fmt.Sprint("panic: ", v)
		}
	}()
	return read(db)
}

func last(texts []string, n int) []string { return texts[max(0, len(texts)-n):] }

// reads is how many reads the cache has counted, however it answered them.
func reads(c *querycache.Plugin) int {
	s := c.Stats()
	n := s.Hits + s.Shared + s.Misses
	for _, b := range s.Bypassed {
		n += b
	}
	return int(n)
}

// asks counts the queries that f makes on the cached side.
func (p *pair) asks(f func()) int {
	before := p.cached.Recorder.Queries()
	f()
	return p.cached.Recorder.Queries() - before
}

// same checks that a value is what plain GORM says.
func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := testdb.Equal(got, want); diff != "" {
		t.Errorf("differs from what was expected:\n%s", diff)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// overwrite changes all memory that can be reached from v: what is behind pointers, in slices up to
// their capacity, and in maps.
func overwrite(v any) { overwriteValue(reflect.ValueOf(v), map[uintptr]bool{}) }

func overwriteValue(v reflect.Value, seen map[uintptr]bool) {
	if !v.IsValid() || v.Type().Implements(reflect.TypeFor[error]()) {
		return // errors are shared by everybody, with or without a cache
	}
	if !v.CanAddr() {
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		v = c
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Unix(42, 42)))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(^v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(^v.Uint())
	case reflect.Float32, reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.String:
		v.SetString("overwritten")
	case reflect.Interface:
		overwriteValue(v.Elem(), seen)
	case reflect.Pointer:
		if !v.IsNil() && !seen[v.Pointer()] {
			seen[v.Pointer()] = true
			overwriteValue(v.Elem(), seen)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Field(i)
			overwriteValue(reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem(), seen)
		}
	case reflect.Array:
		for i := range v.Len() {
			overwriteValue(v.Index(i), seen)
		}
	case reflect.Slice:
		for i := range v.Cap() {
			overwriteValue(v.Slice(0, v.Cap()).Index(i), seen)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			overwriteValue(v.MapIndex(k), seen)
			v.SetMapIndex(k, reflect.Zero(v.Type().Elem()))
		}
	default:
	}
}

// seed fills a database with people who have something of everything. Amy (1) manages Bob (2) and Cid (3);
// Dan (4) has nothing, and Eve (5) is deleted.
func seed(t *testing.T, d *testdb.Database) {
	t.Helper()
	db := d.Open(t, testdb.Options{})
	must(t, db.AutoMigrate(&Company{}, &Language{}, &User{}, &Account{}, &Pet{}, &Toy{}, &Tools{}))
	born := time.Date(1990, 2, 3, 4, 5, 6, 123456000, time.UTC)
	companies := []Company{{ID: 1, Name: "Anvils"}, {ID: 2, Name: "Bells"}}
	must(t, db.Create(&companies).Error)
	languages := []Language{{Code: "en", Name: "English"}, {Code: "fr", Name: "French"}}
	must(t, db.Create(&languages).Error)
	id := func(n uint) *uint { return &n }
	num := func(n int) *int { return &n }
	model := func(n uint) gorm.Model {
		at := time.Date(2024, 1, int(n), 10, 20, 30, 400000000, time.UTC)
		return gorm.Model{ID: n, CreatedAt: at, UpdatedAt: at}
	}
	users := []User{
		{Model: model(1), Name: "Amy", Age: 61, Birthday: &born, CompanyID: num(1), Active: true},
		{Model: model(2), Name: "Bob", Age: 42, CompanyID: num(2), ManagerID: id(1), Active: true},
		{Model: model(3), Name: "Cid", Age: 33, CompanyID: num(1), ManagerID: id(1)},
		{Model: model(4), Name: "Dan", Age: 24},
		{Model: model(5), Name: "Eve", Age: 15},
	}
	must(t, db.Omit("Account", "Company", "Manager").Create(&users).Error)
	must(t, db.Delete(&users[4]).Error)
	must(t, db.Create([]Account{
		{Model: model(1), UserID: sql.NullInt64{Int64: 1, Valid: true}, Number: "A-1"},
		{Model: model(2), UserID: sql.NullInt64{Int64: 2, Valid: true}, Number: "A-2"},
	}).Error)
	must(t, db.Create([]Pet{
		{Model: model(1), UserID: id(1), Name: "Ant", Toy: Toy{Model: model(1), Name: "ball"}},
		{Model: model(2), UserID: id(1), Name: "Bee", Toy: Toy{Model: model(2), Name: "bone"}},
		{Model: model(3), UserID: id(3), Name: "Cat", Toy: Toy{Model: model(3), Name: "bell"}},
	}).Error)
	must(t, db.Create([]Toy{{Model: model(4), Name: "kite", OwnerID: "1", OwnerType: "users"}}).Error)
	must(t, db.Create([]Tools{{Model: model(1), Name: "hammer", CustomID: "2", Type: "users"}}).Error)
	must(t, db.Model(&users[0]).Association("Languages").Append(&languages))
	must(t, db.Model(&users[1]).Association("Languages").Append(&languages[1]))
	must(t, db.Model(&users[0]).Association("Friends").Append(&users[1], &users[3]))
}

// mysqlServer is held by whoever tests on it: a statement there may name the tables of any database of the
// server, so that a write in one test would invalidate what another expects to be cached.
var mysqlServer sync.Mutex

// holdServer holds what tests on the dialect share until the test is over, plugins and connections closed.
func holdServer(t *testing.T, dialect testdb.Dialect) {
	if dialect == testdb.MySQL {
		mysqlServer.Lock()
		t.Cleanup(mysqlServer.Unlock)
	}
}

// onEmpty runs f on every database, beside other tests.
func onEmpty(t *testing.T, f func(t *testing.T, d *testdb.Database)) {
	t.Helper()
	t.Parallel()
	for _, dialect := range []testdb.Dialect{testdb.SQLite, testdb.Postgres, testdb.MySQL} {
		t.Run(string(dialect), func(t *testing.T) {
			holdServer(t, dialect) // before there is a database, until it is dropped
			f(t, testdb.New(t, dialect))
		})
	}
}

// onOwn is onEmpty with what seed put there.
func onOwn(t *testing.T, f func(t *testing.T, d *testdb.Database)) {
	t.Helper()
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		seed(t, d)
		f(t, d)
	})
}

// readings are checked one by one through one cache, so that none may take another's result.
type readings map[string]reading

func (rs readings) allHit(t *testing.T, d *testdb.Database, how ...opening) {
	t.Helper()
	p := open(t, d, how...)
	for _, name := range slices.Sorted(maps.Keys(rs)) {
		t.Run(name, func(t *testing.T) { p.hits(t, rs[name]) })
	}
}
