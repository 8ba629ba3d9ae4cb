package querycache_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

func TestRowsThatAreLeftEarlyAreNotStored(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		for name, leave := range map[string]func(rows *sql.Rows){
			"at once":           func(*sql.Rows) {},
			"after the first":   func(rows *sql.Rows) { rows.Next() },
			"at the last":       func(rows *sql.Rows) { rows.Next(); rows.Next(); rows.Next(); rows.Next() },
			"without Scan":      func(rows *sql.Rows) { rows.Next(); rows.Next() },
			"after a bad Scan":  func(rows *sql.Rows) { rows.Next(); _ = rows.Scan() },
			"in the 2nd result": func(rows *sql.Rows) { rows.Next(); rows.NextResultSet() },
		} {
			t.Run(name, func(t *testing.T) {
				ctx := querycache.WithOptions(context.Background(), querycache.Tags(name)) // an entry of its own
				before := p.cache.Stats()
				rows, err := p.cached.WithContext(ctx).Model(&User{}).Order("id").Rows()
				must(t, err)
				leave(rows)
				must(t, rows.Close())
				if s := p.cache.Stats(); s.Stores != before.Stores || s.Misses != before.Misses+1 {
					t.Errorf("%+v", s)
				}
				p.hits(t, func(db *gorm.DB) any { return iterate(db.WithContext(ctx).Model(&User{}).Order("id").Rows()) })
			})
		}
	})
}

func TestRowsWhoseReadingFailsAreNotStored(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		boom := errors.New("boom")
		p := open(t, d)
		for _, op := range []testdb.Op{testdb.OpQuery, testdb.OpNext, testdb.OpRowsClose} {
			for name, read := range map[string]reading{
				"Rows": func(db *gorm.DB) any { return iterate(db.Model(&User{}).Order("id").Rows()) },
				"Find": func(db *gorm.DB) any { var us []User; return tell(db.Order("id").Find(&us), &us) },
				"maps": dests["maps"], "Scan": finishers["Scan into structs"], "Row": finishers["Row"], "Count": finishers["Count"],
			} {
				t.Run(fmt.Sprint(op, " ", name), func(t *testing.T) {
					ctx := querycache.WithOptions(context.Background(), querycache.Tags(t.Name())) // an entry of its own
					read := func(db *gorm.DB) any { return read(db.WithContext(ctx)) }
					for _, db := range []*testdb.DB{p.plain, p.cached} {
						n := 0
						db.Recorder.SetHooks(testdb.Hooks{After: func(_ context.Context, ev testdb.Event, err error) error {
							if ev.Op == op {
								if n++; op != testdb.OpNext || n == 2 {
									return boom
								}
							}
							return err
						}})
					}
					same(t, attempt(read, p.cached.DB), attempt(read, p.plain.DB))
					for _, db := range []*testdb.DB{p.plain, p.cached} {
						db.Recorder.SetHooks(testdb.Hooks{})
					}
					p.hits(t, read)
				})
			}
		}
	})
}

func TestStreamingStaysStreaming(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d, opening{Config: querycache.Config{Tiered: tiered.Config{MaxResultRows: 2}}})
		asked := 0
		p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
			if ev.Op == testdb.OpNext {
				asked++
			}
			return nil
		}})
		rows, err := p.cached.Model(&User{}).Order("id").Rows()
		must(t, err)
		defer rows.Close()
		for i := 1; rows.Next(); i++ {
			if asked > i+1 {
				t.Errorf("%d rows were read ahead of the %dth", asked-i, i)
			}
			var u User
			must(t, p.cached.ScanRows(rows, &u))
			if u.ID != uint(i) {
				t.Errorf("record %d is %d", i, u.ID)
			}
		}
		must(t, rows.Err())
		if s := p.cache.Stats(); s.Stores != 0 || s.Rejections != 1 {
			t.Errorf("over the limit, but %+v", s)
		}
	})
}

// Two who read the same rows at their own pace share nothing that either can feel.
func TestRowsOfOneQueryAreReadSideBySide(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		for range 3 {
			a, err := p.cached.Table("users").Order("id").Select("id", "name").Rows()
			must(t, err)
			b, err := p.cached.Table("users").Order("id").Select("id", "name").Rows()
			must(t, err)
			for i := range 5 {
				for _, rows := range []*sql.Rows{a, b} {
					var id int
					var name sql.RawBytes
					if !rows.Next() || rows.Scan(&id, &name) != nil || id != i+1 {
						t.Fatalf("record %d is %d: %v", i+1, id, rows.Err())
					}
					clear(name)
				}
			}
			must(t, a.Close())
			must(t, b.Close())
		}
	})
}

// A reader in the midst of its rows sees them to their end, whatever is written meanwhile.
func TestRowsOutliveTheWriteThatInvalidatesThem(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		read := func() (*sql.Rows, error) { return p.cached.Table("users").Order("id").Select("age").Rows() }
		warm, err := read()
		must(t, err)
		for warm.Next() {
		}
		must(t, warm.Close())
		rows, err := read() // a hit
		must(t, err)
		defer rows.Close()
		rows.Next()
		must(t, p.cached.Exec("UPDATE users SET age = 1").Error)
		var age int
		for rows.Next() {
			must(t, rows.Scan(&age))
			if age == 1 {
				t.Error("the rows changed under their reader")
			}
		}
		must(t, p.cached.Table("users").Where("id = 2").Select("age").Row().Scan(&age))
		if age != 1 {
			t.Errorf("after the write: %d", age)
		}
	})
}
