package cachetest

import (
	"fmt"
	"sync"
	"time"

	"github.com/gorm-querycache/querycache/tiered"
)

func lenCounts(s *subject) {
	counter, ok := s.Local.(interface{ Len() int })
	if !ok {
		s.Skip("the tier has no Len() int")
	}
	want := func(n int, after string) {
		s.Helper()
		if got := counter.Len(); got != n {
			s.Errorf("Len is %d after %s, want %d", got, after, n)
		}
	}
	want(0, "nothing")
	for i := range 300 {
		s.put(fmt.Sprint(i), time.Hour)
	}
	want(300, "setting 300 entries")
	for range 3 {
		s.put("7", time.Hour)
	}
	want(300, "replacing one")
	s.Delete([]byte("8"))
	s.Delete([]byte("8"))
	want(299, "deleting one")
	s.Get([]byte("absent"))
	s.Delete([]byte("absent"))
	want(299, "asking for what is not there")
	s.Set("9", s.entry("9", -time.Hour))
	if _, ok := s.Get([]byte("9")); ok || counter.Len() > 299 {
		s.Errorf("Len is %d after setting an expired entry in place of one of 299", counter.Len())
	}
	s.Clear()
	want(0, "Clear")
}

func bytesComeAndGo(s *subject) {
	counter, ok := s.Local.(interface{ Bytes() int64 })
	if !ok {
		s.Skip("the tier has no Bytes() int64")
	}
	const n, size = 200, 1000
	empty := counter.Bytes()
	if empty < 0 {
		s.Errorf("Bytes is %d in an empty tier", empty)
	}
	for round := range 3 {
		for i := range n {
			k := fmt.Sprint(i)
			if !s.Set(k, s.sized(k, size, time.Hour)) {
				s.Fatalf("Set refused an entry of %d bytes", size)
			}
		}
		if got := counter.Bytes() - empty; got < n*size || got > 4*n*size {
			s.Errorf("Bytes grew by %d with %d entries of %d bytes, set %d times", got, n, size, round+1)
		}
	}
	for i := range n {
		s.Delete([]byte(fmt.Sprint(i)))
	}
	if got := counter.Bytes(); got != empty {
		s.Errorf("Bytes is %d when all entries are deleted, and was %d", got, empty)
	}
	s.put("a", time.Hour)
	s.Set("a", s.sized("a", hugeSizes[0], time.Hour))
	s.Clear()
	if got := counter.Bytes(); got != empty {
		s.Errorf("Bytes is %d after Clear, and was %d", got, empty)
	}
}

// closeDoesNoHarm: queries may still be under way when the plugin is closed.
func closeDoesNoHarm(s *subject) {
	closer, ok := s.Local.(interface{ Close() })
	if !ok {
		s.Skip("the tier has no Close()")
	}
	other := s.forTier(s.open(s.clock.now))
	theirs := other.put("k", time.Hour)
	s.put("k", time.Hour)
	s.within("Close, while others call the tier", func() {
		var wg sync.WaitGroup
		for g := range 4 {
			s.start(&wg, func() {
				for i := range 500 {
					k := fmt.Sprint((i + g) % 20)
					s.Set(k, s.entry(k, time.Hour))
					if e, ok := s.Get([]byte(k)); ok {
						s.isOf(k, e)
					}
				}
			})
		}
		s.start(&wg, closer.Close)
		wg.Wait()
	})
	s.within("calls after Close", func() {
		s.Set("k", s.entry("k", time.Hour))
		if e, ok := s.Get([]byte("k")); ok {
			s.isOf("k", e)
		}
		s.mustMiss("never set", "nothing was set under that key")
		s.Delete([]byte("k"))
		s.mustMiss("k", "it was deleted after Close")
		s.Range(func(string, *tiered.Entry) bool { return true })
		s.Clear()
		if counter, ok := s.Local.(interface{ Len() int }); ok && counter.Len() != 0 {
			s.Errorf("Len is %d after Close and Clear", counter.Len())
		}
		if counter, ok := s.Local.(interface{ Bytes() int64 }); ok && counter.Bytes() < 0 {
			s.Errorf("Bytes is %d after Close", counter.Bytes())
		}
		closer.Close()
	})
	other.mustFind("k", theirs)
}
