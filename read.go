package querycache

import (
	"database/sql"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/internal/snapshot"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/internal/txpool"
	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/key"
)

// form is what a read hands out.
type form uint8

const (
	formDest form = iota + 1 // a destination that GORM scans into
	formRows                 // *sql.Rows
	formRow                  // *sql.Row
)

// read is one read under way.
type read struct {
	db      *database
	plan    *analysis.Plan
	options *options
	pool    gorm.ConnPool // where a miss goes
	args    []any         // the statement's, each driver.Valuer asked once
	lags    bool          // the pool may lag behind the writes

	enc    key.Encoder
	sample invalidation.Sample

	// copying is how the destination is filled from a snapshot, nil if it
	// cannot be.
	copying *snapshot.Plan
}

var reads = sync.Pool{New: func() any { return new(read) }}

func (r *read) release() {
	enc := r.enc
	enc.Reset()
	*r = read{enc: enc}
	reads.Put(r)
}

// plan decides whether a statement whose SQL is built may be answered from
// the cache. If so the read has its key, its tags and its sample; if not, the
// reason says why. The read must be released either way.
func (b *binding) plan(db *gorm.DB, f form) (r *read, reason Reason, detail string) {
	stmt := db.Statement
	r = reads.Get().(*read)
	r.pool = stmt.ConnPool
	r.options = optionsOf(stmt)
	if r.options.skip {
		return r, ReasonSkip, "the query asked to skip the cache"
	}
	if b.plugin.closed.Load() {
		return r, ReasonClosed, "the plugin is closed"
	}
	if reason, detail = b.route(r, stmt.ConnPool); reason != "" {
		return r, reason, detail
	}
	text := stmt.SQL.String()
	r.plan = r.db.analyzer().Plan(text)
	if r.plan.Reason != "" {
		return r, Reason(r.plan.Reason), r.plan.Detail
	}
	if err := b.identify(db, r, text, f); err != nil {
		return r, ReasonArgument, err.Error()
	}
	slots := r.plan.Reads
	if len(r.options.tags) > 0 {
		slots = append(slices.Clone(slots), b.plugin.customSlots(r.options.tags)...)
	}
	r.sample = b.plugin.cache.Sample(slots)
	if lag := b.plugin.cfg.ReplicaLag; r.lags && (lag == 0 || !b.plugin.stamps.Settled(slots, lag)) {
		return r, ReasonReplica, "the query was sent to a replica, which may not have the last write yet"
	}
	return r, "", ""
}

// route finds the database that a statement's pool reaches.
func (b *binding) route(r *read, pool gorm.ConnPool) (Reason, string) {
	switch p := txpool.Beneath(pool).(type) {
	case nil:
		return ReasonConnection, "the session has no connection pool"
	case *txpool.DB:
		r.db = b.databaseOf(p)
	case *txpool.Custom:
		r.db = b.databaseOf(p)
	case gorm.TxCommitter:
		return ReasonTransaction, "the query runs in a transaction"
	default:
		return ReasonConnection, "the query runs on a connection that the plugin does not own"
	}
	if r.db == nil {
		return ReasonConnection, "the query runs on a connection pool that the plugin does not know"
	}
	r.lags = b.resolver.lags(b, r.db)
	return "", ""
}

func (b *binding) databaseOf(pool txpool.Pool) *database {
	if b.home != nil && b.home.pool == pool {
		return b.home
	}
	return b.plugin.databaseOf(pool)
}

// identify writes the canonical form of the query, which is its key: two
// reads share a result only if it is equal, byte for byte.
func (b *binding) identify(db *gorm.DB, r *read, text string, f form) error {
	stmt, enc := db.Statement, &r.enc
	enc.Text(b.plugin.cfg.Namespace)
	enc.Text(b.plugin.tenant(stmt))
	enc.Uint(r.db.number)
	enc.Uint(uint64(f))
	enc.Text(text)
	enc.Uint(uint64(len(stmt.Vars)))
	r.args = stmt.Vars
	for i, v := range stmt.Vars {
		bound, err := enc.Arg(v)
		if err != nil {
			return err
		}
		if err := fixed(bound); err != nil {
			return err
		}
		if !scalar(v) { // a Valuer, which must not be asked again, may be in it
			if &r.args[0] == &stmt.Vars[0] {
				r.args = slices.Clone(stmt.Vars)
			}
			r.args[i] = bound
		}
	}
	enc.Uint(uint64(len(r.options.tags)))
	for _, t := range r.options.tags {
		enc.Text(t)
	}
	if f == formDest {
		identifyDest(stmt, enc)
	}
	return nil
}

