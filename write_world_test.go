package querycache_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// The models of the write tests: every kind of association, two keys with
// cascades, soft delete, a unique key beside the primary one, and an island
// that nothing refers to.
type (
	wAuthor struct {
		ID        uint
		Name      string `gorm:"size:100"`
		Email     string `gorm:"size:100;uniqueIndex"`
		Rank      int
		CompanyID *uint
		Company   *wCompany
		Profile   *wProfile `gorm:"foreignKey:AuthorID"`
		Books     []wBook   `gorm:"foreignKey:AuthorID"`
		Tags      []wTag    `gorm:"many2many:w_author_tags;joinForeignKey:AuthorID;joinReferences:TagID"`
		Notes     []wNote   `gorm:"polymorphic:Owner"`
		BossID    *uint
		Boss      *wAuthor
		Staff     []wAuthor `gorm:"foreignKey:BossID"`
	}
	wCompany struct {
		ID   uint
		Name string `gorm:"size:100"`
	}
	wProfile struct {
		ID       uint
		AuthorID *uint
		Text     string `gorm:"size:100"`
	}
	wBook struct {
		ID        uint
		AuthorID  *uint
		Title     string `gorm:"size:100"`
		Pages     int
		DeletedAt gorm.DeletedAt
	}
	wTag struct {
		ID   uint
		Name string `gorm:"size:100"`
	}
	wNote struct {
		ID        uint
		OwnerID   *uint
		OwnerType string `gorm:"size:100"`
		Text      string `gorm:"size:100"`
	}
	wIsland struct {
		ID   uint
		Name string `gorm:"size:100"`
	}
)

// Table names, and the sets of tables that reads depend on.
const (
	tAuthors    = "w_authors"
	tCompanies  = "w_companies"
	tProfiles   = "w_profiles"
	tBooks      = "w_books"
	tTags       = "w_tags"
	tAuthorTags = "w_author_tags"
	tNotes      = "w_notes"
	tIslands    = "w_islands"
)

func wModels() []any {
	return []any{&wCompany{}, &wAuthor{}, &wProfile{}, &wBook{}, &wTag{}, &wNote{}, &wIsland{}}
}

// wRead is one read with the tables that it depends on.
type wRead struct {
	name   string
	tables []string
	run    func(db *gorm.DB) (any, error)
}

func one[T any](db *gorm.DB, conds ...any) (any, error) {
	var v T
	err := db.First(&v, conds...).Error
	return v, err
}

func many[T any](db *gorm.DB) (any, error) {
	var v []T
	err := db.Find(&v).Error
	return v, err
}

func scanned(db *gorm.DB, text string, args ...any) (any, error) {
	var v []map[string]any
	err := db.Raw(text, args...).Scan(&v).Error
	return v, err
}

