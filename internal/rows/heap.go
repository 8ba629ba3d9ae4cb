package rows

import "slices"

// sizeClasses are the sizes the Go runtime rounds small allocations up to.
var sizeClasses = []int{
	8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
	384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304,
	2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240,
	10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672, 32768,
}

const (
	largestClass = 32768
	heapPage     = 8192
	// headerFrom: objects with pointers above this size carry a header of one word.
	headerFrom = 512
	headerSize = 8
	// tinyShared: the runtime puts several objects up to this size into one block.
	tinyShared = 8
)

// allocated is what an allocation of n bytes without pointers takes from the heap.
func allocated(n int) int64 {
	if n <= 0 {
		return 0
	}
	if n <= tinyShared {
		return int64(n)
	}
	if n > largestClass {
		return (int64(n) + heapPage - 1) / heapPage * heapPage
	}
	i, _ := slices.BinarySearch(sizeClasses, n)
	return int64(sizeClasses[i])
}

// allocatedPointers is allocated for objects that hold pointers.
func allocatedPointers(n int) int64 {
	if n > headerFrom && n <= largestClass-headerSize {
		n += headerSize
	}
	return allocated(n)
}

const (
	arenaFirst = 64
	arenaLast  = 8192
)

// arena keeps copies of many small byte slices in few allocations. Blocks double, so a small
// result wastes little and a large one allocates seldom.
type arena struct {
	block []byte
	size  int64 // heap bytes of all blocks
}

// keep returns a copy of b that nobody else holds; nil stays nil, empty stays empty.
func (a *arena) keep(b []byte) []byte {
	if len(b) == 0 || len(b) > arenaLast/4 {
		a.size += allocated(len(b))
		return cloneBytes(b)
	}
	if cap(a.block)-len(a.block) < len(b) {
		next := min(max(2*cap(a.block), arenaFirst, len(b)), arenaLast)
		next = int(allocated(next))
		a.block = make([]byte, 0, next)
		a.size += int64(next)
	}
	start := len(a.block)
	a.block = append(a.block, b...)
	return a.block[start:len(a.block):len(a.block)]
}
