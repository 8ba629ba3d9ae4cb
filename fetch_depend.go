package querycache

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/invalidation"
)

// dependence is what the value depends on in one database.
type dependence struct {
	database *database
	analysis.Dependence
}

// wished are the options of the call over those of its context.
func (f *fetching) wished() *options {
	o := f.options
	own := &options{
		cache: true, ttl: o.TTL, swr: o.SWR, staleIfError: o.StaleIfError, maxBytes: o.MaxBytes,
		tags: slices.Compact(slices.Sorted(slices.Values(o.Tags))),
	}
	for bit, set := range map[given]bool{
		givenTTL: o.TTL > 0, givenSWR: o.SWR > 0, givenStaleIfError: o.StaleIfError > 0, givenMaxBytes: o.MaxBytes > 0,
	} {
		if set {
			own.given |= bit
		}
	}
	if wide, _ := f.ctx.Value(contextKey{}).(*options); wide != nil {
		return own.over(wide)
	}
	return own
}

// validate names what cannot be used and says what to do.
func (f *fetching) validate() error {
	if f.key == "" {
		return fmt.Errorf("%w: the key is empty: pass one", ErrInvalidArgument)
	}
	o := f.options
	for _, d := range [...]struct {
		field string
		value time.Duration
	}{{"TTL", o.TTL}, {"SWR", o.SWR}, {"StaleIfError", o.StaleIfError}} {
		if d.value < 0 {
			return fmt.Errorf("%w: FetchOptions.%s is %v: set a positive duration, or 0 for the configured one", ErrInvalidArgument, d.field, d.value)
		}
	}
	if o.MaxBytes < 0 {
		return fmt.Errorf("%w: FetchOptions.MaxBytes is %d: set a positive size, or 0 for the configured one", ErrInvalidArgument, o.MaxBytes)
	}
	if slices.Contains(o.Tags, "") {
		return fmt.Errorf("%w: FetchOptions.Tags has an empty tag: name it, or leave it out", ErrInvalidArgument)
	}
	for _, name := range o.Tables {
		if foldTable(name) == "" {
			return fmt.Errorf("%w: FetchOptions.Tables has %q, which names no table: name one", ErrInvalidArgument, name)
		}
	}
	return nil
}

// prepare decides whether the cache may answer. If so the call has its key, its
// tags and its sample; if not, the reason says why.
func (f *fetching) prepare() (Reason, error) {
	p, r := f.plugin, f.r
	if p.closed.Load() {
		return ReasonClosed, nil
	}
	if err := f.validate(); err != nil {
		return "", err
	}
	if !p.Enabled() {
		return ReasonDisabled, nil
	}
	if reason, _ := r.options.refusal(); reason != "" {
		return reason, nil
	}
	if err := f.nameTables(); err != nil {
		return "", err
	}
	var why string
	if f.plan, why = p.planner.PlanValue(f.typ); f.plan == nil {
		f.tellUncopyable(why)
		return ReasonUncopyable, nil
	}
	if r.options.given&givenTenant != 0 {
		r.tenant = r.options.tenant
	} else if p.cfg.Tenant != nil {
		r.tenant = p.cfg.Tenant(f.ctx)
	}
	if reason, err := f.sample(); reason != "" || err != nil {
		return reason, err
	}
	f.identify()
	return "", f.nested()
}

// nameTables lists the tables that the caller named, by name or by model.
func (f *fetching) nameTables() error {
	f.tables = nil
	if len(f.options.Tables)+len(f.options.Models) == 0 {
		return nil
	}
	if len(*f.plugin.databases.Load()) == 0 {
		return ErrNotInstalled
	}
	for _, name := range f.options.Tables {
		f.tables = append(f.tables, foldTable(name))
	}
	for _, m := range f.options.Models {
		schemas, err := f.plugin.models.parse(m)
		if err != nil {
			return err
		}
		known := false
		for _, s := range schemas { // as many as there are ways to name it
			name := foldTable(s.Table)
			if len(schemas) > 1 && !f.known(name) {
				continue
			}
			known = true
			f.tables = append(f.tables, name)
		}
		if !known {
			return fmt.Errorf("%w: that of %T: check the model, or call Reload if the table was made past GORM", ErrUnknownTable, m)
		}
	}
	slices.Sort(f.tables)
	f.tables = slices.Compact(f.tables)
	return nil
}

// known tells whether some database has a table.
func (f *fetching) known(table string) bool {
	return slices.ContainsFunc(*f.plugin.databases.Load(), func(d *database) bool { return d.analyzer().Table(table).Known })
}

// depend finds what the value depends on in each database.
func (f *fetching) depend() (Reason, error) {
	f.deps, f.expanded = f.deps[:0], nil
	if len(f.tables) == 0 {
		return "", nil
	}
	missing := f.tables
	for _, d := range *f.plugin.databases.Load() {
		dep := dependence{d, d.analyzer().Depend(f.tables)}
		if dep.Reason != "" {
			return Reason(dep.Reason), nil
		}
		missing = slices.DeleteFunc(slices.Clone(missing), func(t string) bool { return !slices.Contains(dep.Missing, t) })
		f.deps = append(f.deps, dep)
		f.expanded = append(f.expanded, dep.Tables...)
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("%w: %q: check the spelling, or call Reload if it was made past GORM", ErrUnknownTable, strings.Join(missing, ", "))
	}
	slices.Sort(f.expanded)
	f.expanded = slices.Compact(f.expanded)
	return "", nil
}

// identify writes the canonical form of the call. It begins as that of a query
// does, but with the number of no database.
func (f *fetching) identify() {
	enc := &f.r.enc
	enc.Text(f.plugin.cfg.Namespace)
	enc.Text(f.r.tenant)
	enc.Uint(0)
	enc.Text(f.key)
	enc.Type(f.typ)
	for _, list := range [...][]string{f.tables, f.r.wishes.tags, f.r.wishes.names} {
		enc.Uint(uint64(len(list)))
		for _, t := range list {
			enc.Text(t)
		}
	}
}

// sample samples the stamps of all that the value depends on, unless a reason
// says why it cannot be kept.
//
//  1. A call finds what it depends on: a view over one table.
//  2. The view is changed to be over two. All entries die.
//  3. The call samples, and stores a value without the second table.
//
// So the catalogs must be the same after the sample as before. One that is read
// anew later is so under an intent, which the sample does not outlive.
func (f *fetching) sample() (Reason, error) {
	p, r := f.plugin, f.r
	for {
		if reason, err := f.depend(); reason != "" || err != nil {
			return reason, err
		}
		if r.wishes = p.rules.wishesFor(r.options, f.expanded); r.wishes.off != "" {
			return r.wishes.off, nil
		}
		r.slots = p.appendOwnSlots(append(r.slots[:0], p.stamps.Slot(invalidation.Named(p.cfg.Namespace, f.key))), r)
		for _, d := range f.deps {
			for _, n := range d.Slots {
				if !slices.Contains(r.slots, n) { // pools may reach one database
					r.slots = append(r.slots, n)
				}
			}
		}
		r.sample = p.cache.Sample(r.slots)
		if !slices.ContainsFunc(f.deps, func(d dependence) bool { return d.database.analyzer().Outdated(d.Dependence) }) {
			break
		}
	}
	if lag := p.cfg.ReplicaLag; len(f.deps) > 0 && p.mayLag() && (lag == 0 || !p.stamps.Settled(r.sample.Slots(), lag)) {
		return ReasonReplica, nil
	}
	return "", nil
}