// wReads reads every table in several ways.
func wReads() []wRead {
	return []wRead{
		{"first author", []string{tAuthors}, func(db *gorm.DB) (any, error) { return one[wAuthor](db, 1) }},
		{"find authors", []string{tAuthors}, func(db *gorm.DB) (any, error) { return many[wAuthor](db.Order("id")) }},
		{"join company", []string{tAuthors, tCompanies}, func(db *gorm.DB) (any, error) {
			return many[wAuthor](db.Joins("Company").Joins("Boss").Order("w_authors.id"))
		}},
		{"preload all", []string{tAuthors, tCompanies, tProfiles, tBooks, tTags, tAuthorTags, tNotes}, func(db *gorm.DB) (any, error) {
			byID := func(db *gorm.DB) *gorm.DB { return db.Order("id") }
			return many[wAuthor](db.Preload("Company").Preload("Profile").Preload("Books", byID).Preload("Tags", byID).
				Preload("Notes", byID).Preload("Staff", byID).Order("id"))
		}},
		{"count books", []string{tBooks}, func(db *gorm.DB) (any, error) {
			var n int64
			err := db.Model(&wBook{}).Count(&n).Error
			return n, err
		}},
		{"find books unscoped", []string{tBooks}, func(db *gorm.DB) (any, error) { return many[wBook](db.Unscoped().Order("id")) }},
		{"pluck titles", []string{tBooks}, func(db *gorm.DB) (any, error) {
			var v []string
			err := db.Model(&wBook{}).Order("id").Pluck("title", &v).Error
			return v, err
		}},
		{"sum by scan", []string{tBooks, tAuthors}, func(db *gorm.DB) (any, error) {
			var v []struct {
				Name  string
				Pages int
			}
			err := db.Model(&wBook{}).Select("a.name AS name, sum(pages) AS pages").
				Joins("JOIN w_authors a ON a.id = w_books.author_id").Group("a.name").Order("a.name").Scan(&v).Error
			return v, err
		}},
		{"raw subquery", []string{tAuthors, tBooks}, func(db *gorm.DB) (any, error) {
			return scanned(db, "SELECT id, name, email FROM w_authors WHERE id IN (SELECT author_id FROM w_books WHERE pages > ?) ORDER BY id", 0)
		}},
		{"view", []string{tBooks, tAuthors}, func(db *gorm.DB) (any, error) {
			return scanned(db, "SELECT title, name FROM w_titles ORDER BY title, name")
		}},
		{"view of a view", []string{tBooks, tAuthors}, func(db *gorm.DB) (any, error) {
			return scanned(db, "SELECT title FROM w_long_titles ORDER BY title")
		}},
		{"companies", []string{tCompanies}, func(db *gorm.DB) (any, error) { return many[wCompany](db.Order("id")) }},
		{"profiles", []string{tProfiles}, func(db *gorm.DB) (any, error) { return many[wProfile](db.Order("id")) }},
		{"tags", []string{tTags}, func(db *gorm.DB) (any, error) { return many[wTag](db.Order("id")) }},
		{"join table", []string{tAuthorTags}, func(db *gorm.DB) (any, error) {
			return scanned(db, "SELECT author_id, tag_id FROM w_author_tags ORDER BY 1, 2")
		}},
		{"notes by rows", []string{tNotes}, func(db *gorm.DB) (any, error) {
			rows, err := db.Model(&wNote{}).Order("id").Rows()
			if err != nil {
				return nil, err
			}
			defer func() { _ = rows.Close() }()
			var all []wNote
			for rows.Next() {
				var n wNote
				if err := db.ScanRows(rows, &n); err != nil {
					return nil, err
				}
				all = append(all, n)
			}
			return all, rows.Err()
		}},
		{"island by generics", []string{tIslands}, func(db *gorm.DB) (any, error) {
			return gorm.G[wIsland](db).Where("id = ?", 1).First(context.Background())
		}},
		{"islands", []string{tIslands}, func(db *gorm.DB) (any, error) { return many[wIsland](db.Order("id")) }},
		{"islands by row", []string{tIslands}, func(db *gorm.DB) (any, error) {
			var n int
			err := db.Raw("SELECT count(*) FROM w_islands").Row().Scan(&n)
			return n, err
		}},
	}
}

// everywhere runs the test on every database at once. Tests that count hits are
// not parallel otherwise: all databases of one MySQL server share their tags.
func everywhere(t *testing.T, run func(t *testing.T, d *testdb.Database)) {
	t.Helper()
	testdb.Each(t, func(t *testing.T, d *testdb.Database) {
		t.Parallel()
		run(t, d)
	})
}

// world is one database seen through the cache and past it.
type world struct {
	*testing.T
	dialect testdb.Dialect
	data    *testdb.Database
	db      *testdb.DB // with the plugin
	plain   *testdb.DB // without
	plugin  *querycache.Plugin
	reads   []wRead
	before  map[string]any // what each read gave when the cache was warmed
}

