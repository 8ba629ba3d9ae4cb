package testdb

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Op is one kind of call to the driver.
type Op uint8

// The calls that are counted and that hooks see.
const (
	OpConnect   Op = iota // a new connection to the database
	OpPing                // Ping on a connection
	OpPrepare             // a statement prepared
	OpQuery               // a query sent, prepared or not
	OpExec                // an exec sent, prepared or not
	OpBegin               // a transaction begun
	OpCommit              // a transaction committed
	OpRollback            // a transaction rolled back
	OpNext                // one row asked for
	OpRowsClose           // the rows of a query closed
	opCount
)

var opNames = [opCount]string{
	"connect", "ping", "prepare", "query", "exec", "begin", "commit", "rollback", "next", "rows close",
}

func (o Op) String() string {
	if o < opCount {
		return opNames[o]
	}
	return fmt.Sprintf("op %d", uint8(o))
}

// Event is one call to the driver.
type Event struct {
	Op   Op
	SQL  string // empty for calls that have none
	Conn int64  // number of the connection, from 1 in the order in which they were opened; 0 for OpConnect
}

// Hooks interfere with calls to the driver. They run on the goroutine that makes the call and may
// block. They may be called concurrently.
type Hooks struct {
	// Before runs before the real call. An error it returns is the call's result, and the real call is
	// not made. A transaction whose COMMIT or ROLLBACK is failed so is rolled back.
	Before func(ctx context.Context, ev Event) error
	// After runs after the real call with its error; what it returns is the call's error. Where it turns
	// a success into a failure, rows and statements that the call gave are closed; a COMMIT failed so has
	// happened.
	After func(ctx context.Context, ev Event, err error) error
}

// Counts says how many calls reached the driver, whether they failed or not.
type Counts struct {
	Connects, Pings, Prepares, Queries, Execs, Begins, Commits, Rollbacks int
	RowsOpened, RowsClosed                                                int
}

// Sub returns c less earlier, field by field.
func (c Counts) Sub(earlier Counts) Counts {
	return Counts{
		Connects: c.Connects - earlier.Connects, Pings: c.Pings - earlier.Pings,
		Prepares: c.Prepares - earlier.Prepares, Queries: c.Queries - earlier.Queries,
		Execs: c.Execs - earlier.Execs, Begins: c.Begins - earlier.Begins,
		Commits: c.Commits - earlier.Commits, Rollbacks: c.Rollbacks - earlier.Rollbacks,
		RowsOpened: c.RowsOpened - earlier.RowsOpened, RowsClosed: c.RowsClosed - earlier.RowsClosed,
	}
}

// Recorder counts the calls of one pool of connections and holds its hooks. It is safe for
// concurrent use.
type Recorder struct {
	counts     [opCount]atomic.Int64
	rowsOpened atomic.Int64
	conns      atomic.Int64
	hooks      atomic.Pointer[Hooks]

	mu     sync.Mutex
	events []Event // of queries, execs, begins, commits and rollbacks, since the last Reset
}

// SetHooks sets the hooks in force from now on. SetHooks(Hooks{}) takes them away.
func (r *Recorder) SetHooks(h Hooks) { r.hooks.Store(&h) }

// Counts returns the counts since the recorder was made or last reset.
func (r *Recorder) Counts() Counts {
	n := func(op Op) int { return int(r.counts[op].Load()) }
	return Counts{
		Connects: n(OpConnect), Pings: n(OpPing), Prepares: n(OpPrepare), Queries: n(OpQuery), Execs: n(OpExec),
		Begins: n(OpBegin), Commits: n(OpCommit), Rollbacks: n(OpRollback),
		RowsOpened: int(r.rowsOpened.Load()), RowsClosed: n(OpRowsClose),
	}
}

// Queries is short for Counts().Queries.
func (r *Recorder) Queries() int { return int(r.counts[OpQuery].Load()) }

// OpenRows returns how many row sets are open now. Reset does not change it.
func (r *Recorder) OpenRows() int {
	return int(r.rowsOpened.Load() - r.counts[OpRowsClose].Load())
}

// Events returns the queries, execs, begins, commits and rollbacks since the last Reset, in the order in
// which they were sent.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Event(nil), r.events...)
}

// SQL returns the texts of the queries and execs since the last Reset, in the order in which
// they were sent.
func (r *Recorder) SQL() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var texts []string
	for _, ev := range r.events {
		if ev.Op == OpQuery || ev.Op == OpExec {
			texts = append(texts, ev.SQL)
		}
	}
	return texts
}

// Reset sets all counts to zero and forgets the events. Hooks stay. Row sets open at the time stay
// counted as open.
func (r *Recorder) Reset() {
	open := int64(r.OpenRows())
	for i := range r.counts {
		r.counts[i].Store(0)
	}
	r.rowsOpened.Store(open)
	r.mu.Lock()
	r.events = nil
	r.mu.Unlock()
}

func (r *Recorder) before(ctx context.Context, ev Event) error {
	if h := r.hooks.Load(); h != nil && h.Before != nil {
		return h.Before(ctx, ev)
	}
	return nil
}

func (r *Recorder) after(ctx context.Context, ev Event, err error) error {
	if h := r.hooks.Load(); h != nil && h.After != nil {
		return h.After(ctx, ev, err)
	}
	return err
}

// sent counts a call at the moment it goes down.
func (r *Recorder) sent(ev Event) {
	r.counts[ev.Op].Add(1)
	switch ev.Op {
	case OpQuery, OpExec, OpBegin, OpCommit, OpRollback:
		r.mu.Lock()
		r.events = append(r.events, ev)
		r.mu.Unlock()
	default:
	}
}

// unsent takes back a call that the driver declined.
func (r *Recorder) unsent(ev Event) {
	r.counts[ev.Op].Add(-1)
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := len(r.events) - 1; i >= 0; i-- {
		if r.events[i] == ev {
			r.events = append(r.events[:i], r.events[i+1:]...)
			return
		}
	}
}
