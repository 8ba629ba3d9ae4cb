package querycache_test

import (
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// people reads all users by a query that adds something to them.
func people(add func(db *gorm.DB) *gorm.DB) reading {
	return func(db *gorm.DB) any {
		var us []User
		return tell(add(db).Order("users.id").Find(&us), &us)
	}
}

var relations = readings{
	"Joins of a belongs-to":       people(func(db *gorm.DB) *gorm.DB { return db.Joins("Company") }),
	"Joins of a has-one":          people(func(db *gorm.DB) *gorm.DB { return db.Joins("Account") }),
	"Joins of several":            people(func(db *gorm.DB) *gorm.DB { return db.Joins("Company").Joins("Manager").Joins("Account") }),
	"InnerJoins":                  people(func(db *gorm.DB) *gorm.DB { return db.InnerJoins("Manager") }),
	"nested Joins":                people(func(db *gorm.DB) *gorm.DB { return db.Joins("Manager").Joins("Manager.Company") }),
	"nested Joins alone":          people(func(db *gorm.DB) *gorm.DB { return db.Joins("Manager.Company") }),
	"Joins with conditions":       people(func(db *gorm.DB) *gorm.DB { return db.Joins("Company", db.Where(&Company{Name: "Anvils"})) }),
	"Joins with other conditions": people(func(db *gorm.DB) *gorm.DB { return db.Joins("Company", db.Where(&Company{Name: "Bells"})) }),
	"Joins with a Select":         people(func(db *gorm.DB) *gorm.DB { return db.Joins("Company", db.Select("name")) }),
	"Joins with an Omit":          people(func(db *gorm.DB) *gorm.DB { return db.Joins("Manager", db.Omit("name")) }),
	"Joins with a Select of ours": people(func(db *gorm.DB) *gorm.DB { return db.Select("users.id, users.name").Joins("Company") }),
	"Joins by raw SQL": people(func(db *gorm.DB) *gorm.DB {
		return db.Joins("JOIN companies c ON c.id = users.company_id AND c.name = ?", "Anvils")
	}),
	"Joins of one record": func(db *gorm.DB) any { var u User; return tell(db.Joins("Company").Joins("Manager").First(&u, 2), &u) },
	"Joins into pointers": func(db *gorm.DB) any {
		var us []*User
		return tell(db.Joins("Manager").Order("users.id").Find(&us), &us)
	},
	"Joins counted": func(db *gorm.DB) any {
		var n int64
		return tell(db.Model(&User{}).Joins("Company").Where("age > ?", 30).Count(&n), &n)
	},
	"Joins into a struct with values": func(db *gorm.DB) any {
		u := User{Manager: &User{Name: "there", Age: 9}, Company: Company{Name: "there"}}
		return tell(db.Joins("Manager").Joins("Company").First(&u, 4), &u)
	},

	"Preload of a belongs-to":      people(func(db *gorm.DB) *gorm.DB { return db.Preload("Company") }),
	"Preload of a has-one":         people(func(db *gorm.DB) *gorm.DB { return db.Preload("Account") }),
	"Preload of a has-many":        people(func(db *gorm.DB) *gorm.DB { return db.Preload("Pets") }),
	"Preload of a many-to-many":    people(func(db *gorm.DB) *gorm.DB { return db.Preload("Languages").Preload("Friends") }),
	"Preload of a polymorphic":     people(func(db *gorm.DB) *gorm.DB { return db.Preload("Toys").Preload("Tools") }),
	"Preload of itself":            people(func(db *gorm.DB) *gorm.DB { return db.Preload("Manager").Preload("Team") }),
	"nested Preload":               people(func(db *gorm.DB) *gorm.DB { return db.Preload("Pets.Toy").Preload("Manager.Company") }),
	"Preload of all associations":  people(func(db *gorm.DB) *gorm.DB { return db.Preload(clause.Associations) }),
	"Preload of those of a nested": people(func(db *gorm.DB) *gorm.DB { return db.Preload("Team." + clause.Associations) }),
	"Preload with a condition":     people(func(db *gorm.DB) *gorm.DB { return db.Preload("Pets", "name = ?", "Bee") }),
	"Preload with another":         people(func(db *gorm.DB) *gorm.DB { return db.Preload("Pets", "name = ?", "Ant") }),
	"Preload with a function": people(func(db *gorm.DB) *gorm.DB {
		return db.Preload("Pets", func(tx *gorm.DB) *gorm.DB { return tx.Order("name DESC").Limit(2) })
	}),
	"Preload with nested functions": people(func(db *gorm.DB) *gorm.DB {
		return db.Preload("Pets", func(tx *gorm.DB) *gorm.DB { return tx.Preload("Toy").Order("id") })
	}),
	"Preload with a selection": people(func(db *gorm.DB) *gorm.DB {
		return db.Preload("Pets", func(tx *gorm.DB) *gorm.DB { return tx.Select("id", "user_id") })
	}),
	"Preload after Joins": people(func(db *gorm.DB) *gorm.DB {
		return db.Joins("Manager").Preload("Manager.Pets").Preload("Manager.Languages")
	}),
	"Preload of nothing": func(db *gorm.DB) any { var us []User; return tell(db.Preload("Pets").Find(&us, "age > 100"), &us) },
	"Preload into a pointer to pointer": func(db *gorm.DB) any {
		var u *User
		return tell(db.Preload("Pets.Toy").Preload("Company").First(&u, 1), &u)
	},
	"Preload into a record that is there": func(db *gorm.DB) any {
		u := User{Model: gorm.Model{ID: 1}, Pets: []*Pet{{Name: "gone"}}}
		return tell(db.Preload("Pets").Find(&u), &u)
	},
	"Preload of an array": func(db *gorm.DB) any { var us [4]User; return tell(db.Preload("Pets").Order("id").Find(&us), &us) },
	"Preload with a scope": people(func(db *gorm.DB) *gorm.DB {
		return db.Scopes(func(tx *gorm.DB) *gorm.DB { return tx.Preload("Pets").Where("users.age > 30") })
	}),
}

func TestEveryRelationIsReadAsByGORM(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) { relations.allHit(t, d) })
}

