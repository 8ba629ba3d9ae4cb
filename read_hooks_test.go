package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// hooked counts its AfterFind and changes what was found.
type hooked struct {
	ID     int64
	Name   string
	Seen   int    `gorm:"-"`
	Nested nested `gorm:"foreignKey:HookedID"`
}

type nested struct {
	ID       int64
	HookedID int64
	Name     string
}

type foundKey struct{}

type found struct {
	mu    sync.Mutex
	calls []string
}

func (f *found) add(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, s)
}

func (h *hooked) AfterFind(tx *gorm.DB) error { return h.find(tx) }

func (h *hooked) find(tx *gorm.DB) error {
	if f, ok := tx.Statement.Context.Value(foundKey{}).(*found); ok {
		f.add(fmt.Sprint(h.ID, h.Name, tx.RowsAffected, tx.Statement.SQL.String(), tx.Statement.Vars))
	}
	if h.ID == 66 {
		return errors.New("refused by AfterFind")
	}
	h.Name += "!"
	h.Seen++
	return nil
}

func (n *nested) AfterFind(*gorm.DB) error { n.Name += "?"; return nil }

func TestHooksSeeAHitAsTheySeeARead(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		plain := d.Open(t, testdb.Options{})
		must(t, plain.AutoMigrate(&hooked{}, &nested{}))
		must(t, plain.Create([]hooked{{ID: 1, Name: "a", Nested: nested{ID: 1, Name: "n"}}, {ID: 2, Name: "b"}}).Error)
		must(t, plain.Session(&gorm.Session{SkipHooks: true}).Create(&hooked{ID: 66, Name: "c"}).Error)
		with := func(read func(db *gorm.DB) any) reading {
			return func(db *gorm.DB) any {
				f := &found{}
				return []any{read(db.WithContext(context.WithValue(context.Background(), foundKey{}, f))), f.calls}
			}
		}
		readings{
			"First":       with(func(db *gorm.DB) any { var h hooked; return tell(db.First(&h, 1), &h) }),
			"Find":        with(func(db *gorm.DB) any { var hs []hooked; return tell(db.Order("id").Find(&hs, "id < 9"), &hs) }),
			"of pointers": with(func(db *gorm.DB) any { var hs []*hooked; return tell(db.Order("id").Find(&hs, "id < 9"), &hs) }),
			"Preload": with(func(db *gorm.DB) any {
				var hs []hooked
				return tell(db.Preload("Nested").Order("id").Find(&hs, "id < 9"), &hs)
			}),
			"Joins": with(func(db *gorm.DB) any {
				var hs []hooked
				return tell(db.Joins("Nested").Order("hookeds.id").Find(&hs, "hookeds.id < 9"), &hs)
			}),
			"SkipHooks": with(func(db *gorm.DB) any {
				var h hooked
				return tell(db.Session(&gorm.Session{SkipHooks: true}).First(&h, 1), &h)
			}),
			"nothing found": with(func(db *gorm.DB) any { var hs []hooked; return tell(db.Find(&hs, "id < 0"), &hs) }),
			"gorm.G": with(func(db *gorm.DB) any {
				h, err := gorm.G[hooked](db).Where("id = ?", 1).First(db.Statement.Context)
				return []any{h, err}
			}),
			"an error": with(func(db *gorm.DB) any {
				var h hooked
				tx := db.First(&h, 66)
				return []any{fmt.Sprint(tx.Error), h, tx.RowsAffected}
			}),
		}.allHit(t, d)
	})
}

// log keeps what a logger is told, but for the time.
type log struct {
	mu     sync.Mutex
	traces []string
}

func (l *log) LogMode(logger.LogLevel) logger.Interface      { return l }
func (l *log) Info(_ context.Context, s string, args ...any) { l.add("info", fmt.Sprintf(s, args...)) }
func (l *log) Warn(_ context.Context, s string, args ...any) { l.add("warn", fmt.Sprintf(s, args...)) }
func (l *log) Error(_ context.Context, s string, args ...any) {
	l.add("error", fmt.Sprintf(s, args...))
}
func (l *log) Trace(_ context.Context, _ time.Time, fc func() (string, int64), err error) {
	sql, rows := fc()
	l.add("trace", sql, rows, err)
}

