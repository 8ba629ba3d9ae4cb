package invalidation

import (
	"fmt"
	"sync"
	"testing"
)

func slotsOf(s *Stamps, names ...string) []Slot {
	tags := make([]Tag, len(names))
	for i, n := range names {
		tags[i] = Set("db", n)
	}
	return s.Slots(tags)
}

// TestStampsNeverRepeat: every intent, completion and bump gives a slot a
// stamp that it never had, in whatever order they come. If one came back:
//  1. A reader samples stamp 7 and reads the old rows.
//  2. A write intends, commits and completes.
//  3. The stamp is 7 again.
//  4. The reader stores; the entry is valid, and old.
func TestStampsNeverRepeat(t *testing.T) {
	const open = 3 // intents under way at once, at most
	var explore func(path []byte)
	explore = func(path []byte) {
		s := NewStamps(1)
		slots := []Slot{1}
		seen := map[Word]bool{s.Load(1) >> pendingBits: true}
		pending := 0
		for _, step := range path {
			switch step {
			case 'i':
				s.Intent(slots)
				pending++
			case 'c':
				s.Complete(slots)
				pending--
			case 'b':
				s.Bump(slots)
			}
			w := s.Load(1)
			if stamp := w >> pendingBits; seen[stamp] {
				t.Fatalf("%s: stamp %d came back", path, stamp)
			} else {
				seen[stamp] = true
			}
			if w.Pending() != (pending > 0) {
				t.Fatalf("%s: pending is %v with %d intents under way", path, w.Pending(), pending)
			}
			if got := int(w & pendingMask); got != pending {
				t.Fatalf("%s: %d intents counted, %d under way", path, got, pending)
			}
		}
		if len(path) == 9 {
			return
		}
		if pending < open {
			explore(append(path[:len(path):len(path)], 'i'))
		}
		if pending > 0 {
			explore(append(path[:len(path):len(path)], 'c'))
		}
		explore(append(path[:len(path):len(path)], 'b'))
	}
	explore(nil)
}

// TestIntentTouchesOnlyItsSlots: each slot once, neighbours not at all.
func TestIntentTouchesOnlyItsSlots(t *testing.T) {
	s := NewStamps(8)
	mine := []Slot{0, 17, 255}
	changed := func(before []Word) (n int) {
		for i, w := range before {
			if s.Load(Slot(i)) != w {
				n++
			}
		}
		return n
	}
	all := func() []Word {
		words := make([]Word, 256)
		for i := range words {
			words[i] = s.Load(Slot(i))
		}
		return words
	}
	for _, step := range []struct {
		name    string
		do      func([]Slot)
		pending bool
	}{{"intent", s.Intent, true}, {"complete", s.Complete, false}, {"bump", s.Bump, false}} {
		before := all()
		step.do(mine)
		if n := changed(before); n != len(mine) {
			t.Errorf("%s changed %d words, want %d", step.name, n, len(mine))
		}
		for i := range before {
			isMine := i == 0 || i == 17 || i == 255
			if got := s.Load(Slot(i)).Pending(); got != (isMine && step.pending) {
				t.Errorf("%s: slot %d pending is %v", step.name, i, got)
			}
			if moved := s.Load(Slot(i)) != before[i]; moved != isMine {
				t.Errorf("%s: slot %d moved is %v", step.name, i, moved)
			}
		}
	}
}

