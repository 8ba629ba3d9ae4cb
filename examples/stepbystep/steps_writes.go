package main

import (
	"context"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
)

// A price changes. Who reads after the write has returned must see the new one,
// without waiting for a time to live. There is nothing to do for it. A read by
// key is pinned to its record, as `Explain` shows: when another product is
// written, it stays cached.
func writeOneRecord(_ context.Context, page *page) {
	db, _ := page.the()
	var one, two Product
	db.First(&one, 1)
	db.First(&two, 2)
	page.queries(2, "")

	db.Model(&Product{ID: 2}).Update("cents", 450)

	var first, second Product
	db.First(&first, 1)
	page.queries(0, "product 1 is as it was")

	db.First(&second, 2)
	page.queries(1, "product 2 is not")
	page.show("%d cents before, %d after", two.Cents, second.Cents)

	e, err := querycache.Explain(db, func(tx *gorm.DB) *gorm.DB { return tx.First(&Product{}, 1) })
	page.ok(err)
	page.show("%v", e.Pins)
}

// Which lists a product belongs to can change with every write. So a write to a
// table reaches all lists, counts and joins that read the table, and none that
// do not.
func writeAndLists(_ context.Context, page *page) {
	db, _ := page.the()
	var books []Product
	var customers int64
	read := func() {
		db.Where("category = ?", "books").Find(&books)
		db.Model(&Customer{}).Count(&customers)
	}
	read()
	page.queries(2, "")

	db.Create(&Product{Name: "Product 201", Category: "books", Cents: 900})
	read()
	page.queries(1, "the list; customers were not written")

	db.Create(&Customer{Name: "Customer 51", City: "Porto"})
	read()
	page.queries(1, "the count")
}

// Not every write goes through a model. The text of a raw statement is read
// too: which table it writes, and whether it names the record.
func rawSQL(_ context.Context, page *page) {
	db, _ := page.the()
	db.First(&Product{}, 1)
	page.queries(1, "")

	db.Exec("UPDATE products SET cents = cents + 10 WHERE id = ?", 2)
	db.First(&Product{}, 1)
	page.queries(0, "another record was written")

	db.Exec("UPDATE customers SET city = 'Łódź' WHERE city = 'Bern'")
	db.First(&Product{}, 1)
	page.queries(0, "another table was written")

	db.Exec("UPDATE products SET cents = cents - 10 WHERE category = 'books'")
	db.First(&Product{}, 1)
	page.queries(1, "nobody can tell which records these were")
}

// What a transaction has written is for its own eyes until it commits, and
// never happened if it rolls back. Reads inside go to the database; outside the
// committed row stays the answer.
func transactions(_ context.Context, page *page) {
	db, _ := page.the()
	var inside, outside, after Product
	db.First(&Product{}, 1)
	page.queries(1, "")

	tx := db.Begin()
	tx.Model(&Product{ID: 1}).Update("cents", 1)
	tx.First(&inside, 1)
	page.queries(1, "inside")
	db.First(&outside, 1)
	page.queries(0, "outside")
	page.show("%d cents inside, %d outside", inside.Cents, outside.Cents)

	tx.Rollback()
	db.First(&Product{}, 1)
	page.queries(0, "a rollback changes nothing")

	err := db.Transaction(func(tx *gorm.DB) error {
		return tx.Model(&Product{ID: 1}).Update("cents", 120).Error
	})
	page.ok(err)
	db.First(&after, 1)
	page.queries(1, "a commit does")
	page.show("%d cents", after.Cents)
}

// A nightly import writes on `database/sql`, or is another program. The cache
// cannot see that, and serves what it has until its time is over. `Refresh` reads
// the database and replaces what is cached. The next steps say what was written
// without reading it.
func writerPastGORM(_ context.Context, page *page) {
	db, _ := page.the()
	var before, stale, fresh, later Product
	db.First(&before, 1)
	page.queries(1, "")

	pool, err := db.DB()
	page.ok(err)
	_, err = pool.Exec("UPDATE products SET cents = 130 WHERE id = 1")
	page.ok(err)

	db.First(&stale, 1)
	page.queries(0, "")
	page.show("%d cents, which is not so any more", stale.Cents)

	db.Scopes(querycache.Refresh).First(&fresh, 1)
	page.queries(1, "")
	page.show("%d cents", fresh.Cents)

	db.First(&later, 1)
	page.queries(0, "")
	page.show("%d cents, for everybody", later.Cents)
}