func (l *log) add(v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.traces = append(l.traces, fmt.Sprintln(v...))
}

// scribbler is a logger whose ParamsFilter writes into what it is given.
type scribbler struct{ log }

func (s *scribbler) ParamsFilter(_ context.Context, sql string, params ...any) (string, []any) {
	for i := range params {
		if b, ok := params[i].([]byte); ok {
			for j := range b {
				b[j] = '*'
			}
		}
		params[i] = "***"
	}
	return sql, params
}

func logged(l interface{ logger.Interface }, traces func() []string, read func(db *gorm.DB) any) reading {
	return func(db *gorm.DB) any {
		out := read(db.Session(&gorm.Session{Logger: l}))
		return []any{out, traces()}
	}
}

func TestLoggersSeeAHitAsTheySeeARead(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		reads := map[string]func(db *gorm.DB) any{
			"First": func(db *gorm.DB) any { var u User; return tell(db.First(&u, 2), &u) },
			"Find": func(db *gorm.DB) any {
				var us []User
				return tell(db.Where("name <> ? AND age > ?", "x", 20).Order("id").Find(&us), &us)
			},
			"bytes":   func(db *gorm.DB) any { var us []User; return tell(db.Where("name = ?", []byte("Bob")).Find(&us), us) },
			"Preload": func(db *gorm.DB) any { var us []User; return tell(db.Preload("Pets").Order("id").Find(&us), &us) },
			"Count":   func(db *gorm.DB) any { var n int64; return tell(db.Model(&User{}).Where("age > ?", 40).Count(&n), &n) },
			"Scan": func(db *gorm.DB) any {
				var us []User
				return tell(db.Model(&User{}).Where("age > ?", 40).Order("id").Scan(&us), &us)
			},
			"Row": func(db *gorm.DB) any {
				var s string
				return []any{db.Model(&User{}).Select("name").Where("age > ?", 60).Row().Scan(&s), s}
			},
			"Rows":      func(db *gorm.DB) any { return iterate(db.Model(&User{}).Select("name").Where("age > ?", 40).Rows()) },
			"not found": func(db *gorm.DB) any { var u User; return tell(db.First(&u, 99), &u) },
			"nothing":   func(db *gorm.DB) any { var us []User; return tell(db.Find(&us, "age > ?", 99), &us) },
		}
		quiet, loud := readings{}, readings{}
		for name, read := range reads {
			quiet[name] = func(db *gorm.DB) any {
				l := &log{}
				return logged(l, func() []string { return l.traces }, read)(db)
			}
			loud[name] = func(db *gorm.DB) any {
				l := &scribbler{}
				return logged(l, func() []string { return l.traces }, read)(db)
			}
		}
		t.Run("a logger", func(t *testing.T) { quiet.allHit(t, d) })
		t.Run("a ParamsFilter that writes", func(t *testing.T) { loud.allHit(t, d) })
	})
}

// mark is a plugin that counts, before and after the query callback, what it sees.
type mark struct {
	name string
	see  func(db *gorm.DB, when string)
}

func (m mark) Name() string { return "mark:" + m.name }

func (m mark) Initialize(db *gorm.DB) error {
	see := func(when string) func(*gorm.DB) { return func(tx *gorm.DB) { m.see(tx, when) } }
	return errors.Join(
		db.Callback().Query().Before("gorm:query").Register("mark:before:"+m.name, see("before")),
		db.Callback().Query().After("gorm:query").Register("mark:after:"+m.name, see("after")),
		db.Callback().Query().After("gorm:after_query").Register("mark:end:"+m.name, see("end")),
		db.Callback().Row().Before("gorm:row").Register("mark:before_row:"+m.name, see("before row")),
		db.Callback().Row().After("gorm:row").Register("mark:after_row:"+m.name, see("after row")),
	)
}

