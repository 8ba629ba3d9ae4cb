package cachetest

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/gorm-querycache/querycache/tiered"
)

func entriesExpire(s *subject) {
	lives := []time.Duration{1, time.Microsecond, time.Millisecond, time.Second, 90 * time.Second, time.Hour, 365 * 24 * time.Hour}
	at := map[time.Duration]*tiered.Entry{}
	start := s.clock.now()
	for i, life := range lives {
		at[life] = s.put(fmt.Sprint(i), life)
	}
	for now := range lives {
		for _, moment := range []time.Duration{-1, 0, 1} {
			s.clock.set(start.Add(lives[now] + moment))
			for i, life := range lives {
				if life <= lives[now]+moment {
					s.mustMiss(fmt.Sprint(i), fmt.Sprintf("it was to be kept for %v, and %v have passed", life, lives[now]+moment))
				} else {
					s.mustFind(fmt.Sprint(i), at[life])
				}
			}
		}
	}
	s.mustFind("0", s.put("0", time.Second))
}

// entriesExpireByTheWallClock: the monotonic clock stands still while a machine sleeps.
func entriesExpireByTheWallClock(s *subject) {
	start := s.clock.now()
	s.put("a", time.Hour)
	b := s.put("b", 3*time.Hour)
	s.clock.set(wallMoved(start, 2*time.Hour))
	s.mustMiss("a", "its time has passed on the wall clock, though not on the monotonic one")
	s.mustFind("b", b)
}

// entriesExpireByTheMonotonicClock: the wall clock may be set back.
func entriesExpireByTheMonotonicClock(s *subject) {
	start := s.clock.now()
	moved := wallMoved(start.Add(2*time.Hour), -4*time.Hour)
	if moved.Sub(start) != 2*time.Hour {
		s.Skip("the parts of a time.Time are not where they were")
	}
	s.put("a", time.Hour)
	b := s.put("b", 3*time.Hour)
	s.clock.set(moved)
	s.mustMiss("a", "its time has passed on the monotonic clock, though not on the wall clock")
	s.mustFind("b", b)
}

// wallMoved is t with another wall clock and the same monotonic one. Package time has no way to say that,
// since it never happens to one reading; it does between two. The second's count is in the bits of the
// first field above the 30 of the nanoseconds.
func wallMoved(t time.Time, by time.Duration) time.Time {
	moved := t
	*(*uint64)(unsafe.Pointer(&moved)) += uint64(by/time.Second) << 30
	if moved.Sub(t) != 0 || moved.Round(0).Sub(t.Round(0)) != by {
		return t.Round(0).Add(by) // no longer so: the wall clock alone
	}
	return moved
}

func eachEntryHasItsOwnTime(s *subject) {
	s.put("a", time.Minute)
	longer := s.put("a", time.Hour)
	s.put("b", time.Hour)
	s.put("b", time.Minute)
	s.put("c", time.Minute)
	s.Delete([]byte("c"))
	again := s.put("c", time.Hour)
	s.clock.advance(2 * time.Minute)
	s.mustFind("a", longer)
	s.mustMiss("b", "the entry that was set last has expired")
	s.mustFind("c", again)

	// An expired entry does not keep a new one out, and is not in its way when it goes.
	s.mustFind("b", s.put("b", time.Hour))
	for i := range 500 { // time for what the tier does by and by
		s.put(fmt.Sprint(i), time.Minute)
	}
	s.mustFind("a", longer)
	s.mustFind("c", again)
}
