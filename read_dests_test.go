package querycache_test

import (
	"database/sql"
	"testing"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// smallUser has some of User's columns, in another order and with one that is not a column.
type smallUser struct {
	Age   uint
	Name  string
	Extra []string `gorm:"-"`
}

// pointers has them behind pointers, as programs do that tell NULL from zero.
type pointers struct {
	ID        *uint
	Name      *string
	CompanyID *int
	Birthday  *sql.NullTime
	DeletedAt *gorm.DeletedAt
}

var dests = readings{
	"slice of pointers":  func(db *gorm.DB) any { var us []*User; return tell(db.Order("id").Find(&us), &us) },
	"pointer to pointer": func(db *gorm.DB) any { var u *User; return tell(db.First(&u, 2), &u) },
	"pointer to pointer that is set": func(db *gorm.DB) any {
		u := &User{Name: "there"}
		was := u
		return tell(db.First(&u, 2), &u, was, was == u)
	},
	"pointer to pointer to pointer": func(db *gorm.DB) any { var u **User; return tell(db.First(&u, 2), &u) },
	"pointer to pointer to slice":   func(db *gorm.DB) any { var us *[]User; return tell(db.Order("id").Find(&us), &us) },
	"pointer to pointer to a slice that is set": func(db *gorm.DB) any {
		us := &[]User{{Name: "there"}}
		return tell(db.Order("id").Find(&us), us)
	},
	"array":             func(db *gorm.DB) any { var us [3]User; return tell(db.Order("id").Find(&us), &us) },
	"array of pointers": func(db *gorm.DB) any { var us [5]*User; return tell(db.Order("id").Find(&us), &us) },
	"array that is too small": func(db *gorm.DB) any {
		us := [2]User{{Name: "there"}}
		return tell(db.Order("id").Find(&us), &us)
	},
	"array with values, nothing found": func(db *gorm.DB) any {
		us := [2]User{{Name: "there"}}
		return tell(db.Find(&us, "age > 100"), &us)
	},
	"smaller struct":            func(db *gorm.DB) any { var u smallUser; return tell(db.Model(&User{}).First(&u), &u) },
	"smaller structs":           func(db *gorm.DB) any { var us []smallUser; return tell(db.Model(&User{}).Order("id").Find(&us), &us) },
	"smaller structs by Scan":   func(db *gorm.DB) any { var us []smallUser; return tell(db.Model(&User{}).Order("id").Scan(&us), &us) },
	"smaller structs by a name": func(db *gorm.DB) any { var us []smallUser; return tell(db.Table("users").Order("id").Find(&us), &us) },
	"anonymous struct": func(db *gorm.DB) any {
		var us []struct{ Name, Number string }
		return tell(db.Model(&User{}).Select("users.name, accounts.number").Joins("LEFT JOIN accounts ON accounts.user_id = users.id").Where("accounts.id > 0").Order("users.id").Find(&us), &us)
	},
	"fields that are pointers": func(db *gorm.DB) any {
		var us []pointers
		return tell(db.Model(&User{}).Unscoped().Order("id").Find(&us), &us)
	},
	"map":            func(db *gorm.DB) any { m := map[string]any{}; return tell(db.Model(&User{}).First(m, 2), m) },
	"pointer to map": func(db *gorm.DB) any { var m map[string]any; return tell(db.Model(&User{}).Take(&m, 2), &m) },
	"map with entries": func(db *gorm.DB) any {
		m := map[string]any{"name": 1, "other": "stays"}
		return tell(db.Model(&User{}).Take(m, 2), m)
	},
	"maps": func(db *gorm.DB) any {
		var ms []map[string]any
		return tell(db.Model(&User{}).Order("id").Find(&ms), &ms)
	},
	"maps behind others": func(db *gorm.DB) any {
		ms := []map[string]any{{"first": true}}
		return tell(db.Model(&User{}).Order("id").Find(&ms), &ms)
	},
	"maps by a name": func(db *gorm.DB) any {
		var ms []map[string]any
		return tell(db.Table("users").Order("id").Find(&ms), &ms)
	},
	"maps by Scan": func(db *gorm.DB) any {
		var ms []map[string]any
		return tell(db.Raw("SELECT * FROM users ORDER BY id").Scan(&ms), &ms)
	},
	"map by Scan": func(db *gorm.DB) any {
		m := map[string]any{}
		return tell(db.Raw("SELECT * FROM users WHERE id = 1").Scan(&m), m)
	},
	"any that holds a struct": func(db *gorm.DB) any {
		var dest any = &User{}
		return tell(db.First(dest, 2), dest)
	},
	"anys by Pluck": func(db *gorm.DB) any {
		var v []any
		return tell(db.Model(&User{}).Order("id").Pluck("birthday", &v), &v)
	},
	"preallocated slice": func(db *gorm.DB) any {
		us := make([]User, 0, 7)
		was := us[:1]
		return tell(db.Order("id").Find(&us), &us, cap(us), &was[0] == &us[0])
	},
	"preallocated slice that is too small": func(db *gorm.DB) any {
		us := make([]User, 0, 1)
		return tell(db.Order("id").Find(&us), &us, len(us))
	},
	"slice with values": func(db *gorm.DB) any {
		us := []User{{Name: "a", Age: 1}, {Name: "b", Age: 2}, {Name: "c", Pets: []*Pet{{Name: "x"}}}, {}, {}, {Name: "f"}}
		tx := db.Select("id").Where("age > 40").Order("id").Session(&gorm.Session{}).Find(&us)
		return tell(tx, &us, us[:cap(us)])
	},
	"slice of pointers with values": func(db *gorm.DB) any {
		us := []*User{{Name: "a"}, {Name: "b"}}
		was := us[0]
		return tell(db.Where("age > 40").Order("id").Find(&us), &us, was)
	},
	"slice with values, nothing found": func(db *gorm.DB) any {
		us := []User{{Name: "a"}}
		return tell(db.Find(&us, "age > 100"), &us, us == nil, us[:1])
	},
	"empty slice, nothing found": func(db *gorm.DB) any { us := []User{}; return tell(db.Find(&us, "age > 100"), &us, us == nil, cap(us)) },
	"struct with values": func(db *gorm.DB) any {
		u := User{Name: "old", Pets: []*Pet{{Name: "own"}}}
		return tell(db.First(&u, 2), &u)
	},
	"struct with values that are not selected": func(db *gorm.DB) any {
		u := User{Age: 7, Company: Company{Name: "own"}}
		return tell(db.Select("name").Where("name = 'Bob'").Take(&u), &u)
	},
	"struct with its key set":          func(db *gorm.DB) any { u := User{Model: gorm.Model{ID: 2}}; return tell(db.First(&u), &u) },
	"struct with another key set":      func(db *gorm.DB) any { u := User{Model: gorm.Model{ID: 3}}; return tell(db.Find(&u), &u) },
	"struct with a key that is not it": func(db *gorm.DB) any { u := User{Model: gorm.Model{ID: 3}}; return tell(db.First(&u, 2), &u) },
	"pointer to pointer, key set":      func(db *gorm.DB) any { u := &User{Model: gorm.Model{ID: 3}}; return tell(db.First(&u), &u) },
	"int":                              func(db *gorm.DB) any { var n int; return tell(db.Model(&User{}).Select("MAX(age)").Scan(&n), &n) },
	"pointer to int":                   func(db *gorm.DB) any { var n *int; return tell(db.Model(&User{}).Select("MAX(age)").Scan(&n), &n) },
	"pointer to int of NULL": func(db *gorm.DB) any {
		n := new(int)
		return tell(db.Model(&User{}).Where("age > 100").Select("MAX(age)").Scan(&n), &n)
	},
	"sql.NullInt64": func(db *gorm.DB) any {
		var n sql.NullInt64
		return tell(db.Model(&User{}).Where("age > 100").Select("MAX(age)").Scan(&n), &n)
	},
	"string by Find": func(db *gorm.DB) any {
		var s string
		return tell(db.Model(&User{}).Select("name").Where("id = 2").Find(&s), &s)
	},
	"strings by Find": func(db *gorm.DB) any {
		s := []string{"old"}
		return tell(db.Model(&User{}).Select("name").Order("id").Find(&s), &s)
	},
	"bytes by Pluck": func(db *gorm.DB) any {
		var b [][]byte
		return tell(db.Model(&User{}).Order("id").Pluck("name", &b), &b)
	},
	"bools": func(db *gorm.DB) any {
		var b []bool
		return tell(db.Model(&User{}).Order("id").Pluck("active", &b), &b)
	},
	"floats": func(db *gorm.DB) any {
		var f []float64
		return tell(db.Model(&User{}).Order("id").Pluck("age", &f), &f)
	},
}

func TestEveryDestinationIsFilledAsByGORM(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) { dests.allHit(t, d) })
}

