package querycache_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

type (
	// paRow is a table whose trigger writes a paLog; paOther is reached by
	// nothing; paNew is made later.
	paRow struct {
		ID int `gorm:"autoIncrement:false"`
	}
	paLog struct {
		ID int `gorm:"autoIncrement:false"`
	}
	paOther struct {
		ID int `gorm:"autoIncrement:false"`
	}
	paNew struct {
		ID int `gorm:"autoIncrement:false"`
	}
)

// paTrigger are the statements that make the trigger.
func paTrigger(d testdb.Dialect) []string {
	switch d {
	case testdb.Postgres:
		return []string{
			"CREATE FUNCTION pa_log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO pa_logs VALUES (new.id); RETURN new; END $$",
			"CREATE TRIGGER pa_trigger AFTER INSERT ON pa_rows FOR EACH ROW EXECUTE FUNCTION pa_log()",
		}
	case testdb.MySQL:
		return []string{"CREATE TRIGGER pa_trigger AFTER INSERT ON pa_rows FOR EACH ROW INSERT INTO pa_logs VALUES (new.id)"}
	}
	return []string{"CREATE TRIGGER pa_trigger AFTER INSERT ON pa_rows BEGIN INSERT INTO pa_logs VALUES (new.id); END"}
}

func all[T any](db *gorm.DB) any {
	var v []T
	return tell(db.Order("id").Find(&v), &v)
}

// openPA opens the three tables.
func openPA(t *testing.T, d *testdb.Database, how ...opening) *pair {
	t.Helper()
	must(t, d.Open(t, testdb.Options{}).AutoMigrate(&paRow{}, &paLog{}, &paOther{}))
	return open(t, d, how...)
}

// The schema is changed past GORM:
//
//  1. The catalog is read by Use.
//  2. A migration tool makes a trigger and a table on db.DB().
//  3. INSERT fires the trigger. What it wrote would not be seen, and the table
//     is not known.
//  4. Reload: what was cached is dead, the table is cached, and the trigger's
//     table is reached, but no other.
func TestReload(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		p := openPA(t, d)
		p.hits(t, all[paLog])
		p.hits(t, all[paOther])
		pool, err := p.cached.DB.DB()
		must(t, err)
		for _, text := range append(paTrigger(d.Dialect), "CREATE TABLE pa_news (id int PRIMARY KEY)") {
			_, err := pool.ExecContext(t.Context(), text)
			must(t, err)
		}
		p.bypasses(t, all[paNew], querycache.ReasonUnknownTable)
		_, err = pool.ExecContext(t.Context(), "INSERT INTO pa_others VALUES (1)")
		must(t, err)

		must(t, p.cache.Reload(t.Context()))
		p.hits(t, all[paNew])
		p.hits(t, all[paLog])
		p.hits(t, all[paOther])
		must(t, p.cached.Create(&paRow{7}).Error)
		if n := p.asks(func() { all[paOther](p.cached.DB); all[paNew](p.cached.DB) }); n != 0 {
			t.Errorf("%d queries for tables that nothing reached", n)
		}
		p.hits(t, all[paLog])
		var logs []paLog
		must(t, p.cached.Find(&logs).Error)
		if len(logs) != 1 || logs[0].ID != 7 {
			t.Errorf("the trigger's rows: %v", logs)
		}
		must(t, p.cached.Create(&paNew{1}).Error)
		p.hits(t, all[paNew])
	})
}

// Reload says of which database the catalog could not be read, and reads that
// of the others.
func TestReloadFails(t *testing.T) {
	t.Parallel()
	p := querycache.New(querycache.Config{})
	d, e := testdb.New(t, testdb.SQLite), testdb.New(t, testdb.SQLite)
	one := d.Open(t, testdb.Options{Plugins: []gorm.Plugin{p}})
	two := e.Open(t, testdb.Options{})
	must(t, two.Use(p))
	_, err := two.Pool.ExecContext(t.Context(), "CREATE TABLE pa_news (id int PRIMARY KEY)")
	must(t, err)
	must(t, one.Pool.Close())
	err = p.Reload(t.Context())
	if err == nil || !strings.Contains(err.Error(), "database is closed") || !strings.Contains(err.Error(), d.Name()) || strings.Contains(err.Error(), e.Name()) {
		t.Errorf("with one pool closed: %v", err)
	}
	all[paNew](two.DB)
	n := two.Recorder.Queries()
	all[paNew](two.DB)
	if two.Recorder.Queries() != n {
		t.Error("the other database was not read")
	}
	must(t, two.Pool.Close())
	var joined interface{ Unwrap() []error }
	if err = p.Reload(t.Context()); !errors.As(err, &joined) || len(joined.Unwrap()) != 2 {
		t.Errorf("with both pools closed: %v", err)
	}
	must(t, p.Close(t.Context()))
	if err = p.Reload(t.Context()); !errors.Is(err, querycache.ErrClosed) {
		t.Errorf("of a closed plugin: %v", err)
	}
}

// A plugin that gorm.Config.Plugins holds under another name is installed like
// any other.
func TestExplainFindsAPluginOfAnotherName(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	must(t, d.Open(t, testdb.Options{}).AutoMigrate(&paRow{}))
	p := querycache.New(querycache.Config{})
	t.Cleanup(func() { must(t, p.Close(context.Background())) })
	db := d.Open(t, testdb.Options{Config: gorm.Config{Plugins: map[string]gorm.Plugin{"mine": p}}})
	read := func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]paRow{}) }
	e, err := querycache.Explain(db.DB, read)
	must(t, err)
	if !e.Cacheable {
		t.Errorf("%v", e)
	}
	none := d.Open(t, testdb.Options{Config: gorm.Config{Plugins: map[string]gorm.Plugin{querycache.PluginName: &replaced{"gorm:query", func(tx *gorm.DB, old func(*gorm.DB)) { old(tx) }}}}})
	if _, err := querycache.Explain(none.DB, read); !errors.Is(err, querycache.ErrNotInstalled) {
		t.Errorf("another plugin of the name: %v", err)
	}
}
