package difftest

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// change is what an update sets, the key too at times.
func (k keyed) change(d draw) map[string]any {
	set := map[string]any{"n": d.n(9)}
	switch d.n(8) {
	case 0:
		set["name"] = d.name()
	case 1:
		set["n"] = gorm.Expr("n + ?", 1)
	case 2:
		set[k.columns[d.n(len(k.columns))]] = k.values(d)[0]
	case 3:
		if k.table == "pin_numbers" {
			set["code"] = code(d)
		}
	case 4: // to where most often nobody is
		set[k.columns[0]] = pick[any](d, 5+d.n(6), fmt.Sprint(5+d.n(6)))
	default:
	}
	return set
}

// writeByKey writes records that are named by their keys, as GORM does.
func writeByKey(s *scene, d draw) {
	k := tableOf(d)
	text, args := k.at(d)
	if d.chance(25) {
		text, args = k.condition(d)
	}
	tx := s.db
	if d.chance(50) {
		tx = tx.Unscoped()
	}
	switch d.n(17) {
	case 0:
		s.saw(tx.Model(k.one()).Where(text, args...).Updates(k.change(d)))
	case 1:
		s.saw(tx.Model(k.only(d)).Updates(k.change(d)))
	case 2:
		v := k.row(d)
		s.saw(tx.Updates(v), v)
	case 3:
		s.saw(tx.Model(k.only(d)).UpdateColumn("n", gorm.Expr("n + 1")))
	case 4, 5:
		v := k.row(d)
		s.saw(tx.Save(v), v)
	case 6:
		v := k.rows(d)
		s.saw(tx.Save(v), v)
	case 7:
		s.saw(tx.Delete(k.one(), append([]any{text}, args...)...))
	case 8:
		s.saw(tx.Delete(k.only(d)))
	case 9:
		s.saw(tx.Delete(k.one(), []int{1 + d.n(4), 1 + d.n(4)}))
	case 10, 11:
		v := k.row(d)
		s.saw(tx.Create(v), v)
	case 12:
		v := k.rows(d)
		s.saw(tx.Create(v), v)
	case 13:
		v := k.row(d)
		s.saw(tx.Omit(k.columns[0]).Create(v), v) // the database counts, or refuses
	case 14:
		s.saw(tx.Table(k.table).Where(text, args...).Updates(k.change(d)))
	case 15:
		v := k.one()
		s.saw(tx.Where(text, args...).Attrs(map[string]any{"n": d.n(9)}).FirstOrCreate(v, k.row(d)), v)
	default:
		v := k.many()
		s.saw(s.db.Where(text, args...).Order(k.order()).Find(v), v)
		if d.chance(50) {
			s.saw(tx.Delete(v), v)
		} else {
			s.saw(tx.Save(v), v)
		}
	}
}

// writeByKeyUpsert inserts what may be there.
func writeByKeyUpsert(s *scene, d draw) {
	k := tableOf(d)
	var v any
	if d.chance(70) {
		v = k.row(d)
	} else {
		v = k.rows(d)
	}
	var key []clause.Column
	for _, c := range k.columns {
		key = append(key, clause.Column{Name: c})
	}
	on := clause.OnConflict{Columns: key}
	switch d.n(11) {
	case 0:
		on = clause.OnConflict{UpdateAll: true}
	case 1:
		on.UpdateAll = true
	case 2:
		on.DoNothing = true
	case 3:
		on = clause.OnConflict{DoNothing: true}
	case 4, 5:
		on.DoUpdates = clause.AssignmentColumns([]string{"n", "name"})
	case 6:
		on.DoUpdates = clause.Assignments(k.change(d))
	case 7:
		on.DoUpdates = clause.Assignments(map[string]any{"n": gorm.Expr(k.table + ".n + 1")})
		on.Where = clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: k.table + ".n < ?", Vars: []any{d.n(9)}}}}
	case 8, 9: // by what is unique beside the key
		numbers := keyedTables[0]
		v, on.Columns = numbers.row(d), []clause.Column{{Name: "code"}}
		on.DoUpdates = clause.Assignments(numbers.change(d))
		if d.chance(30) {
			on.DoUpdates = clause.AssignmentColumns([]string{"id", "n"})
		}
	default:
		on.DoUpdates = clause.AssignmentColumns(append([]string{"n"}, k.columns...))
	}
	tx := s.db.Clauses(on)
	if d.chance(20) {
		tx = tx.Clauses(clause.Returning{})
	}
	s.saw(tx.Create(v), v)
}

