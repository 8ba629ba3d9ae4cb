package catalog

import (
	"maps"
	"slices"
)

// effect is what running a piece of code may change.
type effect struct {
	writes map[string]bool
	opaque string // why it may change anything; "" if writes is all
}

func (e *effect) write(table string) { add(&e.writes, table) }

func (e *effect) join(o effect) {
	for w := range o.writes {
		e.write(w)
	}
	if o.opaque != "" {
		first(&e.opaque, o.opaque)
	}
}

// routine is a stored function or procedure, or a trigger's body.
type routine struct {
	effect                 // what it does by itself
	calls  map[string]bool // what it calls, folded; system functions are not there
}

// routines are all of a database, by folded name; those that share a name are
// one, with the effects of each.
type routines map[string]*routine

func (rs routines) add(name string, r routine) {
	name = fold(name)
	old := rs[name]
	if old == nil {
		rs[name] = &r
		return
	}
	old.join(r.effect)
	for c := range r.calls {
		add(&old.calls, c)
	}
}

// run is the effect of a routine with all that it calls, transitively. A call of
// a name that is not there has been found harmless by whoever listed it.
func (rs routines) run(r routine) effect {
	var e effect
	e.join(r.effect)
	seen := map[string]bool{}
	queue := slices.Sorted(maps.Keys(r.calls))
	for len(queue) > 0 {
		name := queue[0]
		queue = queue[1:]
		called := rs[name]
		if seen[name] || called == nil {
			continue
		}
		seen[name] = true
		e.join(called.effect)
		queue = append(queue, slices.Sorted(maps.Keys(called.calls))...)
	}
	return e
}
