package catalog

import "maps"

// node is all that is known of one name.
type node struct {
	base bool // a table, or declared to be one
	view bool

	// Why a read of it must not be cached. A declaration by the user lifts
	// soft, which says that something could not be seen, but not hard, which
	// says that the answer differs by session, by call or by moment.
	soft, hard string
	// opaque says why a write to it may reach everything.
	opaque string
	// keeps: a rollback leaves what was written.
	keeps bool

	// key is the primary key that all tables of the name have, if their rows
	// change as statements say and no other way; told, once one of them was
	// looked at.
	key  *Key
	told bool

	// Edges, each a set of names.
	parts map[string]bool // a read of this one reads those too: what a view is made of
	acts  map[string]bool // a write to this one may change those: keys, triggers, views
	down  map[string]bool // tables whose rows are rows of this one as well
	up    map[string]bool // tables through which the rows of this one are seen
}

func (n *node) clone() *node {
	c := *n
	c.parts, c.acts = maps.Clone(n.parts), maps.Clone(n.acts)
	c.down, c.up = maps.Clone(n.down), maps.Clone(n.up)
	return &c
}

// facts gathers a catalog while it is being loaded.
type facts struct {
	nodes    map[string]*node
	identity string
	scope    string
	dirty    bool
	routines map[string]bool // functions that users made, folded
	refused  string          // why no read at all may be cached
}

func newFacts() *facts { return &facts{nodes: map[string]*node{}, routines: map[string]bool{}} }

func (f *facts) catalog() *Catalog {
	return newCatalog(Catalog{nodes: f.nodes, identity: f.identity, scope: f.scope, dirty: f.dirty, routines: f.routines, refused: f.refused})
}

// at returns the node of a name. One that is neither table nor view stays
// unknown to Reads: an edge to it does not make it known.
func (f *facts) at(name string) *node {
	name = fold(name)
	n := f.nodes[name]
	if n == nil {
		n = &node{}
		f.nodes[name] = n
	}
	return n
}

func (f *facts) table(name string) *node {
	n := f.at(name)
	n.base = true
	return n
}

func (f *facts) view(name string) *node {
	n := f.at(name)
	n.view = true
	return n
}

// act: a write to from may change to.
func (f *facts) act(from, to string) { add(&f.at(from).acts, to) }

// child: rows of child are rows of parent as well.
func (f *facts) child(parent, child string) {
	add(&f.at(parent).down, child)
	add(&f.at(child).up, parent)
}

// madeOf: the view reads the table, and a write to the view may change it.
func (f *facts) madeOf(view, table string) {
	n := f.at(view)
	add(&n.parts, table)
	add(&n.acts, table)
}

// apply gives a table what a routine or trigger fired by a write to it does.
func (f *facts) apply(table string, e effect) {
	for w := range e.writes {
		f.act(table, w)
	}
	if e.opaque != "" {
		first(&f.at(table).opaque, e.opaque)
	}
}

func add(set *map[string]bool, name string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[fold(name)] = true
}

// first keeps the first reason given.
func first(at *string, why string) {
	if *at == "" {
		*at = why
	}
}
