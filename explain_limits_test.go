package querycache_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

func TestExplainTellsTheLimits(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d, opening{Config: querycache.Config{Tables: map[string]querycache.TableRule{"pets": {MaxRows: 70, MaxBytes: 3 << 10}}}})
	for line, query := range map[string]func(tx *gorm.DB) *gorm.DB{
		"limits:  1000 rows, 1 MiB": func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]User{}) },
		"limits:  70 rows, 3 KiB":   func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]Pet{}) },
		"limits:  5 rows, 777 bytes": func(tx *gorm.DB) *gorm.DB {
			return tx.Scopes(querycache.MaxRows(5), querycache.MaxBytes(777)).Find(&[]Pet{})
		},
	} {
		if text := explain(t, p.cached.DB, query).String(); !strings.Contains(text, line+"\n") {
			t.Errorf("%q is not in\n%s", line, text)
		}
	}
	if e := explain(t, p.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]Pet{}) }); e.MaxRows != 70 || e.MaxBytes != 3<<10 {
		t.Errorf("%+v", e)
	}
}

// Nothing is said of a statement that was not built, not even why it would not be cached.
func TestExplainOfWhatCannotBeBuilt(t *testing.T) {
	t.Parallel()
	p := open(t, testdb.New(t, testdb.SQLite))
	e, err := querycache.Explain(p.cached.DB, func(tx *gorm.DB) *gorm.DB {
		tx.Find(&[]User{})
		return tx.Find(nil)
	})
	if err == nil || e.Cacheable || e.Reason != "" || !strings.Contains(e.String(), "not built") || strings.Contains(e.String(), "no (") {
		t.Errorf("%v\n%v\n%+v", err, e, e)
	}
	if text := (querycache.Explanation{}).String(); strings.Contains(text, "no (") {
		t.Error(text)
	}
}

// Of several queries the last is explained, of a chain that is used again too, and never a preload.
func TestExplainOfSeveralQueries(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d)
	for name, query := range map[string]func(tx *gorm.DB) *gorm.DB{
		"two": func(tx *gorm.DB) *gorm.DB {
			tx.First(&User{}, 1)
			return tx.Find(&[]Pet{})
		},
		"one chain": func(tx *gorm.DB) *gorm.DB {
			var n int64
			chain := tx.Model(&Pet{}).Where("id > 0")
			chain.Count(&n)
			return chain.Find(&[]Pet{})
		},
		"preloads": func(tx *gorm.DB) *gorm.DB { return tx.Preload("Toy").Find(&[]Pet{}) },
	} {
		if e := explain(t, p.cached.DB, query); len(e.Tables) != 1 || e.Tables[0] != "pets" || e.Operation != "find" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
