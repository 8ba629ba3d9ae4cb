package querycache

import (
	"context"
	"slices"
	"sync"
	"time"
	"unsafe"

	"gorm.io/gorm"
)

// settingsKey is where a scope leaves its options in a statement.
const settingsKey = "querycache:options"

// options are what one query asked for. They are immutable once made.
type options struct {
	skip    bool
	refresh bool
	ttl     time.Duration
	tags    []string
}

// Option changes how one query is cached. The functions Skip and Refresh and
// the results of TTL and Tags are scopes; WithOptions takes the same wishes
// for a context.
type Option func(*options)

// Skip is a scope that keeps a query, and its preloads, out of the cache:
// nothing is looked up and nothing is stored.
//
//	db.Scopes(querycache.Skip).Find(&users)
func Skip(db *gorm.DB) *gorm.DB { return apply(db, OptSkip()) }

// Refresh is a scope that reads the database and replaces what is cached.
func Refresh(db *gorm.DB) *gorm.DB { return apply(db, OptRefresh()) }

// TTL is a scope that stores the result for d instead of Config.Tiered.L1TTL.
// A duration of 0 or less means the configured one.
func TTL(d time.Duration) func(*gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB { return apply(db, OptTTL(d)) }
}

// Tags is a scope that stores the result with tags of your own beside those
// of its tables. InvalidateTags invalidates by them. The same query with
// other tags is another entry.
func Tags(tags ...string) func(*gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB { return apply(db, OptTags(tags...)) }
}

// OptSkip is Skip for WithOptions.
func OptSkip() Option { return func(o *options) { o.skip = true } }

// OptRefresh is Refresh for WithOptions.
func OptRefresh() Option { return func(o *options) { o.refresh = true } }

// OptTTL is TTL for WithOptions.
func OptTTL(d time.Duration) Option { return func(o *options) { o.ttl = d } }

// OptTags is Tags for WithOptions. Tags add up.
func OptTags(tags ...string) Option {
	return func(o *options) {
		o.tags = slices.Compact(slices.Sorted(slices.Values(slices.Concat(o.tags, tags))))
	}
}

type contextKey struct{}

// WithOptions returns a context whose queries are cached as the options say.
// It serves where scopes do not reach: gorm.G, and code that is handed a
// context only. A scope wins over the context.
func WithOptions(ctx context.Context, opts ...Option) context.Context {
	o := options{}
	if have, ok := ctx.Value(contextKey{}).(*options); ok {
		o = *have
	}
	for _, f := range opts {
		f(&o)
	}
	return context.WithValue(ctx, contextKey{}, &o)
}

// apply leaves an option in the statement. A copy is changed, since sessions
// share what is in there.
func apply(db *gorm.DB, f Option) *gorm.DB {
	o := options{}
	if db.Statement != nil {
		if have, ok := db.Get(settingsKey); ok {
			o = *have.(*options)
		}
	}
	f(&o)
	return db.Set(settingsKey, &o)
}

var noOptions = &options{}

// unused tells whether nothing was ever stored in a map that only this
// goroutine uses: the zero Map is empty, but even to look into it allocates.
func unused(m *sync.Map) bool {
	return *(*[unsafe.Sizeof(*m)]byte)(unsafe.Pointer(m)) == [unsafe.Sizeof(*m)]byte{}
}

// optionsOf finds what a statement asked for.
func optionsOf(stmt *gorm.Statement) *options {
	var ctxOptions *options
	if stmt.Context != nil {
		ctxOptions, _ = stmt.Context.Value(contextKey{}).(*options)
	}
	var have any
	ok := false
	if !unused(&stmt.Settings) {
		have, ok = stmt.Settings.Load(settingsKey)
	}
	switch {
	case !ok && ctxOptions == nil:
		return noOptions
	case !ok:
		return ctxOptions
	case ctxOptions == nil:
		return have.(*options)
	}
	o := *have.(*options)
	o.skip = o.skip || ctxOptions.skip
	o.refresh = o.refresh || ctxOptions.refresh
	if o.ttl == 0 {
		o.ttl = ctxOptions.ttl
	}
	OptTags(ctxOptions.tags...)(&o)
	return &o
}
