package main

import (
	"context"
	"errors"
	"reflect"
	"sync"

	"gorm.io/gorm"
)

// askers is how many ask at once.
const askers = 200

// monthly is a slow page: what was sold in each month.
type monthly struct {
	Month    string
	Orders   int64
	Turnover float64
}

func turnoverByMonth(db *gorm.DB) ([]monthly, error) {
	var months []monthly
	err := db.Model(&Order{}).
		Select("substr(orders.ordered_at, 1, 7) AS month, COUNT(DISTINCT orders.id) AS orders, SUM(l.quantity * l.price_cents) / 100.0 AS turnover").
		Joins("JOIN order_lines l ON l.order_id = orders.id").
		Group("month").Order("month").Find(&months).Error
	return months, err
}

// stampede lets many goroutines ask for what nobody has asked for before.
func stampede(ctx context.Context, s *shop, r *report) error {
	want, err := turnoverByMonth(s.plain.WithContext(ctx))
	if err != nil {
		return err
	}
	var (
		start = make(chan struct{})
		got   [askers][]monthly
		errs  [askers]error
		done  sync.WaitGroup
	)
	for i := range askers {
		done.Go(func() {
			<-start
			got[i], errs[i] = turnoverByMonth(s.cached.WithContext(ctx))
		})
	}
	before := s.plugin.Stats()
	queries, err := s.queries.during(func() error {
		close(start)
		done.Wait()
		return errors.Join(errs[:]...)
	})
	if err != nil {
		return err
	}
	after := s.plugin.Stats()
	wrong := 0
	for i := range got {
		if !reflect.DeepEqual(got[i], want) {
			wrong++
		}
	}
	r.say("%d goroutines ask for the turnover of %d months: %d query to the database.", askers, len(want), queries)
	r.say("%d waited for the one that asked, %d came later and hit.", after.Shared-before.Shared, after.Hits-before.Hits)
	r.say("")
	r.promise(queries == 1, "one of them asked the database, for all")
	r.promise(wrong == 0, "%d of the %d results differ from the plain database's", wrong, askers)
	return nil
}
