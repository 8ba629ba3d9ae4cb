package querycache

import (
	"fmt"
	"sync"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/internal/snapshot"
	"github.com/gorm-querycache/querycache/internal/txpool"
	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/key"
	"github.com/gorm-querycache/querycache/tiered"
)

// form is what a read hands out.
type form uint8

const (
	formDest form = iota + 1 // a destination that GORM scans into
	formRows                 // *sql.Rows
	formRow                  // *sql.Row
)

// read is one read under way.
type read struct {
	db      *database
	plan    *analysis.Plan
	options *options
	wishes  *wishes // nil if it was refused before its tables were known
	tenant  string
	pool    gorm.ConnPool // where a miss goes
	args    []any         // the statement's, each driver.Valuer asked once
	lags    bool          // the pool may lag behind the writes

	enc     key.Encoder
	slots   []invalidation.Slot // of the sample; a buffer of the read's own
	sample  invalidation.Sample
	records int // how many records the result is pinned to, 0 if it is not

	// copying is how the destination is filled from a snapshot, nil if it
	// cannot be.
	copying *snapshot.Plan

	status Status // how it was answered
	aged   bool   // somebody wants to know the age of what it was answered with
}

var reads = sync.Pool{New: func() any { return new(read) }}

func (r *read) release() {
	enc, slots := r.enc, r.slots[:0]
	enc.Reset()
	*r = read{enc: enc, slots: slots}
	reads.Put(r)
}

// begin begins a read: it is decided whether the cache may answer. Whoever
// calls it calls end once the read was answered.
func (b *binding) begin(db *gorm.DB, f form) (r *read, w *watched, reason Reason) {
	if b.plugin.listens() {
		w = b.plugin.started(db, f)
	}
	r, reason, _ = b.plan(db, f)
	r.status = Status{Outcome: OutcomeError}
	r.aged = w != nil || r.options.status != nil
	return r, w, reason
}

// end counts a read and tells those who want to know how it was answered.
func (b *binding) end(db *gorm.DB, r *read, f form, w *watched) {
	b.plugin.ended(db, r, f, r.status, w)
	if slot := r.options.status; slot != nil {
		slot.set(db.Statement, r.status)
	}
	r.release()
}

func (r *read) bypassed(reason Reason) { r.status = Status{Outcome: OutcomeBypass, Reason: reason} }

// answered notes that an entry was the answer.
func (b *binding) answered(r *read, o Outcome, e *tiered.Entry) {
	r.status = Status{Outcome: o}
	if o != OutcomeShared {
		r.status.Tier = tierMemory
	}
	if r.aged {
		r.status.Age = b.plugin.cache.Now().Sub(e.Created)
	}
}

// plan decides whether a statement whose SQL is built may be answered from
// the cache. If so the read has its key, its tags and its sample; if not, the
// reason says why. The read must be released either way.
func (b *binding) plan(db *gorm.DB, f form) (r *read, reason Reason, detail string) {
	stmt, p := db.Statement, b.plugin
	r = reads.Get().(*read)
	r.pool = stmt.ConnPool
	r.options = optionsOf(stmt)
	if inTransaction(stmt.ConnPool) {
		readPrivately(stmt.Context)
	}
	if p.closed.Load() {
		return r, ReasonClosed, "the plugin is closed"
	}
	if !p.Enabled() {
		return r, ReasonDisabled, "the plugin is switched off"
	}
	if reason, detail = p.rules.early(r.options); reason != "" {
		return r, reason, detail
	}
	if reason, detail = b.route(r, stmt.ConnPool); reason != "" {
		return r, reason, detail
	}
	text, an := stmt.SQL.String(), r.db.analyzer()
	if reason, detail = b.understand(r, text); reason != "" {
		return r, reason, detail
	}
	r.tenant = p.tenant(stmt, r.wishes)
	if err := b.identify(db, r, text, f); err != nil {
		return r, ReasonArgument, err.Error()
	}
	b.takeSample(r)
	// 1. A view is read: its plan says that it is made of one table. 2. The view
	// is made anew, of two, and the catalog is read. 3. We sample, as fresh as can
	// be, and store rows that do not depend on the second table. So the plan must
	// still be that of the catalog in force when the sample has been taken.
	for an.Changed(r.plan) {
		if reason, detail = b.understand(r, text); reason != "" {
			return r, reason, detail
		}
		b.takeSample(r)
	}
	if lag := p.cfg.ReplicaLag; r.lags && (lag == 0 || !p.stamps.Settled(r.sample.Slots(), lag)) {
		return r, ReasonReplica, "the query was sent to a replica, which may not have the last write yet"
	}
	return r, "", ""
}

