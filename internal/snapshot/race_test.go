//go:build race

package snapshot

// leastRatio of Size to the heap: the race detector's allocator gives each
// small object 16 bytes of its own.
const leastRatio = 0.75
