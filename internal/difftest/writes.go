package difftest

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

func writeCreate(s *scene, d draw) {
	number := func() string { return fmt.Sprint("N", d.n(1000)) }
	switch d.n(15) {
	case 0:
		u := User{Name: d.name(), Age: 20 + d.n(5)}
		s.saw(s.db.Create(&u), &u)
	case 1:
		u := User{Model: gorm.Model{ID: d.id()}, Name: d.name()}
		s.saw(s.db.Create(&u), &u)
	case 2:
		us := []User{{Name: d.name()}, {Name: d.name(), Nick: "n"}}
		s.saw(s.db.Create(&us), us)
	case 3:
		u := User{Name: d.name(), CompanyCode: ptr(d.company()), Orders: []Order{{Number: number(), Items: []Item{{Line: 1}}}}, Languages: []Language{{Code: d.language(), Name: "new"}}}
		s.saw(s.db.Create(&u), &u)
	case 4:
		s.saw(s.db.Model(&User{}).Create(map[string]any{"Name": d.name(), "Age": 20 + d.n(3)}))
	case 5:
		s.saw(s.db.Model(&User{}).Create([]map[string]any{{"name": d.name()}, {"name": d.name(), "age": 3}}))
	case 6:
		u := User{Name: "refused"}
		s.saw(s.db.Create(&u), &u)
	case 7:
		us := []*User{{Name: d.name()}, {Name: d.name()}, {Name: d.name()}}
		s.saw(s.db.CreateInBatches(us, 2), us)
	case 8:
		o := Order{Number: number(), UserID: ptr(d.id()), Amount: float64(d.n(9)), Items: []Item{{Line: 1, Product: "c"}}}
		s.saw(s.db.Create(&o), &o)
	case 9:
		it := Item{OrderID: d.id(), Line: 1 + d.n(5), Product: "i", Meta: map[string]string{"a": "b"}}
		s.saw(s.db.Create(&it), &it)
	case 10:
		e := everything(d.n(12))
		e.ID = int64(1 + d.n(9))
		s.saw(s.db.Create(e), e)
	case 11:
		c := Company{Code: d.company(), Name: "created"}
		s.saw(s.db.Create(&c), &c)
	case 12:
		tok := Token{ID: []byte{byte(d.n(6)), 0, 0xfe}, Text: "new"}
		s.saw(s.db.Create(&tok), &tok)
	case 13:
		dev := Device{ID: uuidOf(d.n(6)), Name: "new"}
		s.saw(s.db.Create(&dev), &dev)
	default:
		u := User{Name: d.name(), Profile: Profile{Bio: "made", Toys: []Toy{{Name: "own"}}}, Toys: []*Toy{{Name: "made"}}}
		s.saw(s.db.Omit("Toys").Create(&u), &u)
	}
}

func writeSave(s *scene, d draw) {
	switch d.n(8) {
	case 0:
		var u User
		if s.failed(s.db.First(&u, d.id()), &u) {
			return
		}
		u.Age++
		s.saw(s.db.Save(&u), &u)
	case 1:
		u := User{Model: gorm.Model{ID: d.id()}, Name: d.name(), Age: 20 + d.n(4)}
		s.saw(s.db.Save(&u), &u)
	case 2:
		us := []User{{Model: gorm.Model{ID: d.id()}, Name: "saved"}, {Name: "saved too"}}
		s.saw(s.db.Save(&us), us)
	case 3:
		var e Everything
		if s.failed(s.db.First(&e, 1+d.n(6)), &e) {
			return
		}
		e.Int++
		e.Labels = append(e.Labels, "more")
		s.saw(s.db.Save(&e), &e)
	case 4:
		var u User
		if s.failed(s.db.Preload("Orders", byFirst).First(&u, d.id()), &u) {
			return
		}
		for i := range u.Orders {
			u.Orders[i].Amount += 0.5
		}
		s.saw(s.db.Session(&gorm.Session{FullSaveAssociations: true}).Save(&u), &u)
	case 5:
		it := Item{OrderID: d.id(), Line: 1 + d.n(3), Product: "saved", Qty: d.n(9)}
		s.saw(s.db.Save(&it), &it)
	case 6:
		l := Language{Code: d.language(), Name: fmt.Sprint("saved ", d.n(9))}
		s.saw(s.db.Save(&l), &l)
	default:
		tok := Token{ID: []byte{byte(d.n(6)), 0, 0xfe}, Text: fmt.Sprint("saved ", d.n(9))}
		s.saw(s.db.Save(&tok), &tok)
	}
}

