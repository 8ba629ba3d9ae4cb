package tiered

import (
	"github.com/gorm-querycache/querycache/invalidation"
)

// writer places its intents tag by tag, commits, completes tag by tag and
// returns. The first touches every tag, the others the last only.
type writer struct {
	id      int
	slots   []invalidation.Slot
	steps   []func(w *world, option int)
	pc      int
	version int // what it committed
	orphan  bool
}

func newWriter(w *world, id int) *writer {
	x := &writer{id: id, slots: w.slots}
	if id > 0 {
		x.slots = w.slots[len(w.slots)-1:]
	}
	var completions []func(*world, int)
	for i := range x.slots {
		one := x.slots[i : i+1]
		if !w.noIntent {
			x.steps = append(x.steps, func(w *world, _ int) {
				w.stamps.Intent(one)
				w.tell("W%d places its intent on tag %d", id, one[0])
			})
		}
		completions = append(completions, func(w *world, _ int) {
			if w.noIntent {
				w.stamps.Bump(one)
			} else {
				w.stamps.Complete(one)
			}
			w.tell("W%d completes tag %d", id, one[0])
		})
	}
	commit := []func(*world, int){x.commit}
	if w.completeEarly {
		commit, completions = completions, commit
	}
	x.steps = append(append(x.steps, commit...), completions...)
	x.steps = append(x.steps, func(w *world, _ int) {
		w.completed = max(w.completed, x.version)
		w.tell("W%d returns; v%d is completed", id, w.completed)
	})
	return x
}

func (x *writer) commit(w *world, option int) {
	switch option {
	case 0:
		w.db++
		x.version = w.db
		w.tell("W%d commits v%d", x.id, w.db)
	case 1:
		w.tell("W%d is told that its commit failed", x.id)
	case 2:
		w.late++
		x.orphan = true
		w.tell("W%d loses the connection while it commits", x.id)
	}
}

func (x *writer) atCommit(w *world) bool {
	n := len(x.slots)
	switch {
	case w.completeEarly:
		return x.pc == 2*n
	case w.noIntent:
		return x.pc == 0
	}
	return x.pc == n
}

func (x *writer) options(w *world) int {
	switch {
	case x.rest(), x.orphan && w.hold && w.late > 0:
		return 0
	case x.atCommit(w) && w.unknown:
		return 3
	case x.atCommit(w):
		return 2
	}
	return 1
}

func (x *writer) step(w *world, option int) {
	do := x.steps[x.pc]
	x.pc++
	do(w, option)
}

func (x *writer) rest() bool { return x.pc == len(x.steps) }

func (x *writer) state(_ *world, b []byte) []byte {
	if x.rest() {
		return append(b, '.')
	}
	return append(b, byte(x.pc), byte(x.version))
}

// orphans is the database that applies commits whose writers have gone.
type orphans struct{}

func (orphans) options(w *world) int            { return min(w.late, 1) }
func (orphans) rest() bool                      { return true }
func (orphans) state(_ *world, b []byte) []byte { return b }
func (orphans) step(w *world, _ int)            { w.late--; w.db++; w.tell("the database applies v%d", w.db) }

// snapshotTx reads in a transaction and stores what it saw.
type snapshotTx struct {
	pc, version int
	sm          invalidation.Sample
	words       string
}

func (x *snapshotTx) options(*world) int {
	if x.rest() {
		return 0
	}
	return 1
}

func (x *snapshotTx) rest() bool { return x.pc == 3 }

func (x *snapshotTx) step(w *world, _ int) {
	switch x.pc {
	case 0:
		x.version = w.db
		w.tell("T takes its snapshot, v%d", w.db)
	case 1:
		x.sm = w.cache.Sample(w.slots)
		x.words = string(words(nil, w.stamps, w.slots))
		w.tell("T samples")
	case 2:
		out := w.cache.Store([]byte(modelKey), w.cache.Make(number(x.version), &x.sm, Making{}), nil)
		w.tell("T offers v%d: %d", x.version, out)
	}
	x.pc++
}

func (x *snapshotTx) state(_ *world, b []byte) []byte {
	b = append(b, byte(x.pc), byte(x.version))
	return append(b, x.words...)
}

// The steps of a reader.
const (
	rBegin = iota
	rSample
	rGet
	rJoin
	rWait
	rRead
	rStore
	rReturn
	rDone
)

// reader samples, looks, joins or leads, reads, stores and returns.
type reader struct {
	id, left int
	pc       int
	floor    int // what its next answer must not be older than
	version  int
	sm       invalidation.Sample
	words    string
	flight   *Flight // led or waited for
	leads    bool
	entry    *Entry
	samples  map[string]*invalidation.Sample
}

// seen finds the words of a sample that this reader took.
func (r *reader) seen(sm *invalidation.Sample) (string, bool) {
	for words, have := range r.samples {
		if have.Equal(sm) {
			return words, true
		}
	}
	return "", false
}

