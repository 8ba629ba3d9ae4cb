package querycache_test

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

func TestEveryWayToReadInEveryMode(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		for name, o := range map[string]testdb.Options{
			"PrepareStmt":            {Config: gorm.Config{PrepareStmt: true}},
			"SkipDefaultTransaction": {Config: gorm.Config{SkipDefaultTransaction: true}},
			"QueryFields":            {Config: gorm.Config{QueryFields: true}},
			"TranslateError":         {Config: gorm.Config{TranslateError: true}},
			"AllowGlobalUpdate":      {Config: gorm.Config{AllowGlobalUpdate: true, CreateBatchSize: 2, FullSaveAssociations: true}},
			"one connection":         {MaxOpenConns: 1},
		} {
			if o.Config.PrepareStmt {
				o.Config.PrepareStmtMaxSize = 50
			}
			t.Run(name, func(t *testing.T) {
				finishers.allHit(t, d, opening{Options: o})
				p := open(t, d, opening{Options: o})
				p.hits(t, relations["nested Preload"])
				p.hits(t, relations["nested Joins"])
			})
		}
	})
}

func TestAPreparedSessionOfAPlainDBIsCached(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		p.hits(t, func(db *gorm.DB) any {
			var us []User
			return tell(db.Session(&gorm.Session{PrepareStmt: true}).Order("id").Find(&us, "age > ?", 30), &us)
		})
	})
}

func TestSQLiteInMemoryIsCached(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{
		"private": ":memory:",
		"shared":  "file:" + filepath.Base(t.Name()) + "?mode=memory&cache=shared",
	} {
		t.Run(name, func(t *testing.T) {
			db, err := gorm.Open(sqlite.Open(dsn), &gorm.Config{Logger: logger.Discard})
			must(t, err)
			pool, err := db.DB()
			must(t, err)
			pool.SetMaxOpenConns(1)
			defer pool.Close()
			cache := querycache.New(querycache.Config{})
			must(t, db.Use(cache))
			defer cache.Close(context.Background())
			must(t, db.AutoMigrate(&Company{}))
			must(t, db.Create(&Company{ID: 1, Name: "Anvils"}).Error)
			before := cache.Stats()
			for range 3 {
				var c Company
				must(t, db.First(&c, 1).Error)
				same(t, c, Company{ID: 1, Name: "Anvils"})
			}
			if s := cache.Stats(); s.Hits-before.Hits != 2 || s.Misses-before.Misses != 1 {
				t.Errorf("%+v", s)
			}
			must(t, db.Model(&Company{}).Where("id = 1").Update("name", "Bells").Error)
			var c Company
			must(t, db.First(&c, 1).Error)
			same(t, c, Company{ID: 1, Name: "Bells"})
		})
	}
}

