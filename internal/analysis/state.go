package analysis

import (
	"maps"
	"slices"

	"github.com/gorm-querycache/querycache/internal/catalog"
)

// State is what an Analyzer knows of its database, for people to look at.
type State struct {
	Scope   string
	Catalog *catalog.Catalog
	// Known is false if the database did not say which one it is, or may be
	// another one than it said.
	Known bool
	// Dirty: some session reads what is not committed. Attached: some
	// connection has another database attached.
	Dirty, Attached bool
	// Shadowed are the names that some connection has a temporary table of,
	// sorted.
	Shadowed []string
}

// State returns what is in force now.
func (a *Analyzer) State() State {
	v := a.current.Load()
	return State{
		Scope: v.scopes[0], Catalog: v.catalog, Known: v.known, Dirty: v.dirty || v.catalog.ReadUncommitted(),
		Attached: v.attached, Shadowed: slices.Sorted(maps.Keys(v.shadows)),
	}
}
