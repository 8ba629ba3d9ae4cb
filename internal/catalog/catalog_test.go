package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestUnknown(t *testing.T) {
	broken := errors.New("no route")
	c := Unknown(broken)
	if c.Known() || c.Identity() != "" || !errors.Is(c.Err(), broken) {
		t.Error("an unknown catalog pretends to know")
	}
	wantRefused(t, c, "users", "no route")
	wantAll(t, c, "users", "no route")
	if got, all := c.Writes([]string{"Users", "x"}); !all || !slices.Equal(got, []string{"users", "x"}) {
		t.Errorf("Writes = %v, %v", got, all)
	}
	d := c.Declare(map[string][]string{` "public"."Users" `: {"[dbo].[Orders]", ""}, "": {"lost"}})
	wantReads(t, d, "users", "users")
	wantReads(t, d, "ORDERS", "orders")
	wantReads(t, d, "lost", "lost")
	wantRefused(t, d, "other", "no route")
	wantAll(t, d, "users", "no route")
	if d.Known() {
		t.Error("a declaration does not make a catalog known")
	}
	wantRefused(t, c, "users", "no route") // the copy left the original alone
	if !errors.Is(Unknown(nil).Err(), ErrUnknown) {
		t.Error("a nil reason is no reason")
	}
}

func TestDeclareLeavesTheOriginalAlone(t *testing.T) {
	f := newFacts()
	f.table("a")
	f.table("b")
	f.act("a", "b")
	c := f.catalog()
	d := c.Declare(map[string][]string{"b": {"report"}, "report": {"a"}})
	wantWrites(t, c, "a", "a", "b")
	wantWrites(t, c, "b", "b")
	wantRefused(t, c, "report", "not a known table")
	wantWrites(t, d, "a", "a", "b", "report")
	wantReads(t, d, "report", "report")
	if got := d.Tables(); !slices.Equal(got, []string{"a", "b", "report"}) {
		t.Errorf("Tables = %v", got)
	}
}

func TestNoTables(t *testing.T) {
	c := newFacts().catalog()
	if got, reason := c.Reads(nil); got != nil || reason != "" {
		t.Errorf("Reads(nil) = %v, %q", got, reason)
	}
	if got, all := c.Writes(nil); got != nil || all {
		t.Errorf("Writes(nil) = %v, %v", got, all)
	}
	if got, all := c.Writes([]string{"x", "X", "x"}); !slices.Equal(got, []string{"x"}) || all {
		t.Errorf("Writes of an unknown name = %v, %v", got, all)
	}
}

// A graph as deep as this must neither overflow nor take long; one with
// cycles must end.
func TestLongChainsAndCycles(t *testing.T) {
	f := newFacts()
	const n = 50_000
	for i := range n {
		f.table(fmt.Sprint("t", i))
		f.act(fmt.Sprint("t", i), fmt.Sprint("t", (i+1)%n))
		f.madeOf(fmt.Sprint("v", i), fmt.Sprint("v", (i+1)%n))
		f.view(fmt.Sprint("v", i))
	}
	c := f.catalog()
	if got, _ := c.Writes([]string{"t7"}); len(got) != n {
		t.Errorf("%d of %d reached", len(got), n)
	}
	if got, reason := c.Reads([]string{"v7"}); len(got) != n || reason != "" {
		t.Errorf("%d of %d read, %q", len(got), n, reason)
	}
}

// The closures against their definition, on random graphs: a set that holds
// the name is closed under the edges, and holds nothing that no path reaches.
func TestClosuresAgainstDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := []string{"a", "b", "c", "d", "e", "f"}
		name := rapid.SampledFrom(names)
		f := newFacts()
		for _, n := range names {
			f.table(n)
		}
		acts, down := map[[2]string]bool{}, map[[2]string]bool{}
		for range rapid.IntRange(0, 8).Draw(t, "acts") {
			e := [2]string{name.Draw(t, "from"), name.Draw(t, "to")}
			acts[e] = true
			f.act(e[0], e[1])
		}
		for range rapid.IntRange(0, 5).Draw(t, "children") {
			e := [2]string{name.Draw(t, "parent"), name.Draw(t, "child")}
			down[e] = true
			f.child(e[0], e[1])
		}
		c := f.catalog()
		for _, n := range names {
			// what a write to n changes: least fixed point over (name, entered)
			entered, climbed := map[string]bool{n: true}, map[string]bool{}
			for grown := true; grown; {
				grown = false
				mark := func(set map[string]bool, x string) {
					if !set[x] {
						set[x], grown = true, true
					}
				}
				for e := range acts {
					if entered[e[0]] || climbed[e[0]] {
						mark(entered, e[1])
					}
				}
				for e := range down {
					if entered[e[0]] {
						mark(entered, e[1])
					}
					if entered[e[1]] || climbed[e[1]] {
						mark(climbed, e[0])
					}
				}
			}
			var want []string
			for _, x := range names {
				if entered[x] || climbed[x] {
					want = append(want, x)
				}
			}
			if got, _ := c.Writes([]string{n}); !slices.Equal(got, want) {
				t.Fatalf("Writes(%s) = %v, want %v", n, got, want)
			}
			reads, _ := c.Reads([]string{n})
			for e := range down {
				if slices.Contains(reads, e[0]) && !slices.Contains(reads, e[1]) {
					t.Fatalf("Reads(%s) = %v lacks the child %s", n, reads, e[1])
				}
			}
			// Invariant 2: whoever writes a part is seen by readers of the whole.
			for _, r := range reads {
				got, _ := c.Writes([]string{r})
				if !slices.ContainsFunc(got, func(w string) bool { return slices.Contains(reads, w) }) {
					t.Fatalf("a write to %s is not seen by Reads(%s)", r, n)
				}
			}
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	f := newFacts()
	for i := range 50 {
		f.table(fmt.Sprint("t", i))
		f.act(fmt.Sprint("t", i), fmt.Sprint("t", (i*7+1)%50))
	}
	c := f.catalog()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				name := fmt.Sprint("T", (i+g)%60)
				names, _ := c.Writes([]string{name, "t1"})
				if !slices.Contains(names, strings.ToLower(name)) || !slices.IsSorted(names) {
					t.Errorf("Writes(%s) = %v", name, names)
					return
				}
				_ = append(names, "clobber")
				c.Reads([]string{name})
				if i%100 == 0 {
					c.Declare(map[string][]string{name: {"t2"}}).Writes([]string{name})
				}
			}
		})
	}
	wg.Wait()
}

func TestLookupsDoNotAllocate(t *testing.T) {
	f := newFacts()
	f.table("orders")
	f.act("orders", "lines")
	c := f.catalog()
	tables := []string{"orders"}
	c.Reads(tables)
	c.Writes(tables)
	if n := testing.AllocsPerRun(100, func() {
		c.Reads(tables)
		c.Writes(tables)
	}); n > 0 {
		t.Errorf("%v allocations for a known table", n)
	}
}
