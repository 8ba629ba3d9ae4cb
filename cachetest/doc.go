// Package cachetest holds a tier against what querycache asks of it, and breaks tiers on purpose.
//
// Local runs the conformance suite over a tiered.Local, one of this project or your own. It checks
// all that the comments of tiered.Local promise, since freshness rests on them: above all that Get never
// gives an entry that was replaced or removed before it was called. A tier may lose any entry at any time,
// and refuse any; yet the suite expects that one which has room keeps what it takes.
//
// Faulty wraps a tier, which then drops, forgets, panics and dawdles as you say: to see what your program
// makes of that.
package cachetest
