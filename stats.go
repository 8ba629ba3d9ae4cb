package querycache

import "github.com/gorm-querycache/querycache/memory"

// Rejection is why a result that could have been cached was not stored.
type Rejection string

// The rejections.
const (
	// RejectedTooLarge: it has more bytes than Config.Tiered.MaxResultBytes.
	RejectedTooLarge Rejection = "too large"
	// RejectedTooManyRows: it has more than Config.Tiered.MaxResultRows.
	RejectedTooManyRows Rejection = "too many rows"
	// RejectedUnread: its rows were not read to their end, or the program's
	// scan of them failed.
	RejectedUnread Rejection = "not read to its end"
	// RejectedUncopyable: a value in it cannot be copied.
	RejectedUncopyable Rejection = "not copyable"
	// RejectedPrivate: a load of Fetch read in a transaction.
	RejectedPrivate Rejection = "read in a transaction"
	// RejectedByTier: the tier did not take it.
	RejectedByTier Rejection = "refused by the tier"
)

// Stats are counts since the plugin was made. Each read that GORM makes, a
// preload included, is counted once, when it has been answered: in exactly one
// of Hits, Stale, Shared, Misses, Bypassed and Errors. A snapshot taken while
// reads end may show one of them here and not yet there.
type Stats struct {
	// Hits were answered from the cache.
	Hits uint64
	// Stale were answered from the cache with a result past its time, while
	// it was being refreshed or because the database failed.
	Stale uint64
	// Shared were answered by the database read of another caller that was
	// under way.
	Shared uint64
	// Misses could have been answered from the cache and were not in it. The
	// database answered them, or, to those that wanted the cache only,
	// ErrCacheMiss. Reads that asked for a refresh are among them.
	Misses uint64
	// Bypassed were answered by the database and could not be cached, by
	// reason.
	Bypassed map[Reason]uint64
	// Errors were answered by nobody: the context ended while the read waited
	// for another caller's, or a required tier failed. An error of the
	// database is none of these: such a read is a miss, or bypassed.
	Errors uint64

	// Tables are the same reads by table, each under one: the table that the
	// statement is about as GORM knows it (of the model, or of Table). Where
	// GORM knows none, or only an alias, it is the first in the alphabet of
	// those that the result depends on, "(none)" if they are not known. Names
	// are in lower case, without schema and quotes. The first 1024 tables are
	// told apart, what comes after them is under "(other)". Calls of Fetch are
	// under "(fetch)".
	Tables map[string]ReadStats
	// Operations are the same reads by what the program called: first (Take
	// and Last too), find, count, pluck, rows (Scan too), row, fetch.
	Operations map[string]ReadStats

	// Tiers are the tiers, the first one first.
	Tiers []TierStats
	// Stores are results that went into the cache.
	Stores uint64
	// Rejections are results that could have been cached and were not stored;
	// Rejected are the same by cause.
	Rejections uint64
	Rejected   map[Rejection]uint64
	// Outdated are results that a write overtook while they were read: right
	// for their reader, and not stored.
	Outdated uint64
	// Entries and Bytes are what the first tier holds now; Evictions are
	// entries it dropped for room, Expirations for their age.
	Entries                int
	Bytes                  int64
	Evictions, Expirations uint64

	// Database is how long the database took to answer misses and refreshes,
	// failed ones included; for Row and Rows until the first answer. InFlight
	// is how many such reads are under way now.
	Database Latency
	InFlight int
	// Refreshes are reads of the database in the background.
	Refreshes RefreshStats

	Invalidations InvalidationStats
}

// ReadStats are counts of reads; see Stats for each.
type ReadStats struct {
	Hits, Stale, Shared, Misses, Bypassed, Errors uint64
}

