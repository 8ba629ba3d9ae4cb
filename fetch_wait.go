package querycache

import (
	"context"
	"sync"

	"github.com/gorm-querycache/querycache/tiered"
)

// fetchWaits are the flights that calls of load under way wait for, of all
// plugins: while the load that leads a flight waits for another one, its own
// followers wait for that too.
//
//  1. The load of A is under way in one goroutine, that of B in another.
//  2. The first fetches B, and waits for the second.
//  3. The second fetches A. Were it to wait for the first, both would wait for
//     ever. So it works A out by itself.
//
// It is safe for concurrent use.
var fetchWaits waits

type waits struct {
	mu sync.Mutex
	on map[*tiered.Flight]map[*tiered.Flight]int // how many goroutines of a load wait for which
}

// wait waits for a flight on behalf of those that the calls of load around it
// lead. ok is false if that would never end.
func (w *waits) wait(ctx context.Context, own []*tiered.Flight, flight *tiered.Flight) (e *tiered.Entry, ok bool, err error) {
	if len(own) > 0 {
		if !w.enter(own, flight) {
			return nil, false, nil
		}
		defer w.leave(own, flight)
	}
	e, err = flight.Wait(ctx)
	return e, true, err
}

func (w *waits) enter(own []*tiered.Flight, flight *tiered.Flight) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.leads(flight, own, map[*tiered.Flight]bool{}) {
		return false
	}
	if w.on == nil {
		w.on = make(map[*tiered.Flight]map[*tiered.Flight]int)
	}
	for _, f := range own {
		if w.on[f] == nil {
			w.on[f] = make(map[*tiered.Flight]int)
		}
		w.on[f][flight]++
	}
	return true
}

func (w *waits) leave(own []*tiered.Flight, flight *tiered.Flight) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, f := range own {
		if w.on[f][flight]--; w.on[f][flight] == 0 {
			delete(w.on[f], flight)
		}
		if len(w.on[f]) == 0 {
			delete(w.on, f)
		}
	}
}

// leads tells whether a flight waits, through others or not, for one of own.
func (w *waits) leads(flight *tiered.Flight, own []*tiered.Flight, seen map[*tiered.Flight]bool) bool {
	for _, f := range own {
		if f == flight {
			return true
		}
	}
	if seen[flight] {
		return false
	}
	seen[flight] = true
	for next := range w.on[flight] {
		if w.leads(next, own, seen) {
			return true
		}
	}
	return false
}

// leading are the flights that the calls of load around a context lead.
func leading(ctx context.Context) (own []*tiered.Flight) {
	fr, _ := ctx.Value(frameKey{}).(*frame)
	for ; fr != nil; fr = fr.over {
		if fr.flight != nil && !fr.ended.Load() {
			own = append(own, fr.flight)
		}
	}
	return own
}
