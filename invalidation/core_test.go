package invalidation

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// eachCore calls f for samples of one to nine tags, around what a sample holds
// inline, with the end of the core at every place.
func eachCore(t *testing.T, f func(t *testing.T, n, core int)) {
	for n := 1; n <= inlineWords+3; n++ {
		for core := 0; core <= n; core++ {
			t.Run(fmt.Sprintf("%d of %d", core, n), func(t *testing.T) { f(t, n, core) })
		}
	}
}

// filled is a table in which each of the first slots has a stamp of its own.
func filled(n int) *Stamps {
	s := NewStamps(8)
	for i := range n {
		for range i + 1 {
			s.Bump([]Slot{Slot(i)})
		}
	}
	return s
}

// TestNarrowIsASampleOfTheCore: keeping a sample narrow gives what sampling
// the core alone would have given; keeping it whole changes nothing.
func TestNarrowIsASampleOfTheCore(t *testing.T) {
	eachCore(t, func(t *testing.T, n, core int) {
		for marked := -1; marked < n; marked++ {
			s := filled(n)
			if marked >= 0 {
				s.Intent([]Slot{Slot(marked)})
			}
			whole, alone := s.SampleCore(firstSlots(n), core), s.Sample(firstSlots(core))
			whole.Generation, alone.Generation = 7, 7
			if whole.Pinned() != (core < n) || whole.Core() != core || alone.Pinned() {
				t.Fatalf("pinned %v, core %d", whole.Pinned(), whole.Core())
			}
			if whole.Pending() != (marked >= 0) || whole.CorePending() != (marked >= 0 && marked < core) {
				t.Errorf("tag %d marked: pending %v, core %v", marked, whole.Pending(), whole.CorePending())
			}
			narrow, kept := whole.Keep(true), whole.Keep(false)
			if !narrow.Equal(&alone) || narrow.Pinned() || narrow.Pending() != alone.Pending() || narrow.CorePending() != alone.Pending() {
				t.Errorf("tag %d marked: narrow is %+v, a sample of the core %+v", marked, narrow, alone)
			}
			if !reflect.DeepEqual(kept, whole) || !kept.Equal(&whole) {
				t.Errorf("tag %d marked: kept is %+v, the sample %+v", marked, kept, whole)
			}
			if twice := narrow.Keep(true); !reflect.DeepEqual(twice, narrow) {
				t.Errorf("narrow twice is %+v, once %+v", twice, narrow)
			}
			for i := range core {
				if narrow.word(i) != s.Load(Slot(i)) {
					t.Errorf("word %d is %d", i, narrow.word(i))
				}
			}
		}
	})
}

// TestMarksOfBothParts: a mark on the core counts, whatever is marked after it.
func TestMarksOfBothParts(t *testing.T) {
	eachCore(t, func(t *testing.T, n, core int) {
		for i := range n {
			for j := range i {
				s := filled(n)
				s.Intent([]Slot{Slot(i), Slot(j)})
				sm := s.SampleCore(firstSlots(n), core)
				if !sm.Pending() || sm.CorePending() != (j < core) {
					t.Errorf("tags %d and %d marked: pending %v, core %v", j, i, sm.Pending(), sm.CorePending())
				}
			}
		}
	})
}

// TestHolds: what is narrow holds while its core is what it was, what is whole
// while all is, whichever tag changes and in whatever way.
func TestHolds(t *testing.T) {
	eachCore(t, func(t *testing.T, n, core int) {
		for i := range n {
			at := []Slot{Slot(i)}
			for name, change := range map[string]func(*Stamps){
				"intent":   func(s *Stamps) { s.Intent(at) },
				"write":    func(s *Stamps) { s.Intent(at); s.Complete(at) },
				"complete": func(s *Stamps) { s.Complete(at) },
				"bump":     func(s *Stamps) { s.Bump(at) },
			} {
				s := filled(n)
				if name == "complete" {
					s.Intent(at)
				}
				before := s.SampleCore(firstSlots(n), core)
				narrow, whole := before.Keep(true), before.Keep(false)
				if !narrow.Holds(&before) || !whole.Holds(&before) || !narrow.Current(s) || !whole.Current(s) {
					t.Fatal("nothing happened, yet it does not hold")
				}
				change(s)
				after := s.SampleCore(firstSlots(n), core)
				lives := i >= core
				if narrow.Holds(&after) != lives || narrow.Current(s) != lives {
					t.Errorf("%s of tag %d: narrow holds %v, is current %v, want %v", name, i, narrow.Holds(&after), narrow.Current(s), lives)
				}
				if whole.Holds(&after) || whole.Current(s) || whole.Equal(&after) {
					t.Errorf("%s of tag %d: the whole still holds", name, i)
				}
				if core < n && whole.Holds(&narrow) {
					t.Error("the whole holds for a reader of the core alone")
				}
			}
		}
	})
}

