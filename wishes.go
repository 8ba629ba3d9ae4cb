package querycache

import "time"

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

	// What the fields above are settled from.
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
	w.tags, w.names = o.tags, o.names
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
