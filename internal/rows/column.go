package rows

import (
	"database/sql"
	"reflect"
	"unique"
)

// column is everything that a *sql.ColumnType tells.
type column struct {
	name, database    string
	scan              reflect.Type // nil if the driver said nil
	length            int64
	precision, scale  int64
	nullable          bool
	hasNullable       bool
	hasLength         bool
	hasPrecisionScale bool
}

func columnOf(ct *sql.ColumnType) column {
	c := column{name: ct.Name(), database: ct.DatabaseTypeName(), scan: ct.ScanType()}
	c.nullable, c.hasNullable = ct.Nullable()
	c.length, c.hasLength = ct.Length()
	c.precision, c.scale, c.hasPrecisionScale = ct.DecimalSize()
	return c
}

// told is a column's description where it depends on the kind of the value at hand.
type told struct {
	col  int
	kind kind
	as   unique.Handle[column]
}

// columnsWatch learns the column types of a result while its rows go by (invariant 5).
type columnsWatch struct {
	before []column // as told before the first row
	seen   []uint16 // by column: the kinds whose description is known
	differ []differing
}

type differing struct {
	col  int
	kind kind
	as   column
}

// news reports whether a value of kind k in the column says something not yet known.
func (w *columnsWatch) news(col int, k kind) bool { return w.seen[col]&(1<<k) == 0 }

// expect is the description known for a kind seen before.
func (w *columnsWatch) expect(col int, k kind) column {
	for i := range w.differ {
		if d := &w.differ[i]; d.col == col && d.kind == k {
			return d.as
		}
	}
	return w.before[col]
}

// observe takes the types told at a row whose values have the given kinds. It reports false if
// they contradict what was told for these kinds at an earlier row.
func (w *columnsWatch) observe(types []*sql.ColumnType, kinds []kind) bool {
	if len(types) != len(w.before) {
		return false
	}
	for i, ct := range types {
		c := columnOf(ct)
		// A caller may have renamed columns in the slice that the driver shares with it (gorm's
		// ColumnMapping does); a replay's caller will do so in its own.
		c.name = w.before[i].name
		if !w.news(i, kinds[i]) {
			if c != w.expect(i, kinds[i]) {
				return false
			}
			continue
		}
		w.seen[i] |= 1 << kinds[i]
		if c != w.before[i] {
			w.differ = append(w.differ, differing{col: i, kind: kinds[i], as: c})
		}
	}
	return true
}
