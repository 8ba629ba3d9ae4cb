package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/key"
)

// counting is a load that counts its calls and returns their number.
type counting struct{ calls atomic.Int64 }

func (c *counting) load(context.Context) (int64, error) { return c.calls.Add(1), nil }

// fetch fetches by it, and fails the test on an error.
func (c *counting) fetch(t *testing.T, p *querycache.Plugin, key string, o querycache.FetchOptions, opts ...querycache.Option) int64 {
	t.Helper()
	n, err := querycache.Fetch(querycache.WithOptions(t.Context(), opts...), p, key, o, c.load)
	must(t, err)
	return n
}

// titles is a computation over books, which reads them through the cache.
func titles(db *gorm.DB) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) {
		var books []handBook
		err := db.WithContext(ctx).Order("id").Find(&books).Error
		out := []string{}
		for _, b := range books {
			out = append(out, b.Title)
		}
		return out, err
	}
}

// TestAFetchedValueIsAsFreshAsAQuery: it dies by writes to what it depends on, and by nothing else.
func TestAFetchedValueIsAsFreshAsAQuery(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		shelve(t, d)
		p := open(t, d)
		db := p.cached.DB
		id := uint(100)
		book := func() *handBook { id++; return &handBook{ID: id, ShelfID: 1} }
		for kind, o := range map[string]querycache.FetchOptions{
			"a table":         {Tables: []string{"hand_books"}},
			"a model":         {Models: []any{&handBook{}}},
			"a view":          {Tables: []string{"hand_titles"}},
			"several, quoted": {Tables: []string{`"Hand_Books"`, "hand_codes"}, Models: []any{handLine{}}},
		} {
			t.Run(kind, func(t *testing.T) {
				var c counting
				fetch := func() int64 { return c.fetch(t, p.cache, "titles", o) }
				for name, w := range map[string]struct {
					write func() error
					dies  bool
				}{
					"nothing":       {func() error { return nil }, false},
					"a create":      {func() error { return db.Create(book()).Error }, true},
					"one record":    {func() error { return db.Model(&handBook{ID: 2}).Update("title", "x").Error }, true},
					"raw SQL":       {func() error { return db.Exec("UPDATE hand_books SET title = 'Zoe' WHERE id = 1").Error }, true},
					"a cascade":     {func() error { return db.Delete(&handShelf{ID: 77}).Error }, true},
					"another table": {func() error { return db.Create(&handOther{ID: book().ID}).Error }, false},
					"by hand":       {func() error { _, err := p.cache.InvalidateTable(t.Context(), "hand_books"); return err }, true},
					"its record":    {func() error { _, err := p.cache.InvalidateRecord(t.Context(), &handBook{}, 1); return err }, true},
					"its key":       {func() error { _, err := p.cache.InvalidateNamed(t.Context(), "titles"); return err }, true},
					"another's key": {func() error { _, err := p.cache.InvalidateNamed(t.Context(), "title"); return err }, false},
					"everything":    {func() error { _, err := p.cache.Clear(t.Context()); return err }, true},
					"a commit": {func() error {
						return db.Transaction(func(tx *gorm.DB) error { return tx.Create(book()).Error })
					}, true},
					"a rollback": {func() error {
						err := db.Transaction(func(tx *gorm.DB) error {
							return errors.Join(tx.Create(book()).Error, errLost)
						})
						if !errors.Is(err, errLost) {
							return err
						}
						return nil
					}, false},
				} {
					fetch()
					before := fetch()
					must(t, w.write())
					if after := fetch(); (after != before) != w.dies {
						t.Errorf("after %s: from %d to %d", name, before, after)
					}
				}
			})
		}
	})
}

// TestAFetchedValueIsReadThroughTheCache: what load reads by GORM is what everybody sees.
func TestAFetchedValueIsReadThroughTheCache(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		shelve(t, d)
		p := open(t, d)
		o := querycache.FetchOptions{Models: []any{handBook{}}}
		for _, want := range []string{"Ada,Emma", "Ada,Emma", "Eve,Emma", "Eve,Emma"} {
			if strings.HasPrefix(want, "Eve") {
				must(t, p.cached.Model(&handBook{ID: 1}).Update("title", "Eve").Error)
			}
			got, err := querycache.Fetch(t.Context(), p.cache, "titles", o, titles(p.cached.DB))
			if s := strings.Join(got, ","); s != want || err != nil {
				t.Errorf("got %q, %v; want %q", s, err, want)
			}
			got[0] = "overwritten"
		}
	})
}

