//go:build !race

package snapshot

// leastRatio of Size to the heap.
const leastRatio = 0.87
