package memory

import "unsafe"

// otterOverhead is the heap, in bytes, that otter needs for an entry: its node, its share of the hash
// table and of the frequency sketch. Measured from 1,000 to 500,000 entries, half full and full: 84 to 108,
// depending on how far the table is from its next doubling; TestBytesTracksTheHeap holds it to that.
const otterOverhead = 96

// entryOverhead is the heap that an entry takes beside its key and what its value tells.
func entryOverhead[V Value]() int64 {
	return otterOverhead + int64(unsafe.Sizeof(item[V]{}))
}

// keyBytes is the heap that a key takes: Go allocates in steps of about this size.
func keyBytes(key string) int64 {
	const step = 16
	return (int64(len(key)) + step - 1) / step * step
}
