package analysis

import (
	"slices"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/invalidation"
)

// Extent is what a write touches whose statement nobody saw.
type Extent struct {
	Slots []invalidation.Slot
	// Known says that the catalog lists the table, or cannot tell.
	Known bool
}

// Table is the extent of a write to any rows of a table or view. The name is
// folded. One that the catalog does not list is touched all the same, since the
// list may be old.
func (a *Analyzer) Table(table string) Extent { return a.table(a.current.Load(), table) }

func (a *Analyzer) table(v *version, table string) Extent {
	e := Extent{Known: !v.catalog.Known() || v.lists(table)}
	written, all := v.catalog.Writes([]string{table})
	if all || !v.known || v.outdated() {
		e.Slots = v.all
		return e
	}
	e.Slots = a.stamps.Slots(append(tags(v.scopes, written, invalidation.Set), tags(v.scopes, written, invalidation.Table)...))
	return e
}

// Records is the extent of a write to those rows of a table that have one of
// the rows of values in the columns. All names are folded. If these columns do
// not tell the table's records apart, or a value could be spelled in more than
// one way, it is that of the table.
func (a *Analyzer) Records(table string, columns []string, rows [][]any) Extent {
	v := a.current.Load()
	whole := a.table(v, table)
	key := v.catalog.Key(table)
	written, all := v.catalog.Writes([]string{table})
	if key == nil || all || !v.known || v.outdated() || len(key.Columns) != len(columns) {
		return whole
	}
	var args []any
	operands := make([][]sqlscan.Operand, len(rows))
	for i, row := range rows {
		for _, c := range key.Columns {
			at := slices.Index(columns, c.Name)
			if at < 0 || at >= len(row) {
				return whole
			}
			args = append(args, row[at])
			operands[i] = append(operands[i], sqlscan.Operand{Param: len(args)})
		}
	}
	others := slices.DeleteFunc(slices.Clone(written), func(t string) bool { return t == table })
	r := a.recordsOf(v, table, key, operands, len(args))
	touched := a.stamps.Slots(append(tags(v.scopes, written, invalidation.Set), tags(v.scopes, others, invalidation.Table)...))
	slots, ok := r.slots(touched, a.stamps, r.ask(args))
	if !ok {
		return whole
	}
	return Extent{Slots: slots, Known: whole.Known}
}

// KeyColumns are the columns that tell the records of a table apart, in the
// key's order; nil if there are none that do. The name is folded.
func (a *Analyzer) KeyColumns(table string) (columns []string) {
	if key := a.Catalog().Key(table); key != nil {
		for _, c := range key.Columns {
			columns = append(columns, c.Name)
		}
	}
	return columns
}

// Dependence is what a value depends on that was worked out from tables, in a
// way that nobody saw.
type Dependence struct {
	// Slots are empty if the database has none of the tables.
	Slots []invalidation.Slot
	// Tables are those of the slots, Missing those that the catalog does not
	// list; each folded.
	Tables, Missing []string
	// Reason and Detail say why such a value cannot be kept; empty if it can.
	Reason Reason
	Detail string

	version *version
}

// Depend finds what a value depends on that was worked out from tables or
// views. The names are folded.
func (a *Analyzer) Depend(tables []string) (d Dependence) {
	v := a.current.Load()
	d.version = v
	if v.outdated() && a.whenStale != nil {
		a.whenStale()
	}
	if !v.catalog.Known() || v.outdated() {
		d.Reason, d.Detail = ReasonCatalog, "the database's catalog could not be read"
		return d
	}
	var listed []string
	for _, t := range tables {
		switch {
		case v.shadows[t]:
			d.Reason, d.Detail = ReasonUnknownTable, t+" is a temporary table of some connection"
			return d
		case v.lists(t):
			listed = append(listed, t)
		default:
			d.Missing = append(d.Missing, t)
		}
	}
	if len(listed) == 0 {
		return d
	}
	switch {
	case !v.known:
		d.Reason, d.Detail = ReasonCatalog, "the database does not say which one it is"
		return d
	case v.dirty || v.catalog.ReadUncommitted():
		d.Reason, d.Detail = ReasonReadUncommitted, "the connections read uncommitted data"
		return d
	}
	var refusal string
	if d.Tables, refusal = v.catalog.Reads(listed); refusal != "" {
		d.Reason, d.Detail = ReasonUnknownTable, refusal
		return d
	}
	d.Slots = append(slices.Clone(v.reads), a.stamps.Slots(tags(v.scopes, d.Tables, invalidation.Set))...)
	return d
}

// Outdated tells whether the catalog was read again since, so that there may be
// more tables to depend on.
func (a *Analyzer) Outdated(d Dependence) bool {
	v := a.current.Load()
	return v != d.version || d.Reason == "" && v.outdated()
}
