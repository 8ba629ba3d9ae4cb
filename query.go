package querycache

import (
	"cmp"
	"context"
	"database/sql"
	"reflect"
	"time"

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
		r, w, reason := b.begin(db, formDest)
		defer b.end(db, r, formDest, w)
		switch {
		case reason == "":
			b.read(db, r)
		case b.cacheOnly(r, reason):
			db.AddError(errCacheMiss(r, reason))
		default:
			b.bypass(db, r, reason)
		}
	}
}

// bypass reads the database, past the cache.
func (b *binding) bypass(db *gorm.DB, r *read, reason Reason) {
	r.bypassed(reason)
	scan(db, b.announced(db.Statement.ConnPool), r.bound(db.Statement), nil, nil)
}

// bound are the statement's arguments, those that were asked for their values
// as they answered.
func (r *read) bound(stmt *gorm.Statement) []any {
	if r.args == nil {
		return stmt.Vars
	}
	return r.args
}

// same tells whether two callbacks are one function.
func same(f, g func(*gorm.DB)) bool {
	return reflect.ValueOf(f).Pointer() == reflect.ValueOf(g).Pointer()
}

// read answers a cacheable query: from the cache, from another caller's
// flight, or from the database.
func (b *binding) read(db *gorm.DB, r *read) {
	p, stmt, w := b.plugin, db.Statement, r.wishes
	if plan, _ := p.planner.PlanFor(stmt); plan != nil && plan.Accepts(stmt.ReflectValue) {
		r.copying = plan
	}
	at := b.look(r)
	switch {
	case at.answers == OutcomeHit:
		if b.serve(db, r, at.entry) {
			b.answered(r, OutcomeHit, at.entry)
			return
		}
	case at.answers == OutcomeStale && r.servable(at.entry):
		b.serve(db, r, at.entry)
		b.answered(r, OutcomeStale, at.entry)
		b.revalidate(db, r, formDest)
		return
	}
	switch {
	case w.policy == CacheOnly:
		db.AddError(errCacheMiss(r, ""))
	case r.sample.CorePending():
		r.db.gate.Sweep()
		b.bypass(db, r, ReasonPending)
	case (at.alone || r.sample.Pending()) && at.spare && r.servable(at.entry):
		b.fillOr(db, r, nil, at.entry)
	case at.alone || r.sample.Pending():
		b.fill(db, r, nil, nil)
	default:
		b.fly(db, r, at)
	}
}

// sight is what a read finds in the cache before it asks anybody else.
type sight struct {
	entry *tiered.Entry // valid under the read's sample; nil if there is none
	// answers is OutcomeHit or OutcomeStale if the entry may be the answer.
	answers Outcome
	// spare says that the entry is the answer if the database fails.
	spare bool
	// alone says that the read must be one of its own, shared with nobody.
	alone bool
}

// look looks the read up, as its policy wants it.
func (b *binding) look(r *read) (at sight) {
	p, w := b.plugin, r.wishes
	at.alone = w.refresh || w.policy == NetworkFirst
	e, ok := p.cache.Get(r.enc.Bytes(), &r.sample)
	if !ok {
		return at
	}
	at.entry = e
	fresh := p.cache.Fresh(e)
	var age time.Duration // past what this query takes, whoever stored the result
	if w.maxAge > 0 {
		age = p.cache.Now().Sub(e.Created) - w.maxAge
	}
	old := w.maxAge > 0 && age >= 0
	within := func(window time.Duration) bool {
		return window > 0 && (fresh || e.StaleWithin(p.cache.Now(), window)) && (!old || age < window)
	}
	switch {
	case fresh && !old && !at.alone:
		at.answers = OutcomeHit
	case fresh && !old:
		at.spare = w.policy == NetworkFirst
	case !at.alone && within(w.swr):
		at.answers = OutcomeStale
	}
	if (!fresh || old) && within(w.staleIfError) {
		at.spare = true
	}
	// Who takes the result as it is, and is found by a flight, must not make
	// this query take it.
	at.alone = at.alone || fresh && old
	return at
}

