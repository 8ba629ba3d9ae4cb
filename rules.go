package querycache

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// TableRule says how results that depend on a table are cached. Each field
// that is zero leaves it to Config. Of a query with several tables, the rules
// of all of them are in force: it is Off if one is, and the smallest number
// and the most careful policy that one of them names are taken.
type TableRule struct {
	// Off keeps every query that reads the table out of the cache. No option
	// of a query undoes it, and it goes with no other field. The default is
	// false.
	Off bool
	// On lets queries of the table be cached where Config.OptIn is set. All
	// tables of the query must be On, the tables behind a view too. The
	// default is false.
	On bool
	// TTL is how long results stay cached. The default is
	// Config.Tiered.L1TTL.
	TTL time.Duration
	// SWR is how long after the TTL a result may still be answered with,
	// while one read in the background replaces it. The default is
	// Config.Tiered.SWR.
	SWR time.Duration
	// StaleIfError is how long after the TTL a result may still be answered
	// with if the database fails. The default is Config.Tiered.StaleIfError.
	StaleIfError time.Duration
	// NegativeTTL is how long empty results stay cached, if that is shorter
	// than the TTL. The default is Config.Tiered.NegativeTTL.
	NegativeTTL time.Duration
	// MaxRows is how long a result is stored at most. The default is
	// Config.Tiered.MaxResultRows.
	MaxRows int
	// MaxBytes is how large a result is stored at most, by the estimate of
	// its size. The default is Config.Tiered.MaxResultBytes.
	MaxBytes int64
	// Policy is how queries of the table are read. The default is
	// Config.Policy.
	Policy Policy
}

// validate names the field that cannot be used and says what to do.
func (t TableRule) validate() error {
	for _, d := range []struct {
		field string
		value time.Duration
	}{{"TTL", t.TTL}, {"SWR", t.SWR}, {"StaleIfError", t.StaleIfError}, {"NegativeTTL", t.NegativeTTL}} {
		if d.value < 0 {
			return fmt.Errorf("%s is %v: set a positive duration, or 0 for that of Tiered", d.field, d.value)
		}
	}
	switch {
	case t.MaxRows < 0:
		return fmt.Errorf("MaxRows is %d: set a positive count, or 0 for that of Tiered", t.MaxRows)
	case t.MaxBytes < 0:
		return fmt.Errorf("MaxBytes is %d: set a positive size, or 0 for that of Tiered", t.MaxBytes)
	case !t.Policy.valid():
		return fmt.Errorf("Policy is %d: set one of the constants, such as CacheFirst", t.Policy)
	case t.Off && t.On:
		return errors.New("both Off and On are set: set one of them")
	case t.Off && t != TableRule{Off: true}:
		return errors.New("beside Off other fields are set, which it makes meaningless: clear it or them")
	}
	return nil
}

// foldTable is a table's name as tags have it: its last part, unquoted and in
// lower case.
func foldTable(name string) string {
	name = strings.TrimSpace(name)
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	return strings.ToLower(strings.Trim(strings.TrimSpace(name), "`\"[]"))
}

// validateTables names the rule that cannot be used and says what to do.
func validateTables(rules map[string]TableRule) error {
	seen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		folded := foldTable(name)
		if folded == "" {
			return fmt.Errorf("%w: Tables has a rule for %q, which names no table: name one", ErrConfig, name)
		}
		if other, twice := seen[folded]; twice {
			return fmt.Errorf("%w: Tables has rules for %q and %q, which are one table to the cache: keep one", ErrConfig, other, name)
		}
		seen[folded] = name
		if err := rules[name].validate(); err != nil {
			return fmt.Errorf("%w: Tables[%q]: %w", ErrConfig, name, err)
		}
	}
	return nil
}

// rules are what Config says of reads, made ready to be asked on each of
// them. They are safe for concurrent use.
type rules struct {
	optIn  bool
	base   *wishes // of a read without rules and options
	tables map[string]*rule

	// several holds the wishes of reads of more than one table with a rule, by
	// which of the first 64 rules are in force. It is replaced, not changed.
	several atomic.Pointer[map[uint64]*wishes]
	adding  sync.Mutex
}

// rule is that of one table.
type rule struct {
	TableRule
	name   string
	bit    uint64  // 0 if there are more rules than bits
	wishes *wishes // of a read of this table alone
}

