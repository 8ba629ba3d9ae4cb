package querycache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/key"
	"github.com/gorm-querycache/querycache/tiered"
)

// fetch reads a query to its end. failure is the database's; if there is none
// and no result either, unstorable says why it cannot be kept.
func fetch(ctx context.Context, pool gorm.ConnPool, text string, args []any, limits rows.Limits) (out *rows.Recorded, failure, unstorable error) {
	real, err := pool.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err, nil
	}
	rec := rows.NewRecorder(real, limits)
	for rec.Next() {
	}
	if err := errors.Join(rec.Err(), rec.Close()); err != nil {
		return nil, err, nil
	}
	out, unstorable = rec.Finish()
	return out, nil, unstorable
}

// fillOr reads the database and stores the result; if the database fails, the
// spare entry is the answer. The rows are read to their end before the first
// is scanned, since a destination that was half filled cannot be undone.
func (b *binding) fillOr(db *gorm.DB, r *read, f *tiered.Flight, spare *tiered.Entry) {
	stmt := db.Statement
	r.status = Status{Outcome: OutcomeMiss}
	var made *tiered.Entry
	defer func() {
		if f != nil {
			f.Finish(made)
		}
	}()
	asking := b.plugin.counters.asked()
	rec, failure, unstorable := func() (*rows.Recorded, error, error) {
		defer asking.answered()
		return fetch(stmt.Context, b.announced(stmt.ConnPool), stmt.SQL.String(), r.args, rows.Limits{})
	}()
	switch {
	case failure != nil && stmt.Context.Err() != nil:
		db.AddError(failure) // nobody waits for an answer any more
	case failure != nil:
		made = spare // for who waits, if he takes a stale one
		b.serve(db, r, spare)
		b.answered(r, b.ageOf(spare), spare)
	case unstorable != nil:
		flight := f
		f = nil // it ends with the other reading
		b.fill(db, r, flight, nil)
	default:
		made = b.keep(r, f, b.label(db, r, formDest), &result{rows: rec, schema: stmt.Schema})
		b.serve(db, r, made)
	}
}

// ageOf tells a hit from a stale answer.
func (b *binding) ageOf(e *tiered.Entry) Outcome {
	if b.plugin.cache.Fresh(e) {
		return OutcomeHit
	}
	return OutcomeStale
}

// keep stores rows that were read, if they may be, and returns them as an entry
// in any case.
func (b *binding) keep(r *read, f *tiered.Flight, label key.CacheKey, res *result) *tiered.Entry {
	making, ok := r.making(label, int64(res.rows.Len()))
	e := b.plugin.cache.Make(res, &r.sample, making)
	switch {
	case !ok:
	case res.rows.Len() > r.wishes.maxRows:
		b.plugin.counters.reject(RejectedTooManyRows)
	default:
		b.store(r.enc.Bytes(), e, f, r.wishes.maxBytes)
	}
	return e
}

// errPending ends a refresh: a write is under way, whose end kills the entry.
var errPending = errors.New("querycache: a write is under way")

// revalidate reads in the background what was answered with a stale entry. One
// such read runs per key. It samples when it starts; if it fails, the entry
// stays as it is, stamps included.
func (b *binding) revalidate(db *gorm.DB, r *read, f form) {
	p, stmt := b.plugin, db.Statement
	done, first := p.cache.Refreshing(r.enc.Bytes())
	if !first {
		return
	}
	if !p.background.begin() {
		done()
		return
	}
	own := &read{
		db: r.db, plan: r.plan, wishes: r.wishes, records: r.records, lags: r.lags,
		slots: slices.Clone(r.slots), sample: r.sample.Keep(false), args: cloneArgs(r.args),
	}
	own.enc.Restore(r.enc.Bytes())
	label, schema := b.label(db, r, f), stmt.Schema
	pool, text := b.announced(stmt.ConnPool), stmt.SQL.String()
	ctx := context.WithoutCancel(stmt.Context)
	go func() {
		defer p.background.end()
		defer done()
		ctx, cancel := p.background.context(ctx, p.cache.Config().RefreshTimeout)
		defer cancel()
		told := p.refreshing(ctx, label.Entity, label.Operation)
		told.ended(b.reread(ctx, own, pool, text, label, func(rec *rows.Recorded) *result {
			return &result{rows: rec, schema: schema}
		}))
	}()
}

// reread is the reading of a refresh.
func (b *binding) reread(ctx context.Context, r *read, pool gorm.ConnPool, text string, label key.CacheKey, with func(*rows.Recorded) *result) (err error) {
	p := b.plugin
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("querycache: refreshing a result panicked: %v", v)
			p.cfg.Logger.Error("querycache: refreshing a stale result panicked; it stays stale until its time is over",
				"table", label.Entity, "panic", fmt.Sprint(v))
		}
	}()
	r.sample = p.cache.Again(&r.sample)
	if r.db.analyzer().Changed(r.plan) {
		return errPending // the result may depend on other tables by now
	}
	if r.sample.CorePending() || r.lags && !p.stamps.Settled(r.sample.Slots(), p.cfg.ReplicaLag) {
		r.db.gate.Sweep()
		return errPending
	}
	asking := p.counters.asked()
	rec, failure, unstorable := func() (*rows.Recorded, error, error) {
		defer asking.answered()
		return fetch(ctx, pool, text, r.args, r.limits())
	}()
	if failure != nil {
		return failure
	}
	if unstorable != nil {
		p.counters.reject(rejectionOf(unstorable))
		return unstorable
	}
	b.keep(r, nil, label, with(rec))
	return nil
}

// cloneArgs copies arguments for a statement that is sent after their owner
// has gone on: slices of bytes and what pointers lead to are his.
func cloneArgs(args []any) []any {
	out := slices.Clone(args)
	for i, v := range out {
		if scalar(v) {
			if b, ok := v.([]byte); ok {
				out[i] = slices.Clone(b)
			}
			continue
		}
		if named, ok := v.(sql.NamedArg); ok {
			named.Value = cloneArgs([]any{named.Value})[0]
			out[i] = named
			continue
		}
		out[i] = cloneValue(reflect.ValueOf(v)).Interface()
	}
	return out
}

// cloneValue copies one of the values that key.Encoder.Arg knows.
func cloneValue(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		to := reflect.New(v.Type().Elem())
		to.Elem().Set(cloneValue(v.Elem()))
		return to.Convert(v.Type())
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		return reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v)
	}
	return v
}
