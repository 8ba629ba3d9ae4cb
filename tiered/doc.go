// Package tiered reads through tiers of cached results.
//
// The life of one read: the caller samples the stamps of its tags, looks up
// its key, and takes what it finds only if the entry is valid under the
// sample. On a miss it joins the flight of a reader that is already reading
// the same rows, or leads one; the leader reads the database and stores the
// result under the sample it took before.
//
// Time comes on top. An entry is fresh until it expires and is kept until it
// ends; in between it is stale, and served to those alone who take a stale
// result. No time makes an entry valid that a write has touched.
//
// Invariants:
//
//  1. An entry is served only to a reader whose sample has the same stamps for
//     all tags that the entry depends on, with no intent pending on any.
//  2. A result is stored only if no intent was pending on a tag that it depends
//     on when its reader sampled. A reader whose sample is pending joins no
//     flight, and nobody joins its own.
//  3. A reader joins a flight only if the flight's sample equals its own.
//     Otherwise a follower would take rows older than a write that had
//     returned before it began.
//  4. A flight that was replaced stores nothing, but for what is narrow: that
//     may have been replaced over a tag on which it does not depend.
//  5. A follower whose leader failed gets nothing from it: no error, no
//     cancellation, no data.
//  6. Of any number of readers of one key under equal samples that are not
//     pending, one reads the database, as long as the tier keeps what it
//     stores.
//  7. A flight ends, whatever its leader does: it is finished by defer.
//  8. No entry that a Drop or a Clear took out is served to anybody who begins
//     after it has returned, and no fill that it falls into is stored, however
//     late.
//  9. An entry with a result in a further form is as old, as valid and as long
//     kept as the one it was made of.
//  10. One reader at a time refreshes a key in the background.
package tiered
