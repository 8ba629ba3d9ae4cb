// Package invalidation decides when a cached result is dead.
//
// Every result depends on tags (a table, a set of rows, the whole database, a
// name that the user gave), and every tag has a stamp that is never used
// twice. A reader samples the stamps of its tags before it looks anywhere; an
// entry carries the sample it was made under and is valid only while each
// stamp is unchanged and no write has an intent pending on it. A write places
// an intent (mark pending, bump the stamp) before its commit and completes it
// (bump again, clear the mark) after, before the call returns.
//
// Invariants:
//
//  1. A stamp value never comes back: each intent and each completion changes
//     it, so an entry made under an older sample is dead for good, however
//     late it is stored.
//  2. Between Intent and Complete the tag is pending: nothing is served from
//     the cache under it and nothing is stored.
//  3. Each intent is completed exactly once.
//  4. Two tags may share a word; that costs a needless miss, never a stale
//     hit.
//  5. Nothing here allocates, grows or blocks on the path of a read or of a
//     single write.
//
// The protocol, with its races told as numbered events, is described in
// docs/freshness.md.
package invalidation
