package difftest

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Reads of this file come in groups: the seeds of one group make one query, and differ in what must not be forgotten beside
// it: the dest, its state, the context, the session, the types of arguments.

const variants = 13

// query returns one of a few chains on users, the same for all variants of a group. Chains of the later groups find nothing.
func query(s *scene, group uint64) *gorm.DB {
	d := newDraw("group", group)
	tx := s.db.Session(&gorm.Session{})
	switch group % 5 {
	case 0:
		return tx.Where("users.id = ?", 1+d.n(6))
	case 1:
		return tx.Where("name = ?", d.name())
	case 2:
		return tx.Select("id", "name", "age").Where("age >= ?", 20+d.n(3))
	case 3:
		return tx.Where("name = ?", "nobody")
	default:
		return tx.Where(map[string]any{"company_code": d.company()})
	}
}

func readVariant(s *scene, d draw) {
	tx := query(s, d.seed/variants).Session(&gorm.Session{})
	switch d.seed % variants {
	case 0:
		var u User
		s.saw(tx.First(&u), &u)
	case 1:
		u := used()
		s.saw(tx.First(&u), &u)
	case 2:
		u := User{Seen: 3, Orders: []Order{{ID: 7}}, Company: &Company{Code: "x"}}
		s.saw(tx.First(&u), &u)
	case 3:
		var u User
		s.saw(tx.Order("users.id").Limit(1).Find(&u), &u)
	case 4:
		var u *User
		s.saw(tx.First(&u), &u)
	case 5:
		m := map[string]any{}
		s.saw(tx.Model(&User{}).First(&m), m)
	case 6:
		var u User
		s.saw(tx.Session(&gorm.Session{SkipHooks: true}).First(&u), &u)
	case 7:
		var us []User
		s.saw(tx.Order("users.id").Limit(1).Find(&us), us)
	case 8:
		us := make([]User, 1, 3)
		us[0] = used()
		s.saw(tx.Order("users.id").Limit(1).Find(&us), us, us[:3])
	case 9:
		var us [2]User
		us[1] = used()
		s.saw(tx.Order("users.id").Limit(1).Find(&us), us)
	case 10:
		u := &User{Nick: "kept"}
		s.saw(tx.Table("users").Order("users.id").Limit(1).Find(u), u)
	case 11:
		if s.db.PrepareStmt {
			return // GORM renames columns in the driver's own slice, which a prepared statement keeps
		}
		var u User
		s.saw(tx.MapColumns(map[string]string{"name": "nick", "nick": "name"}).First(&u), &u)
	default:
		var us []*User
		s.saw(tx.Order("users.id").Limit(1).Find(&us), us)
	}
}

const viewers = 4

// readAsViewer reads what a serializer shows to some only.
func readAsViewer(s *scene, d draw) {
	tx := s.db
	if d.seed%2 == 1 {
		tx = tx.WithContext(context.WithValue(s.ctx, viewer{}, "admin"))
	}
	id := 1 + d.seed/viewers%6
	if d.seed%viewers < 2 {
		var e Everything
		s.saw(tx.First(&e, id), &e)
		return
	}
	var es []Everything
	s.saw(tx.Where("id = ?", id).Find(&es), es)
}

// alike are arguments that are easily taken for one another, in groups.
var alike = [][]any{
	{1, "1"}, {"1", 1}, {int64(1), 1.0}, {true, "1"},
	{"a b", "c"}, {"a", "b c"}, {"a' b", "c"}, {"a", "b' c"},
	{"", nil}, {nil, ""}, {"<nil>", ""}, {[]byte{}, nil},
	{epoch, 1}, {epoch.In(time.FixedZone("X", 3600)), 1}, {epoch.Add(1000), 1}, {epoch.In(time.FixedZone("Y", 3600)), 1},
	{[]byte("1"), uint8(1)}, {"1", uint8(1)}, {"[49]", uint8(1)}, {ptr("1"), ptr(uint8(1))},
}

func readArgs(s *scene, d draw) {
	if s.dialect == testdb.Postgres {
		return // would have to be told the types
	}
	args := alike[d.seed%uint64(len(alike))]
	var ms []map[string]any
	s.saw(s.db.Raw("SELECT ? AS a, ? AS b", args...).Scan(&ms), ms)
	var v struct{ A, B *string }
	s.saw(s.db.Raw("SELECT ? AS a, ? AS b", args...).First(&v), &v)
	var us []User
	s.saw(s.db.Where("age = 20 OR name = ? OR nick = ?", args...).Order("id").Find(&us), us)
}
