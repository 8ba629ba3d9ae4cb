// Package stampbits sizes the process's table of stamps, for tests.
//
// Tags that are hashed to one word of the table share their stamp: a write to
// the one costs the other a needless miss. That is harmless, save in tests that
// count the queries of hits beside others that write: with a thousand tags and
// the table of a program, some run would fail by chance.
package stampbits

// More is how many bits the table has beyond invalidation.DefaultBits. The
// default is 0. It is read once, when the first plugin is made: set it in
// TestMain.
var More int
