package querycache_test

import (
	"errors"
	"fmt"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

func TestDryRunsReadAndStoreNothing(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		dry := []reading{
			func(db *gorm.DB) any {
				var us []User
				return tell(db.Session(&gorm.Session{DryRun: true}).Order("id").Find(&us), &us)
			},
			func(db *gorm.DB) any {
				var u User
				return tell(db.Session(&gorm.Session{DryRun: true}).First(&u, 1), &u)
			},
			func(db *gorm.DB) any {
				return db.ToSQL(func(tx *gorm.DB) *gorm.DB { return tx.Order("id").Find(&[]User{}) })
			},
			func(db *gorm.DB) any {
				rows, err := db.Session(&gorm.Session{DryRun: true}).Model(&User{}).Rows()
				return []any{rows == nil, err}
			},
			func(db *gorm.DB) any { return db.Session(&gorm.Session{DryRun: true}).Model(&User{}).Row() == nil },
			func(db *gorm.DB) any {
				var us []User
				return tell(db.Session(&gorm.Session{DryRun: true}).Model(&User{}).Scan(&us), &us).Dest
			},
		}
		for i, read := range dry {
			same(t, attempt(read, p.cached.DB), attempt(read, p.plain.DB))
			if s := p.cache.Stats(); reads(p.cache) != 0 || s.Stores != 0 {
				t.Errorf("dry run %d was counted or stored: %+v", i, s)
			}
		}
		p.hits(t, func(db *gorm.DB) any { var us []User; return tell(db.Order("id").Find(&us), &us) })
		for _, read := range dry {
			same(t, attempt(read, p.cached.DB), attempt(read, p.plain.DB))
		}
	})
}

func TestASubqueryNeitherReadsNorStores(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		subqueries := map[string]func(db *gorm.DB) *gorm.DB{
			"by Model":      func(db *gorm.DB) *gorm.DB { return db.Model(&Pet{}).Select("user_id").Where("name <> ?", "Cat") },
			"by Table":      func(db *gorm.DB) *gorm.DB { return db.Table("pets").Select("user_id") },
			"with a struct": func(db *gorm.DB) *gorm.DB { return db.Model(&Pet{Name: "Cat"}).Select("user_id") },
			"nested": func(db *gorm.DB) *gorm.DB {
				return db.Model(&Pet{}).Select("user_id").Where("id IN (?)", db.Model(&Toy{}).Select("id"))
			},
			"by Raw":         func(db *gorm.DB) *gorm.DB { return db.Raw("SELECT user_id FROM pets WHERE name = ?", "Cat") },
			"with a Preload": func(db *gorm.DB) *gorm.DB { return db.Model(&Pet{}).Preload("Toy").Select("user_id") },
		}
		rs := readings{}
		for name, sub := range subqueries {
			rs["in Where, "+name] = func(db *gorm.DB) any {
				var us []User
				return tell(db.Where("age > ? AND id IN (?) AND name <> ?", 1, sub(db), "x").Order("id").Find(&us), &us)
			}
			rs["in Not, "+name] = func(db *gorm.DB) any {
				var us []User
				return tell(db.Not("id IN (?)", sub(db).Where("user_id IS NOT NULL")).Order("id").Find(&us), &us).Dest
			}
		}
		delete(rs, "in Not, by Raw")
		rs["grouped conditions"] = func(db *gorm.DB) any {
			var us []User
			return tell(db.Where(db.Where("name = ?", "Amy").Or(db.Where("age < ?", 30))).Order("id").Find(&us), &us)
		}
		rs["in From"] = func(db *gorm.DB) any {
			var n int64
			return tell(db.Table("(?) AS x, (?) AS y", db.Model(&Pet{}), db.Model(&User{}).Where("age > ?", 40)).Count(&n), &n)
		}
		rs["in Having"] = func(db *gorm.DB) any {
			var ids []int
			return tell(db.Model(&User{}).Group("company_id").Having("AVG(age) > (?)", db.Model(&User{}).Select("AVG(age)")).Order("company_id").Pluck("company_id", &ids), &ids)
		}
		p := open(t, d)
		for name, read := range rs {
			t.Run(name, func(t *testing.T) { p.hits(t, read) })
		}
	})
}

