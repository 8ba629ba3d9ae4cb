package querycache_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// mistakes are what programs do wrong. GORM's answer, error or panic, is the right one.
var mistakes = readings{
	"a nil dest":              func(db *gorm.DB) any { return tell(db.Find(nil)) },
	"a nil pointer":           func(db *gorm.DB) any { var u *User; return tell(db.Find(u)) },
	"a nil slice pointer":     func(db *gorm.DB) any { var us *[]User; return tell(db.Find(us)) },
	"a nil dest of Scan":      func(db *gorm.DB) any { return tell(db.Table("users").Scan(nil)) },
	"a struct by value":       func(db *gorm.DB) any { return tell(db.Find(User{})) },
	"a slice by value":        func(db *gorm.DB) any { return tell(db.Find([]User{})) },
	"an int dest of records":  func(db *gorm.DB) any { var n int; return tell(db.Model(&User{}).Find(&n), n) },
	"an int by value":         func(db *gorm.DB) any { return tell(db.Model(&User{}).Find(7)) },
	"a channel":               func(db *gorm.DB) any { c := make(chan int); return tell(db.Model(&User{}).Find(&c)).Err != nil },
	"a function":              func(db *gorm.DB) any { f := func() {}; return tell(db.Model(&User{}).Find(&f)).Err != nil },
	"no model":                func(db *gorm.DB) any { m := map[string]any{}; return tell(db.Find(&m), m) },
	"a map of other values":   func(db *gorm.DB) any { m := map[string]string{}; return tell(db.Model(&User{}).Find(&m), m) },
	"a missing table":         func(db *gorm.DB) any { var cs []Coupon; return tell(db.Find(&cs), cs) },
	"a missing table by name": func(db *gorm.DB) any { var ms []map[string]any; return tell(db.Table("missing").Find(&ms), ms) },
	"a missing column":        func(db *gorm.DB) any { var us []User; return tell(db.Where("missing = 1").Find(&us), us) },
	"a syntax error":          func(db *gorm.DB) any { var us []User; return tell(db.Where("((").Find(&us), us) },
	"a syntax error by Rows":  func(db *gorm.DB) any { return iterate(db.Where("((").Table("users").Rows()) },
	"a syntax error by Row":   func(db *gorm.DB) any { var n int; return []any{db.Raw("SELECT FROM WHERE users").Row().Scan(&n)} },
	"too few arguments": func(db *gorm.DB) any {
		var us []User
		return tell(db.Raw("SELECT * FROM users WHERE id = ?").Find(&us), us)
	},
	"a missing relation, Preload": func(db *gorm.DB) any { var us []User; return tell(db.Preload("Missing").Order("id").Find(&us), us) },
	"a missing relation, Joins":   func(db *gorm.DB) any { var us []User; return tell(db.Joins("Missing").Find(&us), us) },
	"Preload without a model": func(db *gorm.DB) any {
		var ms []map[string]any
		return tell(db.Table("users").Preload("Pets").Find(&ms)).Err
	},
	"a failing Preload": func(db *gorm.DB) any {
		var us []User
		return tell(db.Preload("Pets", "missing = 1").Order("id").Find(&us), us)
	},
	"a value that does not fit": func(db *gorm.DB) any { var ns []int; return tell(db.Model(&User{}).Order("id").Pluck("name", &ns), ns) },
	"NULL into an int": func(db *gorm.DB) any {
		var ns []*int
		return tell(db.Model(&User{}).Order("id").Pluck("company_id", &ns), ns)
	},
	"NULL into an int by Scan": func(db *gorm.DB) any {
		n := 1
		return tell(db.Raw("SELECT MAX(age) FROM users WHERE age > 100").Scan(&n), n)
	},
	"a wrong number of dests":    func(db *gorm.DB) any { var n int; return []any{db.Table("users").Where("id = 1").Row().Scan(&n), n} },
	"fields behind two pointers": func(db *gorm.DB) any { var us []struct{ Name **string }; return tell(db.Model(&User{}).Find(&us), us) },
	"any by Pluck":               func(db *gorm.DB) any { var v any; return tell(db.Model(&User{}).Pluck("age", &v), v) },
	"an error that was there": func(db *gorm.DB) any {
		tx := db.Session(&gorm.Session{})
		tx.AddError(gorm.ErrInvalidData)
		var us []User
		return tell(tx.Find(&us), us)
	},
	"a struct argument": func(db *gorm.DB) any {
		var us []User
		return tell(db.Where("id = ?", struct{ A int }{1}).Find(&us), us).Err != nil
	},
	"a channel argument": func(db *gorm.DB) any {
		var us []User
		return tell(db.Where("id = ?", make(chan int)).Find(&us), us).Err != nil
	},
	"a *gorm.DB with an error": func(db *gorm.DB) any {
		var us []User
		return tell(db.Where("id IN (?)", db.Model(7).Select("id")).Find(&us), us).Err != nil
	},
	"nothing to Pluck into":        func(db *gorm.DB) any { return tell(db.Model(&User{}).Pluck("name", nil)) },
	"Count into nothing":           func(db *gorm.DB) any { return tell(db.Model(&User{}).Count(nil)) },
	"an error of a hook in Joins":  func(db *gorm.DB) any { var us []User; return tell(db.Joins("JOIN missing ON 1 = 1").Find(&us), us) },
	"an order of a missing column": func(db *gorm.DB) any { var u User; return tell(db.Order("missing").First(&u), u) },
}

