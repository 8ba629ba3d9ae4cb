package querycache

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"gorm.io/gorm"
)

// given tells which options were given whose zero value says something too.
type given uint16

const (
	givenTTL given = 1 << iota
	givenSWR
	givenStaleIfError
	givenMaxRows
	givenMaxBytes
	givenNegative
	givenPolicy
	givenTenant
)

// options are what one query asked for. They are immutable once made.
type options struct {
	given                  given
	skip, refresh, cache   bool
	negative               bool
	policy                 Policy
	ttl, swr, staleIfError time.Duration
	maxRows                int
	maxBytes               int64
	tenant                 string
	tags, names            []string    // sorted, none twice
	status                 *statusSlot // nil if nobody asked
	mistake                string      // why the options cannot be used
}

func (o *options) wrong(format string, args ...any) {
	if o.mistake == "" {
		o.mistake = fmt.Sprintf(format, args...)
	}
}

// over lays options over wider ones.
func (o *options) over(wide *options) *options {
	m := *o
	m.skip = o.skip || wide.skip
	m.refresh = o.refresh || wide.refresh
	m.cache = o.cache || wide.cache
	m.tags = union(o.tags, wide.tags)
	m.names = union(o.names, wide.names)
	m.status = cmp.Or(o.status, wide.status)
	m.mistake = cmp.Or(o.mistake, wide.mistake)
	m.given |= wide.given
	missing := wide.given &^ o.given
	take(missing, givenTTL, &m.ttl, wide.ttl)
	take(missing, givenSWR, &m.swr, wide.swr)
	take(missing, givenStaleIfError, &m.staleIfError, wide.staleIfError)
	take(missing, givenMaxRows, &m.maxRows, wide.maxRows)
	take(missing, givenMaxBytes, &m.maxBytes, wide.maxBytes)
	take(missing, givenNegative, &m.negative, wide.negative)
	take(missing, givenPolicy, &m.policy, wide.policy)
	take(missing, givenTenant, &m.tenant, wide.tenant)
	return &m
}

func take[T any](missing, bit given, to *T, from T) {
	if missing&bit != 0 {
		*to = from
	}
}

// union returns both lists as one, sorted and none twice. It changes neither.
func union(a, b []string) []string {
	switch {
	case len(b) == 0:
		return a
	case len(a) == 0 && len(b) == 1:
		return slices.Clone(b)
	}
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

var noOptions = &options{}

// statusSlot is where the status of a query goes.
type statusSlot struct {
	mu    *sync.Mutex // guards all below; one for all slots of one option
	into  *Status
	every bool            // each read counts, not the first statement's only
	stmt  *gorm.Statement // whose reads count
}

// set says how a statement's read was answered. A nil slot takes nothing.
func (s *statusSlot) set(stmt *gorm.Statement, status Status) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.every && s.stmt == nil {
		s.stmt = stmt
	}
	if s.every || s.stmt == stmt {
		*s.into = status
	}
}

// wishes are what is in force for one read: its own options over the rules of
// its tables over Config. They are immutable once made.
type wishes struct {
	// off is why the read is kept out of the cache, "" if it is not, and
	// detail says more.
	off    Reason
	detail string

	policy   Policy // never PolicyDefault
	refresh  bool   // the database is asked, whatever is cached
	negative bool   // a result without rows is stored

	// The times are final, save for jitter. negativeTTL is never above ttl.
	ttl, swr, staleIfError, negativeTTL time.Duration

	maxRows  int
	maxBytes int64

	tags, names []string // sorted, none twice
	tenant      string   // what the query said, if hasTenant
	hasTenant   bool

	status *statusSlot // nil if nobody asked

	// maxAge is how old what is cached may be, whoever stored it; 0 if the
	// query does not say. It leaves room for the jitter.
	maxAge time.Duration

	// What the fields above are settled from.
	jitter    float64
	window    time.Duration // for stale results, if hasWindow
	hasWindow bool
	emptyTTL  time.Duration // for empty results, if that is shorter than ttl
	excluded  string        // a table that is Off
	uninvited bool          // OptIn asks for more than was said so far
}

// early tells whether a read is kept out of the cache whatever its tables
// are, so that nothing need be found out about it.
func (r *rules) early(o *options) (Reason, string) {
	if o == noOptions {
		if r.tables == nil {
			return r.base.off, r.base.detail
		}
		return "", ""
	}
	if reason, detail := o.refusal(); reason != "" {
		return reason, detail
	}
	if r.tables != nil {
		return "", ""
	}
	w := *r.base
	w.settle(o)
	return w.off, w.detail
}

// refusal is why options keep a read out of the cache by themselves.
func (o *options) refusal() (Reason, string) {
	switch {
	case o.mistake != "":
		return ReasonOption, o.mistake
	case o.skip:
		return ReasonSkip, "the query asked to skip the cache"
	case o.policy == NetworkOnly:
		return ReasonPolicy, "the policy of the query is network-only"
	}
	return "", ""
}

// wishesFor is what is in force for a read of tables, whose names are folded.
func (r *rules) wishesFor(o *options, tables []string) *wishes {
	w := r.of(tables)
	if o == noOptions {
		return w
	}
	own := *w
	own.settle(o)
	return &own
}

// settle lays options over what the rules say, and finds what follows.
func (w *wishes) settle(o *options) {
	// What the query asked for beats a rule or Config, which may say
	// CacheOnly of what only a Refresh puts into the cache.
	w.refresh = o.refresh && o.policy != CacheOnly
	if o.policy != PolicyDefault {
		w.policy = o.policy
	} else if o.refresh && w.policy == CacheOnly {
		w.policy = CacheFirst
	}
	if o.ttl > 0 {
		w.ttl = o.ttl
		w.maxAge = o.ttl + time.Duration(w.jitter*float64(o.ttl))
	}
	if o.given&givenSWR != 0 {
		w.window, w.hasWindow = o.swr, true
	}
	if o.given&givenStaleIfError != 0 {
		w.staleIfError = o.staleIfError
	}
	if o.given&givenNegative != 0 {
		w.negative = o.negative
	}
	if o.maxRows > 0 {
		w.maxRows = o.maxRows
	}
	if o.maxBytes > 0 {
		w.maxBytes = o.maxBytes
	}
	w.tags, w.names, w.status = o.tags, o.names, o.status
	w.tenant, w.hasTenant = o.tenant, o.given&givenTenant != 0

	w.negativeTTL = min(w.emptyTTL, w.ttl)
	w.swr = 0
	switch {
	case w.policy == CacheFirst:
		w.swr = w.window
	case w.policy == StaleWhileRevalidate && w.hasWindow:
		w.swr = w.window
	case w.policy == StaleWhileRevalidate:
		w.swr = w.ttl
	}

	w.off, w.detail = o.refusal()
	switch {
	case w.off != "":
	case w.excluded != "":
		w.off, w.detail = ReasonTableRule, "the table "+w.excluded+" is Off in Config.Tables"
	case w.policy == NetworkOnly:
		w.off, w.detail = ReasonPolicy, "the policy in Config is network-only"
	case w.uninvited && !o.cache:
		w.off, w.detail = ReasonOptIn, "Config.OptIn is set, and the query has no Cache option, nor are all its tables On"
	}
}
