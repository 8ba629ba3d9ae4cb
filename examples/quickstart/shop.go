package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gorm-querycache/querycache"
)

// Customer is somebody who orders.
type Customer struct {
	ID       uint
	Name     string
	Email    string `gorm:"uniqueIndex"`
	City     string
	JoinedAt time.Time
	Orders   []Order
}

// Product is a thing on sale.
type Product struct {
	ID         uint
	SKU        string `gorm:"uniqueIndex"`
	Name       string
	Category   string `gorm:"index"`
	PriceCents int64
	Weight     *float64 // of what can be sent by post
	OnSale     bool
}

// Order is what one customer ordered at one time.
type Order struct {
	ID         uint
	CustomerID uint `gorm:"index"`
	Customer   *Customer
	Status     string `gorm:"index"`
	OrderedAt  time.Time
	Lines      []OrderLine
}

// OrderLine is one product in an order, at the price of that time.
type OrderLine struct {
	ID         uint
	OrderID    uint `gorm:"index"`
	ProductID  uint `gorm:"index"`
	Product    *Product
	Quantity   int
	PriceCents int64
}

// size says how much there is in a shop.
type size struct{ customers, products, orders int }

var fullSize = size{customers: 4_000, products: 1_500, orders: 12_000}

// shop is one SQLite file behind two *gorm.DB: a plain one, and one that is
// the same but for the cache.
type shop struct {
	plain, cached *gorm.DB
	plugin        *querycache.Plugin
	queries       *counter // of cached
	lines         int
}

// open makes the shop. All of the set-up of the cache is in the two lines
// that name querycache.
func open(ctx context.Context, file string, size size) (*shop, error) {
	s := &shop{queries: &counter{}}
	var err error
	if s.plain, err = gormOn(file, &counter{}); err != nil {
		return nil, err
	}
	if err := s.fill(ctx, size); err != nil {
		return nil, fmt.Errorf("filling it: %w", err)
	}
	if s.cached, err = gormOn(file, s.queries); err != nil {
		return nil, err
	}
	s.plugin = querycache.New(querycache.Config{})
	return s, s.cached.Use(s.plugin)
}

// gormOn opens a file with a driver that counts. A program of yours says
// gorm.Open(sqlite.Open(dsn)) instead.
func gormOn(file string, queries *counter) (*gorm.DB, error) {
	dsn := "file:" + file + "?_journal_mode=WAL&_busy_timeout=10000&_foreign_keys=on"
	pool := sql.OpenDB(countingConnector{dsn: dsn, queries: queries})
	return gorm.Open(sqlite.New(sqlite.Config{Conn: pool}), &gorm.Config{
		Logger: logger.Default.LogMode(logger.Silent),
	})
}

// close stops the cache and closes both pools.
func (s *shop) close(ctx context.Context) error {
	errs := []error{s.plugin.Close(ctx)}
	for _, db := range []*gorm.DB{s.cached, s.plain} {
		pool, err := db.DB()
		if err == nil {
			err = pool.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// fill writes the same records in every run.
func (s *shop) fill(ctx context.Context, size size) error {
	db := s.plain.WithContext(ctx)
	if err := db.AutoMigrate(&Customer{}, &Product{}, &Order{}, &OrderLine{}); err != nil {
		return err
	}
	var (
		dice       = rand.New(rand.NewPCG(2026, 11))
		pick       = func(of []string) string { return of[dice.IntN(len(of))] }
		cities     = []string{"Aarhus", "Bern", "Cádiz", "Łódź", "Porto", "Tromsø", "京都"}
		categories = []string{"books", "garden", "kitchen", "music", "tools", "toys"}
		statuses   = []string{"open", "paid", "sent", "sent", "sent", "returned"}
		opening    = time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)

		customers = make([]Customer, size.customers)
		products  = make([]Product, size.products)
		orders    = make([]Order, size.orders)
		lines     []OrderLine
	)
	for i := range customers {
		customers[i] = Customer{
			Name: fmt.Sprintf("Customer %d", i+1), Email: fmt.Sprintf("c%d@example.com", i+1),
			City: pick(cities), JoinedAt: opening.Add(time.Duration(i) * time.Hour),
		}
	}
	for i := range products {
		products[i] = Product{
			SKU: fmt.Sprintf("P-%05d", i+1), Name: fmt.Sprintf("Product %d", i+1), Category: pick(categories),
			PriceCents: 99 + dice.Int64N(20_000), OnSale: dice.IntN(10) == 0,
		}
		if dice.IntN(3) > 0 {
			grams := 50 + dice.Float64()*2_000
			products[i].Weight = &grams
		}
	}
	for i := range orders {
		orders[i] = Order{
			CustomerID: 1 + uint(dice.IntN(size.customers)), Status: pick(statuses),
			OrderedAt: opening.Add(time.Duration(i) * 37 * time.Minute),
		}
		for range 1 + dice.IntN(4) {
			n := dice.IntN(size.products)
			lines = append(lines, OrderLine{
				OrderID: uint(i + 1), ProductID: uint(n + 1), Quantity: 1 + dice.IntN(5), PriceCents: products[n].PriceCents,
			})
		}
	}
	s.lines = len(lines)
	return db.Transaction(func(tx *gorm.DB) error {
		for _, records := range []any{customers, products, orders, lines} {
			if err := tx.CreateInBatches(records, 1_000).Error; err != nil {
				return err
			}
		}
		return nil
	})
}
