package difftest

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// pinBugs are the bugs of a naive cache that keeps a result until a write to its record, for a few shapes of SQL that it
// knows by heart. Any other write drops all.
var pinBugs = map[string]struct {
	within int      // operations in which it is found
	tables []uint64 // that it is looked for in; see tableOf
	writes string   // the kind of write that shows it, all if empty
}{
	"pins: none":                   {3000, []uint64{0}, ""},
	"pins: ignores upserts":        {4000, []uint64{0}, "write.bykey.upsert"},
	"pins: tells '2' from 2":       {8000, []uint64{0}, ""},
	"pins: what is not there":      {4000, []uint64{0}, ""},
	"pins: misses old keys":        {6000, []uint64{0}, "write.bykey.raw"},
	"pins: REPLACE is an insert":   {6000, []uint64{0}, "write.bykey.raw"},
	"pins: ignores cascades":       {10000, []uint64{6}, "write.bykey"},
	"pins: ignores triggers":       {6000, []uint64{7, 8}, ""},
	"pins: tells a from A":         {4000, []uint64{3}, ""},
	"pins: ignores several writes": {4000, []uint64{0}, ""},
}

// TestFindsPlantedBugsOfPins: each of them is caught by programs that read and write by key.
func TestFindsPlantedBugsOfPins(t *testing.T) {
	for bug, is := range pinBugs {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			o := Options{
				Dialect: testdb.SQLite, Ops: is.within, ByKey: true, ShrinkRuns: 20, onTables: is.tables,
				Plugin: func() gorm.Plugin { return &naive{bug: bug} },
			}
			for _, k := range writes {
				if is.writes != "" && k.name != is.writes {
					o.without = append(o.without, k.name)
				}
			}
			if bug == "pins: none" {
				o.MaxQueries = 0.95
				Run(t, o)
				return
			}
			d, _ := Find(t, o)
			if d == nil {
				t.Fatalf("not found within %d operations", is.within)
			}
			t.Logf("after %d operations, %d steps %s\n%s", d.Ops, len(d.Steps), d.Program, d.What)
		})
	}
}

// pin is the record that a result stands for, or that a write touches.
type pin struct{ table, key string }

var (
	pinnedRead  = regexp.MustCompile(`^SELECT \* FROM (pin_\w+) WHERE (?:pin_\w+\.)?(?:id|word) = \?(?: AND pin_\w+\.deleted_at IS NULL)?(?: ORDER BY [\w.]+(?: DESC)?)?(?: LIMIT [1-9]\d*)?$`)
	pinnedWrite = regexp.MustCompile(`^(?:UPDATE|DELETE FROM) (pin_\w+) (?:SET (.*) )?WHERE (?:pin_\w+\.)?(?:id|word) = \?(?: AND pin_\w+\.deleted_at IS NULL)?$`)
	assignsKey  = regexp.MustCompile(`\b(?:id|word|rowid|oid|_rowid_) ?=`)
	inserts     = regexp.MustCompile(`^(INSERT|INSERT OR REPLACE|REPLACE) INTO (pin_\w+) `)
	target      = regexp.MustCompile(`ON CONFLICT(?: \(.*?\))?`)
)

func (n *naive) pinning() bool { return strings.HasPrefix(n.bug, "pins: ") }

// pinnable tells whether a write to a record of the table changes no other one.
func (n *naive) pinnable(table string) bool {
	switch table {
	case "pin_numbers", "pin_uncased":
		return true
	case "pin_trees":
		return n.bug == "pins: ignores cascades"
	case "pin_targets":
		return n.bug == "pins: ignores triggers"
	}
	return false
}

// name spells a key in the one way that all its spellings share; empty if it cannot.
func (n *naive) name(table string, v any) string {
	if n.bug == "pins: tells '2' from 2" {
		return fmt.Sprintf("%T %v", v, v)
	}
	var text string
	switch rv := reflect.ValueOf(v); rv.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int64, reflect.Uint:
		text = fmt.Sprint(v)
	case reflect.String:
		text = rv.String()
	default:
		return ""
	}
	if table == "pin_uncased" {
		if slices.ContainsFunc([]byte(text), func(b byte) bool { return b >= 0x80 }) || reflect.ValueOf(v).Kind() != reflect.String {
			return ""
		}
		if n.bug == "pins: tells a from A" {
			return "=" + text
		}
		return "=" + strings.ToLower(text)
	}
	if i, err := strconv.Atoi(text); err != nil || strconv.Itoa(i) != text {
		return ""
	}
	return text
}

func plainText(db *gorm.DB) string { return strings.ReplaceAll(db.Statement.SQL.String(), "`", "") }

// readPin is the record that a read's result stands for; the zero pin if there is none.
func (n *naive) readPin(db *gorm.DB) pin {
	text := plainText(db)
	m := pinnedRead.FindStringSubmatch(text)
	if m == nil || !n.pinnable(m[1]) || len(db.Statement.Vars) == 0 || db.RowsAffected == 0 && n.bug != "pins: what is not there" {
		return pin{}
	}
	if key := n.name(m[1], db.Statement.Vars[0]); key != "" {
		return pin{m[1], key}
	}
	return pin{}
}

// written is what a write touches beside all that is not pinned. known is false if that may be anything.
func (n *naive) written(db *gorm.DB) (touched pin, known bool) {
	text, vars := plainText(db), db.Statement.Vars
	if m := inserts.FindStringSubmatch(text); m != nil {
		touched = pin{table: m[2]}
		switch {
		case m[1] != "INSERT":
			return touched, n.bug == "pins: REPLACE is an insert"
		case !target.MatchString(text):
			return touched, true
		}
		return touched, n.bug == "pins: ignores upserts"
	}
	m := pinnedWrite.FindStringSubmatch(text)
	if m == nil || len(vars) == 0 {
		return pin{}, n.bug == "pins: ignores several writes" && strings.Contains(text, " IN (")
	}
	touched = pin{m[1], n.name(m[1], vars[len(vars)-1])}
	if assignsKey.MatchString(m[2]) {
		return pin{m[1], "the new one"}, n.bug == "pins: misses old keys"
	}
	return touched, touched.key != ""
}

// survives tells whether a result outlives a write.
func (n *naive) survives(of, touched pin, known bool, table string) bool {
	switch {
	case !n.pinning() || of == pin{}:
		return false
	case n.bug == "pins: ignores triggers" && table == "pin_sources":
		return true
	}
	return known && (touched.table == of.table || touched == pin{}) && touched != of
}
