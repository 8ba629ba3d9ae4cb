package querycache_test

import (
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

type (
	mThing struct {
		ID   uint
		Name string `gorm:"size:50"`
	}
	mThingWide struct {
		ID    uint
		Name  string `gorm:"size:50;index:m_by_name"`
		Extra int    `gorm:"default:3"`
	}
	mNew struct {
		ID uint
		N  int
	}
)

func (mThing) TableName() string     { return "m_things" }
func (mThingWide) TableName() string { return "m_things" }

// Every call of the migrator that changes what a read says is seen, with
// AutoMigrate after db.Use.
func TestMigratorCalls(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		w := newCatalogWorld(t, d, nil)
		steps := []struct {
			name string
			run  func(m gorm.Migrator) error
		}{
			{"AutoMigrate", func(gorm.Migrator) error { return w.db.AutoMigrate(&mThing{}) }},
			{"fill", func(gorm.Migrator) error { return w.db.Create([]mThing{{Name: "a"}, {Name: "b"}}).Error }},
			{"AddColumn", func(m gorm.Migrator) error { return m.AddColumn(&mThingWide{}, "Extra") }},
			{"CreateIndex", func(m gorm.Migrator) error { return m.CreateIndex(&mThingWide{}, "m_by_name") }},
			{"RenameIndex", func(m gorm.Migrator) error { return m.RenameIndex(&mThingWide{}, "m_by_name", "m_by_name2") }},
			{"DropIndex", func(m gorm.Migrator) error { return m.DropIndex(&mThingWide{}, "m_by_name2") }},
			{"RenameColumn", func(m gorm.Migrator) error { return m.RenameColumn(&mThingWide{}, "extra", "other") }},
			{"AlterColumn", func(m gorm.Migrator) error { return m.AlterColumn(&mThingWide{}, "Name") }},
			{"DropColumn", func(m gorm.Migrator) error { return m.DropColumn(&mThingWide{}, "other") }},
			{"AutoMigrate to more", func(gorm.Migrator) error { return w.db.AutoMigrate(&mThingWide{}) }},
			{"CreateView", func(m gorm.Migrator) error {
				return m.CreateView("m_view", gorm.ViewOption{Query: w.db.Table("m_things").Select("id", "name")})
			}},
			{"replace a view", func(m gorm.Migrator) error {
				if err := m.DropView("m_view"); err != nil {
					return err
				}
				return m.CreateView("m_view", gorm.ViewOption{Query: w.db.Table("m_things").Select("id", "name").Where("id > 1")})
			}},
			{"write under the view", func(gorm.Migrator) error { return w.db.Exec("UPDATE m_things SET name = 'c'").Error }},
			{"DropView", func(m gorm.Migrator) error { return m.DropView("m_view") }},
			{"CreateTable", func(m gorm.Migrator) error { return m.CreateTable(&mNew{}) }},
			{"write to it", func(gorm.Migrator) error { return w.db.Create(&mNew{N: 1}).Error }},
			{"RenameTable", func(m gorm.Migrator) error { return m.RenameTable("m_news", "m_newer") }},
			{"write to it renamed", func(gorm.Migrator) error { return w.db.Exec("UPDATE m_newer SET n = 2").Error }},
			{"RenameTable back", func(m gorm.Migrator) error { return m.RenameTable("m_newer", "m_news") }},
			{"DropTable", func(m gorm.Migrator) error { return m.DropTable("m_news") }},
			{"migrate in a transaction", func(gorm.Migrator) error {
				return w.db.Transaction(func(tx *gorm.DB) error { return tx.AutoMigrate(&mNew{}) })
			}},
		}
		for _, n := range []string{"m_things", "m_view", "m_news", "m_newer"} {
			w.readOf(n)
		}
		shape := wRead{"column types", []string{"m_things"}, func(db *gorm.DB) (any, error) {
			types, err := db.Migrator().ColumnTypes("m_things")
			var names []string
			for _, c := range types {
				names = append(names, c.Name())
			}
			return names, err
		}}
		w.reads = append(w.reads, shape)
		for _, s := range steps {
			for _, r := range w.reads { // cached, where it can be
				ask(r, w.db.DB)
				ask(r, w.db.DB)
			}
			if err := s.run(w.db.Migrator()); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			// A SQLite connection that has the old schema names the old columns once
			// more, so the truth comes from a fresh one.
			w.plain = d.Open(t, testdb.Options{Postgres: unprepared})
			for _, r := range w.reads {
				want, got := ask(r, w.plain.DB), ask(r, w.db.DB)
				if diff := testdb.Equal(want, got); diff != "" {
					t.Errorf("after %s, %s differs:\n%s", s.name, r.name, diff)
				}
			}
		}
	})
}
