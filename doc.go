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
// the call returns. See docs/freshness.md for the protocol.
//
// # Caveats
//
// What the cache cannot answer with certainty it leaves to the database;
// [Explain] says why. Not seen are writers outside this process, and writes
// of this process that go past the plugin: through the *sql.DB that db.DB()
// returns, through a *gorm.DB that does not use it, or through a statement of
// a prepared-statement pool that was prepared before and is run past GORM's
// callbacks. For those, the time to live is the bound. A schema that was
// changed past GORM is known after [Plugin.Reload]. An assertion db.ConnPool.(*sql.DB) fails, since the pool
// is wrapped: use db.DB(), and [SQLTx] within a transaction.
package querycache
