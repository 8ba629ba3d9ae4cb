package querycache

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/gorm-querycache/querycache/internal/txpool"
)

// InvalidationKind is what an invalidation came from.
type InvalidationKind string

// The kinds of invalidations. A transaction is one, when it commits; a
// statement without one is one.
const (
	InvalidationInsert = InvalidationKind(txpool.KindInsert)
	// InvalidationUpdate and InvalidationDelete are of records that are known
	// one by one.
	InvalidationUpdate = InvalidationKind(txpool.KindUpdate)
	InvalidationDelete = InvalidationKind(txpool.KindDelete)
	// InvalidationBulk is any other write to tables that are known, and a
	// transaction of writes of several kinds.
	InvalidationBulk = InvalidationKind(txpool.KindBulk)
	// InvalidationSchema changed tables, views, triggers and the like.
	InvalidationSchema = InvalidationKind(txpool.KindSchema)
	// InvalidationUnknown is of a write that could not be understood.
	InvalidationUnknown = InvalidationKind(txpool.KindUnknown)
	// InvalidationManual was asked for: InvalidateTags and its like.
	InvalidationManual InvalidationKind = "manual"
)

// WriteOutcome is what became of a write.
type WriteOutcome string

// The outcomes of a write.
const (
	WriteCommitted = WriteOutcome(txpool.OutcomeCommitted)
	// WriteFailed: the database refused it. What it would have changed was
	// invalidated nevertheless, since its marks come first.
	WriteFailed = WriteOutcome(txpool.OutcomeFailed)
	// WriteUnknown: nobody can tell whether it was done, because the
	// connection broke or the context ended. What it may have changed is not
	// cached for Config.OutcomeHold.
	WriteUnknown = WriteOutcome(txpool.OutcomeUnknown)
)

// InvalidationStats counts invalidations: writes through the plugin, and
// those asked for by hand. A rollback is none.
type InvalidationStats struct {
	// ByKind are all that were begun, by kind.
	ByKind map[InvalidationKind]uint64
	// Tags are how many places of tags the writes touched, in sum.
	Tags uint64
	// Failed are writes that the database refused and invalidations by hand
	// that returned an error, Unknown those whose
	// outcome nobody can tell.
	Failed, Unknown uint64
	// Pending are the writes under way now, Held those of unknown outcome
	// that keep what they touched uncached now.
	Pending, Held int
}

func (s InvalidationStats) sub(e InvalidationStats) InvalidationStats {
	s.ByKind = subCounts(s.ByKind, e.ByKind)
	s.Tags -= e.Tags
	s.Failed -= e.Failed
	s.Unknown -= e.Unknown
	return s
}

type writeCounters struct {
	kinds           causes[InvalidationKind]
	tags            atomic.Uint64
	failed, unknown atomic.Uint64
	pending, held   atomic.Int64
}

func (w *writeCounters) began(kind InvalidationKind, tags int) {
	w.kinds.add(kind)
	w.tags.Add(uint64(tags))
	w.pending.Add(1)
}

func (w *writeCounters) ended(o WriteOutcome) {
	w.pending.Add(-1)
	switch o {
	case WriteFailed:
		w.failed.Add(1)
	case WriteUnknown:
		w.unknown.Add(1)
	}
}

func (w *writeCounters) read() InvalidationStats {
	return InvalidationStats{
		ByKind: w.kinds.read(),
		Tags:   w.tags.Load(),
		Failed: w.failed.Load(), Unknown: w.unknown.Load(),
		Pending: int(w.pending.Load()), Held: int(w.held.Load()),
	}
}

// invalidating is one invalidation under way.
type invalidating struct {
	c     *counters
	shown *shown[InvalidationObserver, InvalidationStartData]
}

// invalidate counts an invalidation and tells its observers, before anything
// is touched by hand and after the marks of a write are placed.
func (c *counters) invalidate(ctx context.Context, data InvalidationStartData, tags int) invalidating {
	c.writes.began(data.Kind, tags)
	in := invalidating{c: c}
	if list := c.observers.invalidations; len(list) > 0 {
		data.Tables = slices.Clone(data.Tables) // a plan's own
		in.shown = show(ctx, list, data, InvalidationObserver.InvalidationStart)
	}
	return in
}

// ended tells how it ended. entries and err are of one by hand.
func (in invalidating) ended(o WriteOutcome, entries int, err error) {
	in.c.writes.ended(o)
	if in.shown == nil {
		return
	}
	data := InvalidationEndData{
		InvalidationStartData: in.shown.data, Outcome: o, Entries: entries, Err: err, Duration: in.shown.took(),
	}
	in.shown.end(func(o InvalidationObserver, ctx context.Context) { o.InvalidationEnd(ctx, data) })
}

// byHand runs an invalidation that was asked for, counts it and tells the
// observers. what says in words what is invalidated, such as "tags front,
// menu"; tables are those that are meant, all says that it is everything of the
// plugin. f returns how many entries died.
func (p *Plugin) byHand(ctx context.Context, what string, tables []string, all bool, f func() (int, error)) (int, error) {
	in := p.counters.invalidate(ctx, InvalidationStartData{
		Kind: InvalidationManual, What: what, Tables: tables, All: all,
	}, 0)
	outcome, n, err := WriteFailed, 0, error(nil)
	defer func() { in.ended(outcome, n, err) }() // a panic too
	if n, err = p.withTier(f); err == nil {
		outcome = WriteCommitted
	}
	return n, err
}

// withTier runs what walks through the first tier. Should that panic, being
// the program's own, the error says that not everything was done.
func (p *Plugin) withTier(f func() (int, error)) (n int, err error) {
	if p.cfg.L1 != nil {
		defer func() {
			if v := recover(); v != nil {
				p.tierPanicked("walk", v)
				err = fmt.Errorf("%w: it panicked: %v", ErrTier, v)
			}
		}()
	}
	return f()
}

// tierPanicked notes that the first tier, which is the program's own, panicked.
func (p *Plugin) tierPanicked(doing string, panicked any) {
	p.counters.tierErrors.add()
	p.tierTold.Do(func() {
		p.cfg.Logger.Error("querycache: the tier in Config.L1 panicked; queries go on without it, further panics are not logged",
			"doing", doing, "tier", fmt.Sprintf("%T", p.cfg.L1), "panic", fmt.Sprint(panicked))
	})
}

// listener tells the counters and the observers of the writes of one gate.
type listener struct{ c *counters }

// WriteStarted is called when the marks of a write are placed.
func (l listener) WriteStarted(ctx context.Context, e txpool.Event) any {
	in := l.c.invalidate(ctx, InvalidationStartData{
		Kind: InvalidationKind(e.Kind), Tables: e.Tables, Records: e.Records, All: e.All,
	}, e.Tags)
	return in.shown // a pointer, so that nothing is allocated if there is none
}

// WriteEnded is called when the outcome is known, or known to be unknown.
func (l listener) WriteEnded(state any, o txpool.Outcome) {
	if o == txpool.OutcomeUnknown {
		l.c.writes.held.Add(1)
	}
	in := invalidating{c: l.c}
	in.shown, _ = state.(*shown[InvalidationObserver, InvalidationStartData])
	in.ended(WriteOutcome(o), 0, nil)
}

// WriteReleased is called when the marks of a write of unknown outcome are
// gone.
func (l listener) WriteReleased(any) { l.c.writes.held.Add(-1) }
