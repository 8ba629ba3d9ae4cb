package querycache

import "strconv"

// Policy says in which order a read asks the cache and the database. No
// policy answers with rows that a write has changed since: what a policy
// calls cached is always what the database would have said, except for the
// age that TTL and SWR allow where writes go past the plugin.
type Policy uint8

// The policies.
const (
	// PolicyDefault is the policy of the next wider setting: the query's
	// tables, then Config.Policy, then CacheFirst.
	PolicyDefault Policy = iota
	// CacheFirst answers from the cache, and reads the database if nothing
	// valid is there.
	CacheFirst
	// NetworkFirst reads the database and stores the result. If the database
	// fails, what is cached and valid is the answer.
	NetworkFirst
	// CacheOnly never asks the database. If nothing valid is cached, the
	// query fails with ErrCacheMiss.
	CacheOnly
	// NetworkOnly reads the database. Nothing is looked up and nothing is
	// stored.
	NetworkOnly
	// StaleWhileRevalidate is CacheFirst that may answer with a result past
	// its TTL while one read in the background replaces it. How far past is
	// said by SWR, by the rules of the tables, by Config.Tiered.SWR, or else
	// is the TTL once more. A result that a write has touched is never
	// served.
	StaleWhileRevalidate
	policies // how many there are
)

var policyNames = [policies]string{
	"default", "cache-first", "network-first", "cache-only", "network-only", "stale-while-revalidate",
}

// String names the policy, as "cache-first" does.
func (p Policy) String() string {
	if !p.valid() {
		return "policy " + strconv.Itoa(int(p))
	}
	return policyNames[p]
}

// MarshalText is String, for JSON.
func (p Policy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

func (p Policy) valid() bool { return p < policies }

// trust ranks the policies of several tables of one query: the lowest counts.
func (p Policy) trust() int {
	switch p {
	case NetworkOnly:
		return 0
	case NetworkFirst:
		return 1
	case CacheFirst:
		return 2
	case StaleWhileRevalidate:
		return 3
	}
	return 4 // CacheOnly
}
