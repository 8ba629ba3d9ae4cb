package difftest

import (
	"context"
	"database/sql"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// filter adds one of many conditions on users.
func filter(s *scene, d draw, tx *gorm.DB) *gorm.DB {
	fresh := func() *gorm.DB { return s.db.Session(&gorm.Session{NewDB: true}) }
	switch d.n(27) {
	case 0:
		return tx.Where("name = ?", d.name())
	case 1:
		return tx.Where(&User{Name: d.name()})
	case 2:
		return tx.Where(&User{Name: d.name(), Age: 0}, "Name", "Age")
	case 3:
		return tx.Where(map[string]any{"name": d.name(), "age": []int{20, 21, 22}})
	case 4:
		return tx.Where("name = @n AND age >= @a", map[string]any{"n": d.name(), "a": 20 + d.n(3)})
	case 5:
		return tx.Where("name = @n OR id = @i", sql.Named("n", d.name()), sql.Named("i", d.id()))
	case 6:
		return tx.Where("id IN ?", []uint{d.id(), d.id()})
	case 7:
		return tx.Where([]int64{int64(d.id()), int64(d.id())})
	case 8:
		return tx.Where("age BETWEEN ? AND ?", 20, 20+d.n(4)).Or("name = ?", d.name())
	case 9:
		return tx.Not("name = ?", d.name()).Not(map[string]any{"age": []int{20 + d.n(3)}})
	case 10:
		return tx.Where(fresh().Where("name = ?", d.name()).Or("age > ?", 22)).Where("id < ?", 6)
	case 11:
		return tx.Where("id IN (?)", fresh().Model(&Order{}).Select("user_id").Where("amount > ?", d.n(5)))
	case 12:
		return tx.Where("EXISTS (?)", fresh().Table("orders").Select("1").Where("orders.user_id = users.id AND orders.amount > ?", d.n(4)))
	case 13:
		return tx.Where("company_code IS NULL")
	case 14:
		return tx.Where(map[string]any{"company_code": nil})
	case 15:
		return tx.Where("company_code = ?", ptr(d.company()))
	case 16:
		return tx.Clauses(clause.Where{Exprs: []clause.Expression{clause.Gte{Column: "age", Value: 20 + d.n(4)}, clause.Like{Column: "name", Value: "%" + d.name()[:1] + "%"}}})
	case 17:
		return tx.Where("born < ?", epoch.AddDate(-20-d.n(3), 0, 0))
	case 18:
		return tx.Where("score > ?", sql.NullFloat64{Float64: float64(d.n(3)), Valid: d.chance(80)})
	case 19:
		return tx.Scopes(func(db *gorm.DB) *gorm.DB { return db.Where("age > ?", 19+d.n(3)) }, byFirst)
	case 20:
		return tx.Where("(name, age) IN ?", [][]any{{d.name(), 20 + d.n(4)}, {"ann", 20}})
	case 21:
		return tx.Where(clause.IN{Column: clause.PrimaryColumn, Values: []any{d.id(), int64(d.id())}})
	case 22:
		return tx.Where("users.id = ?", d.id())
	case 23:
		return tx.Where("name LIKE ?", "%"+d.name()[1:]).Limit(1 + d.n(3)).Offset(d.n(2)).Order("id")
	case 24:
		return tx.Where("1 = 0")
	case 25:
		return tx.Where(&User{Name: d.name()}).Or(&User{Age: 20 + d.n(4)})
	default:
		return tx
	}
}

// users starts a chain on users in one of the usual sessions.
func users(s *scene, d draw) *gorm.DB {
	tx := s.db
	switch d.n(12) {
	case 0:
		tx = tx.Session(&gorm.Session{SkipHooks: true})
	case 1:
		tx = tx.Session(&gorm.Session{QueryFields: true})
	case 2:
		tx = tx.Session(&gorm.Session{PrepareStmt: true})
	case 3:
		tx = tx.Unscoped()
	case 4:
		tx = tx.Session(&gorm.Session{NewDB: true})
	case 5:
		tx = tx.Select("id", "name", "deleted_at")
	case 6:
		tx = tx.Omit("Score", "born")
	case 7:
		tx = tx.WithContext(context.WithValue(s.ctx, viewer{}, "admin"))
	case 8:
		tx = tx.Distinct()
	default:
	}
	return tx
}

// used is a dest whose fields were set before.
func used() User {
	return User{Name: "before", Nick: "kept", Age: -1, Score: ptr(9.5), Born: ptr(time.Unix(0, 0)), CompanyCode: ptr("before"), Seen: 7}
}

func readOne(s *scene, d draw) {
	get := func(tx *gorm.DB, dest any, conds ...any) *gorm.DB {
		switch d.n(4) {
		case 0:
			return tx.Order("id").Take(dest, conds...)
		case 1:
			return tx.Last(dest, conds...)
		default:
			return tx.First(dest, conds...)
		}
	}
	tx := users(s, d)
	switch d.n(18) {
	case 0, 1, 2:
		var u User
		s.saw(get(tx, &u, d.id()), &u)
	case 3:
		var u User
		s.saw(get(tx, &u, "name = ?", d.name()), &u)
	case 4:
		u := User{Model: gorm.Model{ID: d.id()}}
		s.saw(get(tx, &u), &u)
	case 5:
		u := used()
		s.saw(get(filter(s, d, tx), &u), &u)
	case 6:
		u := used()
		u.ID = d.id()
		s.saw(get(tx, &u), &u)
	case 7:
		var u *User
		s.saw(get(tx, &u, d.id()), &u)
	case 8:
		u := ptr(used())
		s.saw(get(filter(s, d, tx), &u), &u)
	case 9:
		m := map[string]any{}
		s.saw(get(tx.Model(&User{}), &m, d.id()), m)
	case 10:
		m := map[string]any{"name": "before", "other": 1}
		s.saw(get(tx.Table("users").Where("id = ?", d.id()).Order("id").Session(&gorm.Session{}), m), m)
	case 11:
		var b userBrief
		s.saw(get(filter(s, d, tx.Model(&User{})), &b), &b)
	case 12:
		b := userNameAge{Name: "before", Unknown: "kept"}
		s.saw(get(tx.Model(&User{}).Where("id = ?", d.id()), &b), &b)
	case 13:
		var dest any = &User{}
		s.saw(get(tx, dest, "id = ?", d.id()), dest)
	case 14:
		var dest any = &User{}
		s.saw(get(tx, &dest, d.id()), dest)
	case 15:
		u := User{}
		s.saw(get(tx, &u, User{Name: d.name()}), &u)
	case 16:
		id := d.id()
		u := User{}
		s.saw(get(tx, &u, &id), &u)
		s.out.args = append(s.out.args, &id)
	default:
		var u User
		s.saw(get(filter(s, d, tx), &u), &u)
	}
}

func readMany(s *scene, d draw) {
	tx := s.ordered(filter(s, d, users(s, d)), d)
	if d.chance(20) {
		tx = filter(s, d, tx)
	}
	switch d.n(16) {
	case 0, 1, 2:
		var us []User
		s.saw(tx.Find(&us), us)
	case 3:
		var us []*User
		s.saw(tx.Find(&us), us)
	case 4:
		us := make([]User, 2, 5)
		us[0], us[1] = used(), used()
		backing := us[:5]
		s.saw(tx.Find(&us), us, backing)
	case 5:
		us := make([]*User, 1, 8)
		us[0] = ptr(used())
		old := us[0]
		s.saw(tx.Find(&us), us, old)
	case 6:
		var us [3]User
		us[2] = used()
		s.saw(tx.Find(&us), us)
	case 7:
		var us [2]*User
		s.saw(tx.Find(&us), us)
	case 8:
		var ms []map[string]any
		s.saw(tx.Model(&User{}).Find(&ms), ms)
	case 9:
		ms := []map[string]any{{"before": 1}}
		s.saw(tx.Table("users").Find(&ms), ms)
	case 10:
		var bs []userBrief
		s.saw(tx.Model(&User{}).Find(&bs), bs)
	case 11:
		bs := []*userNameAge{{Name: "before"}}
		s.saw(tx.Model(&User{}).Find(&bs), bs)
	case 12:
		u := used()
		s.saw(tx.Find(&u), &u)
	case 13:
		us := []User{}
		var dest any = &us
		s.saw(tx.Find(dest), us)
	case 14:
		us := ptr([]User(nil))
		s.saw(tx.Find(&us), us)
	default:
		var us []User
		s.saw(tx.Find(&us, []uint{d.id(), d.id()}), us)
	}
}

func readCount(s *scene, d draw) {
	var n int64 = -1
	tx := filter(s, d, users(s, d).Model(&User{}))
	switch d.n(5) {
	case 0:
		s.saw(tx.Distinct("name").Count(&n), n)
	case 1:
		s.saw(s.db.Table("users").Where("age > ?", 20+d.n(3)).Count(&n), n)
	case 2:
		s.saw(s.db.Model(&User{}).Group("name").Count(&n), n)
	case 3:
		s.saw(s.db.Model(&User{}).Joins("Company").Where("users.age > ?", 20).Count(&n), n)
	default:
		s.saw(tx.Count(&n), n)
	}
}

func readPluck(s *scene, d draw) {
	tx := s.ordered(filter(s, d, s.db.Model(&User{})), d)
	switch d.n(9) {
	case 0:
		var v []string
		s.saw(tx.Pluck("name", &v), v)
	case 1:
		v := []int64{1, 2, 3}
		s.saw(tx.Pluck("age", &v), v)
	case 2:
		var v []*float64
		s.saw(tx.Pluck("score", &v), v)
	case 3:
		var v []sql.NullString
		s.saw(tx.Pluck("company_code", &v), v)
	case 4:
		var v []any
		s.saw(tx.Pluck("created_at", &v), v)
	case 5:
		var v []time.Time
		s.saw(tx.Pluck("updated_at", &v), v)
	case 6:
		var v []*time.Time
		s.saw(tx.Pluck("born", &v), v)
	case 7:
		var v []string
		s.saw(tx.Pluck("name", &v).Limit(1).Pluck("nick", &v), v)
	default:
		var v [][]byte
		s.saw(s.db.Model(&Profile{}).Order("id").Pluck("photo", &v), v)
	}
}

func readBatches(s *scene, d draw) {
	var us []User
	var seen []any
	tx := filter(s, d, s.db).FindInBatches(&us, 1+d.n(3), func(tx *gorm.DB, batch int) error {
		copied := append([]User(nil), us...)
		seen = append(seen, batch, tx.RowsAffected, copied)
		if batch == 3 {
			return errUndone
		}
		return nil
	})
	s.saw(tx, seen...)
}