// TestWritesWhileAValueIsWorkedOut:
//  1. R calls load, which reads the database.
//  2. A write returns.
//  3. S fetches: it must not wait for R.
//  4. R's load returns.
//  5. T fetches: it must not get what R worked out.
func TestWritesWhileAValueIsWorkedOut(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	o := querycache.FetchOptions{Tables: []string{"hand_books"}, Tags: []string{"a tag"}}
	writes := map[string]func() error{
		"a write":                 func() error { return p.cached.Model(&handBook{ID: 1}).Update("title", "x").Error },
		"InvalidateNamed by key":  func() error { _, err := p.cache.InvalidateNamed(t.Context(), "k"); return err },
		"a pattern of its entity": func() error { _, err := p.cache.InvalidatePattern(t.Context(), key.Entity("k")); return err },
	}
	for _, name := range []string{"InvalidateTags", "InvalidateTable", "InvalidateModel", "InvalidateRecord", "InvalidatePattern", "Clear"} {
		writes[name] = func() error { _, err := handMethods[name](t.Context(), p.cache); return err }
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			_, err := p.cache.Clear(t.Context())
			must(t, err)
			var c counting
			reached, release := make(chan struct{}), make(chan struct{})
			r := make(chan int64, 1)
			go func() {
				n, _ := querycache.Fetch(t.Context(), p.cache, "k", o, func(context.Context) (int64, error) {
					close(reached)
					<-release
					return -1, nil
				})
				r <- n
			}()
			<-reached
			must(t, write())
			s := c.fetch(t, p.cache, "k", o)
			close(release)
			if n := <-r; n != -1 || s != 1 {
				t.Errorf("R got %d, S %d", n, s)
			}
			if n := c.fetch(t, p.cache, "k", o); n < 1 {
				t.Errorf("T got %d", n)
			}
		})
	}
}

// TestAValueIsNotKeptWhileAWriteIsUnderWay: neither looked up nor stored.
func TestAValueIsNotKeptWhileAWriteIsUnderWay(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	o := querycache.FetchOptions{Tables: []string{"hand_books"}}
	var c counting
	c.fetch(t, p.cache, "k", o)
	reached, release := make(chan struct{}), make(chan struct{})
	p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
		if ev.Op == testdb.OpCommit {
			close(reached)
			<-release
		}
		return nil
	}})
	done := make(chan error)
	go func() { done <- p.cached.Create(&handBook{ShelfID: 1}).Error }()
	<-reached
	if a, b := c.fetch(t, p.cache, "k", o), c.fetch(t, p.cache, "k", o); a != 2 || b != 3 {
		t.Errorf("got %d, %d", a, b)
	}
	close(release)
	must(t, <-done)
	if a, b := c.fetch(t, p.cache, "k", o), c.fetch(t, p.cache, "k", o); a != 4 || b != 4 {
		t.Errorf("after the write %d, %d", a, b)
	}
	if n := p.cache.Stats().Bypassed[querycache.ReasonPending]; n != 2 {
		t.Errorf("%d bypassed", n)
	}
}

// TestValuesOfOneKeyAreToldApart: by all that is part of the key.
func TestValuesOfOneKeyAreToldApart(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	type tenantKey struct{}
	p := open(t, d, opening{Config: querycache.Config{Tenant: func(ctx context.Context) string {
		s, _ := ctx.Value(tenantKey{}).(string)
		return s
	}}})
	var c counting
	seen := map[int64]string{}
	for _, again := range []bool{false, true} {
		for name, get := range map[string]func() int64{
			"a key":          func() int64 { return c.fetch(t, p.cache, "k", querycache.FetchOptions{}) },
			"another":        func() int64 { return c.fetch(t, p.cache, "k ", querycache.FetchOptions{}) },
			"a tag":          func() int64 { return c.fetch(t, p.cache, "k", querycache.FetchOptions{Tags: []string{"a"}}) },
			"tags":           func() int64 { return c.fetch(t, p.cache, "k", querycache.FetchOptions{Tags: []string{"b", "a"}}) },
			"a table":        func() int64 { return c.fetch(t, p.cache, "k", querycache.FetchOptions{Tables: []string{"hand_books"}}) },
			"another table":  func() int64 { return c.fetch(t, p.cache, "k", querycache.FetchOptions{Tables: []string{"hand_codes"}}) },
			"a name":         func() int64 { return c.fetch(t, p.cache, "k", querycache.FetchOptions{}, querycache.Named("a")) },
			"a tenant":       func() int64 { return c.fetch(t, p.cache, "k", querycache.FetchOptions{}, querycache.Tenant("a")) },
			"another tenant": func() int64 { return c.fetch(t, p.cache, "k", querycache.FetchOptions{}, querycache.Tenant("b")) },
			"its type": func() int64 {
				n, err := querycache.Fetch(t.Context(), p.cache, "k", querycache.FetchOptions{}, func(ctx context.Context) (*int64, error) {
					n, err := c.load(ctx)
					return &n, err
				})
				must(t, err)
				return *n
			},
		} {
			n := get()
			if have, ok := seen[n]; again != ok || ok && have != name {
				t.Errorf("%s got %d, which is of %q", name, n, have)
			}
			seen[n] = name
		}
	}
	// Tags in another order, twice, and a tenant from the context are the same.
	if n := c.fetch(t, p.cache, "k", querycache.FetchOptions{Tags: []string{"a", "b", "a"}}); seen[n] != "tags" {
		t.Errorf("got %d", n)
	}
	n, err := querycache.Fetch(context.WithValue(t.Context(), tenantKey{}, "a"), p.cache, "k", querycache.FetchOptions{}, c.load)
	if err != nil || seen[n] != "a tenant" {
		t.Errorf("got %d, %v", n, err)
	}
}

