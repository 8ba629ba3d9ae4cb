// Package sqlscan reads one SQL text in one dialect and says which tables it
// reads, which it writes, and whether its answer depends on those tables' data
// and the arguments alone.
//
// A cache stands on these answers, so the package is built to be wrong in one
// direction only:
//
//   - Every table a statement can read is in Reads, or the text is refused, or
//     it is Impure. A name that only might be a table is reported as one.
//   - Every table a statement can write is in Writes, or WritesAll is set, or
//     the text is refused.
//   - A text with Impure == "" calls only functions known to be pure, reads no
//     session state, no moving time and no system catalog, and writes nothing.
//   - A text that two readers (two server settings, two versions) could split
//     into different tokens, or that has a word where the grammar kept here has
//     none, is refused; nothing is guessed.
//   - Time is linear in the length of the text, nesting is bounded, and no input
//     panics.
//
// The lexer knows each dialect's quotes, comments and placeholders. The parser
// knows the skeleton of statements (WITH, SELECT, FROM lists, INSERT, UPDATE,
// DELETE, MERGE, DDL) and takes expressions as a run of tokens in which only
// parentheses, function calls and the words that could introduce a table
// matter. A table can be named only after FROM, JOIN, a comma of a FROM list,
// TABLE, SQLite's IN, and the write verbs; a FROM list ends only at a word that
// cannot be an alias there.
//
// Beside the tables, Scan tells the rows that a statement of one table is
// restricted to (Result.Where, Plain, Change), so that a cache can tie a result to
// single records. These are read by the shape of the text: where one token does
// not fit, nothing is said, and nothing said is the safe answer. They hold for an
// ordinary table: of one whose rows do not depend on each other (no view,
// no virtual or full-text table, no inheritance), without triggers, rules,
// computed columns, SQLite's ON CONFLICT in its constraints, or foreign keys that
// lead from it to itself, all of which can change further rows or columns. They
// speak of columns of that table as the database compares them: 'ABC' = 'abc', and
// a text may equal the number 0, where the types or the collation say so.
//
// What no text can show is left to the caller: views, triggers, foreign keys,
// inheritance and row policies (the catalog), operators of the user's own that
// take the name of a built-in one, and time words that a statement puts together
// from columns or by functions; from pieces in the text ('n' || 'ow'), inside
// the cast or function that reads the time, they are seen. Functions of the user's own that take the name of a
// built-in one, and PostgreSQL's attribute notation for functions (SELECT t.f),
// are seen where Options.Routines names them.
package sqlscan
