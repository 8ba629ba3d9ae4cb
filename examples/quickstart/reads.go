package main

import (
	"errors"
	"time"

	"gorm.io/gorm"
)

// read is one way to ask, written as any program with GORM would write it.
// Nothing in it knows of a cache.
type read struct {
	what string
	from func(db *gorm.DB) (any, error)
}

// reads are what the pages of a web shop ask.
var reads = []read{
	{"a product by primary key", func(db *gorm.DB) (any, error) {
		var p Product
		return &p, db.First(&p, 42).Error
	}},
	{"a customer by email", func(db *gorm.DB) (any, error) {
		var c Customer
		return &c, db.Where("email = ?", "c77@example.com").Take(&c).Error
	}},
	{"a product that does not exist", func(db *gorm.DB) (any, error) {
		var p Product
		err := db.First(&p, 999_999_999).Error
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return "not found", nil
		}
		return &p, err
	}},
	{"the second page of 100 products", func(db *gorm.DB) (any, error) {
		var page []Product
		return &page, db.Order("name").Limit(100).Offset(100).Find(&page).Error
	}},
	{"the third page, by gorm.G[Product]", func(db *gorm.DB) (any, error) {
		return gorm.G[Product](db).Order("name").Limit(100).Offset(200).Find(db.Statement.Context)
	}},
	{"100 names and prices, as maps", func(db *gorm.DB) (any, error) {
		var list []map[string]any
		return &list, db.Model(&Product{}).Select("name", "price_cents").Order("id").Limit(100).Find(&list).Error
	}},
	{"the last 100 orders, customer joined", func(db *gorm.DB) (any, error) {
		var orders []Order
		return &orders, db.Joins("Customer").Order("orders.id DESC").Limit(100).Find(&orders).Error
	}},
	{"20 orders, lines and products preloaded", func(db *gorm.DB) (any, error) {
		var orders []Order
		return &orders, db.Preload("Customer").Preload("Lines.Product").Order("id DESC").Limit(20).Find(&orders).Error
	}},
	{"100 customers with an open order", func(db *gorm.DB) (any, error) {
		var customers []Customer
		open := db.Model(&Order{}).Select("customer_id").Where("status = ?", "open")
		return &customers, db.Where("id IN (?)", open).Order("id").Limit(100).Find(&customers).Error
	}},
	{"how many orders are open", func(db *gorm.DB) (any, error) {
		var n int64
		return &n, db.Model(&Order{}).Where("status = ?", "open").Count(&n).Error
	}},
	{"the emails of one city", func(db *gorm.DB) (any, error) {
		var emails []string
		return &emails, db.Model(&Customer{}).Where("city = ?", "Tromsø").Order("id").Pluck("email", &emails).Error
	}},
	{"turnover by category, by Scan", func(db *gorm.DB) (any, error) {
		var sums []struct {
			Category string
			Lines    int64
			Turnover float64
		}
		return &sums, db.Model(&OrderLine{}).
			Select("products.category, COUNT(*) AS lines, SUM(order_lines.quantity * order_lines.price_cents) / 100.0 AS turnover").
			Joins("JOIN products ON products.id = order_lines.product_id").
			Group("products.category").Order("products.category").Scan(&sums).Error
	}},
	{"the ten best sellers, by Raw", func(db *gorm.DB) (any, error) {
		var best []struct {
			Name string
			Sold int64
		}
		return &best, db.Raw(`
			WITH sold AS (SELECT product_id, SUM(quantity) AS n FROM order_lines GROUP BY product_id)
			SELECT p.name, sold.n AS sold FROM products p JOIN sold ON sold.product_id = p.id
			ORDER BY sold.n DESC, p.id LIMIT ?`, 10).Scan(&best).Error
	}},
	{"the first order of all, by Row", func(db *gorm.DB) (any, error) {
		var at time.Time
		err := db.Model(&Order{}).Select("ordered_at").Order("id").Limit(1).Row().Scan(&at)
		return at, err
	}},
	{"500 order lines, one by one, by Rows", eachLine},
}

func eachLine(db *gorm.DB) (_ any, err error) {
	rows, err := db.Model(&OrderLine{}).Order("id").Limit(500).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var lines []OrderLine
	for rows.Next() {
		var l OrderLine
		if err := db.ScanRows(rows, &l); err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}
