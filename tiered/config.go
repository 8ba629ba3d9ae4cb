package tiered

import (
	"errors"
	"fmt"
	"time"
)

// Defaults of Config.
const (
	DefaultL1TTL    = time.Minute
	DefaultMaxBytes = 1 << 20
	DefaultMaxRows  = 1000
)

// ErrConfig is wrapped by every error about a Config.
var ErrConfig = errors.New("querycache: invalid configuration")

// Config says how results are kept in the tiers.
type Config struct {
	// L1TTL is how long a result stays in memory at most. The default is one
	// minute. Freshness does not depend on it: a write invalidates at once.
	L1TTL time.Duration
	// MaxResultBytes is the largest result that is stored, by the estimate
	// of its size. The default is 1 MiB.
	MaxResultBytes int64
	// MaxResultRows is the longest result that is stored. The default is
	// 1000 rows.
	MaxResultRows int
}

// WithDefaults fills in what is zero.
func (c Config) WithDefaults() Config {
	if c.L1TTL == 0 {
		c.L1TTL = DefaultL1TTL
	}
	if c.MaxResultBytes == 0 {
		c.MaxResultBytes = DefaultMaxBytes
	}
	if c.MaxResultRows == 0 {
		c.MaxResultRows = DefaultMaxRows
	}
	return c
}

// Validate names the field that cannot be used and says what to do.
func (c Config) Validate() error {
	switch {
	case c.L1TTL < 0:
		return fmt.Errorf("%w: Tiered.L1TTL is %v: set a positive duration, or 0 for %v", ErrConfig, c.L1TTL, DefaultL1TTL)
	case c.MaxResultBytes < 0:
		return fmt.Errorf("%w: Tiered.MaxResultBytes is %d: set a positive size, or 0 for %d", ErrConfig, c.MaxResultBytes, DefaultMaxBytes)
	case c.MaxResultRows < 0:
		return fmt.Errorf("%w: Tiered.MaxResultRows is %d: set a positive count, or 0 for %d", ErrConfig, c.MaxResultRows, DefaultMaxRows)
	}
	return nil
}
