package querycache_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/key"
)

func pattern(s string) key.KeyPattern {
	p, err := key.ParsePattern(s)
	if err != nil {
		panic(err)
	}
	return p
}

// TestWhatTheProgramNamed: tags, names, tenants and keys reach the queries that have them.
func TestWhatTheProgramNamed(t *testing.T) {
	others := func(opts ...querycache.Option) func(db *gorm.DB) error {
		return func(db *gorm.DB) error { return db.Scopes(opts...).Find(&[]handOther{}).Error }
	}
	reads := map[string]func(db *gorm.DB) error{
		"plain":   others(),
		"tag a":   others(querycache.Tags("a")),
		"tags ab": others(querycache.Tags("a", "b")),
		"name a":  others(querycache.Named("a")),
		"name b":  others(querycache.Named("b")),
		"names ab": func(db *gorm.DB) error {
			return db.Scopes(querycache.Named("a"), querycache.Named("b")).Find(&[]handBook{}).Error
		},
		"tenant a": others(querycache.Tenant("a")),
		"tenant b": func(db *gorm.DB) error {
			return db.WithContext(querycache.WithOptions(db.Statement.Context, querycache.Tenant("b"))).First(&handBook{}, 1).Error
		},
		"book 1": handReads["book 1"], "books": handReads["books"],
	}
	type c = querycache.Plugin
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		shelve(t, d)
		p := open(t, d, opening{Config: querycache.Config{Namespace: "shop:1"}})
		all := make([]string, 0, len(reads))
		for name := range reads {
			all = append(all, name)
		}
		var printed string
		if e, err := querycache.Explain(p.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.First(&handBook{}, 1) }); err != nil {
			t.Fatal(err)
		} else {
			printed = e.Key
		}
		book1, err := key.Parse(printed)
		must(t, err)
		patterns := func(list ...key.KeyPattern) byHand {
			return func(ctx context.Context, c *c) (int, error) { return c.InvalidatePattern(ctx, list...) }
		}
		ofBooks := []string{"book 1", "books", "tenant b", "names ab"}
		for name, k := range map[string]struct {
			run  byHand
			dead []string
		}{
			"a tag":          {func(ctx context.Context, c *c) (int, error) { return c.InvalidateTags(ctx, "a") }, []string{"tag a", "tags ab"}},
			"a tag of one":   {func(ctx context.Context, c *c) (int, error) { return c.InvalidateTags(ctx, "b") }, []string{"tags ab"}},
			"two tags":       {func(ctx context.Context, c *c) (int, error) { return c.InvalidateTags(ctx, "a", "b", "a") }, []string{"tag a", "tags ab"}},
			"no query's tag": {func(ctx context.Context, c *c) (int, error) { return c.InvalidateTags(ctx, "c") }, nil},
			"a name":         {func(ctx context.Context, c *c) (int, error) { return c.InvalidateNamed(ctx, "a") }, []string{"name a", "names ab"}},
			"two names":      {func(ctx context.Context, c *c) (int, error) { return c.InvalidateNamed(ctx, "a", "b") }, []string{"name a", "name b", "names ab"}},
			"a tenant":       {func(ctx context.Context, c *c) (int, error) { return c.InvalidateTenant(ctx, "a") }, []string{"tenant a"}},
			"two tenants":    {func(ctx context.Context, c *c) (int, error) { return c.InvalidateTenant(ctx, "b", "a") }, []string{"tenant a", "tenant b"}},

			"everything":             {func(ctx context.Context, c *c) (int, error) { return c.Clear(ctx) }, all},
			"all keys":               {patterns(key.All()), all},
			"a tenant's keys":        {patterns(key.Tenant("b")), []string{"tenant b"}},
			"no tenant's keys":       {patterns(key.Tenant("")), slices.DeleteFunc(slices.Clone(all), func(s string) bool { return strings.HasPrefix(s, "tenant") })},
			"an entity's keys":       {patterns(key.Entity("hand_books")), ofBooks},
			"two entities' keys":     {patterns(key.Entity("hand_books"), key.Entity("hand_others")), all},
			"an operation's keys":    {patterns(pattern("*:*:*:*:first:*")), []string{"book 1", "tenant b"}},
			"a prefix":               {patterns(pattern("*:*:*:hand_b*:*:*")), ofBooks},
			"another namespace":      {patterns(pattern("shop:*:*:*:*:*")), nil},
			"this namespace":         {patterns(pattern("shop%3A1:*:*:*:*:*")), all},
			"a printed key":          {patterns(pattern(printed)), []string{"book 1"}},
			"a fingerprint":          {patterns(pattern("*:*:*:*:*:" + book1.Fingerprint)), []string{"book 1"}},
			"part of a fingerprint":  {patterns(pattern("*:*:*:*:*:" + book1.Fingerprint[:12] + "*")), []string{"book 1"}},
			"a fingerprint with one": {patterns(pattern("*:*:*:*:*:?" + book1.Fingerprint[1:])), []string{"book 1"}},
			"no fingerprint":         {patterns(pattern("*:*:*:*:*:")), nil},
		} {
			t.Run(name, func(t *testing.T) { p.kills(t, reads, k.run, k.dead...) })
		}
	})
}

