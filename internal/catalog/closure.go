package catalog

import (
	"fmt"
	"maps"
	"slices"
)

// readsOf is the transitive closure of a name over parts and down.
func (c *Catalog) readsOf(name string) *closure {
	m := c.memo[name]
	if m != nil {
		if cl := m.reads.Load(); cl != nil {
			return cl
		}
	}
	cl := &closure{}
	seen := map[string]bool{name: true}
	for queue := []string{name}; len(queue) > 0; {
		at := queue[0]
		queue = queue[1:]
		n := c.nodes[at]
		first(&cl.reason, c.refusal(at, n))
		if n == nil {
			continue
		}
		for _, edges := range []map[string]bool{n.parts, n.down} {
			for _, to := range sorted(edges) {
				if !seen[to] {
					seen[to] = true
					queue = append(queue, to)
				}
			}
		}
	}
	cl.names = sorted(seen)
	if m != nil {
		m.reads.Store(cl)
	}
	return cl
}

// refusal says why a read of one name, apart from what lies behind it, must not
// be cached.
func (c *Catalog) refusal(name string, n *node) string {
	switch {
	case n != nil && n.hard != "":
		return fmt.Sprintf("%q: %s", name, n.hard)
	case n != nil && n.soft != "":
		return fmt.Sprintf("%q: %s", name, n.soft)
	case n != nil && (n.base || n.view):
		return ""
	case c.unknown != nil:
		return fmt.Sprintf("catalog unknown: %v", c.unknown)
	}
	return fmt.Sprintf("%q is not a known table or view", name)
}

// writesOf is what changes with a write to a name. A write goes down to the
// parts of a table and along its actions. It goes up too, since rows of a part
// are seen through its parents, and their actions may be its own; but from a
// parent reached that way it does not go down again, so that a write to one
// partition leaves its siblings alone.
func (c *Catalog) writesOf(name string) *closure {
	m := c.memo[name]
	if m != nil {
		if cl := m.writes.Load(); cl != nil {
			return cl
		}
	}
	const (
		climbed = 1 // reached as a parent
		entered = 2 // reached as something that is written
	)
	type step struct {
		name string
		how  int
	}
	cl := &closure{}
	if c.unknown != nil {
		cl.reason = fmt.Sprintf("catalog unknown: %v", c.unknown)
	}
	seen := map[string]int{name: entered}
	queue := []step{{name, entered}}
	visit := func(edges map[string]bool, how int) {
		for _, to := range sorted(edges) {
			cl.back = cl.back || to == name
			if seen[to] < how {
				seen[to] = how
				queue = append(queue, step{to, how})
			}
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		n := c.nodes[at.name]
		if n == nil || seen[at.name] > at.how {
			continue
		}
		if n.opaque != "" {
			first(&cl.reason, fmt.Sprintf("%q: %s", at.name, n.opaque))
		}
		visit(n.acts, entered)
		visit(n.up, climbed)
		if at.how == entered {
			visit(n.down, entered)
		}
	}
	cl.names = sorted(seen)
	if m != nil {
		m.writes.Store(cl)
	}
	return cl
}

// sorted returns a set's names in order, so that of several reasons the same
// one is given each time.
func sorted[V any](set map[string]V) []string { return slices.Sorted(maps.Keys(set)) }
