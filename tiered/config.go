package tiered

import (
	"errors"
	"fmt"
	"time"
)

// Defaults of Config.
const (
	DefaultL1TTL          = time.Minute
	DefaultNegativeTTL    = 30 * time.Second
	DefaultMaxBytes       = 1 << 20
	DefaultMaxRows        = 1000
	DefaultRefreshTimeout = 30 * time.Second
)

// ErrConfig is wrapped by every error about a Config.
var ErrConfig = errors.New("querycache: invalid configuration")

// Config says how results are kept in the tiers.
type Config struct {
	// L1TTL is how long a result stays in memory at most. The default is one
	// minute. Freshness does not depend on it: a write invalidates at once.
	L1TTL time.Duration
	// Jitter spreads the times to live, so that results that were read
	// together do not expire together: each is longer or shorter by up to
	// this fraction of itself, at random. 0.1 means ±10 %. The default is 0,
	// the largest 1.
	Jitter float64
	// NegativeTTL is how long an empty result stays, if that is shorter than
	// what others get. The default is 30 seconds.
	NegativeTTL time.Duration
	// NoNegative leaves empty results uncached. The default is false.
	NoNegative bool
	// SWR is how long after its time to live a result may still be answered
	// with, while it is read anew in the background (stale-while-revalidate).
	// A result that a write has touched is never answered with. The default
	// is 0: never.
	SWR time.Duration
	// StaleIfError is how long after its time to live a result may still be
	// answered with when the database gives an error. A result that a write
	// has touched is never answered with. The default is 0: never.
	StaleIfError time.Duration
	// RefreshTimeout bounds a reading in the background. The default is 30
	// seconds.
	RefreshTimeout time.Duration
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
	if c.NegativeTTL == 0 {
		c.NegativeTTL = DefaultNegativeTTL
	}
	if c.RefreshTimeout == 0 {
		c.RefreshTimeout = DefaultRefreshTimeout
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
	for _, d := range []struct {
		field string
		value time.Duration
		zero  string
	}{
		{"L1TTL", c.L1TTL, DefaultL1TTL.String()},
		{"NegativeTTL", c.NegativeTTL, DefaultNegativeTTL.String()},
		{"SWR", c.SWR, "none"},
		{"StaleIfError", c.StaleIfError, "none"},
		{"RefreshTimeout", c.RefreshTimeout, DefaultRefreshTimeout.String()},
	} {
		if d.value < 0 {
			return fmt.Errorf("%w: Tiered.%s is %v: set a positive duration, or 0 for %s", ErrConfig, d.field, d.value, d.zero)
		}
	}
	switch {
	case !(c.Jitter >= 0 && c.Jitter <= 1): // NaN too
		return fmt.Errorf("%w: Tiered.Jitter is %v: set a fraction from 0 to 1, such as 0.1 for ±10 %%", ErrConfig, c.Jitter)
	case c.MaxResultBytes < 0:
		return fmt.Errorf("%w: Tiered.MaxResultBytes is %d: set a positive size, or 0 for %d", ErrConfig, c.MaxResultBytes, DefaultMaxBytes)
	case c.MaxResultRows < 0:
		return fmt.Errorf("%w: Tiered.MaxResultRows is %d: set a positive count, or 0 for %d", ErrConfig, c.MaxResultRows, DefaultMaxRows)
	}
	return nil
}