// writeByKeyMoves takes records away and puts others at their keys, in one transaction or across several.
func writeByKeyMoves(s *scene, d draw) {
	k := tableOf(d)
	text, args := k.at(d)
	look := func(tx *gorm.DB) {
		v := k.one()
		s.saw(tx.Where(text, args...).Limit(1).Find(v), v)
	}
	move := func(tx *gorm.DB) error {
		s.saw(tx.Unscoped().Where(text, args...).Delete(k.one()))
		if d.chance(50) {
			look(tx)
		}
		v := k.row(d)
		s.saw(tx.Create(v), v)
		look(tx)
		return nil
	}
	look(s.db)
	switch d.n(5) {
	case 0:
		_ = move(s.db)
	case 1:
		s.sawValues(s.db.Transaction(move))
	case 2:
		s.sawValues(s.db.Transaction(func(tx *gorm.DB) error { _ = move(tx); return errUndone }))
	case 3: // the keys of two records are exchanged
		c := k.columns[0]
		a, b := k.values(d)[0], k.values(d)[0]
		s.sawValues(s.db.Transaction(func(tx *gorm.DB) error {
			s.saw(tx.Exec("UPDATE "+k.table+" SET "+c+" = ? WHERE "+c+" = ?", 77, a))
			s.saw(tx.Exec("UPDATE "+k.table+" SET "+c+" = ? WHERE "+c+" = ?", a, b))
			return tx.Exec("UPDATE "+k.table+" SET "+c+" = ? WHERE "+c+" = ?", b, 77).Error
		}))
	default:
		s.sawValues(s.db.Transaction(func(tx *gorm.DB) error {
			s.sawValues(tx.Transaction(func(tx *gorm.DB) error { _ = move(tx); return pick(d, errUndone, nil) }))
			return tx.Model(k.one()).Where(text, args...).Update("n", d.n(9)).Error
		}))
	}
	look(s.db)
}

// writeByKeyBeside writes where a table is reached from another one, or by another name.
func writeByKeyBeside(s *scene, d draw) {
	target := keyedTables[8]
	look := func() {
		var v Target
		s.saw(s.db.Limit(1).Find(&v, d.id()), &v)
	}
	look()
	switch d.n(9) {
	case 0:
		s.saw(s.db.Table("pin_open").Where("id = ?", d.id()).Update("name", "by the view"))
	case 1:
		s.saw(s.db.Exec("DELETE FROM pin_open WHERE id = ?", d.id()))
	case 2:
		s.saw(s.db.Exec("INSERT INTO pin_open (id, name, n) VALUES (?, 'by the view', ?)", d.id(), d.n(9)))
	case 3:
		v := Source{ID: d.id(), TargetID: 1 + d.n(6), Name: d.name()}
		s.saw(s.db.Create(&v), &v)
	case 4:
		s.saw(s.db.Model(&Source{ID: d.id()}).Update("name", fmt.Sprint("by source ", d.n(9))))
	case 5:
		s.saw(s.db.Delete(&Source{}, d.id()))
	case 6:
		s.saw(s.db.Model(&Echo{ID: d.id()}).Update("name", fmt.Sprint("echo ", d.n(9))))
	case 7:
		s.saw(s.db.Delete(&Tree{}, d.id()))
	default:
		cond, args := target.at(d)
		s.saw(s.db.Exec("UPDATE pin_targets SET n = n + 3 WHERE "+cond, args...))
	}
	look()
}
