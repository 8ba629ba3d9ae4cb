package memory

import (
	"container/heap"
	"sync"
	"time"
)

// slotSeconds is how finely expiry is ordered. Coarse enough that slots cost little even if every
// entry expires at another time; the items of a slot are swept once all of it has passed, while Get
// is exact whatever the width.
const slotSeconds = 8

// sweepBatch is how many expired items a Set removes. More than one, so that sweeping keeps ahead of
// filling; few, so that no write pays for many others.
const sweepBatch = 8

// schedule lists the items by the slot of time in which they expire, so that those that are never asked
// for again give their memory back without a pass over all others. An item is in it from before it
// enters its engine until it has left it or was swept.
//
// Its lock is taken inside the locks of otter's buckets and that of a GoCache, so nothing is called
// while it is held.
type schedule[T any] struct {
	mu    sync.Mutex
	slots map[int64]*slot[T]
	order slotHeap[T] // the same slots, the earliest first
}

// slot is the list of the items that expire within one period of slotSeconds. It exists while it has any.
type slot[T any] struct {
	period int64
	head   *item[T]
	index  int // in order
}

func periodOf(t time.Time) int64 { return t.Unix() / slotSeconds }

func (s *schedule[T]) add(it *item[T]) {
	if it.expires.IsZero() {
		return
	}
	period := periodOf(it.expires)
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.slots[period]
	if sl == nil {
		if s.slots == nil {
			s.slots = make(map[int64]*slot[T])
		}
		sl = &slot[T]{period: period}
		s.slots[period] = sl
		heap.Push(&s.order, sl)
	}
	it.slot, it.next = sl, sl.head
	if sl.head != nil {
		sl.head.prev = it
	}
	sl.head = it
}

func (s *schedule[T]) remove(it *item[T]) {
	if it.expires.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unlist(it)
}

func (s *schedule[T]) unlist(it *item[T]) {
	sl := it.slot
	if sl == nil {
		return // swept
	}
	if it.next != nil {
		it.next.prev = it.prev
	}
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		sl.head = it.next
	}
	it.prev, it.next, it.slot = nil, nil, nil
	if sl.head == nil {
		delete(s.slots, sl.period)
		heap.Remove(&s.order, sl.index)
	}
}

// due takes items whose whole slot has passed out of the schedule, as many as out holds, and
// returns how many it put there.
func (s *schedule[T]) due(now time.Time, out []*item[T]) int {
	period := periodOf(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for n < len(out) && len(s.order) > 0 && s.order[0].period < period {
		out[n] = s.order[0].head
		s.unlist(out[n])
		n++
	}
	return n
}

type slotHeap[T any] []*slot[T]

func (h slotHeap[T]) Len() int           { return len(h) }
func (h slotHeap[T]) Less(i, j int) bool { return h[i].period < h[j].period }
func (h slotHeap[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *slotHeap[T]) Push(x any) {
	sl := x.(*slot[T])
	sl.index = len(*h)
	*h = append(*h, sl)
}

func (h *slotHeap[T]) Pop() any {
	old := *h
	last := len(old) - 1
	sl := old[last]
	old[last] = nil
	*h = old[:last]
	return sl
}
