package invalidation

import (
	"slices"
	"sync"
	"testing"
)

// TestIntentCompletesOnce: a deferred completion may follow one that was
// made already, or race with one. A second one would take away the mark
// of another writer:
//  1. W1 and W2 intend on a.
//  2. W1 completes twice.
//  3. W2 commits: the word shows no mark, and a reader stores the old row.
func TestIntentCompletesOnce(t *testing.T) {
	s := NewStamps(4)
	slots := []Slot{3}
	var w1, w2 Intent
	w1.Place(s, slots)
	w2.Place(s, slots)
	w1.Complete()
	once := s.Load(3)
	w1.Complete()
	if s.Load(3) != once {
		t.Error("a second completion changed the word")
	}
	if !s.Load(3).Pending() {
		t.Error("the other writer's mark is gone")
	}
	var racing sync.WaitGroup
	for range 8 {
		racing.Go(w2.Complete)
	}
	racing.Wait()
	if w := s.Load(3); w.Pending() || w>>pendingBits != 4 {
		t.Errorf("stamp %d, pending %v after two intents completed; want 4, false", w>>pendingBits, w.Pending())
	}
}

// TestZeroIntent: it marks nothing, and completing it does nothing.
func TestZeroIntent(t *testing.T) {
	var zero Intent
	zero.Complete()
	zero.Complete()

	s := NewStamps(4)
	var nothing Intent
	nothing.Place(s, nil)
	nothing.Complete()
	for i := range Slot(16) {
		if s.Load(i) != 0 {
			t.Errorf("slot %d moved", i)
		}
	}
}

// TestIntentIsPendingBetween: both ends are where invariant 2 says.
func TestIntentIsPendingBetween(t *testing.T) {
	s := NewStamps(4)
	slots := []Slot{1, 2, 3}
	var in Intent
	for _, step := range []struct {
		do      func()
		pending bool
	}{
		{func() {}, false},
		{func() { in.Place(s, slots) }, true},
		{in.Complete, false},
	} {
		step.do()
		for _, n := range slots {
			if s.Load(n).Pending() != step.pending {
				t.Errorf("slot %d pending is %v, want %v", n, !step.pending, step.pending)
			}
		}
	}
}

// TestTracker: a superset of what was written, each slot once, and a copy
// that later writes leave alone.
func TestTracker(t *testing.T) {
	var tr Tracker
	if tr.Slots() != nil || tr.Len() != 0 {
		t.Error("nothing was written, Slots is not nil")
	}
	tr.Add(nil)
	if tr.Slots() != nil {
		t.Error("a write of nothing was noted")
	}
	tr.Add([]Slot{5, 1})
	early := tr.Slots()
	tr.Add([]Slot{1, 7, 7})
	late := tr.Slots()
	if !slices.Equal(early, []Slot{5, 1}) || !slices.Equal(late, []Slot{5, 1, 7}) {
		t.Errorf("got %v, then %v", early, late)
	}
	late[0] = 99
	if !slices.Equal(tr.Slots(), []Slot{5, 1, 7}) {
		t.Error("the caller wrote into the tracker's own slice")
	}
}

// TestTrackerOfMany: the same, for more slots than are looked through one by
// one, added in runs of every length, with doubles before and after the map
// is made.
func TestTrackerOfMany(t *testing.T) {
	for _, n := range []int{1, 2, scanned - 1, scanned, scanned + 1, scanned + 2, 5 * scanned} {
		for run := 1; run <= n; run++ {
			var tr Tracker
			var want []Slot
			for i := 0; i < n; i += run {
				var some []Slot
				for j := i; j < min(i+run, n); j++ {
					some = append(some, Slot(3*j))
				}
				want = append(want, some...)
				tr.Add(some)
				tr.Add([]Slot{0, some[0], some[len(some)-1]})
				tr.Add(some)
				if got := tr.Slots(); !slices.Equal(got, want) {
					t.Fatalf("%d in runs of %d: %v, want %v", n, run, got, want)
				}
				if tr.Len() != len(want) {
					t.Fatalf("%d in runs of %d: Len is %d, want %d", n, run, tr.Len(), len(want))
				}
			}
			if made := tr.seen != nil; made != (n > scanned) {
				t.Errorf("%d slots: a map is made: %v", n, made)
			}
			got := tr.Slots()
			got[0] = 99
			if !slices.Equal(tr.Slots(), want) {
				t.Error("the caller wrote into the tracker's own slice")
			}
		}
	}
}

// TestTrackerConcurrent: two statements of one transaction at once.
func TestTrackerConcurrent(t *testing.T) {
	var tr Tracker
	var wg sync.WaitGroup
	for i := range Slot(8) {
		wg.Go(func() {
			for j := range Slot(50) {
				tr.Add([]Slot{i, 100 + j})
				if len(tr.Slots()) == 0 {
					t.Error("what was added is not there")
				}
			}
		})
	}
	wg.Wait()
	if got := len(tr.Slots()); got != 58 {
		t.Errorf("%d slots, want 58", got)
	}
}
