package analysis

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/gorm-querycache/querycache/internal/catalog"
)

// schemas counts the changes of each database's schema that this process made,
// through whatever pool, by the database's name.
//
//  1. Two pools reach one database; each has read its catalog.
//  2. One of them adds a trigger, and reads its catalog again.
//  3. The other writes. Its plan does not name what the trigger writes.
//
// So a catalog is in force only while its pool has seen every change.
var schemas sync.Map // name → *schemaCounter

// schemaCounter counts the changes of one schema. latest is the place of the
// last one among the changes of all; it is set before changes, so that whoever
// sees the change counted sees its place.
type schemaCounter struct{ changes, latest atomic.Uint64 }

func (c *schemaCounter) add(place uint64) {
	for have := c.latest.Load(); have < place && !c.latest.CompareAndSwap(have, place); have = c.latest.Load() {
	}
	c.changes.Add(1)
}

var schemaChanges atomic.Uint64

// SchemaChanges counts the changes of all schemas; see ChangedSince.
func SchemaChanges() uint64 { return schemaChanges.Load() }

// ChangedSince tells whether the schema was changed after SchemaChanges was
// before. A change while the catalog is read for the first time, before it is
// known whose it is, may have come too late for it.
func (a *Analyzer) ChangedSince(before uint64) bool {
	for _, c := range a.current.Load().counters {
		if c.latest.Load() > before {
			return true
		}
	}
	return false
}

func schemaCounters(scopes []string) (out []*schemaCounter) {
	for _, s := range scopes {
		c, _ := schemas.LoadOrStore(s, new(schemaCounter))
		out = append(out, c.(*schemaCounter))
	}
	return out
}

func (id *identity) changes() (n uint64) {
	for _, c := range id.counters {
		n += c.changes.Load()
	}
	return n
}

// outdated tells whether the schema was changed since the catalog was read.
func (v *version) outdated() bool { return int64(v.changes()-v.seen) > 0 }

// SchemaMark is to be taken before the catalog is read again, and handed to
// Loaded after.
func (a *Analyzer) SchemaMark() uint64 { return a.current.Load().changes() }

// Loaded says that the catalog in force was read after the mark was taken.
func (a *Analyzer) Loaded(mark uint64) { a.change(func(v *version) { v.seen = mark }) }

// SchemaChanged tells all who know the database that its schema was changed
// through this pool, whose catalog was read since. The caller holds an intent on
// everything.
func (a *Analyzer) SchemaChanged() {
	a.change(func(v *version) {
		place := schemaChanges.Add(1)
		for _, c := range v.counters {
			c.add(place)
			v.seen++
		}
	})
}

// Stale tells whether the schema was changed through another pool since the
// catalog was read. Until it is read again nothing is cached, and each write
// touches everything.
func (a *Analyzer) Stale() bool { return a.current.Load().outdated() }

// WhenStale sets what is called, often, while a stale catalog is asked for. It
// must not block. Call it before the Analyzer is used.
func (a *Analyzer) WhenStale(f func()) { a.whenStale = f }

var errStale = errors.New("the schema was changed through another pool, and the catalog is being read again")

// planStale is Plan under a catalog that is not to be trusted.
func (a *Analyzer) planStale(text string, v *version) *Plan {
	if a.whenStale != nil {
		a.whenStale()
	}
	blind := &version{identity: v.identity, shadows: v.shadows, dirty: v.dirty, attached: v.attached, seen: v.seen}
	blind.withCatalog(catalog.Unknown(errStale), a.options)
	p := a.analyze(text, blind)
	p.version, p.Stale = v, true
	return p
}