// TestFetchObeysTheOptionsOfItsContext and those of its own.
func TestFetchObeysTheOptionsOfItsContext(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{OptIn: true}) // a call of Fetch asks for it
	defer cache.Close(context.Background())
	var o querycache.FetchOptions
	var c counting
	status := querycache.Status{}
	for _, step := range []struct {
		opts []querycache.Option
		want int64
		is   string
	}{
		{nil, 1, "miss"}, {nil, 1, "hit in memory"},
		{[]querycache.Option{querycache.Skip}, 2, "bypass: skip"}, {nil, 1, "hit in memory"},
		{[]querycache.Option{querycache.Refresh}, 3, "miss"}, {nil, 3, "hit in memory"},
		{[]querycache.Option{querycache.WithPolicy(querycache.NetworkOnly)}, 4, "bypass: policy"},
		{[]querycache.Option{querycache.WithPolicy(querycache.NetworkFirst)}, 5, "miss"},
		{[]querycache.Option{querycache.WithPolicy(querycache.CacheOnly)}, 5, "hit in memory"},
		{[]querycache.Option{querycache.TTL(-1)}, 6, "bypass: option"},
	} {
		got := c.fetch(t, cache, "k", o, append(slices.Clone(step.opts), querycache.StatusInto(&status))...)
		if is, _, _ := strings.Cut(status.String(), ","); got != step.want || is != step.is {
			t.Errorf("got %d (%s), want %d (%s)", got, status, step.want, step.is)
		}
	}
	only := querycache.WithOptions(t.Context(), querycache.WithPolicy(querycache.CacheOnly))
	if _, err := querycache.Fetch(only, cache, "cold", o, c.load); !errors.Is(err, querycache.ErrCacheMiss) {
		t.Errorf("cache-only: %v", err)
	}
	first := querycache.WithOptions(t.Context(), querycache.WithPolicy(querycache.NetworkFirst))
	fails := func(context.Context) (int64, error) { return -1, errLost }
	if n, err := querycache.Fetch(first, cache, "k", o, fails); n != 5 || err != nil {
		t.Errorf("network-first, with a load that fails: %d, %v", n, err)
	}
	if n, err := querycache.Fetch(first, cache, "cold", o, fails); n != -1 || err != errLost {
		t.Errorf("with nothing in the cache: %d, %v", n, err)
	}
}

func TestFetchOfASwitchedOffOrClosedPlugin(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{})
	var c counting
	o := querycache.FetchOptions{TTL: time.Hour}
	c.fetch(t, cache, "k", o)
	cache.Disable()
	if n := c.fetch(t, cache, "k", o); n != 2 {
		t.Errorf("switched off: %d", n)
	}
	cache.Enable()
	if n := c.fetch(t, cache, "k", o); n != 1 {
		t.Errorf("switched on: %d", n)
	}
	must(t, cache.Close(t.Context()))
	o.Tables = []string{"nowhere"}
	if n := c.fetch(t, cache, "k", o); n != 3 {
		t.Errorf("closed: %d", n)
	}
	if s := cache.Stats(); s.Bypassed[querycache.ReasonDisabled] != 1 || s.Bypassed[querycache.ReasonClosed] != 1 || s.Hits != 1 || s.Misses != 1 {
		t.Errorf("%+v", s)
	}
}

