package querycache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gorm-querycache/querycache/invalidation"
	"github.com/gorm-querycache/querycache/key"
	"github.com/gorm-querycache/querycache/tiered"
)

// Invalidations by hand are for what the plugin cannot see: writes past GORM,
// and results that depend on more than the database. They share one way:
//
//   - What is being read when they are called is invalidated too: it is right
//     for its reader, and neither stored nor shared with anybody who begins to
//     read after the call returned.
//   - The number they return is that of stored results of this plugin that were
//     valid and have died. Other plugins of the process lose theirs too where
//     tags are shared: tables by the database, tags, names and tenants by
//     Config.Namespace.
//   - A mistake in one argument does not keep the others from being invalidated.
//   - The context goes to the observers. Its end does not stop an invalidation,
//     which waits for nobody.

// usable tells why the plugin cannot be used by hand, nil if it can.
func (p *Plugin) usable(doing string) error {
	if p.err != nil {
		return p.err
	}
	if p.closed.Load() {
		return fmt.Errorf("%s: %w", doing, ErrClosed)
	}
	return nil
}

// InvalidateTags invalidates every result that was read with one of the tags
// (see Tags), those being read at this moment included. It returns how many
// stored results of this plugin that were valid have died; those of other
// plugins with the same Config.Namespace die too. It returns ErrInvalidArgument,
// wrapped, for an empty tag, and ErrClosed, wrapped, after Close.
func (p *Plugin) InvalidateTags(ctx context.Context, tags ...string) (int, error) {
	return p.invalidateOwn(ctx, "tags", tags, invalidation.Custom)
}

// InvalidateNamed invalidates every result of the queries that have one of the
// names (see Named), whatever their arguments, and what Fetch keeps under one
// of them, those being read at this moment included. It returns how many stored
// results of this plugin that were valid have died; those of other plugins with
// the same Config.Namespace die too. It returns ErrInvalidArgument, wrapped, for
// an empty name, and ErrClosed, wrapped, after Close.
func (p *Plugin) InvalidateNamed(ctx context.Context, names ...string) (int, error) {
	return p.invalidateOwn(ctx, "names", names, invalidation.Named)
}

// InvalidateTenant invalidates every result of the tenants (see Tenant and
// Config.Tenant), those being read at this moment included. It returns how many
// stored results of this plugin that were valid have died; those of other
// plugins with the same Config.Namespace die too. It returns ErrInvalidArgument,
// wrapped, for an empty tenant, which is what results have that belong to none,
// and ErrClosed, wrapped, after Close.
func (p *Plugin) InvalidateTenant(ctx context.Context, tenants ...string) (int, error) {
	return p.invalidateOwn(ctx, "tenants", tenants, invalidation.Tenant)
}

// emptyText says of each kind of text why it cannot be empty.
var emptyText = map[string]string{
	"tags":    "a query cannot have the empty tag: pass one that Tags or Fetch was given",
	"names":   "a query cannot have the empty name: pass one that Named or Fetch was given",
	"tenants": `results that belong to no tenant have no tag: drop them by InvalidatePattern and key.Tenant("")`,
}

// invalidateOwn invalidates by texts that the program gave to its queries.
func (p *Plugin) invalidateOwn(ctx context.Context, what string, texts []string, tag func(namespace, name string) invalidation.Tag) (int, error) {
	doing := "invalidating " + what
	if err := p.usable(doing); err != nil || len(texts) == 0 {
		return 0, err
	}
	var slots []invalidation.Slot
	var err error
	for _, t := range texts {
		if t == "" {
			err = fmt.Errorf("%s: %w: %s", doing, ErrInvalidArgument, emptyText[what])
			continue
		}
		slots = append(slots, p.stamps.Slot(tag(p.cfg.Namespace, t)))
	}
	return p.byHand(ctx, what+" "+strings.Join(texts, ", "), nil, false, func() (int, error) {
		return p.cache.Invalidate(slots), err
	})
}

// InvalidateTable invalidates what a write to any rows of the tables would, in
// every database of the plugin that has them: results that read them, or a view
// over them, and those of tables that change with them by cascades and triggers.
// Names are compared without regard to case, by their last part: "shop.orders"
// is "orders". A view is taken for the tables that it is made of.
//
// It returns how many stored results of this plugin that were valid have died;
// those of other plugins on the same databases die too. It returns
// ErrUnknownTable, wrapped, for each name that no database has,
// ErrInvalidArgument for an empty one, ErrNotInstalled before db.Use, and
// ErrClosed after Close.
func (p *Plugin) InvalidateTable(ctx context.Context, tables ...string) (int, error) {
	return p.invalidateTargets(ctx, "tables", len(tables), func(t *targets) {
		for _, name := range tables {
			t.table(name)
		}
	})
}

// InvalidateModel invalidates what a write to any records of the models would:
// it is InvalidateTable of their tables, named as GORM names them. A model is a
// struct, a pointer to one, or a slice of either, and may be nil or empty. Tables
// that join a model to others (many2many) are tables of their own, for
// InvalidateTable.
//
// It returns what InvalidateTable does, and ErrInvalidArgument, wrapped, for
// what is no model.
func (p *Plugin) InvalidateModel(ctx context.Context, models ...any) (int, error) {
	return p.invalidateTargets(ctx, "models", len(models), func(t *targets) {
		for _, m := range models {
			t.model(m)
		}
	})
}