// fly shares the read of the database with everybody who wants the same.
func (b *binding) fly(db *gorm.DB, r *read, at sight) {
	p := b.plugin
	var found *tiered.Entry // the same rows in a form that does not fit, which is added
	if at.answers == OutcomeHit {
		found = at.entry
	}
	f, leads := p.cache.Join(r.enc.Bytes(), &r.sample)
	if !leads {
		e, err := f.Wait(db.Statement.Context)
		if err != nil {
			db.AddError(err)
			return
		}
		fresh := e != nil && p.cache.Fresh(e)
		switch {
		case fresh && b.serve(db, r, e):
			b.answered(r, OutcomeShared, e)
			return
		case e != nil && !fresh && at.spare && b.serve(db, r, e): // the leader's spare: the database failed
			b.answered(r, OutcomeStale, e)
			return
		}
		// The leader failed, or made another form: read for ourselves.
		f, found = nil, nil
		if fresh {
			found = e
		}
	}
	if at.spare && r.servable(at.entry) {
		b.fillOr(db, r, f, at.entry)
		return
	}
	b.fill(db, r, f, found)
}

// fill reads the database and stores the result.
func (b *binding) fill(db *gorm.DB, r *read, f *tiered.Flight, found *tiered.Entry) {
	r.status = Status{Outcome: OutcomeMiss}
	var made *tiered.Entry
	landed := f == nil
	land := func() {
		if !landed {
			landed = true
			f.Finish(made)
		}
	}
	defer land()
	var rec *rows.Recorder
	var record func(*sql.Rows) gorm.Rows
	if r.copying == nil {
		record = func(real *sql.Rows) gorm.Rows {
			rec = rows.NewRecorder(real, r.limits())
			return rec
		}
	}
	asking := b.plugin.counters.asked()
	done := func() bool {
		defer asking.answered()
		return scan(db, b.announced(db.Statement.ConnPool), r.args, record, land)
	}()
	if !done || !answered(db) {
		return
	}
	res := &result{schema: db.Statement.Schema}
	n := db.RowsAffected
	switch {
	case rec != nil:
		recorded, err := finishRecording(db, rec)
		if err != nil {
			b.plugin.counters.reject(rejectionOf(err))
			return
		}
		res.rows, n = recorded, int64(recorded.Len())
	default:
		s, rejected := b.take(db, r)
		if rejected != "" {
			b.plugin.counters.reject(rejected)
			return
		}
		res.copy = s
	}
	if found != nil { // it is of the same rows, in the other form; its age stays
		have := found.Result.(*result)
		made = b.plugin.cache.Make(&result{
			rows: cmp.Or(res.rows, have.rows), copy: cmp.Or(res.copy, have.copy), schema: res.schema,
		}, &r.sample, tiered.Making{Of: found})
	} else {
		making, ok := r.making(b.label(db, r, formDest), n)
		if !ok {
			return
		}
		made = b.plugin.cache.Make(res, &r.sample, making)
	}
	b.store(r.enc.Bytes(), made, f, r.wishes.maxBytes)
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
	return i.binding.rowsOf(i.db)
}

// QueryRowContext answers from the cache if the text and arguments are the
// statement's own.
func (i *interceptor) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if !i.own(ctx, query, args) {
		return i.ConnPool.QueryRowContext(ctx, query, args...)
	}
	i.db.Statement.ConnPool = i.pool
	defer func() { i.db.Statement.ConnPool = i }()
	return i.binding.rowOf(i.db)
}

func (i *interceptor) own(ctx context.Context, query string, args []any) bool {
	stmt := i.db.Statement
	return ctx == stmt.Context && query == stmt.SQL.String() && len(args) == len(stmt.Vars) &&
		(len(args) == 0 || &args[0] == &stmt.Vars[0])
}