// generics are the finishers of gorm.G.
var generics = readings{
	"First": func(db *gorm.DB) any { return pack(gorm.G[User](db).Where("age > ?", 30).First(context.Background())) },
	"First of nothing": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Where("age > ?", 99).First(context.Background()))
	},
	"Take": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Where("name = ?", "Bob").Take(context.Background()))
	},
	"Last":  func(db *gorm.DB) any { return pack(gorm.G[User](db).Last(context.Background())) },
	"Find":  func(db *gorm.DB) any { return pack(gorm.G[User](db).Order("id").Find(context.Background())) },
	"Count": func(db *gorm.DB) any { return pack(gorm.G[User](db).Count(context.Background(), "*")) },
	"Count of a column": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Distinct("company_id").Count(context.Background(), "company_id"))
	},
	"Scan": func(db *gorm.DB) any {
		var out []smallUser
		err := gorm.G[User](db).Select("name", "age").Order("id").Scan(context.Background(), &out)
		return []any{out, err}
	},
	"Row": func(db *gorm.DB) any {
		var name string
		err := gorm.G[User](db).Select("name").Where("id = ?", 2).Row(context.Background()).Scan(&name)
		return []any{name, err}
	},
	"Rows": func(db *gorm.DB) any {
		return iterate(gorm.G[User](db).Select("name").Order("id").Rows(context.Background()))
	},
	"FindInBatches": func(db *gorm.DB) any {
		var all []User
		err := gorm.G[User](db).FindInBatches(context.Background(), 2, func(us []User, _ int) error {
			all = append(all, us...)
			return nil
		})
		return []any{all, err}
	},
	"Raw and Find": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Raw("SELECT * FROM users WHERE age > ? ORDER BY id", 30).Find(context.Background()))
	},
	"Raw and Scan": func(db *gorm.DB) any {
		var n int
		err := gorm.G[User](db).Raw("SELECT COUNT(*) FROM users").Scan(context.Background(), &n)
		return []any{n, err}
	},
	"Preload": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Preload("Pets", nil).Preload("Manager.Company", nil).Order("id").Find(context.Background()))
	},
	"Preload with a builder": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Preload("Pets", func(b gorm.PreloadBuilder) error {
			b.Where("name <> ?", "Ant").Order("id")
			return nil
		}).Order("id").Find(context.Background()))
	},
	"Joins": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Joins(clause.LeftJoin.Association("Company"), nil).Order("users.id").Find(context.Background()))
	},
	"Joins with an alias and a condition": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Joins(clause.InnerJoin.Association("Manager").As("boss"), func(b gorm.JoinBuilder, _, on clause.Table) error {
			b.Select("name").Where("? > ?", clause.Column{Table: on.Name, Name: "age"}, 10)
			return nil
		}).Order("users.id").Find(context.Background()))
	},
	"Joins of a subquery": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Joins(clause.LeftJoin.AssociationFrom("Company", gorm.G[Company](db).Select("id", "name")).As("c"), func(b gorm.JoinBuilder, joined, on clause.Table) error {
			b.Where("? = ?", clause.Column{Table: joined.Name, Name: "id"}, clause.Column{Table: on.Name, Name: "company_id"})
			return nil
		}).Order("users.id").Find(context.Background()))
	},
	"Table, Group, Having": func(db *gorm.DB) any {
		return pack(gorm.G[smallUser](db).Table("users").Select("MAX(name) AS name", "MAX(age) AS age").Group("company_id").Having("COUNT(*) > ?", 1).Find(context.Background()))
	},
	"Limit, Offset, Not, Or, Omit, MapColumns": func(db *gorm.DB) any {
		return pack(gorm.G[User](db).Not("age > ?", 50).Or("name = ?", "Amy").Omit("birthday").MapColumns(map[string]string{"name": "name"}).Order("id").Limit(2).Offset(1).Find(context.Background()))
	},
	"a simple type": func(db *gorm.DB) any {
		return pack(gorm.G[string](db).Raw("SELECT name FROM users WHERE id = ?", 1).Find(context.Background()))
	},
	"a map": func(db *gorm.DB) any {
		return pack(gorm.G[map[string]any](db).Table("users").Order("id").Find(context.Background()))
	},
	"Set": func(db *gorm.DB) any {
		return pack(gorm.G[User](db, clause.Select{Distinct: true}).Order("id").Find(context.Background()))
	},
}

func pack[T any](v T, err error) any { return []any{v, err} }

func TestEveryFinisherOfGIsCached(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) { generics.allHit(t, d) })
}

// Names that are not the ones that GORM would make up.
type renamed struct {
	Key  string `gorm:"primaryKey;column:the key;size:20"`
	From string `gorm:"column:from"`
}

func (renamed) TableName() string { return "select" }

type tabled struct {
	ID   int
	Name string
}

func (t tabled) TableName() string { return "tableds_of_2024" }

type pairKey struct {
	A, B string `gorm:"primaryKey;size:20"`
	V    int
}

type uuidKey struct {
	ID   UUID `gorm:"primaryKey;type:char(36)"`
	Name string
}

