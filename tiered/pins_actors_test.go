package tiered

import (
	"slices"

	"github.com/gorm-querycache/querycache/invalidation"
)

// pinWriter makes its changes one after the other: it places the intents tag
// by tag, commits, and completes tag by tag; with the last of it, it returns.
type pinWriter struct {
	id    int
	steps []func(w *pinWorld)
	pc    int
	made  sight // what its last commit changed
}

func newPinWriter(w *pinWorld, id int, changes []change) *pinWriter {
	x := &pinWriter{id: id}
	for _, c := range changes {
		x.plan(w, c)
	}
	return x
}

// touched are the tags of a change.
func (c change) touched(w *pinWorld) []invalidation.Slot {
	set, record := []invalidation.Slot{tagSet}, []invalidation.Slot{}
	if c.row < others {
		record = append(record, tagOf(c.row))
	}
	switch {
	case c.verb == "bulk" && w.bulkNoTable, c.verb == "insert" && !w.insertNoSet,
		c.verb == "update" && w.updateNoRow, c.verb == "delete" && w.deleteNoRow:
		return set
	case c.verb == "bulk":
		return append(set, tagTable)
	case c.verb == "insert", c.verb == "update" && w.updateNoSet:
		return record
	}
	return append(set, record...)
}

func (x *pinWriter) plan(w *pinWorld, c change) {
	slots := c.touched(w)
	if w.backward {
		slices.Reverse(slots)
	}
	var intents, completions []func(*pinWorld)
	for i := range slots {
		one := slots[i : i+1]
		intents = append(intents, func(w *pinWorld) {
			w.stamps.Intent(one)
			w.tell("W%d places its intent to %s on tag %d", x.id, c.verb, one[0])
		})
		completions = append(completions, func(w *pinWorld) {
			w.stamps.Complete(one)
			w.tell("W%d completes tag %d", x.id, one[0])
		})
	}
	rest := append([]func(*pinWorld){func(w *pinWorld) { x.commit(w, c) }}, completions...)
	if w.completeEarly {
		rest = append(rest[1:], rest[0])
	}
	last := rest[len(rest)-1]
	rest[len(rest)-1] = func(w *pinWorld) {
		last(w)
		w.raise(x.made.at)
		w.tell("W%d returns; row by row, v%v are completed", x.id, w.floor)
	}
	x.steps = append(append(x.steps, intents...), rest...)
}

// commit changes the rows that are there, or makes one that is not.
func (x *pinWriter) commit(w *pinWorld, c change) {
	x.made = sight{}
	w.commits++
	for r := range rowCount {
		if c.verb != "bulk" && r != c.row {
			continue
		}
		fits := w.db.there[r]
		if c.verb == "insert" && r != others {
			fits = !fits
		}
		if fits {
			w.db.at[r], w.db.there[r] = w.commits, c.verb != "delete"
			x.made.at[r] = w.commits
		}
	}
	w.tell("W%d commits v%d: %s of row %d; the rows are %v", x.id, w.commits, c.verb, c.row+1, w.db)
}

func (x *pinWriter) options(*pinWorld) int {
	if x.rest() {
		return 0
	}
	return 1
}

func (x *pinWriter) step(w *pinWorld, _ int) {
	do := x.steps[x.pc]
	x.pc++
	do(w)
}

func (x *pinWriter) rest() bool { return x.pc == len(x.steps) }

func (x *pinWriter) state(_ *pinWorld, b []byte) []byte {
	if x.rest() {
		return append(b, '.')
	}
	return x.made.state(append(b, byte(x.pc)))
}

// The steps of a pinned reader. It begins when it samples and returns as soon
// as it has its answer: to begin earlier or to return later would allow more.
const (
	pSample = iota
	pGet
	pJoin
	pWait
	pRead
	pStore
	pFinish
)

// pinReader samples, looks, joins or leads, reads, stores and returns.
type pinReader struct {
	id    int
	query pinnedRead
	key   string
	slots []invalidation.Slot
	core  int
	left  int

	pc     int
	floor  [rowCount]int
	found  sight
	sm     invalidation.Sample
	words  string
	flight *Flight
	leads  bool
	entry  *Entry
}

func (r *pinReader) rest() bool { return r.pc == pSample && r.left == 0 }

func (r *pinReader) options(*pinWorld) int {
	switch {
	case r.rest():
		return 0
	case r.pc == pWait:
		select {
		case <-r.flight.done:
		default:
			return 0
		}
	}
	return 1
}