// InvalidateRecord invalidates what a write to some records of one table would:
// results that are pinned to them by their primary key, and all that read the
// table otherwise, such as lists. Results pinned to other records stay.
//
//	cache.InvalidateRecord(ctx, &User{}, 7)         // the user 7
//	cache.InvalidateRecord(ctx, &User{}, 7, 8)      // and 8; or []int{7, 8}
//	cache.InvalidateRecord(ctx, &user)              // the one in the model, or all in a slice
//	cache.InvalidateRecord(ctx, "users", 7)         // by the name of the table
//	cache.InvalidateRecord(ctx, &Line{}, []any{3, 1}) // of a composite key
//
// A composite key is a slice of values in the order of the model's fields, or,
// if the table is named, of the database's key. Models with their primary key
// set may stand for keys too. With keys, what is in model does not matter.
//
// All of the table is invalidated instead, as by InvalidateTable, where the key
// says too little: if the database tells the table's records apart by other
// columns, if what a write changes leads back to the table (a trigger, a foreign
// key of its own), and for values that a database may compare in more than one
// way, such as texts beyond ASCII and floats.
//
// It returns what InvalidateModel does, and ErrInvalidArgument, wrapped, for keys
// that cannot be the table's; nothing is invalidated then.
func (p *Plugin) InvalidateRecord(ctx context.Context, model any, keys ...any) (int, error) {
	return p.invalidateTargets(ctx, "records", 1, func(t *targets) { t.records(model, keys) })
}

// invalidateTargets invalidates n arguments, which find adds up.
func (p *Plugin) invalidateTargets(ctx context.Context, what string, n int, find func(*targets)) (int, error) {
	doing := "invalidating " + what
	if err := p.usable(doing); err != nil || n == 0 {
		return 0, err
	}
	t := targets{plugin: p, databases: *p.databases.Load()}
	if len(t.databases) == 0 {
		return 0, fmt.Errorf("%s: %w", doing, ErrNotInstalled)
	}
	find(&t)
	for i, err := range t.errs {
		t.errs[i] = fmt.Errorf("%s: %w", doing, err)
	}
	return p.byHand(ctx, what+" "+strings.Join(t.names, ", "), t.names, false, func() (int, error) {
		return p.cache.Invalidate(t.slots), errors.Join(t.errs...)
	})
}

// InvalidatePattern drops the results of this plugin whose key one of the
// patterns matches, and what is being read at this moment is not stored, whether
// it matches or not. Keys are those that Explain and the observers print; see
// key.ParsePattern and key.Entity. What Fetch keeps has the operation "fetch",
// and the key that it was given as its entity.
//
// It looks at every entry: where a table, a tag or a name says the same, those
// cost less. Of results whose namespace is another, and of other plugins, it
// drops nothing. It returns how many results that were valid it dropped, and
// ErrClosed, wrapped, after Close.
func (p *Plugin) InvalidatePattern(ctx context.Context, patterns ...key.KeyPattern) (int, error) {
	if err := p.usable("invalidating by pattern"); err != nil || len(patterns) == 0 {
		return 0, err
	}
	texts := make([]string, len(patterns))
	list := make([]selection, len(patterns))
	for i, pattern := range patterns {
		texts[i], list[i] = pattern.String(), newSelection(pattern)
	}
	return p.byHand(ctx, "pattern "+strings.Join(texts, ", "), nil, false, func() (int, error) {
		return p.cache.Drop(func(form string, e *tiered.Entry) bool {
			return slices.ContainsFunc(list, func(s selection) bool { return s.has(form, e) })
		}), nil
	})
}

// selection is a pattern that asks for the fingerprint, which costs a hash, only
// where all else matches.
type selection struct {
	pattern, label key.KeyPattern
	hashes         bool
}

func newSelection(pattern key.KeyPattern) selection {
	s := selection{pattern: pattern, label: pattern}
	text := pattern.String()
	last := strings.LastIndexByte(text, ':') + 1
	if text[last:] == "*" {
		return s
	}
	if loose, err := key.ParsePattern(text[:last] + "*"); err == nil {
		s.label, s.hashes = loose, true
	}
	return s
}

func (s *selection) has(form string, e *tiered.Entry) bool {
	if !s.label.Match(e.Label) {
		return false
	}
	if !s.hashes {
		return true
	}
	k := e.Label
	sum := sha256.Sum256([]byte(form))
	k.Fingerprint = hex.EncodeToString(sum[:])
	return s.pattern.Match(k)
}

// Clear drops all results of this plugin, and of no other; those being read at
// this moment are not stored. It returns how many that were valid it dropped,
// and ErrClosed, wrapped, after Close.
func (p *Plugin) Clear(ctx context.Context) (int, error) {
	if err := p.usable("clearing"); err != nil {
		return 0, err
	}
	return p.byHand(ctx, "everything", nil, true, func() (int, error) {
		return p.cache.Drop(func(string, *tiered.Entry) bool { return true }), nil
	})
}
