package bench

import (
	"errors"
	"fmt"
	"strconv"

	"gorm.io/gorm"
)

// errWrong is what a result that is not the right one fails with.
var errWrong = errors.New("wrong result")

// Read is one read that a program makes again and again.
type Read struct {
	Name string
	// Run makes the read. With check it looks at the whole result, and fails
	// if anything in it is not what was put there; else only at its length.
	Run func(db *gorm.DB, check bool) error
}

// Reads are the reads whose hits are measured.
func Reads() []Read {
	reads := []Read{{"First", first}}
	for _, n := range []int{1, 10, 100, 1000} {
		reads = append(reads, Read{"Find" + strconv.Itoa(n), find(n)})
	}
	return append(reads, Read{"Count", count}, Read{"Scan", sum})
}

const firstID = 4_711

func first(db *gorm.DB, check bool) error {
	var item Item
	if err := db.First(&item, firstID).Error; err != nil {
		return err
	}
	if !check {
		return nil
	}
	return right(item, firstID)
}

func right(item Item, id int64) error {
	if want := itemAt(id); !item.same(want) {
		return fmt.Errorf("%w: got %+v, want %+v", errWrong, item, want)
	}
	return nil
}

const findAfter = 500

func find(n int) func(*gorm.DB, bool) error {
	return func(db *gorm.DB, check bool) error {
		var found []Item
		err := db.Where("id > ?", findAfter).Order("id").Limit(n).Find(&found).Error
		if err != nil || !check {
			return err
		}
		if len(found) != n {
			return fmt.Errorf("%w: %d rows, want %d", errWrong, len(found), n)
		}
		for i, item := range found {
			if err := right(item, findAfter+int64(i)+1); err != nil {
				return err
			}
		}
		return nil
	}
}

func count(db *gorm.DB, check bool) error {
	var n int64
	err := db.Model(&Item{}).Where("active = ?", true).Count(&n).Error
	if err != nil || !check {
		return err
	}
	if want := int64(items - items/16); n != want {
		return fmt.Errorf("%w: counted %d, want %d", errWrong, n, want)
	}
	return nil
}

// totals is what the aggregate is scanned into.
type totals struct {
	Items, Price int64
	Rating       float64
}

func sum(db *gorm.DB, check bool) error {
	var got totals
	err := db.Model(&Item{}).Select("count(*) AS items, sum(price) AS price, avg(rating) AS rating").
		Where("id <= ?", 1000).Scan(&got).Error
	if errors.Is(err, gorm.ErrDryRunModeUnsupported) {
		return nil // the statement was built, which is all that DryRun does
	}
	if err != nil || !check {
		return err
	}
	var want totals
	for id := int64(1); id <= 1000; id++ {
		item := itemAt(id)
		want.Items++
		want.Price += item.Price
		want.Rating += item.Rating / 1000
	}
	if diff := got.Rating - want.Rating; got.Items != want.Items || got.Price != want.Price || diff > 1e-9 || diff < -1e-9 {
		return fmt.Errorf("%w: got %+v, want %+v", errWrong, got, want)
	}
	return nil
}
