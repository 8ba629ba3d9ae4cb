// Package catalog holds what a database says of itself: which names are
// tables, what a view is made of, and which further tables change when one is
// written (foreign keys with actions, triggers, rules, partitions).
//
// A SQL text names only a part of what it reads and writes. The catalog turns
// the names in the text into all names that matter:
//
//   - Reads: the tables that a result depends on;
//   - Writes: the tables whose content may change;
//   - Key: the columns by which the rows of a table can be told apart, where a
//     write changes no other rows than its text says.
//
// Names are the last part of a qualified name, unquoted and folded to lower
// case. Tables of several schemas that share a name are one node here, with
// the union of all that is known of each.
//
// Invariants:
//
//  1. A table whose content a statement changed is in Writes of the tables
//     that the statement names, or all is true.
//  2. A name whose content can change by any write to a known table t, without
//     t or something in Writes(t) being in Reads of that name, is refused by
//     Reads.
//  3. A function that users made is in Routines, so that a call of it is not
//     taken for one of a built-in function.
//  4. A name that the catalog does not know is refused by Reads. What could
//     not be read is refused by Reads, or reaches everything in Writes.
//  5. A Catalog never changes after Load, Unknown or Declare returned it, so it
//     may be used by any number of goroutines, and so may the slices that it
//     returns, as long as nobody writes into them.
//  6. Of a table with a Key, an UPDATE or DELETE changes only rows that its own
//     condition selects, and an INSERT none that were there, unless the text
//     says so with words for conflicts. The key's values compare as its classes
//     say. What cannot be seen means that there is no Key.
//  7. Load leaves no rows open and needs one connection at a time, so that it
//     works on a pool of one.
//
// What it cannot see, and callers must treat themselves:
//
//   - structural changes after Load (load again), by whomever;
//   - temporary tables, views and triggers made after Load, or on another
//     connection of the pool than the one that answered;
//   - what functions of the application write from inside SQLite, and what the
//     functions behind operators and casts of the user's own, and behind the
//     domains of casts, write on Postgres. Where such an operator or cast runs a
//     function that is not immutable, all reads are refused;
//   - files that are attached to SQLite on another connection than the one that
//     answered: with those it sees, the database has no identity;
//   - loadable functions of MySQL and MariaDB whose names built-in functions of
//     other versions have, where the role may not read mysql.func.
//
// On MySQL and MariaDB the catalog spans every schema that the role sees, as
// statements can. Tables of another program that share a name there widen what
// is reached; they never narrow it.
package catalog
