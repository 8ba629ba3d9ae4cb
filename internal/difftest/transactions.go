package difftest

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// some runs a few further operations in the session of a transaction.
func some(s *scene, d draw, tx *gorm.DB) {
	in := s.on(tx)
	for range 1 + d.n(4) {
		kinds := inTransaction
		if d.chance(50) {
			kinds = readsInTransaction
		}
		k := kinds[d.n(len(kinds))]
		seed := uint64(d.n(6))
		if k.byKey {
			seed = onTable(d.seed, d.n(50))
		}
		k.run(in, newDraw(k.name, seed))
	}
}

// undoOnPanic, deferred, ends a transaction that was begun by hand.
func undoOnPanic(tx *gorm.DB) {
	if r := recover(); r != nil {
		tx.Rollback()
		panic(r)
	}
}

// writeTransaction runs operations in a transaction that ends in one of many ways.
func writeTransaction(s *scene, d draw) {
	fresh := s.db.Session(&gorm.Session{NewDB: true})
	outside := func(text string) {
		var us []User
		tx := fresh.Where("age > ?", 20).Order("id").Find(&us)
		s.sawValues(text)
		s.saw(tx, us)
	}
	switch d.n(12) {
	case 0, 1:
		err := s.db.Transaction(func(tx *gorm.DB) error { some(s, d, tx); return nil })
		s.sawValues(err)
	case 2, 3:
		err := s.db.Transaction(func(tx *gorm.DB) error { some(s, d, tx); return errUndone })
		s.sawValues(err)
	case 4:
		_ = s.db.Transaction(func(tx *gorm.DB) error {
			some(s, d, tx)
			panic("in the transaction")
		})
	case 5:
		err := s.db.Transaction(func(tx *gorm.DB) error {
			some(s, d, tx)
			s.sawValues(tx.Transaction(func(tx *gorm.DB) error { some(s, d, tx); return errUndone }))
			some(s, d, tx)
			return tx.Transaction(func(tx *gorm.DB) error { some(s, d, tx); return nil })
		})
		s.sawValues(err)
	case 6:
		tx := s.db.Begin()
		defer undoOnPanic(tx)
		some(s, d, tx)
		s.saw(tx.SavePoint("sp"))
		some(s, d, tx)
		s.saw(tx.RollbackTo("sp"))
		some(s, d, tx)
		s.saw(tx.Commit())
	case 7:
		tx := s.db.Begin()
		defer undoOnPanic(tx)
		some(s, d, tx)
		s.saw(tx.Rollback())
		s.saw(tx.Commit())
	case 8:
		tx := s.db.Begin()
		s.saw(tx.Model(&User{}).Where("id = ?", d.id()).Update("age", 20+d.n(9)))
		outside("while it is open")
		end := tx.Commit
		if d.chance(50) {
			end = tx.Rollback
		}
		s.saw(end())
		outside("when it is over")
	case 9:
		tx := s.db.Session(&gorm.Session{SkipDefaultTransaction: true})
		k := inTransaction[d.n(len(inTransaction))]
		k.run(s.on(tx), newDraw(k.name, uint64(d.n(6))))
	case 10:
		opts := &sql.TxOptions{ReadOnly: s.dialect != testdb.SQLite}
		err := s.db.Transaction(func(tx *gorm.DB) error {
			k := readsInTransaction[d.n(len(readsInTransaction))]
			in := s.on(tx)
			k.run(in, newDraw(k.name, uint64(d.n(6))))
			return nil
		}, opts)
		s.sawValues(err)
	default:
		err := s.db.Connection(func(tx *gorm.DB) error {
			in := s.on(tx)
			in.onConn = true
			k := inTransaction[d.n(len(inTransaction))]
			k.run(in, newDraw(k.name, uint64(d.n(6))))
			var u User
			s.saw(tx.First(&u, d.id()), &u)
			return nil
		})
		s.sawValues(err)
	}
	s.sawValues("over")
}
