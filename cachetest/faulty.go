package cachetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/gorm-querycache/querycache/tiered"
)

// ErrInjected is wrapped by what a faulty tier panics with.
var ErrInjected = errors.New("cachetest: injected fault")

// Op is a method of a tier.
type Op string

// The methods of tiered.Local.
const (
	OpGet    Op = "Get"
	OpSet    Op = "Set"
	OpRange  Op = "Range"
	OpDelete Op = "Delete"
	OpClear  Op = "Clear"
)

// Faults says what goes wrong in a faulty tier. The zero value does no harm. Shares are from 0, never, to
// 1, always.
type Faults struct {
	// Seed makes the faults the same ones in the same order of calls.
	// Default: 0, which is a seed too.
	Seed uint64
	// DropSets is the share of Sets that store nothing and return false. As a tier must, they leave
	// nothing under the key.
	DropSets float64
	// Forget is the share of Gets before which the entry is removed.
	Forget float64
	// Panics is the share of calls that panic, with an error that wraps ErrInjected: half of them
	// before the tier is called, half of them after.
	Panics float64
	// Before and After, if not nil, are called around each call of the tier, in its goroutine. They
	// may take their time, to delay it, and may panic. key is "" for Range and Clear.
	Before, After func(op Op, key string)
}

// Faulty wraps a tier, which then has faults, all of a kind that a tier may have, but for the panics. It has
// Len and Bytes if l has both, and its Close closes l if that can be closed; those have no faults. It is safe for concurrent use.
func Faulty(l tiered.Local, f Faults) tiered.Local {
	faulty := &faultyTier{tier: l, faults: f, rng: rand.New(rand.NewPCG(f.Seed, 0))}
	if counts, ok := l.(counted); ok {
		return struct {
			*faultyTier
			counted
		}{faulty, counts}
	}
	return faulty
}

type counted interface {
	Len() int
	Bytes() int64
}

type faultyTier struct {
	tier   tiered.Local
	faults Faults

	mu  sync.Mutex // guards rng
	rng *rand.Rand
}

// draw is a number from 0 to 1, 1 excluded.
func (f *faultyTier) draw() float64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rng.Float64()
}

// around makes a call of the tier, with the faults that any call may have.
func (f *faultyTier) around(op Op, key string, call func()) {
	if f.faults.Before != nil {
		f.faults.Before(op, key)
	}
	fate := f.draw()
	if fate < f.faults.Panics/2 {
		panic(fmt.Errorf("%w: before %s", ErrInjected, op))
	}
	call()
	if fate < f.faults.Panics {
		panic(fmt.Errorf("%w: after %s", ErrInjected, op))
	}
	if f.faults.After != nil {
		f.faults.After(op, key)
	}
}

func (f *faultyTier) Get(key []byte) (e *tiered.Entry, ok bool) {
	f.around(OpGet, string(key), func() {
		if f.draw() < f.faults.Forget {
			f.tier.Delete(key)
		}
		e, ok = f.tier.Get(key)
	})
	return e, ok
}

func (f *faultyTier) Set(key string, e *tiered.Entry) (ok bool) {
	f.around(OpSet, key, func() {
		if f.draw() < f.faults.DropSets {
			f.tier.Delete([]byte(key))
			return
		}
		ok = f.tier.Set(key, e)
	})
	return ok
}

func (f *faultyTier) Range(each func(key string, e *tiered.Entry) bool) {
	f.around(OpRange, "", func() { f.tier.Range(each) })
}

func (f *faultyTier) Delete(key []byte) (ok bool) {
	f.around(OpDelete, string(key), func() { ok = f.tier.Delete(key) })
	return ok
}

func (f *faultyTier) Clear() (n int) {
	f.around(OpClear, "", func() { n = f.tier.Clear() })
	return n
}

// Close closes the tier, if it can be closed.
func (f *faultyTier) Close() {
	if c, ok := f.tier.(interface{ Close() }); ok {
		c.Close()
	}
}
