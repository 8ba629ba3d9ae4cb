package txpool

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gorm-querycache/querycache/internal/analysis"
)

// Kind says what a write did, as far as that is known before it is sent.
type Kind string

// The kinds of writes.
const (
	KindInsert Kind = "insert"
	KindUpdate Kind = "update" // of records that are known one by one
	KindDelete Kind = "delete" // of records that are known one by one
	// KindBulk is any write whose records are not known one by one and that
	// is no insert, and a transaction of writes of several kinds.
	KindBulk   Kind = "bulk"
	KindSchema Kind = "schema change"
	// KindUnknown is a write of which not even the tables are known.
	KindUnknown Kind = "unknown extent"
)

// Event is a write that invalidates: an autocommit statement, or the COMMIT of
// a transaction with all that was written in it.
type Event struct {
	Kind   Kind
	Tables []string // folded, sorted; nil if All
	// Records is how many records are touched, 0 if they are not all known
	// one by one.
	Records int
	All     bool // everything in the database is touched
	Tags    int  // how many slots were marked
}

// Outcome is what became of a write.
type Outcome string

// The outcomes. After OutcomeUnknown the marks stay for the hold time.
const (
	OutcomeCommitted Outcome = "committed"
	OutcomeFailed    Outcome = "failed"
	OutcomeUnknown   Outcome = "unknown"
)

// Listener is told of writes, in this order: started, when its marks are
// placed and before it is sent; ended, when its outcome is known or known to be
// unknown, after the marks were taken away if they are; and after an unknown
// outcome released, when the marks are gone. What WriteStarted returns is
// handed to the others. Calls come from many goroutines.
type Listener interface {
	WriteStarted(ctx context.Context, e Event) (state any)
	WriteEnded(state any, o Outcome)
	WriteReleased(state any)
}

// Summary gathers what will be one Event. It is not safe for concurrent use.
// The zero value is empty.
type Summary struct {
	event   Event
	some    bool
	unknown bool // the records are not all known
}

// Add notes one write. verb is the statement's, in lower case; records is how
// many records it touches, negative if they are not known one by one.
func (s *Summary) Add(p *analysis.Plan, verb string, records int) {
	kind := kindOf(p, verb, records >= 0)
	switch e := &s.event; {
	case !s.some, rank(kind) > rank(e.Kind):
		e.Kind = kind
	case kind != e.Kind && rank(kind) == rank(e.Kind):
		e.Kind = KindBulk
	}
	s.some = true
	s.event.All = s.event.All || p.All
	switch {
	case len(s.event.Tables) == 0:
		s.event.Tables = p.Written // shared with the plan: never written to
	default:
		s.event.Tables = union(s.event.Tables, p.Written)
	}
	if s.unknown = s.unknown || records < 0; s.unknown {
		s.event.Records = 0
	} else {
		s.event.Records += records
	}
}

// Event is the sum of what was noted; tags is how many slots are marked.
func (s *Summary) Event(tags int) Event {
	e := s.event
	e.Tags = tags
	if e.All {
		e.Tables, e.Records = nil, 0
	}
	return e
}

func kindOf(p *analysis.Plan, verb string, known bool) Kind {
	switch {
	case p.Structural:
		return KindSchema
	case p.All:
		return KindUnknown
	case verb == "insert":
		return KindInsert
	case verb == "update" && known:
		return KindUpdate
	case verb == "delete" && known:
		return KindDelete
	}
	return KindBulk
}

// rank tells which kind stands for two together: the greater one, or
// KindBulk if both are of the least rank.
func rank(k Kind) int {
	switch k {
	case KindSchema:
		return 3
	case KindUnknown:
		return 2
	case KindBulk:
		return 1
	}
	return 0
}

// union returns a sorted slice of its own, or a if b adds nothing.
func union(a, b []string) []string {
	out := a
	for _, t := range b {
		if i, have := slices.BinarySearch(out, t); !have {
			out = slices.Insert(slices.Clip(out), i, t) // Clip: a is not written to
		}
	}
	return out
}

// Events is where a Gate's listeners are. The zero value has none.
//
// Gate has one, called events, and write a telling, called told:
//
//	begin, after the marks are placed:  w.told = g.events.start(ctx, summary, len(slots))
//	end, after intent.Complete:         w.told.end(OutcomeCommitted or OutcomeFailed)
//	hold, before After:                 w.told.end(OutcomeUnknown)
//	hold, in After, after Complete:     w.told.release()
type Events struct {
	mu       sync.Mutex // held while one is added
	listener atomic.Pointer[Listener]
}

// Listen adds a listener, for good.
func (ev *Events) Listen(l Listener) {
	ev.mu.Lock()
	defer ev.mu.Unlock()
	if have := ev.listener.Load(); have != nil {
		l = both{*have, l}
	}
	ev.listener.Store(&l)
}

// telling is one event that the listeners were told the start of. The zero
// value tells nobody.
type telling struct {
	to    Listener
	state any
}

func (ev *Events) start(ctx context.Context, sum *Summary, tags int) telling {
	l := ev.listener.Load()
	if l == nil {
		return telling{}
	}
	return telling{*l, (*l).WriteStarted(ctx, sum.Event(tags))}
}

func (t telling) end(o Outcome) {
	if t.to != nil {
		t.to.WriteEnded(t.state, o)
	}
}

func (t telling) release() {
	if t.to != nil {
		t.to.WriteReleased(t.state)
	}
}

// both tells two.
type both struct{ a, b Listener }

func (l both) WriteStarted(ctx context.Context, e Event) any {
	return [2]any{l.a.WriteStarted(ctx, e), l.b.WriteStarted(ctx, e)}
}

func (l both) WriteEnded(state any, o Outcome) {
	s := state.([2]any)
	l.a.WriteEnded(s[0], o)
	l.b.WriteEnded(s[1], o)
}

func (l both) WriteReleased(state any) {
	s := state.([2]any)
	l.a.WriteReleased(s[0])
	l.b.WriteReleased(s[1])
}
