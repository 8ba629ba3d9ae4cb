// Package querycache is a query-result cache for GORM.
//
//	db.Use(querycache.New(querycache.Config{}))
//
// From then on every read that GORM makes is answered from memory when it
// safely can be, and never differently from what the database would have
// said: the same values, errors, RowsAffected and hooks. Once a write through
// GORM has returned, no read of the process sees the old rows.
//
// # How a read flows
//
// The plugin takes the place of GORM's query and row callbacks. It builds the
// SQL as GORM does, finds the tables that it depends on (from the text and
// the database's catalog), samples the stamps of their tags, and looks the
// query up. An entry made under an equal sample is copied into the
// destination; otherwise the database is read, by one caller for all who want
// the same, and the result is stored under the sample.
//
// # How a write flows
//
// The connection pool is wrapped, below GORM's prepared statements, so that
// each statement and each commit is seen. A write marks the tags that it
// touches before it can become visible and bumps their stamps after, before
// the call returns. A write that names its records by their primary key
// touches these, and whatever reads the table as a whole; results that are
// pinned to other records stay. See docs/freshness.md for the protocol.
//
// # Use
//
// Options such as [TTL], [SWR], [Skip], [WithPolicy] and [Tags] are scopes of
// one query; [WithOptions] puts them into a context and [Generic] makes a
// scope of them for gorm.G. [Config] says the same for all queries and, by
// [TableRule], for those of a table. A narrower word wins over a wider one.
//
// What changes past GORM is invalidated by hand: [Plugin.InvalidateRecord],
// [Plugin.InvalidateTable], [Plugin.InvalidateTags] and their like return how
// many results died. [Fetch] caches any computation over tables.
//
// [Explain] tells how a query would be answered, and if it cannot be cached,
// why and what to do about it. [StatusInto] tells it of one read,
// [Plugin.Stats] of all, observers ([ReadObserver]) of each as it happens, and
// [Plugin.Health] whether all is well. [Plugin.Disable] switches the plugin
// off while the program runs.
//
// # Caveats
//
// What the cache cannot answer with certainty it leaves to the database:
// among others reads in a transaction, and SQL whose answer varies on the
// same rows. A query fails with an error of the cache only if it is
// [CacheOnly].
//
// Not seen are writers outside this process, and writes of this process that
// go past the plugin: through the *sql.DB that db.DB() returns, through a
// *gorm.DB that does not use it, or through a statement of a
// prepared-statement pool that was prepared before and is run past GORM's
// callbacks. For those, the time to live is the bound, and what SWR and
// StaleIfError allow beyond it. A schema that was changed past GORM is known
// after [Plugin.Reload]. An assertion db.ConnPool.(*sql.DB) fails, since the
// pool is wrapped: use db.DB(), and [SQLTx] within a transaction.
//
// A write leaves pinned results alone only where the text of the statement
// and the catalog prove which records it reaches. Lists, counts and joins die
// by every write to their tables.
//
// A refresh in the background (SWR) takes a connection from the pool. Tags,
// names and the tenant are part of a query's key, the TTL is not: the query
// that stores a result decides how long it is kept, and one with the option TTL
// is not answered with an older one, but within its windows for stale results.
//
// GORM's logger and callbacks see a hit as a query: count with [Plugin.Stats].
package querycache
