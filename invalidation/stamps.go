package invalidation

import (
	"sync"
	"sync/atomic"

	"github.com/gorm-querycache/querycache/internal/stampbits"
)

const (
	// pendingBits counts intents under way on one word: 2^20 at once.
	pendingBits = 20
	pendingMask = 1<<pendingBits - 1
	stampUnit   = 1 << pendingBits

	// DefaultBits sizes the shared table: 2^20 words, 8 MiB of address space
	// of which only touched pages take memory.
	DefaultBits = 20
)

// Slot is the place of a tag in a table of stamps.
type Slot uint32

// Word is a stamp (high 44 bits) with the number of intents pending on it
// (low 20 bits). A stamp changed a thousand times a second lasts 500 years.
type Word uint64

// Pending tells whether a write has placed an intent that is not completed.
func (w Word) Pending() bool { return w&pendingMask != 0 }

// Stamps is a fixed table of stamps into which tags are hashed. It is safe
// for concurrent use; no method blocks or allocates.
type Stamps struct {
	words []atomic.Uint64
	mask  uint64
	times atomic.Pointer[times]
}

// NewStamps makes a table of 2^bits words. Bits below 1 and above 30 are
// brought into that range.
func NewStamps(bits int) *Stamps {
	bits = min(max(bits, 1), 30)
	return &Stamps{words: make([]atomic.Uint64, 1<<bits), mask: 1<<bits - 1}
}

var shared = sync.OnceValue(func() *Stamps { return NewStamps(DefaultBits + stampbits.More) })

// Shared is the table of this process. All plugins use it, so that two of
// them on one database keep each other fresh.
func Shared() *Stamps { return shared() }

// Slot finds the place of a tag.
func (s *Stamps) Slot(t Tag) Slot { return Slot(t.hash() & s.mask) }

// Slots finds the places of tags, each once.
func (s *Stamps) Slots(tags []Tag) []Slot {
	slots := make([]Slot, 0, len(tags))
	for _, t := range tags {
		slots = appendSlot(slots, s.Slot(t))
	}
	return slots
}

func appendSlot(slots []Slot, n Slot) []Slot {
	for _, have := range slots {
		if have == n {
			return slots
		}
	}
	return append(slots, n)
}

// Load reads one word.
func (s *Stamps) Load(n Slot) Word { return Word(s.words[n].Load()) }

// Intent marks the slots pending and bumps their stamps, each in one atomic
// step. It must be followed by exactly one Complete of the same slots.
func (s *Stamps) Intent(slots []Slot) {
	for _, n := range slots {
		s.words[n].Add(stampUnit + 1)
	}
}

// Complete bumps the stamps again and takes one mark away, each in one atomic
// step.
func (s *Stamps) Complete(slots []Slot) {
	s.keep(slots)
	for _, n := range slots {
		s.words[n].Add(stampUnit - 1)
	}
}

// Bump changes the stamps of slots with no write under way: an invalidation
// by hand. Fills sampled before it are dead.
func (s *Stamps) Bump(slots []Slot) {
	s.keep(slots)
	for _, n := range slots {
		s.words[n].Add(stampUnit)
	}
}
