//go:build !race

package rows

// heapTolerance is how far sizes may be from what the heap says, as a fraction.
const heapTolerance = 0.1