func (r *reader) rest() bool { return r.pc == rBegin && r.left == 0 }

func (r *reader) options(w *world) int {
	switch {
	case r.rest():
		return 0
	case r.pc == rWait:
		select {
		case <-r.flight.done:
			return 1
		default:
			return 0
		}
	case r.pc == rRead && r.leads && w.leaderFails:
		return 2
	}
	return 1
}

func (r *reader) step(w *world, option int) {
	aKey := []byte(modelKey)
	switch r.pc {
	case rBegin:
		r.left--
		r.floor = max(w.completed, w.newest)
		w.tell("R%d begins; it must see v%d", r.id, r.floor)
		r.pc = rSample
	case rSample:
		r.sample(w)
		r.pc = rGet
	case rGet:
		e, ok := w.cache.Get(aKey, &r.sm)
		if any := w.l1[modelKey]; any != nil && (w.serveAny || w.usePending && any.sample.Equal(&r.sm)) {
			e, ok = any, true
		}
		switch {
		case ok:
			r.version = int(e.Result.(number))
			w.tell("R%d finds v%d", r.id, r.version)
			r.pc = rReturn
		case w.alone || r.sm.Pending() && !w.joinPending:
			r.pc = rRead
		default:
			r.pc = rJoin
		}
	case rJoin:
		r.join(w, aKey)
	case rWait:
		e, err := r.flight.Wait(background)
		if err != nil {
			w.bad = "a follower got an error: " + err.Error()
		}
		r.flight = nil
		if e == nil {
			w.tell("R%d gets nothing from the flight", r.id)
			r.pc = rRead
			break
		}
		r.version = int(e.Result.(number))
		w.tell("R%d is given v%d", r.id, r.version)
		r.pc = rReturn
	case rRead:
		r.pc = rStore
		if option == 1 {
			w.tell("R%d fails to read", r.id)
			r.fail(w)
			break
		}
		r.version = w.db
		w.tell("R%d reads v%d", r.id, r.version)
	case rStore:
		if w.lateSample {
			r.sample(w)
		}
		r.entry = w.cache.Make(number(r.version), &r.sm, Making{})
		out := w.cache.Store(aKey, r.entry, r.flight)
		if w.usePending && out == Outdated && r.sm.Pending() {
			w.l1.Set(modelKey, r.entry)
		}
		w.tell("R%d offers v%d: %d", r.id, r.version, out)
		r.pc = rReturn
	case rReturn:
		if r.leads {
			r.flight.Finish(r.entry)
		}
		w.tell("R%d returns v%d", r.id, r.version)
		if r.version < r.floor {
			w.bad = "a read returned what was old before it began"
		}
		w.newest = max(w.newest, r.version)
		r.clear()
	}
}

func (r *reader) sample(w *world) {
	r.sm = w.cache.Sample(w.slots)
	r.words = string(words(nil, w.stamps, w.slots))
	if r.samples == nil {
		r.samples = map[string]*invalidation.Sample{}
	}
	kept := r.sm
	r.samples[r.words] = &kept
	w.tell("R%d samples, pending %v", r.id, r.sm.Pending())
}

func (r *reader) join(w *world, aKey []byte) {
	switch have := w.cache.flights.m[modelKey]; {
	case w.joinAlways && have != nil:
		r.flight, r.leads = have, false
	case w.joinPending:
		r.flight, r.leads = w.cache.flights.join(modelKey, &r.sm)
	default:
		r.flight, r.leads = w.cache.Join(aKey, &r.sm)
	}
	if r.leads {
		w.leaders[r.flight] = r.id
		w.tell("R%d leads a flight", r.id)
		r.pc = rRead
		return
	}
	if _, ok := w.leaders[r.flight]; !ok {
		w.leaders[r.flight] = 100 // ended at once: an entry had come meanwhile
	}
	w.tell("R%d waits for the flight of R%d", r.id, w.leaders[r.flight])
	r.pc = rWait
}

// fail ends a read whose error is not the followers' affair.
func (r *reader) fail(w *world) {
	if !w.neverFinish {
		r.flight.Finish(nil)
	}
	r.clear()
}

func (r *reader) clear() {
	r.pc, r.floor, r.version, r.words = rBegin, 0, 0, ""
	r.flight, r.leads, r.entry = nil, false, nil
	r.sm = invalidation.Sample{}
}

func (r *reader) state(w *world, b []byte) []byte {
	b = append(b, byte(r.pc), byte(r.left), byte(r.floor), byte(r.version))
	b = append(b, r.words...)
	if f := r.flight; f != nil {
		b = append(b, 'f', byte(w.leaders[f]))
		if w.cache.flights.m[modelKey] == f {
			b = append(b, 'r')
		}
		b = append(b, sampleState(w, &f.sample)...)
		select {
		case <-f.done:
			b = append(b, 'd')
			if f.entry != nil {
				b = append(b, byte(f.entry.Result.(number)))
			}
		default:
		}
	}
	return b
}