func writeUpdate(s *scene, d draw) {
	switch d.n(20) {
	case 0:
		s.saw(s.db.Model(&User{}).Where("id = ?", d.id()).Update("name", d.name()))
	case 1:
		u := User{Model: gorm.Model{ID: d.id()}}
		s.saw(s.db.Model(&u).Update("age", 20+d.n(6)), &u)
	case 2:
		u := User{Model: gorm.Model{ID: d.id()}}
		s.saw(s.db.Model(&u).Updates(User{Name: d.name(), Age: pick(d, 21, 66)}), &u)
	case 3:
		s.saw(s.db.Model(&User{}).Where("id IN ?", []uint{d.id(), d.id()}).Updates(map[string]any{"age": gorm.Expr("age + ?", 1), "nick": ""}))
	case 4:
		s.saw(s.db.Model(&User{}).Where("name = ?", d.name()).UpdateColumn("age", gorm.Expr("age * ?", 1)))
	case 5:
		u := User{Model: gorm.Model{ID: d.id()}}
		s.saw(s.db.Model(&u).UpdateColumns(map[string]any{"score": 1.5, "born": nil}), &u)
	case 6:
		s.saw(filter(s, d, s.db.Model(&User{})).Updates(map[string]any{"nick": "filtered"}))
	case 7:
		s.saw(s.db.Model(&User{}).Update("age", 1)) // refused: no condition
	case 8:
		s.saw(s.db.Session(&gorm.Session{AllowGlobalUpdate: true}).Model(&Order{}).Update("amount", gorm.Expr("amount + 1")))
	case 9:
		u := User{Model: gorm.Model{ID: d.id()}, Name: "selected", Age: 50, Nick: "n"}
		s.saw(s.db.Select("Name", "Nick").Updates(&u), &u)
	case 10:
		s.saw(s.db.Model(&Order{}).Where("user_id = ?", d.id()).Update("amount", s.db.Model(&Item{}).Select("coalesce(sum(qty), 0)").Where("items.order_id = orders.id")))
	case 11:
		s.saw(s.db.Table("users").Where("id = ?", d.id()).Update("nick", "by table"))
	case 12:
		s.saw(s.db.Model(&Everything{}).Where("id = ?", 1+d.n(6)).Updates(map[string]any{"p_int": nil, "str": fmt.Sprint("u", d.n(9)), "labels": Labels{"u"}}))
	case 13:
		s.saw(s.db.Model(&Everything{ID: int64(1 + d.n(6))}).Updates(&Everything{JSONMap: map[string]any{"u": 1.0}, Address: Address{Street: "u"}, Time: epoch.Add(time.Minute)}))
	case 14:
		s.saw(s.db.Model(&Item{OrderID: d.id(), Line: 1}).Update("qty", d.n(9)))
	case 15:
		s.saw(s.db.Model(&Company{Code: d.company()}).Update("name", fmt.Sprint("c", d.n(9))))
	case 16:
		s.saw(s.db.Model(&Device{ID: uuidOf(d.n(5))}).Update("last", epoch.Add(time.Duration(d.n(9))*time.Second)))
	case 17:
		s.saw(s.db.Model(&User{}).Where("id = ?", d.id()).Update("company_code", pick(d, "acme", "ibm", "gone")))
	case 18:
		n, err := gorm.G[User](s.db).Where("id = ?", d.id()).Update(s.ctx, "age", 20+d.n(9))
		s.sawValues(n, err)
	default:
		s.saw(s.db.Session(&gorm.Session{SkipHooks: true}).Model(&User{Model: gorm.Model{ID: d.id()}}).Update("age", 30))
	}
}

func writeDelete(s *scene, d draw) {
	switch d.n(16) {
	case 0:
		s.saw(s.db.Delete(&User{}, d.id()))
	case 1:
		u := User{Model: gorm.Model{ID: d.id()}}
		s.saw(s.db.Delete(&u), &u)
	case 2:
		s.saw(s.db.Where("name = ? AND age > ?", d.name(), 23).Delete(&User{}))
	case 3:
		s.saw(s.db.Unscoped().Delete(&User{}, 4+d.n(9)))
	case 4:
		s.saw(s.db.Delete(&User{})) // refused: no condition
	case 5:
		s.saw(s.db.Delete(&Order{}, d.id()))
	case 6:
		s.saw(s.db.Delete(&Item{OrderID: d.id(), Line: 1 + d.n(2)}))
	case 7:
		s.saw(s.db.Where("line > ?", 2).Delete(&Item{}))
	case 8:
		s.saw(s.db.Delete(&Company{Code: d.company()}))
	case 9:
		s.saw(s.db.Delete(&Toy{}, "owner_type = ? AND id > ?", "users", 3+d.n(4)))
	case 10:
		s.saw(s.db.Delete(&Token{ID: []byte{byte(d.n(6)), 0, 0xfe}}))
	case 11:
		s.saw(s.db.Delete(&Everything{}, 5+d.n(6)))
	case 12:
		n, err := gorm.G[Device](s.db).Where("id = ?", uuidOf(3+d.n(3))).Delete(s.ctx)
		s.sawValues(n, err)
	case 13:
		var us []User
		s.saw(s.db.Where("id = ?", d.id()).Find(&us), us)
		s.saw(s.db.Delete(&us), us)
	case 14:
		s.out.loose = true // GORM walks a map
		s.saw(s.db.Select("Orders", "Toys").Delete(&User{Model: gorm.Model{ID: d.id()}}))
	default:
		s.saw(s.db.Unscoped().Model(&User{}).Where("id = ?", d.id()).Update("deleted_at", nil))
	}
}

