package analysis

import (
	"slices"
	"strings"

	"github.com/gorm-querycache/querycache/internal/catalog"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/invalidation"
)

const (
	// maxPinned is how many records a result is pinned to at most, maxTouched
	// how many a write is known to touch: beyond, all of a table costs less.
	maxPinned  = 16
	maxTouched = 64
)

// records says to which rows of one table a text confines itself, by the
// values that its arguments give to columns.
//
// The mechanism is general: a result that depends only on rows where certain
// columns have certain values is pinned to tags made of those values, and a
// write that reaches only rows with such values touches the tags of
// its values. Both must speak of the same columns, and of the values in one
// spelling. The columns are those of the primary key, as the catalog tells it.
type records struct {
	table   string
	columns []catalog.KeyColumn
	rows    [][]sqlscan.Operand // each with one operand per column
	params  int                 // how many arguments the text takes
	places  []invalidation.Records
}

// confine works out the rows from what a WHERE clause demands; nil if it does
// not give a value to each column, or gives more than limit.
func confine(columns []catalog.KeyColumn, where []sqlscan.Restriction, limit int) [][]sqlscan.Operand {
	rows := [][]sqlscan.Operand{make([]sqlscan.Operand, len(columns))}
	given := make([]bool, len(columns))
	for i, c := range columns {
		if given[i] {
			continue
		}
		r := demandOf(where, c.Name)
		if r == nil || len(r.Rows)*len(rows) > limit || len(r.Rows) == 0 {
			return nil
		}
		var next [][]sqlscan.Operand
		for _, have := range rows {
			for _, values := range r.Rows {
				row := slices.Clone(have)
				for j, other := range columns {
					if at := slices.Index(r.Columns, other.Name); at >= 0 && !given[j] {
						row[j] = values[at]
					}
				}
				next = append(next, row)
			}
		}
		for j, other := range columns {
			given[j] = given[j] || slices.Contains(r.Columns, other.Name)
		}
		rows = next
	}
	return rows
}

// demandOf finds the first restriction of a column. Each holds, so any will do.
func demandOf(where []sqlscan.Restriction, column string) *sqlscan.Restriction {
	for i := range where {
		if slices.Contains(where[i].Columns, column) {
			return &where[i]
		}
	}
	return nil
}

func (a *Analyzer) recordsOf(v *version, table string, key *catalog.Key, rows [][]sqlscan.Operand, params int) *records {
	r := &records{table: table, columns: key.Columns, rows: rows, params: params}
	for _, s := range v.scopes {
		r.places = append(r.places, invalidation.RecordsOf(s, table))
	}
	return r
}

// planPin finds the records that a read of one table is pinned to.
func (a *Analyzer) planPin(p *Plan, res *sqlscan.Result, v *version) {
	if len(p.Tables) != 1 || len(res.Reads) != 1 || p.Tables[0] != res.Reads[0] || res.Where == nil || res.Params < 0 {
		return
	}
	key := v.catalog.Key(p.Tables[0])
	if key == nil {
		return
	}
	rows := confine(key.Columns, res.Where, maxPinned)
	if rows == nil {
		return
	}
	p.pin = a.recordsOf(v, p.Tables[0], key, rows, res.Params)
	p.core = append(slices.Clone(v.reads), a.stamps.Slots(tags(v.scopes, p.Tables, invalidation.Table))...)
	p.sets = a.stamps.Slots(tags(v.scopes, p.Tables, invalidation.Set))
	p.plain = res.Plain
}

// planTouch finds the records that a write to one table reaches. A new record
// has no tag to touch: a result that is pinned to it lacked it, and depends on
// the set.
func (a *Analyzer) planTouch(p *Plan, res *sqlscan.Result, v *version) {
	c := res.Change
	if c == nil || len(res.Writes) != 1 || res.Params < 0 {
		return
	}
	table := res.Writes[0]
	key := v.catalog.Key(table)
	if key == nil || !slices.Contains(p.Written, table) {
		return
	}
	var rows [][]sqlscan.Operand
	switch {
	case assigns(c.Assigned, key):
		return
	case c.Verb == sqlscan.VerbInsert && !c.Upsert:
	case c.Verb == sqlscan.VerbInsert:
		if rows = inserted(c, key); rows == nil {
			return
		}
	default:
		if rows = confine(key.Columns, res.Where, maxTouched); rows == nil {
			return
		}
	}
	others := slices.DeleteFunc(slices.Clone(p.Written), func(t string) bool { return t == table })
	p.touch = a.recordsOf(v, table, key, rows, res.Params)
	p.touched = a.stamps.Slots(append(tags(v.scopes, p.Written, invalidation.Set), tags(v.scopes, others, invalidation.Table)...))
}

