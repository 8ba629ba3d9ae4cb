package difftest

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// writeOverlap writes while a read is under way, so that what the read would store is old before it is stored, and reads while
// a write is.
func writeOverlap(s *scene, d draw) {
	if s.onConn {
		return // one connection
	}
	write := func() {
		s.saw(s.db.Model(&User{}).Where("id = ?", d.id()).Update("age", 20+d.n(9)))
	}
	look := func() {
		var us []User
		s.saw(s.db.Where("age > ?", 20).Order("id").Find(&us), us)
	}
	switch d.n(6) {
	case 0: // rows held open over a write; asked for again, so that they may be stored and served
		for range 2 {
			rows, err := s.db.Model(&User{}).Where("age > ?", 20).Order("id").Rows()
			s.sawValues(err)
			if err != nil {
				return
			}
			for n := 0; rows.Next(); n++ {
				var u User
				s.sawValues(s.db.ScanRows(rows, &u), u)
				if n == 1 && s.dialect == testdb.SQLite {
					write()
				}
			}
			s.sawValues(rows.Err(), rows.Close())
			look()
		}
	case 1:
		var us []User
		tx := s.db.Where("age > ?", 20).FindInBatches(&us, 2, func(tx *gorm.DB, batch int) error {
			s.sawValues(batch, append([]User(nil), us...))
			if batch == 1 {
				write()
			}
			return tx.Model(&User{}).Where("id = ?", us[0].ID).Update("nick", "batch").Error
		})
		s.saw(tx)
		look()
	case 2: // rows of a write, read beside, not taken to their end
		if s.dialect != testdb.SQLite {
			return // when the others commit is their affair
		}
		look()
		rows, err := s.db.Raw("UPDATE users SET age = age + 1 WHERE id > ? RETURNING id, age", d.n(4)).Rows()
		s.sawValues(err)
		if err != nil {
			return
		}
		s.sawValues(rows.Next())
		look()
		s.sawValues(rows.Close())
		look()
	case 3: // a dest filled, then written back and read again in one chain of calls
		var u User
		if s.failed(s.db.First(&u, d.id()), &u) {
			return
		}
		s.saw(s.db.Model(&u).Association("Orders").DB)
		s.saw(s.db.Model(&u).Update("age", u.Age+1).First(&u), &u)
		look()
	case 4:
		var u User
		s.saw(s.db.Clauses(clause.Locking{Strength: "UPDATE"}).First(&u, d.id()), &u)
		write()
		s.saw(s.db.Clauses(clause.Locking{Strength: "SHARE"}).First(&u, u.ID), &u)
	default: // a statement kept and used again after a write
		var before, after []User
		kept := s.db.Where("age > ?", 20+d.n(2)).Order("id").Session(&gorm.Session{})
		s.saw(kept.Find(&before), before)
		write()
		s.saw(kept.Find(&after), after)
	}
}

// writeForeign works in a transaction that was begun past GORM.
func writeForeign(s *scene, d draw) {
	pool, err := s.db.DB()
	if err != nil || s.onConn {
		return
	}
	look := func(db *gorm.DB) {
		var u User
		s.saw(db.First(&u, 2), &u)
		var n int64
		s.saw(db.Model(&User{}).Where("age > ?", 21).Count(&n), n)
	}
	look(s.db)
	foreign, err := pool.BeginTx(s.ctx, nil)
	s.sawValues(err)
	if err != nil {
		return
	}
	tx := s.db.Session(&gorm.Session{Context: s.ctx, SkipDefaultTransaction: true}) // a context, or the statement is s.db's own
	tx.Statement.ConnPool = foreign
	look(tx)
	s.saw(tx.Model(&User{}).Where("id <= ?", 1+d.n(4)).Update("age", 20+d.n(9)))
	look(tx)
	look(s.db)
	end := foreign.Commit
	if d.chance(50) {
		end = foreign.Rollback
	}
	s.sawValues(end())
	look(s.db)
	look(s.db)
}
