package querycache_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// A SELECT that may write by what it calls says what that is, and what is told to do makes it cacheable.
func TestExplainNamesTheFunctionThatMayWrite(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		must(t, d.Open(t, testdb.Options{}).AutoMigrate(&seenRow{}))
		call := func(tx *gorm.DB) *gorm.DB { return tx.Raw("SELECT vat(n) FROM seen_rows").Find(&[]map[string]any{}) }
		e := explain(t, open(t, d).cached.DB, call)
		if d.Dialect == testdb.SQLite { // whose functions write nothing
			if e.Reason != querycache.ReasonImpure || !strings.Contains(e.Mend, "Config.PureFunctions") {
				t.Errorf("%+v", e)
			}
		} else if e.Reason != querycache.ReasonNotRead || e.Detail != "calls vat(), and may write" || !strings.HasSuffix(e.Mend, "name it in Config.PureFunctions: vat") {
			t.Errorf("%+v", e)
		}
		p := open(t, d, opening{Config: querycache.Config{PureFunctions: []string{"vat"}}})
		if e := explain(t, p.cached.DB, call); !e.Cacheable {
			t.Errorf("named: %+v", e)
		}
		for _, text := range []string{"DELETE FROM seen_rows WHERE n = vat(1)", "UPDATE seen_rows SET n = vat(n)"} {
			e := explain(t, p.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Raw(text).Find(&[]map[string]any{}) })
			if e.Reason != querycache.ReasonNotRead || e.Mend != querycache.ReasonNotRead.Mend() {
				t.Errorf("%s: %+v", text, e)
			}
		}
	})
}

func TestExplainOfAViewThatIsNotPure(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	plain := d.Open(t, testdb.Options{})
	must(t, plain.AutoMigrate(&seenRow{}))
	must(t, plain.Exec("CREATE VIEW seen_lately AS SELECT * FROM seen_rows WHERE n < strftime('%s', 'now')").Error)
	e := explain(t, open(t, d).cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Table("seen_lately").Find(&[]map[string]any{}) })
	if e.Reason != querycache.ReasonUnknownTable || !strings.HasPrefix(e.Mend, "change the view") || !strings.Contains(e.String(), "mend:    change the view") {
		t.Errorf("%+v", e)
	}
}
