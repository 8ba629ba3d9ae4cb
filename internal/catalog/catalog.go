package catalog

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
)

// ErrUnknown is the cause of an unknown catalog for which no other was given.
var ErrUnknown = errors.New("the database's catalog has not been read")

// Catalog is what is known of one database. The zero value is not usable;
// Load and Unknown make one. It is immutable and safe for concurrent use.
type Catalog struct {
	nodes    map[string]*node
	unknown  error // why nothing is known; nil if the catalog was loaded
	identity string
	scope    string
	dirty    bool // the sessions read uncommitted data
	routines map[string]bool
	refused  string // why no read at all may be cached

	// memo holds what the names in nodes expand to, once someone asked. The map
	// itself never changes.
	memo map[string]*memo
}

// memo is what one known name expands to; nil until asked for. Two goroutines
// may find the same answer at once; either one stays.
type memo struct{ reads, writes atomic.Pointer[closure] }

// closure is what one name expands to.
type closure struct {
	names  []string // sorted, without duplicates
	reason string   // why a read must not be cached, or why a write reaches everything
	back   bool     // what a write to it changes leads back to it
}

// Unknown returns a catalog that knows nothing because of reason: Reads
// refuses every name that is not declared, Writes reaches everything.
func Unknown(reason error) *Catalog {
	if reason == nil {
		reason = ErrUnknown
	}
	return newCatalog(Catalog{nodes: map[string]*node{}, unknown: reason})
}

// newCatalog makes room for what will be asked of c, whose nodes are final.
func newCatalog(c Catalog) *Catalog {
	c.memo = make(map[string]*memo, len(c.nodes))
	for name := range c.nodes {
		c.memo[name] = &memo{}
	}
	return &c
}

// Known tells whether the catalog was read from the database.
func (c *Catalog) Known() bool { return c.unknown == nil }

// Err says why the catalog is not known; nil if it is.
func (c *Catalog) Err() error { return c.unknown }

// Identity names the database, equally for every pool that reaches it; "" if
// it cannot be told. See the loaders for what it is made of. It does not tell
// apart two schemas of one server on MySQL and SQL Server: see Scope.
func (c *Catalog) Identity() string { return c.identity }

// Scope says what an unqualified name in a statement of this pool resolves
// against: the current database or the search path, and on Postgres the role.
// Two pools of one Identity whose Scope differs may answer the same text
// differently. It is "" where there is nothing to tell apart.
func (c *Catalog) Scope() string { return c.scope }

// ReadUncommitted tells whether the pool's sessions read data that is not
// committed, in which case nothing may be cached.
func (c *Catalog) ReadUncommitted() bool { return c.dirty }

// Routines returns the names, folded and without their schema, of the stored
// functions, procedures and aggregates that users made, for the options that
// statements are scanned with: the server may run one of them where a built-in
// function has the same name. Left out are members of Postgres's extensions
// that do what the scanner takes them to do. An unknown catalog has none; its
// reads are refused anyhow. A name with a dot before it is one that Postgres
// may call where a column is read. The map is shared: do not write into it.
func (c *Catalog) Routines() map[string]bool { return c.routines }

// NonTransactional tells whether a rollback leaves what was written to the
// table.
func (c *Catalog) NonTransactional(table string) bool {
	n := c.nodes[fold(table)]
	return n != nil && n.keeps
}

// Tables returns the names of all known tables, sorted.
func (c *Catalog) Tables() []string { return c.list(func(n *node) bool { return n.base }) }

// Views returns the names of all known views, sorted.
func (c *Catalog) Views() []string { return c.list(func(n *node) bool { return n.view }) }

func (c *Catalog) list(keep func(*node) bool) []string {
	var out []string
	for name, n := range c.nodes {
		if keep(n) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Reads expands the tables that a statement reads to all that its result
// depends on: the names themselves, what views are made of, partitions and
// inheriting tables. A reason other than "" says that the result must not be
// cached. The slice is shared: do not write into it.
func (c *Catalog) Reads(tables []string) (expanded []string, reason string) {
	expanded, reason = c.expand(tables, c.readsOf)
	first(&reason, c.refused)
	return expanded, reason
}

// Writes expands the tables that a statement writes to all whose content may
// change with it: the names themselves, the tables under a view, children by
// foreign keys with actions, what triggers write, partitions and their
// parents. A name that the catalog does not know expands to itself. With all,
// any table may change. The slice is shared: do not write into it.
func (c *Catalog) Writes(tables []string) (expanded []string, all bool) {
	expanded, why := c.expand(tables, c.writesOf)
	return expanded, why != ""
}

// WritesWhy is Writes with the reason why everything may change; "" if the
// tables are all there is.
func (c *Catalog) WritesWhy(tables []string) (expanded []string, why string) {
	return c.expand(tables, c.writesOf)
}

func (c *Catalog) expand(tables []string, of func(string) *closure) ([]string, string) {
	switch len(tables) {
	case 0:
		return nil, ""
	case 1:
		cl := of(fold(tables[0]))
		return slices.Clip(cl.names), cl.reason
	}
	var (
		names  []string
		reason string
	)
	for _, t := range tables {
		cl := of(fold(t))
		names = append(names, cl.names...)
		if reason == "" {
			reason = cl.reason
		}
	}
	slices.Sort(names)
	return slices.Clip(slices.Compact(names)), reason
}

// fold brings a name into the form that the catalog's nodes have.
func fold(name string) string { return strings.ToLower(name) }
