package querycache

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/tiered"
)

// scoped is what a statement holds after scopes have run.
func scoped(ctx context.Context, opts ...Option) *options {
	db := &gorm.DB{Statement: &gorm.Statement{Context: ctx}}
	for _, opt := range opts {
		db = opt(db)
	}
	return optionsOf(db.Statement)
}

func with(opts ...Option) context.Context { return WithOptions(context.Background(), opts...) }

func rulesOf(t *testing.T, c Config) *rules {
	t.Helper()
	if err := c.validate(); err != nil {
		t.Fatal(err)
	}
	return newRules(c.withDefaults())
}

func TestWhatIsInForceWithoutOptionsAndRules(t *testing.T) {
	t.Parallel()
	w := rulesOf(t, Config{}).wishesFor(noOptions, []string{"users"})
	if w.off != "" || w.policy != CacheFirst || w.refresh || !w.negative || w.ttl != time.Minute || w.swr != 0 ||
		w.staleIfError != 0 || w.negativeTTL != 30*time.Second || w.maxRows != 1000 || w.maxBytes != 1<<20 ||
		w.tags != nil || w.names != nil || w.hasTenant || w.status != nil {
		t.Errorf("%+v", w)
	}
}

// A query beats the context, the context the rules of tables, and these Config. Each row says one thing
// in all four places, then leaves out the narrowest, one after the other.
func TestTheNarrowestWordCounts(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, c := range map[string]struct {
		config             Config
		rule               TableRule
		inContext, inScope Option
		get                func(*wishes) any
		want               [4]any // of the scope, the context, the table, Config
	}{
		"TTL": {Config{Tiered: tiered.Config{L1TTL: 1 * s}}, TableRule{TTL: 2 * s}, TTL(3 * s), TTL(4 * s),
			func(w *wishes) any { return w.ttl }, [4]any{4 * s, 3 * s, 2 * s, 1 * s}},
		"SWR": {Config{Tiered: tiered.Config{SWR: 1 * s}}, TableRule{SWR: 2 * s}, SWR(3 * s), SWR(4 * s),
			func(w *wishes) any { return w.swr }, [4]any{4 * s, 3 * s, 2 * s, 1 * s}},
		"no SWR": {Config{Tiered: tiered.Config{SWR: 1 * s}}, TableRule{SWR: 2 * s}, SWR(3 * s), SWR(0),
			func(w *wishes) any { return w.swr }, [4]any{0 * s, 3 * s, 2 * s, 1 * s}},
		"StaleIfError": {Config{Tiered: tiered.Config{StaleIfError: 1 * s}}, TableRule{}, StaleIfError(3 * s), StaleIfError(0),
			func(w *wishes) any { return w.staleIfError }, [4]any{0 * s, 3 * s, 1 * s, 1 * s}},
		"NegativeTTL": {Config{Tiered: tiered.Config{NegativeTTL: 1 * s}}, TableRule{NegativeTTL: 2 * s}, Skip, Skip,
			func(w *wishes) any { return w.negativeTTL }, [4]any{2 * s, 2 * s, 2 * s, 1 * s}},
		"Negative": {Config{Tiered: tiered.Config{NoNegative: true}}, TableRule{}, Negative(true), Negative(false),
			func(w *wishes) any { return w.negative }, [4]any{false, true, false, false}},
		"MaxRows": {Config{Tiered: tiered.Config{MaxResultRows: 1}}, TableRule{MaxRows: 2}, MaxRows(3), MaxRows(4),
			func(w *wishes) any { return w.maxRows }, [4]any{4, 3, 2, 1}},
		"MaxBytes": {Config{Tiered: tiered.Config{MaxResultBytes: 1}}, TableRule{MaxBytes: 2}, MaxBytes(3), MaxBytes(4),
			func(w *wishes) any { return w.maxBytes }, [4]any{int64(4), int64(3), int64(2), int64(1)}},
		"Policy": {Config{Policy: NetworkFirst}, TableRule{Policy: CacheOnly}, WithPolicy(CacheFirst), WithPolicy(StaleWhileRevalidate),
			func(w *wishes) any { return w.policy }, [4]any{StaleWhileRevalidate, CacheFirst, CacheOnly, NetworkFirst}},
		"Tenant": {Config{}, TableRule{}, Tenant("a"), Tenant(""),
			func(w *wishes) any { return [2]any{w.hasTenant, w.tenant} },
			[4]any{[2]any{true, ""}, [2]any{true, "a"}, [2]any{false, ""}, [2]any{false, ""}}},
		// 0 in a scope leaves it to the table even where the context says more.
		"TTL(0)": {Config{}, TableRule{TTL: 2 * s}, TTL(3 * s), TTL(0),
			func(w *wishes) any { return w.ttl }, [4]any{2 * s, 3 * s, 2 * s, time.Minute}},
		"MaxRows(0)": {Config{}, TableRule{MaxRows: 2}, MaxRows(3), MaxRows(0),
			func(w *wishes) any { return w.maxRows }, [4]any{2, 3, 2, 1000}},
		"PolicyDefault": {Config{}, TableRule{Policy: NetworkFirst}, WithPolicy(CacheOnly), WithPolicy(PolicyDefault),
			func(w *wishes) any { return w.policy }, [4]any{NetworkFirst, CacheOnly, NetworkFirst, CacheFirst}},
	} {
		ruled := c.config
		ruled.Tables = map[string]TableRule{"users": c.rule}
		r, users := rulesOf(t, ruled), []string{"users"}
		got := [4]any{
			c.get(r.wishesFor(scoped(with(c.inContext), c.inScope), users)),
			c.get(r.wishesFor(scoped(with(c.inContext)), users)),
			c.get(r.wishesFor(scoped(context.Background()), users)),
			c.get(rulesOf(t, c.config).wishesFor(noOptions, users)),
		}
		if got != c.want {
			t.Errorf("%s: scope, context, table, Config say %v, want %v", name, got, c.want)
		}
		// A rule of another table says nothing.
		if other := c.get(r.wishesFor(noOptions, []string{"pets"})); other != c.want[3] {
			t.Errorf("%s of another table: %v, want %v", name, other, c.want[3])
		}
		// A scope alone is as strong as one over a context.
		if own := c.get(r.wishesFor(scoped(context.Background(), c.inScope), users)); own != c.want[0] {
			t.Errorf("%s in a scope alone: %v, want %v", name, own, c.want[0])
		}
	}
}

