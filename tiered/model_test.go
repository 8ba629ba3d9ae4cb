package tiered

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/invalidation"
)

// The model: writers and readers take their steps one at a time, in every
// order that there is, over the real Cache and the real Stamps, with a
// map as tier and a number (how many commits there were) as database. What
// must hold:
//
//   - a read never returns less than what had completed, or had been
//     returned, before it began;
//   - at rest, no valid entry is older than the database;
//   - nobody waits for a flight that nobody ends.

// plant is a mistake built into the steps, or a fault that they must bear.
type plant struct {
	lateSample    bool // the reader samples after it has read
	joinAlways    bool // any flight of the key is joined
	joinPending   bool // so are flights whose sample is pending
	usePending    bool // results are stored and served while an intent is pending
	noIntent      bool // a write only bumps, after its commit
	completeEarly bool // before the commit, as when a RETURNING call returns
	serveAny      bool // an entry is served whatever its sample
	neverFinish   bool // a leader that failed does not end its flight
	unknown       bool // the database may apply a commit after its writer was told nothing
	hold          bool // ... and the writer keeps its marks for that long
	txFill        bool // a transaction stores what its old snapshot shows
	leaderFails   bool // the reading of a leader may fail
	alone         bool // readers use no flights, as a refresh does
}

// scene says who takes part.
type scene struct {
	plant
	tags, writers, readers, reads int
}

// world is what the actors share.
type world struct {
	scene
	cache  *Cache
	stamps *invalidation.Stamps
	l1     mapTier
	slots  []invalidation.Slot
	actors []actor[*world]

	db, late          int // commits applied; sent, and perhaps applied later
	completed, newest int // told to a writer; returned by a read
	leaders           map[*Flight]int

	report
}

const modelKey = "key"

func (s scene) build() stage {
	st := invalidation.NewStamps(4)
	l1 := mapTier{}
	w := &world{
		scene: s, stamps: st, l1: l1, leaders: map[*Flight]int{},
		cache: New(Config{}, st, l1, func() time.Time { return time.Time{} }),
	}
	for i := range s.tags {
		w.slots = append(w.slots, invalidation.Slot(i))
	}
	for i := range s.writers {
		w.actors = append(w.actors, newWriter(w, i))
	}
	for i := range s.readers {
		w.actors = append(w.actors, &reader{id: i, left: s.reads})
	}
	if s.unknown {
		w.actors = append(w.actors, orphans{})
	}
	if s.txFill {
		w.actors = append(w.actors, &snapshotTx{})
	}
	return w
}

func (w *world) choices() []choice { return choices(w, w.actors) }

func (w *world) run(path []choice) { run(w, w.actors, path) }

// atRest checks what must hold when nobody can take a step.
func (w *world) atRest() {
	if !rest(w.actors) {
		w.bad = "somebody waits for ever"
	}
	sm := w.cache.Sample(w.slots)
	if e, ok := w.cache.Get([]byte(modelKey), &sm); ok && int(e.Result.(number)) != w.db {
		w.bad = fmt.Sprintf("a valid entry of v%d is left, the database is at v%d", e.Result, w.db)
	}
}

func (w *world) state() string {
	b := make([]byte, 0, 160)
	b = append(b, byte(w.db), byte(w.late), byte(w.completed), byte(w.newest))
	b = words(b, w.stamps, w.slots)
	if e := w.l1[modelKey]; e != nil {
		b = append(b, 'e', byte(e.Result.(number)))
		b = append(b, sampleState(w, &e.sample)...)
	}
	if f := w.cache.flights.m[modelKey]; f != nil {
		b = append(b, 'f', byte(w.leaders[f]))
	}
	for _, a := range w.actors {
		b = append(b, '|')
		b = a.state(w, b)
	}
	return string(b)
}

func words(b []byte, s *invalidation.Stamps, slots []invalidation.Slot) []byte {
	for _, n := range slots {
		b = append(b, byte(s.Load(n)>>20), byte(s.Load(n)))
	}
	return b
}

