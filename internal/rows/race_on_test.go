//go:build race

package rows

// heapTolerance is wide here: the race detector turns the sharing of small blocks off.
const heapTolerance = 0.3
