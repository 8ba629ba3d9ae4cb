package tiered

import (
	"math"
	"testing"
	"time"
)

// TestJitterBounds: never nothing, never further off than asked, whatever the
// numbers.
func TestJitterBounds(t *testing.T) {
	for _, d := range []time.Duration{1, time.Microsecond, time.Millisecond, time.Second, 24 * time.Hour, math.MaxInt64 / 2, math.MaxInt64} {
		for _, fraction := range []float64{0, 1e-9, 0.1, 0.5, 1} {
			const rounding = 1e-9
			least := float64(d) * (1 - fraction) * (1 - rounding)
			most := float64(d) * (1 + fraction) * (1 + rounding)
			for range 1000 {
				got := jittered(d, fraction)
				if got < min(d, time.Millisecond) || float64(got) < least || float64(got) > most {
					t.Fatalf("%v with jitter %v became %v", d, fraction, got)
				}
				if fraction == 0 && got != d {
					t.Fatalf("%v without jitter became %v", d, got)
				}
			}
		}
	}
}

// TestJitterSpreads: over both sides of the time and over all of the range.
// The margins are such that chance does not fail it in the life of the
// universe: of 4000 throws none falls into a tenth of the range with
// probability 0.9^4000, which is 10^-183.
func TestJitterSpreads(t *testing.T) {
	const throws, ttl, fraction = 4000, time.Hour, 0.2
	var tenths [10]int
	var sum float64
	for range throws {
		got := jittered(ttl, fraction)
		off := (float64(got)/float64(ttl) - 1 + fraction) / (2 * fraction) // 0 … 1
		tenths[min(max(int(off*10), 0), 9)]++
		sum += off
	}
	for i, n := range tenths {
		if n == 0 {
			t.Errorf("none of %d times falls into tenth %d of the range", throws, i)
		}
	}
	// The mean of 4000 has a deviation of 0.0046; 0.1 is 21 of them.
	if mean := sum / throws; mean < 0.4 || mean > 0.6 {
		t.Errorf("the mean is at %v of the range, want its middle", mean)
	}
}

// TestJitterOfEntries: results that were read together do not expire together,
// and what they are kept beyond that is not jittered.
func TestJitterOfEntries(t *testing.T) {
	c, _ := newCache(Config{L1TTL: time.Hour, Jitter: 0.1})
	sm := c.Sample(slots)
	seen := map[time.Time]bool{}
	for range 100 {
		for _, life := range []Life{{Stale: time.Minute}, {TTL: time.Hour, Stale: time.Minute}} {
			e := c.Make(number(1), &sm, Making{Life: life})
			if d := e.Expires.Sub(epoch); d < 54*time.Minute || d > 66*time.Minute {
				t.Fatalf("an hour became %v", d)
			}
			if d := e.Ends.Sub(e.Expires); d != time.Minute {
				t.Fatalf("kept %v longer, want a minute", d)
			}
			seen[e.Expires] = true
		}
	}
	if len(seen) < 100 {
		t.Errorf("200 entries expire at %d times", len(seen))
	}
}
