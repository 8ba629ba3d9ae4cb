package snapshot

import "reflect"

// ValuePlan says how values of one type are copied that no scan filled. It is
// immutable and safe for concurrent use.
//
// A copy is a tree: what two pointers of the original point to in common, each
// pointer of the copy has for itself, and what lies beyond the length of a slice
// is zero.
type ValuePlan struct{ shape *shape }

// Value is a copy of such a value. It never changes and is safe for concurrent
// use.
type Value struct {
	plan *ValuePlan
	held reflect.Value // a pointer to it
	size int64
}

type plannedValue struct {
	plan   *ValuePlan
	reason string
}

// PlanValue returns the plan for values of a type, or nil and the reason why
// they cannot be copied.
func (p *Planner) PlanValue(t reflect.Type) (*ValuePlan, string) {
	if known, ok := p.values.Load(t); ok {
		return known.(plannedValue).plan, known.(plannedValue).reason
	}
	c := &compiler{immutable: p.immutable, shapes: map[reflect.Type]*shape{}}
	s, reason := c.shape(t)
	made := plannedValue{reason: reason}
	if reason == "" {
		c.guard()
		made.plan = &ValuePlan{s}
	}
	p.values.Store(t, made) // a program has finitely many types to ask for
	return made.plan, made.reason
}

// guard has every pointer, slice and map looked out for cycles if there may be
// any: a decoder makes none, and where a type comes back to itself by way of a
// part of another, none of those that the cycle leads through need be recursive
// by itself.
func (c *compiler) guard() {
	for _, s := range c.shapes {
		if s.recursive {
			for _, s := range c.shapes {
				s.recursive = true
			}
			return
		}
	}
}

// Take copies v, which must be addressable. It says no when something is there
// that cannot be copied, such as a pointer in an unexported field, a value in an
// interface of a type that is not plain, or a cycle.
func (pl *ValuePlan) Take(v reflect.Value) (*Value, bool) {
	typ := pl.shape.typ
	if v.Type() != typ || !v.CanAddr() {
		return nil, false
	}
	t := &taking{shares: true, size: allocated(snapshotSize, false) + allocated(int64(typ.Size()), pointerFree(typ))}
	held := reflect.New(typ)
	held.Elem().Set(v)
	pl.shape.own(held.UnsafePointer(), t)
	return &Value{plan: pl, held: held, size: t.size}, !t.failed
}

// Put leaves a copy in v, which must be of the plan's type and addressable.
func (v *Value) Put(into reflect.Value) {
	into.Set(v.held.Elem())
	v.plan.shape.own(into.Addr().UnsafePointer(), nil)
}

// Size returns about how many bytes of heap the copy keeps alive.
func (v *Value) Size() int64 { return v.size }
