package invalidation

import (
	"sync/atomic"
	"time"
)

// times are when each stamp was bumped last, kept only where somebody reads
// from replicas that lag.
type times struct {
	since time.Time      // nothing is known of earlier bumps
	at    []atomic.Int64 // nanoseconds after since, by the monotonic clock
}

// KeepTimes begins to note when stamps are bumped, for Settled. Calling it
// again changes nothing.
func (s *Stamps) KeepTimes() {
	s.times.CompareAndSwap(nil, &times{since: time.Now(), at: make([]atomic.Int64, len(s.words))})
}

// keep notes the time before the stamps change: who sees the new stamp sees
// the time.
func (s *Stamps) keep(slots []Slot) {
	t := s.times.Load()
	if t == nil {
		return
	}
	now := int64(time.Since(t.since))
	for _, n := range slots {
		t.note(n, now)
	}
}

// note never takes a time back: of two writers, the one that looked at the
// clock first may be the last to note it.
func (t *times) note(n Slot, now int64) {
	for {
		noted := t.at[n].Load()
		if noted >= now || t.at[n].CompareAndSwap(noted, now) {
			return
		}
	}
}

// Settled tells whether the last bump of each slot is at least lag ago. Call
// it after the slots were sampled. It is false while times are not kept.
func (s *Stamps) Settled(slots []Slot, lag time.Duration) bool {
	kept := s.times.Load()
	if kept == nil {
		return false
	}
	latest := int64(time.Since(kept.since) - lag)
	if latest < 0 {
		return false
	}
	for _, n := range slots {
		if kept.at[n].Load() > latest {
			return false
		}
	}
	return true
}
