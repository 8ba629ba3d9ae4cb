package querycache

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/internal/catalog"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/internal/txpool"
)

const (
	// catalogTimeout bounds a reading of the catalog.
	catalogTimeout = 5 * time.Second
	// retryAfter is how long after a failed reading the next is tried.
	retryAfter = 5 * time.Second
)

// database is one connection pool that the plugin serves.
type database struct {
	plugin *Plugin
	number uint64        // its part of a key: pools never share results
	raw    gorm.ConnPool // the pool itself
	pool   txpool.Pool   // the pool, wrapped
	gate   *txpool.Gate
}

var databaseNumbers atomic.Uint64

func (d *database) analyzer() *analysis.Analyzer { return d.gate.Analyzer }

// adoptHome finds or makes the database of the pool that db was opened with,
// and puts the wrapped pool in its place. It is nil if db has no pool.
func (p *Plugin) adoptHome(db *gorm.DB) *database {
	pool := db.Config.ConnPool
	prepared, _ := pool.(*gorm.PreparedStmtDB)
	if prepared != nil {
		pool = prepared.ConnPool
	}
	if pool == nil {
		return nil
	}
	d := p.adopt(pool, db.Dialector)
	switch {
	case prepared != nil:
		prepared.ConnPool = d.pool
	default:
		if db.Statement != nil && p.databaseOf(db.Statement.ConnPool) == d {
			db.Statement.ConnPool = d.pool
		}
		db.Config.ConnPool = d.pool
	}
	return d
}

// adopt finds or makes the database of a pool.
func (p *Plugin) adopt(pool gorm.ConnPool, dialector gorm.Dialector) *database {
	p.adopting.Lock() // not mu: reading the catalog may take its time
	defer p.adopting.Unlock()
	if d := p.databaseOf(pool); d != nil {
		return d
	}
	d := &database{plugin: p, number: databaseNumbers.Add(1), raw: pool}
	if wrapped, ok := pool.(txpool.Pool); ok {
		// Another plugin wrapped it; its gate serves us too, since all
		// plugins share their stamps.
		d.pool, d.gate = wrapped, wrapped.Gate()
	} else {
		d.open(dialector)
	}
	d.gate.Listen(listener{&p.counters})
	all := append([]*database(nil), *p.databases.Load()...)
	all = append(all, d)
	p.databases.Store(&all)
	d.report()
	return d
}

// databaseOf finds the database of a pool, wrapped or not.
func (p *Plugin) databaseOf(pool gorm.ConnPool) *database {
	if pool == nil || !reflect.TypeOf(pool).Comparable() {
		return nil
	}
	for _, d := range *p.databases.Load() {
		if d.pool == pool || d.raw == pool {
			return d
		}
	}
	return nil
}

// open reads the catalog and wraps the pool.
func (d *database) open(dialector gorm.Dialector) {
	p := d.plugin
	dialect := sqlscan.DialectOf(dialectName(dialector))
	before := analysis.SchemaChanges()
	c, _ := d.load(context.Background(), d.raw, dialect) // report says what went wrong
	name := fmt.Sprintf("pool-%d", d.number)
	scope := c.Identity()
	settled := false
	if dialect == sqlscan.SQLite && c.Known() {
		settled = isLocal(scope, dialector)
		if scope == "" {
			scope = memoryIdentity(dialector, name, fmt.Sprintf("plugin-%p", p))
		}
	}
	d.gate = txpool.NewGate(txpool.Options{
		Analyzer: analysis.New(dialect, p.scan, p.stamps, c, scope, name),
		Stamps:   p.stamps,
		Hold:     p.cfg.OutcomeHold,
		Settled:  settled,
		Reload:   d.reload,
		Replayer: p.replayer,
		Lag:      p.cfg.ReplicaLag,
	})
	if d.analyzer().ChangedSince(before) {
		_ = d.gate.Refresh(context.Background()) // report says what went wrong
	}
	if db, ok := d.raw.(*sql.DB); ok {
		d.pool = txpool.NewDB(db, d.gate)
	} else {
		d.pool = txpool.NewCustom(d.raw, d.gate)
	}
}

func dialectName(d gorm.Dialector) string {
	if d == nil {
		return ""
	}
	return d.Name()
}

func (d *database) load(ctx context.Context, conn gorm.ConnPool, dialect sqlscan.Dialect) (*catalog.Catalog, error) {
	ctx, cancel := context.WithTimeout(ctx, catalogTimeout)
	defer cancel()
	c, err := catalog.Load(ctx, conn, dialect, d.plugin.scan)
	if err != nil {
		return catalog.Unknown(err), err
	}
	return c.Declare(d.plugin.cfg.Dependencies), nil
}

// reload reads the catalog again and puts it in force.
func (d *database) reload(ctx context.Context, conn gorm.ConnPool) error {
	overPool := conn == nil
	if overPool {
		conn = d.raw
	}
	an := d.analyzer()
	c, err := d.load(ctx, conn, an.Dialect())
	an.SetCatalog(c, c.Identity())
	if err != nil && overPool && !strings.Contains(err.Error(), "database is closed") {
		d.plugin.cfg.Logger.Warn("querycache: the catalog could not be read after the schema changed; nothing is cached from this database until it can",
			"database", an.Scope(), "error", err)
		d.retryLater()
	}
	return err
}

// retryLater reads the catalog again after a while, since a pool that was busy
// will not always be.
func (d *database) retryLater() {
	time.AfterFunc(retryAfter, func() {
		if !d.plugin.closed.Load() {
			_ = d.gate.Refresh(context.Background()) // it retries by itself
		}
	})
}

// isLocal tells whether a SQLite database lives in this process, so that an
// error always tells what became of a statement: it has a file here, or none.
// There are servers that speak the dialect, too.
func isLocal(scope string, dialector gorm.Dialector) bool {
	if path, ok := strings.CutPrefix(scope, "sqlite:"); ok {
		_, err := os.Stat(path)
		return err == nil
	}
	return scope == "" && !strings.Contains(dsnOf(dialector), "://")
}

// memoryIdentity names a SQLite database that has no file. A private one
// belongs to its pool, a shared one goes by the name in its DSN. If the pool
// was handed in and has none, all such pools of a plugin share a name, which
// costs hits and nothing else.
func memoryIdentity(dialector gorm.Dialector, pool, plugin string) string {
	dsn := dsnOf(dialector)
	name, params, _ := strings.Cut(dsn, "?")
	switch {
	case dsn == "":
		return "sqlite-memory:" + plugin
	case strings.Contains(params, "cache=shared"):
		return "sqlite-memory:" + name
	}
	return "sqlite-memory:" + pool
}

// dsnOf reads the DSN that a dialector was made with; "" if it was given a
// pool.
func dsnOf(dialector gorm.Dialector) string {
	v := reflect.Indirect(reflect.ValueOf(dialector))
	if v.Kind() != reflect.Struct {
		return ""
	}
	if f := v.FieldByName("DSN"); f.Kind() == reflect.String {
		return f.String()
	}
	return ""
}