// TestHoldsComparesSlots: all stamps are 0, so that only the places tell two
// samples apart; a narrow one compares those of its core.
func TestHoldsComparesSlots(t *testing.T) {
	eachCore(t, func(t *testing.T, n, core int) {
		s := NewStamps(8)
		sm := s.SampleCore(firstSlots(n), core)
		narrow, whole := sm.Keep(true), sm.Keep(false)
		for i := range n {
			slots := firstSlots(n)
			slots[i] = 200
			other := s.SampleCore(slots, core)
			if whole.Holds(&other) || narrow.Holds(&other) != (i >= core) {
				t.Errorf("tag %d is another: whole holds %v, narrow %v", i, whole.Holds(&other), narrow.Holds(&other))
			}
		}
		longer, shorter := s.SampleCore(firstSlots(n+1), core), s.Sample(firstSlots(n-1))
		if whole.Holds(&longer) != (core == n) || whole.Holds(&shorter) { // of n tags, all may be another's core
			t.Errorf("for one tag more it holds %v, for one less %v", whole.Holds(&longer), whole.Holds(&shorter))
		}
	})
}

// TestEqualComparesAll: a flight is shared under one core and one generation.
func TestEqualComparesAll(t *testing.T) {
	eachCore(t, func(t *testing.T, n, core int) {
		s := filled(n)
		sm := s.SampleCore(firstSlots(n), core)
		for other := range n + 1 {
			again := s.SampleCore(firstSlots(n), other)
			if sm.Equal(&again) != (other == core) {
				t.Errorf("a core of %d and one of %d: equal is %v", core, other, sm.Equal(&again))
			}
		}
		again := s.SampleCore(firstSlots(n), core)
		again.Generation++
		if sm.Equal(&again) || again.Equal(&sm) {
			t.Error("equal in two generations")
		}
		if !sm.Holds(&again) || !again.Holds(&sm) {
			t.Error("an entry dies with its generation")
		}
	})
}

// TestKeepHasSlotsOfItsOwn: readers put their slots into a buffer that the next
// one uses again.
func TestKeepHasSlotsOfItsOwn(t *testing.T) {
	eachCore(t, func(t *testing.T, n, core int) {
		s := filled(n)
		buf := firstSlots(n)
		sm := s.SampleCore(buf, core)
		narrow, whole := sm.Keep(true), sm.Keep(false)
		for i := range buf {
			buf[i] = 99
		}
		if !slices.Equal(narrow.Slots(), firstSlots(core)) || !slices.Equal(whole.Slots(), firstSlots(n)) {
			t.Errorf("the next reader changed what was kept: %v and %v", narrow.Slots(), whole.Slots())
		}
		if !narrow.Current(s) || !whole.Current(s) {
			t.Error("what was kept is not current any more")
		}
		if next := s.SampleCore(buf, core); next.Holds(&whole) || whole.Holds(&next) {
			t.Error("the next reader's tags pass for those kept")
		}
	})
}

// TestPinnedReadsDoNotAllocate: nor do those of as many tags as fit.
func TestPinnedReadsDoNotAllocate(t *testing.T) {
	for n := 1; n <= inlineWords; n++ {
		s, slots := filled(n), firstSlots(n)
		first := s.SampleCore(slots, n-1)
		entry := first.Keep(true)
		if got := testing.AllocsPerRun(100, func() {
			sm := s.SampleCore(slots, n-1)
			if !entry.Holds(&sm) || sm.CorePending() {
				t.Error("it does not hold")
			}
		}); got != 0 {
			t.Errorf("%d tags: %v allocations", n, got)
		}
	}
}
