package querycache

import (
	"fmt"
	"strings"
	"time"
)

// Explanation says how the cache would answer a query. Of a statement that could
// not be built, it has what was built of SQL, if any, and nothing else.
type Explanation struct {
	// SQL is the statement with its arguments written in. It is the only field
	// with values besides Pins and Depends, which have those of primary keys.
	SQL string
	// Operation is what the program called: one of those of
	// Stats.Operations.
	Operation string
	// Cacheable tells whether the query may be answered from the cache; if
	// not, Reason is the class of the refusal, Detail what exactly, and Mend
	// what would make it cacheable.
	Cacheable bool
	Reason    Reason
	Detail    string
	Mend      string
	// Key is the structured key, printed.
	Key string
	// Tables are what the result depends on.
	Tables []string
	// Pins are the records that the result is pinned to, such as
	// "users.id=1": a write to others of the table leaves it in the cache. It
	// is empty if any write to a table invalidates the result.
	Pins []string
	// Depends are all tags of the result, such as "set:users" or
	// "record:users.id=1": a write that touches one of them invalidates it.
	// "database" is touched by a write of unknown extent, "table" by one whose
	// records are not known. A pinned result depends on the set too if it lacks
	// one of its records, which is known once it is cached.
	Depends []string
	// Tags and Names are those that the query was given.
	Tags, Names []string
	// Policy is in force, and so are the times: StoredFor is for how long the
	// result is fresh once stored, save for jitter; SWR and StaleIfError how
	// long beyond that it may be served stale. Refresh tells that the query
	// asks the database anyhow.
	Policy                       Policy
	StoredFor, SWR, StaleIfError time.Duration
	Refresh                      bool
	// MaxRows and MaxBytes are the largest result that is stored.
	MaxRows  int
	MaxBytes int64
	// Cached tells whether a valid result is there now that the query may be
	// answered with; Stale that it is past its time, so that it is served only
	// while it is refreshed (SWR) or if the database fails (StaleIfError).
	// Tier tells where the result is, Form in which form, Age since when, TTL
	// for how long yet (negative if it is past its time), and Size how many
	// bytes it takes.
	Cached, Stale bool
	Tier          string
	Form          string
	Age           time.Duration
	TTL           time.Duration
	Size          int64
	// Pending tells that a write to what it depends on is under way, so that
	// the query would go to the database now.
	Pending bool
}

// String prints the explanation in a few lines.
func (e Explanation) String() string {
	var b strings.Builder
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-9s%s\n", name+":", text)
		}
	}
	list := func(name string, items []string) { line(name, strings.Join(items, ", ")) }
	line("sql", e.SQL)
	if !e.Cacheable && e.Reason == "" {
		line("cache", "not known, since the statement was not built")
		return b.String()
	}
	if !e.Cacheable {
		line("cache", fmt.Sprintf("no (%s: %s)", e.Reason, e.Detail))
		line("mend", e.Mend)
		return b.String()
	}
	line("cache", "yes, "+e.policy())
	line("limits", e.limits())
	line("key", e.Key)
	list("tables", e.Tables)
	list("pins", e.Pins)
	list("depends", e.Depends)
	list("tags", e.Tags)
	list("names", e.Names)
	line("now", e.now())
	return b.String()
}

// policy prints what is in force.
func (e Explanation) policy() string {
	text := fmt.Sprintf("%s, fresh for %s", e.Policy, e.StoredFor)
	if e.SWR > 0 {
		text += fmt.Sprintf(", stale for %s while refreshed", e.SWR)
	}
	if e.StaleIfError > 0 {
		text += fmt.Sprintf(", stale for %s if the database fails", e.StaleIfError)
	}
	return text
}

// limits prints how large a result may be.
func (e Explanation) limits() string {
	size := fmt.Sprintf("%d bytes", e.MaxBytes)
	switch {
	case e.MaxBytes > 0 && e.MaxBytes%(1<<20) == 0:
		size = fmt.Sprintf("%d MiB", e.MaxBytes>>20)
	case e.MaxBytes > 0 && e.MaxBytes%(1<<10) == 0:
		size = fmt.Sprintf("%d KiB", e.MaxBytes>>10)
	}
	return fmt.Sprintf("%d rows, %s", e.MaxRows, size)
}

// now prints what would happen.
func (e Explanation) now() string {
	at := fmt.Sprintf("in %s as %s, %d bytes, %s old", e.Tier, e.Form, e.Size, rounded(e.Age))
	switch {
	case e.Pending:
		return "a write is under way; the database would be asked"
	case e.Refresh, e.Policy == NetworkFirst:
		return "the database would be asked, as the query wants"
	case e.Stale:
		return fmt.Sprintf("%s, stale since %s", at, rounded(-e.TTL))
	case e.Cached:
		return fmt.Sprintf("%s, fresh for %s yet", at, rounded(e.TTL))
	case e.Policy == CacheOnly:
		return "not cached; the query would fail with ErrCacheMiss"
	}
	return "not cached; the database would be asked"
}
