package difftest

import (
	"database/sql"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

func readScan(s *scene, d draw) {
	tx := filter(s, d, s.db.Model(&User{}))
	switch d.n(11) {
	case 0:
		var v nameCount
		s.saw(tx.Select("count(*) AS count, sum(age) AS total").Scan(&v), &v)
	case 1:
		var v []nameCount
		s.saw(s.db.Model(&User{}).Select("name, count(*) AS count").Group("name").Having("count(*) >= ?", 1+d.n(2)).Order("1").Scan(&v), v)
	case 2:
		var n int
		s.saw(tx.Select("max(age)").Scan(&n), n)
	case 3:
		var n *int
		s.saw(tx.Select("max(age)").Scan(&n), n)
	case 4:
		var v sql.NullInt64
		s.saw(tx.Select("min(age)").Scan(&v), v)
	case 5:
		var text string
		s.saw(s.ordered(tx.Select("name"), d).Scan(&text), text)
	case 6:
		var at time.Time
		s.saw(s.db.Model(&User{}).Select("created_at").Where("id = ?", d.id()).Scan(&at), at)
	case 7:
		var v []userBrief
		s.saw(s.ordered(tx, d).Scan(&v), v)
	case 8:
		m := map[string]any{}
		s.saw(s.db.Table("users").Select("name, age, score, born").Where("id = ?", d.id()).Scan(&m), m)
	case 9:
		var v []string
		s.saw(s.ordered(tx.Select("name"), d).Scan(&v), v)
	default:
		var v []any
		s.saw(s.db.Table("users").Select("age").Order("id").Scan(&v), v)
	}
}

func readRow(s *scene, d draw) {
	var name, code sql.NullString
	var age any
	tx := s.ordered(filter(s, d, s.db.Model(&User{}).Select("name", "age", "company_code")), d)
	row := tx.Row()
	if row == nil {
		s.sawValues("no row")
		return
	}
	err := row.Scan(&name, &age, &code)
	s.sawValues(err, row.Err(), name, age, code)
}

func readRows(s *scene, d draw) {
	tx := s.ordered(filter(s, d, s.db.Model(&User{})), d)
	if d.chance(30) {
		tx = s.db.Raw("SELECT * FROM users WHERE age > ? ORDER BY id", 20+d.n(3))
	}
	rows, err := tx.Rows()
	s.sawValues(err)
	if err != nil {
		return
	}
	columns, err := rows.Columns()
	s.sawValues(slices.Clone(columns), err) // the driver's own memory: not to be overwritten
	types, err := rows.ColumnTypes()
	s.sawValues(err)
	for _, t := range types {
		length, hasLength := t.Length()
		null, hasNull := t.Nullable()
		precision, scale, hasDecimal := t.DecimalSize()
		s.sawValues(t.Name(), t.DatabaseTypeName(), t.ScanType(), []any{length, hasLength, null, hasNull, precision, scale, hasDecimal})
	}
	how, stop := d.n(4), 100
	if d.chance(30) {
		stop = d.n(2)
	}
	for n := 0; n < stop && rows.Next(); n++ {
		switch how {
		case 0:
			var u User
			s.sawValues(s.db.ScanRows(rows, &u), &u)
		case 1:
			m := map[string]any{}
			s.sawValues(s.db.ScanRows(rows, &m), m)
		case 2:
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			s.sawValues(rows.Scan(into...), values)
		default:
			raw := make([]sql.RawBytes, len(columns))
			into := make([]any, len(columns))
			for i := range raw {
				into[i] = &raw[i]
			}
			err := rows.Scan(into...)
			var texts []string
			for _, b := range raw {
				texts = append(texts, string(b))
			}
			s.sawValues(err, texts)
		}
	}
	s.sawValues(rows.NextResultSet(), rows.Err(), rows.Close(), rows.Next())
}

func readRaw(s *scene, d draw) {
	switch d.n(13) {
	case 0:
		var us []User
		s.saw(s.db.Raw("SELECT * FROM users WHERE age > ? AND deleted_at IS NULL ORDER BY id", 20+d.n(3)).Scan(&us), us)
	case 1:
		var v []nameCount
		s.saw(s.db.Raw("WITH o AS (SELECT user_id, count(*) AS n FROM orders GROUP BY user_id) SELECT u.name, o.n AS count FROM users u JOIN o ON o.user_id = u.id WHERE o.n > ? ORDER BY u.id", d.n(2)).Scan(&v), v)
	case 2:
		var v []string
		s.saw(s.db.Raw("SELECT name FROM users UNION SELECT name FROM companies UNION SELECT name FROM spoken ORDER BY 1").Scan(&v), v)
	case 3:
		var v []UserTotal
		s.saw(s.db.Raw("SELECT * FROM user_totals WHERE orders >= ? ORDER BY id", d.n(2)).Scan(&v), v)
	case 4:
		var v []map[string]any
		s.saw(s.db.Raw("SELECT u.id, u.name, c.name AS company FROM users AS u LEFT JOIN companies AS c ON c.code = u.company_code WHERE u.name <> @n ORDER BY 1", sql.Named("n", d.name())).Scan(&v), v)
	case 5:
		var n int64
		s.saw(s.db.Raw("SELECT count(*) FROM items, orders WHERE items.order_id = orders.id AND orders.amount >= ?", d.n(4)).Scan(&n), n)
	case 6:
		var v []nameCount
		s.saw(s.db.Table("users AS u").Select("u.name, count(o.id) AS count").Joins("LEFT JOIN orders o ON o.user_id = u.id AND o.amount > ?", d.n(3)).Group("u.id, u.name").Order("u.id").Scan(&v), v)
	case 7:
		var v []nameCount
		sub := s.db.Model(&Order{}).Select("user_id, sum(amount) AS total").Group("user_id")
		s.saw(s.db.Table("(?) AS t", sub).Select("user_id AS count, total").Where("total > ?", d.n(4)).Order("1").Find(&v), v)
	case 8:
		var u User
		s.saw(s.db.Raw("SELECT * FROM users WHERE id = ?", d.id()).First(&u), &u)
	case 9:
		u := used()
		s.saw(s.db.Raw("SELECT id, name FROM users WHERE id = ?", d.id()).Scan(&u), &u)
	case 10:
		var v []int
		s.saw(s.db.Raw("SELECT (SELECT count(*) FROM toys WHERE owner_id = ?) + ?", 1, d.n(3)).Scan(&v), v)
	case 11:
		var v []any
		s.saw(s.db.Raw("SELECT 1 AS a, 'two' AS b").Scan(&v), v)
	default:
		m := map[string]any{}
		text := "SELECT count(*) AS n, max(o.amount) AS m FROM user_languages ul JOIN spoken l ON l.code = ul.language_code LEFT JOIN orders o ON o.user_id = ul.user_id WHERE l.code = ?"
		s.saw(s.db.Raw(text, d.language()).Scan(&m), m)
	}
}

func readView(s *scene, d draw) {
	switch d.n(4) {
	case 0:
		var v UserTotal
		s.saw(s.db.First(&v, d.id()), &v)
	case 1:
		var v []UserTotal
		s.saw(s.db.Where("orders > ?", d.n(2)).Order("id").Find(&v), v)
	case 2:
		var n int64
		s.saw(s.db.Model(&UserTotal{}).Where("amount > ?", d.n(4)).Count(&n), n)
	default:
		var us []User
		s.saw(s.db.Joins("JOIN user_totals t ON t.id = users.id AND t.orders > ?", d.n(2)).Order("users.id").Find(&us), us)
	}
}

// readAgain uses one statement for several reads, so that what a first read leaves in it is seen.
func readAgain(s *scene, d draw) {
	switch d.n(5) {
	case 0:
		u := User{Model: gorm.Model{ID: d.id()}}
		var n int64
		tx := s.db.Find(&u)
		s.saw(tx, &u)
		s.saw(tx.Count(&n), n)
	case 1:
		var us, more []User
		tx := s.db.Where("age > ?", 20+d.n(2)).Order("id").Limit(2).Find(&us)
		s.saw(tx, us)
		s.saw(tx.Where("name = ?", d.name()).Find(&more), more)
	case 2:
		var n int64
		var us []User
		tx := s.db.Model(&User{}).Where("age >= ?", 20+d.n(3)).Count(&n)
		s.saw(tx, n)
		s.saw(tx.Order("id").Limit(2).Find(&us), us)
	case 3:
		var u User
		tx := s.db.First(&u, d.id())
		s.saw(tx, &u)
		s.sawValues(tx.Statement.SQL.String(), tx.Statement.Vars)
		s.saw(tx.Unscoped().Take(&u), &u)
	default:
		var us []User
		dry := s.db.Session(&gorm.Session{DryRun: true}).Where("age > ?", 20+d.n(2)).Order("id").Find(&us)
		s.saw(dry, us)
		s.sawValues(dry.Statement.SQL.String(), dry.Statement.Vars)
		s.saw(s.db.Where("age > ?", 20+d.n(2)).Order("id").Find(&us), us)
		s.sawValues(s.db.ToSQL(func(tx *gorm.DB) *gorm.DB { return tx.Find(&us, d.id()) }))
	}
}

func readKeeper(s *scene, d draw) {
	if s.dialect != testdb.SQLite {
		return
	}
	var ks []Keeper
	s.saw(s.db.Limit(1+d.n(2)).Find(&ks), ks)
}
