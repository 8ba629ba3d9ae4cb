// Package rows records what a query returned, row by row while its caller reads it, and gives the
// recording back as real [*sql.Rows] and [*sql.Row] that nobody can tell from the database's own.
//
// Three types share the work. A [Recorder] stands between real rows and gorm.Scan. A [Recorded] is a
// finished result: immutable, safe for any number of readers. A [Replayer] is an in-memory
// database/sql driver that serves a Recorded again, or streams real rows through while it watches them.
//
// # Invariants
//
//  1. What was read before the caller saw it. A row's driver values are taken inside
//     [sql.Rows.Scan], while database/sql keeps the rows from being closed, and before the caller's own
//     Scan, which may keep or overwrite the bytes it gets.
//  2. All or nothing. A Recorded exists only if the end of the rows was reached, Err and Close
//     were nil, there was no second result set, each value is of a kind listed in 4, and the
//     limits held. (A prefix, for readers that stop early by their nature, is made only where the
//     caller asks for one, and to read a replay past it is an error, never an end.) Otherwise Finish names the reason, the memory is already released, and the
//     reading went on undisturbed.
//  3. No sharing of mutable memory. A Recorded owns its bytes, and every replay hands out its own
//     copies of them and of the slice of column names. Strings and *time.Location are immutable
//     and shared.
//  4. A stored value is nil, int64, float64, float32, uint64, bool, string, []byte or a time.Time
//     without monotonic reading. Anything else (named types, decimals, cursors) passes through to
//     the caller and makes the result [ErrUnstorable].
//  5. Column types are exact. They are recorded as told before the first row and, since some
//     drivers derive them from the value at hand, at each row that brings a column a kind of value
//     it had not held yet. A replay tells at each row what was told for the kinds that the row holds.
//     A driver whose types follow neither rule is noticed where two observations disagree, and refused.
//  6. Errors pass unchanged. Where database/sql returns the driver's error itself, so does a stream;
//     it wraps nothing.
//  7. Done is called exactly once for each stream, whatever ends it.
//  8. Nothing waits for a pool. The replay database opens as many connections as there are open
//     rows, keeps a few idle ones for reuse, and its rows outlive [Replayer.Close].
//
// # What cannot be mended here
//
// database/sql leaves rows read-locked if a Scanner panics, so that closing these rows blocks
// forever. Replayed and streamed rows are database/sql's and behave the same; nothing else is
// locked by it.
package rows
