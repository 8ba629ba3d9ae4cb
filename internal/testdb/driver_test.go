package testdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"testing"
	"time"

	"gorm.io/gorm"
)

type item struct {
	ID    uint
	Name  string `gorm:"size:50;uniqueIndex"`
	Price float64
	Ratio float32
	Blob  []byte
	At    *time.Time
	Num   *int64
	On    bool
}

func fill(t *testing.T, db *gorm.DB) {
	t.Helper()
	at, num := time.Date(2024, 5, 6, 7, 8, 9, 123456000, time.UTC), int64(1)<<40
	must(t, db.AutoMigrate(&item{}))
	must(t, db.Create(&[]item{
		{Name: "a", Price: 1.25, Ratio: 2.5, Blob: []byte("x\x00y"), At: &at, Num: &num, On: true},
		{Name: "b"},
	}).Error)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestDriverIsTransparent compares everything that a program can learn from the wrapped driver with
// what the bare one says.
func TestDriverIsTransparent(t *testing.T) {
	Each(t, func(t *testing.T, d *Database) {
		db := d.Open(t, Options{})
		fill(t, db.DB)
		below, err := d.connector(Options{})
		must(t, err)
		bare := sql.OpenDB(below)
		defer func() { must(t, bare.Close()) }()

		mark := "?"
		if d.Dialect == Postgres {
			mark = "$1"
		}
		queries := []struct {
			text string
			args []any
		}{
			{"SELECT * FROM items ORDER BY id", nil},
			{"SELECT * FROM items WHERE name = " + mark, []any{"a"}},
			{"SELECT count(*), max(price), name FROM items GROUP BY name ORDER BY name", nil},
			{"SELECT * FROM items WHERE id > " + mark, []any{uint32(0)}},
			{"SELECT * FROM items WHERE price = " + mark, []any{sql.NullFloat64{Valid: true, Float64: 1.25}}},
			{"SELECT * FROM missing", nil},
			{"SELECT FROM WHERE", nil},
			{"SELECT * FROM items WHERE id = " + mark, []any{struct{}{}}},
			{"SELECT * FROM items WHERE id = " + mark, nil},
			{"SELECT * FROM items WHERE id = " + mark, []any{[]int{1}}},
			{"SELECT * FROM items WHERE id = " + mark, []any{uint64(1) << 63}},
			{"SELECT * FROM items WHERE name = :n", []any{sql.Named("n", "a")}},
			{"SELECT 1; SELECT 2", nil},
		}
		for _, q := range queries {
			for _, prepared := range []bool{false, true} {
				want := observe(bare, q.text, q.args, prepared)
				got := observe(db.Pool, q.text, q.args, prepared)
				if diff := Equal(got, want); diff != "" {
					t.Errorf("%s %v prepared=%t:\n%s", q.text, q.args, prepared, diff)
				}
			}
		}
		if n := db.Recorder.OpenRows(); n != 0 {
			t.Errorf("%d row sets left open", n)
		}
	})
}

type observed struct {
	Columns [][]string
	Types   []string
	Scan    []reflect.Type
	Rows    [][]any
	Exec    error
	Err     error
}

func observe(db *sql.DB, text string, args []any, prepared bool) (o observed) {
	ctx := context.Background()
	query := func() (*sql.Rows, error) { return db.QueryContext(ctx, text, args...) }
	exec := func() (sql.Result, error) { return db.ExecContext(ctx, text, args...) }
	if prepared {
		s, err := db.PrepareContext(ctx, text)
		if err != nil {
			o.Err = err
			return o
		}
		defer func() { _ = s.Close() }()
		query = func() (*sql.Rows, error) { return s.QueryContext(ctx, args...) }
		exec = func() (sql.Result, error) { return s.ExecContext(ctx, args...) }
	}
	rows, err := query()
	if err != nil {
		o.Err = err
		return o
	}
	for more := true; more; more = rows.NextResultSet() {
		columns, _ := rows.Columns()
		o.Columns = append(o.Columns, columns)
		types, _ := rows.ColumnTypes()
		for _, c := range types {
			length, hasLength := c.Length()
			null, hasNull := c.Nullable()
			prec, scale, hasPrec := c.DecimalSize()
			o.Types = append(o.Types, fmt.Sprint(c.Name(), c.DatabaseTypeName(), length, hasLength, null, hasNull, prec, scale, hasPrec))
			o.Scan = append(o.Scan, c.ScanType())
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			o.Err = errors.Join(o.Err, rows.Scan(values...))
			o.Rows = append(o.Rows, values)
		}
	}
	o.Err = errors.Join(o.Err, rows.Err(), rows.Close())
	// Not how many rows were affected: for a SELECT, SQLite tells the number of the statement before it.
	_, o.Exec = exec()
	return o
}

func TestRecorderCountsWhatReachesTheDatabase(t *testing.T) {
	Each(t, func(t *testing.T, d *Database) {
		db := d.Open(t, Options{MaxOpenConns: 1})
		fill(t, db.DB)
		db.Recorder.Reset()
		var got item
		must(t, db.First(&got, 1).Error) // has an argument: declined and prepared by some drivers
		must(t, db.Model(&got).Update("price", 2).Error)
		err := db.Transaction(func(*gorm.DB) error { return io.EOF })
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		c := db.Recorder.Counts()
		c.Prepares = 0 // the driver's own affair
		want := Counts{Queries: 1, Execs: 1, Begins: 2, Commits: 1, Rollbacks: 1, RowsOpened: 1, RowsClosed: 1}
		if c != want {
			t.Errorf("counted %+v, want %+v", c, want)
		}
		if texts := db.Recorder.SQL(); len(texts) != 2 {
			t.Errorf("texts: %q", texts)
		}
		var ops []Op
		for _, ev := range db.Recorder.Events() {
			ops = append(ops, ev.Op)
		}
		if diff := Equal(ops, []Op{OpQuery, OpBegin, OpExec, OpCommit, OpBegin, OpRollback}); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHooksRunOncePerCall(t *testing.T) {
	Each(t, func(t *testing.T, d *Database) {
		db := d.Open(t, Options{MaxOpenConns: 1})
		fill(t, db.DB)
		before, after := 0, 0
		db.Recorder.SetHooks(Hooks{
			Before: func(_ context.Context, ev Event) error {
				if ev.Op == OpQuery {
					before++
				}
				return nil
			},
			After: func(_ context.Context, ev Event, err error) error {
				if ev.Op == OpQuery {
					after++
				}
				return err
			},
		})
		for range 3 {
			must(t, db.First(&item{}, 1).Error)
		}
		if before != 3 || after != 3 {
			t.Errorf("before ran %d times, after %d times, for 3 queries", before, after)
		}
	})
}

func TestHooksFailCalls(t *testing.T) {
	Each(t, func(t *testing.T, d *Database) {
		db := d.Open(t, Options{})
		fill(t, db.DB)
		boom := errors.New("boom")
		for _, op := range []Op{OpQuery, OpExec, OpBegin, OpCommit, OpNext, OpRowsClose} {
			for _, late := range []bool{false, true} {
				fail := func(ev Event) error {
					if ev.Op == op {
						return boom
					}
					return nil
				}
				h := Hooks{Before: func(_ context.Context, ev Event) error { return fail(ev) }}
				if late {
					h = Hooks{After: func(_ context.Context, ev Event, err error) error {
						if ferr := fail(ev); ferr != nil {
							return ferr
						}
						return err
					}}
				}
				db.Recorder.SetHooks(h)
				err := db.Transaction(func(tx *gorm.DB) error {
					if err := tx.First(&item{}, 1).Error; err != nil {
						return err
					}
					return tx.Model(&item{}).Where("id = ?", 2).Update("on", true).Error
				})
				if !errors.Is(err, boom) {
					t.Errorf("%s, late=%t: got %v", op, late, err)
				}
			}
		}
		db.Recorder.SetHooks(Hooks{})
		must(t, db.First(&item{}, 1).Error)
		if n := db.Recorder.OpenRows(); n != 0 {
			t.Errorf("%d row sets left open", n)
		}
	})
}

func TestBadConnIsRetriedByDatabaseSQL(t *testing.T) {
	db := Open(t, Options{})
	fill(t, db.DB)
	left := 1
	db.Recorder.SetHooks(Hooks{Before: func(_ context.Context, ev Event) error {
		if ev.Op == OpQuery && left > 0 {
			left--
			return driver.ErrBadConn
		}
		return nil
	}})
	must(t, db.First(&item{}, 1).Error)
	if left != 0 {
		t.Error("the hook did not run")
	}
}

func TestHooksForceAnInterleaving(t *testing.T) {
	db := Open(t, Options{})
	fill(t, db.DB)
	reached, release := make(chan struct{}), make(chan struct{})
	db.Recorder.SetHooks(Hooks{Before: func(_ context.Context, ev Event) error {
		if ev.Op == OpCommit {
			close(reached)
			<-release
		}
		return nil
	}})
	done := make(chan error)
	go func() { done <- db.Model(&item{}).Where("id = 1").Update("price", 9).Error }()
	<-reached
	var during item
	must(t, db.First(&during, 1).Error)
	close(release)
	must(t, <-done)
	var later item
	must(t, db.First(&later, 1).Error)
	if during.Price != 1.25 || later.Price != 9 {
		t.Errorf("price %v before the commit, %v after", during.Price, later.Price)
	}
}

type closing struct{ closed *bool }

func (closing) Name() string              { return "closing" }
func (closing) Initialize(*gorm.DB) error { return nil }
func (c closing) Close(context.Context) error {
	*c.closed = true
	return nil
}

func TestOpenUsesAndClosesPlugins(t *testing.T) {
	closed := false
	t.Run("test", func(t *testing.T) {
		db := Open(t, Options{Plugins: []gorm.Plugin{closing{&closed}}})
		if db.Plugins["closing"] == nil {
			t.Error("not in use")
		}
	})
	if !closed {
		t.Error("not closed")
	}
}

func TestDatabasesAreSeparateAndFresh(t *testing.T) {
	Each(t, func(t *testing.T, d *Database) {
		fill(t, d.Open(t, Options{}).DB)
		if other := New(t, d.Dialect).Open(t, Options{}); other.Migrator().HasTable(&item{}) {
			t.Error("another test's table is in a new database")
		}
		if again := d.Open(t, Options{}); !again.Migrator().HasTable(&item{}) {
			t.Error("a second Open sees another database")
		}
	})
}

// TestPreparedStatementsLeaveNoGoroutine: goleak, at the end, would see GORM's.
func TestPreparedStatementsLeaveNoGoroutine(t *testing.T) {
	db := Open(t, Options{Config: gorm.Config{PrepareStmt: true}})
	fill(t, db.DB)
	must(t, db.Session(&gorm.Session{PrepareStmt: true}).First(&item{}).Error)
}

// TestOpenInSubtestsOfOneName: the directory of the second is named "name#01", and "#" ends a path in a URI.
func TestOpenInSubtestsOfOneName(t *testing.T) {
	for range 2 {
		t.Run("same", func(t *testing.T) {
			db := Open(t, Options{})
			fill(t, db.DB)
			if _, err := os.Stat(db.Database.Name()); err != nil {
				t.Error(err)
			}
		})
	}
}
