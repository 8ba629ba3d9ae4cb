package txpool

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
)

// Beginner gives a wrapper of a pool the methods that GORM looks for in one.
type Beginner struct{ over gorm.ConnPool }

// NewBeginner forwards to a pool.
func NewBeginner(over gorm.ConnPool) Beginner { return Beginner{over} }

// BeginTx starts a transaction in whichever of GORM's two ways the pool offers.
func (b Beginner) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	switch p := b.over.(type) {
	case gorm.TxBeginner:
		return p.BeginTx(ctx, opts)
	case gorm.ConnPoolBeginner:
		return p.BeginTx(ctx, opts)
	}
	return b.over, gorm.ErrInvalidTransaction
}

// GetDBConn finds the *sql.DB behind the pool.
func (b Beginner) GetDBConn() (*sql.DB, error) { return dbConn(b.over) }

// Committer gives a wrapper of a transaction the methods that GORM looks for
// in one.
type Committer struct{ over gorm.ConnPool }

// Commit commits the transaction.
func (c Committer) Commit() error {
	if p, ok := c.over.(gorm.TxCommitter); ok {
		return p.Commit()
	}
	return gorm.ErrInvalidTransaction
}

// Rollback rolls the transaction back.
func (c Committer) Rollback() error {
	if p, ok := c.over.(gorm.TxCommitter); ok {
		return p.Rollback()
	}
	return gorm.ErrInvalidTransaction
}

// GetDBConn finds the *sql.DB that the transaction came from.
func (c Committer) GetDBConn() (*sql.DB, error) { return dbConn(c.over) }

func dbConn(pool gorm.ConnPool) (*sql.DB, error) {
	switch p := pool.(type) {
	case gorm.GetDBConnector:
		return p.GetDBConn()
	case *sql.DB:
		return p, nil
	}
	// The bare transactions and connections that GORM's own DB knows.
	return (&gorm.DB{Config: &gorm.Config{ConnPool: pool}}).DB()
}
