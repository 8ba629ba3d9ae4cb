package querycache_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/memory"
)

// ills are the problems of the only database.
func ills(h querycache.Health) string {
	if len(h.Databases) != 1 {
		return "no database"
	}
	var texts []string
	for _, i := range h.Databases[0].Issues {
		texts = append(texts, i.Problem)
		if i.Mend == "" {
			return "no mend for " + i.Problem
		}
	}
	return strings.Join(texts, "; ")
}

func TestHealthOfWhatWorks(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		h := p.cache.Health()
		if h.State != querycache.HealthUp || ills(h) != "" || len(h.Tiers) != 1 || h.Tiers[0].State != querycache.HealthUp {
			t.Errorf("%+v", h)
		}
		if db := h.Databases[0]; !db.CatalogRead || db.Tables < 7 || db.Dialect != string(d.Dialect) || db.Name == "" {
			t.Errorf("%+v", db)
		}
		if n := p.asks(func() { p.cache.Health() }); n != 0 {
			t.Errorf("Health asked the database %d times", n)
		}
		text, err := json.Marshal(h)
		if err != nil || !strings.Contains(string(text), `"state":"up"`) || strings.Contains(string(text), "issues") {
			t.Errorf("%s, %v", text, err)
		}
	})
}

func TestHealthOfWhatDoesNot(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		must(t, d.Open(t, testdb.Options{}).AutoMigrate(&seenRow{}, &seenOther{}))
		check := func(p *pair, state querycache.HealthState, problem string) {
			t.Helper()
			h := p.cache.Health()
			if h.State != querycache.HealthDegraded || h.Databases[0].State != state || !strings.Contains(ills(h), problem) {
				t.Errorf("%s: %+v", problem, h)
			}
		}
		temp := open(t, d)
		must(t, temp.cached.Exec("CREATE TEMPORARY TABLE seen_rows (id INTEGER)").Error)
		check(temp, querycache.HealthDegraded, "seen_rows")

		// MySQL's catalog is that of the server. While somebody else makes or drops a table there, a write may
		// reach everything for all that is known, and what is left pending here would be everything.
		if d.Dialect == testdb.MySQL {
			return
		}
		foreign := open(t, d)
		tx, err := foreign.cached.Pool.Begin()
		must(t, err)
		session := foreign.cached.Session(&gorm.Session{NewDB: true})
		session.Statement.ConnPool = tx
		must(t, session.Exec("UPDATE seen_rows SET n = 1 WHERE id = 1").Error)
		check(foreign, querycache.HealthDegraded, "1 transactions")
		must(t, tx.Rollback())

		prepared := open(t, d)
		stmt, err := prepared.cached.Statement.ConnPool.PrepareContext(context.Background(), "UPDATE seen_rows SET n = 1 WHERE id = 1")
		must(t, err)
		must(t, stmt.Close())
		check(prepared, querycache.HealthDegraded, "prepared past GORM")
		// Which would last as long as the process does.
		if e := explain(t, prepared.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]seenOther{}) }); !e.Cacheable || e.Pending {
			t.Fatalf("what was prepared reaches another table:\n%v\n%+v", e, prepared.cache.Health())
		}

		if d.Dialect == testdb.SQLite {
			dirty := open(t, d)
			must(t, dirty.cached.Exec("PRAGMA read_uncommitted = 1").Error)
			check(dirty, querycache.HealthDown, "not committed")
		}
	})
}

// Not beside other tests: a statement that attaches a database is a write to everything.
func TestHealthWithAnAttachedDatabase(t *testing.T) {
	p := open(t, testdb.New(t, testdb.SQLite))
	must(t, p.cached.Exec("ATTACH ':memory:' AS beside").Error)
	if h := p.cache.Health(); h.Databases[0].State != querycache.HealthDown || !strings.Contains(ills(h), "attached") {
		t.Errorf("%+v", h)
	}
}

// brokenPool is a closed pool: nothing can be read over it.
func brokenPool(t *testing.T) *sql.DB {
	db := testdb.Open(t, testdb.Options{})
	must(t, db.Pool.Close())
	return db.Pool
}

// Not beside other tests: a database that does not say which it is may be any, so that its catalog is read under an
// intent on everything.
func TestHealthOfThePlugin(t *testing.T) {
	cache := querycache.New(querycache.Config{Tables: map[string]querycache.TableRule{"of_an_unknown_catalog": {On: true}}})
	if h := cache.Health(); h.State != querycache.HealthDegraded || len(h.Issues) != 1 {
		t.Errorf("without a database: %+v", h)
	}
	broken := testdb.Open(t, testdb.Options{})
	broken.ConnPool = brokenPool(t)
	broken.Statement.ConnPool = broken.ConnPool
	must(t, broken.Use(cache))
	if h := cache.Health(); h.State != querycache.HealthDegraded || h.Databases[0].State != querycache.HealthDown ||
		h.Databases[0].CatalogRead || len(h.Issues) != 0 || !strings.Contains(ills(h), "database is closed") {
		t.Errorf("without a catalog: %+v", h)
	}
	must(t, cache.Close(context.Background()))
	if h := cache.Health(); h.State != querycache.HealthDown || len(h.Issues) != 1 {
		t.Errorf("closed: %+v", h)
	}
	wrong := querycache.New(querycache.Config{Memory: memory.Config{MaxBytes: -1}})
	if h := wrong.Health(); h.State != querycache.HealthDown || !strings.Contains(h.Issues[0].Problem, "Memory") {
		t.Errorf("misconfigured: %+v", h)
	}
	if text := querycache.HealthState(9).String(); text != "state 9" {
		t.Error(text)
	}
	for _, issue := range append(cache.Health().Issues, wrong.Health().Issues...) {
		if issue.Mend == "" {
			t.Errorf("no mend: %+v", issue)
		}
	}
}
