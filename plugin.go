package querycache

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/internal/snapshot"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/internal/txpool"
	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

// PluginName is the name under which GORM knows the plugin. A *gorm.DB has one
// querycache, which its sessions share: a second db.Use returns
// gorm.ErrRegistered, whose text is "registered".
const PluginName = "querycache"

// Plugin caches the results of GORM's queries. Install it with db.Use. One
// Plugin may serve several databases. It is safe for concurrent use.
type Plugin struct {
	cfg      Config
	err      error // what is wrong with cfg
	stamps   *invalidation.Stamps
	scan     *sqlscan.Options
	planner  *snapshot.Planner
	replayer *rows.Replayer
	rules    *rules
	l1       tiered.Local
	cache    *tiered.Cache
	counters counters
	disabled atomic.Bool
	closed   atomic.Bool

	background *background
	tierTold   sync.Once // of its first panic

	models     models
	uncopyable sync.Map // reflect.Type → true: Fetch told the operator

	adopting  sync.Mutex // held while a database or a binding is added
	databases atomic.Pointer[[]*database]
	bindings  atomic.Pointer[[]*binding]
	lag       atomic.Pointer[lagging] // see mayLag

	mu     sync.Mutex                       // guards strays
	strays map[sqlscan.Dialect]*txpool.Gate // by dialect; see strayGate
}

// New makes a plugin. A mistake in cfg is reported by db.Use.
func New(cfg Config) *Plugin {
	p := &Plugin{cfg: cfg.withDefaults(), err: cfg.validate(), stamps: invalidation.Shared(), background: newBackground()}
	p.databases.Store(&[]*database{})
	p.bindings.Store(&[]*binding{})
	if p.err != nil {
		return p
	}
	p.scan = &sqlscan.Options{PureFunctions: make(map[string]bool, len(cfg.PureFunctions))}
	for _, f := range cfg.PureFunctions {
		p.scan.PureFunctions[strings.ToLower(f)] = true
	}
	if cfg.ReplicaLag > 0 {
		p.stamps.KeepTimes()
	}
	p.planner = snapshot.NewPlanner(cfg.ImmutableTypes...)
	p.replayer = rows.NewReplayer()
	p.rules = newRules(p.cfg)
	p.disabled.Store(cfg.Disabled)
	p.counters.observers = newObservers(cfg.Observers, p.cfg.Logger)
	if p.l1 = cfg.L1; p.l1 == nil {
		if p.l1, p.err = memory.Open[*tiered.Entry](cfg.Memory); p.err != nil {
			return p
		}
	}
	local := p.l1
	if cfg.L1 != nil {
		local = &tiered.Guarded{Local: cfg.L1, Told: p.tierPanicked}
	}
	p.cache = tiered.New(p.cfg.Tiered, p.stamps, local, time.Now)
	return p
}

// Name is the name under which GORM knows the plugin.
func (p *Plugin) Name() string { return PluginName }

// Initialize installs the plugin; db.Use calls it. It reads the database's
// catalog, wraps the connection pool and registers the callbacks. It may be
// called for several databases: GORM's dbresolver does so for each source and
// replica.
//
// It returns ErrConfig, wrapped, if the Config cannot be used, and ErrClosed
// if the plugin was closed.
func (p *Plugin) Initialize(db *gorm.DB) error {
	if p.err != nil {
		return p.err
	}
	if p.closed.Load() {
		return fmt.Errorf("installing on a database: %w", ErrClosed)
	}
	p.models.learn(db.NamingStrategy)
	b := &binding{plugin: p, home: p.adoptHome(db)}
	b.adoptResolver(db)
	p.bind(b)
	return b.register(db)
}

// callback is one row of the table of callbacks.
type callback struct {
	processor interface {
		Get(name string) func(*gorm.DB)
		Replace(name string, fn func(*gorm.DB)) error
	}
	name string
	wrap func(old func(*gorm.DB)) func(*gorm.DB)
}

// register puts the plugin's callbacks in place of GORM's, which they call.
func (b *binding) register(db *gorm.DB) error {
	cb := db.Callback()
	table := []callback{
		{cb.Query(), "gorm:query", b.query},
		{cb.Row(), "gorm:row", b.row},
		{cb.Create(), "gorm:create", b.announce},
		{cb.Update(), "gorm:update", b.announce},
		{cb.Delete(), "gorm:delete", b.announce},
		{cb.Raw(), "gorm:raw", b.announce},
	}
	for _, c := range table {
		old := c.processor.Get(c.name)
		if old == nil {
			continue // another plugin removed it: there is nothing to answer
		}
		if err := c.processor.Replace(c.name, c.wrap(old)); err != nil {
			return fmt.Errorf("querycache: replacing callback %s: %w", c.name, err)
		}
	}
	return b.registerPools(db)
}

// Close drops all results and stops what runs in the background. Queries go
// on working on the database, uncached; writes still tell other plugins of
// the process. It returns the context's error if that ends first. Calling it
// again is harmless.
func (p *Plugin) Close(ctx context.Context) error {
	if p.closed.Swap(true) || p.cache == nil {
		return nil
	}
	done := make(chan error, 1)
	idle := p.background.close()
	go func() {
		<-idle
		for _, d := range *p.databases.Load() {
			d.gate.Wait()
		}
		p.mu.Lock()
		strays := p.strays
		p.mu.Unlock()
		for _, g := range strays {
			g.Wait()
		}
		err := p.replayer.Close()
		_, failed := p.withTier(func() (int, error) {
			n := p.cache.Clear()
			if l1, ok := p.l1.(interface{ Close() }); ok {
				l1.Close()
			}
			return n, nil
		})
		err = errors.Join(err, failed)
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("querycache: closing: %w", ctx.Err())
	}
}
