package catalog

import "strings"

// myTable is a table of one schema, with its names as they are written.
type myTable struct {
	schema, name string
	plain        bool // its rows are kept as they were written, and its columns can be seen
}

// plainEngines keep rows as they were written, change them when told to, and
// enforce the primary key.
var plainEngines = map[string]bool{"innodb": true, "aria": true, "myisam": true}

// myColumn is a row of the list of columns.
type myColumn struct{ name, kind, collation, extra string }

// myKeys are the columns of tables that have a primary key, by schema and name.
type myKeys map[[2]string]map[string]*column

func (k myKeys) at(t myTable, name string) *column {
	id := [2]string{t.schema, t.name}
	if k[id] == nil {
		k[id] = map[string]*column{}
	}
	if k[id][name] == nil {
		k[id][name] = &column{name: name}
	}
	return k[id][name]
}

// part records that a column has this place in its table's primary key. One of
// which only the start is in the key spoils it: that has no place.
func (k myKeys) part(t myTable, name string, position int, prefix bool) {
	if prefix {
		position = -1
	}
	k.at(t, name).position = position
}

func (k myKeys) column(t myTable, c myColumn) { k.at(t, c.name).class = c.class() }

// of makes the key of a table. A role with rights on some columns alone is shown
// those only, in one list or both, so that a part of a key may be missed.
func (k myKeys) of(t myTable) *Key {
	if !t.plain {
		return nil
	}
	var columns []column
	for _, c := range k[[2]string{t.schema, t.name}] {
		columns = append(columns, *c)
	}
	return keyOf(columns)
}

// class tells how the column's values compare; 0 if that is not known, or if
// the server computes them.
func (c myColumn) class() Class {
	for _, word := range strings.FieldsFunc(fold(c.extra), func(r rune) bool { return r == ' ' || r == ',' }) {
		switch word {
		case "auto_increment", "invisible", "default_generated":
		default:
			return 0
		}
	}
	switch fold(c.kind) {
	case "tinyint", "smallint", "mediumint", "int", "bigint":
		return ClassInteger
	case "uuid":
		return ClassText
	case "char", "varchar":
		if plainCollation(c.collation) {
			return ClassText
		}
	}
	return 0
}

// plainCollation tells whether printable ASCII without upper-case letters
// compares equal only to itself. It does in collations made for no language; in
// others i may equal y, or v equal w.
func plainCollation(name string) bool {
	name = fold(name)
	if name == "latin1_swedish_ci" {
		return true // once the server's default
	}
	charset, rest, _ := strings.Cut(name, "_")
	switch charset {
	case "utf8", "utf8mb3", "utf8mb4", "ascii", "latin1":
	default:
		return false
	}
	switch strings.Replace(rest, "nopad_", "", 1) {
	case "bin", "general_ci", "unicode_ci", "unicode_520_ci",
		"0900_bin", "0900_ai_ci", "0900_as_ci", "0900_as_cs",
		"uca1400_ai_ci", "uca1400_ai_cs", "uca1400_as_ci", "uca1400_as_cs":
		return true
	}
	return false
}

func contains(text, folded string) bool { return strings.Contains(fold(text), folded) }