// sampleState prints a sample; its words are only reachable by comparison.
func sampleState(w *world, sm *invalidation.Sample) string {
	for i := range w.actors {
		if r, ok := w.actors[i].(*reader); ok {
			if seen, ok := r.seen(sm); ok {
				return seen
			}
		}
		if x, ok := w.actors[i].(*snapshotTx); ok && x.pc > 1 && x.sm.Equal(sm) {
			return x.words
		}
	}
	return "?"
}

// TestModelHolds goes through every interleaving of small scenes.
func TestModelHolds(t *testing.T) {
	for name, s := range map[string]scene{
		"two writers, two readers": {tags: 1, writers: 2, readers: 2, reads: 1},
		"two tags":                 {tags: 2, writers: 2, readers: 2, reads: 1},
		"three readers, flights":   {tags: 1, writers: 1, readers: 3, reads: 1},
		"reading twice":            {tags: 1, writers: 1, readers: 2, reads: 2},
		"no flights":               {plant: plant{alone: true}, tags: 1, writers: 1, readers: 3, reads: 1},
		"leaders that fail":        {plant: plant{leaderFails: true}, tags: 1, writers: 1, readers: 2, reads: 2},
		"unknown outcome, held":    {plant: plant{unknown: true, hold: true}, tags: 1, writers: 1, readers: 2, reads: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if underRace {
				if violation := wander(s.build, 1, 1000); violation != "" {
					t.Error(violation)
				}
				return
			}
			states, violation := explore(s.build)
			if violation != "" {
				t.Error(violation)
			}
			if states < 1000 {
				t.Errorf("only %d states: the scene is not played", states)
			}
			t.Logf("%d states", states)
		})
	}
}

// TestModelCatches plants what the protocol forbids; each must be caught, or
// the model would not catch it in the code either.
func TestModelCatches(t *testing.T) {
	for name, s := range map[string]scene{
		"sample after the read":         {plant: plant{lateSample: true}, tags: 1, writers: 1, readers: 2, reads: 1},
		"flights joined always":         {plant: plant{joinAlways: true}, tags: 1, writers: 1, readers: 3, reads: 1},
		"flights joined while pending":  {plant: plant{joinPending: true}, tags: 1, writers: 1, readers: 3, reads: 1},
		"stored and served pending":     {plant: plant{usePending: true}, tags: 1, writers: 1, readers: 3, reads: 1},
		"no intent":                     {plant: plant{noIntent: true, alone: true}, tags: 1, writers: 1, readers: 3, reads: 1},
		"completed before the commit":   {plant: plant{completeEarly: true}, tags: 1, writers: 1, readers: 2, reads: 1},
		"any entry served":              {plant: plant{serveAny: true}, tags: 1, writers: 1, readers: 2, reads: 1},
		"flights left open":             {plant: plant{leaderFails: true, neverFinish: true}, tags: 1, writers: 0, readers: 2, reads: 1},
		"unknown outcome, not held":     {plant: plant{unknown: true}, tags: 1, writers: 1, readers: 2, reads: 1},
		"fill from an old snapshot":     {plant: plant{txFill: true}, tags: 1, writers: 1, readers: 1, reads: 1},
		"sample after the read, 2 tags": {plant: plant{lateSample: true}, tags: 2, writers: 1, readers: 1, reads: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, violation := explore(s.build); violation == "" {
				t.Error("not caught")
			} else {
				t.Log(violation)
			}
		})
	}
}

// TestModelWanders takes random paths through a scene too large to exhaust.
func TestModelWanders(t *testing.T) {
	seed := rand.Uint64()
	s := scene{plant: plant{leaderFails: true, unknown: true, hold: true}, tags: 3, writers: 3, readers: 5, reads: 3}
	if violation := wander(s.build, seed, 3000); violation != "" {
		t.Errorf("seed %d: %s", seed, violation)
	}
}

// number is a result: how many commits it has seen.
type number int

func (number) Size() int64 { return 8 }

var background = context.Background()
