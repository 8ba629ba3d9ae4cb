package main

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"gorm.io/gorm"
)

// How often each read is repeated for its median.
const (
	databaseRounds = 15
	cacheRounds    = 200
)

// compareReads makes each read on the plain database and on the cached one,
// compares every result, and prints what they took.
func compareReads(ctx context.Context, s *shop, r *report) error {
	plain, cached := s.plain.WithContext(ctx), s.cached.WithContext(ctx)
	r.say("%-39s %11s %11s %9s   %s", "", "", "", "", "database queries")
	r.say("%-39s %11s %11s %9s   %s", "what was read", "database", "cache", "ratio", fmt.Sprintf("first  next %d", cacheRounds))

	var wrong int
	var asked int64
	var ratios []float64
	for _, rd := range reads {
		var want any
		fromDatabase, err := median(databaseRounds, func() (err error) {
			want, err = rd.from(plain)
			return err
		}, func() {})
		if err != nil {
			return fmt.Errorf("%s: %w", rd.what, err)
		}

		var got any
		ask := func() (err error) {
			got, err = rd.from(cached)
			return err
		}
		compare := func() {
			if !reflect.DeepEqual(got, want) {
				wrong++
			}
		}
		first, err := s.queries.during(ask)
		if err != nil {
			return fmt.Errorf("%s: %w", rd.what, err)
		}
		compare()
		var fromCache time.Duration
		next, err := s.queries.during(func() (err error) {
			fromCache, err = median(cacheRounds, ask, compare)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", rd.what, err)
		}

		ratio := float64(fromDatabase) / float64(fromCache)
		asked += next
		ratios = append(ratios, ratio)
		decimals := 0
		if ratio < 10 {
			decimals = 1
		}
		r.say("%-39s %11v %11v %8.*f×   %5d  %8d",
			rd.what, threeDigits(fromDatabase), threeDigits(fromCache), decimals, ratio, first, next)
	}

	slices.Sort(ratios)
	r.say("")
	r.say("From the cache half of the reads were at least %.0f times as fast; the least gain was %.1f×, the most %.0f×.",
		ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
	r.promise(wrong == 0, "%d of %d results from the cached side differ from the plain database's", wrong, len(reads)*(cacheRounds+1))
	r.promise(asked == 0, "%d queries reached the database when reads were repeated", asked)
	return nil
}

// median runs f so many times, and after outside of the time that is measured.
func median(rounds int, f func() error, after func()) (time.Duration, error) {
	took := make([]time.Duration, rounds)
	for i := range took {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
		after()
	}
	slices.Sort(took)
	return took[rounds/2], nil
}

// threeDigits leaves what can be read at a glance.
func threeDigits(d time.Duration) time.Duration {
	unit := time.Nanosecond
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}

// sameAsPlain makes one read on both databases and tells whether the results
// are equal, and how many queries the cached one sent.
func (s *shop) sameAsPlain(ctx context.Context, f func(db *gorm.DB) (any, error)) (got any, same bool, queries int64, err error) {
	queries, err = s.queries.during(func() (err error) {
		got, err = f(s.cached.WithContext(ctx))
		return err
	})
	if err != nil {
		return nil, false, 0, err
	}
	want, err := f(s.plain.WithContext(ctx))
	return got, reflect.DeepEqual(got, want), queries, err
}
