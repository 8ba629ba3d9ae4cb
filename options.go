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

// Option changes how one query is cached. It is a scope:
//
//	db.Scopes(querycache.TTL(time.Hour), querycache.Tags("homepage")).Find(&articles)
//
// Where no scope reaches, WithOptions puts options into a context, and
// Generic makes a scope of them for gorm.G. Preloads inherit the options of
// their query. A scope wins over the context, option by option; tags and names
// of both add up. What neither says is said by Config.Tables, then by Config.
// How long and whether a result is kept is said by the query that stores it; how
// stale it may be, by the query that is answered with it too.
//
// A query whose options cannot be used, such as TTL(-1), is read from the
// database as if it had asked to Skip; Stats and Explain tell so by
// ReasonOption.
type Option = func(*gorm.DB) *gorm.DB

// Skip keeps a query, and its preloads, out of the cache: nothing is looked
// up and nothing is stored. No other option undoes it.
//
//	db.Scopes(querycache.Skip).Find(&users)
func Skip(db *gorm.DB) *gorm.DB {
	return apply(db, func(o *options) { o.skip = true })
}

// Refresh reads the database and replaces what is cached. A query that is
// CacheOnly by an option of its own is not refreshed.
func Refresh(db *gorm.DB) *gorm.DB {
	return apply(db, func(o *options) { o.refresh = true })
}

// Cache asks for a query to be cached. It is needed with Config.OptIn only.
func Cache(db *gorm.DB) *gorm.DB {
	return apply(db, func(o *options) { o.cache = true })
}

// TTL is how long the result stays cached. TTL(0) is the configured time; the
// default is that of Config.Tables, then of Config.Tiered.
func TTL(d time.Duration) Option {
	return timed("TTL", d, "the configured one", givenTTL, func(o *options) { o.ttl = d })
}

// SWR is how long after its TTL the result may still be answered with, while
// one read in the background replaces it. A result is kept for as long as was
// said when it was stored, so say it with every such query. SWR(0) is none;
// the default is that of Config.Tables, then of Config.Tiered.
func SWR(d time.Duration) Option {
	return timed("SWR", d, "none", givenSWR, func(o *options) { o.swr = d })
}

// StaleIfError is how long after its TTL the result may still be answered
// with if the database fails. A result is kept for as long as was said when it
// was stored, so say it with every such query. StaleIfError(0) is none; the
// default is that of Config.Tables, then of Config.Tiered.
func StaleIfError(d time.Duration) Option {
	return timed("StaleIfError", d, "none", givenStaleIfError, func(o *options) { o.staleIfError = d })
}

func timed(name string, d time.Duration, zero string, bit given, set func(*options)) Option {
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) {
			if d < 0 {
				o.wrong("%s(%v): use a positive duration, or 0 for %s", name, d, zero)
				return
			}
			o.given |= bit
			set(o)
		})
	}
}

// MaxRows is how long a result is stored at most. MaxRows(0) is the configured
// limit; the default is that of Config.Tables, then of Config.Tiered.
func MaxRows(n int) Option {
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) {
			if n < 0 {
				o.wrong("MaxRows(%d): use a positive count, or 0 for the configured one", n)
				return
			}
			o.maxRows, o.given = n, o.given|givenMaxRows
		})
	}
}

// MaxBytes is how large a result is stored at most, by the estimate of its
// size. MaxBytes(0) is the configured limit; the default is that of
// Config.Tables, then of Config.Tiered.
func MaxBytes(n int64) Option {
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) {
			if n < 0 {
				o.wrong("MaxBytes(%d): use a positive size, or 0 for the configured one", n)
				return
			}
			o.maxBytes, o.given = n, o.given|givenMaxBytes
		})
	}
}

// Negative says whether a result without rows is stored. The default is yes,
// unless Config.Tiered.NoNegative is set.
func Negative(stored bool) Option {
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) { o.negative, o.given = stored, o.given|givenNegative })
	}
}

// WithPolicy reads by a policy. The default is that of Config.Tables, then
// Config.Policy.
func WithPolicy(p Policy) Option {
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) {
			if !p.valid() {
				o.wrong("WithPolicy(%d): use one of the constants, such as CacheFirst", p)
				return
			}
			o.policy, o.given = p, o.given|givenPolicy
		})
	}
}

// Tags stores the result with tags of your own beside those of its tables.
// InvalidateTags invalidates by them. Tags add up. The same query with other
// tags is another entry.
func Tags(tags ...string) Option {
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) {
			if slices.Contains(tags, "") {
				o.wrong("Tags with an empty tag: leave it out, or give it a name")
				return
			}
			o.tags = union(o.tags, tags)
		})
	}
}

