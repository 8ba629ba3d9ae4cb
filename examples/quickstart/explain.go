package main

import (
	"context"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
)

// explain asks the cache what it would do with two queries.
func explain(ctx context.Context, s *shop, r *report) error {
	pageOf := func(tx *gorm.DB) *gorm.DB {
		var products []Product
		return tx.Order("name").Limit(100).Offset(100).Find(&products)
	}
	if err := pageOf(s.cached.WithContext(ctx)).Error; err != nil {
		return err
	}
	page, err := querycache.Explain(s.cached.WithContext(ctx), pageOf)
	if err != nil {
		return err
	}
	var orders []Order
	recent, err := querycache.Explain(s.cached.WithContext(ctx), func(tx *gorm.DB) *gorm.DB {
		return tx.Where("ordered_at > datetime('now', '-7 days')").Find(&orders)
	})
	if err != nil {
		return err
	}
	r.say("%s", page)
	r.say("%s", recent)
	r.say("The second one asks for another week each time: pass the time as an argument, rounded to")
	r.say("what the page needs, and it can be cached.")
	r.say("")
	r.promise(page.Cacheable && page.Cached, "the page of products is in the cache")
	r.promise(!recent.Cacheable && recent.Reason == querycache.ReasonImpure, "the orders of a moving week are not, and cannot be: %s", recent.Reason)
	return nil
}

// count prints the statistics of all that went before.
func count(_ context.Context, s *shop, r *report) error {
	st := s.plugin.Stats()
	r.say("%d hits, %d shared with another caller's read, %d misses.", st.Hits, st.Shared, st.Misses)
	for _, reason := range slices.Sorted(maps.Keys(st.Bypassed)) {
		r.say("%d read past the cache: %s.", st.Bypassed[reason], reason)
	}
	r.say("%d results are held, in %d KiB.", st.Entries, st.Bytes>>10)
	return nil
}