// The same text into other destinations must not share what only one of them can hold.
func TestDestinationsOfOneTextDoNotMix(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		all := []reading{
			func(db *gorm.DB) any {
				var us []User
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&us), &us)
			},
			func(db *gorm.DB) any {
				var us []*User
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&us), &us)
			},
			func(db *gorm.DB) any {
				var us []smallUser
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&us), &us)
			},
			func(db *gorm.DB) any { var u User; return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&u), &u) },
			func(db *gorm.DB) any {
				var us [2]User
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&us), &us)
			},
			func(db *gorm.DB) any {
				var us [4]User
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&us), &us)
			},
			func(db *gorm.DB) any { var u User; return tell(db.Raw("SELECT * FROM users ORDER BY id").Scan(&u), &u) },
			func(db *gorm.DB) any {
				var us []User
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Scan(&us), &us)
			},
			func(db *gorm.DB) any {
				m := map[string]any{}
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&m), m)
			},
			func(db *gorm.DB) any {
				var ms []map[string]any
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&ms), ms)
			},
			func(db *gorm.DB) any { return iterate(db.Raw("SELECT * FROM users ORDER BY id").Rows()) },
			func(db *gorm.DB) any {
				var cs []Company
				return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&cs), cs)
			},
		}
		for range 2 {
			for i, read := range all {
				if diff := testdb.Equal(read(p.cached.DB), read(p.plain.DB)); diff != "" {
					t.Errorf("reading %d:\n%s", i, diff)
				}
			}
		}
	})
}
