package querycache_test

import (
	"context"
	"database/sql"
	"testing"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// finishers are GORM's ways to read, each by its plainest use.
var finishers = readings{
	"First":           func(db *gorm.DB) any { var u User; return tell(db.First(&u), &u) },
	"First by key":    func(db *gorm.DB) any { var u User; return tell(db.First(&u, 2), &u) },
	"First by string": func(db *gorm.DB) any { var u User; return tell(db.First(&u, "name = ?", "Bob"), &u) },
	"Take":            func(db *gorm.DB) any { var u User; return tell(db.Take(&u, 3), &u) },
	"Last":            func(db *gorm.DB) any { var u User; return tell(db.Last(&u), &u) },
	"Find":            func(db *gorm.DB) any { var us []User; return tell(db.Order("id").Find(&us), &us) },
	"Find of one":     func(db *gorm.DB) any { var u User; return tell(db.Find(&u, 2), &u) },
	"Find by keys":    func(db *gorm.DB) any { var us []User; return tell(db.Order("id").Find(&us, []int{1, 3}), &us) },
	"Find by struct":  func(db *gorm.DB) any { var us []User; return tell(db.Where(&User{Name: "Cid"}).Find(&us), &us) },
	"Find by map":     func(db *gorm.DB) any { var us []User; return tell(db.Where(map[string]any{"age": 42}).Find(&us), &us) },
	"Find with Not/Or": func(db *gorm.DB) any {
		var us []User
		return tell(db.Not("age > ?", 50).Or("name = ?", "Amy").Order("id").Find(&us), &us)
	},
	"Find a page": func(db *gorm.DB) any {
		var us []User
		return tell(db.Order("age desc").Limit(2).Offset(1).Find(&us), &us)
	},
	"Find unscoped":  func(db *gorm.DB) any { var us []User; return tell(db.Unscoped().Order("id").Find(&us), &us) },
	"Find selected":  func(db *gorm.DB) any { var us []User; return tell(db.Select("id", "name").Order("id").Find(&us), &us) },
	"Find with Omit": func(db *gorm.DB) any { var us []User; return tell(db.Omit("name").Order("id").Find(&us), &us) },
	"Find distinct": func(db *gorm.DB) any {
		var us []User
		return tell(db.Distinct("active").Order("active").Find(&us), &us)
	},
	"an empty Find": func(db *gorm.DB) any { var us []User; return tell(db.Find(&us, "age > ?", 100), &us, us == nil) },
	"an empty Find of one": func(db *gorm.DB) any {
		u := User{Name: "stays"}
		return tell(db.Find(&u, "age > ?", 100), &u)
	},
	"ErrRecordNotFound": func(db *gorm.DB) any { var u User; return tell(db.First(&u, 99), &u) },
	"ErrRecordNotFound by Take and Last": func(db *gorm.DB) any {
		var u, v User
		return []any{tell(db.Take(&u, 99), &u), tell(db.Last(&v, "age > 100"), &v)}
	},
	"Limit, Find, then First of the same text": func(db *gorm.DB) any {
		var u, v User
		return []any{tell(db.Order("id").Limit(1).Where("1 = 1").Find(&u, 99).Session(&gorm.Session{}), &u).Rows, tell(db.Where("1 = 1").First(&v, 99), &v)}
	},
	"FirstOrInit that finds": func(db *gorm.DB) any { var u User; return tell(db.FirstOrInit(&u, User{Name: "Bob"}), &u) },
	"FirstOrInit that does not": func(db *gorm.DB) any {
		var u User
		return tell(db.Attrs(User{Age: 7}).FirstOrInit(&u, User{Name: "Zoe"}), &u)
	},
	"FirstOrCreate that finds": func(db *gorm.DB) any { var u User; return tell(db.FirstOrCreate(&u, User{Name: "Bob"}), &u) },
	"Count":                    func(db *gorm.DB) any { var n int64; return tell(db.Model(&User{}).Count(&n), &n) },
	"Count with a condition":   func(db *gorm.DB) any { var n int64; return tell(db.Model(&User{}).Where("age > ?", 30).Count(&n), &n) },
	"Count of a column": func(db *gorm.DB) any {
		var n int64
		return tell(db.Model(&User{}).Distinct("company_id").Count(&n), &n)
	},
	"Count of groups": func(db *gorm.DB) any { var n int64; return tell(db.Model(&User{}).Group("active").Count(&n), &n) },
	"Count of nothing": func(db *gorm.DB) any {
		var n int64 = 7
		return tell(db.Model(&User{}).Where("age > 100").Count(&n), &n)
	},
	"Pluck of strings": func(db *gorm.DB) any {
		var s []string
		return tell(db.Model(&User{}).Order("id").Pluck("name", &s), &s)
	},
	"Pluck of ints": func(db *gorm.DB) any { var s []int; return tell(db.Model(&User{}).Order("id").Pluck("Age", &s), &s) },
	"Pluck of pointers": func(db *gorm.DB) any {
		var s []*int
		return tell(db.Model(&User{}).Where("company_id > 0").Order("id").Pluck("company_id", &s), &s)
	},
	"Pluck of sql.Null": func(db *gorm.DB) any {
		var s []sql.NullTime
		return tell(db.Model(&User{}).Order("id").Pluck("birthday", &s), &s)
	},
	"Pluck of any": func(db *gorm.DB) any { var s []any; return tell(db.Model(&User{}).Order("id").Pluck("name", &s), &s) },
	"Pluck of one": func(db *gorm.DB) any {
		var s string
		return tell(db.Model(&User{}).Where("id = 1").Pluck("name", &s), &s)
	},
	"Scan into structs":    func(db *gorm.DB) any { var us []User; return tell(db.Model(&User{}).Order("id").Scan(&us), &us) },
	"Scan into a struct":   func(db *gorm.DB) any { var u User; return tell(db.Model(&User{}).Where("id = ?", 1).Scan(&u), &u) },
	"Scan of an aggregate": func(db *gorm.DB) any { var n int; return tell(db.Model(&User{}).Select("SUM(age)").Scan(&n), &n) },
	"Scan of groups":       func(db *gorm.DB) any { return scanGroups(db) },
	"Scan of nothing":      func(db *gorm.DB) any { var u User; return tell(db.Model(&User{}).Where("age > 100").Scan(&u), &u) },
	"Raw and Scan": func(db *gorm.DB) any {
		var us []User
		return tell(db.Raw("SELECT * FROM users WHERE age > ? ORDER BY id", 30).Scan(&us), &us)
	},
	"Raw with names": func(db *gorm.DB) any {
		var us []User
		return tell(db.Raw("SELECT * FROM users WHERE name = @n OR age = @a ORDER BY id", map[string]any{"n": "Amy", "a": 42}).Scan(&us), &us)
	},
	"Raw and Find": func(db *gorm.DB) any {
		var us []User
		return tell(db.Raw("SELECT * FROM users ORDER BY id").Find(&us), &us)
	},
	"Raw and First": func(db *gorm.DB) any {
		var u User
		return tell(db.Raw("SELECT * FROM users WHERE id = ?", 2).First(&u), &u)
	},
	"Table and Take": func(db *gorm.DB) any {
		m := map[string]any{}
		return tell(db.Table("users").Where("id = 1").Take(&m), m)
	},
	"Table with an alias": func(db *gorm.DB) any {
		var us []User
		return tell(db.Table("users AS u").Where("u.age > ?", 30).Order("u.id").Find(&us), &us)
	},
	"Table of a subquery": func(db *gorm.DB) any {
		var us []User
		return tell(db.Table("(?) AS u", db.Model(&User{}).Where("age > ?", 30)).Order("u.id").Find(&us), &us)
	},
	"Where in a subquery": func(db *gorm.DB) any {
		var us []User
		return tell(db.Where("id IN (?)", db.Model(&Pet{}).Select("user_id")).Order("id").Find(&us), &us)
	},
	"Group and Having": func(db *gorm.DB) any {
		var s []int
		return tell(db.Model(&User{}).Group("company_id").Having("COUNT(*) > ?", 1).Pluck("company_id", &s), &s)
	},
	"Association Find": func(db *gorm.DB) any {
		var ps []Pet
		err := db.Model(&User{Model: gorm.Model{ID: 1}}).Order("id").Association("Pets").Find(&ps)
		return []any{&ps, err}
	},
	"Association Find, many to many": func(db *gorm.DB) any {
		var ls []Language
		err := db.Model(&User{Model: gorm.Model{ID: 1}}).Order("code").Association("Languages").Find(&ls)
		return []any{&ls, err}
	},
	"Association Count": func(db *gorm.DB) any { return db.Model(&User{Model: gorm.Model{ID: 1}}).Association("Friends").Count() },
	"Row": func(db *gorm.DB) any {
		var n string
		var a int
		err := db.Model(&User{}).Select("name, age").Where("id = ?", 2).Row().Scan(&n, &a)
		return []any{n, a, err}
	},
	"Row of nothing": func(db *gorm.DB) any {
		var n string
		err := db.Model(&User{}).Select("name").Where("id = ?", 99).Row().Scan(&n)
		return []any{n, err}
	},
	"Raw and Row": func(db *gorm.DB) any {
		var n any
		err := db.Raw("SELECT COUNT(*) FROM users").Row().Scan(&n)
		return []any{n, err}
	},
	"Rows": func(db *gorm.DB) any {
		return iterate(db.Model(&User{}).Select("id, name, birthday, company_id").Order("id").Rows())
	},
	"Raw and Rows":    func(db *gorm.DB) any { return iterate(db.Raw("SELECT * FROM users ORDER BY id").Rows()) },
	"Rows of nothing": func(db *gorm.DB) any { return iterate(db.Model(&User{}).Where("age > 100").Rows()) },
	"ScanRows":        func(db *gorm.DB) any { return scanRows(db) },
	"WithResult":      func(db *gorm.DB) any { return withResult(db) },
}

func scanGroups(db *gorm.DB) any {
	var groups []struct {
		Active bool
		N      int64
		Oldest *uint
	}
	return tell(db.Model(&User{}).Select("active, COUNT(*) AS n, MAX(age) AS oldest").Group("active").Order("active").Scan(&groups), &groups)
}

// iterate reads rows to their end as a program does that knows nothing of them.
func iterate(rows *sql.Rows, err error) any {
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	out := []any{columns, err}
	for rows.Next() {
		types, err := rows.ColumnTypes()
		out = append(out, err)
		for _, c := range types {
			length, lengthOK := c.Length()
			null, nullOK := c.Nullable()
			precision, scale, decimal := c.DecimalSize()
			out = append(out, c.Name(), c.DatabaseTypeName(), c.ScanType().String(), length, lengthOK, null, nullOK, precision, scale, decimal)
		}
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		out = append(out, rows.Scan(values...), values)
	}
	return append(out, rows.Err(), rows.Close(), rows.NextResultSet())
}

func scanRows(db *gorm.DB) any {
	rows, err := db.Model(&User{}).Order("id").Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	var out []any
	for rows.Next() {
		var u User
		out = append(out, db.ScanRows(rows, &u), &u)
	}
	return append(out, rows.Err())
}

func withResult(db *gorm.DB) any {
	res := gorm.WithResult()
	us, err := gorm.G[User](db, res).Order("id").Find(context.Background())
	return []any{us, err, res.RowsAffected, res.Result == nil}
}

func TestEveryWayToReadIsCached(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) { finishers.allHit(t, d) })
}
