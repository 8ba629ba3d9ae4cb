package querycache

import (
	"errors"

	"github.com/gorm-querycache/querycache/tiered"
)

// Errors that db.Use and the methods of a Plugin return, wrapped with what
// was being done. A query fails with none of them but ErrCacheMiss, and with
// that only if it asked for it.
var (
	// ErrConfig: a field of Config cannot be used; the text names it and
	// says what to set instead.
	ErrConfig = tiered.ErrConfig
	// ErrClosed: the plugin was closed before. Make a new one.
	ErrClosed = errors.New("querycache: the plugin is closed")
	// ErrCacheMiss: the query is CacheOnly, and nothing valid is cached. Ask
	// without that policy, or Refresh first.
	ErrCacheMiss = errors.New("querycache: nothing valid is cached, and the policy is cache-only")
	// ErrTier: the tier in Config.L1 failed, so that an invalidation did not
	// reach everything. What a write or a tag touches is invalidated all the
	// same; what a pattern or Clear should have dropped may still be there.
	// Mend the tier, and repeat the call.
	ErrTier = errors.New("querycache: a tier failed")
	// ErrNotInstalled: the *gorm.DB does not use the plugin. Call db.Use
	// first.
	ErrNotInstalled = errors.New("querycache: the plugin is not installed on this database; call db.Use first")
	// ErrUnknownTable: none of the plugin's databases has a table or view of
	// that name. Check the spelling; call Reload if it was made past GORM.
	ErrUnknownTable = errors.New("querycache: no database of the plugin has this table")
	// ErrInvalidArgument: what a method or Fetch was given cannot be used;
	// the text says what to pass instead.
	ErrInvalidArgument = errors.New("querycache: invalid argument")
)