// understand finds out what the text reads, and what is in force for that.
func (b *binding) understand(r *read, text string) (Reason, string) {
	r.plan = r.db.analyzer().Plan(text)
	if r.plan.Reason != "" {
		return Reason(r.plan.Reason), r.plan.Detail
	}
	r.wishes = b.plugin.rules.wishesFor(r.options, r.plan.Tables)
	return r.wishes.off, r.wishes.detail
}

// takeSample samples the stamps of the tags that the result will depend on.
func (b *binding) takeSample(r *read) {
	p := b.plugin
	r.slots, r.records = r.plan.Pin(r.slots[:0], p.stamps, r.args)
	r.slots = p.appendOwnSlots(r.slots, r)
	core := len(r.slots)
	if r.records > 0 {
		r.slots = append(r.slots, r.plan.Sets()...)
	}
	r.sample = p.cache.SampleCore(r.slots, core)
}

// appendOwnSlots appends the places of the tags that come from the query and
// not from its tables.
func (p *Plugin) appendOwnSlots(slots []invalidation.Slot, r *read) []invalidation.Slot {
	ns := p.cfg.Namespace
	for _, t := range r.wishes.tags {
		slots = append(slots, p.stamps.Slot(invalidation.Custom(ns, t)))
	}
	for _, n := range r.wishes.names {
		slots = append(slots, p.stamps.Slot(invalidation.Named(ns, n)))
	}
	if r.tenant != "" {
		slots = append(slots, p.stamps.Slot(invalidation.Tenant(ns, r.tenant)))
	}
	return slots
}

// narrow tells whether a result of n rows depends on the records that it is
// pinned to and on nothing else of its table: all of them are there. If one
// lacks, its absence is part of the result, and a new record may end it.
func (r *read) narrow(n int64) bool {
	return r.records > 0 && r.plan.Plain() && n == int64(r.records)
}

// cacheOnly tells whether the read must not ask the database.
func (b *binding) cacheOnly(r *read, reason Reason) bool {
	switch reason {
	case ReasonDisabled, ReasonClosed, ReasonSkip, ReasonOption, ReasonPolicy:
		return false
	}
	switch {
	case r.wishes != nil:
		return r.wishes.policy == CacheOnly
	case r.options.policy != PolicyDefault:
		return r.options.policy == CacheOnly
	}
	return b.plugin.rules.base.policy == CacheOnly && !r.options.refresh
}

// errCacheMiss says why the cache could not answer.
func errCacheMiss(r *read, reason Reason) error {
	r.status = Status{Outcome: OutcomeMiss, Reason: reason}
	if reason == "" {
		return ErrCacheMiss
	}
	return fmt.Errorf("%w (%s)", ErrCacheMiss, reason)
}

// route finds the database that a statement's pool reaches.
func (b *binding) route(r *read, pool gorm.ConnPool) (Reason, string) {
	switch p := txpool.Beneath(pool).(type) {
	case nil:
		return ReasonConnection, "the session has no connection pool"
	case *txpool.DB:
		r.db = b.databaseOf(p)
	case *txpool.Custom:
		r.db = b.databaseOf(p)
	case gorm.TxCommitter:
		return ReasonTransaction, "the query runs in a transaction"
	default:
		return ReasonConnection, "the query runs on a connection that the plugin does not own"
	}
	if r.db == nil {
		return ReasonConnection, "the query runs on a connection pool that the plugin does not know"
	}
	r.lags = b.resolver.lags(b, r.db)
	return "", ""
}

// inTransaction tells whether a statement runs in a transaction, or on a
// connection that may be in one.
func inTransaction(pool gorm.ConnPool) bool {
	switch txpool.Beneath(pool).(type) {
	case nil, *txpool.DB, *txpool.Custom:
		return false
	}
	return true
}

func (b *binding) databaseOf(pool txpool.Pool) *database {
	if b.home != nil && b.home.pool == pool {
		return b.home
	}
	return b.plugin.databaseOf(pool)
}
