package difftest

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// readByKey reads records by their keys, or by conditions that only look so.
func readByKey(s *scene, d draw) {
	k := tableOf(d)
	if d.chance(65) {
		readRecord(s, d, k)
		return
	}
	text, args := k.condition(d)
	where := s.db.Where(text, args...)
	if d.chance(15) {
		where = where.Unscoped()
	}
	switch d.n(20) {
	case 0:
		var n int64
		s.saw(where.Model(k.one()).Count(&n), n)
	case 1:
		var v []string
		s.saw(where.Model(k.one()).Order(k.order()).Pluck("name", &v), v)
	case 2:
		v := map[string]any{}
		s.saw(where.Table(k.table).Order(k.order()).Limit(1).Find(&v), v)
	case 3:
		var v []map[string]any
		s.saw(where.Model(k.one()).Order(k.order()).Find(&v), v)
	case 4:
		v := k.one()
		s.saw(where.Order(k.order()).Limit(1).Offset(d.n(2)).Find(v), v)
	case 5:
		v := k.many()
		s.saw(where.Order(k.order()).Limit(d.n(3)).Find(v), v)
	case 6:
		v := k.many()
		s.saw(where.Distinct("name", "n").Order("name, n").Find(v), v)
	case 7:
		var n int64
		row := where.Model(k.one()).Select("coalesce(sum(n), 0)").Row()
		if row == nil {
			s.sawValues("no row")
			return
		}
		s.sawValues(row.Scan(&n), n)
	case 8:
		rows, err := where.Model(k.one()).Order(k.order()).Rows()
		s.sawValues(err)
		if err != nil {
			return
		}
		for rows.Next() {
			v := k.one()
			s.sawValues(s.db.ScanRows(rows, v), v)
		}
		s.sawValues(rows.Err(), rows.Close())
	case 9:
		v := k.many()
		s.saw(s.db.Raw("SELECT * FROM "+k.table+" WHERE "+text+" ORDER BY "+k.order(), args...).Scan(v), v)
	case 10:
		v := k.many()
		s.saw(s.db.Raw("SELECT * FROM "+k.table+" WHERE "+k.fixed(d)).Scan(v), v)
	case 11:
		var v []int64
		s.saw(s.db.Raw("SELECT n FROM "+k.table+" WHERE "+k.fixed(d)+" UNION ALL SELECT n FROM "+k.table+" WHERE "+k.fixed(d)+" ORDER BY 1").Scan(&v), v)
	case 12:
		other := "SELECT o.name FROM " + k.table + " p JOIN " + k.table + " o ON o.n = p.n WHERE p." + k.columns[0] + " = ? ORDER BY 1"
		var v []string
		s.saw(s.db.Raw(other, k.values(d)[0]).Scan(&v), v)
	case 13:
		var v []string
		s.saw(s.db.Raw("SELECT name FROM "+k.table+" WHERE "+k.fixed(d)+" AND EXISTS (SELECT 1 FROM "+k.table+" WHERE n = ?)", d.n(9)).Scan(&v), v)
	case 14:
		var v []Tree
		s.saw(s.db.Preload("Parent").Order("id").Find(&v, "id IN ?", []uint{d.id(), d.id()}), v)
	case 15:
		var v Tree
		s.saw(s.db.Joins("Parent").First(&v, d.id()), &v)
	case 16:
		var v []Target
		s.saw(s.db.Table("pin_open").Where("id = ?", number(d)[0]).Find(&v), v)
	case 17:
		n, err := gorm.G[Number](s.db).Where("id = ?", d.id()).Count(s.ctx, "id")
		s.sawValues(n, err)
	case 18:
		k.generic(s, d)
	default:
		v := k.many()
		s.saw(where.Order(k.order()).Find(v), v)
	}
}

// readRecord reads one record, or a few, by their keys alone.
func readRecord(s *scene, d draw, k keyed) {
	text, args := k.at(d)
	tx := s.db
	if d.chance(10) {
		tx = tx.Unscoped()
	}
	switch d.n(13) {
	case 0:
		v := k.one()
		s.saw(tx.Take(v, append([]any{text}, args...)...), v)
	case 1:
		v := k.one()
		s.saw(tx.Last(v, append([]any{text}, args...)...), v)
	case 2:
		v := k.one()
		s.saw(tx.Where(k.only(d)).First(v), v) // without its zero values
	case 3:
		v := k.only(d)
		s.saw(tx.First(v), v)
	case 4:
		v := k.many()
		s.saw(tx.Where(text, args...).Find(v), v)
	case 5:
		v := k.one()
		where := map[string]any{}
		for i, value := range k.values(d) {
			where[k.columns[i]] = value
		}
		s.saw(tx.Where(where).First(v), v)
	case 6:
		v := k.many()
		in, list := k.in(d, 1+d.n(3))
		s.saw(tx.Where(in, list...).Order(k.order()).Find(v), v)
	case 7:
		v := k.one()
		if d.chance(50) {
			s.saw(tx.First(v, number(d)[0]), v)
		} else {
			s.saw(tx.First(v, fmt.Sprint(1+d.n(4))), v)
		}
	case 8:
		v := k.many()
		s.saw(tx.Order(k.order()).Find(v, []int{1 + d.n(4), 1 + d.n(6)}), v)
	case 9:
		v := k.one()
		s.saw(tx.Where(clause.Eq{Column: clause.PrimaryColumn, Value: k.values(d)[0]}).First(v), v)
	case 10:
		v := k.many()
		s.saw(s.db.Raw("SELECT * FROM "+k.table+" WHERE "+text, args...).Scan(v), v)
	case 11:
		k.generic(s, d)
	default:
		v := k.one()
		s.saw(tx.Where(text, args...).First(v), v)
	}
}