// A hit leaves the statement as a read does, so that whoever goes on with it goes on the same.
func TestAStatementCanBeUsedOnAfterAHit(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		readings{
			"Find, then Count": func(db *gorm.DB) any {
				var n int64
				u := User{Model: gorm.Model{ID: 2}}
				tx := db.Find(&u)
				return []any{tell(tx.Count(&n), &n), u}
			},
			"Count, then Find": func(db *gorm.DB) any {
				var n int64
				var us []User
				tx := db.Model(&User{}).Where("age > ?", 30).Order("id").Count(&n)
				return []any{tell(tx.Limit(1).Find(&us), &us), n}
			},
			"First, then First": func(db *gorm.DB) any {
				var u, v User
				tx := db.Where("age > ?", 30).First(&u)
				return []any{tell(tx.First(&v), &v), u}
			},
			"Joins, then Find": func(db *gorm.DB) any {
				var us, vs []User
				tx := db.Joins("Company").Order("users.id").Find(&us)
				return []any{tell(tx.Find(&vs), &vs).Err == nil, len(us), len(vs)}
			},
			"a session is not touched": func(db *gorm.DB) any {
				base := db.Where("age > ?", 30).Session(&gorm.Session{})
				var us, vs []User
				var n int64
				return []any{tell(base.Where("name = ?", "Bob").Find(&us), &us), tell(base.Order("id").Find(&vs), &vs), tell(base.Model(&User{}).Count(&n), &n)}
			},
			"FindInBatches": func(db *gorm.DB) any {
				var us []User
				var batches []any
				tx := db.Where("age > ?", 10).FindInBatches(&us, 2, func(tx *gorm.DB, batch int) error {
					batches = append(batches, batch, tx.RowsAffected, append([]User(nil), us...))
					return nil
				})
				return []any{tx.RowsAffected, tx.Error, batches}
			},
			"FindInBatches that stops": func(db *gorm.DB) any {
				var us []*User
				tx := db.FindInBatches(&us, 1, func(_ *gorm.DB, batch int) error {
					if batch == 2 {
						return errors.New("enough")
					}
					return nil
				})
				return []any{tx.RowsAffected, fmt.Sprint(tx.Error), us}
			},
		}.allHit(t, d)
	})
}

func TestScopesAndSessionsWork(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		older := func(age int) func(*gorm.DB) *gorm.DB {
			return func(db *gorm.DB) *gorm.DB { return db.Where("age > ?", age) }
		}
		rs := readings{}
		for _, age := range []int{20, 40} {
			rs[fmt.Sprint("a scope of ", age)] = func(db *gorm.DB) any {
				var us []User
				return tell(db.Scopes(older(age), querycache.Tags("x")).Order("id").Find(&us), &us)
			}
		}
		rs["a new DB"] = func(db *gorm.DB) any {
			var us []User
			return tell(db.Where("age > 40").Session(&gorm.Session{NewDB: true}).Order("id").Find(&us), &us)
		}
		rs["Debug"] = func(db *gorm.DB) any {
			var us []User
			return tell(db.Session(&gorm.Session{Logger: logger.Discard}).Debug().Order("id").Find(&us), &us)
		}
		rs["Set and Get"] = func(db *gorm.DB) any {
			var us []User
			tx := db.Set("mine", 1).Order("id").Find(&us)
			v, ok := tx.Get("mine")
			return []any{tell(tx, &us), v, ok}
		}
		rs["MapColumns"] = func(db *gorm.DB) any {
			var us []struct{ Label string }
			return tell(db.Model(&User{}).Select("name").MapColumns(map[string]string{"name": "label"}).Order("id").Find(&us), &us)
		}
		rs.allHit(t, d)
	})
}
