package querycache

import (
	"cmp"
	"context"
	"database/sql"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"

	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/internal/txpool"
	"github.com/gorm-querycache/querycache/tiered"
)

// query takes the place of gorm:query.
func (b *binding) query(old func(*gorm.DB)) func(*gorm.DB) {
	if !same(old, callbacks.Query) {
		return b.intercept(old)
	}
	return func(db *gorm.DB) {
		if db.Error != nil {
			return
		}
		callbacks.BuildQuerySQL(db)
		if db.DryRun {
			b.explain(db, formDest)
			return
		}
		if db.Error != nil {
			return
		}
		r, reason, _ := b.plan(db, formDest)
		defer r.release()
		if reason != "" {
			b.plugin.counters.bypass(reason)
			scan(db, b.announced(db.Statement.ConnPool), db.Statement.Vars, nil, nil)
			return
		}
		b.read(db, r)
	}
}

// same tells whether two callbacks are one function.
func same(f, g func(*gorm.DB)) bool {
	return reflect.ValueOf(f).Pointer() == reflect.ValueOf(g).Pointer()
}

// read answers a cacheable query: from the cache, from another caller's
// flight, or from the database.
func (b *binding) read(db *gorm.DB, r *read) {
	p, stmt := b.plugin, db.Statement
	if plan, _ := p.planner.PlanFor(stmt); plan != nil && plan.Accepts(stmt.ReflectValue) {
		r.copying = plan
	}
	var found *tiered.Entry
	if !r.options.refresh {
		if e, ok := p.cache.Get(r.enc.Bytes(), &r.sample); ok {
			if b.serve(db, r, e) {
				p.counters.hits.add()
				return
			}
			found = e // it lacks the form; it is added to
		}
	}
	switch {
	case r.sample.Pending():
		p.counters.bypass(ReasonPending)
		r.db.gate.Sweep()
		scan(db, b.announced(stmt.ConnPool), r.args, nil, nil)
	case r.options.refresh:
		p.counters.misses.add()
		b.fill(db, r, nil, nil)
	default:
		b.fly(db, r, found)
	}
}

// fly shares the read of the database with everybody who wants the same.
func (b *binding) fly(db *gorm.DB, r *read, found *tiered.Entry) {
	p := b.plugin
	f, leads := p.cache.Join(r.enc.Bytes(), &r.sample)
	if !leads {
		e, err := f.Wait(db.Statement.Context)
		if err != nil {
			db.AddError(err)
			return
		}
		if e != nil && b.serve(db, r, e) {
			p.counters.shared.add()
			return
		}
		// The leader failed, or made another form: read for ourselves.
		f, found = nil, e
	}
	p.counters.misses.add()
	b.fill(db, r, f, found)
}

// fill reads the database and stores the result.
func (b *binding) fill(db *gorm.DB, r *read, f *tiered.Flight, found *tiered.Entry) {
	var made *tiered.Entry
	landed := f == nil
	land := func() {
		if !landed {
			landed = true
			f.Finish(made)
		}
	}
	defer land()
	cfg := b.plugin.cache.Config()
	var rec *rows.Recorder
	var record func(*sql.Rows) gorm.Rows
	if r.copying == nil {
		record = func(real *sql.Rows) gorm.Rows {
			rec = rows.NewRecorder(real, rows.Limits{Rows: cfg.MaxResultRows, Bytes: cfg.MaxResultBytes})
			return rec
		}
	}
	if !scan(db, b.announced(db.Statement.ConnPool), r.args, record, land) || !answered(db) {
		return
	}
	res := &result{schema: db.Statement.Schema}
	switch {
	case rec != nil:
		recorded, err := finishRecording(db, rec)
		if err != nil {
			b.plugin.counters.rejections.add()
			return
		}
		res.rows = recorded
	default:
		s, ok := b.take(db, r)
		if !ok {
			b.plugin.counters.rejections.add()
			return
		}
		res.copy = s
	}
	if found != nil { // it is of the same rows, in the other form; its age stays
		have := found.Result.(*result)
		made = found.With(&result{
			rows: cmp.Or(res.rows, have.rows), copy: cmp.Or(res.copy, have.copy), schema: res.schema,
		})
	} else {
		made = b.plugin.cache.Make(res, &r.sample, tiered.Making{Life: tiered.Life{TTL: r.options.ttl}})
	}
	b.store(r.enc.Bytes(), made, f)
}