func TestWhatAddsUp(t *testing.T) {
	t.Parallel()
	ctx := WithOptions(with(Tags("b", "a"), Named("n")), Tags("c", "a"))
	w := rulesOf(t, Config{}).wishesFor(scoped(ctx, Tags("d"), Named("m"), Tags("b"), Named("n")), nil)
	if !slices.Equal(w.tags, []string{"a", "b", "c", "d"}) || !slices.Equal(w.names, []string{"m", "n"}) {
		t.Errorf("tags %q, names %q", w.tags, w.names)
	}
	if again := scoped(ctx); !slices.Equal(again.tags, []string{"a", "b", "c"}) || !slices.Equal(again.names, []string{"n"}) {
		t.Errorf("the context's own became %q, %q", again.tags, again.names)
	}
	for name, o := range map[string]*options{
		"context": scoped(with(Skip, Refresh, Cache), TTL(1)), "scope": scoped(with(TTL(1)), Skip, Refresh, Cache),
	} {
		if !o.skip || !o.refresh || !o.cache {
			t.Errorf("said in the %s: %+v", name, o)
		}
	}
}

// One value may be a scope of one query and an option of many contexts.
func TestOptionsAreImmutable(t *testing.T) {
	t.Parallel()
	list := []string{"x", "b"}
	opt := Tags(list...)
	outer := with(opt, TTL(1))
	inner := WithOptions(outer, Tags("c"), TTL(2), Skip)
	if o := scoped(outer); o.ttl != 1 || o.skip || !slices.Equal(o.tags, []string{"b", "x"}) {
		t.Errorf("the outer context became %+v", o)
	}
	if o := scoped(inner); o.ttl != 2 || !o.skip || len(o.tags) != 3 {
		t.Errorf("the inner context is %+v", o)
	}
	if list[0] != "x" {
		t.Error("the caller's tags were sorted")
	}
	db := &gorm.DB{Statement: &gorm.Statement{Context: context.Background()}}
	opt(db)
	before := optionsOf(db.Statement)
	Tags("y")(db)
	if len(before.tags) != 2 {
		t.Errorf("an earlier state of the statement became %+v", before)
	}
}