func writeUpsert(s *scene, d draw) {
	switch d.n(8) {
	case 0:
		u := User{Model: gorm.Model{ID: d.id()}, Name: "upserted", Age: d.n(50)}
		s.saw(s.db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&u), &u)
	case 1:
		l := Language{Code: d.language(), Name: fmt.Sprint("up", d.n(9))}
		s.saw(s.db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "code"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}).Create(&l), &l)
	case 2:
		l := Language{Code: d.language(), Name: "ignored"}
		s.saw(s.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&l), &l)
	case 3:
		o := Order{Number: fmt.Sprint("A", d.n(8)), Amount: float64(d.n(9))}
		s.saw(s.db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "number"}}, DoUpdates: clause.Assignments(map[string]any{"amount": float64(d.n(30))})}).Create(&o), &o)
	case 4:
		its := []Item{{OrderID: d.id(), Line: 1, Qty: d.n(9)}, {OrderID: d.id(), Line: 2, Qty: d.n(9)}}
		s.saw(s.db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "order_id"}, {Name: "line"}}, DoUpdates: clause.AssignmentColumns([]string{"qty"})}).Create(&its), its)
	case 5:
		us := []User{{Model: gorm.Model{ID: d.id()}, Name: "x"}}
		s.saw(s.db.Clauses(clause.OnConflict{DoNothing: true}).Create(&us), us)
	case 6:
		p := Profile{UserID: ptr(d.id()), Bio: fmt.Sprint("up", d.n(9))}
		s.saw(s.db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "user_id"}}, DoUpdates: clause.AssignmentColumns([]string{"bio"})}).Create(&p), &p)
	default:
		c := Company{Code: d.company(), Name: "up"}
		s.saw(s.db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "code"}}, DoUpdates: clause.Assignments(map[string]any{"name": gorm.Expr("?", fmt.Sprint("e", d.n(9)))})}).Create(&c), &c)
	}
}

func writeFirstOr(s *scene, d draw) {
	name := pick(d, d.name(), fmt.Sprint("or", d.n(4)))
	switch d.n(7) {
	case 0:
		var u User
		s.saw(s.db.FirstOrCreate(&u, User{Name: name}), &u)
	case 1:
		var u User
		s.saw(s.db.Where(User{Name: name}).Attrs(User{Age: 33}).FirstOrCreate(&u), &u)
	case 2:
		var u User
		s.saw(s.db.Where("name = ?", name).Assign(User{Age: 20 + d.n(5)}).FirstOrCreate(&u, User{Name: name}), &u)
	case 3:
		var u User
		s.saw(s.db.FirstOrInit(&u, map[string]any{"name": name}), &u)
	case 4:
		var u User
		s.saw(s.db.Where(User{Name: name}).Assign(map[string]any{"age": 77}).FirstOrInit(&u), &u)
	case 5:
		var l Language
		s.saw(s.db.Attrs(Language{Name: "attr"}).FirstOrCreate(&l, Language{Code: d.language()}), &l)
	default:
		u := User{Model: gorm.Model{ID: d.id()}}
		s.saw(s.db.FirstOrInit(&u, "name = ?", name), &u)
	}
}

func writeReturning(s *scene, d draw) {
	returning := clause.Returning{}
	switch d.n(6) {
	case 0:
		us := []User{}
		s.saw(s.db.Model(&us).Clauses(returning).Where("name = ?", d.name()).Update("age", gorm.Expr("age + 1")), us)
	case 1:
		var us []User
		s.saw(s.db.Clauses(clause.Returning{Columns: []clause.Column{{Name: "id"}, {Name: "name"}}}).Where("id = ?", d.id()).Delete(&us), us)
	case 2:
		l := Language{Code: d.language(), Name: "ret"}
		s.saw(s.db.Clauses(returning, clause.OnConflict{UpdateAll: true}).Create(&l), &l)
	case 3:
		if s.dialect == testdb.MySQL {
			return // has no UPDATE … RETURNING
		}
		var ls []Language
		s.saw(s.db.Raw("UPDATE spoken SET name = ? WHERE code = ? RETURNING *", fmt.Sprint("r", d.n(9)), d.language()).Scan(&ls), ls)
	case 4:
		var codes []string
		s.saw(s.db.Raw("DELETE FROM toys WHERE id = ? RETURNING name", d.n(30)).Scan(&codes), codes)
	default:
		rows, err := s.db.Raw("INSERT INTO toys (name, owner_id, owner_type) VALUES (?, 1, 'users') RETURNING id, name", "raw").Rows()
		s.sawValues(err)
		if err != nil {
			return
		}
		for rows.Next() {
			var id uint
			var name string
			s.sawValues(rows.Scan(&id, &name), id, name)
		}
		s.sawValues(rows.Err(), rows.Close())
	}
}
