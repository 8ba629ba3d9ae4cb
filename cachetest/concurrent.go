package cachetest

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorm-querycache/querycache/tiered"
)

// manyGoroutines calls every method at once, and looks for entries under keys that are not theirs.
func manyGoroutines(s *subject) {
	seed := rand.Uint64()
	s.within(fmt.Sprintf("many goroutines, seed %d", seed), func() {
		var wg sync.WaitGroup
		for g := range 8 {
			s.start(&wg, func() { s.callAll(rand.New(rand.NewPCG(seed, uint64(g))), 1000) })
		}
		wg.Wait()
	})
	s.Clear()
	s.Range(func(key string, _ *tiered.Entry) bool {
		s.Errorf("Range shows %q after Clear, when all others have returned", key)
		return true
	})
	s.mustFind("k0", s.put("k0", time.Hour))
}

func (s *subject) callAll(rng *rand.Rand, calls int) {
	for range calls {
		k := fmt.Sprint("k", rng.IntN(10))
		switch rng.IntN(16) {
		case 0, 1, 2, 3:
			s.Set(k, s.entry(k, time.Duration(1+rng.IntN(1000))*time.Millisecond))
		case 4:
			s.Set(k, s.sized(k, hugeSizes[rng.IntN(len(hugeSizes))], time.Hour))
		case 5, 6:
			s.Delete([]byte(k))
		case 7:
			s.clock.advance(time.Millisecond)
		case 8:
			if rng.IntN(50) == 0 {
				s.Clear()
			}
			s.Range(func(key string, e *tiered.Entry) bool {
				s.isOf(key, e)
				return rng.IntN(8) != 0
			})
		default:
			if e, ok := s.Get([]byte(k)); ok {
				s.isOf(k, e)
			}
		}
	}
}

func (s *subject) isOf(key string, e *tiered.Entry) {
	if e == nil || e.Result.(*result).key != key {
		s.Errorf("under %q there is entry %d, of another key", key, number(e))
	}
}

// neverOlderThanTheLastSet: one goroutine sets and deletes, others look; what had been replaced or
// deleted before a Get began must not be found by it.
func neverOlderThanTheLastSet(s *subject) {
	const sets, readers = 5000, 2
	// Set or deleted for good: entries of this number or less, of both keys.
	var over [2]atomic.Int64
	var stop atomic.Bool
	var wrong atomic.Int64
	keys := []string{"first key", "second key"}
	s.within("one writer and some readers", func() {
		var wg sync.WaitGroup
		for r := range readers {
			s.start(&wg, func() {
				for i := r; !stop.Load(); i++ {
					if i%16 == 0 {
						runtime.Gosched() // or one processor would be the readers' alone
					}
					before := over[i%2].Load()
					if e, ok := s.Get([]byte(keys[i%2])); ok && number(e) <= before && wrong.Add(1) == 1 {
						s.Errorf("Get found entry %d; all up to %d had been replaced or deleted when it began", number(e), before)
					}
				}
			})
		}
		defer wg.Wait()
		defer stop.Store(true)
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range sets {
			k := i / 8 % 2
			e := s.entry(keys[k], time.Hour)
			if rng.IntN(16) == 0 {
				e = s.sized(keys[k], hugeSizes[0], time.Hour)
			}
			s.Set(keys[k], e)
			over[k].Store(number(e) - 1)
			if rng.IntN(3) == 0 {
				s.Delete([]byte(keys[k]))
				over[k].Store(number(e))
			}
			if rng.IntN(64) == 0 {
				runtime.Gosched()
			}
		}
	})
	if n := wrong.Load(); n > 1 {
		s.Errorf("and %d more times", n-1)
	}
}

// historiesAreLinearizable: a few goroutines work on two keys, and for each there must be an order of its
// calls, each at some moment between its begin and its end, in which every Get finds what was set last. It
// takes two keys to see a change of one undo that of another.
func historiesAreLinearizable(s *subject) {
	const rounds, goroutines, calls = 1000, 3, 8
	seed := rand.Uint64()
	for round := range rounds {
		keys := []string{fmt.Sprint("first key ", round), fmt.Sprint("second key ", round)}
		histories := make([]history, len(keys))
		s.within(fmt.Sprintf("round %d, seed %d", round, seed), func() {
			start := make(chan struct{})
			var wg sync.WaitGroup
			for g := range goroutines {
				rng := rand.New(rand.NewPCG(seed, uint64(round*goroutines+g)))
				s.start(&wg, func() {
					<-start
					for range calls {
						k := rng.IntN(len(keys))
						s.recordedCall(&histories[k], g, keys[k], rng)
						if rng.IntN(4) == 0 {
							runtime.Gosched()
						}
					}
				})
			}
			close(start)
			wg.Wait()
			for _, k := range keys {
				s.Delete([]byte(k))
			}
		})
		for k := range histories {
			if h := &histories[k]; !h.linearizable() {
				s.Errorf("round %d, seed %d: no order of these calls explains what Get found:\n%s", round, seed, h)
				return
			}
		}
	}
}

// recordedCall makes a call and writes down what came of it. A Get that finds nothing is left out: a tier
// may lose what it has.
func (s *subject) recordedCall(h *history, g int, key string, rng *rand.Rand) {
	c := call{by: g, begin: h.moment()}
	switch n := rng.IntN(8); n {
	case 0, 1, 2:
		e := s.entry(key, time.Hour)
		if n == 0 {
			e = s.sized(key, hugeSizes[0], time.Hour)
		}
		c.does, c.id = sets, number(e)
		if !s.Set(key, e) {
			c.does, c.id = removes, 0
		}
	case 3:
		s.Delete([]byte(key))
		c.does = removes
	default:
		e, ok := s.Get([]byte(key))
		if !ok {
			return
		}
		c.does, c.id = finds, number(e)
	}
	c.end = h.moment()
	h.add(c)
}