// Named gives the query a name to invalidate its results by, whatever their
// arguments. Names add up. The same query under another name is another
// entry.
func Named(name string) Option {
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) {
			if name == "" {
				o.wrong("Named with an empty name: give the query a name, or no option")
				return
			}
			o.names = union(o.names, []string{name})
		})
	}
}

// Tenant says whose query this is. Results are never shared between tenants.
// The default is what Config.Tenant reads from the context.
func Tenant(tenant string) Option {
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) { o.tenant, o.given = tenant, o.given|givenTenant })
	}
}

// StatusInto fills in how the query was answered. As a scope it tells of the
// query itself and not of its preloads, and of the last query if one session
// makes several. Through WithOptions it tells of every read with that context,
// preloads too, so that the last one stays. The status is there when the call
// that reads returns. Queries that run at the same time need a Status each.
func StatusInto(status *Status) Option {
	mu := new(sync.Mutex)
	return func(db *gorm.DB) *gorm.DB {
		return apply(db, func(o *options) {
			if status == nil {
				o.wrong("StatusInto(nil): give it the address of a Status")
				return
			}
			o.status = &statusSlot{mu: mu, into: status}
		})
	}
}

type contextKey struct{}

// WithOptions returns a context whose queries are cached as the options say.
// It serves where scopes do not reach: gorm.G, and code that is handed a
// context only. Options that the context has already stay, as far as these do
// not say otherwise. It takes the options of this package only: scopes that
// change the query itself belong in db.Scopes.
func WithOptions(ctx context.Context, opts ...Option) context.Context {
	have, _ := ctx.Value(contextKey{}).(*options)
	o := collect(have, opts)
	if o.status != nil && (have == nil || o.status != have.status) {
		o.status.every = true // nobody else has it yet
	}
	return context.WithValue(ctx, contextKey{}, o)
}

// Generic makes one scope of options for gorm.G:
//
//	gorm.G[User](db).Scopes(querycache.Generic(querycache.TTL(time.Hour))).Find(ctx)
//
// It takes the options of this package only.
func Generic(opts ...Option) func(*gorm.Statement) {
	return func(stmt *gorm.Statement) {
		stmt.Settings.Store(settingsKey, collect(settingsOf(stmt), opts))
	}
}

// collector stands in a session's place while options are collected: what
// they would leave in a statement, they leave here.
type collector struct {
	context.Context
	options options
	calls   int
}

// collect runs options, none of which has a session to work on, on top of
// what is there already.
func collect(have *options, opts []Option) *options {
	c := &collector{Context: context.Background()}
	if have != nil {
		c.options = *have
	}
	session := &gorm.DB{Statement: &gorm.Statement{Context: c}}
	for i, opt := range opts {
		if !c.run(opt, session) {
			c.options.wrong("argument %d of WithOptions or Generic is no option of querycache: scopes of your own belong in db.Scopes", i+1)
		}
	}
	return &c.options
}

// run tells whether opt was made by this package. Somebody else's scope finds
// no database here, and may panic.
func (c *collector) run(opt Option, session *gorm.DB) (own bool) {
	before := c.calls
	defer func() {
		if recover() != nil {
			own = false
		}
	}()
	opt(session)
	return c.calls > before
}

// apply leaves an option in the statement. A copy is changed, since sessions
// share what is in there.
func apply(db *gorm.DB, f func(*options)) *gorm.DB {
	o := options{}
	if db.Statement != nil {
		if c, ok := db.Statement.Context.(*collector); ok {
			c.calls++
			f(&c.options)
			return db
		}
		if have := settingsOf(db.Statement); have != nil {
			o = *have
		}
	}
	f(&o)
	return db.Set(settingsKey, &o)
}

// unused tells whether nothing was ever stored in a map that only this
// goroutine uses: the zero Map is empty, but even to look into it allocates.
func unused(m *sync.Map) bool {
	return *(*[unsafe.Sizeof(*m)]byte)(unsafe.Pointer(m)) == [unsafe.Sizeof(*m)]byte{}
}

// settingsOf finds what scopes left in a statement, nil if they left nothing.
func settingsOf(stmt *gorm.Statement) *options {
	if unused(&stmt.Settings) {
		return nil
	}
	have, _ := stmt.Settings.Load(settingsKey)
	o, _ := have.(*options)
	return o
}

// optionsOf finds what a statement asked for.
func optionsOf(stmt *gorm.Statement) *options {
	var wide *options
	if stmt.Context != nil {
		wide, _ = stmt.Context.Value(contextKey{}).(*options)
	}
	own := settingsOf(stmt)
	switch {
	case own == nil && wide == nil:
		return noOptions
	case own == nil:
		return wide
	case wide == nil:
		return own
	}
	return own.over(wide)
}