func TestTracingPluginsSeeAHitAsTheySeeARead(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		var got *found
		trace := mark{"trace", func(db *gorm.DB, when string) {
			got.add(fmt.Sprint(when, ": ", db.Dialector.Explain(db.Statement.SQL.String(), db.Statement.Vars...), db.RowsAffected, db.Error, db.Statement.Table))
		}}
		spied := func(read reading) reading {
			return func(db *gorm.DB) any { got = &found{}; return []any{read(db), got.calls} }
		}
		rs := readings{}
		for _, name := range []string{"First", "Find", "Count", "Pluck of ints", "ErrRecordNotFound", "Scan into structs", "Row", "Rows"} {
			rs[name] = spied(finishers[name])
		}
		rs["Preload"] = spied(relations["nested Preload"])
		for name, o := range map[string]opening{
			"used before": {Before: []gorm.Plugin{trace}}, "used after": {After: []gorm.Plugin{trace}},
		} {
			t.Run(name, func(t *testing.T) {
				p := open(t, d, o)
				must(t, trace.Initialize(p.plain.DB))
				for name, read := range rs {
					t.Run(name, func(t *testing.T) { p.hits(t, read) })
				}
			})
		}
	})
}

// replacer is a plugin that puts its own query callback in the place of GORM's.
type replacer struct{ ran *int }

func (r replacer) Name() string { return "replacer" }

func (r replacer) Initialize(db *gorm.DB) error {
	old := db.Callback().Query().Get("gorm:query")
	return db.Callback().Query().Replace("gorm:query", func(tx *gorm.DB) { *r.ran++; old(tx) })
}

// rewriter is one that calls nobody and reads by itself, only what it is allowed to see.
type rewriter struct{}

func (rewriter) Name() string { return "rewriter" }

func (rewriter) Initialize(db *gorm.DB) error {
	return db.Callback().Query().Replace("gorm:query", func(tx *gorm.DB) {
		tx.Statement.AddClause(clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "age < ?", Vars: []any{50}}}})
		callbacks.BuildQuerySQL(tx)
		if tx.Error != nil || tx.DryRun {
			return
		}
		rows, err := tx.Statement.ConnPool.QueryContext(tx.Statement.Context, tx.Statement.SQL.String(), tx.Statement.Vars...)
		if err != nil {
			_ = tx.AddError(err)
			return
		}
		defer rows.Close()
		gorm.Scan(rows, tx, 0)
	})
}

func TestAPluginThatReplacesTheQueryGoesOnWorking(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		read := func(db *gorm.DB) any {
			var us []User
			return tell(db.Order("id").Find(&us), &us)
		}
		for name, o := range map[string]func(gorm.Plugin) opening{
			"before": func(pl gorm.Plugin) opening { return opening{Before: []gorm.Plugin{pl}} },
			"after":  func(pl gorm.Plugin) opening { return opening{After: []gorm.Plugin{pl}} },
		} {
			t.Run("one that wraps, used "+name, func(t *testing.T) {
				ran := 0
				p := open(t, d, o(replacer{&ran}))
				p.hits(t, read)
				if ran != 3 {
					t.Errorf("ran %d times, want 3", ran)
				}
			})
		}
		t.Run("one that reads by itself, used before", func(t *testing.T) {
			p := open(t, d, opening{Before: []gorm.Plugin{rewriter{}}})
			must(t, rewriter{}.Initialize(p.plain.DB))
			p.hits(t, read)
		})
		t.Run("one that reads by itself, used after", func(t *testing.T) {
			p := open(t, d, opening{After: []gorm.Plugin{rewriter{}}})
			must(t, rewriter{}.Initialize(p.plain.DB))
			for range 2 {
				same(t, read(p.cached.DB), read(p.plain.DB)) // nobody asks the cache
			}
		})
	})
}

// A callback of ours before the query may change the statement; the cache sees what it became.
func TestCallbacksBeforeTheQueryTakePart(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		type ageKey struct{}
		limit := mark{"limit", func(db *gorm.DB, when string) {
			if age, ok := db.Statement.Context.Value(ageKey{}).(int); ok && when == "before" {
				db.Statement.AddClause(clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "age < ?", Vars: []any{age}}}})
			}
		}}
		p := open(t, d, opening{After: []gorm.Plugin{limit}})
		must(t, limit.Initialize(p.plain.DB))
		for _, age := range []int{30, 50, 99} {
			p.hits(t, func(db *gorm.DB) any {
				var us []User
				return tell(db.WithContext(context.WithValue(context.Background(), ageKey{}, age)).Order("id").Find(&us), &us)
			})
		}
	})
}
