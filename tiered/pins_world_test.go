package tiered

import (
	"fmt"
	"time"

	"github.com/gorm-querycache/querycache/invalidation"
)

// The model of record pins: as the model of writers and readers, over the real
// Cache and the real Stamps, with a table of two records and others as
// database. Readers of all rows depend on the set, readers of certain records
// on these if they found them all, on the set too if not. What must hold:
//
//   - a read never returns any row as it was before a write that had completed,
//     or had been returned by a read, before it began;
//   - at rest, no valid entry is other than the database;
//   - nobody waits for a flight that nobody ends;
//   - where that is asked: a write to one record leaves the entry of the other.

// row is one of the two records, or all others.
type row int

const (
	row1 row = iota
	row2
	others
	rowCount
)

// The tags of the model's table, each in a slot of its own. The record's tags
// are tagRow1 and tagRow1+1.
const (
	tagDB invalidation.Slot = iota
	tagTable
	tagRow1
	tagRow2
	tagSet
)

func tagOf(r row) invalidation.Slot { return tagRow1 + invalidation.Slot(r) }

// pinPlant is a mistake built into the steps.
type pinPlant struct {
	narrowAbsent  bool // what lacks a record is kept as if it depended on the core alone
	narrowSome    bool // so is what found one of several
	noSet         bool // a pinned reader does not sample the set
	usePending    bool // results are stored and served while an intent is pending on their tags
	wideByCore    bool // the same, if it is not on the core
	joinByCore    bool // flights are joined under equal cores, whatever they will find
	lateSample    bool // the reader samples after it has read
	completeEarly bool // a write completes before its commit
	insertNoSet   bool // an insert touches the record it makes, not the set
	updateNoSet   bool // an update touches the record alone
	updateNoRow   bool // an update touches the set alone
	deleteNoRow   bool // a deletion touches the set alone
	bulkNoTable   bool // a write to unknown records touches the set alone
}

// pinScene says who takes part.
type pinScene struct {
	pinPlant
	absent   []row        // what is not there at first
	writers  [][]change   // each makes its changes one after the other
	readers  []pinnedRead // each reads so often
	backward bool         // writes touch their tags in the other order
	pays     bool         // nothing touches record 1: what is cached of it must stay
}

// change is what a write does to rows.
type change struct {
	verb string // "update", "insert", "delete", "bulk"
	row  row    // of all but "bulk"
}

// pinnedRead is a query for certain records, or for all rows if for none, with
// how often it is made.
type pinnedRead struct {
	rows  []row
	times int
}

func (q pinnedRead) key() string { return fmt.Sprint("rows", q.rows) }

// slots are the tags of the query, and how many of them are core.
func (q pinnedRead) slots(w *pinWorld) (slots []invalidation.Slot, core int) {
	if len(q.rows) == 0 {
		return []invalidation.Slot{tagDB, tagSet}, 2
	}
	slots = []invalidation.Slot{tagDB, tagTable}
	for _, r := range q.rows {
		slots = append(slots, tagOf(r))
	}
	if w.noSet {
		return slots, len(slots)
	}
	return append(slots, tagSet), len(slots)
}

// sight is a result: for each row that was asked for, the commit that changed it
// last, and whether it is there.
type sight struct {
	at    [rowCount]int
	there [rowCount]bool
}

func (sight) Size() int64 { return 8 }

func (v sight) state(b []byte) []byte {
	for r := range v.at {
		b = append(b, byte(v.at[r])<<1)
		if v.there[r] {
			b[len(b)-1]++
		}
	}
	return b
}

// pinWorld is what the actors share.
type pinWorld struct {
	pinScene
	cache  *Cache
	stamps *invalidation.Stamps
	l1     mapTier
	actors []actor[*pinWorld]

	db      sight
	commits int
	floor   [rowCount]int // what a read that begins now must not be older than

	// The words under which entries and flights were made: a sample does not
	// show them.
	entryWords  map[*Entry]string
	flightWords map[*Flight]string

	report
}

func (s pinScene) build() stage {
	st := invalidation.NewStamps(3)
	l1 := mapTier{}
	w := &pinWorld{
		pinScene: s, stamps: st, l1: l1, entryWords: map[*Entry]string{}, flightWords: map[*Flight]string{},
		cache: New(Config{}, st, l1, func() time.Time { return time.Time{} }),
	}
	for r := range w.db.there {
		w.db.there[r] = true
	}
	for _, r := range s.absent {
		w.db.there[r] = false
	}
	for i, changes := range s.writers {
		w.actors = append(w.actors, newPinWriter(w, i, changes))
	}
	for i, q := range s.readers {
		slots, core := q.slots(w)
		w.actors = append(w.actors, &pinReader{id: i, query: q, key: q.key(), slots: slots, core: core, left: q.times})
	}
	return w
}

func (w *pinWorld) choices() []choice { return choices(w, w.actors) }

func (w *pinWorld) run(path []choice) {
	for _, c := range path {
		run(w, w.actors, []choice{c})
		if w.pays {
			w.payOff()
		}
	}
}

// payOff checks that what is cached of record 1 alone is valid.
func (w *pinWorld) payOff() {
	q := pinnedRead{rows: []row{row1}}
	if w.l1[q.key()] == nil {
		return
	}
	slots, core := q.slots(w)
	sm := w.cache.SampleCore(slots, core)
	if _, ok := w.cache.Get([]byte(q.key()), &sm); !ok {
		w.bad = "the entry of record 1 died of a write to others"
	}
}

// see is what a query finds in the database.
func (w *pinWorld) see(q pinnedRead) (v sight) {
	if len(q.rows) == 0 {
		return w.db
	}
	for _, r := range q.rows {
		v.at[r], v.there[r] = w.db.at[r], w.db.there[r]
	}
	return v
}

// older tells whether a result of q shows a row as it was before the floor.
func older(q pinnedRead, v sight, floor [rowCount]int) bool {
	rows := q.rows
	if len(rows) == 0 {
		rows = []row{row1, row2, others}
	}
	for _, r := range rows {
		if v.at[r] < floor[r] {
			return true
		}
	}
	return false
}

func (w *pinWorld) raise(at [rowCount]int) {
	for r, v := range at {
		w.floor[r] = max(w.floor[r], v)
	}
}

func (w *pinWorld) atRest() {
	if !rest(w.actors) {
		w.bad = "somebody waits for ever"
		return
	}
	for _, q := range w.readers {
		slots, core := q.slots(w)
		sm := w.cache.SampleCore(slots, core)
		if e, ok := w.cache.Get([]byte(q.key()), &sm); ok && e.Result.(sight) != w.see(q) {
			w.bad = fmt.Sprintf("a valid entry of %v is left, the database has %v", e.Result, w.see(q))
		}
	}
}

func (w *pinWorld) state() string {
	b := make([]byte, 0, 256)
	b = w.db.state(append(b, byte(w.commits)))
	for _, v := range w.floor {
		b = append(b, byte(v))
	}
	b = words(b, w.stamps, []invalidation.Slot{tagTable, tagRow1, tagRow2, tagSet})
	done := ""
	for _, q := range w.readers {
		if q.key() == done {
			continue
		}
		done = q.key()
		b = append(b, '/')
		if e := w.l1[done]; e != nil {
			b = append(e.Result.(sight).state(append(b, 'e')), w.entryWords[e]...)
		}
		if f := w.cache.flights.m[done]; f != nil {
			b = append(append(b, 'f'), w.flightWords[f]...)
		}
	}
	for _, a := range w.actors {
		b = append(b, '|')
		b = a.state(w, b)
	}
	return string(b)
}
