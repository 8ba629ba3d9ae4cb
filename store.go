package querycache

import (
	"errors"

	"github.com/gorm-querycache/querycache/internal/rows"
	"github.com/gorm-querycache/querycache/key"
	"github.com/gorm-querycache/querycache/tiered"
)

// limits are those of a result that is recorded to be stored.
func (r *read) limits() rows.Limits {
	return rows.Limits{Rows: r.wishes.maxRows, Bytes: r.wishes.maxBytes}
}

// making says how a result of n rows is kept; ok is false if it is not to be.
func (r *read) making(label key.CacheKey, n int64) (m tiered.Making, ok bool) {
	w := r.wishes
	m = tiered.Making{
		Label:  label,
		Life:   tiered.Life{TTL: w.ttl, Stale: max(w.swr, w.staleIfError)},
		Narrow: r.narrow(n),
	}
	if n == 0 {
		m.Life.TTL = w.negativeTTL
	}
	return m, n > 0 || w.negative
}

// store offers an entry to the tiers and counts what became of it. f is the
// flight that made it, nil if it was made without one.
func (b *binding) store(key []byte, e *tiered.Entry, f *tiered.Flight, maxBytes int64) {
	c := &b.plugin.counters
	switch b.plugin.cache.StoreWithin(key, e, f, maxBytes) {
	case tiered.Stored:
		c.stored()
	case tiered.Outdated:
		c.overtaken()
	case tiered.TooLarge:
		c.reject(RejectedTooLarge)
	case tiered.Refused:
		c.reject(RejectedByTier)
	}
}

// rejectionOf says why a recording came to nothing.
func rejectionOf(err error) Rejection {
	switch {
	case errors.Is(err, rows.ErrTooManyRows):
		return RejectedTooManyRows
	case errors.Is(err, rows.ErrTooLarge):
		return RejectedTooLarge
	case errors.Is(err, rows.ErrUnstorable):
		return RejectedUncopyable
	}
	return RejectedUnread
}