func TestMistakesFailAsInGORMAndAreNotStored(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		for name, read := range mistakes {
			t.Run(name, func(t *testing.T) {
				// Rows that the database gave and only the destination refused may be served: they are refused again.
				p.compare(t, read, atMost)
				p.hits(t, allUsers) // nothing is lost
			})
		}
	})
}

func TestACancelledContextFailsAHitToo(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		done, cancel := context.WithCancel(context.Background())
		cancel()
		late, cancel := context.WithDeadline(context.Background(), time.Unix(1, 0))
		defer cancel()
		for name, read := range map[string]reading{
			"Find": allUsers, "First": finishers["First"], "Count": finishers["Count"], "Scan": finishers["Scan into structs"],
			"maps": dests["maps"], "Row": finishers["Row"], "Rows": finishers["Rows"], "Pluck": finishers["Pluck of ints"],
		} {
			for _, ctx := range []context.Context{done, late} {
				ended := func(db *gorm.DB) any { return read(db.WithContext(ctx)) }
				same(t, attempt(ended, p.cached.DB), attempt(ended, p.plain.DB))
				p.hits(t, read)
				if diff := testdb.Equal(attempt(ended, p.cached.DB), attempt(ended, p.plain.DB)); diff != "" {
					t.Errorf("%s: a hit under an ended context:\n%s", name, diff)
				}
			}
		}
	})
}

func TestOddTextsAreReadAsByGORM(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		for i, s := range []string{"\x00", "a\x00b", "\xff\xfe", "'", "''", `\`, `\'`, "?", "$1", "@name", "--", "/*", ";", "💥", strings.Repeat("x", 1<<16), " now", "NOW", "today "} {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				for _, v := range []any{s, []byte(s)} {
					p.compare(t, func(db *gorm.DB) any {
						var us []User
						return tell(db.Where("name = ?", v).Find(&us), us)
					}, atMost)
				}
			})
		}
		p.hits(t, allUsers)
		// Last, since a text that may be anything, and of which nobody knows what became of it, stops the cache for a while.
		p.compare(t, func(db *gorm.DB) any {
			var us []User
			return tell(db.Where("name = 'a\x00' OR 1 = 1").Order("id").Find(&us), us)
		}, asPlain)
	})
}

