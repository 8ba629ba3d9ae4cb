package querycache_test

import (
	"errors"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Tables of a name of their own: on MySQL the tables of that name in all databases of a server are one to the
// cache, and other tests have some called users.
type pinned struct {
	gorm.Model
	Name string
	Age  int
}

func (pinned) TableName() string { return "pinned_people" }

type pinnedPlace struct {
	ID   uint
	Name string
}

// TestAWriteToOneRecordLeavesTheOthersCached: reads that are pinned to records die with these, with writes
// whose records are not known, and, if they lacked one, with new ones.
func TestAWriteToOneRecordLeavesTheOthersCached(t *testing.T) {
	first := func(id any) reading {
		return func(db *gorm.DB) any { var u pinned; return tell(db.First(&u, id), &u) }
	}
	reads := map[string]reading{
		"user 1": first(1), "user 2": first(2), "user 2 by text": first("2"), "nobody": first(99),
		"users 1 and 3": func(db *gorm.DB) any {
			var us []pinned
			return tell(db.Order("id").Find(&us, []int{1, 3}), us)
		},
		"users 1 and 99": func(db *gorm.DB) any { var us []pinned; return tell(db.Find(&us, []int{1, 99}), us) },
		"grown user 1": func(db *gorm.DB) any {
			var us []pinned
			return tell(db.Where("id = ? AND age > ?", 1, 18).Find(&us), us)
		},
		"all users": func(db *gorm.DB) any { var us []pinned; return tell(db.Order("id").Find(&us), us) },
		"count of 1": func(db *gorm.DB) any {
			var n int64
			return tell(db.Model(&pinned{}).Where("id = ?", 1).Count(&n), &n)
		},
		"names by raw SQL": func(db *gorm.DB) any {
			var s []string
			return tell(db.Raw("SELECT name FROM pinned_people WHERE id = 3").Scan(&s), s)
		},
	}
	lists := []string{"all users", "nobody", "users 1 and 99", "count of 1"}
	two := []string{"user 2", "user 2 by text"}
	every := []string{"user 1", "user 2", "user 2 by text", "users 1 and 3", "grown user 1", "names by raw SQL"}
	for name, c := range map[string]struct {
		write func(t *testing.T, db *gorm.DB)
		dead  []string // beside the lists
		none  bool     // not even the lists
	}{
		"update": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Model(&pinned{}).Where("id = ?", 2).Update("age", 50).Error)
		}, dead: two},
		"Updates of a model": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Model(&pinned{Model: gorm.Model{ID: 2}}).Updates(map[string]any{"age": 51, "name": "Rob"}).Error)
		}, dead: two},
		"Save": {write: func(t *testing.T, db *gorm.DB) {
			var u pinned
			must(t, db.Scopes(querycache.Skip).First(&u, 2).Error)
			u.Age = 52
			must(t, db.Save(&u).Error)
		}, dead: two},
		"soft delete": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Delete(&pinned{}, 2).Error)
		}, dead: two},
		"raw update": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Exec("UPDATE pinned_people SET age = age + 1 WHERE id = 2").Error)
		}, dead: two},
		"raw update by a text": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Exec("UPDATE pinned_people SET age = age + 1 WHERE id = ?", "2").Error)
		}, dead: two},
		"create": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Create(&pinned{Name: "Fay", Age: 19}).Error)
		}},
		"create of who was missing": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Create(&pinned{Model: gorm.Model{ID: 99}, Name: "Zoe", Age: 19}).Error)
		}},
		"update of all": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Exec("UPDATE pinned_people SET age = age + 1").Error)
		}, dead: every},
		"update by another column": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Model(&pinned{}).Where("name = ?", "Dan").Update("age", 3).Error)
		}, dead: every},
		"update of the key": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Exec("UPDATE pinned_people SET id = 77 WHERE id = 4").Error)
		}, dead: every},
		"update by a number that is no integer": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Exec("UPDATE pinned_people SET age = 9 WHERE id = ?", 4.0).Error)
		}, dead: every},
		"a transaction": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Transaction(func(tx *gorm.DB) error {
				must(t, tx.Model(&pinned{}).Where("id = ?", 2).Update("age", 53).Error)
				return tx.Model(&pinned{}).Where("id IN ?", []int{4, 3}).Update("age", 54).Error
			}))
		}, dead: append([]string{"users 1 and 3", "names by raw SQL"}, two...)},
		"a rollback": {write: func(t *testing.T, db *gorm.DB) {
			_ = db.Transaction(func(tx *gorm.DB) error {
				must(t, tx.Model(&pinned{}).Where("id = ?", 2).Update("age", 53).Error)
				return errors.New("no")
			})
		}, none: true},
		"another table": {write: func(t *testing.T, db *gorm.DB) {
			must(t, db.Model(&pinnedPlace{}).Where("id = ?", 2).Update("name", "Belles").Error)
		}, none: true},
	} {
		t.Run(name, func(t *testing.T) {
			onEmpty(t, func(t *testing.T, d *testdb.Database) {
				p := open(t, d)
				must(t, p.plain.AutoMigrate(&pinned{}, &pinnedPlace{}))
				for _, n := range []string{"Amy", "Bob", "Cid", "Dan"} {
					must(t, p.plain.Create(&pinned{Name: n, Age: 30}).Error)
					must(t, p.plain.Create(&pinnedPlace{Name: n}).Error)
				}
				must(t, p.cache.Reload(t.Context()))
				for _, read := range reads {
					p.compare(t, read, 0)
				}
				c.write(t, p.cached.DB)
				dead := map[string]bool{}
				for _, n := range c.dead {
					dead[n] = true
				}
				for _, n := range lists {
					dead[n] = !c.none
				}
				for name, read := range reads {
					want := read(p.plain.DB)
					var got any
					asked := p.asks(func() { got = read(p.cached.DB) })
					same(t, got, want)
					if (asked > 0) != dead[name] {
						t.Errorf("%s: %d queries after the write, dead: %v", name, asked, dead[name])
					}
				}
			})
		})
	}
}
