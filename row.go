package querycache

import (
	"context"
	"database/sql"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/logger"

	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/tiered"
)

// row takes the place of gorm:row, through which Row, Rows and Scan go.
func (b *binding) row(old func(*gorm.DB)) func(*gorm.DB) {
	if !same(old, callbacks.RowQuery) {
		return b.intercept(old)
	}
	return func(db *gorm.DB) {
		if db.Error != nil {
			return
		}
		callbacks.BuildQuerySQL(db)
		many, _ := db.Get("rows")
		isRows, _ := many.(bool)
		if db.DryRun {
			b.explain(db, rowForm(isRows))
			return
		}
		if db.Error != nil {
			return
		}
		if isRows {
			db.Statement.Settings.Delete("rows")
			db.Statement.Dest, db.Error = b.rowsOf(db)
		} else {
			db.Statement.Dest = b.rowOf(db)
		}
		db.RowsAffected = -1
	}
}

func rowForm(many bool) form {
	if many {
		return formRows
	}
	return formRow
}

// rowsOf answers a query with real *sql.Rows, which are recorded as the caller
// iterates: streaming stays streaming.
func (b *binding) rowsOf(db *gorm.DB) (out *sql.Rows, err error) {
	r, w, reason := b.begin(db, formRows)
	defer func() {
		before := db.Error
		db.Error = err // for the observers
		b.end(db, r, formRows, w)
		db.Error = before
	}()
	p, stmt := b.plugin, db.Statement
	ask := func(args []any) (*sql.Rows, error) {
		return b.announced(stmt.ConnPool).QueryContext(stmt.Context, stmt.SQL.String(), args...)
	}
	rec, spare, reason := b.lookRows(db, r, formRows, reason)
	switch {
	case rec != nil:
		return p.replayer.Rows(stmt.Context, rec)
	case r.status.Outcome == OutcomeMiss:
		return nil, errCacheMiss(r, reason)
	case reason != "":
		r.bypassed(reason)
		return ask(r.bound(stmt))
	}
	stores := b.streams(db, r, formRows)
	asking := p.counters.asked()
	real, err := ask(r.args)
	asking.answered()
	if err != nil {
		if rec := b.spared(stmt.Context, r, spare, err); rec != nil {
			return p.replayer.Rows(stmt.Context, rec)
		}
		return real, err
	}
	return p.replayer.Stream(stmt.Context, real, rows.StreamOptions{
		Record: true, Limits: r.limits(), Done: stores,
		// Scan into a struct takes one row and closes; most such queries
		// have no other, and are stored if that is so.
		Peek: reflect.TypeOf(db.Logger) == scanLogger,
	})
}

// scanLogger is the type of the logger that gorm's Scan puts in place while it
// runs its query.
var scanLogger = reflect.TypeOf(logger.Recorder.New())

// rowOf answers a query with a real *sql.Row.
func (b *binding) rowOf(db *gorm.DB) (out *sql.Row) {
	r, w, reason := b.begin(db, formRow)
	defer func() {
		before := db.Error
		if out != nil {
			db.Error = out.Err() // for the observers
		}
		b.end(db, r, formRow, w)
		db.Error = before
	}()
	p, stmt := b.plugin, db.Statement
	rec, spare, reason := b.lookRows(db, r, formRow, reason)
	switch {
	case rec != nil:
		return p.replayer.Row(stmt.Context, rec)
	case r.status.Outcome == OutcomeMiss:
		return rows.Fail(errCacheMiss(r, reason))
	case reason != "":
		r.bypassed(reason)
		return b.announced(stmt.ConnPool).QueryRowContext(stmt.Context, stmt.SQL.String(), r.bound(stmt)...)
	}
	stores := b.streams(db, r, formRow)
	asking := p.counters.asked()
	real, err := b.announced(stmt.ConnPool).QueryContext(stmt.Context, stmt.SQL.String(), r.args...)
	asking.answered()
	if err != nil {
		if rec := b.spared(stmt.Context, r, spare, err); rec != nil {
			return p.replayer.Row(stmt.Context, rec)
		}
	}
	return p.replayer.StreamRow(stmt.Context, real, err, rows.StreamOptions{Record: true, Limits: r.limits(), Done: stores})
}

// lookRows looks for the rows of a read in the cache. If there are none, the
// reason says whether the database is asked past the cache; the status says
// OutcomeMiss if it must not be asked at all.
func (b *binding) lookRows(db *gorm.DB, r *read, f form, refused Reason) (rec *rows.Recorded, spare *tiered.Entry, reason Reason) {
	if refused != "" {
		if b.cacheOnly(r, refused) {
			r.status.Outcome = OutcomeMiss
		}
		return nil, nil, refused
	}
	at := b.look(r)
	if at.entry != nil {
		rec = at.entry.Result.(*result).rows
	}
	switch {
	case rec == nil:
	case at.answers != OutcomeNone:
		b.answered(r, at.answers, at.entry)
		if at.answers == OutcomeStale {
			b.revalidate(db, r, f)
		}
		return rec, nil, ""
	case at.spare:
		spare = at.entry
	}
	switch {
	case r.wishes.policy == CacheOnly:
		r.status.Outcome = OutcomeMiss
		return nil, nil, ""
	case r.sample.CorePending():
		r.db.gate.Sweep()
		return nil, nil, ReasonPending
	}
	return nil, spare, ""
}

// spared is what a read that the database refused is answered with; nil if it
// has to take the error.
func (b *binding) spared(ctx context.Context, r *read, spare *tiered.Entry, err error) *rows.Recorded {
	if spare == nil || err == nil || ctx.Err() != nil {
		return nil
	}
	b.answered(r, b.ageOf(spare), spare)
	return spare.Result.(*result).rows
}

// streams notes a miss and returns what stores its rows when they end. The
// caller decides how long the rows stay open, so nobody is made to wait for
// them: such a read leads no flight.
func (b *binding) streams(db *gorm.DB, r *read, f form) func(*rows.Recorded, error) {
	r.status = Status{Outcome: OutcomeMiss}
	p := b.plugin
	own := &read{
		db: r.db, plan: r.plan, wishes: r.wishes, records: r.records,
		sample: r.sample.Keep(false),
	}
	own.enc.Restore(r.enc.Bytes())
	label, schema := b.label(db, r, f), db.Statement.Schema
	return func(rec *rows.Recorded, err error) {
		if rec == nil || err != nil {
			p.counters.reject(RejectedUnread)
			return
		}
		b.keep(own, nil, label, &result{rows: rec, schema: schema})
	}
}
