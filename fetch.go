package querycache

import (
	"context"
	"fmt"
	"reflect"
	"time"
)

// FetchOptions say what a value that Fetch keeps depends on, and for how long it
// is kept.
type FetchOptions struct {
	// Tables are the tables and views that the value is worked out from, in
	// whatever databases of the plugin have them. A write to one of them
	// invalidates the value, as it does a query. Names are compared without
	// regard to case, by their last part. The default is none.
	Tables []string
	// Models are the same by GORM's models: a struct, a pointer to one, or a
	// slice of either. The default is none.
	Models []any
	// Tags are tags of your own, for InvalidateTags. The default is none.
	Tags []string
	// TTL is how long the value is fresh. The default is that of the tables in
	// Config.Tables, then Config.Tiered.L1TTL.
	TTL time.Duration
	// SWR is how long after its TTL the value may still be given, while one
	// call of load in the background replaces it. The default is that of
	// Config.Tables, then Config.Tiered.SWR.
	SWR time.Duration
	// StaleIfError is how long after its TTL the value may still be given if
	// load fails. The default is Config.Tiered.StaleIfError.
	StaleIfError time.Duration
	// MaxBytes is how large a value is stored at most, by the estimate of its
	// size. The default is that of Config.Tables, then
	// Config.Tiered.MaxResultBytes.
	MaxBytes int64
}

// Fetch returns what load returns, from the cache if it is there: a computation
// over what the database holds, kept as fresh as a query.
//
//	top, err := querycache.Fetch(ctx, cache, "top10", querycache.FetchOptions{Models: []any{&Order{}}},
//		func(ctx context.Context) ([]Product, error) { ... })
//
// The value is known by key, its type, its tables, tags and options, the tenant
// (Config.Tenant) and Config.Namespace: two types under one key never mix, nor do
// two tenants. Everything else that load depends on must be in key. A value that
// depends on tables is invalidated by every write to them, before that write
// returns, and by InvalidateTable and its like; what load read before is then
// never stored. InvalidateTags goes by Tags, InvalidateNamed by key.
//
// The options of the context (WithOptions) count: Skip, Refresh, WithPolicy,
// Tenant, Tags, StatusInto. Those in o win over them. Load gets them too, as the
// context is derived from ctx.
//
// Callers of one key at the same time share one call of load. If it fails,
// panics or its context ends, each of the others calls load for itself; no error
// is handed to somebody else, and none is stored. An empty value is a value.
//
// Each caller gets a value of its own and may change it. Values are copied as
// trees: pointers to one thing become pointers to copies of it, and of a slice
// nothing beyond its length is kept. What is known to be uncopyable by its type,
// such as a channel, a function, an interface with methods, or a type that
// decodes itself and holds pointers, is never stored: load is called each time,
// the call is counted under ReasonUncopyable, and the first of each type is
// logged with the reason. The mend is a method Clone() T, or to name the type in
// Config.ImmutableTypes. A value that turns out not to be copyable (pointers in
// unexported fields, cycles, values in an interface that encoding/json would not
// put there) is counted in Stats.Rejected.
//
// A value for which load read in a transaction, under the context that it is
// given or one made from it, is handed to the caller and not stored: others may
// not see those rows. What load reads in a transaction under another context is
// not known to be so; do not do that. With dbresolver, values
// that depend on tables are kept only if Config.ReplicaLag is set, since load
// may read from a replica.
//
// Fetch returns ErrUnknownTable, wrapped, without calling load, if no database
// has a table that is named, ErrNotInstalled if tables are named before db.Use,
// ErrInvalidArgument for what cannot be used, and a load that fetches its own
// key, ErrCacheMiss if the policy of the context is CacheOnly, and the context's
// error if that ends first. All others are load's. A plugin that is closed or
// switched off only calls load. It is counted in Stats as a read of the table
// "(fetch)", and safe for concurrent use.
func Fetch[T any](ctx context.Context, p *Plugin, key string, o FetchOptions, load func(ctx context.Context) (T, error)) (T, error) {
	var out T
	switch {
	case p == nil:
		return out, fmt.Errorf("fetching: %w: the plugin is nil: pass what New returned", ErrInvalidArgument)
	case load == nil:
		return out, fmt.Errorf("fetching: %w: load is nil: pass the function that works the value out", ErrInvalidArgument)
	case p.err != nil:
		return out, p.err
	}
	f := &fetching{
		plugin: p, key: key, options: &o, typ: reflect.TypeFor[T](), ctx: ctx,
		load: func(ctx context.Context, into reflect.Value) error {
			v, err := load(ctx)
			*into.Addr().Interface().(*T) = v
			return err
		},
	}
	err := f.fetch(reflect.ValueOf(&out).Elem())
	return out, err
}
