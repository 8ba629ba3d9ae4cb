package tiered

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/gorm-querycache/querycache/invalidation"
)

// pinTable is the table of the model under real goroutines.
type pinTable struct {
	mu      sync.Mutex
	rows    sight
	commits int
	floor   [rowCount]int
}

func (p *pinTable) commit(c change) (at [rowCount]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.commits++
	for r := range rowCount {
		if c.verb == "bulk" || r == c.row {
			if fits := p.rows.there[r] != (c.verb == "insert" && r != others); fits {
				p.rows.at[r], p.rows.there[r] = p.commits, c.verb != "delete"
				at[r] = p.commits
			}
		}
	}
	return at
}

func (p *pinTable) raise(at [rowCount]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for r, v := range at {
		p.floor[r] = max(p.floor[r], v)
	}
}

func (p *pinTable) begin() [rowCount]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.floor
}

func (p *pinTable) see(q pinnedRead) (v sight) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return (&pinWorld{db: p.rows}).see(q)
}

// TestPinnedReadersAndWriters runs record pins on real goroutines, for the race
// detector and for interleavings inside the steps of the model.
func TestPinnedReadersAndWriters(t *testing.T) {
	const rounds = 1500
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	c, _ := newCache(Config{})
	var table pinTable
	for r := range table.rows.there {
		table.rows.there[r] = true
	}
	changes := []change{update1, update2, insertOther, delete1, insert1, delete2, insert2, bulk}
	queries := reads(pinnedRead{rows: of1}, pinnedRead{rows: of2}, pinnedRead{rows: ofBoth}, pinnedRead{rows: ofAll})
	var wg sync.WaitGroup
	for i := range uint64(3) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, i))
			for range rounds {
				ch := changes[rng.IntN(len(changes))]
				var in invalidation.Intent
				in.Place(c.stamps, ch.touched(&pinWorld{}))
				at := table.commit(ch)
				in.Complete()
				table.raise(at)
			}
		})
	}
	for i := range uint64(4) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, 100+i))
			for range 2 * rounds {
				q := queries[rng.IntN(len(queries))]
				floor := table.begin()
				v := pinnedAnswer(t, c, &table, q)
				if older(q, v, floor) {
					t.Errorf("%v was returned by a read that had to see %v", v, floor)
					return
				}
				table.raise(v.at)
			}
		})
	}
	wg.Wait()
	for _, q := range queries {
		at, core := q.slots(&pinWorld{})
		sm := c.SampleCore(at, core)
		if sm.Pending() {
			t.Error("a mark is left")
		}
		if e, ok := c.Get([]byte(q.key()), &sm); ok && e.Result.(sight) != table.see(q) {
			t.Errorf("a valid entry of %v is left, the database has %v", e.Result, table.see(q))
		}
	}
}

// pinnedAnswer is one read, as the plugin makes it.
func pinnedAnswer(t *testing.T, c *Cache, table *pinTable, q pinnedRead) sight {
	at, core := q.slots(&pinWorld{})
	k := []byte(q.key())
	sm := c.SampleCore(at, core)
	if e, ok := c.Get(k, &sm); ok {
		return e.Result.(sight)
	}
	if sm.CorePending() {
		return table.see(q)
	}
	var made *Entry
	f, leads := c.Join(k, &sm)
	if leads {
		defer func() { f.Finish(made) }()
	} else if e, err := f.Wait(background); err == nil && e != nil {
		return e.Result.(sight)
	} else {
		t.Errorf("a follower got %v, %v", e, err)
		f = nil
	}
	r := pinReader{query: q, found: table.see(q)}
	made = c.Make(r.found, &sm, Making{Narrow: r.narrow(&pinWorld{})})
	c.Store(k, made, f)
	return r.found
}
