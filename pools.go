package querycache

import (
	"database/sql"
	"reflect"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/txpool"
)

// poolCallback runs before everything else and puts wrapped pools where a
// session still holds a bare one: sessions made before db.Use, and
// connections taken out of the pool.
const poolCallback = "querycache:pool"

// binding is the plugin installed on one *gorm.DB.
type binding struct {
	plugin   *Plugin
	home     *database // nil if the *gorm.DB has no connection pool
	resolver resolver
}

func (b *binding) registerPools(db *gorm.DB) error {
	cb := db.Callback()
	if err := cb.Create().Before("*").Register(poolCallback, b.normalize); err != nil {
		return err
	}
	if err := cb.Query().Before("*").Register(poolCallback, b.normalize); err != nil {
		return err
	}
	if err := cb.Update().Before("*").Register(poolCallback, b.normalize); err != nil {
		return err
	}
	if err := cb.Delete().Before("*").Register(poolCallback, b.normalize); err != nil {
		return err
	}
	if err := cb.Row().Before("*").Register(poolCallback, b.normalize); err != nil {
		return err
	}
	return cb.Raw().Before("*").Register(poolCallback, b.normalize)
}

// normalize wraps the statement's pool if it is bare and known.
func (b *binding) normalize(db *gorm.DB) {
	if pool := b.wrapped(db.Statement.ConnPool); pool != nil {
		db.Statement.ConnPool = pool
	}
}

// wrapped returns what to use instead of a bare pool, or nil if the pool is
// wrapped already or not known.
func (b *binding) wrapped(pool gorm.ConnPool) gorm.ConnPool {
	switch p := pool.(type) {
	case *sql.DB:
		if d := b.plugin.databaseOf(p); d != nil {
			return d.pool
		}
	case *gorm.PreparedStmtDB:
		if below := b.wrapped(p.ConnPool); below != nil {
			return &gorm.PreparedStmtDB{ConnPool: below, Mux: p.Mux, Stmts: p.Stmts}
		}
	case *interceptor: // a session made in another plugin's callback
		return p.pool
	case *sql.Conn:
		return txpool.NewConn(p, poolBehind(p), b.gateOf(p))
	}
	return nil
}

// poolBehind reads which pool a connection or a transaction was taken from;
// database/sql does not tell. The field is set once, when the value is made.
func poolBehind(v any) *sql.DB {
	f := reflect.ValueOf(v).Elem().FieldByName("db")
	if f.Kind() != reflect.Pointer || f.Type() != reflect.TypeFor[*sql.DB]() {
		return nil
	}
	return (*sql.DB)(f.UnsafePointer())
}

// gateOf is the write protocol for statements on a pool that is reached past
// its wrapper. Of a pool that nobody knows everything may be written.
func (b *binding) gateOf(pool gorm.ConnPool) *txpool.Gate {
	var raw *sql.DB
	switch p := pool.(type) {
	case *sql.DB:
		raw = p
	case *sql.Tx:
		if p != nil {
			raw = poolBehind(p)
		}
	case *sql.Conn:
		raw = poolBehind(p)
	}
	if raw != nil {
		if d := b.plugin.databaseOf(raw); d != nil {
			return d.gate
		}
	}
	return b.strayGate()
}

// announced is the pool to run a statement over so that its writes are seen.
func (b *binding) announced(pool gorm.ConnPool) gorm.ConnPool {
	return txpool.Announce(pool, b.gateOf)
}

// announce wraps a callback that writes, so that the gate sees the statements
// that a prepared-statement pool or a foreign connection hides from it.
func (b *binding) announce(old func(*gorm.DB)) func(*gorm.DB) {
	return func(db *gorm.DB) {
		stmt := db.Statement
		pool := stmt.ConnPool
		over := b.announced(pool)
		if over == pool {
			old(db)
			return
		}
		stmt.ConnPool = over
		defer func() {
			if stmt.ConnPool == over {
				stmt.ConnPool = pool
			}
		}()
		old(db)
	}
}