func TestMistakesOfFetchAreTold(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	bare := querycache.New(querycache.Config{})
	defer bare.Close(context.Background())
	for text, m := range map[string]struct {
		cache *querycache.Plugin
		key   string
		o     querycache.FetchOptions
		want  error
	}{
		"the plugin is nil":            {nil, "k", querycache.FetchOptions{}, querycache.ErrInvalidArgument},
		"the key is empty":             {bare, "", querycache.FetchOptions{}, querycache.ErrInvalidArgument},
		"FetchOptions.TTL is -1ns":     {bare, "k", querycache.FetchOptions{TTL: -1}, querycache.ErrInvalidArgument},
		"FetchOptions.SWR is -1ns":     {bare, "k", querycache.FetchOptions{SWR: -1}, querycache.ErrInvalidArgument},
		"FetchOptions.StaleIfError is": {bare, "k", querycache.FetchOptions{StaleIfError: -1}, querycache.ErrInvalidArgument},
		"FetchOptions.MaxBytes is -1":  {bare, "k", querycache.FetchOptions{MaxBytes: -1}, querycache.ErrInvalidArgument},
		"FetchOptions.Tags has an":     {bare, "k", querycache.FetchOptions{Tags: []string{"a", ""}}, querycache.ErrInvalidArgument},
		"call db.Use":                  {bare, "k", querycache.FetchOptions{Tables: []string{"a"}}, querycache.ErrNotInstalled},
		`fetching "k":`:                {p.cache, "k", querycache.FetchOptions{Tables: []string{" "}}, querycache.ErrInvalidArgument},
		`"hand_boks, x": check`:        {p.cache, "k", querycache.FetchOptions{Tables: []string{"x", "hand_books", "hand_boks"}}, querycache.ErrUnknownTable},
		`"pinned_people": check`:       {p.cache, "k", querycache.FetchOptions{Models: []any{pinned{}}}, querycache.ErrUnknownTable},
		"int is no model":              {p.cache, "k", querycache.FetchOptions{Models: []any{1}}, querycache.ErrInvalidArgument},
		"OutcomeHold":                  {querycache.New(querycache.Config{OutcomeHold: -1}), "k", querycache.FetchOptions{}, querycache.ErrConfig},
	} {
		var c counting
		n, err := querycache.Fetch(t.Context(), m.cache, m.key, m.o, c.load)
		if n != 0 || !errors.Is(err, m.want) || !strings.Contains(fmt.Sprint(err), text) || c.calls.Load() != 0 {
			t.Errorf("%s: %d, %v, %d calls", text, n, err, c.calls.Load())
		}
	}
	if _, err := querycache.Fetch[int](t.Context(), bare, "k", querycache.FetchOptions{}, nil); !errors.Is(err, querycache.ErrInvalidArgument) {
		t.Errorf("no load: %v", err)
	}
}

// TestObserversAreToldOfFetch: as of a read, with a key that patterns match.
func TestObserversAreToldOfFetch(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	w := &watching{}
	p := open(t, d, opening{Config: querycache.Config{Namespace: "shop", Observers: []any{w}}})
	var c counting
	o := querycache.FetchOptions{Tables: []string{"hand_titles"}}
	c.fetch(t, p.cache, "my:key", o)
	c.fetch(t, p.cache, "my:key", o)
	for i, outcome := range []querycache.Outcome{querycache.OutcomeMiss, querycache.OutcomeHit} {
		e := w.reads[i]
		if e.Table != "(fetch)" || e.Operation != "fetch" || e.Status.Outcome != outcome || e.Rows != -1 || e.Err != nil ||
			!slices.Equal(e.Tables, []string{"hand_books", "hand_titles"}) {
			t.Errorf("%+v", e)
		}
	}
	k, err := key.Parse(w.keys[0])
	if err != nil || k.Entity != "my:key" || k.Operation != "fetch" || k.Namespace != "shop" || w.keys[0] != w.keys[1] {
		t.Errorf("%v, %v", w.keys, err)
	}
	if n, err := p.cache.InvalidatePattern(t.Context(), pattern(w.keys[0])); n != 1 || err != nil {
		t.Errorf("by its key: %d, %v", n, err)
	}
	if n, err := p.cache.InvalidatePattern(t.Context(), pattern("*:*:*:my%3A*:fetch:*")); n != 0 || err != nil {
		t.Errorf("by a prefix, when nothing is there: %d, %v", n, err)
	}
	c.fetch(t, p.cache, "my:key", o)
	if n, err := p.cache.InvalidatePattern(t.Context(), pattern("*:*:*:my%3A*:fetch:*")); n != 1 || err != nil {
		t.Errorf("by a prefix: %d, %v", n, err)
	}
}
