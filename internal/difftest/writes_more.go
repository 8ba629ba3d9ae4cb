package difftest

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

func writeAssociation(s *scene, d draw) {
	var u User
	if tx := s.db.First(&u, d.id()); tx.Error != nil {
		s.saw(tx)
		return
	}
	on := func(name string) *gorm.Association { return s.db.Model(&u).Association(name) }
	lang := func() *Language { return &Language{Code: pick(d, "de", "en", "fr"), Name: "by association"} }
	switch d.n(18) {
	case 0:
		s.sawValues(on("Languages").Append(lang()), &u)
	case 1:
		s.sawValues(on("Languages").Replace(lang(), lang()), &u)
	case 2:
		s.sawValues(on("Languages").Delete(lang()), &u)
	case 3:
		s.sawValues(on("Languages").Clear(), &u)
	case 4:
		s.sawValues(on("Languages").Count())
	case 5:
		var ls []Language
		s.sawValues(s.db.Model(&u).Order("1").Association("Languages").Find(&ls), ls)
	case 6:
		s.sawValues(on("Company").Replace(&Company{Code: pick(d, "acme", "ibm"), Name: "by association"}), &u)
	case 7:
		s.sawValues(on("Company").Clear(), &u)
	case 8:
		s.sawValues(on("Orders").Append(&Order{Number: fmt.Sprint("B", d.n(1000))}), &u)
	case 9:
		s.sawValues(on("Orders").Replace(&Order{Number: fmt.Sprint("C", d.n(1000))}), &u)
	case 10:
		var os []Order
		s.sawValues(s.db.Model(&u).Order("1").Association("Orders").Find(&os, "amount > ?", d.n(3)), os)
		if len(os) > 0 {
			s.sawValues(on("Orders").Delete(&os[0]), &u)
		}
	case 11:
		s.sawValues(on("Profile").Replace(&Profile{Bio: "by association"}), &u)
	case 12:
		s.sawValues(on("Profile").Clear(), &u)
	case 13:
		s.sawValues(on("Toys").Append(&Toy{Name: "appended"}), &u)
	case 14:
		s.sawValues(on("Toys").Clear(), &u)
	case 15:
		s.sawValues(on("Team").Append(&User{Name: "joiner"}), &u)
	case 16:
		s.sawValues(s.db.Model(&u).Unscoped().Association("Toys").Unscoped().Clear(), &u)
	default:
		l := Language{Code: pick(d, "de", "en", "fr")}
		s.sawValues(s.db.Model(&l).Association("Users").Append(&User{Model: gorm.Model{ID: u.ID}, Name: u.Name}), &l)
	}
}

func writeRaw(s *scene, d draw) {
	many := func(text string, args ...any) { // several statements in one text
		if s.dialect == testdb.Postgres {
			args = nil // the extended protocol takes one statement; both sides get its error
		}
		s.saw(s.db.Exec(text, args...))
	}
	switch d.n(18) {
	case 0:
		s.saw(s.db.Exec("UPDATE users SET age = ? WHERE id = ?", 20+d.n(6), d.id()))
	case 1:
		s.saw(s.db.Exec("UPDATE users SET age = age + 1 WHERE id IN (SELECT user_id FROM orders WHERE amount > ?)", d.n(6)))
	case 2:
		s.saw(s.db.Exec("INSERT INTO toys (name, owner_id, owner_type) SELECT bio, id, 'profiles' FROM profiles WHERE user_id = ?", d.id()))
	case 3:
		many("UPDATE companies SET name = 'both'; UPDATE spoken SET name = 'both' WHERE code = 'en'")
	case 4:
		s.saw(s.db.Exec("DELETE FROM toys WHERE id > ?", 4+d.n(6)))
	case 5:
		s.saw(s.db.Exec("UPDATE companies SET code = ? WHERE code = ?", d.company(), d.company()))
	case 6:
		s.saw(s.db.Exec("DELETE FROM orders WHERE number = ?", fmt.Sprint("A", d.n(7))))
	case 7:
		s.saw(s.db.Exec("INSERT INTO items (order_id, line, product, qty) VALUES (?, ?, 'raw', 1)", d.id(), 1+d.n(6)))
	case 8:
		s.saw(s.db.Exec("UPDATE user_languages SET language_code = ? WHERE user_id = ? AND language_code = ?", d.language(), d.id(), d.language()))
	case 9:
		s.saw(s.db.Exec(`/* users? no: */ UPDATE spoken SET name = 'users; orders -- ' || code WHERE code <> ?`, d.language()))
	case 10:
		s.saw(s.db.Exec("UPDATE missing SET a = 1"))
	case 11:
		s.saw(s.db.Exec("INSERT INTO spoken (code, name) VALUES (?, 'twice')", d.language()))
	case 12:
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		s.saw(s.db.WithContext(ctx).Exec("UPDATE users SET age = 99 WHERE id = ?", d.id()))
	case 13:
		s.saw(s.db.Exec("UPDATE profiles SET bio = ? WHERE user_id = ?", fmt.Sprint("raw ", d.n(9)), d.id()))
	case 14:
		s.saw(s.db.Exec("DELETE FROM users WHERE id > ?", 12))
		s.saw(s.db.Exec("DELETE FROM orders WHERE id > ?", 14))
		s.saw(s.db.Exec("DELETE FROM everythings WHERE id > ?", 12))
	case 15:
		s.saw(s.db.Exec("WITH w AS (SELECT id FROM users WHERE age > ?) UPDATE orders SET paid_at = ? WHERE user_id IN (SELECT id FROM w)", 20+d.n(4), epoch.Add(time.Duration(d.n(9))*time.Second)))
	case 16:
		s.saw(s.db.Exec("DELETE FROM companies WHERE code = ?", pick(d, "none", "gone")))
		s.saw(s.db.Exec("INSERT INTO companies (code, name) VALUES (?, 'again')", d.company()))
	default:
		s.saw(s.db.Exec("UPDATE everythings SET int64 = int64 + 1 WHERE kind = ?", pick(d, "k0", "k1")))
	}
}

