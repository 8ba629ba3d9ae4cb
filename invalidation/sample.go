package invalidation

import "slices"

// inlineWords is how many tags a sample holds without allocating; almost
// every query depends on fewer.
const inlineWords = 6

// Sample is what the stamps of a reader's tags were before it looked
// anywhere. One sample decides the hit, the joining of a flight and the fill.
// The zero Sample is empty and not usable; take one with Stamps.Sample.
//
// The tags stand in two parts. Every result depends on the core. A result that
// is pinned to records depends on the rest only if it lacks one of them, since
// it is then the absence that was read.
type Sample struct {
	// Generation is that of the cache which takes the sample: a stamp that
	// every invalidation which walks through the entries changes, and on which
	// it has an intent meanwhile. A fill is stored and a flight joined at an
	// equal one only.
	Generation Word

	slots       []Slot
	inline      [inlineWords]Word
	more        []Word
	core        int
	pending     bool
	corePending bool
}

// Sample reads the stamps of slots, all of which are core. They must not
// change while the sample is in use; see Keep. The loads are not one atomic
// step and need not be: a write marks all its tags before it commits and bumps
// them after, so whichever tag is read late shows it.
func (s *Stamps) Sample(slots []Slot) Sample { return s.SampleCore(slots, len(slots)) }

// SampleCore is Sample of slots of which the first core are core.
func (s *Stamps) SampleCore(slots []Slot, core int) Sample {
	sm := Sample{slots: slots, core: core}
	if len(slots) > inlineWords {
		sm.more = make([]Word, len(slots)-inlineWords)
	}
	for i, n := range slots {
		w := s.Load(n)
		if w.Pending() {
			sm.pending = true
			sm.corePending = sm.corePending || i < core
		}
		if i < inlineWords {
			sm.inline[i] = w
		} else {
			sm.more[i-inlineWords] = w
		}
	}
	return sm
}

// Pending tells whether any tag had an intent pending: a result that depends
// on all of them must not be stored.
func (sm *Sample) Pending() bool { return sm.pending }

// CorePending tells whether a tag of the core had an intent pending: such a
// reader goes to the database and stores nothing.
func (sm *Sample) CorePending() bool { return sm.corePending }

// Pinned tells whether there are tags beyond the core.
func (sm *Sample) Pinned() bool { return sm.core < len(sm.slots) }

// Core is how many of the slots are core.
func (sm *Sample) Core() int { return sm.core }

// Slots are the places that were sampled.
func (sm *Sample) Slots() []Slot { return sm.slots }

// Keep is the sample with slots of its own, for one that outlives its reader.
// With narrow it is that of a result which depends on the core alone.
func (sm *Sample) Keep(narrow bool) Sample {
	kept := *sm
	if narrow && sm.Pinned() {
		// The words beyond the slots stay; nobody looks at them.
		kept.slots, kept.pending = sm.slots[:sm.core], sm.corePending
	}
	kept.slots = slices.Clone(kept.slots)
	return kept
}

// Equal tells whether both samples saw the same stamps of the same tags.
func (sm *Sample) Equal(other *Sample) bool {
	return len(sm.slots) == len(other.slots) && sm.core == other.core &&
		sm.Generation == other.Generation && sm.Holds(other)
}

// Holds tells whether what was made under sm is valid for a reader who sampled
// other: the tags of sm are those of other, or its core, at the same stamps.
func (sm *Sample) Holds(other *Sample) bool {
	n := len(sm.slots)
	if n != len(other.slots) && n != other.core {
		return false
	}
	for i := range min(n, inlineWords) {
		if sm.inline[i] != other.inline[i] || sm.slots[i] != other.slots[i] {
			return false
		}
	}
	for i := inlineWords; i < n; i++ {
		if sm.more[i-inlineWords] != other.more[i-inlineWords] || sm.slots[i] != other.slots[i] {
			return false
		}
	}
	return true
}

// Current tells whether every stamp is still what it was. It only saves the
// storing of entries that are dead already: an entry's validity is decided by
// the sample of the reader that finds it.
func (sm *Sample) Current(s *Stamps) bool {
	for i, n := range sm.slots {
		if s.Load(n) != sm.word(i) {
			return false
		}
	}
	return true
}

func (sm *Sample) word(i int) Word {
	if i < inlineWords {
		return sm.inline[i]
	}
	return sm.more[i-inlineWords]
}