// TierStats are counts of one tier. Of a tier of your own (Config.L1) what it
// does not tell by the methods Len() int, Bytes() int64 and Stats()
// memory.Stats is 0.
type TierStats struct {
	// Name of the first tier is "memory".
	Name string
	// Hits are reads that the tier answered, with stale results too. Misses
	// are those that were not bypassed and that it did not answer: a later
	// tier did, or another caller's read, or they were misses.
	Hits, Misses uint64
	// Stores are results that the tier took, Rejections those it did not,
	// Evictions are entries it dropped for room, Expirations for their age.
	Stores, Rejections, Evictions, Expirations uint64
	// Errors are failures of the tier: panics of one that is the program's own.
	Errors uint64
	// Entries and Bytes are what it holds now.
	Entries int
	Bytes   int64
}

// RefreshStats counts reads of the database in the background: those that were
// begun, those that have ended, and those of them that failed.
type RefreshStats struct{ Started, Ended, Failed uint64 }

// Reads is how many reads were counted.
func (s Stats) Reads() uint64 { return s.all().Reads() }

// DatabaseReads is how many reads were sent to the database: those that Database
// counts, which are misses and refreshes, and all that were bypassed. It counts
// what has ended, failed reads too, and each attempt of a read that was made
// again. A miss that ErrCacheMiss answered did not get there. Nor does a call of
// Fetch itself: what its load reads through GORM is counted as reads of its own.
// Writes, and what is read past GORM, are not counted.
func (s Stats) DatabaseReads() uint64 {
	n := s.Database.Count
	for op, r := range s.Operations {
		if op != fetchOperation {
			n += r.Bypassed
		}
	}
	return n
}

// HitRate is the share of the reads that may be cached which did not have to
// ask the database: (Hits + Stale + Shared) / (Hits + Stale + Shared + Misses).
// Bypassed reads and errors are left out. It is 0 if nothing was counted.
func (s Stats) HitRate() float64 { return s.all().HitRate() }

func (s Stats) all() ReadStats {
	r := ReadStats{Hits: s.Hits, Stale: s.Stale, Shared: s.Shared, Misses: s.Misses, Errors: s.Errors}
	for _, n := range s.Bypassed {
		r.Bypassed += n
	}
	return r
}

// Reads is how many reads were counted.
func (r ReadStats) Reads() uint64 {
	return r.Hits + r.Stale + r.Shared + r.Misses + r.Bypassed + r.Errors
}

// HitRate is that of Stats.HitRate, of these reads.
func (r ReadStats) HitRate() float64 {
	spared := r.Hits + r.Stale + r.Shared
	if spared == 0 {
		return 0
	}
	return float64(spared) / float64(spared+r.Misses)
}

func (r *ReadStats) add(n *[slots]uint64) {
	r.Hits += n[slotHit]
	r.Stale += n[slotStale]
	r.Shared += n[slotShared]
	r.Misses += n[slotMiss]
	r.Bypassed += n[slotBypass]
	r.Errors += n[slotError]
}

// Stats returns the counts so far.
func (p *Plugin) Stats() Stats {
	c := &p.counters
	s := Stats{
		Bypassed:      c.bypassed.read(),
		Tables:        map[string]ReadStats{},
		Operations:    map[string]ReadStats{},
		Stores:        c.stores.sum(),
		Rejected:      c.rejected.read(),
		Outdated:      c.outdated.sum(),
		Database:      c.database.read(),
		InFlight:      int(c.inFlight.Load()),
		Refreshes:     RefreshStats{c.refreshes.started.sum(), c.refreshes.ended.sum(), c.refreshes.failed.sum()},
		Invalidations: c.writes.read(),
	}
	for _, n := range s.Rejected {
		s.Rejections += n
	}
	var all [slots]uint64
	c.reads.each(func(t *tableCounters) {
		var of ReadStats
		for i := range t.by {
			n := t.by[i].Load()
			if n == nil {
				continue
			}
			var counts [slots]uint64
			n.sum(&counts)
			of.add(&counts)
			op := s.Operations[operationNames[i]]
			op.add(&counts)
			s.Operations[operationNames[i]] = op
			for k, v := range counts {
				all[k] += v
			}
		}
		s.Tables[t.table] = of
	})
	var total ReadStats
	total.add(&all)
	s.Hits, s.Stale, s.Shared, s.Misses, s.Errors = total.Hits, total.Stale, total.Shared, total.Misses, total.Errors
	p.tierStats(&s)
	return s
}

