package querycache_test

import (
	"errors"
	"fmt"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// gormWrites are GORM's own ways to write rows. They run one after the other
// on one database.
func gormWrites() []wWrite {
	authors, books := []string{tAuthors}, []string{tBooks}
	return []wWrite{
		{"create", "", books, func(db *gorm.DB) error {
			return db.Create(&wBook{AuthorID: ptr(uint(1)), Title: "new", Pages: 300}).Error
		}},
		{"create a batch", "", books, func(db *gorm.DB) error {
			return db.Create([]wBook{{Title: "b1", AuthorID: ptr(uint(1))}, {Title: "b2"}}).Error
		}},
		{"CreateInBatches", "", books, func(db *gorm.DB) error {
			return db.CreateInBatches([]wBook{{Title: "c1"}, {Title: "c2"}, {Title: "c3"}}, 2).Error
		}},
		{"create from a map", "", books, func(db *gorm.DB) error {
			return db.Model(&wBook{}).Create(map[string]any{"title": "map", "pages": 1}).Error
		}},
		{"create from maps into a table", "", books, func(db *gorm.DB) error {
			return db.Table("w_books").Create([]map[string]any{{"title": "map1", "pages": 1}, {"title": "map2", "pages": 2}}).Error
		}},
		{"create with an expression", "", books, func(db *gorm.DB) error {
			return db.Model(&wBook{}).Create(map[string]any{"title": "expr", "pages": gorm.Expr("(SELECT count(*) FROM w_authors)")}).Error
		}},
		{"create with associations", "", []string{tAuthors, tCompanies, tProfiles, tBooks, tTags, tAuthorTags, tNotes}, func(db *gorm.DB) error {
			return db.Create(&wAuthor{Name: "dan", Email: "dan@x", Company: &wCompany{Name: "c4"}, Profile: &wProfile{Text: "p"},
				Books: []wBook{{Title: "d1", Pages: 500}}, Tags: []wTag{{Name: "t4"}}, Notes: []wNote{{Text: "n"}}, Boss: &wAuthor{Name: "eve", Email: "eve@x"}}).Error
		}},
		{"create without its associations", "", authors, func(db *gorm.DB) error {
			return db.Omit(clause.Associations).Create(&wAuthor{Name: "fay", Email: "fay@x", Company: &wCompany{Name: "no"}}).Error
		}},
		{"save inserts", "", books, func(db *gorm.DB) error { return db.Save(&wBook{Title: "saved"}).Error }},
		{"save updates", "", books, func(db *gorm.DB) error {
			return db.Save(&wBook{ID: 1, Title: "saved 1", Pages: 7, AuthorID: ptr(uint(2))}).Error
		}},
		{"save of a missing key inserts", "", books, func(db *gorm.DB) error { return db.Save(&wBook{ID: 900, Title: "saved 900"}).Error }},
		{"save of a slice", "", books, func(db *gorm.DB) error {
			return db.Save([]wBook{{ID: 1, Title: "slice 1"}, {ID: 901, Title: "slice 901"}}).Error
		}},
		{"Update", "", authors, func(db *gorm.DB) error {
			return db.Model(&wAuthor{}).Where("id = ?", 1).Update("name", "updated").Error
		}},
		{"Update of a model", "", authors, func(db *gorm.DB) error { return db.Model(&wAuthor{ID: 1}).Update("name", "model").Error }},
		{"Updates with a struct", "", authors, func(db *gorm.DB) error {
			return db.Model(&wAuthor{ID: 1}).Updates(wAuthor{Name: "struct", Rank: 9}).Error
		}},
		{"Updates with a map", "", authors, func(db *gorm.DB) error {
			return db.Model(&wAuthor{}).Where("rank IN ?", []int{1, 2}).Updates(map[string]any{"name": "map", "rank": 0}).Error
		}},
		{"UpdateColumn", "", authors, func(db *gorm.DB) error { return db.Model(&wAuthor{ID: 2}).UpdateColumn("rank", 77).Error }},
		{"UpdateColumns", "", authors, func(db *gorm.DB) error {
			return db.Model(&wAuthor{ID: 2}).UpdateColumns(map[string]any{"rank": 78, "name": "cols"}).Error
		}},
		{"Update with an expression", "", authors, func(db *gorm.DB) error {
			return db.Model(&wAuthor{}).Where("id > 0").Update("rank", gorm.Expr("w_authors.rank + ?", 5)).Error
		}},
		{"Update with a subquery", "", authors, func(db *gorm.DB) error {
			return db.Model(&wAuthor{ID: 1}).Update("name", db.Model(&wCompany{}).Select("name").Where("id = ?", 2)).Error
		}},
		{"Update in a table without a model", "", authors, func(db *gorm.DB) error {
			return db.Table("w_authors AS a").Where("a.id = ?", 1).Update("name", "alias").Error
		}},
		{"global Update", "", authors, func(db *gorm.DB) error {
			return db.Session(&gorm.Session{AllowGlobalUpdate: true}).Model(&wAuthor{}).Update("rank", 3).Error
		}},
		{"Update with generics", "", authors, func(db *gorm.DB) error {
			n, err := gorm.G[wAuthor](db).Where("id = ?", 3).Update(db.Statement.Context, "name", "generic")
			if err == nil && n != 1 {
				err = fmt.Errorf("%d rows", n)
			}
			return err
		}},
		{"soft delete", "", books, func(db *gorm.DB) error { return db.Delete(&wBook{}, 1).Error }},
		{"restore", "", books, func(db *gorm.DB) error {
			return db.Unscoped().Model(&wBook{}).Where("id = ?", 1).Update("deleted_at", nil).Error
		}},
		{"soft delete by condition", "", books, func(db *gorm.DB) error { return db.Where("title LIKE ?", "c%").Delete(&wBook{}).Error }},
		{"soft delete of a slice", "", books, func(db *gorm.DB) error { return db.Delete([]wBook{{ID: 2}, {ID: 3}}).Error }},
		{"Unscoped delete", "", books, func(db *gorm.DB) error { return db.Unscoped().Delete(&wBook{ID: 2}).Error }},
		{"Unscoped delete by keys", "", books, func(db *gorm.DB) error { return db.Unscoped().Delete(&wBook{}, []int{3, 4}).Error }},
		{"delete", "", []string{tTags}, func(db *gorm.DB) error { return db.Delete(&wTag{ID: 3}).Error }},
		{"delete by generics", "", []string{tNotes}, func(db *gorm.DB) error {
			_, err := gorm.G[wNote](db).Where("text = ?", "n").Delete(db.Statement.Context)
			return err
		}},
		{"delete with a subquery", "", books, func(db *gorm.DB) error {
			return db.Unscoped().Where("author_id IN (?)", db.Model(&wAuthor{}).Select("id").Where("email = ?", "dan@x")).Delete(&wBook{}).Error
		}},
		{"delete with associations selected", "", []string{tAuthors, tProfiles, tBooks, tNotes, tAuthorTags}, func(db *gorm.DB) error {
			return db.Unscoped().Select("Profile", "Notes", "Tags", "Books").Delete(&wAuthor{ID: 3}).Error
		}},
		{"no change: upsert that does nothing", "", []string{tIslands}, func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{DoNothing: true}).Create(&wIsland{ID: 1, Name: "no"}).Error
		}},
		{"upsert that updates", "", []string{tIslands}, func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}).
				Create(&wIsland{ID: 1, Name: "upserted"}).Error
		}},
		{"upsert with assignments", "", []string{tIslands}, func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, DoUpdates: clause.Assignments(map[string]any{"name": "assigned"})}).
				Create([]wIsland{{ID: 1}, {ID: 2}}).Error
		}},
		{"upsert of all columns", "", []string{tIslands}, func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{UpdateAll: true}).Create([]wIsland{{ID: 1, Name: "all"}, {ID: 50, Name: "fresh"}}).Error
		}},
		{"upsert by another unique key", "", authors, func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "email"}}, DoUpdates: clause.AssignmentColumns([]string{"name"})}).
				Create(&wAuthor{Name: "by email", Email: "ann@x"}).Error
		}},
		{"insert ignore", "mysql", []string{tIslands}, func(db *gorm.DB) error {
			return db.Clauses(clause.Insert{Modifier: "IGNORE"}).Create([]wIsland{{ID: 1, Name: "x"}, {ID: 60, Name: "y"}}).Error
		}},
		{"insert or replace", "sqlite", []string{tIslands}, func(db *gorm.DB) error {
			return db.Clauses(clause.Insert{Modifier: "OR REPLACE"}).Create(&wIsland{ID: 1, Name: "replaced"}).Error
		}},
		{"FirstOrCreate creates", "", []string{tIslands}, func(db *gorm.DB) error {
			return db.Attrs(wIsland{ID: 70}).FirstOrCreate(&wIsland{}, wIsland{Name: "first or create"}).Error
		}},
		{"no change: FirstOrCreate finds", "", nil, func(db *gorm.DB) error {
			return db.Attrs(wIsland{ID: 71}).FirstOrCreate(&wIsland{}, wIsland{Name: "first or create"}).Error
		}},
		{"FirstOrCreate assigns", "", []string{tIslands}, func(db *gorm.DB) error {
			return db.Where(wIsland{ID: 70}).Assign(wIsland{Name: "assigned 70"}).FirstOrCreate(&wIsland{}).Error
		}},
		{"FindInBatches that writes", "", books, func(db *gorm.DB) error {
			var batch []wBook
			return db.Where("id > 0").FindInBatches(&batch, 3, func(tx *gorm.DB, _ int) error {
				for _, b := range batch {
					if err := db.Model(&wBook{ID: b.ID}).Update("pages", b.Pages+1).Error; err != nil {
						return err
					}
				}
				return nil
			}).Error
		}},
		{"FindInBatches that saves its batch", "", books, func(db *gorm.DB) error {
			var batch []wBook
			return db.Where("id > 0").FindInBatches(&batch, 3, func(tx *gorm.DB, _ int) error {
				for i := range batch {
					batch[i].Pages += 10
				}
				return tx.Save(&batch).Error
			}).Error
		}},
		{"no change: failing create", "", authors, func(db *gorm.DB) error {
			if db.Create(&wAuthor{Name: "dup", Email: "ann@x"}).Error == nil {
				return errors.New("the duplicate was accepted")
			}
			return nil
		}},
	}
}