// TestSharedSlotCostsOnlyMisses: two tags in one word. A write to one kills
// entries of the other, and one writer's completion leaves the other's mark.
//  1. W1 intends on a, W2 on b; both are word 1.
//  2. W1 completes.
//  3. W2 has not committed: a reader of b must still see the mark.
func TestSharedSlotCostsOnlyMisses(t *testing.T) {
	s := NewStamps(1)
	names := map[Slot][]string{}
	for i := range 16 {
		n := fmt.Sprint("t", i)
		slot := s.Slot(Set("db", n))
		names[slot] = append(names[slot], n)
	}
	var a, b []Slot
	for _, same := range names {
		if len(same) > 1 {
			a, b = slotsOf(s, same[0]), slotsOf(s, same[1])
		}
	}
	if len(a) != 1 || len(b) != 1 || a[0] != b[0] {
		t.Fatalf("no two of 16 tags share one of 2 words: %v", names)
	}
	before := s.Sample(b)
	s.Intent(a)
	s.Intent(b)
	s.Complete(a)
	if sm := s.Sample(b); !sm.Pending() {
		t.Error("the mark of one writer went with the other's completion")
	}
	s.Complete(b)
	after := s.Sample(b)
	if after.Pending() {
		t.Error("both writers are done, the word is still pending")
	}
	if after.Equal(&before) || before.Current(s) {
		t.Error("the sample from before the writes is still good")
	}
}

// TestSlotsOnceEach: a write whose tags share a word marks it once, or one
// completion by slots without doubles would leave a mark for good.
func TestSlotsOnceEach(t *testing.T) {
	s := NewStamps(1)
	slots := slotsOf(s, "a", "b", "c", "d", "e", "f", "a")
	if len(slots) > 2 {
		t.Fatalf("%d slots of a table of 2 words", len(slots))
	}
	seen := map[Slot]bool{}
	for _, n := range slots {
		if seen[n] {
			t.Errorf("slot %d twice", n)
		}
		seen[n] = true
	}
	if got := s.Slots(nil); len(got) != 0 {
		t.Errorf("no tags gave %v", got)
	}
}

// TestBitsAreClamped: sizes that cannot be are brought into range.
func TestBitsAreClamped(t *testing.T) {
	for bits, words := range map[int]int{-3: 2, 0: 2, 1: 2, 4: 16, 10: 1024} {
		s := NewStamps(bits)
		if len(s.words) != words || s.mask != uint64(words-1) {
			t.Errorf("NewStamps(%d) has %d words and mask %x, want %d", bits, len(s.words), s.mask, words)
		}
	}
}

// TestSharedIsOne: every plugin of the process uses the same table.
func TestSharedIsOne(t *testing.T) {
	first, again := Shared(), Shared()
	if first != again || len(first.words) != 1<<DefaultBits {
		t.Error("Shared is not one table of 2^DefaultBits words")
	}
}

// TestConcurrentWriters: intents and completions from many goroutines on
// overlapping slots. Nothing is lost: a writer sees its mark until it takes it
// away, no watcher sees a stamp go back, and in the end each word
// has moved by two for each write and is not pending.
func TestConcurrentWriters(t *testing.T) {
	const writers, rounds, words = 8, 2000, 4
	s := NewStamps(2)
	var writing, watching sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		watching.Go(func() {
			var last [words]Word
			for {
				for i := range last {
					stamp := s.Load(Slot(i)) >> pendingBits
					if stamp < last[i] {
						t.Errorf("slot %d went from stamp %d back to %d", i, last[i], stamp)
						return
					}
					last[i] = stamp
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range writers {
		slots := []Slot{Slot(i % words), Slot((i + 1) % words)}
		writing.Go(func() {
			for range rounds {
				before := s.Sample(slots)
				var in Intent
				in.Place(s, slots)
				during := s.Sample(slots)
				if !during.Pending() || during.Equal(&before) || before.Current(s) {
					t.Error("a writer does not see its own intent")
					return
				}
				in.Complete()
				after := s.Sample(slots)
				if after.Equal(&during) || after.Equal(&before) {
					t.Error("a completion left the stamps as they were")
					return
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	watching.Wait()
	for i := range words {
		// Each slot is used by writers i and i-1, modulo words.
		want := Word(2 * rounds * writers * 2 / words)
		if w := s.Load(Slot(i)); w.Pending() || w>>pendingBits != want {
			t.Errorf("slot %d: stamp %d pending %v, want %d and false", i, w>>pendingBits, w.Pending(), want)
		}
	}
}