// newWorld fills a database and opens it twice.
func newWorld(t *testing.T, d *testdb.Database, config gorm.Config, setup ...string) *world {
	t.Helper()
	w := &world{T: t, dialect: d.Dialect, data: d, reads: wReads()}
	w.plain = d.Open(t, testdb.Options{Config: gorm.Config{SkipDefaultTransaction: true}})
	w.must(w.plain.AutoMigrate(wModels()...))
	setup = append([]string{
		"CREATE VIEW w_titles AS SELECT b.title, a.name, b.pages FROM w_books b JOIN w_authors a ON a.id = b.author_id",
		"CREATE VIEW w_long_titles AS SELECT title FROM w_titles WHERE pages > 150",
	}, setup...)
	for _, s := range setup {
		w.must(w.plain.Exec(s).Error)
	}
	w.seed()
	w.plugin = querycache.New(querycache.Config{OutcomeHold: time.Hour})
	w.db = d.Open(t, testdb.Options{Config: config, Plugins: []gorm.Plugin{w.plugin}})
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

// seed writes rows with ids 1 to 3 into each table, past the cache.
func (w *world) seed() {
	w.Helper()
	db := w.plain.Session(&gorm.Session{})
	w.must(db.Create([]wCompany{{Name: "c1"}, {Name: "c2"}, {Name: "c3"}}).Error)
	w.must(db.Create([]wTag{{Name: "t1"}, {Name: "t2"}, {Name: "t3"}}).Error)
	w.must(db.Create([]wIsland{{Name: "i1"}, {Name: "i2"}}).Error)
	for i, name := range []string{"ann", "bob", "cat"} {
		a := wAuthor{Name: name, Email: name + "@x", Rank: i, CompanyID: ptr(uint(1)),
			Profile: &wProfile{Text: name}, Tags: []wTag{{ID: 1, Name: "t1"}},
			Books: []wBook{{Title: name + "1", Pages: 100}, {Title: name + "2", Pages: 200}},
			Notes: []wNote{{Text: name}}}
		if i > 0 {
			a.BossID = ptr(uint(1))
		}
		w.must(db.Create(&a).Error)
	}
}

// answer is what a read gave.
type answer struct {
	Value any
	Err   error
}

func ask(r wRead, db *gorm.DB) answer {
	v, err := r.run(db.Session(&gorm.Session{}))
	return answer{v, err}
}

// warm reads everything twice; the second time nothing may reach the
// database.
func (w *world) warm() {
	w.Helper()
	w.before = map[string]any{}
	for _, r := range w.reads {
		w.before[r.name] = ask(r, w.db.DB)
		n := w.db.Recorder.Queries()
		again := ask(r, w.db.DB)
		if w.db.Recorder.Queries() != n {
			w.Errorf("%s: the second read was no hit", r.name)
		}
		if diff := testdb.Equal(w.before[r.name], again); diff != "" {
			w.Errorf("%s: the hit differs:\n%s", r.name, diff)
		}
	}
}

// check compares every read with what plain GORM says now. Reads of none of
// the written tables must still be hits; some read must have changed.
func (w *world) check(written ...string) {
	w.Helper()
	if !w.agree(written...) {
		w.Errorf("the write to %s changed no read: the test shows nothing", strings.Join(written, ", "))
	}
}

// agree is check for what need not have changed anything; it tells whether it
// has.
func (w *world) agree(written ...string) (changed bool) {
	w.Helper()
	return w.compare(func(r wRead) bool {
		return !slices.ContainsFunc(r.tables, func(t string) bool { return slices.Contains(written, t) })
	})
}

// compare compares every read with what plain GORM says now; those for which
// untouched tells so must be hits. It tells whether any changed since warm.
func (w *world) compare(untouched func(wRead) bool) (changed bool) {
	w.Helper()
	for _, r := range w.reads {
		want := ask(r, w.plain.DB)
		n := w.db.Recorder.Queries()
		got := ask(r, w.db.DB)
		if diff := testdb.Equal(want, got); diff != "" {
			w.Errorf("%s: the cache answers otherwise than the database:\n%s", r.name, diff)
		}
		if untouched(r) && w.db.Recorder.Queries() != n {
			w.Errorf("%s: no longer a hit, though its tables were not written", r.name)
		}
		changed = changed || testdb.Equal(w.before[r.name], want) != ""
	}
	return changed
}

// wWrite is one way to write with the tables whose reads may be touched by
// it. Dialects says where it works; empty means everywhere. A name that starts
// with "no change: " is of a write that changes nothing.
type wWrite struct {
	name     string
	dialects string
	tables   []string
	run      func(db *gorm.DB) error
}

// runWrites warms, writes and checks, for each.
func (w *world) runWrites(writes []wWrite) {
	t := w.T
	for _, x := range writes {
		if x.dialects != "" && !strings.Contains(x.dialects, string(w.dialect)) {
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			w.T = t
			w.warm()
			w.must(x.run(w.db.Session(&gorm.Session{})))
			if strings.HasPrefix(x.name, "no change: ") {
				if w.agree(x.tables...) {
					t.Error("the write changed something")
				}
				return
			}
			w.check(x.tables...)
		})
	}
	w.T = t
}
