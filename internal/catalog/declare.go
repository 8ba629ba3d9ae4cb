package catalog

import (
	"maps"
	"strings"
)

// Declare returns a copy of the catalog that also knows what the user states:
// a write to a key changes each of its values as well. Every name that occurs,
// as key or value, counts as a known table, even where the catalog could not
// see it (a foreign table, a view whose definition is hidden, any name of an
// unknown catalog). A statement never takes anything away: what was found to
// change still does, and what differs by session or by call stays refused.
//
// Names are folded; of a qualified name the last part counts.
func (c *Catalog) Declare(deps map[string][]string) *Catalog {
	f := &facts{nodes: maps.Clone(c.nodes)}
	copied := map[string]bool{}
	known := func(name string) (string, bool) {
		name = lastPart(name)
		if name == "" {
			return "", false
		}
		if !copied[name] {
			copied[name] = true
			if n := f.nodes[name]; n != nil {
				f.nodes[name] = n.clone()
			}
		}
		n := f.at(name)
		n.soft = ""
		if !n.view {
			n.base = true
		}
		return name, true
	}
	for key, values := range deps {
		from, ok := known(key)
		for _, v := range values {
			if to, valid := known(v); ok && valid {
				f.act(from, to)
			}
		}
	}
	return newCatalog(Catalog{
		nodes: f.nodes, unknown: c.unknown, identity: c.identity, scope: c.scope, dirty: c.dirty,
		routines: c.routines, refused: c.refused,
	})
}

// lastPart folds a name that a user wrote, qualified and quoted or not.
func lastPart(name string) string {
	name = strings.TrimSpace(name)
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return fold(strings.Trim(strings.TrimSpace(name), "`\"[]"))
}