func TestWindowsOfPolicies(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for name, c := range map[string]struct {
		config Config
		opts   []Option
		want   time.Duration
	}{
		"the TTL, if nobody says more":      {Config{Policy: StaleWhileRevalidate}, nil, time.Minute},
		"the query's TTL":                   {Config{Policy: StaleWhileRevalidate}, []Option{TTL(7 * s)}, 7 * s},
		"Config's":                          {Config{Policy: StaleWhileRevalidate, Tiered: tiered.Config{SWR: 5 * s}}, nil, 5 * s},
		"the query's":                       {Config{Tiered: tiered.Config{SWR: 5 * s}}, []Option{WithPolicy(StaleWhileRevalidate), SWR(3 * s)}, 3 * s},
		"none, if the query says so":        {Config{Policy: StaleWhileRevalidate}, []Option{SWR(0)}, 0},
		"cache-first has none of its own":   {Config{}, nil, 0},
		"cache-first takes what is said":    {Config{}, []Option{SWR(3 * s)}, 3 * s},
		"cache-only refreshes nothing":      {Config{Tiered: tiered.Config{SWR: 5 * s}}, []Option{WithPolicy(CacheOnly)}, 0},
		"network-first waits for no window": {Config{Tiered: tiered.Config{SWR: 5 * s}}, []Option{WithPolicy(NetworkFirst)}, 0},
		"one that Config's policy ignores":  {Config{Policy: NetworkFirst, Tiered: tiered.Config{SWR: 5 * s}}, []Option{WithPolicy(CacheFirst)}, 5 * s},
	} {
		if w := rulesOf(t, c.config).wishesFor(scoped(with(c.opts...)), nil); w.swr != c.want {
			t.Errorf("%s: %v, want %v", name, w.swr, c.want)
		}
	}
}

func TestEmptyResultsNeverOutliveTheTTL(t *testing.T) {
	t.Parallel()
	const s = time.Second
	r := rulesOf(t, Config{Tiered: tiered.Config{L1TTL: 10 * s}, Tables: map[string]TableRule{"a": {TTL: 20 * s}, "b": {NegativeTTL: 5 * s}}})
	for name, c := range map[string]struct {
		o     *options
		table string
		want  time.Duration
	}{
		"Config": {noOptions, "x", 10 * s}, "a longer rule": {noOptions, "a", 20 * s}, "a shorter rule": {noOptions, "b", 5 * s},
		"a longer query": {scoped(with(TTL(time.Hour))), "x", 30 * s}, "a shorter query": {scoped(with(TTL(s))), "b", s},
	} {
		if w := r.wishesFor(c.o, []string{c.table}); w.negativeTTL != c.want {
			t.Errorf("%s: %v, want %v", name, w.negativeTTL, c.want)
		}
	}
}

func TestWhatKeepsAReadOutOfTheCache(t *testing.T) {
	t.Parallel()
	tables := map[string]TableRule{"on": {On: true}, "on2": {On: true, TTL: time.Second}, "off": {Off: true}, "ttl": {TTL: time.Hour}, "net": {Policy: NetworkOnly}}
	for _, c := range []struct {
		config Config
		opts   []Option
		tables string
		off    Reason
		early  bool
	}{
		{Config{}, nil, "a", "", false},
		{Config{}, []Option{Skip}, "a", ReasonSkip, true},
		{Config{}, []Option{Skip, Cache, Refresh, WithPolicy(CacheFirst)}, "a", ReasonSkip, true},
		{Config{}, []Option{WithPolicy(NetworkOnly)}, "a", ReasonPolicy, true},
		{Config{}, []Option{WithPolicy(NetworkOnly), Refresh}, "a", ReasonPolicy, true},
		{Config{Policy: NetworkOnly}, nil, "a", ReasonPolicy, true},
		{Config{Policy: NetworkOnly}, []Option{TTL(1)}, "a", ReasonPolicy, true},
		{Config{Policy: NetworkOnly}, []Option{WithPolicy(CacheFirst)}, "a", "", false},
		{Config{Policy: NetworkOnly, Tables: tables}, nil, "a", ReasonPolicy, false},
		{Config{Tables: tables}, nil, "off", ReasonTableRule, false},
		{Config{Tables: tables}, nil, "a off on", ReasonTableRule, false},
		{Config{Tables: tables}, []Option{Cache, WithPolicy(CacheFirst)}, "off", ReasonTableRule, false},
		{Config{Tables: tables}, []Option{Skip}, "off", ReasonSkip, true},
		{Config{Tables: tables}, nil, "net", ReasonPolicy, false},
		{Config{Tables: tables}, nil, "net ttl", ReasonPolicy, false},
		{Config{Tables: tables}, []Option{WithPolicy(CacheFirst)}, "net", "", false},
		{Config{OptIn: true}, nil, "a", ReasonOptIn, true},
		{Config{OptIn: true}, []Option{TTL(1)}, "a", ReasonOptIn, true},
		{Config{OptIn: true}, []Option{Cache}, "a", "", false},
		{Config{OptIn: true, Tables: tables}, nil, "a", ReasonOptIn, false},
		{Config{OptIn: true, Tables: tables}, nil, "on", "", false},
		{Config{OptIn: true, Tables: tables}, nil, "on on2", "", false},
		{Config{OptIn: true, Tables: tables}, nil, "on a", ReasonOptIn, false},
		{Config{OptIn: true, Tables: tables}, nil, "a on on2", ReasonOptIn, false},
		{Config{OptIn: true, Tables: tables}, nil, "on ttl", ReasonOptIn, false},
		{Config{OptIn: true, Tables: tables}, nil, "ttl", ReasonOptIn, false},
		{Config{OptIn: true, Tables: tables}, []Option{Cache}, "on a", "", false},
		{Config{OptIn: true, Tables: tables}, []Option{Cache}, "off", ReasonTableRule, false},
		{Config{}, []Option{TTL(-1)}, "a", ReasonOption, true},
	} {
		r, o := rulesOf(t, c.config), noOptions
		if c.opts != nil {
			o = scoped(with(c.opts...))
		}
		for range 2 { // the second is answered from what the first kept
			w := r.wishesFor(o, strings.Fields(c.tables))
			if w.off != c.off || (w.off != "") != (w.detail != "") {
				t.Errorf("%+v of %q by %+v: off for %q (%s), want %q", o, c.tables, c.config, w.off, w.detail, c.off)
			}
			want := Reason("")
			if c.early {
				want = c.off
			}
			if early, detail := r.early(o); early != want || (early != "") != (detail != "") {
				t.Errorf("%+v of %q by %+v: early %q (%s), want %q", o, c.tables, c.config, early, detail, want)
			}
		}
	}
}