// finishRecording ends a recording. A struct and a map take the first row and
// leave the rest; since the type of the destination is part of the key, nobody
// reads such a result further than that.
func finishRecording(db *gorm.DB, rec *rows.Recorder) (*rows.Recorded, error) {
	switch db.Statement.ReflectValue.Kind() {
	case reflect.Struct, reflect.Map:
		return rec.FinishPrefix()
	}
	return rec.Finish()
}

func (b *binding) store(key []byte, e *tiered.Entry, f *tiered.Flight) {
	switch b.plugin.cache.Store(key, e, f) {
	case tiered.Stored:
		b.plugin.counters.stores.add()
	case tiered.Outdated:
		b.plugin.counters.outdated.add()
	case tiered.TooLarge:
		b.plugin.counters.rejections.add()
	}
}

// scan runs the statement's SQL and scans it, as GORM's own query callback
// does once the SQL is built. With record, the rows are read through what it
// returns. It tells whether the rows were read and closed without an error.
// panicked, if set, is called when a panic leaves the scan, before the rows are
// closed: database/sql holds rows locked whose Scanner panicked, so that closing
// them never returns.
func scan(db *gorm.DB, pool gorm.ConnPool, args []any, record func(*sql.Rows) gorm.Rows, panicked func()) (ok bool) {
	stmt := db.Statement
	real, err := pool.QueryContext(stmt.Context, stmt.SQL.String(), args...)
	if err != nil {
		db.AddError(err)
		return false
	}
	var src gorm.Rows = real
	if record != nil {
		src = record(real)
	}
	scanned := false
	defer func() {
		if !scanned && panicked != nil {
			panicked()
		}
		err := src.Close()
		db.AddError(err)
		ok = ok && err == nil
	}()
	gorm.Scan(src, db, 0)
	scanned = true
	finish(db)
	return src.Err() == nil
}

// intercept runs a query callback of another plugin over a pool that answers
// from the cache: what that callback does with the rows stays its own.
func (b *binding) intercept(old func(*gorm.DB)) func(*gorm.DB) {
	return func(db *gorm.DB) {
		stmt := db.Statement
		pool := stmt.ConnPool
		if db.Error != nil || db.DryRun || pool == nil {
			old(db)
			if db.DryRun {
				b.explain(db, formRows)
			}
			return
		}
		announced := b.announced(pool)
		over := announced
		if _, inTx := pool.(gorm.TxCommitter); !inTx {
			over = &interceptor{ConnPool: announced, Beginner: txpool.NewBeginner(announced), binding: b, db: db, pool: pool}
		}
		stmt.ConnPool = over
		defer func() {
			if stmt.ConnPool == over {
				stmt.ConnPool = pool
			}
		}()
		old(db)
	}
}

// interceptor answers the statement of one callback in the form of rows. It
// stands over pools only: in a transaction nothing is answered.
type interceptor struct {
	gorm.ConnPool
	txpool.Beginner
	binding *binding
	db      *gorm.DB
	pool    gorm.ConnPool
}

// QueryContext answers from the cache if the text and arguments are the
// statement's own.
func (i *interceptor) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if !i.own(ctx, query, args) {
		return i.ConnPool.QueryContext(ctx, query, args...)
	}
	i.db.Statement.ConnPool = i.pool
	defer func() { i.db.Statement.ConnPool = i }()
	return i.binding.rows(i.db)
}

// QueryRowContext answers from the cache if the text and arguments are the
// statement's own.
func (i *interceptor) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if !i.own(ctx, query, args) {
		return i.ConnPool.QueryRowContext(ctx, query, args...)
	}
	i.db.Statement.ConnPool = i.pool
	defer func() { i.db.Statement.ConnPool = i }()
	return i.binding.oneRow(i.db)
}

func (i *interceptor) own(ctx context.Context, query string, args []any) bool {
	stmt := i.db.Statement
	return ctx == stmt.Context && query == stmt.SQL.String() && len(args) == len(stmt.Vars) &&
		(len(args) == 0 || &args[0] == &stmt.Vars[0])
}
