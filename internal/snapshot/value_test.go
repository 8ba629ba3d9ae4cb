package snapshot

import (
	"reflect"
	"strings"
	"testing"
)

type node struct {
	Name string
	Next *node
	Kids *pairOfNodes
	List []node
	Any  any
}

type pairOfNodes struct{ L, R node }

// ring, web and nest lead back to themselves by a pointer, a map and a slice.
type (
	ring *ring
	web  map[string]web
	nest []nest
)

// taken copies a value twice, and checks that both copies are equal to it.
func taken[T any](t *testing.T, v T) (copies [2]T, ok bool) {
	t.Helper()
	plan, reason := NewPlanner().PlanValue(reflect.TypeFor[T]())
	if plan == nil {
		t.Fatal(reason)
	}
	value, ok := plan.Take(reflect.ValueOf(&v).Elem())
	if !ok {
		return copies, false
	}
	if value.Size() <= 0 {
		t.Errorf("size %d", value.Size())
	}
	for i := range copies {
		value.Put(reflect.ValueOf(&copies[i]).Elem())
		if !reflect.DeepEqual(copies[i], v) {
			t.Errorf("copy %d is %+v, want %+v", i, copies[i], v)
		}
	}
	return copies, true
}

func TestValuesAreCopiedAsTrees(t *testing.T) {
	shared := &node{Name: "shared", Next: &node{Name: "below"}}
	v := []*node{shared, shared, {Next: shared, Kids: &pairOfNodes{L: node{Next: shared}}, List: []node{{Next: shared}}}}
	got, ok := taken(t, v)
	if !ok {
		t.Fatal("refused")
	}
	seen := map[*node]bool{shared: true, shared.Next: true}
	for _, c := range got {
		for _, n := range []*node{c[0], c[1], c[2].Next, c[2].Kids.L.Next, c[2].List[0].Next} {
			if seen[n] || seen[n.Next] {
				t.Fatal("memory is shared")
			}
			seen[n], seen[n.Next] = true, true
		}
	}
	list := []any{"x"}
	if _, ok := taken(t, map[string]any{"a": list, "b": list, "c": []any{list, list}}); !ok {
		t.Error("a list that is there twice is refused")
	}
}

func TestCyclesAreRefused(t *testing.T) {
	self := &node{}
	self.Next = self
	if _, ok := taken(t, self); ok {
		t.Error("a pointer to itself")
	}
	if _, ok := taken(t, *self); ok {
		t.Error("a value that points to one that points to itself")
	}
	kids := &pairOfNodes{}
	kids.R.Kids = kids
	if _, ok := taken(t, kids); ok {
		t.Error("by way of a part")
	}
	if _, ok := taken(t, kids.R); ok {
		t.Error("by way of a part, from within")
	}
	list := make([]node, 1)
	list[0].List = list
	if _, ok := taken(t, list); ok {
		t.Error("a slice in itself")
	}
	anything := []any{nil}
	anything[0] = anything
	if _, ok := taken(t, any(anything)); ok {
		t.Error("a list in itself")
	}
	if _, ok := taken(t, node{Any: anything}); ok {
		t.Error("a list in itself, in a struct")
	}
	var r ring
	r = &r
	if _, ok := taken(t, r); ok {
		t.Error("a ring")
	}
	w := web{}
	w["w"] = w
	if _, ok := taken(t, w); ok {
		t.Error("a map in itself")
	}
	n := nest{nil}
	n[0] = n
	if _, ok := taken(t, n); ok {
		t.Error("a nest")
	}
	if _, ok := taken(t, nest{{}, {nil, {}}}); !ok {
		t.Error("a nest without a cycle is refused")
	}
}

// TestSharingDoesNotMultiplyWithoutEnd: 2^64 copies are not made.
func TestSharingDoesNotMultiplyWithoutEnd(t *testing.T) {
	n := &node{}
	for range 64 {
		n = &node{Next: n, List: []node{{Next: n}}}
	}
	if _, ok := taken(t, n); ok {
		t.Error("taken")
	}
}

func TestValuesThatCannotBePlanned(t *testing.T) {
	for _, typ := range []reflect.Type{
		reflect.TypeFor[chan int](), reflect.TypeFor[[]func()](), reflect.TypeFor[struct{ E error }](), reflect.TypeFor[map[*int]int](),
	} {
		p := NewPlanner()
		for range 2 {
			if plan, reason := p.PlanValue(typ); plan != nil || reason == "" || strings.Contains(reason, "\n") {
				t.Errorf("%v: %q", typ, reason)
			}
		}
	}
	plan, _ := NewPlanner().PlanValue(reflect.TypeFor[int]())
	var other string
	if _, ok := plan.Take(reflect.ValueOf(&other).Elem()); ok {
		t.Error("a value of another type is taken")
	}
	if _, ok := plan.Take(reflect.ValueOf(7)); ok {
		t.Error("a value that has no address is taken")
	}
}
