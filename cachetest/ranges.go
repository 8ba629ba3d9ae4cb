package cachetest

import (
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/gorm-querycache/querycache/tiered"
)

func rangeShowsEveryEntry(s *subject) {
	s.Range(func(key string, _ *tiered.Entry) bool {
		s.Errorf("Range shows %q in an empty tier", key)
		return true
	})
	set := map[string]*tiered.Entry{}
	for i := range 1000 {
		k := fmt.Sprint(i)
		set[k] = s.put(k, time.Hour)
	}
	for _, k := range []string{"", "\x00", "\xff", "a:b"} {
		set[k] = s.put(k, time.Hour)
	}
	set["7"] = s.put("7", time.Hour)
	s.Delete([]byte("8"))
	delete(set, "8")
	seen := map[string]int{}
	s.Range(func(key string, e *tiered.Entry) bool {
		seen[key]++
		if e == nil || e != set[key] {
			s.Errorf("Range shows %d under %q, want %d", number(e), key, number(set[key]))
		}
		return true
	})
	for k := range set {
		if seen[k] != 1 {
			s.Errorf("Range shows %q %d times", k, seen[k])
		}
	}
}

func rangeStops(s *subject) {
	for i := range 100 {
		s.put(fmt.Sprint(i), time.Hour)
	}
	for _, most := range []int{1, 10} {
		calls := 0
		s.Range(func(string, *tiered.Entry) bool { calls++; return calls < most })
		if calls != most {
			s.Errorf("Range made %d calls, though the function returned false at %d", calls, most)
		}
	}
}

func rangeLetsTheTierBeCalled(s *subject) {
	for i := range 100 {
		s.put(fmt.Sprint(i), time.Hour)
	}
	seen := map[string]bool{}
	s.within("Range, with a function that calls the tier", func() {
		s.Range(func(key string, e *tiered.Entry) bool {
			seen[key] = true
			if got, ok := s.Get([]byte(key)); ok && got != e {
				s.Errorf("Range shows %d under %q, Get finds %d", number(e), key, number(got))
			}
			s.Delete([]byte(key))
			s.Set("new "+key, s.entry("new "+key, time.Hour))
			s.Delete([]byte("new " + key))
			s.Range(func(string, *tiered.Entry) bool { return false })
			return true
		})
	})
	for i := range 100 {
		if k := fmt.Sprint(i); !seen[k] {
			s.Errorf("Range does not show %q, as the others are deleted", k)
		}
		s.mustMiss(fmt.Sprint(i), "it was deleted in Range")
	}
	s.put("a", time.Hour)
	s.put("b", time.Hour)
	s.within("Range, with a function that clears the tier", func() {
		s.Range(func(string, *tiered.Entry) bool { s.Clear(); return true })
	})
	s.mustMiss("a", "it was cleared in Range")
	s.mustMiss("b", "it was cleared in Range")
}

// rangeMissesNothing: what is there from before Range is called until it returns is shown, since
// invalidation by hand rests on it.
func rangeMissesNothing(s *subject) {
	const stable = 200
	for i := range stable {
		s.put(fmt.Sprint("stable", i), time.Hour)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for g := range 2 {
		s.start(&wg, func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				runtime.Gosched()
				k := fmt.Sprint("churn", (i*7+g)%100)
				if i%3 == 0 {
					s.Delete([]byte(k))
				} else {
					s.Set(k, s.entry(k, time.Hour))
				}
			}
		})
	}
	for range 50 {
		seen := make(map[string]bool, stable)
		s.Range(func(key string, e *tiered.Entry) bool {
			if e == nil || e.Result.(*result).key != key {
				s.Errorf("Range shows %d under %q", number(e), key)
			}
			seen[key] = true
			return true
		})
		missed := 0
		for i := range stable {
			if !seen[fmt.Sprint("stable", i)] {
				missed++
			}
		}
		if missed > 0 {
			s.Errorf("Range missed %d of %d entries that were there throughout, while others were set and deleted", missed, stable)
			break
		}
	}
	close(stop)
	wg.Wait()
}

func rangeShowsNothingExpired(s *subject) {
	s.put("short", time.Second)
	long := s.put("long", time.Hour)
	s.clock.advance(time.Second)
	seen := 0
	s.Range(func(key string, e *tiered.Entry) bool {
		if seen++; e != long {
			s.Errorf("Range shows %q, which has expired", key)
		}
		return true
	})
	if seen != 1 {
		s.Errorf("Range shows %d entries, want the one that has not expired", seen)
	}
}
