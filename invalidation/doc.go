// Package invalidation decides when a cached result is dead.
//
// Every result depends on tags (the rows of a table as a set, single records,
// a whole database, a name that the user gave), and every tag has a stamp that
// is never used twice. A reader samples the stamps of its tags before it looks
// anywhere; an entry carries the sample it was made under and is valid only
// while each stamp is unchanged and no write has an intent pending on it. A
// write places an intent (mark pending, bump the stamp) before its commit and
// completes it (bump again, clear the mark) after, before the call returns.
//
// A sample has a core. A reader of certain records samples their tags and that
// of their table as core, and the set beside. If it finds all of them, its
// result depends on the core alone and outlives writes to other records; if it
// lacks one, on the set too.
//
// Invariants:
//
//  1. A stamp value never comes back: each intent and each completion changes
//     it, so an entry made under an older sample is dead for good, however
//     late it is stored.
//  2. Between Intent and Complete the tag is pending: nothing that depends on
//     it is served from the cache and nothing is stored.
//  3. Each intent is completed exactly once.
//  4. Every write to a table touches its set. One that may change or remove a
//     record that is there touches the record's tag as well, or the table's if
//     it is not known which record. One that only makes records touches no
//     more than the set: who is pinned to them lacked them.
//  5. A sample that is kept has slots of its own; a narrow one is the sample
//     that the core alone would have given.
//  6. Two tags may share a word; that costs a needless miss, never a stale
//     hit. The place of a tag is the same in every process and every release.
//  7. Nothing here grows or blocks on the path of a read or of a single write,
//     or allocates there with up to six tags.
//
// The protocol, with its races told as numbered events, is described in
// docs/freshness.md.
package invalidation
