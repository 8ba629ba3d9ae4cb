package tiered

import (
	"context"
	"sync"

	"github.com/gorm-querycache/querycache/invalidation"
)

// Flight is one read of the database that several callers may share.
type Flight struct {
	group  *flights
	key    string
	sample invalidation.Sample
	done   chan struct{}

	// entry is written before done is closed and read after.
	entry *Entry
}

// flights are those under way, by key.
type flights struct {
	mu sync.Mutex
	m  map[string]*Flight
}

// join finds the flight of a reader with an equal sample, or starts one that
// takes the place of any other. leads tells which.
func (g *flights) join(key string, sm *invalidation.Sample) (f *Flight, leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if have := g.m[key]; have != nil && have.sample.Equal(sm) {
		return have, false
	}
	if g.m == nil {
		g.m = make(map[string]*Flight)
	}
	f = newFlight(g, key, sm)
	g.m[key] = f
	return f, true
}

func newFlight(g *flights, key string, sm *invalidation.Sample) *Flight {
	return &Flight{group: g, key: key, sample: sm.Keep(false), done: make(chan struct{})}
}

// replaced tells whether f is not the flight of its key, or not any more.
func (f *Flight) replaced() bool {
	f.group.mu.Lock()
	defer f.group.mu.Unlock()
	return f.group.m[f.key] != f
}

// Finish ends the flight with the entry that its leader made, or nil if it
// made none, and wakes the followers. The leader calls it once, by defer.
func (f *Flight) Finish(e *Entry) {
	f.group.mu.Lock()
	if f.group.m[f.key] == f {
		delete(f.group.m, f.key)
	}
	f.group.mu.Unlock()
	f.entry = e
	close(f.done)
}

// Wait returns the leader's entry, nil if the leader made none, or the
// context's error if that comes first.
func (f *Flight) Wait(ctx context.Context) (*Entry, error) {
	select {
	case <-f.done:
		return f.entry, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
