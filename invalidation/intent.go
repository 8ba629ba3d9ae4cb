package invalidation

import "sync/atomic"

// Intent is one write's mark on the slots it touches. The zero Intent marks
// nothing and may be completed.
type Intent struct {
	stamps *Stamps
	slots  []Slot
	done   atomic.Bool
}

// Place puts the intent of a write on slots, which must not change
// afterwards. It must happen before the write can become visible. An Intent
// must not be copied once placed and must be placed once only.
func (in *Intent) Place(s *Stamps, slots []Slot) {
	in.stamps, in.slots = s, slots
	s.Intent(slots)
}

// Complete ends the intent; the first call counts. It must happen after the
// write's outcome is settled and before its caller is told.
func (in *Intent) Complete() {
	if in.stamps != nil && in.done.CompareAndSwap(false, true) {
		in.stamps.Complete(in.slots)
	}
}
