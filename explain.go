package querycache

import (
	"errors"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/tiered"
)

const explainKey = "querycache:explain"

// Explain tells how the query that f makes would be answered, without running
// it. It has the shape of gorm's ToSQL:
//
//	e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB {
//		return tx.First(&user, 1)
//	})
//
// Preloads are not explained. Of several queries that f makes it is the last, the
// one whose *gorm.DB f returns.
//
// It returns ErrNotInstalled if db does not use the plugin, and the error of
// building the statement.
func Explain(db *gorm.DB, f func(tx *gorm.DB) *gorm.DB) (Explanation, error) {
	if !installed(db) {
		return Explanation{}, fmt.Errorf("explaining a query: %w", ErrNotInstalled)
	}
	var seen explained
	session := db.Session(&gorm.Session{DryRun: true, SkipDefaultTransaction: true})
	tx := f(session.Set(explainKey, &seen).Session(&gorm.Session{}))
	failed := tx.Error != nil && !errors.Is(tx.Error, gorm.ErrDryRunModeUnsupported)
	out := seen.of(tx, failed)
	if failed {
		return out, fmt.Errorf("querycache: explaining a query: %w", tx.Error)
	}
	return out, nil
}

// installed looks for the plugin under any name: gorm.Config.Plugins lets its
// user choose.
func installed(db *gorm.DB) bool {
	for _, p := range db.Plugins {
		if _, ok := p.(*Plugin); ok {
			return true
		}
	}
	return false
}

// explained are the reads that were explained in one call of Explain: the one
// that was asked for, its subqueries before it and its preloads after.
type explained []struct {
	stmt *gorm.Statement
	text Explanation
}

// of finds the explanation of the statement that f returned. If that failed
// before it was explained, no other takes its place.
func (x explained) of(tx *gorm.DB, failed bool) Explanation {
	for _, e := range slices.Backward(x) {
		if e.stmt == tx.Statement {
			return e.text
		}
	}
	e := Explanation{SQL: sqlOf(tx)}
	switch {
	case failed:
		return e
	case len(x) > 0:
		return x[0].text
	}
	e.refuse(ReasonNotRead, "the statement is not a read")
	return e
}

// sqlOf is the statement with its arguments written in.
func sqlOf(tx *gorm.DB) string {
	return tx.Dialector.Explain(tx.Statement.SQL.String(), tx.Statement.Vars...)
}

// explain fills in the explanation that the statement carries, if it does.
func (b *binding) explain(db *gorm.DB, f form) {
	v, ok := db.Get(explainKey)
	if !ok || db.Error != nil {
		return
	}
	e := Explanation{
		SQL:       sqlOf(db),
		Operation: operationOf(db, f).String(),
	}
	defer func() {
		seen := v.(*explained)
		*seen = append(*seen, explained{{db.Statement, e}}...)
	}()
	r, reason, detail := b.plan(db, f)
	defer r.release()
	if r.plan != nil {
		e.Tables = append([]string(nil), r.plan.Tables...)
	}
	if r.wishes != nil {
		e.inForce(r.wishes)
	}
	if reason != "" {
		e.refuse(reason, detail)
		return
	}
	e.Cacheable = true
	e.Key = b.cacheKey(db, r, f).String()
	e.Pins = r.plan.Pinned(r.args)
	e.Pending = r.sample.CorePending()
	entry, ok := b.plugin.cache.Get(r.enc.Bytes(), &r.sample)
	e.Depends = b.depends(r, ok && entry.Narrow())
	if ok {
		e.found(b.plugin.cache, entry)
	}
}

// inForce notes what was wished of the read.
func (e *Explanation) inForce(w *wishes) {
	e.Policy, e.Refresh = w.policy, w.refresh
	e.StoredFor, e.SWR, e.StaleIfError = w.ttl, w.swr, w.staleIfError
	e.MaxRows, e.MaxBytes = w.maxRows, w.maxBytes
	e.Tags = append([]string(nil), w.tags...)
	e.Names = append([]string(nil), w.names...)
}

// refuse notes why the read is not cached.
func (e *Explanation) refuse(r Reason, detail string) {
	e.Reason, e.Detail, e.Mend = r, detail, mendOf(r, detail)
}

// found notes the entry that is in the cache.
func (e *Explanation) found(c *tiered.Cache, entry *tiered.Entry) {
	now := c.Now()
	res := entry.Result.(*result)
	e.Tier, e.Form, e.Size = tierMemory, res.form(), entry.Size()
	e.Age, e.TTL = now.Sub(entry.Created), entry.Expires.Sub(now)
	switch {
	case c.Fresh(entry):
		e.Cached = true
	case entry.StaleWithin(now, max(e.SWR, e.StaleIfError)):
		e.Cached, e.Stale = true, true
	}
}

// depends prints the tags of a read's result. narrow says that all records
// that it is pinned to are known to be there, so that it does not depend on
// the set.
func (b *binding) depends(r *read, narrow bool) []string {
	tags := []invalidation.Tag{invalidation.Everything(), invalidation.Database("")}
	pinned := r.records > 0
	for _, t := range r.plan.Tables {
		if pinned {
			tags = append(tags, invalidation.Table("", t))
		}
		if !pinned || !narrow {
			tags = append(tags, invalidation.Set("", t))
		}
	}
	for _, t := range r.wishes.tags {
		tags = append(tags, invalidation.Custom("", t))
	}
	for _, n := range r.wishes.names {
		tags = append(tags, invalidation.Named("", n))
	}
	if r.tenant != "" {
		tags = append(tags, invalidation.Tenant("", r.tenant))
	}
	out := make([]string, 0, len(tags)+r.records)
	for _, t := range tags {
		out = append(out, t.String())
	}
	if pinned {
		for _, p := range r.plan.Pinned(r.args) {
			out = append(out, "record:"+p)
		}
	}
	return out
}