// tierStats adds what the tiers know of themselves.
func (p *Plugin) tierStats(s *Stats) {
	if p.l1 == nil {
		return
	}
	if l1, ok := p.l1.(interface{ Stats() memory.Stats }); ok {
		own := l1.Stats()
		s.Evictions, s.Expirations = own.Evictions, own.Expirations
	}
	if l1, ok := p.l1.(interface{ Len() int }); ok {
		s.Entries = l1.Len()
	}
	if l1, ok := p.l1.(interface{ Bytes() int64 }); ok {
		s.Bytes = l1.Bytes()
	}
	s.Tiers = []TierStats{{
		Name: tierMemory,
		Hits: s.Hits + s.Stale, Misses: s.Shared + s.Misses,
		Stores: s.Stores, Rejections: s.Rejections,
		Evictions: s.Evictions, Expirations: s.Expirations,
		Errors:  p.counters.tierErrors.sum(),
		Entries: s.Entries, Bytes: s.Bytes,
	}}
}

// tierMemory is the name of the first tier.
const tierMemory = "memory"

// Sub returns what was counted after an earlier snapshot of the same plugin.
// What is so now (Entries, Bytes, InFlight, Pending, Held) and the longest
// time (Database.Max) stay those of s.
func (s Stats) Sub(earlier Stats) Stats {
	s.Hits -= earlier.Hits
	s.Stale -= earlier.Stale
	s.Shared -= earlier.Shared
	s.Misses -= earlier.Misses
	s.Bypassed = subCounts(s.Bypassed, earlier.Bypassed)
	s.Errors -= earlier.Errors
	s.Tables = subReads(s.Tables, earlier.Tables)
	s.Operations = subReads(s.Operations, earlier.Operations)
	s.Stores -= earlier.Stores
	s.Rejections -= earlier.Rejections
	s.Rejected = subCounts(s.Rejected, earlier.Rejected)
	s.Outdated -= earlier.Outdated
	s.Evictions -= earlier.Evictions
	s.Expirations -= earlier.Expirations
	s.Database = s.Database.sub(earlier.Database)
	s.Refreshes.Started -= earlier.Refreshes.Started
	s.Refreshes.Ended -= earlier.Refreshes.Ended
	s.Refreshes.Failed -= earlier.Refreshes.Failed
	s.Invalidations = s.Invalidations.sub(earlier.Invalidations)
	s.Tiers = append([]TierStats(nil), s.Tiers...)
	for i := range s.Tiers {
		for _, e := range earlier.Tiers {
			if e.Name == s.Tiers[i].Name {
				s.Tiers[i] = s.Tiers[i].sub(e)
			}
		}
	}
	return s
}

func (t TierStats) sub(e TierStats) TierStats {
	t.Hits -= e.Hits
	t.Misses -= e.Misses
	t.Stores -= e.Stores
	t.Rejections -= e.Rejections
	t.Evictions -= e.Evictions
	t.Expirations -= e.Expirations
	t.Errors -= e.Errors
	return t
}

func subCounts[K comparable](now, earlier map[K]uint64) map[K]uint64 {
	out := make(map[K]uint64, len(now))
	for k, n := range now {
		if n -= earlier[k]; n > 0 {
			out[k] = n
		}
	}
	return out
}

func subReads(now, earlier map[string]ReadStats) map[string]ReadStats {
	out := make(map[string]ReadStats, len(now))
	for k, n := range now {
		e := earlier[k]
		n.Hits -= e.Hits
		n.Stale -= e.Stale
		n.Shared -= e.Shared
		n.Misses -= e.Misses
		n.Bypassed -= e.Bypassed
		n.Errors -= e.Errors
		if n != (ReadStats{}) {
			out[k] = n
		}
	}
	return out
}
