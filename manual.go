package querycache

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/txpool"
)

// Reload reads the catalogs of all databases again. Call it after the schema
// was changed past GORM, such as by a migration tool that works on db.DB():
// until then tables that are new are not cached, and what new triggers and
// foreign keys reach is not known. Everything that was cached dies. It returns
// the errors of all databases that could not be read, joined, and ErrClosed,
// wrapped, after Close.
func (p *Plugin) Reload(ctx context.Context) error {
	if p.err != nil {
		return p.err
	}
	if p.closed.Load() {
		return fmt.Errorf("reading the catalogs: %w", ErrClosed)
	}
	var errs []error
	for _, d := range *p.databases.Load() {
		if err := d.gate.Refresh(ctx); err != nil {
			errs = append(errs, fmt.Errorf("querycache: reading the catalog of %s: %w", d.analyzer().Scope(), err))
		}
	}
	return errors.Join(errs...)
}

// SQLTx returns the *sql.Tx that a transaction's session runs on. It takes
// the place of an assertion db.Statement.ConnPool.(*sql.Tx), which fails
// since the pool is wrapped. What is written past GORM is not seen by the
// cache. ok is false outside a transaction.
func SQLTx(db *gorm.DB) (tx *sql.Tx, ok bool) {
	if db.Statement == nil {
		return nil, false
	}
	switch t := txpool.Beneath(db.Statement.ConnPool).(type) {
	case *sql.Tx:
		return t, t != nil
	case *txpool.Tx:
		if t != nil {
			return t.Tx, true
		}
	}
	return nil, false
}
