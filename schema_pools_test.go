package querycache_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/plugin/dbresolver"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// settle waits until a read is cached again: the catalog is read in the background.
func settle(t *testing.T, read func(db *gorm.DB) error, db *gorm.DB) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; {
		var st querycache.Status
		must(t, read(db.Scopes(querycache.StatusInto(&st))))
		if st.Outcome == querycache.OutcomeHit {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not cached: %+v", st)
		}
		runtime.Gosched()
	}
}

// 1. Two pools, each with a plugin of its own, reach one database; both have read its catalog.
// 2. Through one of them the schema is changed, so that a write reaches further.
// 3. The other writes, at once and once it has read the catalog again: all that its write reached is read anew, through both.
func TestSchemaChangedThroughAnotherPool(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		shelve(t, d)
		a, b := open(t, d), open(t, d)
		read := func(db *gorm.DB) error { return db.First(&handBook{}, 2).Error }
		name := func(db *gorm.DB) string {
			var shelf handShelf
			must(t, db.First(&shelf, 2).Error)
			return shelf.Name
		}
		for _, p := range []*pair{a, b} {
			settle(t, read, p.cached.DB)
			name(p.cached.DB)
		}
		switch d.Dialect {
		case testdb.SQLite:
			must(t, a.cached.Exec("CREATE TRIGGER follow AFTER UPDATE ON hand_books BEGIN UPDATE hand_shelves SET name = NEW.title WHERE id = NEW.shelf_id; END").Error)
		case testdb.MySQL:
			must(t, a.cached.Exec("CREATE TRIGGER follow AFTER UPDATE ON hand_books FOR EACH ROW UPDATE hand_shelves SET name = NEW.title WHERE id = NEW.shelf_id").Error)
		case testdb.Postgres:
			must(t, a.cached.Transaction(func(tx *gorm.DB) error {
				must(t, tx.Exec("CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE hand_shelves SET name = NEW.title WHERE id = NEW.shelf_id; RETURN NEW; END $$").Error)
				return tx.Exec("CREATE TRIGGER follow AFTER UPDATE ON hand_books FOR EACH ROW EXECUTE FUNCTION follow()").Error
			}))
		}
		write := func(title string) {
			t.Helper()
			must(t, b.cached.Model(&handBook{}).Where("id = ?", 2).Update("title", title).Error)
			for which, p := range []*pair{a, b} {
				if got := name(p.cached.DB); got != title {
					t.Errorf("pool %d: the shelf is called %q, want %q", which, got, title)
				}
			}
		}
		write("at once")
		for _, p := range []*pair{a, b} {
			settle(t, read, p.cached.DB)
			name(p.cached.DB)
		}
		write("later")
	})
}

// What reads a view through a replica depends on what the view is made of now.
func TestSchemaChangedBesideAReplica(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	db := d.Open(t, testdb.Options{})
	for _, s := range []string{
		"CREATE TABLE below(n int)", "CREATE TABLE beside(n int)", "INSERT INTO below VALUES (1)", "INSERT INTO beside VALUES (2)",
		"CREATE VIEW above AS SELECT n FROM below",
	} {
		must(t, db.Exec(s).Error)
	}
	p := querycache.New(querycache.Config{ReplicaLag: time.Microsecond})
	must(t, db.Use(p))
	must(t, db.Use(dbresolver.Register(dbresolver.Config{
		Sources: []gorm.Dialector{d.Open(t, testdb.Options{}).Dialector}, Replicas: []gorm.Dialector{d.Open(t, testdb.Options{}).Dialector},
	})))
	defer func() { must(t, p.Close(context.Background())) }()
	n := 0
	read := func(db *gorm.DB) error { return db.Raw("SELECT n FROM above").Scan(&n).Error }
	settle(t, read, db.DB)
	must(t, db.Exec("DROP VIEW above").Error)
	must(t, db.Exec("CREATE VIEW above AS SELECT beside.n FROM below, beside").Error)
	settle(t, read, db.DB)
	must(t, db.Exec("UPDATE beside SET n = 7").Error)
	if settle(t, read, db.DB); n != 7 {
		t.Errorf("read %d after 7 was written", n)
	}
}

// A statement that is prepared while the catalog is out of date runs unseen: what it reaches under the new one stays
// uncached, and everything else is cached again.
func TestPreparedWhileTheCatalogIsOutOfDate(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	a, b := open(t, d), open(t, d)
	must(t, a.cached.Exec("CREATE TRIGGER follow AFTER UPDATE ON hand_books BEGIN UPDATE hand_shelves SET name = NEW.title WHERE id = NEW.shelf_id; END").Error)
	stmt, err := b.cached.Statement.ConnPool.PrepareContext(t.Context(), "UPDATE hand_books SET title = 'unseen'")
	must(t, err)
	defer func() { must(t, stmt.Close()) }()
	settle(t, func(db *gorm.DB) error { return db.First(&handCode{}, "code = ?", "a").Error }, b.cached.DB)
	for _, p := range []*pair{a, b} {
		p.bypasses(t, func(db *gorm.DB) any { var s []handShelf; return tell(db.Find(&s), &s) }, querycache.ReasonPending)
		p.bypasses(t, func(db *gorm.DB) any { var s []handBook; return tell(db.Find(&s), &s) }, querycache.ReasonPending)
	}
}
