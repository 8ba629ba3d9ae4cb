package txpool

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/gorm-querycache/querycache/internal/analysis"
)

// written is one write of a Summary.
type written struct {
	verb    string
	records int
	plan    analysis.Plan
}

func TestSummary(t *testing.T) {
	tables := func(names ...string) analysis.Plan { return analysis.Plan{Written: names} }
	a, ab, c := tables("a"), tables("a", "b"), tables("c")
	all, structural := analysis.Plan{All: true}, analysis.Plan{All: true, Structural: true}
	for name, x := range map[string]struct {
		writes []written
		want   Event
	}{
		"an insert":                  {[]written{{"insert", 0, a}}, Event{Kind: KindInsert, Tables: []string{"a"}}},
		"an insert of the unknown":   {[]written{{"insert", -1, a}}, Event{Kind: KindInsert, Tables: []string{"a"}}},
		"an update of records":       {[]written{{"update", 2, ab}}, Event{Kind: KindUpdate, Tables: []string{"a", "b"}, Records: 2}},
		"an update of any":           {[]written{{"update", -1, a}}, Event{Kind: KindBulk, Tables: []string{"a"}}},
		"a delete of records":        {[]written{{"delete", 1, a}}, Event{Kind: KindDelete, Tables: []string{"a"}, Records: 1}},
		"a delete of any":            {[]written{{"delete", -1, a}}, Event{Kind: KindBulk, Tables: []string{"a"}}},
		"a replacement":              {[]written{{"replace", 1, a}}, Event{Kind: KindBulk, Tables: []string{"a"}, Records: 1}},
		"not understood":             {[]written{{"vacuum", -1, all}}, Event{Kind: KindUnknown, All: true}},
		"schema":                     {[]written{{"create", -1, structural}}, Event{Kind: KindSchema, All: true}},
		"updates":                    {[]written{{"update", 1, c}, {"update", 2, ab}}, Event{Kind: KindUpdate, Tables: []string{"a", "b", "c"}, Records: 3}},
		"some records unknown":       {[]written{{"update", 1, a}, {"update", -1, a}, {"update", 1, a}}, Event{Kind: KindBulk, Tables: []string{"a"}}},
		"an insert and an update":    {[]written{{"insert", 0, a}, {"update", 1, c}}, Event{Kind: KindBulk, Tables: []string{"a", "c"}, Records: 1}},
		"bulk and an insert":         {[]written{{"merge", -1, a}, {"insert", 0, a}}, Event{Kind: KindBulk, Tables: []string{"a"}}},
		"an update and the unknown":  {[]written{{"update", 1, a}, {"x", -1, all}}, Event{Kind: KindUnknown, All: true}},
		"the unknown and an update":  {[]written{{"x", -1, all}, {"update", 1, a}}, Event{Kind: KindUnknown, All: true}},
		"schema and everything else": {[]written{{"x", -1, all}, {"drop", -1, structural}, {"update", 1, a}}, Event{Kind: KindSchema, All: true}},
	} {
		var s Summary
		for i := range x.writes {
			w := &x.writes[i]
			before := slices.Clone(w.plan.Written)
			s.Add(&w.plan, w.verb, w.records)
			if !slices.Equal(before, w.plan.Written) {
				t.Errorf("%s: a plan was written to: %v", name, w.plan.Written)
			}
		}
		x.want.Tags = 7
		if got := s.Event(7); !reflect.DeepEqual(got, x.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, x.want)
		}
	}
}

// A statement in a transaction that commits by itself is told of by a copy. Copies share what they have in common and write into none of it.
func TestSummariesPart(t *testing.T) {
	var s Summary
	s.Add(&analysis.Plan{Written: []string{"m"}}, "insert", 0)
	s.Add(&analysis.Plan{Written: []string{"n"}}, "insert", 0)
	one, other := s, s
	one.Add(&analysis.Plan{Written: []string{"a"}}, "insert", 0)
	other.Add(&analysis.Plan{Written: []string{"z"}}, "insert", 0)
	for _, c := range []struct {
		s    *Summary
		want []string
	}{{&s, []string{"m", "n"}}, {&one, []string{"a", "m", "n"}}, {&other, []string{"m", "n", "z"}}} {
		if got := c.s.Event(0).Tables; !slices.Equal(got, c.want) {
			t.Errorf("got %v, want %v", got, c.want)
		}
	}
}

// noting is a Listener that notes what it is told, under its name.
type noting struct {
	name string
	log  *[]string
}

func (n noting) note(text string, state any) {
	*n.log = append(*n.log, fmt.Sprintf("%s %s %v", n.name, text, state))
}

func (n noting) WriteStarted(_ context.Context, e Event) any {
	n.note("started", e.Kind)
	return n.name + "'s"
}

func (n noting) WriteEnded(state any, o Outcome) { n.note("ended "+string(o), state) }

func (n noting) WriteReleased(state any) { n.note("released", state) }

func TestEventsTellAll(t *testing.T) {
	var ev Events
	var s Summary
	s.Add(&analysis.Plan{Written: []string{"a"}}, "insert", 0)
	nobody := ev.start(t.Context(), &s, 1)
	nobody.end(OutcomeCommitted)
	nobody.release()

	var log []string
	for _, name := range []string{"a", "b", "c"} {
		ev.Listen(noting{name, &log})
	}
	told := ev.start(t.Context(), &s, 1)
	told.end(OutcomeUnknown)
	told.release()
	want := []string{
		"a started insert", "b started insert", "c started insert",
		"a ended unknown a's", "b ended unknown b's", "c ended unknown c's",
		"a released a's", "b released b's", "c released c's",
	}
	if !slices.Equal(log, want) {
		t.Errorf("told %q, want %q", log, want)
	}
}
