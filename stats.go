package querycache

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Stats counts reads since the plugin was made. Each read that GORM makes is
// counted once: as a hit, as shared, as a miss, or under one bypass reason.
type Stats struct {
	// Hits were answered from the cache.
	Hits uint64
	// Shared were answered by the database read of another caller that was
	// under way.
	Shared uint64
	// Misses were answered by the database and could have been cached.
	Misses uint64
	// Bypassed were answered by the database and could not, by reason.
	Bypassed map[Reason]uint64
	// Stores are results that went into the cache, Rejections those that
	// were too large or not read to their end, Outdated those that a write overtook while they were
	// read.
	Stores, Rejections, Outdated uint64
	// Entries and Bytes are what the first tier holds now; Evictions are
	// entries it dropped for room, Expirations for their age.
	Entries                int
	Bytes                  int64
	Evictions, Expirations uint64
}

// stripes is how many copies of each counter there are, so that cores do not
// wait for each other's.
const stripes = 8

type counter struct {
	cells [stripes]struct {
		n atomic.Uint64
		_ [56]byte // one cell per cache line
	}
}

func (c *counter) add() { c.cells[rand.Uint32()%stripes].n.Add(1) }

func (c *counter) sum() (n uint64) {
	for i := range c.cells {
		n += c.cells[i].n.Load()
	}
	return n
}

type counters struct {
	hits, shared, misses         counter
	stores, rejections, outdated counter
	bypassed                     sync.Map // Reason → *counter
}

func (c *counters) bypass(r Reason) {
	n, ok := c.bypassed.Load(r)
	if !ok {
		n, _ = c.bypassed.LoadOrStore(r, &counter{})
	}
	n.(*counter).add()
}

// Stats returns the counts so far.
func (p *Plugin) Stats() Stats {
	s := Stats{
		Hits:       p.counters.hits.sum(),
		Shared:     p.counters.shared.sum(),
		Misses:     p.counters.misses.sum(),
		Stores:     p.counters.stores.sum(),
		Rejections: p.counters.rejections.sum(),
		Outdated:   p.counters.outdated.sum(),
		Bypassed:   map[Reason]uint64{},
	}
	p.counters.bypassed.Range(func(r, n any) bool {
		s.Bypassed[r.(Reason)] = n.(*counter).sum()
		return true
	})
	if p.l1 != nil {
		ms := p.l1.Stats()
		s.Entries, s.Bytes = p.l1.Len(), p.l1.Bytes()
		s.Evictions, s.Expirations = ms.Evictions, ms.Expirations
	}
	return s
}
