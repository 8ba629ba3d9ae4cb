package memory

import "time"

// item is one entry, with what its engine keeps about it: otter the value, go-cache a place. All
// fields but those of the schedule are set before it is shared.
type item[T any] struct {
	key     string
	value   T
	expires time.Time // zero: never
	bytes   int64

	// Guarded by schedule.mu: the place in the list of a slot, nil if in none.
	prev, next *item[T]
	slot       *slot[T]
}

func (it *item[T]) expired(clock func() time.Time) bool {
	return !it.expires.IsZero() && it.expiredAt(clock())
}

// expiredAt asks both clocks, where the time has both: the wall clock may be set back, and the
// monotonic clock stands still while a machine sleeps.
func (it *item[T]) expiredAt(now time.Time) bool {
	return !it.expires.IsZero() && (!now.Before(it.expires) || !now.Round(0).Before(it.expires))
}
