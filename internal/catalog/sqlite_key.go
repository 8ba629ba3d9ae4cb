package catalog

import "strings"

// sqliteRecords finds the keys of the tables.
func (l *loader) sqliteRecords(objects []sqliteObject) {
	type table struct {
		schema int
		name   string
	}
	columns := map[table][]sqliteObject{}
	for _, o := range objects {
		if o.kind == "column" {
			t := table{o.schema, o.table}
			columns[t] = append(columns[t], o)
		}
	}
	for _, o := range objects {
		if o.kind == "table" {
			l.at(o.name).identify(sqliteKey(o.text, columns[table{o.schema, o.name}]))
		}
	}
}

// sqliteKey makes the key of a table from the text that made it and its
// columns. With a clause ON CONFLICT, an INSERT may delete other rows.
func sqliteKey(text string, columns []sqliteObject) *Key {
	if text == "" || hasWord(text, "conflict") {
		return nil
	}
	collated := hasWord(text, "collate")
	var found []column
	for _, o := range columns {
		c := column{o.name, o.position, sqliteClass(o.text)}
		if c.class == ClassText && collated {
			c.class = 0
		}
		found = append(found, c)
	}
	return keyOf(found)
}

// sqliteClass tells the class by the affinity that SQLite gives to a declared
// type. Numeric affinity turns the text "1e1" into 10, and none leaves the
// values of one column to compare in several ways.
func sqliteClass(declared string) Class {
	for i := range len(declared) {
		if declared[i] >= 0x80 {
			return 0 // what folds to ASCII here may not in SQLite
		}
	}
	declared = fold(declared)
	switch {
	case strings.Contains(declared, "int"):
		return ClassInteger
	case strings.Contains(declared, "char"), strings.Contains(declared, "clob"), strings.Contains(declared, "text"):
		return ClassText
	}
	return 0
}

// hasWord tells whether a word occurs in a text, as a keyword or as anything
// else.
func hasWord(text, word string) bool {
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r < 0x80 && !isNameByte(byte(r)) }) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}
