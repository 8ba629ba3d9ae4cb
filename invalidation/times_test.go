package invalidation

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const lag = time.Second

// pass lets the fake clock go on.
func pass(d time.Duration) { <-time.After(d) }

// TestSettled: a replica at most lag behind has what was written before.
func TestSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStamps(4)
		slots := []Slot{1, 2}
		pass(time.Hour)
		if s.Settled(slots, lag) {
			t.Error("settled while times are not kept")
		}
		s.KeepTimes()
		if s.Settled(slots, lag) {
			t.Error("settled though a bump just before is not known of")
		}
		pass(lag)
		if !s.Settled(slots, lag) {
			t.Error("not settled, a lag after the first time kept")
		}
		for name, bump := range map[string]func(){
			"bump":     func() { s.Bump(slots[1:]) },
			"complete": func() { s.Intent(slots[1:]); s.Complete(slots[1:]) },
		} {
			bump()
			s.KeepTimes() // keeps what is known
			pass(lag - 1)
			if s.Settled(slots, lag) {
				t.Errorf("%s: settled less than the lag after it", name)
			}
			if !s.Settled(slots[:1], lag) {
				t.Errorf("%s: it unsettled another slot", name)
			}
			pass(1)
			if !s.Settled(slots, lag) {
				t.Errorf("%s: not settled a lag after it", name)
			}
		}
	})
}

// TestTimesNeverGoBack:
//  1. W1 looks at the clock, and is held up.
//  2. W2 commits, looks at the clock and notes it.
//  3. W1 notes its own, earlier time.
//  4. A reader samples W2's stamp; the slot must not look settled before the
//     lag has passed since W2, since a replica may not have W2's row.
func TestTimesNeverGoBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStamps(4)
		s.KeepTimes()
		kept := s.times.Load()
		pass(time.Hour)
		early := int64(time.Since(kept.since)) // 1
		pass(lag)
		s.Bump([]Slot{1}) // 2
		kept.note(1, early)
		if s.Settled([]Slot{1}, lag) { // 4
			t.Error("settled, though W2 has only just committed")
		}
	})
}

// TestTimesConcurrent is for the race detector.
func TestTimesConcurrent(t *testing.T) {
	s := NewStamps(2)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				s.KeepTimes()
				s.Intent([]Slot{0, 1})
				s.Complete([]Slot{0, 1})
				if s.Settled([]Slot{0}, time.Hour) {
					t.Error("settled within an hour of the start")
				}
			}
		})
	}
	wg.Wait()
}