// What a table is read by only through Refresh must be able to get into the cache.
func TestRefreshAndCacheOnly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config  Config
		opts    []Option
		refresh bool
		policy  Policy
	}{
		"by Config":        {Config{Policy: CacheOnly}, []Option{Refresh}, true, CacheFirst},
		"by a rule":        {Config{Tables: map[string]TableRule{"a": {Policy: CacheOnly}}}, []Option{Refresh}, true, CacheFirst},
		"by the query":     {Config{}, []Option{Refresh, WithPolicy(CacheOnly)}, false, CacheOnly},
		"not asked for":    {Config{Policy: CacheOnly}, []Option{TTL(1)}, false, CacheOnly},
		"network-first":    {Config{}, []Option{Refresh, WithPolicy(NetworkFirst)}, true, NetworkFirst},
		"no other options": {Config{}, []Option{Refresh}, true, CacheFirst},
	} {
		w := rulesOf(t, c.config).wishesFor(scoped(with(c.opts...)), []string{"a"})
		if w.refresh != c.refresh || w.policy != c.policy {
			t.Errorf("%s: refresh %v, %v", name, w.refresh, w.policy)
		}
	}
}

func TestOptionsThatCannotBeUsedAreTold(t *testing.T) {
	t.Parallel()
	where := func(db *gorm.DB) *gorm.DB { return db.Where("age > 18") }
	wrapped := func(db *gorm.DB) *gorm.DB { return db.Scopes(Skip) }
	harmless := func(db *gorm.DB) *gorm.DB { return db }
	for told, o := range map[string]*options{
		"TTL(-1s)":                   scoped(with(), TTL(-time.Second)),
		"SWR(-1s)":                   scoped(with(SWR(-time.Second))),
		"StaleIfError(-1s)":          scoped(with(StaleIfError(-time.Second), TTL(1)), TTL(2)),
		"MaxRows(-2)":                scoped(with(), MaxRows(-2)),
		"MaxBytes(-3)":               scoped(with(), MaxBytes(-3)),
		"WithPolicy(99)":             scoped(with(), WithPolicy(99)),
		"Named with an empty name":   scoped(with(), Named("")),
		"StatusInto(nil)":            scoped(with(), StatusInto(nil)),
		"argument 1 of WithOptions":  scoped(with(where)),
		"argument 2 of WithOptions":  scoped(with(Skip, wrapped)),
		"argument 3 of WithOptions":  scoped(with(Skip, TTL(1), harmless, where)),
		"argument 4 of WithOptions":  scoped(with(Skip, Skip, Skip, nil)),
		"is no option of querycache": scoped(with(harmless), Skip),
	} {
		w := rulesOf(t, Config{}).wishesFor(o, nil)
		if w.off != ReasonOption || !strings.Contains(w.detail, told) {
			t.Errorf("want to be told of %s: %q (%s)", told, w.off, w.detail)
		}
	}
	// A scope of the user's that only calls ours is one.
	both := func(db *gorm.DB) *gorm.DB { return TTL(1)(Refresh(db)) }
	if o := scoped(with(both)); o.mistake != "" || o.ttl != 1 || !o.refresh {
		t.Errorf("%+v", o)
	}
}

