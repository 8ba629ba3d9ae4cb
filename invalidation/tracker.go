package invalidation

import "sync"

// Tracker gathers what one transaction has written, until its commit. It is
// safe for concurrent use. Rolled-back savepoints leave their tags in: the
// set may be too large, never too small.
type Tracker struct {
	mu    sync.Mutex
	slots []Slot
}

// Add notes slots as written; call it before the statement is sent.
func (t *Tracker) Add(slots []Slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range slots {
		t.slots = appendSlot(t.slots, n)
	}
}

// Slots is a copy of what has been written so far; nil if nothing.
func (t *Tracker) Slots() []Slot {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.slots) == 0 {
		return nil
	}
	return append([]Slot(nil), t.slots...)
}