// newRules makes the rules of a Config that is valid and has its defaults.
func newRules(c Config) *rules {
	base := &wishes{
		policy:       cmp.Or(c.Policy, CacheFirst),
		negative:     !c.Tiered.NoNegative,
		ttl:          c.Tiered.L1TTL,
		window:       c.Tiered.SWR,
		hasWindow:    c.Tiered.SWR > 0,
		staleIfError: c.Tiered.StaleIfError,
		emptyTTL:     c.Tiered.NegativeTTL,
		jitter:       c.Tiered.Jitter,
		maxRows:      c.Tiered.MaxResultRows,
		maxBytes:     c.Tiered.MaxResultBytes,
		uninvited:    c.OptIn,
	}
	base.settle(noOptions)
	r := &rules{optIn: c.OptIn, base: base}
	if len(c.Tables) == 0 {
		return r
	}
	r.tables = make(map[string]*rule, len(c.Tables))
	for i, name := range slices.Sorted(maps.Keys(c.Tables)) {
		one := &rule{TableRule: c.Tables[name], name: foldTable(name)}
		if i < 64 {
			one.bit = 1 << i
		}
		one.wishes = r.join([]*rule{one}, true)
		r.tables[one.name] = one
	}
	r.several.Store(&map[uint64]*wishes{})
	return r
}

// join is what the rules of one query's tables come to. all tells that no
// table of the query is without a rule.
func (r *rules) join(list []*rule, all bool) *wishes {
	w := *r.base
	var t TableRule
	w.uninvited = r.optIn && !all
	for _, one := range list {
		if one.Off && w.excluded == "" {
			w.excluded = one.name
		}
		w.uninvited = w.uninvited || r.optIn && !one.On
		t.TTL = least(t.TTL, one.TTL)
		t.SWR = least(t.SWR, one.SWR)
		t.StaleIfError = least(t.StaleIfError, one.StaleIfError)
		t.NegativeTTL = least(t.NegativeTTL, one.NegativeTTL)
		t.MaxRows = least(t.MaxRows, one.MaxRows)
		t.MaxBytes = least(t.MaxBytes, one.MaxBytes)
		if one.Policy != PolicyDefault && (t.Policy == PolicyDefault || one.Policy.trust() < t.Policy.trust()) {
			t.Policy = one.Policy
		}
	}
	w.policy = cmp.Or(t.Policy, w.policy)
	w.ttl = cmp.Or(t.TTL, w.ttl)
	w.staleIfError = cmp.Or(t.StaleIfError, w.staleIfError)
	w.emptyTTL = cmp.Or(t.NegativeTTL, w.emptyTTL)
	w.maxRows = cmp.Or(t.MaxRows, w.maxRows)
	w.maxBytes = cmp.Or(t.MaxBytes, w.maxBytes)
	if t.SWR > 0 {
		w.window, w.hasWindow = t.SWR, true
	}
	w.settle(noOptions)
	return &w
}

// least is the smaller of two numbers of which 0 says nothing.
func least[T ~int | ~int64](a, b T) T {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// of finds what the rules say of a read of tables, whose names are folded.
func (r *rules) of(tables []string) *wishes {
	if r.tables == nil {
		return r.base
	}
	var first *rule
	var set uint64
	n, known := 0, true
	for _, t := range tables {
		if one := r.tables[t]; one != nil {
			if n++; n == 1 {
				first = one
			}
			set |= one.bit
			known = known && one.bit != 0
		}
	}
	all := n == len(tables)
	switch {
	case n == 0:
		return r.base
	case n == 1 && (all || !r.optIn):
		return first.wishes
	}
	if known && (all || !r.optIn) {
		if w := (*r.several.Load())[set]; w != nil {
			return w
		}
	}
	list := make([]*rule, 0, n)
	for _, t := range tables {
		if one := r.tables[t]; one != nil {
			list = append(list, one)
		}
	}
	w := r.join(list, all)
	if known && (all || !r.optIn) {
		r.keep(set, w)
	}
	return w
}

// severalKept bounds how many combinations of rules are kept ready.
const severalKept = 1024

func (r *rules) keep(set uint64, w *wishes) {
	r.adding.Lock()
	defer r.adding.Unlock()
	have := *r.several.Load()
	if len(have) >= severalKept {
		return
	}
	next := maps.Clone(have)
	next[set] = w
	r.several.Store(&next)
}
