package querycache_test

import (
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

func TestHealthWhileSwitchedOff(t *testing.T) {
	t.Parallel()
	p := open(t, testdb.New(t, testdb.SQLite), opening{Config: querycache.Config{Disabled: true}})
	off := func() {
		t.Helper()
		h := p.cache.Health()
		if h.State != querycache.HealthDegraded || len(h.Issues) != 1 || !strings.Contains(h.Issues[0].Problem, "switched off") ||
			!strings.Contains(h.Issues[0].Mend, "Enable") {
			t.Errorf("%+v", h)
		}
	}
	off()
	p.cache.Enable()
	if h := p.cache.Health(); h.State != querycache.HealthUp || len(h.Issues) != 0 {
		t.Errorf("switched on: %+v", h)
	}
	p.cache.Disable()
	off()
}

// A rule for what no database has is told, once it is known that none has it.
func TestHealthOfRulesForNothing(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		must(t, d.Open(t, testdb.Options{}).AutoMigrate(&seenRow{}))
		rule := querycache.TableRule{MaxRows: 7}
		p := open(t, d, opening{Config: querycache.Config{
			Tables: map[string]querycache.TableRule{"Seen_Rows": rule, "elsewhere.stray_rules": rule, "stray_later_rows": rule, "stray_views": rule},
		}})
		told := func() (names []string) {
			h := p.cache.Health()
			if h.State != querycache.HealthUp {
				t.Errorf("%+v", h)
			}
			for _, i := range h.Issues {
				_, name, _ := strings.Cut(i.Problem, "a rule for ")
				name, _, _ = strings.Cut(name, ",")
				names = append(names, name)
				if i.Mend == "" {
					t.Errorf("no mend: %+v", i)
				}
			}
			return names
		}
		same(t, told(), []string{"stray_later_rows", "stray_rules", "stray_views"})
		// Past GORM: a schema that is changed through the plugin is to be read again by all who are on the server.
		must(t, p.plain.Exec("CREATE TABLE stray_later_rows (id INTEGER PRIMARY KEY)").Error)
		must(t, p.plain.Exec("CREATE VIEW stray_views AS SELECT id FROM stray_later_rows").Error)
		must(t, p.cache.Reload(t.Context()))
		same(t, told(), []string{"stray_rules"})
	})
}
