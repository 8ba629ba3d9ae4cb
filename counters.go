package querycache

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"gorm.io/gorm"
)

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

// causes counts what is told apart by a text from a short list.
type causes[C ~string] struct{ m sync.Map } // C → *counter

func (c *causes[C]) add(cause C) {
	n, ok := c.m.Load(cause)
	if !ok {
		n, _ = c.m.LoadOrStore(cause, &counter{})
	}
	n.(*counter).add()
}

func (c *causes[C]) read() map[C]uint64 {
	out := map[C]uint64{}
	c.m.Range(func(cause, n any) bool {
		out[cause.(C)] = n.(*counter).sum()
		return true
	})
	return out
}

// slot is what one read is counted as.
type slot uint8

const (
	slotHit slot = iota
	slotStale
	slotShared
	slotMiss
	slotBypass
	slotError
	slots = 8 // one cache line of them
)

func slotOf(o Outcome) slot {
	switch o {
	case OutcomeHit:
		return slotHit
	case OutcomeStale:
		return slotStale
	case OutcomeShared:
		return slotShared
	case OutcomeMiss:
		return slotMiss
	case OutcomeBypass:
		return slotBypass
	}
	return slotError
}

// tally counts reads by slot. One stripe is one cache line.
type tally struct {
	stripes [stripes][slots]atomic.Uint64
}

func (t *tally) add(s slot) { t.stripes[rand.Uint32()%stripes][s].Add(1) }

func (t *tally) sum(into *[slots]uint64) {
	for i := range t.stripes {
		for s := range t.stripes[i] {
			into[s] += t.stripes[i][s].Load()
		}
	}
}

// operationKind is what the program called, as far as a statement shows it.
type operationKind uint8

const (
	opFind operationKind = iota
	opFirst
	opCount
	opPluck
	opRows
	opRow
	opFetch
	operations
)

var operationNames = [operations]string{"find", "first", "count", "pluck", "rows", "row", fetchOperation}

// String names the operation as keys and Stats do.
func (o operationKind) String() string { return operationNames[o] }

func operationOf(db *gorm.DB, f form) operationKind {
	switch f {
	case formRows:
		return opRows
	case formRow:
		return opRow
	}
	stmt := db.Statement
	if _, scalar := stmt.Dest.(*int64); scalar {
		return opCount
	}
	if stmt.RaiseErrorOnNotFound {
		return opFirst
	}
	if stmt.ReflectValue.Kind() == reflect.Slice {
		elem := stmt.ReflectValue.Type().Elem()
		if plain := stmt.Schema != nil && elem == stmt.Schema.ModelType; !plain && !isRecord(elem) {
			return opPluck
		}
	}
	return opFind
}

// tableCounters counts the reads of one table, by operation. Everything that
// is counted of all reads is the sum over them, so that a read is counted by
// one addition.
type tableCounters struct {
	table string
	by    [operations]atomic.Pointer[tally]
}

func (t *tableCounters) add(op operationKind, s slot) {
	n := t.by[op].Load()
	if n == nil {
		t.by[op].CompareAndSwap(nil, new(tally))
		n = t.by[op].Load()
	}
	n.add(s)
}

const (
	// maxTables bounds the tables that are told apart.
	maxTables = 1024
	// otherTables is the name under which the rest is counted, noTable that of
	// reads of which no table is known.
	otherTables = "(other)"
	noTable     = "(none)"
)

// tableIndex finds the counters of a table without a lock: the map is copied
// when a table is added.
type tableIndex struct {
	mu sync.Mutex
	m  atomic.Pointer[map[string]*tableCounters]
	// known spares hashing the name: a model's is one and the same string in
	// every statement. A known string is kept, so that no other one can come to
	// its address. The first to claim a place keeps it.
	known [64]atomic.Pointer[knownTable]
}

type knownTable struct {
	name string
	*tableCounters
}

func (x *tableIndex) of(table string) *tableCounters {
	at := uintptr(unsafe.Pointer(unsafe.StringData(table)))
	place := &x.known[(at>>4^at>>10)%uintptr(len(x.known))]
	k := place.Load()
	if k != nil && len(k.name) == len(table) && unsafe.StringData(k.name) == unsafe.StringData(table) {
		return k.tableCounters
	}
	t := x.find(table)
	if k == nil && t.table != otherTables {
		place.CompareAndSwap(nil, &knownTable{table, t})
	}
	return t
}

func (x *tableIndex) find(table string) *tableCounters {
	if m := x.m.Load(); m != nil {
		if t := (*m)[table]; t != nil {
			return t
		}
	}
	return x.add(table)
}

func (x *tableIndex) add(table string) *tableCounters {
	x.mu.Lock()
	defer x.mu.Unlock()
	var old map[string]*tableCounters
	if m := x.m.Load(); m != nil {
		old = *m
	}
	if len(old) >= maxTables {
		table = otherTables
	}
	if t := old[table]; t != nil {
		return t
	}
	next := make(map[string]*tableCounters, len(old)+1)
	for k, v := range old {
		next[k] = v
	}
	t := &tableCounters{table: strings.Clone(table)}
	next[t.table] = t
	x.m.Store(&next)
	return t
}

func (x *tableIndex) each(f func(*tableCounters)) {
	if m := x.m.Load(); m != nil {
		for _, t := range *m {
			f(t)
		}
	}
}

// counters are what Stats is read from.
type counters struct {
	reads     tableIndex
	bypassed  causes[Reason]
	stores    counter
	outdated  counter
	rejected  causes[Rejection]
	database  latency
	inFlight  atomic.Int64
	refreshes struct{ started, ended, failed counter }
	// tierErrors are panics of the first tier.
	tierErrors counter
	writes     writeCounters
	observers  observers
}

// stored, overtaken and reject count what became of a result that was read to
// be stored.
func (c *counters) stored()            { c.stores.add() }
func (c *counters) overtaken()         { c.outdated.add() }
func (c *counters) reject(r Rejection) { c.rejected.add(r) }

// asked counts a read of the database for the cache's sake, from just before
// it is sent. The caller calls answered on it once.
func (c *counters) asked() asking {
	c.inFlight.Add(1)
	return asking{c, time.Now()}
}

type asking struct {
	c     *counters
	began time.Time
}

// answered ends it, with an error or without: when the rows were read, or, for
// Row and Rows, when the database has sent the first.
func (a asking) answered() {
	a.c.inFlight.Add(-1)
	a.c.database.note(time.Since(a.began))
}