// TestInvalidationsReachOtherPlugins: where tags are shared the others lose what depends on them, and each counts
// its own.
func TestInvalidationsReachOtherPlugins(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	type side struct {
		db    *testdb.DB
		cache *querycache.Plugin
	}
	var sides [3]side
	for i, ns := range []string{"a", "a", "b"} {
		cache := querycache.New(querycache.Config{Namespace: ns})
		sides[i] = side{d.Open(t, testdb.Options{Plugins: []gorm.Plugin{cache}}), cache}
	}
	read := func() (asked [3]int) {
		for i, s := range sides {
			before := s.db.Recorder.Queries()
			must(t, s.db.Scopes(querycache.Tags("a tag"), querycache.Named("a name"), querycache.Tenant("a tenant")).Find(&[]handBook{}).Error)
			asked[i] = s.db.Recorder.Queries() - before
		}
		return asked
	}
	for name, run := range handMethods {
		t.Run(name, func(t *testing.T) {
			read()
			n, err := run(t.Context(), sides[0].cache)
			if n != 1 || err != nil {
				t.Errorf("%d died, %v", n, err)
			}
			want := [3]int{1, 1, 1}
			switch name {
			case "InvalidateTags", "InvalidateNamed", "InvalidateTenant":
				want = [3]int{1, 1, 0}
			case "InvalidatePattern", "Clear":
				want = [3]int{1, 0, 0}
			}
			if got := read(); got != want {
				t.Errorf("asked %v, want %v", got, want)
			}
		})
	}
}

// TestWhatIsDeadIsNotCounted: a result that a write has killed may still lie there.
func TestWhatIsDeadIsNotCounted(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	for name, run := range handMethods {
		read := func() {
			must(t, p.cached.Scopes(querycache.Tags("a tag"), querycache.Named("a name"), querycache.Tenant("a tenant")).Find(&[]handBook{}).Error)
		}
		read()
		must(t, p.cached.Create(&handBook{ShelfID: 1}).Error)
		if n, err := run(t.Context(), p.cache); n != 0 || err != nil {
			t.Errorf("%s after a write: %d, %v", name, n, err)
		}
		read()
		if n, err := run(t.Context(), p.cache); n != 1 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if n, err := run(t.Context(), p.cache); n != 0 || err != nil {
			t.Errorf("%s again: %d, %v", name, n, err)
		}
	}
}

func TestObserversAreToldWhatIsInvalidatedByHand(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	w := &watching{}
	p := open(t, d, opening{Config: querycache.Config{Observers: []any{w}}})
	for name, want := range map[string]string{
		"InvalidateTags": "tags x, a tag", "InvalidateNamed": "names a name", "InvalidateTenant": "tenants a tenant",
		"InvalidateTable": "tables hand_books", "InvalidateModel": "models hand_books", "InvalidateRecord": "records hand_books",
		"InvalidatePattern": "pattern *:*:*:hand_books:*:*", "Clear": "everything",
	} {
		must(t, p.cached.Scopes(querycache.Tags("a tag"), querycache.Named("a name"), querycache.Tenant("a tenant")).Find(&[]handBook{}).Error)
		w.reset()
		if _, err := handMethods[name](t.Context(), p.cache); err != nil {
			t.Error(err)
		}
		told := w.written()
		if len(told) != 1 {
			t.Fatalf("%s: told %d times", name, len(told))
		}
		e := told[0]
		if e.What != want || e.Kind != querycache.InvalidationManual || e.Outcome != querycache.WriteCommitted || e.Entries != 1 || e.Err != nil || e.All != (name == "Clear") {
			t.Errorf("%s: %+v", name, e)
		}
	}
	w.reset()
	_, err := p.cache.InvalidateTable(t.Context(), "nowhere")
	if told := w.written(); len(told) != 1 || fmt.Sprint(told[0].Err) != fmt.Sprint(err) || told[0].Outcome != querycache.WriteFailed {
		t.Errorf("a mistake: %+v", told)
	}
}
