package querycache_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Tables of names of their own: see pinned.
type handShelf struct {
	ID    uint
	Name  string
	Books []handBook `gorm:"foreignKey:ShelfID;constraint:OnDelete:CASCADE"`
}

type handBook struct {
	ID      uint
	ShelfID uint
	Title   string
}

type handLine struct {
	OrderID int `gorm:"primaryKey;autoIncrement:false"`
	Pos     int `gorm:"primaryKey;autoIncrement:false"`
	Text    string
}

type handCode struct {
	Code string `gorm:"primaryKey;size:20"`
	Name string
}

type handOther struct{ ID uint }

// shelve fills a database with what is invalidated by hand.
func shelve(t *testing.T, d *testdb.Database) {
	t.Helper()
	db := d.Open(t, testdb.Options{})
	must(t, db.AutoMigrate(&handShelf{}, &handBook{}, &handLine{}, &handCode{}, &handOther{}))
	must(t, db.Create(&[]handShelf{{ID: 1, Name: "upper"}, {ID: 2, Name: "lower"}}).Error)
	must(t, db.Create(&[]handBook{{1, 1, "Ada"}, {2, 2, "Emma"}}).Error)
	must(t, db.Create(&[]handLine{{1, 1, "a"}, {1, 2, "b"}, {2, 1, "c"}}).Error)
	must(t, db.Create(&[]handCode{{"a", "Alpha"}, {"b", "Beta"}}).Error)
	must(t, db.Create(&[]handOther{{1}}).Error)
	must(t, db.Exec("CREATE VIEW hand_titles AS SELECT id, title FROM hand_books").Error)
}

// handReads are one query of each kind, by name.
var handReads = map[string]func(db *gorm.DB) error{
	"shelf 1":  func(db *gorm.DB) error { return db.First(&handShelf{}, 1).Error },
	"shelf 2":  func(db *gorm.DB) error { return db.First(&handShelf{}, 2).Error },
	"shelves":  func(db *gorm.DB) error { return db.Find(&[]handShelf{}).Error },
	"book 1":   func(db *gorm.DB) error { return db.First(&handBook{}, 1).Error },
	"book 2":   func(db *gorm.DB) error { return db.First(&handBook{}, 2).Error },
	"books":    func(db *gorm.DB) error { return db.Find(&[]handBook{}).Error },
	"titles":   func(db *gorm.DB) error { return db.Table("hand_titles").Find(&[]map[string]any{}).Error },
	"line 1/1": func(db *gorm.DB) error { return db.First(&handLine{}, "order_id = ? AND pos = ?", 1, 1).Error },
	"line 1/2": func(db *gorm.DB) error { return db.First(&handLine{}, "order_id = ? AND pos = ?", 1, 2).Error },
	"lines":    func(db *gorm.DB) error { return db.Find(&[]handLine{}).Error },
	"code a":   func(db *gorm.DB) error { return db.First(&handCode{}, "code = ?", "a").Error },
	"code b":   func(db *gorm.DB) error { return db.First(&handCode{}, "code = ?", "b").Error },
	"codes":    func(db *gorm.DB) error { return db.Find(&[]handCode{}).Error },
	"others":   func(db *gorm.DB) error { return db.Find(&[]handOther{}).Error },
}

// kills checks that an invalidation kills the reads that are named and no
// other, and counts them.
func (p *pair) kills(t *testing.T, reads map[string]func(db *gorm.DB) error, invalidate func(ctx context.Context, c *querycache.Plugin) (int, error), dead ...string) {
	t.Helper()
	names := slices.Sorted(maps.Keys(reads))
	for _, name := range names {
		must(t, reads[name](p.cached.DB))
		if n := p.asks(func() { must(t, reads[name](p.cached.DB)) }); n != 0 {
			t.Fatalf("%q is not cached", name)
		}
	}
	before := p.cache.Stats().Invalidations.ByKind[querycache.InvalidationManual]
	n, err := invalidate(t.Context(), p.cache)
	if err != nil || n != len(dead) {
		t.Errorf("%d died, %v; want %d", n, err, len(dead))
	}
	if got := p.cache.Stats().Invalidations.ByKind[querycache.InvalidationManual] - before; got != 1 {
		t.Errorf("counted %d times", got)
	}
	for _, name := range names {
		want := 0
		if slices.Contains(dead, name) {
			want = 1
		}
		if got := p.asks(func() { must(t, reads[name](p.cached.DB)) }); got != want {
			t.Errorf("%q asked the database %d times, want %d", name, got, want)
		}
	}
}
