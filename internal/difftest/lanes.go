package difftest

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Operations of concurrent programs. Each goroutine writes the rows of its lane in a table shared by all, and a table of its
// own; so what it reads of them is what it wrote, whatever the others do. All else is only read.

const perLane = 6

func laneRead(s *scene, d draw) {
	own := s.db.Table(laneTable(s.lane))
	id := laneID(s.lane, d.n(perLane))
	switch d.n(10) {
	case 0, 1:
		var l Lane
		s.saw(s.db.First(&l, id), &l)
	case 2:
		var ls []Lane
		s.saw(s.db.Where("lane = ?", s.lane).Order("id").Find(&ls), ls)
	case 3:
		var ls []*Lane
		s.saw(s.db.Unscoped().Where("id IN ?", []uint{id, laneID(s.lane, d.n(perLane))}).Order("id").Find(&ls), ls)
	case 4:
		var n int64
		s.saw(s.db.Model(&Lane{}).Where("lane = ? AND n >= ?", s.lane, d.n(4)).Count(&n), n)
	case 5:
		var ls []Lane
		s.saw(own.Order("id").Find(&ls), ls)
	case 6:
		var ms []map[string]any
		s.saw(own.Where("n >= ?", d.n(3)).Order("id").Find(&ms), ms)
	case 7:
		var total *int64
		s.saw(s.db.Raw("SELECT sum(n) FROM lanes WHERE lane = ? AND deleted_at IS NULL", s.lane).Scan(&total), total)
	case 8:
		rows, err := s.db.Model(&Lane{}).Where("lane = ?", s.lane).Order("id").Rows()
		s.sawValues(err)
		if err != nil {
			return
		}
		for rows.Next() {
			var l Lane
			s.sawValues(s.db.ScanRows(rows, &l), l)
		}
		s.sawValues(rows.Err(), rows.Close())
	default:
		var names []string
		s.saw(s.db.Raw("SELECT l.name FROM lanes l JOIN "+laneTable(s.lane)+" o ON o.n = l.n WHERE l.lane = ? ORDER BY l.id, o.id", s.lane).Scan(&names), names)
	}
}

func laneWrite(s *scene, d draw) {
	own := s.db.Table(laneTable(s.lane))
	row := func() Lane {
		return Lane{ID: laneID(s.lane, d.n(perLane)), Lane: s.lane, Name: d.name(), N: d.n(9), Data: []byte{byte(d.n(9))}}
	}
	id := laneID(s.lane, d.n(perLane))
	switch d.n(14) {
	case 0:
		l := row()
		s.saw(s.db.Create(&l), &l)
	case 1:
		l := row()
		s.saw(s.db.Save(&l), &l)
	case 2:
		s.saw(s.db.Model(&Lane{}).Where("id = ?", id).Updates(map[string]any{"n": gorm.Expr("n + 1"), "name": d.name()}))
	case 3:
		s.saw(s.db.Model(&Lane{ID: id}).Update("name", d.name()))
	case 4:
		s.saw(s.db.Delete(&Lane{}, id))
	case 5:
		s.saw(s.db.Unscoped().Delete(&Lane{ID: id}))
	case 6:
		l := row()
		s.saw(s.db.Clauses(clause.OnConflict{UpdateAll: true}).Create(&l), &l)
	case 7:
		s.saw(s.db.Exec("UPDATE lanes SET n = n + ? WHERE id = ?", d.n(3), id))
	case 8:
		l := Lane{Name: d.name(), N: d.n(4)}
		s.saw(own.Create(&l), &l)
	case 9:
		s.saw(own.Where("id > ?", 0).Update("n", gorm.Expr("n + 1")))
	case 10:
		s.saw(s.db.Exec("DELETE FROM "+laneTable(s.lane)+" WHERE id > ?", 2+d.n(4)))
	case 11:
		s.saw(s.db.Unscoped().Model(&Lane{}).Where("id = ?", id).Update("deleted_at", nil))
	case 12:
		if s.dialect == testdb.MySQL {
			return // has no UPDATE … RETURNING
		}
		var ls []Lane
		s.saw(s.db.Raw("UPDATE lanes SET name = ? WHERE id = ? RETURNING *", d.name(), id).Scan(&ls), ls)
	default:
		s.saw(s.db.Session(&gorm.Session{SkipDefaultTransaction: true}).Model(&Lane{}).Where("id = ?", id).Update("n", d.n(9)))
	}
}

func laneTransaction(s *scene, d draw) {
	outer := s.db
	err := outer.Transaction(func(tx *gorm.DB) error {
		in := s.on(tx)
		for range 1 + d.n(3) {
			laneWrite(in, d)
			laneRead(in, d)
		}
		if d.chance(30) { // a read beside the open transaction: the rows as they were
			laneRead(s.on(outer.Session(&gorm.Session{NewDB: true})), d)
		}
		switch d.n(4) {
		case 0:
			return errUndone
		case 1:
			return tx.Transaction(func(tx *gorm.DB) error { laneWrite(s.on(tx), d); return errUndone })
		default:
			return nil
		}
	})
	s.sawValues(err)
	laneRead(s.on(outer.Session(&gorm.Session{NewDB: true})), d)
}

var laneKinds = []kind{
	{name: "lane.read", weight: 10, run: laneRead, space: 24},
	{name: "lane.write", weight: 4, run: laneWrite, write: true, space: 500},
	{name: "lane.transaction", weight: 1, run: laneTransaction, write: true, space: 500},
}

// lane makes the program of one goroutine. It mixes reads of what nobody writes, the same few for all
// goroutines, so that they meet, with the operations of its lane.
func laneProgram(seed uint64, lane, length int) program {
	var p program
	shared := newDraw("shared", seed)
	var common []step
	for range 8 {
		k := reads[shared.n(len(reads))]
		common = append(common, step{kind: k, seed: uint64(shared.n(max(k.space, 1)))})
	}
	d := newDraw(fmt.Sprint("lane ", lane), seed)
	for range length {
		switch at := d.n(20); {
		case at < 6:
			p = append(p, common[d.n(len(common))])
		case at < 14:
			p = append(p, step{kind: laneKinds[0], seed: uint64(d.n(laneKinds[0].space))})
		case at < 19:
			p = append(p, step{kind: laneKinds[1], seed: uint64(d.n(laneKinds[1].space))})
		default:
			p = append(p, step{kind: laneKinds[2], seed: uint64(d.n(laneKinds[2].space))})
		}
	}
	return p
}
