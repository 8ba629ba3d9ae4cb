package cachetest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// history is what some goroutines did to one key of a tier, at most 64 calls.
type history struct {
	clock atomic.Int64
	mu    sync.Mutex
	calls []call
}

// call is one of them. Its effect came at one moment from begin to end.
type call struct {
	by         int
	begin, end int64
	does       deed
	id         int64 // of the entry that was set or found
}

type deed uint8

const (
	sets deed = iota
	removes
	finds
)

// moment is later than every one before it.
func (h *history) moment() int64 { return h.clock.Add(1) }

func (h *history) add(c call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, c)
}

// linearizable looks for an order of the calls in which each finds what was set last. It takes them one by
// one, of those that no other call had ended before; what it has tried, it does not try again.
func (h *history) linearizable() bool {
	type state struct {
		taken uint64
		id    int64 // the entry under the key, 0 for none
	}
	all := uint64(1)<<len(h.calls) - 1
	tried := map[state]bool{}
	var explain func(s state) bool
	explain = func(s state) bool {
		if s.taken == all {
			return true
		}
		if tried[s] {
			return false
		}
		tried[s] = true
		firstEnd := int64(1) << 62 // of the calls that are left
		for i, c := range h.calls {
			if s.taken&(1<<i) == 0 {
				firstEnd = min(firstEnd, c.end)
			}
		}
		for i, c := range h.calls {
			if s.taken&(1<<i) != 0 || c.begin > firstEnd || c.does == finds && c.id != s.id {
				continue
			}
			next := state{taken: s.taken | 1<<i, id: c.id}
			if explain(next) {
				return true
			}
		}
		return false
	}
	return explain(state{})
}

func (h *history) String() string {
	sorted := slices.SortedFunc(slices.Values(h.calls), func(a, b call) int { return cmp.Compare(a.begin, b.begin) })
	var out strings.Builder
	for _, c := range sorted {
		what := "removes"
		if c.does != removes {
			what = fmt.Sprintf("%s %d", [...]string{sets: "sets", finds: "finds"}[c.does], c.id)
		}
		fmt.Fprintf(&out, "\tgoroutine %d, from %d to %d: %s\n", c.by, c.begin, c.end, what)
	}
	return out.String()
}
