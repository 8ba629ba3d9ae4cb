package catalog

import (
	"cmp"
	"slices"
)

// Key is a set of columns whose values tell the rows of a table apart: its
// primary key. It is shared: do not write into it.
type Key struct {
	Columns []KeyColumn // in the key's order
}

// KeyColumn is one column of a Key.
type KeyColumn struct {
	Name  string // folded
	Class Class
}

// Class is how the values of a key column compare.
type Class uint8

const (
	// ClassInteger is an integer type, compared as numbers.
	ClassInteger Class = iota + 1
	// ClassText is text compared under a collation, or UUIDs. Two values of
	// lower-case letters, digits and other printable ASCII are equal only if
	// they are the same bytes, once spaces at their ends and, of UUIDs, hyphens
	// and braces are set aside. Of values with other bytes nothing is known.
	ClassText
)

// Key returns the primary key of a table if its records can be told apart by
// it; nil otherwise. A statement that writes to such a table and names the rows
// by the key changes no other row of it, and an INSERT that says nothing of
// conflicts changes none: no trigger, no foreign key of its own and no view
// leads back to it. Tables that share the name all have this key.
//
// What the statement itself says is left to the caller: a key that is assigned
// (in SQLite also as rowid, oid or _rowid_), OR REPLACE and its like, upserts,
// and values of another class than the column's.
func (c *Catalog) Key(table string) *Key {
	name := fold(table)
	n := c.nodes[name]
	if n == nil || n.key == nil || !n.base || n.view || c.unknown != nil || c.refused != "" {
		return nil
	}
	if len(n.up) > 0 || len(n.down) > 0 {
		return nil // its rows are those of another table as well
	}
	if reads := c.readsOf(name); len(reads.names) != 1 || reads.reason != "" {
		return nil
	}
	if writes := c.writesOf(name); writes.back || writes.reason != "" {
		return nil
	}
	return n.key
}

// column is a column as a loader finds it.
type column struct {
	name     string
	position int   // in the primary key, from 1; 0 if it is not a part of it
	class    Class // 0 if its values cannot be compared here
}

// keyOf makes the key of a table with these columns; nil if it has none that
// tells records apart by folded names. Columns that are not in the key may be
// left out if the database takes names that fold to the same for one.
func keyOf(columns []column) *Key {
	k := &Key{}
	names := map[string]int{}
	for _, c := range columns {
		names[fold(c.name)]++
	}
	columns = slices.DeleteFunc(slices.Clone(columns), func(c column) bool { return c.position == 0 })
	slices.SortFunc(columns, func(a, b column) int { return cmp.Compare(a.position, b.position) })
	for i, c := range columns {
		name := fold(c.name)
		if c.position != i+1 || c.class == 0 || names[name] != 1 {
			return nil // a part cannot be seen, or not be compared, or has a namesake
		}
		k.Columns = append(k.Columns, KeyColumn{name, c.class})
	}
	if len(k.Columns) == 0 {
		return nil
	}
	return k
}

// identify records the key of one table of this name; nil if it has none. Of
// several tables, the key is the one that they share.
func (n *node) identify(k *Key) {
	switch {
	case !n.told:
		n.told, n.key = true, k
	case k == nil || n.key == nil || !slices.Equal(k.Columns, n.key.Columns):
		n.key = nil
	}
}
