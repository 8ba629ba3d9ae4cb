package invalidation

import (
	"fmt"
	"testing"
)

// sizes covers samples that fit inline, fill it exactly and spill over.
var sizes = []int{0, 1, 2, inlineWords - 1, inlineWords, inlineWords + 1, 3 * inlineWords}

func firstSlots(n int) []Slot {
	slots := make([]Slot, n)
	for i := range slots {
		slots[i] = Slot(i)
	}
	return slots
}

// TestSampleSeesEachSlot: a change of any one slot, wherever in the sample it
// stands, makes the sample unequal and no longer current, and a mark on any
// one makes it pending.
func TestSampleSeesEachSlot(t *testing.T) {
	for _, n := range sizes {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			slots := firstSlots(n)
			for i := range n {
				s := NewStamps(8)
				before := s.Sample(slots)
				again := s.Sample(firstSlots(n))
				if !before.Equal(&again) || !before.Current(s) || before.Pending() {
					t.Fatal("nothing happened, yet the samples differ")
				}
				s.Intent(slots[i : i+1])
				during := s.Sample(slots)
				if !during.Pending() {
					t.Errorf("a mark on slot %d of %d is not seen", i, n)
				}
				if during.Equal(&before) || before.Equal(&during) || before.Current(s) {
					t.Errorf("an intent on slot %d of %d left the sample good", i, n)
				}
				s.Complete(slots[i : i+1])
				after := s.Sample(slots)
				if after.Pending() || after.Equal(&during) || after.Equal(&before) || before.Current(s) || during.Current(s) {
					t.Errorf("a completion on slot %d of %d left an old sample good", i, n)
				}
				if !during.Pending() {
					t.Error("a sample changed after it was taken")
				}
			}
		})
	}
}

// TestSampleEqualComparesSlots: two queries of other tables whose stamps
// happen to be the same number are not equal.
//  1. Nothing was ever written: every stamp is 0.
//  2. Text T means table a under one catalog and table b under the next.
//  3. The entry of the old plan must not be served to the new one.
func TestSampleEqualComparesSlots(t *testing.T) {
	s := NewStamps(8)
	for _, n := range sizes {
		a := s.Sample(firstSlots(n))
		longer := s.Sample(firstSlots(n + 1))
		if a.Equal(&longer) || longer.Equal(&a) {
			t.Errorf("%d slots equal %d", n, n+1)
		}
		for i := range n {
			other := firstSlots(n)
			other[i] = 200
			b := s.Sample(other)
			if a.Equal(&b) || b.Equal(&a) {
				t.Errorf("slot %d of %d is another, the samples are equal", i, n)
			}
		}
		if got := a.Slots(); len(got) != n {
			t.Errorf("Slots gave %v", got)
		}
	}
}

// TestSampleIgnoresOthers: writes to tags that a query does not read leave
// its sample as it was.
func TestSampleIgnoresOthers(t *testing.T) {
	s := NewStamps(8)
	for _, n := range sizes {
		before := s.Sample(firstSlots(n))
		s.Intent([]Slot{100})
		during := s.Sample(firstSlots(n))
		if !before.Equal(&during) || during.Pending() || !before.Current(s) {
			t.Errorf("%d slots: a foreign intent is seen", n)
		}
		s.Complete([]Slot{100})
		s.Bump([]Slot{101})
		if !before.Current(s) {
			t.Errorf("%d slots: foreign writes are seen", n)
		}
	}
}

// TestBumpKillsLateFills:
//  1. A reader samples and reads the database.
//  2. The user invalidates the tag by hand.
//  3. The reader stores: the sample is no longer current.
//  4. The next reader samples: it does not equal the entry's.
func TestBumpKillsLateFills(t *testing.T) {
	s := NewStamps(8)
	slots := slotsOf(s, "a", "b")
	filling := s.Sample(slots)
	s.Bump(slots[1:])
	next := s.Sample(slots)
	if filling.Current(s) || next.Equal(&filling) {
		t.Error("the fill survives the invalidation")
	}
	if next.Pending() {
		t.Error("an invalidation by hand left a mark")
	}
}

// TestNothingAllocates: the paths of a read and of a write, up to six tags.
func TestNothingAllocates(t *testing.T) {
	s := NewStamps(8)
	tags := [2]Tag{Set("db", "users"), Database("db")}
	for n := 1; n <= inlineWords; n++ {
		slots := firstSlots(n)
		entry := s.Sample(slots)
		for what, f := range map[string]func(){
			"Intent and Complete": func() { s.Intent(slots); s.Complete(slots) },
			"an Intent":           func() { var in Intent; in.Place(s, slots); in.Complete() },
			"Bump":                func() { s.Bump(slots) },
			"Sample": func() {
				sm := s.Sample(slots)
				if sm.Equal(&entry) && sm.Current(s) && sm.Pending() {
					t.Error("pending without an intent")
				}
			},
			"Slot": func() { _ = s.Slot(tags[0]) + s.Slot(tags[1]) },
		} {
			if got := testing.AllocsPerRun(100, f); got != 0 {
				t.Errorf("%s of %d tags allocates %v times", what, n, got)
			}
		}
	}
}