// assigns tells whether a change gives another value to a column of the key, in
// SQLite perhaps by one of the other names that an integer key has there.
func assigns(columns []string, key *catalog.Key) bool {
	for _, c := range columns {
		switch c {
		case "rowid", "_rowid_", "oid":
			return true
		}
		if slices.ContainsFunc(key.Columns, func(k catalog.KeyColumn) bool { return k.Name == c }) {
			return true
		}
	}
	return false
}

// inserted finds the keys of an upsert that changes a record only where its key
// is there already; nil if they are not all known.
func inserted(c *sqlscan.Change, key *catalog.Key) [][]sqlscan.Operand {
	names := make([]string, len(key.Columns))
	at := make([]int, len(key.Columns))
	for i, k := range key.Columns {
		names[i], at[i] = k.Name, slices.Index(c.Columns, k.Name)
		if at[i] < 0 {
			return nil
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, c.Target) || len(c.Rows) == 0 || len(c.Rows) > maxTouched {
		return nil
	}
	rows := make([][]sqlscan.Operand, len(c.Rows))
	for i, values := range c.Rows {
		for _, n := range at {
			if n >= len(values) || values[n].Param < 0 {
				return nil
			}
			rows[i] = append(rows[i], values[n])
		}
	}
	return rows
}

// Pin finds the tags of a read's result by its arguments, and appends the
// slots on which every result of it depends to buf: those of the records if it
// is pinned to n of them, otherwise those of its tables as sets. If it is
// pinned, a result that lacks one of the records depends on Sets too.
func (p *Plan) Pin(buf []invalidation.Slot, stamps *invalidation.Stamps, args []any) (core []invalidation.Slot, n int) {
	if p.pin != nil {
		core, ok := p.pin.slots(append(buf, p.core...), stamps, args)
		if ok {
			return core, len(p.pin.rows)
		}
	}
	return append(buf, p.Reads...), 0
}

// Sets are the slots of the tables of a pinned read as sets.
func (p *Plan) Sets() []invalidation.Slot { return p.sets }

// Plain tells whether each row of a pinned read's result stands for a record of
// its own, so that as many rows as records mean that none is lacking.
func (p *Plan) Plain() bool { return p.plain }

// Pinned prints the records that a read is pinned to, for people; nil if it is
// not.
func (p *Plan) Pinned(args []any) []string {
	if p.pin == nil {
		return nil
	}
	return p.pin.print(args)
}

// Touching is what one run of a write touches.
type Touching struct {
	Slots []invalidation.Slot
	// Records is how many records it reaches; negative if they are not known,
	// 0 if it only makes new ones.
	Records int
	// Args are the arguments to run it with. They may be others than those
	// given: a driver.Valuer that had to be asked is not asked again.
	Args []any
}

// Touch finds what a write touches by its arguments.
func (p *Plan) Touch(stamps *invalidation.Stamps, args []any) Touching {
	if p.touch == nil {
		return Touching{p.Writes, -1, args}
	}
	args = p.touch.ask(args)
	if slots, ok := p.touch.slots(slices.Clone(p.touched), stamps, args); ok {
		return Touching{slots, len(p.touch.rows), args}
	}
	return Touching{p.Writes, -1, args}
}

// slots appends the places of the records that the arguments name. ok is false
// if a value could be spelled in more than one way.
func (r *records) slots(buf []invalidation.Slot, stamps *invalidation.Stamps, args []any) (out []invalidation.Slot, ok bool) {
	if len(args) != r.params {
		return buf, false
	}
	var space [96]byte
	for _, row := range r.rows {
		name, ok := r.name(space[:0], row, args)
		if !ok {
			return buf, false
		}
		for _, place := range r.places {
			buf = append(buf, place.Slot(stamps, name))
		}
	}
	return buf, true
}

// name is the record's part of its tag: the values of its columns, in order.
func (r *records) name(buf []byte, row []sqlscan.Operand, args []any) (name []byte, ok bool) {
	for i, op := range row {
		if i > 0 {
			buf = append(buf, ',')
		}
		if op.Param == 0 {
			if r.columns[i].Class != catalog.ClassInteger {
				return buf, false
			}
			buf = append(buf, op.Literal...)
			continue
		}
		if op.Param < 0 || op.Param > len(args) {
			return buf, false
		}
		if buf, ok = appendValue(buf, r.columns[i].Class, args[op.Param-1]); !ok {
			return buf, false
		}
	}
	return buf, true
}

func (r *records) print(args []any) []string {
	if len(args) != r.params {
		return nil
	}
	var out []string
	for _, row := range r.rows {
		var b strings.Builder
		for i, op := range row {
			if i > 0 {
				b.WriteByte(' ')
			}
			one := records{columns: r.columns[i : i+1]}
			value, ok := one.name(nil, []sqlscan.Operand{op}, args)
			if !ok {
				return nil
			}
			b.WriteString(r.table + "." + r.columns[i].Name + "=" + string(value))
		}
		out = append(out, b.String())
	}
	return out
}
