package querycache_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

func explain(t *testing.T, db *gorm.DB, query func(tx *gorm.DB) *gorm.DB) querycache.Explanation {
	t.Helper()
	e, err := querycache.Explain(db, query)
	must(t, err)
	return e
}

func TestExplainTellsWhatAResultDependsOn(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d, opening{Config: querycache.Config{Namespace: "shop"}})
		byID := func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]seenPinned{}, []int{1, 2}) }
		set := func(tx *gorm.DB) *gorm.DB {
			return tx.Scopes(querycache.Tags("menu"), querycache.Named("all"), querycache.Tenant("acme")).Joins("Company").Find(&[]User{})
		}
		must(t, p.cached.AutoMigrate(&seenPinned{}))
		must(t, p.cached.Create(&[]seenPinned{{1, 1}, {2, 2}}).Error)
		cold := explain(t, p.cached.DB, byID)
		must(t, byID(p.cached.DB).Error)
		warm := explain(t, p.cached.DB, byID)
		pins := []string{"seen_pinneds.id=1", "seen_pinneds.id=2"}
		core := []string{"everything", "database", "table:seen_pinneds"}
		records := []string{"record:seen_pinneds.id=1", "record:seen_pinneds.id=2"}
		if !slices.Equal(cold.Pins, pins) || !slices.Equal(cold.Depends, slices.Concat(core, []string{"set:seen_pinneds"}, records)) {
			t.Errorf("cold: %+v", cold)
		}
		if !slices.Equal(warm.Pins, pins) || !slices.Equal(warm.Depends, slices.Concat(core, records)) {
			t.Errorf("warm: %+v", warm)
		}
		e := explain(t, p.cached.DB, set)
		want := []string{"everything", "database", "set:companies", "set:users", "custom:menu", "named:all", "tenant:acme"}
		if !slices.Equal(e.Depends, want) || e.Pins != nil || !slices.Equal(e.Tags, []string{"menu"}) || !slices.Equal(e.Names, []string{"all"}) {
			t.Errorf("depends on %v: %+v", e.Depends, e)
		}
		text := e.String()
		for _, part := range append(want, "companies, users", "cache-first", e.Key, "shop:") {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in\n%s", part, text)
			}
		}
		if text := warm.String(); !strings.Contains(text, "pins:    seen_pinneds.id=1, seen_pinneds.id=2") || !strings.Contains(text, "in memory as ") {
			t.Error(text)
		}
		// What it says of records holds: a write beside them leaves the result, one to them does not.
		must(t, p.cached.Create(&seenPinned{77, 77}).Error)
		if !explain(t, p.cached.DB, byID).Cached {
			t.Error("a new record killed a result that is pinned to others")
		}
		must(t, p.cached.Model(&seenPinned{ID: 2}).Update("n", 3).Error)
		if explain(t, p.cached.DB, byID).Cached {
			t.Error("a write to a record left the result that is pinned to it")
		}
	})
}

// seenPinned has a name of its own: MySQL's catalog is that of the server, where another test's table of the
// same name may have another key.
type seenPinned struct {
	ID int `gorm:"autoIncrement:false"`
	N  int
}

func TestExplainTellsWhatIsInForce(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d, opening{Config: querycache.Config{
		Tables: map[string]querycache.TableRule{"users": {TTL: time.Hour, SWR: time.Minute}},
	}})
	users := func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]User{}) }
	must(t, users(p.cached.DB).Error)
	e := explain(t, p.cached.DB, users)
	if e.Policy != querycache.CacheFirst || e.StoredFor != time.Hour || e.SWR != time.Minute || e.Refresh || e.Operation != "find" ||
		!e.Cached || e.Stale || e.Size <= 0 || e.TTL > time.Hour || e.TTL < 59*time.Minute || e.Age <= 0 || e.Form == "" {
		t.Errorf("%+v", e)
	}
	again := explain(t, p.cached.DB, func(tx *gorm.DB) *gorm.DB { return users(tx.Scopes(querycache.Refresh)) })
	if !again.Refresh || !strings.Contains(again.String(), "the database would be asked") {
		t.Errorf("%+v", again)
	}
	short := func(tx *gorm.DB) *gorm.DB {
		return tx.Scopes(querycache.TTL(1), querycache.StaleIfError(2*time.Hour)).Order("age").Find(&[]User{})
	}
	must(t, short(p.cached.DB).Error)
	e = explain(t, p.cached.DB, short)
	if !e.Cached || !e.Stale || e.TTL >= 0 || e.StaleIfError != 2*time.Hour || !strings.Contains(e.String(), "stale since") {
		t.Errorf("%+v", e)
	}
	only := explain(t, p.cached.DB, func(tx *gorm.DB) *gorm.DB {
		return tx.Scopes(querycache.WithPolicy(querycache.CacheOnly)).Order("name").Find(&[]User{})
	})
	if only.Policy != querycache.CacheOnly || !strings.Contains(only.String(), "ErrCacheMiss") {
		t.Errorf("%+v", only)
	}
}

func TestExplainTellsTheMend(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	p := open(t, d)
	for reason, query := range map[querycache.Reason]func(tx *gorm.DB) *gorm.DB{
		querycache.ReasonSkip:    func(tx *gorm.DB) *gorm.DB { return tx.Scopes(querycache.Skip).Find(&[]User{}) },
		querycache.ReasonImpure:  func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]User{}, "birthday < CURRENT_TIMESTAMP") },
		querycache.ReasonNotRead: func(tx *gorm.DB) *gorm.DB { return tx.Create(&Company{Name: "x"}) },
	} {
		e := explain(t, p.cached.DB, query)
		if e.Cacheable || e.Reason != reason || e.Mend == "" || e.Mend != reason.Mend() || !strings.Contains(e.String(), "mend:    "+e.Mend) {
			t.Errorf("%s: %+v", reason, e)
		}
	}
}

// Every reason that there is says what would mend it.
func TestEveryReasonHasAMend(t *testing.T) {
	t.Parallel()
	values := constantsOf(t, "reason.go", "internal/analysis/analysis.go")
	n := 0
	for name, value := range values {
		n++
		if querycache.Reason(value).Mend() == "" {
			t.Errorf("%s (%q) has no mend", name, value)
		}
	}
	if n < 15 {
		t.Errorf("only %d reasons were found", n)
	}
	if querycache.Reason("no such").Mend() != "" {
		t.Error("a mend for no reason")
	}
}

// constantsOf finds the texts of all constants called Reason….
func constantsOf(t *testing.T, files ...string) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		must(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") || len(spec.Values) != 1 {
				return true
			}
			if text, ok := spec.Values[0].(*ast.BasicLit); ok {
				values[spec.Names[0].Name] = strings.Trim(text.Value, `"`)
			}
			return true
		})
	}
	return values
}
