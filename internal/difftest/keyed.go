package difftest

import (
	"database/sql"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

// keyed is a table whose records are read and written by their keys.
type keyed struct {
	table   string
	columns []string // of the key

	one, many func() any         // pointers to a record and to a slice of them
	row       func(draw) any     // a pointer to a record with a key and values
	rows      func(draw) any     // a pointer to a slice of such records
	values    func(draw) []any   // a key, spelled in one of many ways, right or wrong
	only      func(draw) any     // a pointer to a record with a key and nothing else
	generic   func(*scene, draw) // an operation of gorm.G
}

func keyedTable[T any](name string, values func(draw) []any, set func(draw, *T), change func(draw, *T), columns ...string) keyed {
	k := keyed{
		table: name, columns: columns, values: values,
		one: func() any { return new(T) }, many: func() any { return new([]T) },
	}
	row := func(d draw) *T {
		v := new(T)
		set(d, v)
		change(d, v)
		return v
	}
	k.row = func(d draw) any { return row(d) }
	k.rows = func(d draw) any {
		all := []T{*row(d)}
		for range d.n(3) {
			all = append(all, *row(d))
		}
		return &all
	}
	k.only = func(d draw) any {
		v := new(T)
		set(d, v)
		return v
	}
	k.generic = func(s *scene, d draw) {
		cond, args := k.at(d)
		g := gorm.G[T](s.db).Where(cond, args...)
		if d.chance(50) {
			v, err := g.First(s.ctx)
			s.sawValues(v, err)
			return
		}
		all, err := g.Order(k.order()).Find(s.ctx)
		s.sawValues(all, err)
	}
	return k
}

func (k keyed) order() string { return strings.Join(k.columns, ", ") }

// at is a condition that names one record.
func (k keyed) at(d draw) (text string, args []any) {
	values := k.values(d)
	var parts []string
	for i, c := range k.columns {
		switch d.n(8) {
		case 0:
			c = k.table + "." + c
		case 1:
			parts, args = append(parts, "("+c+") = ?"), append(args, values[i])
			continue
		case 2:
			parts, args = append(parts, "? = "+c), append(args, values[i])
			continue
		default:
		}
		parts, args = append(parts, c+" = ?"), append(args, values[i])
	}
	return strings.Join(parts, " AND "), args
}

// in is a condition that names some records.
func (k keyed) in(d draw, n int) (text string, args []any) {
	var list []any
	for range n {
		values := k.values(d)
		if len(k.columns) == 1 {
			list = append(list, values[0])
		} else {
			list = append(list, values)
		}
	}
	if len(k.columns) == 1 {
		return k.columns[0] + " IN ?", []any{list}
	}
	return "(" + k.order() + ") IN ?", []any{list}
}

// fixed is a condition with its values in the text.
func (k keyed) fixed(d draw) string {
	values := k.values(d)
	var parts []string
	for i, c := range k.columns {
		parts = append(parts, c+" = "+literal(values[i]))
	}
	return strings.Join(parts, " AND ")
}

// condition is one of many around a key, only some of which name records.
func (k keyed) condition(d draw) (text string, args []any) {
	text, args = k.at(d)
	other, more := k.at(d)
	switch d.n(24) {
	case 0:
		return text + " OR " + other, append(args, more...)
	case 1:
		return text + " AND " + other, append(args, more...) // nothing, or one
	case 2:
		return text + " AND n >= ?", append(args, d.n(4))
	case 3:
		return "n >= ? AND (" + text + ")", append([]any{d.n(4)}, args...)
	case 4:
		return "NOT (" + text + ")", args
	case 5:
		return k.columns[0] + " BETWEEN ? AND ?", []any{k.values(d)[0], k.values(d)[0]}
	case 6:
		return k.columns[0] + " = ?", []any{k.values(d)[0]} // a part of some keys
	case 7:
		return text + " OR 1 = 0", args
	case 8:
		return "(" + text + " OR n = ?) AND name <> ?", append(args, d.n(3), "x")
	case 9:
		return k.columns[0] + " <> ?", []any{k.values(d)[0]}
	case 10, 11, 12:
		return k.in(d, 1+d.n(4))
	case 13:
		first, a := k.in(d, 2)
		second, b := k.in(d, 2)
		return first + " AND " + second, append(a, b...)
	case 14:
		return k.fixed(d), nil
	case 15:
		return k.columns[0] + " IN (SELECT " + k.columns[0] + " FROM " + k.table + " WHERE n > ?)", []any{d.n(3)}
	case 16:
		return "(" + text + ") IS TRUE", args
	case 17, 18:
		return other + " OR " + text, append(more, args...)
	default:
		return text, args
	}
}

// literal spells a value in SQL.
func literal(v any) string {
	switch x := v.(type) {
	case string:
		return "'" + strings.ReplaceAll(x, "'", "''") + "'"
	case []byte:
		return literal(string(x))
	case uuid.UUID:
		return literal(x.String())
	case UUID:
		return literal(x.String())
	case *uint:
		return fmt.Sprint(*x)
	case *string:
		return literal(*x)
	case sql.NullInt64:
		return fmt.Sprint(x.Int64)
	case sql.NullString:
		return literal(x.String)
	case nil:
		return "NULL"
	default:
		return fmt.Sprint(x)
	}
}

// number is a whole key: most often there, and spelled as one.
func number(d draw) []any {
	n := 1 + d.n(4)
	switch d.n(40) {
	case 0:
		return []any{fmt.Sprint(n)}
	case 1:
		return []any{fmt.Sprint("0", n)}
	case 2:
		return []any{fmt.Sprint(n, ".0")}
	case 3:
		return []any{float64(n)}
	case 4:
		return []any{int8(n)}
	case 5:
		return []any{ptr(uint(n))}
	case 6:
		return []any{sql.NullInt64{Int64: int64(n), Valid: true}}
	case 7:
		return []any{fmt.Sprint(" ", n)}
	case 8:
		return []any{fmt.Sprint(n, " ")}
	case 9:
		return []any{[]byte(fmt.Sprint(n))}
	case 10:
		return []any{0}
	case 11:
		return []any{-1}
	case 12:
		return []any{nil}
	case 13:
		return []any{float64(n) + 0.5}
	case 14, 15, 16:
		return []any{5 + d.n(6)}
	case 17:
		return []any{int64(n)}
	default:
		return []any{uint(n)}
	}
}

var words = []string{"a", "a", "a", "A", "A", "b", "b", "B", "c", "c", "a ", " a", "a-b", "ä", "Ä", "1", "01", ""}

func word(d draw) []any {
	w := words[d.n(len(words))]
	switch d.n(14) {
	case 0:
		return []any{[]byte(w)}
	case 1:
		return []any{1}
	case 2:
		return []any{ptr(w)}
	case 3:
		return []any{sql.NullString{String: w, Valid: d.chance(80)}}
	default:
		return []any{w}
	}
}

func couple(d draw) []any {
	values := []any{1 + d.n(2), pick(d, "x", "X", "y", "y ")}
	if d.chance(20) {
		values[0] = number(d)[0]
	}
	if d.chance(10) {
		values[1] = word(d)[0]
	}
	return values
}

func badge(d draw) []any {
	id := uuidOf(d.n(4))
	switch d.n(10) {
	case 0:
		return []any{id.String()}
	case 1:
		return []any{strings.ToUpper(id.String())}
	case 2:
		return []any{strings.ReplaceAll(id.String(), "-", "")}
	case 3:
		return []any{"{" + id.String() + "}"}
	case 4:
		return []any{uuid.Nil}
	case 5:
		return []any{UUID{id}}
	default:
		return []any{id}
	}
}

var keyedTables = []keyed{
	keyedTable("pin_numbers", number, func(d draw, v *Number) { v.ID = uint(1 + d.n(5)) }, func(d draw, v *Number) {
		v.Name, v.N = d.name(), d.n(9)
		if d.chance(35) {
			v.Code = ptr(code(d))
		}
	}, "id"),
	keyedTable("pin_reused", number, func(d draw, v *Reused) { v.ID = int64(d.n(5)) }, func(d draw, v *Reused) { v.Name, v.N = d.name(), d.n(9) }, "id"),
	keyedTable("pin_words", word, func(d draw, v *Word) { v.Word = pick(d, words...) }, func(d draw, v *Word) { v.Name, v.N = d.name(), d.n(9) }, "word"),
	keyedTable("pin_uncased", word, func(d draw, v *Uncased) { v.Word = Fold(pick(d, words...)) }, func(d draw, v *Uncased) { v.Name, v.N = d.name(), d.n(9) }, "word"),
	keyedTable("pin_couples", couple, func(d draw, v *Couple) { v.A, v.B = 1+d.n(2), pick(d, "x", "X", "y") }, func(d draw, v *Couple) { v.Name, v.N = d.name(), d.n(9) }, "a", "b"),
	keyedTable("pin_badges", badge, func(d draw, v *Badge) { v.ID = UUID{uuidOf(d.n(4))} }, func(d draw, v *Badge) { v.Name, v.N = d.name(), d.n(9) }, "id"),
	keyedTable("pin_trees", number, func(d draw, v *Tree) { v.ID = uint(1 + d.n(5)) }, func(d draw, v *Tree) {
		v.Name, v.N = d.name(), d.n(9)
		if d.chance(70) {
			v.ParentID = ptr(uint(1 + d.n(5)))
		}
	}, "id"),
	keyedTable("pin_sources", number, func(d draw, v *Source) { v.ID = uint(1 + d.n(5)) }, func(d draw, v *Source) { v.Name, v.N, v.TargetID = d.name(), d.n(9), 1+d.n(6) }, "id"),
	keyedTable("pin_targets", number, func(d draw, v *Target) { v.ID = uint(1 + d.n(5)) }, func(d draw, v *Target) { v.Name, v.N = d.name(), d.n(9) }, "id"),
	keyedTable("pin_echoes", number, func(d draw, v *Echo) { v.ID = uint(1 + d.n(5)) }, func(d draw, v *Echo) { v.Name, v.N = d.name(), d.n(9) }, "id"),
}

// tableSeeds is how many seeds in a row choose tables in turn: some get more than one, since they can be written in
// more ways.
const tableSeeds = 16

// tableOf is the table of an operation. The seed says it plainly, so that programs can read and write the same one.
func tableOf(d draw) keyed {
	at := d.seed % tableSeeds
	if at >= uint64(len(keyedTables)) {
		at = []uint64{0, 0, 0, 2, 4, 8}[at-uint64(len(keyedTables))]
	}
	return keyedTables[at]
}

// onTable is a seed that says the table that seed says.
func onTable(seed uint64, n int) uint64 { return uint64(n)*tableSeeds + seed%tableSeeds }

func code(d draw) string { return pick(d, "c1", "c2", "c2", "c3", "C1") }
