// Package tiered reads through tiers of cached results.
//
// The life of one read: the caller samples the stamps of its tags, looks up
// its key, and takes what it finds only if the entry was made under an equal
// sample. On a miss it joins the flight of a reader that is already reading
// the same rows, or leads one; the leader reads the database and stores the
// result under the sample it took before.
//
// Invariants:
//
//  1. An entry is served only to a reader whose sample equals the entry's, tag
//     for tag, with no intent pending.
//  2. A reader whose sample is pending neither leads, joins nor stores.
//  3. A reader joins a flight only if the flight's sample equals its own.
//     Otherwise a follower would take rows older than a write that had
//     returned before it began.
//  4. A flight that was replaced stores nothing.
//  5. A follower whose leader failed gets nothing from it: no error, no
//     cancellation, no data.
//  6. Of any number of readers of one key under equal samples, one reads the
//     database, as long as the tier keeps what it stores.
//  7. A flight ends, whatever its leader does: it is finished by defer.
package tiered
