package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gorm-querycache/querycache"
)

// Product is a thing on sale.
type Product struct {
	ID       uint
	Name     string
	Category string
	Cents    int64
}

// Customer is somebody who orders.
type Customer struct {
	ID     uint
	Name   string
	City   string
	Orders []Order
}

// Order is one product that a customer ordered.
type Order struct {
	ID         uint
	CustomerID uint
	ProductID  uint
	Product    Product
	OrderedAt  time.Time
}

// shop is one SQLite file, and all that was opened on it.
type shop struct {
	database *database
	faults   *faults
	db       *gorm.DB
	cache    *querycache.Plugin // of db, nil until it has one
	closers  []func(context.Context) error
}

// newShop makes the shop, without a cache.
func newShop(file string) (*shop, error) {
	s := &shop{
		database: &database{dsn: "file:" + file + "?_journal_mode=WAL&_busy_timeout=10000"},
		faults:   &faults{Interface: logger.Discard},
	}
	var err error
	if s.db, err = s.gorm(); err != nil {
		return nil, err
	}
	if err := s.db.AutoMigrate(&Product{}, &Customer{}, &Order{}); err != nil {
		return nil, err
	}
	return s, s.db.Transaction(fill)
}

func (s *shop) gorm() (*gorm.DB, error) {
	pool := sql.OpenDB(s.database)
	s.closers = append(s.closers, func(context.Context) error { return pool.Close() })
	return gorm.Open(sqlite.New(sqlite.Config{Conn: pool}), &gorm.Config{Logger: s.faults})
}

// use installs a cache of some configuration.
func (s *shop) use(db *gorm.DB, cfg querycache.Config) (*querycache.Plugin, error) {
	cfg.Logger = quiet
	cache := querycache.New(cfg)
	s.closers = append(s.closers, cache.Close)
	return cache, db.Use(cache)
}

// close closes what was opened after the first n, the last one first.
func (s *shop) close(ctx context.Context, n int) error {
	var errs []error
	for i := len(s.closers) - 1; i >= n; i-- {
		errs = append(errs, s.closers[i](ctx))
	}
	s.closers = s.closers[:n]
	return errors.Join(errs...)
}

// fill writes the same records each time.
func fill(db *gorm.DB) error {
	var (
		categories = []string{"books", "garden", "music", "toys"}
		cities     = []string{"Bern", "Porto", "Tromsø"}
		opening    = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
		products   = make([]Product, 200)
		customers  = make([]Customer, 50)
		orders     = make([]Order, 300)
	)
	for i := range products {
		products[i] = Product{Name: fmt.Sprintf("Product %d", i+1), Category: categories[i%4], Cents: int64(100 + 37*i)}
	}
	for i := range customers {
		customers[i] = Customer{Name: fmt.Sprintf("Customer %d", i+1), City: cities[i%3]}
	}
	for i := range orders {
		orders[i] = Order{
			CustomerID: uint(1 + i*7%50), ProductID: uint(1 + i*11%200), OrderedAt: opening.Add(time.Duration(i) * 8 * time.Hour),
		}
	}
	for _, records := range []any{products, customers, orders} {
		if err := db.CreateInBatches(records, 100).Error; err != nil {
			return err
		}
	}
	return nil
}

// faults is a logger of GORM's that keeps the first error of a statement, so
// that the steps need not look after each.
type faults struct {
	logger.Interface
	mu    sync.Mutex
	first error
}

// LogMode changes nothing: there is nothing to turn off.
func (f *faults) LogMode(logger.LogLevel) logger.Interface { return f }

// Trace is called after each statement.
func (f *faults) Trace(_ context.Context, _ time.Time, text func() (string, int64), err error) {
	if err == nil || errors.Is(err, gorm.ErrRecordNotFound) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.first == nil {
		statement, _ := text()
		f.first = fmt.Errorf("%s: %w", statement, err)
	}
}

// taken tells what was kept, and forgets it.
func (f *faults) taken() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.first
	f.first = nil
	return err
}