// UUID is what a UUID type looks like: an array that scans itself.
type UUID [16]byte

func (u *UUID) Scan(v any) error {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	_, err := hex.Decode(u[:], []byte(strings.ReplaceAll(v.(string), "-", "")))
	return err
}

// Value writes the usual form.
func (u UUID) Value() (driver.Value, error) {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], nil
}

type bytesKey struct {
	ID   []byte `gorm:"primaryKey;size:20"`
	Name string
}

func TestTablesAndKeysOfAnyName(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		plain := d.Open(t, testdb.Options{})
		must(t, plain.AutoMigrate(&renamed{}, &tabled{}, &pairKey{}, &uuidKey{}, &bytesKey{}))
		must(t, plain.Create([]renamed{{"k", "here"}, {"K'\"`;", "there"}}).Error)
		must(t, plain.Create([]tabled{{1, "a"}, {2, "b"}}).Error)
		must(t, plain.Create([]pairKey{{"a b", "c", 1}, {"a", "b c", 2}}).Error)
		must(t, plain.Create([]uuidKey{{UUID{1}, "one"}, {UUID{0xff}, "two"}}).Error)
		must(t, plain.Create([]bytesKey{{[]byte("a\x00"), "one"}, {[]byte("\xff"), "two"}}).Error)
		rs := readings{
			"a quoted name":         func(db *gorm.DB) any { var rs []renamed; return tell(db.Order("1").Find(&rs), &rs) },
			"a quoted key":          func(db *gorm.DB) any { r := renamed{Key: "k"}; return tell(db.First(&r), &r) },
			"a key full of quotes":  func(db *gorm.DB) any { r := renamed{Key: "K'\"`;"}; return tell(db.First(&r), &r) },
			"a composite key":       func(db *gorm.DB) any { r := pairKey{A: "a b", B: "c"}; return tell(db.First(&r), &r) },
			"another composite key": func(db *gorm.DB) any { r := pairKey{A: "a", B: "b c"}; return tell(db.First(&r), &r) },
			"composite conditions": func(db *gorm.DB) any {
				var r []pairKey
				return tell(db.Where([]pairKey{{A: "a", B: "b c"}}).Find(&r), &r)
			},
			"a key in a tuple": func(db *gorm.DB) any {
				var r []pairKey
				return tell(db.Where("(a, b) IN ?", [][]any{{"a", "b c"}, {"x", "y"}}).Find(&r), &r)
			},
			"a UUID key":         func(db *gorm.DB) any { r := uuidKey{ID: UUID{1}}; return tell(db.First(&r), &r) },
			"a UUID argument":    func(db *gorm.DB) any { var r uuidKey; return tell(db.First(&r, "id = ?", UUID{0xff}), &r) },
			"a []byte key":       func(db *gorm.DB) any { r := bytesKey{ID: []byte("a\x00")}; return tell(db.First(&r), &r) },
			"another []byte key": func(db *gorm.DB) any { r := bytesKey{ID: []byte("\xff")}; return tell(db.First(&r), &r) },
			"a TableName":        func(db *gorm.DB) any { var ts []tabled; return tell(db.Order("id").Find(&ts), &ts) },
			"a Table for other model": func(db *gorm.DB) any {
				var cs []Company
				return tell(db.Table("tableds_of_2024").Order("id").Find(&cs), &cs)
			},
		}
		rs.allHit(t, d)
		t.Run("a NamingStrategy", func(t *testing.T) {
			named := testdb.Options{Config: gorm.Config{NamingStrategy: schema.NamingStrategy{TablePrefix: "tableds_", SingularTable: true}}}
			type Of_2024 struct { // what the strategy makes the table's name of
				ID   int
				Name string
			}
			readings{
				"Find": func(db *gorm.DB) any { var ts []Of_2024; return tell(db.Order("id").Find(&ts), &ts) },
			}.allHit(t, d, opening{Options: named})
		})
	})
}