// identifyDest adds what makes one text and one set of arguments scan into
// different values.
func identifyDest(stmt *gorm.Statement, enc *key.Encoder) {
	enc.Type(reflect.TypeOf(stmt.Dest))
	enc.Type(reflect.TypeOf(stmt.Model))
	// The entry keeps its schema alive, so that the address is not reused.
	enc.Uint(uint64(reflect.ValueOf(stmt.Schema).Pointer()))
	enc.Uint(uint64(len(stmt.Joins)))
	for _, j := range stmt.Joins {
		enc.Text(j.Name)
		enc.Text(j.Alias)
	}
	enc.Uint(uint64(len(stmt.ColumnMapping)))
	if len(stmt.ColumnMapping) > 0 {
		for _, from := range sortedKeys(stmt.ColumnMapping) {
			enc.Text(from)
			enc.Text(stmt.ColumnMapping[from])
		}
	}
}

var errMoving = errors.New("an argument is a text that a database may read as a moving time, such as 'now'")

// fixed refuses arguments whose meaning moves with the clock.
func fixed(arg any) error {
	var moving bool
	switch v := arg.(type) {
	case string:
		moving = sqlscan.VolatileText(v)
	case []byte:
		moving = sqlscan.VolatileText(string(v))
	case sql.NamedArg:
		return fixed(v.Value)
	default:
		v2 := reflect.ValueOf(arg)
		for v2.Kind() == reflect.Pointer && !v2.IsNil() {
			v2 = v2.Elem()
		}
		moving = v2.Kind() == reflect.String && sqlscan.VolatileText(v2.String())
	}
	if moving {
		return errMoving
	}
	return nil
}

// scalar tells whether a value is bound as it is.
func scalar(v any) bool {
	switch v.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64,
		float32, float64, string, []byte, time.Time:
		return true
	}
	return false
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (p *Plugin) tenant(stmt *gorm.Statement) string {
	if p.cfg.Tenant == nil {
		return ""
	}
	return p.cfg.Tenant(stmt.Context)
}

func (p *Plugin) customSlots(tags []string) []invalidation.Slot {
	out := make([]invalidation.Tag, len(tags))
	for i, t := range tags {
		out[i] = invalidation.Custom(p.cfg.Namespace, t)
	}
	return p.stamps.Slots(out)
}

// cacheKey is the key in the form that people read.
func (b *binding) cacheKey(db *gorm.DB, r *read, f form) key.CacheKey {
	entity := db.Statement.Table
	if entity == "" && len(r.plan.Tables) > 0 {
		entity = r.plan.Tables[0]
	}
	return key.CacheKey{
		Namespace:   b.plugin.cfg.Namespace,
		Database:    r.db.analyzer().Scope(),
		Tenant:      b.plugin.tenant(db.Statement),
		Entity:      entity,
		Operation:   operation(db, f),
		Fingerprint: r.enc.Sum(),
	}
}

// operation names what the program called, as far as the statement shows it.
func operation(db *gorm.DB, f form) string {
	_, scalar := db.Statement.Dest.(*int64)
	switch {
	case f == formRows:
		return "rows"
	case f == formRow:
		return "row"
	case scalar:
		return "count"
	case db.Statement.RaiseErrorOnNotFound:
		return "first"
	case db.Statement.ReflectValue.Kind() == reflect.Slice && !isRecord(db.Statement.ReflectValue.Type().Elem()):
		return "pluck"
	}
	return "find"
}

func isRecord(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() || t.Kind() == reflect.Map
}