// writePool writes through GORM's pool, past the callbacks, as generated code does.
func writePool(s *scene, d draw) {
	if s.onConn {
		return
	}
	text := fmt.Sprintf("UPDATE users SET nick = 'pool %d' WHERE id = %d", d.n(9), d.id())
	pool := s.db.Statement.ConnPool
	if d.chance(50) {
		_, err := pool.ExecContext(s.ctx, text)
		s.sawValues(err)
		return
	}
	stmt, err := pool.PrepareContext(s.ctx, text)
	s.sawValues(err)
	if err != nil {
		return
	}
	_, err = stmt.ExecContext(s.ctx)
	s.sawValues(err, stmt.Close())
}

// scratch is a table that comes and goes.
type scratch struct {
	ID   uint
	Name string
}

func (scratch) TableName() string { return "scratch" }

type scratchWide struct {
	scratch
	More string `gorm:"default:'x'"`
}

func (scratchWide) TableName() string { return "scratch" }

func writeSchema(s *scene, d draw) {
	m := s.db.Migrator()
	switch d.n(11) {
	case 0, 1:
		s.sawValues(m.CreateTable(&scratch{}))
	case 2:
		s.out.loose = true
		s.sawValues(m.AutoMigrate(&scratch{}))
	case 3:
		s.sawValues(m.AddColumn(&scratchWide{}, "More"))
	case 4:
		s.sawValues(m.DropColumn(&scratchWide{}, "More"))
	case 5:
		s.sawValues(m.DropTable(&scratch{}))
	case 6:
		s.sawValues(m.HasTable(&scratch{}), m.HasColumn(&scratchWide{}, "More"), m.HasTable("nothing"))
	case 7:
		s.sawValues(s.db.Exec("CREATE INDEX scratch_name ON scratch (name)").Error)
	case 8:
		s.sawValues(s.db.Exec("ALTER TABLE scratch RENAME COLUMN name TO title").Error)
	case 9:
		s.sawValues(s.db.Exec("DROP TABLE scratch").Error, s.db.Exec("CREATE TABLE scratch (id integer primary key, name text)").Error)
	default:
		s.out.loose = true // GORM walks a map
		s.sawValues(m.AutoMigrate(&User{}, &Order{}))
	}
}

func writeScratch(s *scene, d draw) {
	switch d.n(3) {
	case 0:
		s.saw(s.db.Table("scratch").Create(map[string]any{"id": 1 + d.n(5), "name": d.name()}))
	case 1:
		s.saw(s.db.Exec("UPDATE scratch SET name = ?", d.name()))
	default:
		s.saw(s.db.Exec("DELETE FROM scratch WHERE id > ?", d.n(4)))
	}
}

func readScratch(s *scene, d draw) {
	switch d.n(4) {
	case 0:
		var ms []map[string]any
		s.saw(s.db.Table("scratch").Order("1").Find(&ms), ms)
	case 1:
		var v []scratch
		s.saw(s.db.Order("1").Find(&v), v)
	case 2:
		var v []scratchWide
		s.saw(s.db.Order("1").Find(&v), v)
	default:
		var n int64
		s.saw(s.db.Table("scratch").Count(&n), n)
	}
}
