package querycache

import (
	"errors"
	"fmt"
	"reflect"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/internal/snapshot"
	"github.com/gorm-querycache/querycache/tiered"
)

// result is what one query returned, in one form or both. It is immutable.
type result struct {
	rows *rows.Recorded
	copy *snapshot.Snapshot
	// schema is kept so that its address, which is part of the key, stays
	// its own while the entry lives.
	schema *schema.Schema
}

// Size is how many bytes the result keeps alive, about.
func (r *result) Size() int64 {
	n := int64(48)
	if r.rows != nil {
		n += r.rows.Size()
	}
	if r.copy != nil {
		n += r.copy.Size()
	}
	return n
}

// form names the forms for Explain.
func (r *result) form() string {
	switch {
	case r.rows != nil && r.copy != nil:
		return "rows+snapshot"
	case r.rows != nil:
		return "rows"
	}
	return "snapshot"
}

// servable tells whether an entry has a form that fits the destination.
func (r *read) servable(e *tiered.Entry) bool {
	res := e.Result.(*result)
	return res.rows != nil || r.copying != nil && res.copy != nil
}

// serve fills the statement's destination from an entry, as a scan would
// have. It tells whether the entry had a form that fits.
func (b *binding) serve(db *gorm.DB, r *read, e *tiered.Entry) bool {
	res := e.Result.(*result)
	stmt := db.Statement
	if r.copying != nil && res.copy != nil {
		if err := stmt.Context.Err(); err != nil {
			db.AddError(err)
			return true
		}
		if !b.put(db, r, res.copy) {
			return false
		}
		db.RowsAffected = res.copy.Rows()
		if db.RowsAffected == 0 && stmt.RaiseErrorOnNotFound {
			db.AddError(gorm.ErrRecordNotFound)
		}
		finish(db)
		return true
	}
	if res.rows == nil {
		return false
	}
	replay, err := b.plugin.replayer.Rows(stmt.Context, res.rows)
	if err != nil {
		db.AddError(err) // the context's: nothing else fails
		return true
	}
	func() {
		defer func() { db.AddError(replay.Close()) }()
		gorm.Scan(replay, db, 0)
		finish(db)
	}()
	if r.copying != nil && answered(db) {
		// The destination has a snapshot form that the entry lacks; the next
		// reader gets it.
		if s, rejected := b.take(db, r); rejected == "" {
			full := &result{rows: res.rows, copy: s, schema: stmt.Schema}
			b.plugin.cache.StoreWithin(r.enc.Bytes(), b.plugin.cache.Make(full, &r.sample, tiered.Making{Of: e}), nil, r.wishes.maxBytes)
		}
	}
	return true
}

// finish does what GORM's own query callback does after a scan.
func finish(db *gorm.DB) {
	if db.Statement.Result != nil {
		db.Statement.Result.RowsAffected = db.RowsAffected
	}
}

// answered tells whether the database answered without an error: an empty
// result that the program wants to be told of as ErrRecordNotFound is an
// answer.
func answered(db *gorm.DB) bool {
	return db.Error == nil || (db.RowsAffected == 0 && db.Statement.RaiseErrorOnNotFound && errors.Is(db.Error, gorm.ErrRecordNotFound))
}

// put copies a snapshot into the destination. Clone methods of the user's types
// run in it; after a panic of theirs the destination is as it was and the
// database is asked.
func (b *binding) put(db *gorm.DB, r *read, s *snapshot.Snapshot) (ok bool) {
	rv := db.Statement.ReflectValue
	defer func() {
		if v := recover(); v != nil {
			b.plugin.cfg.Logger.Warn("querycache: copying a cached result panicked; the database is asked",
				"table", db.Statement.Table, "panic", fmt.Sprint(v))
			if rv.Kind() == reflect.Struct {
				rv.SetZero() // only a zero struct is filled by copying
			}
			ok = false
		}
	}()
	r.copying.Put(rv, s)
	return true
}

// take copies what was just scanned, unless it is rejected.
func (b *binding) take(db *gorm.DB, r *read) (*snapshot.Snapshot, Rejection) {
	if db.RowsAffected > int64(r.wishes.maxRows) {
		return nil, RejectedTooManyRows
	}
	s, ok := r.copying.Take(db.Statement.ReflectValue, db.RowsAffected)
	if !ok {
		return nil, RejectedUncopyable
	}
	return s, ""
}
