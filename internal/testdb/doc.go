// Package testdb is the ground on which the project's tests stand: fresh databases, a
// driver that counts, and a comparison that forgives nothing.
//
// Invariants:
//
//   - A database belongs to one test. It has a name of its own, is empty when the test gets it, and is
//     gone when the test is over.
//   - A test never passes because a database was missing: it is skipped with the reason, and where
//     QUERYCACHE_REQUIRE names that database, it fails.
//   - The counting driver changes nothing. Every value, error, column type and optional interface of
//     the driver below comes through as it is; only hooks, where a test sets them, interfere.
//   - What reached the database is counted once: a call that the driver below declined with
//     driver.ErrSkip is not counted, the statement that database/sql then prepares and runs is.
//   - Equal reports a difference whenever a program could tell two values apart other than by comparing
//     pointers: nil and empty, zone and instant, unexported fields, error class and text.
package testdb
