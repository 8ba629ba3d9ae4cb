package querycache

import (
	"database/sql"
	"reflect"
	"slices"

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
			db.Statement.Dest, db.Error = b.rows(db)
		} else {
			db.Statement.Dest = b.oneRow(db)
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

// rows answers a query with real *sql.Rows, which are recorded as the caller
// iterates: streaming stays streaming.
func (b *binding) rows(db *gorm.DB) (*sql.Rows, error) {
	p, stmt := b.plugin, db.Statement
	over := b.announced(stmt.ConnPool)
	text := stmt.SQL.String()
	r, reason, _ := b.plan(db, formRows)
	defer r.release()
	if reason != "" {
		p.counters.bypass(reason)
		return over.QueryContext(stmt.Context, text, stmt.Vars...)
	}
	if rec, ok := b.recorded(r); ok {
		p.counters.hits.add()
		return p.replayer.Rows(stmt.Context, rec)
	}
	stores := b.streams(r)
	real, err := over.QueryContext(stmt.Context, text, r.args...)
	if err != nil || stores == nil {
		return real, err
	}
	return p.replayer.Stream(stmt.Context, real, rows.StreamOptions{
		Record: true, Limits: p.limits(), Done: stores,
		// Scan into a struct takes one row and closes; most such queries
		// have no other, and are stored if that is so.
		Peek: reflect.TypeOf(db.Logger) == scanLogger,
	})
}

// scanLogger is the type of the logger that gorm's Scan puts in place while it
// runs its query.
var scanLogger = reflect.TypeOf(logger.Recorder.New())

// oneRow answers a query with a real *sql.Row.
func (b *binding) oneRow(db *gorm.DB) *sql.Row {
	p, stmt := b.plugin, db.Statement
	over := b.announced(stmt.ConnPool)
	text := stmt.SQL.String()
	r, reason, _ := b.plan(db, formRow)
	defer r.release()
	if reason != "" {
		p.counters.bypass(reason)
		return over.QueryRowContext(stmt.Context, text, stmt.Vars...)
	}
	if rec, ok := b.recorded(r); ok {
		p.counters.hits.add()
		return p.replayer.Row(stmt.Context, rec)
	}
	stores := b.streams(r)
	if stores == nil {
		return over.QueryRowContext(stmt.Context, text, r.args...)
	}
	real, err := over.QueryContext(stmt.Context, text, r.args...)
	return p.replayer.StreamRow(stmt.Context, real, err, rows.StreamOptions{Record: true, Limits: p.limits(), Done: stores})
}

func (p *Plugin) limits() rows.Limits {
	cfg := p.cache.Config()
	return rows.Limits{Rows: cfg.MaxResultRows, Bytes: cfg.MaxResultBytes}
}

// recorded looks for the rows of a read in the cache.
func (b *binding) recorded(r *read) (*rows.Recorded, bool) {
	if r.options.refresh {
		return nil, false
	}
	e, ok := b.plugin.cache.Get(r.enc.Bytes(), &r.sample)
	if !ok {
		return nil, false
	}
	res := e.Result.(*result)
	return res.rows, res.rows != nil
}

// streams counts a miss and returns what stores its rows when they end, or
// nil if they may not be stored. The caller decides how long the rows stay
// open, so nobody is made to wait for them: such a read leads no flight.
func (b *binding) streams(r *read) func(*rows.Recorded, error) {
	p := b.plugin
	if r.sample.Pending() {
		p.counters.bypass(ReasonPending)
		r.db.gate.Sweep()
		return nil
	}
	p.counters.misses.add()
	key, sample, ttl := slices.Clone(r.enc.Bytes()), r.sample, r.options.ttl
	return func(rec *rows.Recorded, err error) {
		if rec == nil || err != nil {
			p.counters.rejections.add()
			return
		}
		b.store(key, p.cache.Make(&result{rows: rec}, &sample, tiered.Making{Life: tiered.Life{TTL: ttl}}), nil)
	}
}
