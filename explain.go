package querycache

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

const explainKey = "querycache:explain"

// Explanation says how the cache would answer a query.
type Explanation struct {
	// SQL is the statement with its arguments written in.
	SQL string
	// Cacheable tells whether the query may be answered from the cache; if
	// not, Reason is the class of the refusal and Detail what exactly.
	Cacheable bool
	Reason    Reason
	Detail    string
	// Key is the structured key, printed.
	Key string
	// Tables are what the result depends on: a write to one invalidates it.
	Tables []string
	// Tags are those that the query was given.
	Tags []string
	// Cached tells whether a valid result is there now; Tier where, Form in
	// which form, Age since when, and TTL for how long yet.
	Cached bool
	Tier   string
	Form   string
	Age    time.Duration
	TTL    time.Duration
	// Pending tells that a write to one of the tables is under way, so that
	// the query would go to the database now.
	Pending bool
}

// String prints the explanation in a few lines.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sql:    %s\n", e.SQL)
	if !e.Cacheable {
		fmt.Fprintf(&b, "cache:  no (%s: %s)\n", e.Reason, e.Detail)
		return b.String()
	}
	fmt.Fprintf(&b, "cache:  yes\nkey:    %s\ntables: %s\n", e.Key, strings.Join(e.Tables, ", "))
	if len(e.Tags) > 0 {
		fmt.Fprintf(&b, "tags:   %s\n", strings.Join(e.Tags, ", "))
	}
	switch {
	case e.Pending:
		b.WriteString("now:    a write is under way; the database would be asked\n")
	case e.Cached:
		fmt.Fprintf(&b, "now:    in %s as %s, %s old, %s left\n", e.Tier, e.Form,
			e.Age.Round(time.Millisecond), e.TTL.Round(time.Millisecond))
	default:
		b.WriteString("now:    not cached; the database would be asked\n")
	}
	return b.String()
}

// Explain tells how the query that f makes would be answered, without running
// it. It has the shape of gorm's ToSQL:
//
//	e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB {
//		return tx.First(&user, 1)
//	})
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
	out := seen.of(tx)
	if tx.Error != nil && !errors.Is(tx.Error, gorm.ErrDryRunModeUnsupported) {
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

// of finds the explanation of the statement that f returned.
func (x explained) of(tx *gorm.DB) Explanation {
	for _, e := range x {
		if e.stmt == tx.Statement {
			return e.text
		}
	}
	if len(x) > 0 {
		return x[0].text
	}
	return Explanation{
		SQL:    tx.Dialector.Explain(tx.Statement.SQL.String(), tx.Statement.Vars...),
		Reason: ReasonNotRead, Detail: "the statement is not a read",
	}
}

// explain fills in the explanation that the statement carries, if it does.
func (b *binding) explain(db *gorm.DB, f form) {
	v, ok := db.Get(explainKey)
	if !ok || db.Error != nil {
		return
	}
	e := Explanation{SQL: db.Dialector.Explain(db.Statement.SQL.String(), db.Statement.Vars...)}
	defer func() {
		seen := v.(*explained)
		*seen = append(*seen, explained{{db.Statement, e}}...)
	}()
	r, reason, detail := b.plan(db, f)
	defer r.release()
	if reason != "" {
		e.Reason, e.Detail = reason, detail
		return
	}
	e.Cacheable = true
	e.Key = b.cacheKey(db, r, f).String()
	e.Tables = append([]string(nil), r.plan.Tables...)
	e.Tags = append([]string(nil), r.options.tags...)
	e.Pending = r.sample.Pending()
	if entry, ok := b.plugin.cache.Get(r.enc.Bytes(), &r.sample); ok {
		now := time.Now()
		e.Cached, e.Tier, e.Form = true, "memory", entry.Result.(*result).form()
		e.Age, e.TTL = now.Sub(entry.Created), entry.Expires.Sub(now)
	}
}
