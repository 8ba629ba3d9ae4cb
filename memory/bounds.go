package memory

import "math"

// bounds are the limits in bytes, and in the units that otter counts in: its weights have 32 bits.
type bounds struct {
	maxBytes int64
	minBytes int64 // the least that an entry counts for
	scale    int64 // bytes in a unit
	maxUnits uint64
}

func boundsOf(cfg Config) bounds {
	b := bounds{maxBytes: cfg.MaxBytes, minBytes: 1}
	if b.maxBytes == 0 {
		b.maxBytes = DefaultMaxBytes
	}
	b.scale = (b.maxBytes-1)/math.MaxUint32 + 1
	b.maxUnits = uint64(b.maxBytes / b.scale)
	if n := uint64(max(cfg.MaxEntries, 0)); n > 0 && n < b.maxUnits {
		// In whole units and rounded up, so that MaxEntries+1 of them never fit.
		b.minBytes = int64(b.maxUnits/(n+1)+1) * b.scale
	}
	return b
}

// units rounds up, so that what fits in units fits in bytes.
func (b bounds) units(bytes int64) uint32 {
	u := (max(bytes, b.minBytes)-1)/b.scale + 1
	return uint32(min(u, int64(b.maxUnits))) // maxUnits has 32 bits
}
