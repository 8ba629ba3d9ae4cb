package querycache

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"gorm.io/gorm"
)

// resolverName is the name of GORM's dbresolver, as a plugin and as a
// callback.
const resolverName = "gorm:db_resolver"

// resolver is what the plugin knows of a dbresolver beside it. Its pools share
// a name for tags, so that a write to the source is one to the replicas too.
// Each keeps its own results: a read that was sent to a replica is answered
// with what that replica said. A replica may lag, so what it says is kept
// only if Config.ReplicaLag tells how far.
type resolver struct {
	config *gorm.Config // of the *gorm.DB, whose plugins are looked through
	mu     sync.Mutex
	// lagging tells of each pool whether it may lag behind: a replica, or one
	// of several sources.
	lagging atomic.Pointer[map[*database]bool]
}

// lags tells whether a read was sent to a pool that may lag behind.
func (rs *resolver) lags(b *binding, d *database) bool {
	pl := rs.config.Plugins[resolverName]
	if pl == nil {
		return false
	}
	known := rs.lagging.Load()
	if known == nil || !has(*known, d) {
		known = rs.learn(b, pl)
	}
	lags, ok := (*known)[d]
	return lags || !ok // a pool whose part is not known may be anything
}

func has(m map[*database]bool, d *database) bool { _, ok := m[d]; return ok }

// learn reads the resolver's sources and replicas, and puts them all in one
// group. dbresolver does not tell which pool is which, so its fields are
// read; should they be named otherwise one day, every pool is one that may
// lag.
func (rs *resolver) learn(b *binding, pl gorm.Plugin) *map[*database]bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	lagging := make(map[*database]bool)
	note := func(v reflect.Value) {
		if v.Kind() != reflect.Pointer || v.IsNil() {
			return
		}
		sources := b.databasesIn(v.Elem().FieldByName("sources"))
		replicas := b.databasesIn(v.Elem().FieldByName("replicas"))
		for _, d := range sources {
			lagging[d] = lagging[d] || len(sources) > 1
		}
		for _, d := range replicas {
			lagging[d] = lagging[d] || !slices.Contains(sources, d)
		}
	}
	if v := reflect.Indirect(reflect.ValueOf(pl)); v.Kind() == reflect.Struct {
		note(v.FieldByName("global"))
		if m := v.FieldByName("resolvers"); m.Kind() == reflect.Map {
			for _, k := range m.MapKeys() {
				note(m.MapIndex(k))
			}
		}
	}
	group := fmt.Sprintf("resolver-%p", pl)
	if b.home != nil {
		b.home.analyzer().Join(group)
		if !has(lagging, b.home) {
			lagging[b.home] = false // it serves the tables that no resolver does
		}
	}
	for d := range lagging {
		d.analyzer().Join(group)
	}
	rs.lagging.Store(&lagging)
	return &lagging
}

// databasesIn finds the databases of a slice of pools in an unexported field.
func (b *binding) databasesIn(pools reflect.Value) (out []*database) {
	if pools.Kind() != reflect.Slice {
		return nil
	}
	for i := range pools.Len() {
		v := pools.Index(i)
		if v.Kind() == reflect.Interface {
			v = v.Elem()
		}
		if v.Kind() != reflect.Pointer {
			continue
		}
		for _, d := range *b.plugin.databases.Load() {
			if isAt(d.raw, v) || isAt(d.pool, v) {
				out = append(out, d)
				break
			}
		}
	}
	return out
}

// isAt tells whether a pool is the one that v points to.
func isAt(pool gorm.ConnPool, v reflect.Value) bool {
	p := reflect.ValueOf(pool)
	return p.Kind() == reflect.Pointer && p.Type() == v.Type() && p.Pointer() == v.Pointer()
}

// adoptResolver wraps the pools of a dbresolver that was installed before:
// its callbacks swap bare pools into statements, so they are replaced by ones
// that swap in the wrapped pool afterwards. One that comes later opens its
// pools with this plugin in place, and needs nothing.
func (b *binding) adoptResolver(db *gorm.DB) {
	b.resolver.config = db.Config
	pl, ok := db.Plugins[resolverName]
	if !ok {
		return
	}
	if dr, ok := pl.(interface {
		Call(func(gorm.ConnPool) error) error
	}); ok {
		_ = dr.Call(func(pool gorm.ConnPool) error {
			b.plugin.adopt(pool, db.Dialector)
			return nil
		})
	}
	for _, c := range []struct {
		get     func(string) func(*gorm.DB)
		replace func(func(*gorm.DB)) error
	}{
		{db.Callback().Create().Get, func(f func(*gorm.DB)) error { return db.Callback().Create().Before("*").Replace(resolverName, f) }},
		{db.Callback().Query().Get, func(f func(*gorm.DB)) error { return db.Callback().Query().Before("*").Replace(resolverName, f) }},
		{db.Callback().Update().Get, func(f func(*gorm.DB)) error { return db.Callback().Update().Before("*").Replace(resolverName, f) }},
		{db.Callback().Delete().Get, func(f func(*gorm.DB)) error { return db.Callback().Delete().Before("*").Replace(resolverName, f) }},
		{db.Callback().Row().Get, func(f func(*gorm.DB)) error { return db.Callback().Row().Before("*").Replace(resolverName, f) }},
		{db.Callback().Raw().Get, func(f func(*gorm.DB)) error { return db.Callback().Raw().Before("*").Replace(resolverName, f) }},
	} {
		old := c.get(resolverName)
		if old == nil {
			continue
		}
		if err := c.replace(func(tx *gorm.DB) { old(tx); b.normalize(tx) }); err != nil {
			b.plugin.cfg.Logger.Warn("querycache: dbresolver's callback could not be wrapped; its writes may not be seen", "error", err)
		}
	}
}