func TestAPreloadIsAResultOfItsOwn(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		read := func() User {
			var u User
			must(t, p.cached.Preload("Pets").Preload("Company").First(&u, 1).Error)
			return u
		}
		if n := p.asks(func() { read() }); n != 3 {
			t.Fatalf("%d queries the first time, want 3", n)
		}
		must(t, p.cached.Model(&Pet{}).Where("id = 1").Update("name", "Ape").Error)
		var u User
		if n := p.asks(func() { u = read() }); n != 1 {
			t.Errorf("%d queries after a pet changed, want 1: only the pets'", n)
		}
		if u.Pets[0].Name != "Ape" && u.Pets[1].Name != "Ape" {
			t.Errorf("old pets: %+v", u.Pets)
		}
	})
}

// A join's alias, and the way a relation is reached, decide where a scan puts what one text returns.
func TestJoinsOfOneTextDoNotMix(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		const text = "SELECT users.*, c.id AS Company__id, c.name AS Company__name FROM users LEFT JOIN companies c ON c.id = users.company_id ORDER BY users.id"
		for range 2 {
			for i, read := range []reading{
				func(db *gorm.DB) any { var us []User; return tell(db.Raw(text).Find(&us), &us) },
				func(db *gorm.DB) any {
					var us []User
					return tell(db.Model(&User{}).Joins("Company").Raw(text).Find(&us), &us)
				},
				func(db *gorm.DB) any { var ps []Pet; return tell(db.Raw(text).Find(&ps), &ps) },
			} {
				if diff := testdb.Equal(read(p.cached.DB), read(p.plain.DB)); diff != "" {
					t.Errorf("reading %d:\n%s", i, diff)
				}
			}
		}
	})
}