func (r *pinReader) step(w *pinWorld, _ int) {
	aKey := []byte(r.key)
	switch r.pc {
	case pSample:
		r.left--
		r.floor = w.floor
		r.sample(w)
		r.pc = pGet
	case pGet:
		e, ok := w.cache.Get(aKey, &r.sm)
		if any := w.l1[r.key]; any != nil && (w.usePending || w.wideByCore) && any.sample.Holds(&r.sm) {
			e, ok = any, true
		}
		switch {
		case ok:
			r.answer(w, e.Result.(sight), "from the cache")
		case r.sm.CorePending():
			w.tell("R%d finds nothing, and reads for itself", r.id)
			r.pc = pRead
		default:
			w.tell("R%d finds nothing", r.id)
			r.pc = pJoin
		}
	case pJoin:
		r.join(w, aKey)
	case pWait:
		e, err := r.flight.Wait(background)
		if err != nil || e == nil {
			w.bad = "a follower got nothing"
			return
		}
		r.answer(w, e.Result.(sight), "from a flight")
	case pRead:
		r.found = w.see(r.query)
		w.tell("R%d reads %v", r.id, r.found)
		r.pc = pStore
	case pStore:
		r.store(w, aKey)
	case pFinish:
		r.flight.Finish(r.entry)
		r.answer(w, r.found, "from the database")
	}
}

func (r *pinReader) sample(w *pinWorld) {
	r.sm = w.cache.SampleCore(r.slots, r.core)
	r.words = string(words(nil, w.stamps, r.slots))
	w.tell("R%d begins; it must see %v; it samples, pending %v, of the core %v", r.id, r.floor, r.sm.Pending(), r.sm.CorePending())
}

func (r *pinReader) join(w *pinWorld, aKey []byte) {
	have := w.cache.flights.m[r.key]
	switch {
	case w.joinByCore && have != nil && w.flightWords[have][1:1+2*r.core] == r.words[:2*r.core]:
		r.flight, r.leads = have, false
	case w.joinByCore:
		r.flight, r.leads = w.cache.flights.join(r.key, &r.sm)
	default:
		r.flight, r.leads = w.cache.Join(aKey, &r.sm)
	}
	if r.leads {
		w.flightWords[r.flight] = string(byte('0'+r.id)) + r.words
		w.tell("R%d leads a flight", r.id)
		r.pc = pRead
		return
	}
	w.tell("R%d waits for a flight", r.id)
	r.pc = pWait
}

// narrow tells whether the reader takes what it found for all it asked for.
func (r *pinReader) narrow(w *pinWorld) bool {
	all, some := len(r.query.rows) > 0, false
	for _, n := range r.query.rows {
		all = all && r.found.there[n]
		some = some || r.found.there[n]
	}
	return all || w.narrowSome && some || w.narrowAbsent && len(r.query.rows) > 0
}

func (r *pinReader) store(w *pinWorld, aKey []byte) {
	if w.lateSample {
		r.sample(w)
	}
	narrow := r.narrow(w)
	r.entry = w.cache.Make(r.found, &r.sm, Making{Narrow: narrow})
	under := r.words
	if narrow {
		under = under[:2*r.core]
	}
	w.entryWords[r.entry] = under
	out := w.cache.Store(aKey, r.entry, r.flight)
	if out == Outdated && (w.usePending && r.sm.Pending() || w.wideByCore && r.sm.Pending() && !r.sm.CorePending()) {
		w.l1.Set(r.key, r.entry)
	}
	w.tell("R%d offers %v, narrow %v: %d", r.id, r.found, narrow, out)
	if w.pays && narrow && slices.Equal(r.query.rows, []row{row1}) && out != Stored {
		w.bad = "what is narrow was not stored, though its record did not change"
	}
	if r.flight == nil {
		r.answer(w, r.found, "from the database")
		return
	}
	r.pc = pFinish
}

// answer ends a read.
func (r *pinReader) answer(w *pinWorld, v sight, from string) {
	w.tell("R%d returns %v %s", r.id, v, from)
	if older(r.query, v, r.floor) {
		w.bad = "a read returned what was old before it began"
	}
	w.raise(v.at)
	*r = pinReader{id: r.id, query: r.query, key: r.key, slots: r.slots, core: r.core, left: r.left}
}

func (r *pinReader) state(w *pinWorld, b []byte) []byte {
	b = append(b, byte(r.pc), byte(r.left))
	if r.pc == pSample {
		return b
	}
	for _, v := range r.floor {
		b = append(b, byte(v))
	}
	b = r.found.state(append(b, r.words...))
	f := r.flight
	if f == nil {
		return b
	}
	b = append(append(b, 'f'), w.flightWords[f]...)
	if w.cache.flights.m[r.key] == f {
		b = append(b, 'r')
	}
	select {
	case <-f.done:
		b = f.entry.Result.(sight).state(append(b, 'd'))
	default:
	}
	return b
}