func TestAHugeResultIsReadAndNotStored(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		cross := func(db *gorm.DB) *gorm.DB {
			return db.Table("users a, users b, users c, users d, users e").Select("a.id, b.name, c.age")
		}
		for name, read := range map[string]reading{
			"Find": func(db *gorm.DB) any { var us []smallUser; return tell(cross(db).Find(&us), len(us)) },
			"Rows": func(db *gorm.DB) any { return len(iterate(cross(db).Rows()).([]any)) },
		} {
			p.compare(t, read, 1)
			if s := p.cache.Stats(); s.Stores != 0 {
				t.Errorf("%s: %+v", name, s)
			}
		}
	})
}

func TestMovingQueriesAlwaysAskTheDatabase(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		where := func(sql string, args ...any) reading {
			return func(db *gorm.DB) any {
				var us []User
				return tell(db.Where(sql, args...).Order("id").Find(&us), us)
			}
		}
		p := open(t, d)
		random := "RANDOM()"
		if d.Dialect == testdb.MySQL {
			random = "RAND()"
		}
		for name, c := range map[string]struct {
			read   reading
			reason querycache.Reason
		}{
			"the time":           {where("created_at < CURRENT_TIMESTAMP"), querycache.ReasonImpure},
			"the date":           {where("created_at < CURRENT_DATE"), querycache.ReasonImpure},
			"a random number":    {where(random + " IS NOT NULL"), querycache.ReasonImpure},
			"an unknown call":    {where("COALESCE(age, 0) > 1 AND " + random + " > -1e30"), querycache.ReasonImpure},
			"a literal now":      {where("name <> 'now'"), querycache.ReasonImpure},
			"an argument now":    {where("name <> ?", "now"), querycache.ReasonArgument},
			"an argument Today":  {where("name <> ?", []byte(" Today ")), querycache.ReasonArgument},
			"a named argument":   {where("name <> @n", map[string]any{"n": "tomorrow"}), querycache.ReasonArgument},
			"no table":           {func(db *gorm.DB) any { var n int; return tell(db.Raw("SELECT 1").Scan(&n), n) }, querycache.ReasonNoTables},
			"the catalog":        {catalogQuery(d.Dialect), ""},
			"Migrator.HasTable":  {func(db *gorm.DB) any { return db.Migrator().HasTable(&User{}) }, ""},
			"Migrator.HasColumn": {func(db *gorm.DB) any { return db.Migrator().HasColumn(&User{}, "name") }, ""},
		} {
			t.Run(name, func(t *testing.T) {
				if c.reason != "" {
					p.bypasses(t, c.read, c.reason)
					return
				}
				before := p.cache.Stats()
				p.compare(t, c.read, asPlain)
				if s := p.cache.Stats(); s.Stores != before.Stores {
					t.Errorf("stored: %+v", s)
				}
			})
		}
		if d.Dialect != testdb.SQLite {
			t.Run("a lock", func(t *testing.T) {
				p.bypasses(t, func(db *gorm.DB) any {
					var us []User
					return tell(db.Clauses(clause.Locking{Strength: "UPDATE"}).Order("id").Find(&us), us)
				}, querycache.ReasonImpure)
			})
		}
	})
}

func catalogQuery(d testdb.Dialect) reading {
	table := map[testdb.Dialect]string{testdb.SQLite: "sqlite_master", testdb.Postgres: "pg_class", testdb.MySQL: "information_schema.tables"}[d]
	return func(db *gorm.DB) any { var n int64; return tell(db.Table(table).Count(&n)).Err }
}

func TestPureFunctionsOfConfigAreTakenForPure(t *testing.T) {
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	t.Parallel()
	read := func(db *gorm.DB) any {
		var us []User
		return tell(db.Where("LIKELIHOOD(age > 30, 0.5)").Order("id").Find(&us), us)
	}
	open(t, d, opening{Config: querycache.Config{PureFunctions: []string{"Likelihood"}}}).hits(t, read)
}
