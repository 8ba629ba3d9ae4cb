package difftest

import (
	"context"
	"database/sql"
	"math"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

func readEverything(s *scene, d draw) {
	tx := s.db
	if d.chance(30) {
		tx = tx.WithContext(context.WithValue(s.ctx, viewer{}, "admin"))
	}
	id := 1 + d.n(6)
	switch d.n(16) {
	case 0, 1:
		var e Everything
		s.saw(tx.First(&e, id), &e)
	case 2:
		e := everything(2)
		s.saw(tx.Where("kind = ?", pick(d, "k0", "k1", "k9")).Take(e), e)
	case 3:
		var es []Everything
		s.saw(tx.Order("id").Find(&es), es)
	case 4:
		es := []*Everything{everything(2), everything(1)}
		s.saw(tx.Where("kind = ?", pick(d, "k0", "k1", "k2")).Order("id").Find(&es), es)
	case 5:
		m := map[string]any{}
		s.saw(tx.Model(&Everything{}).Where("id = ?", id).Take(&m), m)
	case 6:
		var ms []map[string]any
		s.saw(tx.Table("everythings").Where("id > ?", d.n(3)).Order("id").Find(&ms), ms)
	case 7:
		var v struct {
			ID      int64
			JSONMap map[string]any `gorm:"serializer:json"`
			Labels  Labels
			Amount  *Amount
			NTime   time.Time
		}
		s.saw(tx.Model(&Everything{}).Where("id = ?", 1+d.n(3)).Scan(&v), &v)
	case 8:
		var v []Amount
		s.saw(tx.Model(&Everything{}).Order("id").Pluck("amount", &v), v)
	case 9:
		var v []Labels
		s.saw(tx.Model(&Everything{}).Order("id").Pluck("labels", &v), v)
	case 10:
		e := Everything{Address: Address{Zip: ptr("old")}, Extra: &Extra{Count: 5}, Labels: Labels{"old"}, JSONMap: map[string]any{"old": 1}}
		s.saw(tx.Select("id", "kind", "addr_street", "labels").First(&e, id), &e)
	case 11:
		b := []byte{0, byte(d.n(4)), 0xff}
		var es []Everything
		s.saw(tx.Where(&Everything{Bytes: b}).Order("id").Find(&es), es)
		s.out.args = append(s.out.args, b)
	case 12:
		var es []Everything
		tx = tx.Where("id <= ?", 4)
		switch d.n(5) {
		case 0:
			tx = tx.Where(&Everything{Float64: math.Copysign(0, -1), Int: -d.n(3)})
		case 1:
			tx = tx.Where(&Everything{NStr: sql.NullString{Valid: true}})
		case 2:
			tx = tx.Where(map[string]any{"uuid": uuidOf(d.n(4))})
		case 3:
			tx = tx.Where(&Everything{Time: epoch.Add(time.Duration(d.n(4)) * time.Hour).In(time.FixedZone("X", 3600*d.n(3)))})
		default:
			tx = tx.Where("colour = ?", Colour{uint8(d.n(4)), 2, 3})
		}
		s.saw(tx.Order("id").Find(&es), es)
	case 13:
		e := ptr(everything(5))
		s.saw(tx.Omit("JSONMap", "raw").First(e, "kind = ?", "k1"), e)
	case 14:
		var v [2]Everything
		s.saw(tx.Order("id").Limit(1+d.n(3)).Find(&v), v)
	default:
		v, err := gorm.G[Everything](tx).Where("id >= ?", id).Order("id").Find(tx.Statement.Context)
		s.sawValues(v, err)
	}
}

// readKeys reads models whose keys are not numbers.
func readKeys(s *scene, d draw) {
	switch d.n(14) {
	case 0:
		var c Company
		s.saw(s.db.First(&c, "code = ?", d.company()), &c)
	case 1:
		c := Company{Code: d.company()}
		s.saw(s.db.First(&c), &c)
	case 2:
		var l Language
		s.saw(s.db.Preload("Users", byFirst).Take(&l, "code = ?", d.language()), &l)
	case 3:
		id := []byte{byte(d.n(5)), 0, 0xfe}
		tok := Token{ID: id}
		s.saw(s.db.First(&tok), &tok)
		s.out.args = append(s.out.args, id)
	case 4:
		var ts []Token
		ids := [][]byte{{byte(d.n(5)), 0, 0xfe}, {1, 0, 0xfe}}
		s.saw(s.db.Order("id").Find(&ts, "id IN ?", ids), ts)
		s.out.args = append(s.out.args, ids)
	case 5:
		var dev Device
		s.saw(s.db.First(&dev, "id = ?", uuidOf(d.n(5))), &dev)
	case 6:
		dev := Device{ID: uuidOf(d.n(5))}
		s.saw(s.db.Take(&dev), &dev)
	case 7:
		var it Item
		s.saw(s.db.First(&it, "order_id = ? AND line = ?", d.id(), 1+d.n(3)), &it)
	case 8:
		it := Item{OrderID: d.id(), Line: 1 + d.n(2)}
		s.saw(s.db.First(&it), &it)
	case 9:
		var its []Item
		s.saw(s.db.Where("(order_id, line) IN ?", [][]any{{d.id(), 1}, {d.id(), 2}}).Order("order_id, line").Find(&its), its)
	case 10:
		var toys []Toy
		s.saw(s.db.Where("owner_type = ?", pick(d, "users", "profiles")).Order("id").Find(&toys), toys)
	case 11:
		var c Company
		s.saw(s.db.First(&c, d.n(2)), &c) // a number for a text key
	case 12:
		var ps []Profile
		s.saw(s.db.Where("user_id = ?", ptr(d.id())).Or("user_id IS NULL").Order("id").Find(&ps), ps)
	default:
		var l Language
		s.saw(s.db.First(&l, pick(d, "DE", "de", "de ")), &l)
	}
}

func readPreload(s *scene, d draw) {
	tx := s.ordered(s.db, d)
	if d.chance(60) {
		tx = tx.Where("users.id <= ?", 2+d.n(4))
	}
	var us []User
	switch d.n(17) {
	case 0:
		s.saw(tx.Preload("Company").Find(&us), us)
	case 1:
		s.saw(tx.Preload("Orders", byFirst).Preload("Orders.Items", byFirst).Find(&us), us)
	case 2:
		s.saw(tx.Preload("Languages", byFirst).Find(&us), us)
	case 3:
		s.saw(tx.Preload("Toys", byFirst).Preload("Profile").Find(&us), us)
	case 4:
		s.saw(tx.Preload("Manager.Company").Preload("Team", byFirst).Preload("Team.Profile").Find(&us), us)
	case 5:
		s.saw(tx.Preload(clause.Associations, byFirst).Find(&us), us)
	case 6:
		s.saw(tx.Preload("Orders", "amount > ?", d.n(4), byFirst).Find(&us), us)
	case 7:
		s.saw(tx.Preload("Orders", func(db *gorm.DB) *gorm.DB { return db.Order("amount DESC, id").Limit(3) }).Find(&us), us)
	case 8:
		var u User
		s.saw(s.db.Preload("Orders.Items", byFirst).Preload("Languages", byFirst).First(&u, d.id()), &u)
	case 9:
		u := used()
		u.Orders, u.Company = []Order{{ID: 99}}, &Company{Code: "old"}
		s.saw(s.db.Preload("Orders", byFirst).Preload("Company").First(&u, d.id()), &u)
	case 10:
		var os []Order
		s.saw(s.db.Preload("User.Company").Preload("Items", byFirst).Order("id").Limit(1+d.n(4)).Find(&os), os)
	case 11:
		var cs []Company
		s.saw(s.db.Preload("Users", func(db *gorm.DB) *gorm.DB { return db.Unscoped().Order("id") }).Preload("Users.Profile.Toys", byFirst).Order("code").Find(&cs), cs)
	case 12:
		var ls []Language
		s.saw(s.db.Preload("Users.Orders", byFirst).Order("code").Find(&ls), ls)
	case 13:
		s.saw(s.db.Joins("Company").Joins("Profile").Preload("Profile.Toys", byFirst).Order("users.id").Find(&us), us)
	case 14:
		s.saw(s.db.Preload("Nothing").Find(&us), us)
	case 15:
		var its []Item
		s.saw(s.db.Preload("Order.User").Where("order_id <= ?", 1+d.n(3)).Order("order_id, line").Find(&its), its)
	default:
		s.saw(tx.Session(&gorm.Session{SkipHooks: true}).Preload("Orders", byFirst).Find(&us), us)
	}
}

func readJoins(s *scene, d draw) {
	tx := s.db.Order("users.id")
	var us []User
	switch d.n(14) {
	case 0:
		s.saw(tx.Joins("Company").Find(&us), us)
	case 1:
		s.saw(tx.InnerJoins("Company").Joins("Manager").Find(&us), us)
	case 2:
		s.saw(tx.Joins("Manager.Company").Find(&us), us)
	case 3:
		s.saw(tx.Joins("Company", s.db.Where(&Company{Name: pick(d, "Acme", "Blue")})).Find(&us), us)
	case 4:
		s.saw(tx.Joins("JOIN orders ON orders.user_id = users.id AND orders.amount > ?", d.n(4)).Find(&us), us)
	case 5:
		var u User
		s.saw(s.db.Joins("Profile").Joins("Company").First(&u, d.id()), &u)
	case 6:
		u := used()
		u.Company = &Company{Name: "old"}
		s.saw(s.db.Joins("Company").Where("users.id = ?", d.id()).Take(&u), &u)
	case 7:
		s.saw(tx.Joins("Manager", s.db.Select("name")).Where("users.age > ?", 20+d.n(3)).Find(&us), us)
	case 8:
		var ms []map[string]any
		s.saw(s.db.Model(&User{}).Select("users.name, companies.name AS company").Joins("LEFT JOIN companies ON companies.code = users.company_code").Order("users.id").Find(&ms), ms)
	case 9:
		var os []Order
		s.saw(s.db.Joins("User").Where("orders.amount >= ?", d.n(3)).Order("orders.id").Find(&os), os)
	case 10:
		var os []*Order
		s.saw(s.db.Joins("User.Company").Preload("User.Toys", byFirst).Order("orders.id").Find(&os), os)
	case 11:
		var its []Item
		s.saw(s.db.Joins("Order").Order("items.order_id, items.line").Limit(3).Find(&its), its)
	case 12:
		s.saw(tx.Joins("Company").Preload(clause.Associations, byFirst).Limit(1+d.n(3)).Find(&us), us)
	default:
		s.saw(tx.Joins("LEFT JOIN (?) t ON t.user_id = users.id", s.db.Model(&Order{}).Select("user_id, count(*) AS n").Group("user_id")).Where("t.n > ?", d.n(2)).Find(&us), us)
	}
}

func readGenerics(s *scene, d draw) {
	g := gorm.G[User](s.db)
	switch d.n(9) {
	case 0:
		u, err := g.Where("id = ?", d.id()).First(s.ctx)
		s.sawValues(u, err)
	case 1:
		us, err := g.Where("age > ?", 20+d.n(3)).Order("id").Find(s.ctx)
		s.sawValues(us, err)
	case 2:
		n, err := g.Where("name = ?", d.name()).Count(s.ctx, "id")
		s.sawValues(n, err)
	case 3:
		us, err := g.Preload("Orders", func(db gorm.PreloadBuilder) error { db.Order("id"); return nil }).Order("id").Limit(3).Find(s.ctx)
		s.sawValues(us, err)
	case 4:
		var v []userBrief
		err := g.Where("name <> ?", d.name()).Order("id").Scan(s.ctx, &v)
		s.sawValues(v, err)
	case 5:
		u, err := g.Where("name = ?", d.name()).Last(s.ctx)
		s.sawValues(u, err)
	case 6:
		v, err := gorm.G[nameCount](s.db).Raw("SELECT name, count(*) AS count FROM users GROUP BY name ORDER BY 1").Find(s.ctx)
		s.sawValues(v, err)
	case 7:
		var seen []any
		err := g.Order("id").FindInBatches(s.ctx, 2, func(us []User, batch int) error {
			seen = append(seen, batch, append([]User(nil), us...))
			return nil
		})
		s.sawValues(seen, err)
	default:
		us, err := g.Joins(clause.LeftJoin.Association("Company"), func(db gorm.JoinBuilder, _, _ clause.Table) error {
			db.Where("code <> ?", "ibm")
			return nil
		}).Order("users.id").Find(s.ctx)
		s.sawValues(us, err)
	}
}

// readFailing makes the mistakes that programs make.
func readFailing(s *scene, d draw) {
	cancelled, cancel := context.WithCancel(s.ctx)
	cancel()
	switch d.n(15) {
	case 0:
		var us []User
		s.saw(s.db.Table("missing").Find(&us), us)
	case 1:
		var us []User
		s.saw(s.db.WithContext(cancelled).Where("age > ?", 20+d.n(2)).Order("id").Find(&us), us)
	case 2:
		var u User
		s.saw(s.db.WithContext(cancelled).First(&u, d.id()), &u)
	case 3:
		var u *User
		s.saw(s.db.First(u, 1), u)
	case 4:
		s.saw(s.db.Model(&User{}).Where("id = ?", d.id()).Find(nil))
	case 5:
		var n int
		s.saw(s.db.Model(&User{}).Find(&n), n)
	case 6:
		var u User
		s.saw(s.db.Where("no_such_column = ?", 1).First(&u), &u)
	case 7:
		var u User
		s.saw(s.db.First(&u, 1000+d.n(2)), &u)
	case 8:
		var v []int
		s.saw(s.db.Model(&User{}).Order("id").Pluck("name", &v), v)
	case 9:
		var n int64
		s.saw(s.db.Table("missing").Count(&n), n)
	case 10:
		s.saw(s.db.Find(User{}))
	case 11:
		var c chan int
		s.saw(s.db.Model(&User{}).Find(&c))
	case 12:
		rows, err := s.db.Model(&User{}).WithContext(cancelled).Rows()
		s.sawValues(rows == nil, err)
	case 13:
		var es []struct{ Kind int }
		s.saw(s.db.Model(&Everything{}).Select("kind").Order("id").Find(&es), es)
	default:
		tx := s.db.Where("age > ?", 20)
		_ = tx.AddError(errUndone)
		var us []User
		s.saw(tx.Find(&us), us)
	}
}
