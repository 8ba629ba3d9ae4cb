package invalidation

// inlineWords is how many tags a sample holds without allocating; almost
// every query depends on fewer.
const inlineWords = 6

// Sample is what the stamps of a reader's tags were before it looked
// anywhere. One sample decides the hit, the joining of a flight and the fill.
// The zero Sample is empty and not usable; take one with Stamps.Sample.
type Sample struct {
	slots   []Slot
	inline  [inlineWords]Word
	more    []Word
	pending bool
}

// Sample reads the stamps of slots, which must not change afterwards. The
// loads are not one atomic step and need not be: a write marks all its tags
// before it commits and bumps them after, so whichever tag is read late shows
// it.
func (s *Stamps) Sample(slots []Slot) Sample {
	sm := Sample{slots: slots}
	if len(slots) > inlineWords {
		sm.more = make([]Word, len(slots)-inlineWords)
	}
	for i, n := range slots {
		w := s.Load(n)
		sm.pending = sm.pending || w.Pending()
		if i < inlineWords {
			sm.inline[i] = w
		} else {
			sm.more[i-inlineWords] = w
		}
	}
	return sm
}

// Pending tells whether any tag had an intent pending: such a reader goes to
// the database and stores nothing.
func (sm *Sample) Pending() bool { return sm.pending }

// Slots are the places that were sampled.
func (sm *Sample) Slots() []Slot { return sm.slots }

// Equal tells whether both samples saw the same stamps of the same tags.
func (sm *Sample) Equal(other *Sample) bool {
	if len(sm.slots) != len(other.slots) || sm.inline != other.inline {
		return false
	}
	for i := range sm.slots {
		if sm.slots[i] != other.slots[i] {
			return false
		}
	}
	for i := range sm.more {
		if sm.more[i] != other.more[i] {
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
