package bench

import (
	"fmt"
	"time"
)

// Item is the record that is read and written: 12 columns, about 300 bytes
// with its texts.
type Item struct {
	ID          int64
	SKU         string
	Name        string
	Description string
	CategoryID  int64 `gorm:"index"`
	Price       int64
	Stock       int64
	Weight      float64
	Active      bool
	Rating      float64
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

const (
	// items is how many records the table has.
	items = 10_000
	// perCategory is how many share a category.
	perCategory = 10
)

// itemAt makes the record with an id, the same each time.
func itemAt(id int64) Item {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(id) * time.Minute)
	return Item{
		ID:          id,
		SKU:         fmt.Sprintf("SKU-%08d", id),
		Name:        fmt.Sprintf("Article number %d of the catalogue", id),
		Description: fmt.Sprintf("Article %d is as good as the others; what it is good for is told at length elsewhere.", id),
		CategoryID:  (id - 1) / perCategory,
		Price:       100 + id%9_900,
		Stock:       id % 1_000,
		Weight:      float64(id%500) / 8,
		Active:      id%16 != 0,
		Rating:      float64(id%40) / 8,
		CreatedAt:   at,
		UpdatedAt:   at.Add(time.Hour),
	}
}

// same compares all columns; times may be in another zone.
func (i Item) same(o Item) bool {
	times := i.CreatedAt.Equal(o.CreatedAt) && i.UpdatedAt.Equal(o.UpdatedAt)
	i.CreatedAt, i.UpdatedAt = o.CreatedAt, o.UpdatedAt
	return times && i == o
}
