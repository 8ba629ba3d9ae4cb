package sqlscan

import (
	"database/sql"
	"strings"
	"testing"

	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

type gormMember struct {
	TeamID uint `gorm:"primaryKey;autoIncrement:false"`
	UserID uint `gorm:"primaryKey;autoIncrement:false"`
	Role   string
}

func (gormMember) TableName() string { return "members" }

// sayRowsOf puts what a result says of rows into one line.
func sayRowsOf(r *Result) string {
	var s []string
	if r.Plain {
		s = append(s, "plain")
	}
	if r.Change != nil {
		s = append(s, sayChange(r.Change))
	}
	if r.Where != nil {
		s = append(s, "where "+sayWhere(r.Where))
	}
	return strings.Join(s, " ")
}

// What GORM itself writes for single records is told in each dialect.
func TestRowsOfGORMStatements(t *testing.T) {
	two := []gormUser{{Model: gorm.Model{ID: 1}}, {Model: gorm.Model{ID: 2}}}
	cases := []struct {
		name string
		do   func(*gorm.DB) *gorm.DB
		want string
		my   string // MySQL, if it differs; "-" for nothing
	}{
		{"First", func(tx *gorm.DB) *gorm.DB { return tx.First(&gormUser{}, 1) }, "plain where id=$1", ""},
		{"Take", func(tx *gorm.DB) *gorm.DB { return tx.Take(&gormUser{}, "id = ?", 1) }, "plain where id=$1", ""},
		{"Last", func(tx *gorm.DB) *gorm.DB { return tx.Last(&gormUser{Model: gorm.Model{ID: 4}}) }, "plain where id=$1", ""},
		{"Find by keys", func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]gormUser{}, []int{1, 2, 3}) }, "plain where id=$1|$2|$3", ""},
		{"Find unscoped", func(tx *gorm.DB) *gorm.DB { return tx.Unscoped().Find(&[]gormUser{}, []int{1}) }, "plain where id=$1", ""},
		{"Find by a condition", func(tx *gorm.DB) *gorm.DB { return tx.Where("id = ? AND name > ?", 1, "a").Find(&[]gormUser{}) }, "plain where id=$1", ""},
		{"Find by two conditions", func(tx *gorm.DB) *gorm.DB {
			return tx.Where("name = ? OR name = ?", "a", "b").Where("id = ?", 1).Order("name").Limit(2).Find(&[]gormUser{})
		}, "plain where id=$3", ""},
		{"Find by struct", func(tx *gorm.DB) *gorm.DB {
			return tx.Where(&gormUser{Model: gorm.Model{ID: 3}, CompanyID: 4}).Find(&[]gormUser{})
		}, "plain where id=$1 & company_id=$2", ""},
		{"Find by map", func(tx *gorm.DB) *gorm.DB {
			return tx.Where(map[string]any{"id": []int{1, 2}}).Find(&[]gormUser{})
		}, "plain where id=$1|$2", ""},
		{"Or", func(tx *gorm.DB) *gorm.DB { return tx.Where("id = ?", 1).Or("id = ?", 2).Find(&[]gormUser{}) }, "plain", ""},
		{"Not", func(tx *gorm.DB) *gorm.DB { return tx.Not("id = ?", 1).Find(&[]gormUser{}) }, "plain", ""},
		{"Not with another", func(tx *gorm.DB) *gorm.DB {
			return tx.Not(map[string]any{"id": []int{1}}).Where("company_id = ?", 1).Find(&[]gormUser{})
		}, "plain where company_id=$2", ""},
		{"all", func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]gormUser{}) }, "plain", ""},
		{"Select", func(tx *gorm.DB) *gorm.DB { return tx.Select("id", "name").Find(&[]gormUser{}, 1) }, "plain where id=$1", ""},
		{"QueryFields", func(tx *gorm.DB) *gorm.DB {
			return tx.Session(&gorm.Session{QueryFields: true}).Find(&[]gormUser{}, 1)
		}, "plain where id=$1", ""},
		{"Pluck", func(tx *gorm.DB) *gorm.DB { return tx.Model(&gormUser{}).Where("id = ?", 1).Pluck("name", &[]string{}) }, "plain where id=$1", ""},
		{"Count", func(tx *gorm.DB) *gorm.DB { return tx.Model(&gormUser{}).Where("id = ?", 1).Count(new(int64)) }, "where id=$1", ""},
		{"alias", func(tx *gorm.DB) *gorm.DB {
			return tx.Table("users AS u").Where("u.id = ?", 1).Find(&[]map[string]any{})
		}, "plain where id=$1", ""},
		{"joins", func(tx *gorm.DB) *gorm.DB { return tx.Joins("Company").Find(&[]gormUser{}, 1) }, "", "-"},
		{"literal", func(tx *gorm.DB) *gorm.DB { return tx.Where("id = 7").Find(&[]gormUser{}) }, "plain where id=7", ""},
		{"composite", func(tx *gorm.DB) *gorm.DB { return tx.Take(&gormMember{TeamID: 1, UserID: 2}) }, "plain where team_id=$1 & user_id=$2", ""},
		{"composite slice", func(tx *gorm.DB) *gorm.DB {
			return tx.Where("(team_id, user_id) IN ?", [][]any{{1, 2}, {3, 4}}).Find(&[]gormMember{})
		}, "plain where team_id,user_id=$1,$2|$3,$4", ""},
		{"children", func(tx *gorm.DB) *gorm.DB { return tx.Where(&gormOrder{UserID: 1}).Find(&[]gormOrder{}) }, "plain where user_id=$1", ""},

		{"Save", func(tx *gorm.DB) *gorm.DB { return tx.Omit(clause.Associations).Save(&gormOrder{ID: 1, UserID: 2}) }, "update total,user_id where id=$3", ""},
		{"Update", func(tx *gorm.DB) *gorm.DB { return tx.Model(&gormOrder{ID: 1}).Update("total", 2) }, "update total where id=$2", ""},
		{"Update expr", func(tx *gorm.DB) *gorm.DB {
			return tx.Model(&gormOrder{ID: 1}).Update("total", gorm.Expr("total + ?", 2))
		}, "update total where id=$2", ""},
		{"Updates", func(tx *gorm.DB) *gorm.DB {
			return tx.Model(&gormUser{Model: gorm.Model{ID: 1}}).Where("name = ?", "x").Updates(map[string]any{"name": "b", "company_id": 2})
		}, "update company_id,name,updated_at where name=$4 & id=$5", ""},
		{"Updates of two", func(tx *gorm.DB) *gorm.DB {
			return tx.Model(&gormOrder{}).Where("id IN ?", []int{1, 2}).UpdateColumns(map[string]any{"total": 1})
		}, "update total where id=$2|$3", ""},
		{"Updates of many", func(tx *gorm.DB) *gorm.DB { return tx.Model(&gormOrder{}).Where("total > 1").Update("total", 1) }, "update total", ""},
		{"composite Update", func(tx *gorm.DB) *gorm.DB { return tx.Model(&gormMember{TeamID: 1, UserID: 2}).Update("role", "x") }, "update role where team_id=$2 & user_id=$3", ""},
		{"Delete", func(tx *gorm.DB) *gorm.DB { return tx.Delete(&gormOrder{ID: 1}) }, "delete where id=$1", ""},
		{"Delete by keys", func(tx *gorm.DB) *gorm.DB { return tx.Delete(&gormOrder{}, []int{1, 2}) }, "delete where id=$1|$2", ""},
		{"Delete a slice", func(tx *gorm.DB) *gorm.DB { return tx.Unscoped().Delete(&two) }, "delete where id=$1|$2", ""},
		{"soft Delete", func(tx *gorm.DB) *gorm.DB { return tx.Delete(&two[0]) }, "update deleted_at where id=$2", ""},
		{"composite Delete", func(tx *gorm.DB) *gorm.DB {
			return tx.Delete(&[]gormMember{{TeamID: 1, UserID: 2}, {TeamID: 3, UserID: 4}})
		}, "delete where team_id,user_id=$1,$2|$3,$4", ""},
		{"Delete with RETURNING", func(tx *gorm.DB) *gorm.DB {
			return tx.Clauses(clause.Returning{}).Delete(&gormOrder{ID: 1})
		}, "delete where id=$1", ""},

		{"Create", func(tx *gorm.DB) *gorm.DB { return tx.Create(&gormOrder{UserID: 1}) }, "insert", ""},
		{"CreateInBatches", func(tx *gorm.DB) *gorm.DB { return tx.CreateInBatches(&[]gormOrder{{UserID: 1}, {UserID: 2}}, 5) }, "", "-"}, // its statements are of sessions of its own
		{"Create a slice", func(tx *gorm.DB) *gorm.DB { return tx.Create(&[]gormOrder{{UserID: 1}, {UserID: 2}}) }, "insert", ""},
		{"DoNothing", func(tx *gorm.DB) *gorm.DB {
			return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&gormOrder{ID: 1})
		}, "insert", "-"},
		{"UpdateAll", func(tx *gorm.DB) *gorm.DB {
			return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&[]gormCompany{{ID: 1, Name: "x"}, {ID: 2}})
		}, "upsert id name id=$2|$4", "-"},
		{"Save a slice", func(tx *gorm.DB) *gorm.DB { return tx.Save(&[]gormCompany{{ID: 1, Name: "x"}, {ID: 2}}) }, "upsert id name id=$2|$4", "-"},
		{"OnConflict of columns", func(tx *gorm.DB) *gorm.DB {
			return tx.Clauses(clause.OnConflict{
				Columns:   []clause.Column{{Name: "user_id"}, {Name: "team_id"}},
				DoUpdates: clause.AssignmentColumns([]string{"role"}),
			}).Create(&gormMember{TeamID: 1, UserID: 2, Role: "x"})
		}, "upsert team_id,user_id role team_id,user_id=$1,$2", "-"},
		{"OnConflict with assignments", func(tx *gorm.DB) *gorm.DB {
			return tx.Clauses(clause.OnConflict{
				Columns:   []clause.Column{{Name: "id"}},
				DoUpdates: clause.Assignments(map[string]any{"name": gorm.Expr("companies.name || ?", "x")}),
				Where:     clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "companies.name > ?", Vars: []any{"a"}}}},
			}).Create(&gormCompany{ID: 1, Name: "x"})
		}, "upsert id name id=$2", "-"},
		{"OnConflict on an index with WHERE", func(tx *gorm.DB) *gorm.DB {
			return tx.Clauses(clause.OnConflict{
				Columns:     []clause.Column{{Name: "id"}},
				TargetWhere: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "id > 1"}}},
				DoUpdates:   clause.AssignmentColumns([]string{"name"}),
			}).Create(&gormCompany{ID: 1})
		}, "", "-"},
		{"OnConstraint", func(tx *gorm.DB) *gorm.DB {
			return tx.Clauses(clause.OnConflict{OnConstraint: "x", DoUpdates: clause.AssignmentColumns([]string{"name"})}).Create(&gormCompany{ID: 1})
		}, "", "-"},
		{"zero keys", func(tx *gorm.DB) *gorm.DB {
			return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&[]gormCompany{{ID: 1, Name: "x"}, {Name: "y"}})
		}, "upsert id name id=$2|*", "-"},
	}
	for _, dialector := range []gorm.Dialector{
		sqlite.Open(":memory:"),
		mysql.New(mysql.Config{Conn: noPool{}, SkipInitializeWithVersion: true}),
		postgres.New(postgres.Config{Conn: noPool{}}),
	} {
		db, err := gorm.Open(dialector, &gorm.Config{DryRun: true, DisableAutomaticPing: true, SkipDefaultTransaction: true, Logger: logger.Discard})
		if err != nil {
			t.Fatal(dialector.Name(), err)
		}
		if pool, ok := db.ConnPool.(*sql.DB); ok {
			t.Cleanup(func() { _ = pool.Close() })
		}
		for _, c := range cases {
			stmt := c.do(db.Session(&gorm.Session{NewDB: true, DryRun: true})).Statement
			text, want := stmt.SQL.String(), c.want
			if dialector.Name() == "mysql" && c.my != "" {
				want = strings.Trim(c.my, "-")
			}
			r := Scan(DialectOf(dialector.Name()), text, nil)
			if got := sayRowsOf(r); got != want {
				t.Errorf("%s %s: %s\n got %s\nwant %s", dialector.Name(), c.name, text, got, want)
			}
			if text != "" && r.Params != len(stmt.Vars) {
				t.Errorf("%s %s: %s: %d parameters, want %d", dialector.Name(), c.name, text, r.Params, len(stmt.Vars))
			}
		}
	}
}
