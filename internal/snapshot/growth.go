package snapshot

import (
	"reflect"
	"sync/atomic"
)

// initialRoom is the capacity gorm.Scan gives a slice that has none.
const initialRoom = 20

// growth knows the capacities that a slice goes through as elements are
// appended one by one. They depend on the size of the elements in ways that
// only the runtime knows, so it is asked.
type growth struct {
	typ reflect.Type
	// steps are the capacities after initialRoom. They are only added to, by
	// whoever needs more: that two do so at once does no harm.
	steps atomic.Pointer[[]int]
}

// reach returns the capacity of a slice that started with room from and had n
// elements appended.
func (g *growth) reach(from, n int) int {
	if n <= from {
		return from
	}
	if from != initialRoom {
		for from < n {
			from = g.next(from)
		}
		return from
	}
	var steps []int
	if known := g.steps.Load(); known != nil {
		steps = *known
	}
	for _, step := range steps {
		if step >= n {
			return step
		}
		from = step
	}
	steps = append([]int(nil), steps...)
	for from < n {
		from = g.next(from)
		steps = append(steps, from)
	}
	g.steps.Store(&steps)
	return from
}

// next returns the capacity after a full slice has been appended to. A scan
// would allocate as much.
func (g *growth) next(full int) int {
	grown := reflect.Append(reflect.MakeSlice(g.typ, full, full), reflect.Zero(g.typ.Elem()))
	return grown.Cap()
}
