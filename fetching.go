package querycache

import (
	"context"
	"fmt"
	"reflect"

	"github.com/gorm-querycache/querycache/internal/snapshot"
	"github.com/gorm-querycache/querycache/key"
	"github.com/gorm-querycache/querycache/tiered"
)

// fetchTable and fetchOperation are what calls of Fetch are counted under.
const (
	fetchTable     = "(fetch)"
	fetchOperation = "fetch"
)

// fetching is one call of Fetch. It reads the cache by the same steps as a
// query: see binding.read.
type fetching struct {
	plugin  *Plugin
	key     string
	options *FetchOptions
	typ     reflect.Type
	ctx     context.Context
	load    func(ctx context.Context, into reflect.Value) error

	private bool // load read in a transaction

	r        *read
	tables   []string // those it depends on, folded and sorted
	deps     []dependence
	plan     *snapshot.ValuePlan
	expanded []string // tables, and what lies behind them
}

// fetched is a value that is kept.
type fetched struct{ *snapshot.Value }

// fetch leaves the value in into, which is zero.
func (f *fetching) fetch(into reflect.Value) (err error) {
	p := f.plugin
	f.r = reads.Get().(*read)
	defer f.r.release()
	f.r.options = f.wished()
	f.r.status = Status{Outcome: OutcomeError}
	var w *watched
	if list := p.counters.observers.reads; len(list) > 0 {
		w = show(f.ctx, list, ReadStartData{fetchTable, fetchOperation}, ReadObserver.ReadStart)
	}
	f.r.aged = w != nil || f.r.options.status != nil
	defer func() { f.ended(w, err) }()

	b := &binding{plugin: p}
	reason, err := f.prepare()
	switch {
	case err != nil:
		return fmt.Errorf("fetching %q: %w", f.key, err)
	case reason != "" && b.cacheOnly(f.r, reason):
		return errCacheMiss(f.r, reason)
	case reason != "":
		return f.bypass(reason, into)
	}
	return f.read(b, into)
}

// read answers from the cache, from another caller's flight, or by load.
func (f *fetching) read(b *binding, into reflect.Value) error {
	r, p := f.r, f.plugin
	at := b.look(r)
	if at.answers != OutcomeNone {
		if ok, err := f.serve(at.entry, into); ok || err != nil {
			b.answered(r, at.answers, at.entry)
			if at.answers == OutcomeStale && err == nil {
				f.revalidate()
			}
			return err
		}
	}
	switch {
	case r.wishes.policy == CacheOnly:
		return errCacheMiss(r, "")
	case r.sample.CorePending():
		for _, d := range f.deps {
			d.database.gate.Sweep()
		}
		return f.bypass(ReasonPending, into)
	case at.alone:
		return f.fillOr(b, nil, at, into)
	}
	flight, leads := p.cache.Join(r.enc.Bytes(), &r.sample)
	if leads {
		return f.fillOr(b, flight, at, into)
	}
	e, ok, err := fetchWaits.wait(f.ctx, leading(f.ctx), flight)
	if err != nil {
		return err
	}
	if ok && e != nil {
		if ok, err := f.serve(e, into); ok || err != nil {
			b.answered(r, OutcomeShared, e)
			return err
		}
	}
	return f.fillOr(b, nil, at, into) // the leader failed, or waits for us
}

// fillOr is fill; if load fails, the value that was found may be the answer.
func (f *fetching) fillOr(b *binding, flight *tiered.Flight, at sight, into reflect.Value) error {
	err := f.fill(b, flight, into)
	if err == nil || !at.spare || f.ctx.Err() != nil {
		return err
	}
	if ok, _ := f.serve(at.entry, into); ok {
		b.answered(f.r, b.ageOf(at.entry), at.entry)
		return nil
	}
	return err
}

// bypass calls load, past the cache.
func (f *fetching) bypass(reason Reason, into reflect.Value) error {
	f.r.bypassed(reason)
	return f.load(f.ctx, into)
}

// serve copies a value that is kept. ok is false if that failed.
func (f *fetching) serve(e *tiered.Entry, into reflect.Value) (ok bool, err error) {
	if err := f.ctx.Err(); err != nil {
		return false, err
	}
	defer func() { // in a Clone method of the user's
		if v := recover(); v != nil {
			f.plugin.cfg.Logger.Warn("querycache: copying a cached value panicked; it is worked out anew",
				"key", f.key, "panic", fmt.Sprint(v))
			into.SetZero()
			ok = false
		}
	}()
	into.SetZero()
	e.Result.(fetched).Put(into)
	return true, nil
}

// fill calls load and stores the value.
func (f *fetching) fill(b *binding, flight *tiered.Flight, into reflect.Value) error {
	f.r.status = Status{Outcome: OutcomeMiss}
	var made *tiered.Entry
	if flight != nil {
		defer func() { flight.Finish(made) }()
	}
	if err := f.run(f.ctx, flight, into); err != nil {
		return err
	}
	if f.private {
		// 1. Load counts rows in a transaction that has added some. 2. The value
		// is stored. 3. The transaction is rolled back. So it is for the caller
		// alone.
		f.plugin.counters.reject(RejectedPrivate)
		return nil
	}
	if made = f.keep(into); made != nil {
		b.store(f.r.enc.Bytes(), made, flight, f.r.wishes.maxBytes)
	}
	return nil
}

// keep makes an entry of a value, nil if it cannot be copied.
func (f *fetching) keep(v reflect.Value) *tiered.Entry {
	copied, ok := f.plan.Take(v)
	if !ok {
		f.plugin.counters.reject(RejectedUncopyable)
		return nil
	}
	w := f.r.wishes
	return f.plugin.cache.Make(fetched{copied}, &f.r.sample, tiered.Making{
		Label: f.label(),
		Life:  tiered.Life{TTL: w.ttl, Stale: max(w.swr, w.staleIfError)},
	})
}

func (f *fetching) label() key.CacheKey {
	return key.CacheKey{Namespace: f.plugin.cfg.Namespace, Tenant: f.r.tenant, Entity: f.key, Operation: fetchOperation}
}

// tellUncopyable logs the first call for a type that cannot be kept.
func (f *fetching) tellUncopyable(why string) {
	if _, told := f.plugin.uncopyable.LoadOrStore(f.typ, true); !told {
		f.plugin.cfg.Logger.Warn("querycache: Fetch does not keep values of this type; give it a Clone method, or list it in Config.ImmutableTypes if nobody changes its values",
			"type", f.typ.String(), "key", f.key, "reason", why)
	}
}

// ended counts the call and tells the observers how it was answered.
func (f *fetching) ended(w *watched, err error) {
	p, r := f.plugin, f.r
	p.counters.reads.of(fetchTable).add(opFetch, slotOf(r.status.Outcome))
	if r.status.Outcome == OutcomeBypass {
		p.counters.bypassed.add(r.status.Reason)
	}
	if w != nil {
		data := ReadEndData{
			Table: fetchTable, Operation: fetchOperation, Status: r.status,
			Tables: f.expanded, Rows: -1, Duration: w.took(), Err: err,
		}
		if r.sample.Slots() != nil {
			data.key = func() string {
				k := f.label()
				k.Fingerprint = r.enc.Sum()
				return k.String()
			}
		}
		w.end(func(o ReadObserver, ctx context.Context) { o.ReadEnd(ctx, data) })
	}
	r.options.status.set(nil, r.status)
}