// gorm.G takes scopes of another type, over the context as well.
func TestGenericLeavesOptionsInTheStatement(t *testing.T) {
	t.Parallel()
	stmt := &gorm.Statement{Context: with(TTL(1), Tags("c"))}
	Generic(TTL(2), Tags("a"))(stmt)
	Generic(Refresh)(stmt)
	if o := optionsOf(stmt); o.ttl != 2 || !o.refresh || !slices.Equal(o.tags, []string{"a", "c"}) || o.mistake != "" {
		t.Errorf("%+v", o)
	}
	Generic(func(db *gorm.DB) *gorm.DB { return db.Where("1=1") })(stmt)
	if o := optionsOf(stmt); o.mistake == "" {
		t.Errorf("%+v", o)
	}
}

func TestWhoseStatusCounts(t *testing.T) {
	t.Parallel()
	query, preload := new(gorm.Statement), new(gorm.Statement)
	var s Status
	opt := StatusInto(&s)
	for range 2 { // each execution of the scope starts anew
		slot := scoped(context.Background(), opt).status
		slot.set(query, Status{Outcome: OutcomeHit})
		slot.set(preload, Status{Outcome: OutcomeMiss})
		if s.Outcome != OutcomeHit {
			t.Errorf("a preload overwrote: %v", s)
		}
		slot.set(query, Status{Outcome: OutcomeBypass})
		if s.Outcome != OutcomeBypass {
			t.Errorf("the second finisher of a session is not told: %v", s)
		}
		query, preload = preload, query
	}
	ctx := WithOptions(with(opt), TTL(1))
	slot := scoped(ctx).status
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { slot.set(new(gorm.Statement), Status{Outcome: OutcomeMiss}) })
	}
	all.Wait()
	slot.set(preload, Status{Outcome: OutcomeShared})
	if s.Outcome != OutcomeShared {
		t.Errorf("through a context the last read counts: %v", s)
	}
	var other Status
	rulesOf(t, Config{}).wishesFor(scoped(ctx, StatusInto(&other)), nil).status.set(query, Status{Outcome: OutcomeHit})
	if other.Outcome != OutcomeHit || s.Outcome != OutcomeShared {
		t.Errorf("the scope does not win: %v, %v", other, s)
	}
	var none *statusSlot
	none.set(query, s)
}

// A read without options is on its way in a few nanoseconds, with rules too.
func TestWishesWithoutOptionsAllocateNothing(t *testing.T) {
	tables := map[string]TableRule{"a": {TTL: 1}, "b": {TTL: 2}}
	for name, c := range map[string]struct {
		config Config
		tables []string
	}{
		"no rules": {Config{}, []string{"a"}}, "one rule": {Config{Tables: tables}, []string{"a", "x"}},
		"several rules": {Config{Tables: tables}, []string{"a", "b"}}, "opt-in": {Config{OptIn: true}, []string{"a"}},
	} {
		r := rulesOf(t, c.config)
		r.wishesFor(noOptions, c.tables)
		if n := testing.AllocsPerRun(100, func() { r.early(noOptions); r.wishesFor(noOptions, c.tables) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	r, o := rulesOf(t, Config{Tables: tables}), scoped(with(TTL(1)))
	if n := testing.AllocsPerRun(100, func() { r.early(o); r.wishesFor(o, []string{"a"}) }); n > 1 {
		t.Errorf("with options: %v allocations", n)
	}
}

func BenchmarkWishes(b *testing.B) {
	r := newRules(Config{Tables: map[string]TableRule{"a": {TTL: 1}, "b": {TTL: 2}}}.withDefaults())
	none, o := newRules(Config{}.withDefaults()), scoped(with(TTL(1), Tags("a")))
	for name, f := range map[string]func(){
		"none":          func() { none.wishesFor(noOptions, nil) },
		"one rule":      func() { r.wishesFor(noOptions, []string{"a"}) },
		"several rules": func() { r.wishesFor(noOptions, []string{"a", "b"}) },
		"options":       func() { r.wishesFor(o, []string{"a"}) },
		"WithOptions":   func() { with(TTL(1), Tags("a")) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
