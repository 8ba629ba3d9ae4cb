package querycache

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"gorm.io/gorm"
)

// ReadObserver is told of every read that GORM makes, preloads included. An
// observer in Config.Observers is one if it has these methods. They are
// called by the goroutine that reads, which waits for them, from many
// goroutines at once. A panic is recovered and logged once.
type ReadObserver interface {
	// ReadStart is called before anything is looked up. The context that it
	// returns is given to ReadEnd and to nothing else: the statement runs
	// under its own. Nil stands for ctx.
	ReadStart(ctx context.Context, data ReadStartData) context.Context
	// ReadEnd is called when the read was answered, also with an error. Rows
	// and Row are answered when the rows are handed out: reading on is not
	// part of it.
	ReadEnd(ctx context.Context, data ReadEndData)
}

// ReadStartData is what is known of a read when it starts.
type ReadStartData struct {
	// Table is the table as GORM knows it; empty for raw SQL.
	Table string
	// Operation is one of those of Stats.Operations.
	Operation string
}

// ReadEndData is what is known of a read when it was answered.
type ReadEndData struct {
	// Table and Operation are what the read was counted under: see
	// Stats.Tables.
	Table, Operation string
	Status           Status
	// Tables are those that the result depends on; nil if the read was
	// bypassed before they were known.
	Tables []string
	// Rows is RowsAffected as the program gets it, -1 for Row and Rows.
	Rows     int64
	Duration time.Duration
	// Err is the error that the program gets. Messages of drivers may quote
	// values: think before you log it.
	Err error

	key func() string
}

// Key prints the key of the read, empty if it has none. It may be called
// during ReadEnd only. It is made when asked for: that costs a hash over the
// statement and its arguments.
func (d ReadEndData) Key() string {
	if d.key == nil {
		return ""
	}
	return d.key()
}

// InvalidationObserver is told of every write through the plugin that
// invalidates, and of every invalidation by hand. It is called as a
// ReadObserver is. A rollback is no invalidation. Writes through a pool that
// several plugins share are told to each.
type InvalidationObserver interface {
	// InvalidationStart is called before the write, or its COMMIT, is sent.
	// The context of a COMMIT is the background's: database/sql has none.
	InvalidationStart(ctx context.Context, data InvalidationStartData) context.Context
	// InvalidationEnd is called when the outcome is known, or it is known
	// that nobody can tell it. It may be called by another goroutine.
	InvalidationEnd(ctx context.Context, data InvalidationEndData)
}

// InvalidationStartData is what is known of an invalidation when it starts.
type InvalidationStartData struct {
	Kind InvalidationKind
	// Tables are those that the write may change, those that it reaches
	// through the schema included; nil if All, or by hand.
	Tables []string
	// Records is how many records are touched, 0 if they are not all known one
	// by one.
	Records int
	// All says that everything of the database, or of the plugin, is
	// invalidated.
	All bool
	// What is what was invalidated by hand, such as "tags front, menu".
	What string
}

// InvalidationEndData is how an invalidation ended.
type InvalidationEndData struct {
	InvalidationStartData
	// Outcome of the write; by hand WriteCommitted, or WriteFailed if Err is
	// set.
	Outcome WriteOutcome
	// Entries is how many valid entries died; by hand only, since a write does
	// not look for them.
	Entries  int
	Duration time.Duration
	// Err is the error of an invalidation by hand.
	Err error
}

// RefreshObserver is told of reads of the database in the background that
// replace a result which was served stale. It is called as a ReadObserver is,
// by the goroutine of the refresh.
type RefreshObserver interface {
	RefreshStart(ctx context.Context, data RefreshStartData) context.Context
	RefreshEnd(ctx context.Context, data RefreshEndData)
}

// RefreshStartData is what is known of a refresh when it starts.
type RefreshStartData struct{ Table, Operation string }

// RefreshEndData is how a refresh ended.
type RefreshEndData struct {
	RefreshStartData
	Duration time.Duration
	Err      error
}

// validateObservers names the element that is no observer.
func validateObservers(list []any) error {
	for i, o := range list {
		if o == nil {
			return fmt.Errorf("%w: Observers[%d] is nil: remove it", ErrConfig, i)
		}
		if !isObserver(o) {
			return fmt.Errorf("%w: Observers[%d] is a %T, which observes nothing: give it the methods of ReadObserver, InvalidationObserver or RefreshObserver (on %T, if those of a pointer are meant, pass the pointer)",
				ErrConfig, i, o, o)
		}
	}
	return nil
}

func isObserver(o any) bool {
	switch o.(type) {
	case ReadObserver, InvalidationObserver, RefreshObserver:
		return true
	}
	return false
}

// observers are those of a Config, by what they observe. They never change.
type observers struct {
	reads         []watcher[ReadObserver]
	invalidations []watcher[InvalidationObserver]
	refreshes     []watcher[RefreshObserver]
}

// newObservers sorts a list that is valid.
func newObservers(list []any, logger *slog.Logger) (out observers) {
	for _, o := range list {
		once := new(sync.Once)
		if r, ok := o.(ReadObserver); ok {
			out.reads = append(out.reads, watcher[ReadObserver]{r, once, logger})
		}
		if r, ok := o.(InvalidationObserver); ok {
			out.invalidations = append(out.invalidations, watcher[InvalidationObserver]{r, once, logger})
		}
		if r, ok := o.(RefreshObserver); ok {
			out.refreshes = append(out.refreshes, watcher[RefreshObserver]{r, once, logger})
		}
	}
	return out
}

// watcher is one observer, whose first panic is logged.
type watcher[O any] struct {
	to     O
	once   *sync.Once
	logger *slog.Logger
}

// safely runs a call of an observer.
func (w watcher[O]) safely(f func()) {
	defer func() {
		if v := recover(); v != nil {
			w.once.Do(func() {
				w.logger.Error("querycache: an observer panicked; queries go on, further panics of it are not logged",
					"observer", fmt.Sprintf("%T", w.to), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			})
		}
	}()
	f()
}

// shown is what observers were shown the start of.
type shown[O, D any] struct {
	list  []watcher[O]
	data  D
	ctxs  []context.Context // of each observer, its own
	began time.Time
}

func show[O, D any](ctx context.Context, list []watcher[O], data D, start func(O, context.Context, D) context.Context) *shown[O, D] {
	s := &shown[O, D]{list: list, data: data, ctxs: make([]context.Context, len(list)), began: time.Now()}
	for i, w := range list {
		s.ctxs[i] = ctx
		w.safely(func() {
			if own := start(w.to, ctx, data); own != nil {
				s.ctxs[i] = own
			}
		})
	}
	return s
}

func (s *shown[O, D]) took() time.Duration { return time.Since(s.began) }

// end tells the observers, the last one first, as defers would.
func (s *shown[O, D]) end(f func(O, context.Context)) {
	for i := len(s.list) - 1; i >= 0; i-- {
		s.list[i].safely(func() { f(s.list[i].to, s.ctxs[i]) })
	}
}

// watched is a read that observers were told the start of.
type watched = shown[ReadObserver, ReadStartData]

// listens tells whether anybody wants to be told of reads.
func (p *Plugin) listens() bool { return len(p.counters.observers.reads) > 0 }

// started tells the observers that a read starts. It returns nil if there
// are none.
func (p *Plugin) started(db *gorm.DB, f form) *watched {
	list := p.counters.observers.reads
	if len(list) == 0 {
		return nil
	}
	stmt := db.Statement
	return show(stmt.Context, list, ReadStartData{Table: stmt.Table, Operation: operationOf(db, f).String()}, ReadObserver.ReadStart)
}
