package memory

import "unsafe"

// otterOverhead is the heap, in bytes, that otter needs for an entry: its node, its share of the hash
// table and of the frequency sketch. Measured from 1,000 to 500,000 entries, half full and full: 84 to 108,
// depending on how far the table is from its next doubling; TestBytesTracksTheHeap holds it to that.
const otterOverhead = 96

// goCacheOverhead is the same for go-cache: an entry's share of its map, whose tables all double at about
// the same time, and of the list of all items. Measured from 1,000 to 300,000 entries: 72 to 126.
const goCacheOverhead = 96

// entryOverhead is the heap that an entry takes in otter beside its key and what its value tells.
func entryOverhead[V Value]() int64 {
	return otterOverhead + int64(unsafe.Sizeof(item[V]{}))
}

// goCacheEntryOverhead is the same for go-cache.
func goCacheEntryOverhead[V Value]() int64 {
	return goCacheOverhead + int64(unsafe.Sizeof(item[place]{})) + int64(unsafe.Sizeof(held[V]{}))
}

// keyBytes is the heap that a key takes: Go allocates in steps of about this size.
func keyBytes(key string) int64 {
	const step = 16
	return (int64(len(key)) + step - 1) / step * step
}
