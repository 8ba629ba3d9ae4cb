package querycache

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

// DefaultOutcomeHold is how long a tag stays pending after a write whose
// outcome is not known.
const DefaultOutcomeHold = 30 * time.Second

// Config configures a Plugin. The zero value is ready to use: results are
// kept in memory, 64 MiB of them, for a minute at most.
type Config struct {
	// Namespace sets the keys and custom tags of one program apart from
	// another's. The default is empty.
	Namespace string
	// Disabled starts the plugin switched off: see Disable. The default is
	// false.
	Disabled bool
	// Memory bounds the first tier. The default is 64 MiB.
	Memory memory.Config
	// L1 is a first tier of your own, in place of the one in memory that
	// Memory bounds. The default is nil: that one.
	L1 tiered.Local
	// Tiered says how long results are kept and how large they may be. The
	// defaults are one minute, 1 MiB and 1000 rows.
	Tiered tiered.Config
	// Policy says in which order reads ask the cache and the database. The
	// default is CacheFirst.
	Policy Policy
	// OptIn caches only what asks for it: queries with the option Cache, and
	// queries all of whose tables are On in Tables. The default is false.
	OptIn bool
	// Tables are rules for the results that depend on a table or view, by its
	// name. Names are compared without regard to case, by their last part:
	// "shop.orders" is "orders". The default is no rules.
	Tables map[string]TableRule
	// Tenant reads the tenant from a query's context. Results are never
	// shared between tenants. The default is one tenant, called "".
	Tenant func(ctx context.Context) string
	// PureFunctions are SQL functions, beside the built-in ones that
	// querycache knows, whose result depends on their arguments alone and
	// which write nothing. A query that calls any other function is not
	// cached. Names are compared without regard to case. They are bare, without
	// arguments: "vat", or "shop.vat" where queries name the schema.
	PureFunctions []string
	// ImmutableTypes are Go types of fields whose values may be shared by
	// all who read them, because nobody ever changes them in place. Without
	// it, a type that querycache cannot copy is scanned anew on each hit.
	ImmutableTypes []reflect.Type
	// Dependencies tell what the database's catalog does not: a write to
	// the table that is the key changes the tables that are its value too.
	Dependencies map[string][]string
	// OutcomeHold is how long what a write touched stays uncached after its
	// outcome became unknown: the connection broke or the context ended
	// while it ran. Set it above the lock and statement timeouts of the
	// database. The default is 30 seconds.
	OutcomeHold time.Duration
	// ReplicaLag is how far a replica behind dbresolver is behind its source
	// at most. Reads sent to a replica are cached once the last write to
	// their tables is older than that. The default is 0: the lag is not
	// known, and they are not cached.
	ReplicaLag time.Duration
	// Observers are told of what the plugin does: each is a ReadObserver, an
	// InvalidationObserver, a RefreshObserver, or several of these. The
	// default is nobody.
	Observers []any
	// Logger is told of what an operator should know; never row values. The
	// default is slog.Default().
	Logger *slog.Logger
}

// withDefaults fills in what is zero.
func (c Config) withDefaults() Config {
	c.Tiered = c.Tiered.WithDefaults()
	if c.OutcomeHold == 0 {
		c.OutcomeHold = DefaultOutcomeHold
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// validate names the field that cannot be used and says what to do.
func (c Config) validate() error {
	if err := c.Memory.Validate(); err != nil {
		return fmt.Errorf("%w: Memory: %w", ErrConfig, err)
	}
	if c.L1 != nil {
		if !reflect.ValueOf(c.Memory).IsZero() {
			return fmt.Errorf("%w: L1 and Memory are both set, and Memory bounds a tier that L1 replaces: set one of them", ErrConfig)
		}
		if v := reflect.ValueOf(c.L1); v.Kind() == reflect.Pointer && v.IsNil() {
			return fmt.Errorf("%w: L1 is a nil %v: set a tier, or leave the field out", ErrConfig, v.Type())
		}
	}
	if err := c.Tiered.Validate(); err != nil {
		return err
	}
	if !c.Policy.valid() {
		return fmt.Errorf("%w: Policy is %d: set one of the constants, such as CacheFirst", ErrConfig, c.Policy)
	}
	if err := validateTables(c.Tables); err != nil {
		return err
	}
	if c.OutcomeHold < 0 {
		return fmt.Errorf("%w: OutcomeHold is %v: set a positive duration, or 0 for %v", ErrConfig, c.OutcomeHold, DefaultOutcomeHold)
	}
	if c.ReplicaLag < 0 {
		return fmt.Errorf("%w: ReplicaLag is %v: set a positive duration, or 0 to leave reads from replicas uncached", ErrConfig, c.ReplicaLag)
	}
	for i, t := range c.ImmutableTypes {
		if t == nil {
			return fmt.Errorf("%w: ImmutableTypes[%d] is nil: remove it, or use reflect.TypeFor[T]()", ErrConfig, i)
		}
	}
	for i, f := range c.PureFunctions {
		if f == "" {
			return fmt.Errorf("%w: PureFunctions[%d] is empty: remove it, or name a function", ErrConfig, i)
		}
		// A name that is dotted stands for the text of a query, which may quote it.
		if odd := strings.ContainsAny(f, " \t\r\n\"'`[]"); strings.ContainsAny(f, "()") || odd && !strings.Contains(f, ".") || strings.TrimSpace(f) != f {
			return fmt.Errorf("%w: PureFunctions[%d] is %q, which is no bare name: write it without parentheses, quotes and spaces, as \"vat\" for vat(price)", ErrConfig, i, f)
		}
	}
	if err := validateObservers(c.Observers); err != nil {
		return err
	}
	for from, to := range c.Dependencies {
		if from == "" {
			return fmt.Errorf("%w: Dependencies has an empty table name: name the table that is written", ErrConfig)
		}
		for i, t := range to {
			if t == "" {
				return fmt.Errorf("%w: Dependencies[%q][%d] is empty: name the table that changes with it", ErrConfig, from, i)
			}
		}
	}
	return nil
}
