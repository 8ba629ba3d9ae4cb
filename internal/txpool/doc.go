// Package txpool wraps GORM's connection pools so that every statement, every
// commit and every rollback passes through the write protocol of package
// invalidation.
//
// The wrapper sits below gorm.PreparedStmtDB and embeds what it wraps, so
// that interfaces and assertions on methods go on working. What a prepared
// statement does later cannot be seen from below; the plugin's callbacks
// therefore put an Announcer above it.
//
// Invariants:
//
//  1. The intent of a write is placed before its statement (autocommit) or
//     its COMMIT is sent, and completed when the outcome is settled, before
//     the caller is told: by a deferred call, on success, failure and panic.
//  2. An outcome that is not known (connection lost, context over while the
//     statement ran) keeps its marks for the hold time.
//  3. A transaction's tags are noted before each statement is sent; the set
//     may be too large, never too small.
//  4. A statement that was prepared where nobody announced it may run at any
//     time: what it writes stays pending for good.
//  5. Results and errors pass through unchanged.
//  6. The catalog is read again after each change of the schema, under that
//     write's intent, one reading at a time, over a connection that is free or
//     held by the write itself; a rollback, an unknown outcome and a
//     foreign transaction's end have it read once more.
//  7. From when the database may have ended a transaction on its own, each write
//     in it is treated as one that commits by itself.
package txpool
