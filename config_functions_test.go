package querycache_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// A name that no query's call can have is told, with how to write it.
func TestPureFunctionsAreBareNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"vat()", "vat(price)", "vat (price)", " vat", "vat ", "my vat", `"vat"`, "`vat`", "'vat'", "[vat]", "shop.vat()", "shop.vat "} {
		err := testdb.Open(t, testdb.Options{}).Use(querycache.New(querycache.Config{PureFunctions: []string{"ok", name}}))
		if !errors.Is(err, querycache.ErrConfig) || !strings.Contains(fmt.Sprint(err), fmt.Sprintf("PureFunctions[1] is %q", name)) ||
			!strings.Contains(fmt.Sprint(err), "without parentheses") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"vat", "Vat_2", "shop.vat", "[dbo].[vat]", `"my shop".vat`} {
		must(t, testdb.Open(t, testdb.Options{}).Use(querycache.New(querycache.Config{PureFunctions: []string{name}})))
	}
}

// What has dots is compared with the text of the query, quotes and all.
func TestPureFunctionsWithASchema(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d, opening{Config: querycache.Config{PureFunctions: []string{"vat", "shop.vat", "[Shop].[vat]"}}})
	for _, call := range []string{"VAT(age)", "Shop.vat(age)", "[shop].[Vat](age)"} {
		e := explain(t, p.cached.DB, func(tx *gorm.DB) *gorm.DB {
			return tx.Raw("SELECT " + call + " FROM users").Find(&[]map[string]any{})
		})
		if !e.Cacheable {
			t.Errorf("%s: %v", call, e)
		}
	}
}
