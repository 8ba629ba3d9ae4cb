package querycache

import (
	"sync/atomic"
	"time"
)

// Latency is how long something took, over all its runs.
type Latency struct {
	Count      uint64
	Total, Max time.Duration
	// Buckets count the runs by their length: Buckets[i] those of at most
	// LatencyBounds()[i] and longer than the bound before, the last one all
	// that were longer than any bound.
	Buckets [latencyBuckets]uint64
}

const latencyBuckets = 16

var latencyBounds = [latencyBuckets - 1]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2500 * time.Millisecond, 5 * time.Second,
}

// LatencyBounds are the upper bounds of the first 15 of Latency.Buckets: 100µs,
// 250µs, 500µs, and so on to 5s.
func LatencyBounds() []time.Duration { return append([]time.Duration(nil), latencyBounds[:]...) }

// Mean is the average, 0 if nothing was counted.
func (l Latency) Mean() time.Duration {
	if l.Count == 0 {
		return 0
	}
	return l.Total / time.Duration(l.Count)
}

func (l Latency) sub(earlier Latency) Latency {
	l.Count -= earlier.Count
	l.Total -= earlier.Total
	for i := range l.Buckets {
		l.Buckets[i] -= earlier.Buckets[i]
	}
	return l
}

// latency counts; it is for what takes long enough that cores rarely meet.
type latency struct {
	total, max atomic.Int64
	buckets    [latencyBuckets]atomic.Uint64
}

func (l *latency) note(d time.Duration) {
	d = max(d, 0)
	l.total.Add(int64(d))
	for {
		have := l.max.Load()
		if int64(d) <= have || l.max.CompareAndSwap(have, int64(d)) {
			break
		}
	}
	i := 0
	for i < len(latencyBounds) && d > latencyBounds[i] {
		i++
	}
	l.buckets[i].Add(1)
}

func (l *latency) read() (out Latency) {
	out.Total, out.Max = time.Duration(l.total.Load()), time.Duration(l.max.Load())
	for i := range l.buckets {
		out.Buckets[i] = l.buckets[i].Load()
		out.Count += out.Buckets[i]
	}
	return out
}
