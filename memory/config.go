package memory

import (
	"errors"
	"fmt"
	"time"

	gocache "github.com/patrickmn/go-cache"
)

// DefaultMaxBytes is the bound of a Config that names none: 64 MiB.
const DefaultMaxBytes = 64 << 20

// minMaxBytes is the smallest bound that a Config may name: room for a few small entries.
const minMaxBytes = 1 << 10

// ErrInvalidConfig is what every error about a Config is, by errors.Is.
var ErrInvalidConfig = errors.New("memory: invalid config")

// Engine is what holds the entries.
type Engine uint8

const (
	// EngineOtter keeps, when full, the entries that are asked for most (W-TinyLFU). See Cache.
	EngineOtter Engine = iota
	// EngineGoCache is a plain map with times to live, the program's own cache if Config.GoCache
	// says so. When full, it refuses new entries. See GoCache.
	EngineGoCache
	// EngineNone stores nothing. See None.
	EngineNone
)

// String returns "otter", "go-cache" or "none".
func (e Engine) String() string {
	switch e {
	case EngineOtter:
		return "otter"
	case EngineGoCache:
		return "go-cache"
	case EngineNone:
		return "none"
	}
	return fmt.Sprintf("Engine(%d)", uint8(e))
}

// Config chooses an engine and bounds it. The zero value is valid.
type Config struct {
	// Engine is what holds the entries.
	// Default: EngineOtter.
	Engine Engine

	// MaxBytes is the most heap that the entries may take, in bytes; at least 1024.
	// Default: 64 MiB.
	MaxBytes int64

	// MaxEntries is the most entries there may be; 0 means no bound but MaxBytes.
	// In otter each entry then counts for at least MaxBytes/MaxEntries bytes, so that a mix of small
	// and large entries reaches MaxBytes before MaxEntries.
	// Default: 0.
	MaxEntries int

	// GoCache is the program's own cache, which EngineGoCache then puts its entries into, beside
	// those of the program and under keys of its own. MaxBytes and MaxEntries bound what is put
	// there, not the rest.
	// Default: nil, a cache that nothing else uses.
	GoCache *gocache.Cache
}

// Validate reports what is wrong with c: the field, and what to set it to. The error is
// ErrInvalidConfig, by errors.Is.
func (c Config) Validate() error {
	switch {
	case c.Engine > EngineNone:
		return invalid("Engine is %v, which there is not: set EngineOtter, EngineGoCache or EngineNone", c.Engine)
	case c.MaxBytes < 0:
		return invalid("MaxBytes is %d: set a number of bytes, or 0 for %d", c.MaxBytes, DefaultMaxBytes)
	case c.MaxBytes > 0 && c.MaxBytes < minMaxBytes:
		return invalid("MaxBytes is %d, too small for a single entry: set at least %d, or 0 for %d",
			c.MaxBytes, minMaxBytes, DefaultMaxBytes)
	case c.MaxEntries < 0:
		return invalid("MaxEntries is %d: set a number of entries, or 0 for no bound", c.MaxEntries)
	case c.GoCache != nil && c.Engine != EngineGoCache:
		return invalid("GoCache is set while Engine is %v: set Engine to EngineGoCache, or GoCache to nil", c.Engine)
	}
	return nil
}

// configError says which field is wrong, without a prefix, so that it reads well wherever it is wrapped.
type configError string

func invalid(format string, args ...any) error { return configError(fmt.Sprintf(format, args...)) }

func (e configError) Error() string { return string(e) }

func (configError) Is(target error) bool { return target == ErrInvalidConfig }

// Option changes a cache that is made.
type Option func(*options)

type options struct {
	now func() time.Time
}

// WithClock sets the clock that expiry goes by. It is called on every Get and must be safe for
// concurrent use.
// Default: time.Now.
func WithClock(now func() time.Time) Option {
	return func(o *options) { o.now = now }
}

// prepare looks at what a cache is to be made of.
func prepare(cfg Config, opts []Option) (options, error) {
	o := options{now: time.Now}
	if err := cfg.Validate(); err != nil {
		return o, fmt.Errorf("memory: %w", err)
	}
	for _, opt := range opts {
		opt(&o)
	}
	if o.now == nil {
		return o, fmt.Errorf("memory: %w", invalid("WithClock was given nil: leave the option out for time.Now"))
	}
	return o, nil
}
