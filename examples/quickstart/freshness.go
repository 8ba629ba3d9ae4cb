package main

import (
	"context"
	"errors"

	"gorm.io/gorm"
)

const productID = 42

// price reads what a product costs.
func price(db *gorm.DB) (any, error) {
	var p Product
	err := db.First(&p, productID).Error
	return p.PriceCents, err
}

// dearOrders reads through three tables, one of which holds the price.
func dearOrders(db *gorm.DB) (any, error) {
	var orders []Order
	err := db.Preload("Customer").Preload("Lines.Product").
		Where("id IN (?)", db.Model(&OrderLine{}).Select("order_id").Where("product_id = ?", productID)).
		Order("id").Limit(50).Find(&orders).Error
	return orders, err
}

// writeAndRead changes a product and reads it, and the orders that hold it,
// before and after.
func writeAndRead(ctx context.Context, s *shop, r *report) error {
	for _, f := range []func(*gorm.DB) (any, error){price, dearOrders} { // into the cache
		if _, _, _, err := s.sameAsPlain(ctx, f); err != nil {
			return err
		}
	}
	before, _, cachedQueries, err := s.sameAsPlain(ctx, price)
	if err != nil {
		return err
	}
	r.say("Product %d costs %d cents; asking took %d queries.", productID, before, cachedQueries)

	raised := before.(int64) + 1
	if err := s.cached.WithContext(ctx).Model(&Product{ID: productID}).Update("price_cents", raised).Error; err != nil {
		return err
	}
	after, same, freshQueries, err := s.sameAsPlain(ctx, price)
	if err != nil {
		return err
	}
	r.say("After db.Model(&product).Update(\"price_cents\", %d) it costs %d; asking took %d query.", raised, after, freshQueries)
	_, _, againQueries, err := s.sameAsPlain(ctx, price)
	if err != nil {
		return err
	}
	_, ordersSame, _, err := s.sameAsPlain(ctx, dearOrders)
	if err != nil {
		return err
	}
	customerQueries, err := s.queries.during(func() error {
		return s.cached.WithContext(ctx).Where("email = ?", "c77@example.com").Take(&Customer{}).Error
	})
	if err != nil {
		return err
	}
	r.say("")
	r.promise(cachedQueries == 0, "before the write the product came from the cache")
	r.promise(after == raised && same, "the first read after the write has the new price")
	r.promise(againQueries == 0, "the next read comes from the cache again")
	r.promise(ordersSame, "orders that preload the product show the new price too")
	r.promise(customerQueries == 0, "the customers, which were not written, stayed cached")
	return nil
}

var errChangedMind = errors.New("the transaction is to be rolled back")

// rollBack changes a price in a transaction, looks at it from inside and from
// outside, and rolls back.
func rollBack(ctx context.Context, s *shop, r *report) error {
	db := s.cached.WithContext(ctx)
	before, err := price(db)
	if err != nil {
		return err
	}
	var inside, outside any
	var outsideQueries int64
	err = db.Transaction(func(tx *gorm.DB) error {
		if err := tx.Model(&Product{ID: productID}).Update("price_cents", 1).Error; err != nil {
			return err
		}
		if inside, err = price(tx); err != nil {
			return err
		}
		outsideQueries, err = s.queries.during(func() (err error) {
			outside, err = price(db)
			return err
		})
		if err != nil {
			return err
		}
		return errChangedMind
	})
	if !errors.Is(err, errChangedMind) {
		return err
	}
	after, same, afterQueries, err := s.sameAsPlain(ctx, price)
	if err != nil {
		return err
	}
	r.say("%-28s %8s   %s", "", "cents", "database queries")
	r.say("%-28s %8d", "before", before)
	r.say("%-28s %8d", "inside the transaction", inside)
	r.say("%-28s %8d   %d", "others, meanwhile", outside, outsideQueries)
	r.say("%-28s %8d   %d", "everybody, after rollback", after, afterQueries)
	r.say("")
	r.promise(inside == int64(1), "the transaction reads its own write, past the cache")
	r.promise(outside == before && outsideQueries == 0, "others read the committed price, from the cache")
	r.promise(after == before && same && afterQueries == 0, "the rollback changed nothing and cost the cache nothing")
	return nil
}
