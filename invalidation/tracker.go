package invalidation

import "sync"

// scanned is up to how many slots are looked through one by one; more are kept
// in a map beside.
const scanned = 16

// Tracker gathers what one transaction has written, until its commit. It is
// safe for concurrent use. Rolled-back savepoints leave their tags in: the
// set may be too large, never too small.
type Tracker struct {
	mu    sync.Mutex
	slots []Slot
	seen  map[Slot]bool // nil while there are few
}

// Add notes slots as written; call it before the statement is sent.
func (t *Tracker) Add(slots []Slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range slots {
		t.add(n)
	}
}

func (t *Tracker) add(n Slot) {
	if t.seen == nil {
		if t.slots = appendSlot(t.slots, n); len(t.slots) <= scanned {
			return
		}
		t.seen = make(map[Slot]bool, 4*scanned)
		for _, have := range t.slots {
			t.seen[have] = true
		}
		return
	}
	if !t.seen[n] {
		t.seen[n] = true
		t.slots = append(t.slots, n)
	}
}

// Len is how many slots there are.
func (t *Tracker) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.slots)
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