// associationWrites are the calls of association mode on each kind.
func associationWrites() []wWrite {
	ann := func() *wAuthor { return &wAuthor{ID: 1} }
	assoc := func(db *gorm.DB, name string) *gorm.Association { return db.Model(ann()).Association(name) }
	many2many := []string{tAuthors, tTags, tAuthorTags}
	return []wWrite{
		{"belongs to: replace", "", []string{tAuthors, tCompanies}, func(db *gorm.DB) error {
			return assoc(db, "Company").Replace(&wCompany{ID: 2, Name: "c2"})
		}},
		{"belongs to: append a new one", "", []string{tAuthors, tCompanies}, func(db *gorm.DB) error {
			return assoc(db, "Company").Append(&wCompany{Name: "appended"})
		}},
		{"belongs to: clear", "", []string{tAuthors, tCompanies}, func(db *gorm.DB) error { return assoc(db, "Company").Clear() }},
		{"belongs to: delete", "", []string{tAuthors, tCompanies}, func(db *gorm.DB) error {
			return db.Model(&wAuthor{ID: 2, CompanyID: ptr(uint(1))}).Association("Company").Delete(&wCompany{ID: 1})
		}},
		{"has one: replace", "", []string{tAuthors, tProfiles}, func(db *gorm.DB) error {
			return assoc(db, "Profile").Replace(&wProfile{Text: "another"})
		}},
		{"has one: clear", "", []string{tAuthors, tProfiles}, func(db *gorm.DB) error { return assoc(db, "Profile").Clear() }},
		{"has one: append", "", []string{tAuthors, tProfiles}, func(db *gorm.DB) error {
			return assoc(db, "Profile").Append(&wProfile{Text: "appended"})
		}},
		{"has one: unscoped replace", "", []string{tAuthors, tProfiles}, func(db *gorm.DB) error {
			return assoc(db, "Profile").Unscoped().Replace(&wProfile{Text: "unscoped"})
		}},
		{"has many: append", "", []string{tAuthors, tBooks}, func(db *gorm.DB) error {
			return assoc(db, "Books").Append(&wBook{Title: "a1"}, &wBook{Title: "a2"})
		}},
		{"has many: replace", "", []string{tAuthors, tBooks}, func(db *gorm.DB) error { return assoc(db, "Books").Replace(&wBook{Title: "a3"}) }},
		{"has many: delete", "", []string{tAuthors, tBooks}, func(db *gorm.DB) error { return assoc(db, "Books").Delete(&wBook{ID: 7}, &wBook{ID: 9}) }},
		{"has many: append again", "", []string{tAuthors, tBooks}, func(db *gorm.DB) error { return assoc(db, "Books").Append(&wBook{Title: "a4"}) }},
		{"has many: clear", "", []string{tAuthors, tBooks}, func(db *gorm.DB) error { return assoc(db, "Books").Clear() }},
		{"has many: append once more", "", []string{tAuthors, tBooks}, func(db *gorm.DB) error { return assoc(db, "Books").Append(&wBook{Title: "a5"}) }},
		{"has many: unscoped clear", "", []string{tAuthors, tBooks}, func(db *gorm.DB) error { return assoc(db, "Books").Unscoped().Clear() }},
		{"many to many: append", "", many2many, func(db *gorm.DB) error { return assoc(db, "Tags").Append(&wTag{Name: "m1"}) }},
		{"many to many: append a known one", "", many2many, func(db *gorm.DB) error { return assoc(db, "Tags").Append(&wTag{ID: 2, Name: "t2"}) }},
		{"many to many: delete", "", many2many, func(db *gorm.DB) error { return assoc(db, "Tags").Delete(&wTag{ID: 1}) }},
		{"many to many: replace", "", many2many, func(db *gorm.DB) error { return assoc(db, "Tags").Replace(&wTag{Name: "m2"}, &wTag{Name: "m3"}) }},
		{"many to many: clear", "", many2many, func(db *gorm.DB) error { return assoc(db, "Tags").Clear() }},
		{"polymorphic: append", "", []string{tAuthors, tNotes}, func(db *gorm.DB) error { return assoc(db, "Notes").Append(&wNote{Text: "p1"}) }},
		{"polymorphic: replace", "", []string{tAuthors, tNotes}, func(db *gorm.DB) error { return assoc(db, "Notes").Replace(&wNote{Text: "p2"}) }},
		{"polymorphic: clear", "", []string{tAuthors, tNotes}, func(db *gorm.DB) error { return assoc(db, "Notes").Clear() }},
		{"self reference: append", "", []string{tAuthors}, func(db *gorm.DB) error {
			return assoc(db, "Staff").Append(&wAuthor{Name: "staff", Email: "staff@x"})
		}},
		{"self reference: clear", "", []string{tAuthors}, func(db *gorm.DB) error { return assoc(db, "Staff").Clear() }},
		{"update with nested associations", "", []string{tAuthors, tBooks, tCompanies}, func(db *gorm.DB) error {
			return db.Session(&gorm.Session{FullSaveAssociations: true}).Updates(&wAuthor{ID: 2, Name: "full",
				Company: &wCompany{ID: 1, Name: "renamed"}, Books: []wBook{{ID: 3, Title: "rewritten"}}}).Error
		}},
	}
}

// Every write of GORM reaches every read of its tables, and no other.
func TestWritesOfGORM(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		newWorld(t, d, gorm.Config{}).runWrites(gormWrites())
	})
}

// The same with prepared statements and without default transactions: each
// write is then an autocommit statement that the wrapped pool does not see.
func TestWritesOfGORMPrepared(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		newWorld(t, d, gorm.Config{PrepareStmt: true, SkipDefaultTransaction: true}).runWrites(gormWrites())
	})
}

func TestWritesOfAssociations(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		newWorld(t, d, gorm.Config{}).runWrites(associationWrites())
	})
}

func TestWritesOfAssociationsPrepared(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		newWorld(t, d, gorm.Config{PrepareStmt: true, SkipDefaultTransaction: true}).runWrites(associationWrites())
	})
}
