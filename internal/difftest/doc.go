// Package difftest runs random programs on plain GORM and on GORM with a plugin, on two copies of one
// database, and compares all that a program can see.
//
// Invariants:
//
//   - A program is a list of steps, each a kind and a seed. A step makes the same choices whatever ran before it, so
//     a program from which steps were removed is a program again: that is how failures are shrunk.
//   - Nothing that is compared may differ between two sides of plain GORM: clocks are the program's own, keys
//     and orders are determined. The tests of this package run plain against plain.
//   - What is compared is what can be seen: dests to the last nil and zone, errors by text and class, RowsAffected,
//     panics, what hooks and the logger were told, and in the end every table.
//   - A run that proves nothing fails: the side with the plugin must have sent clearly fewer queries.
//   - The tester finds bugs: its own tests run it on caches with one bug each.
package difftest
