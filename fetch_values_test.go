package querycache_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"math/big"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

type fetchedBase struct {
	At   time.Time
	Note *string
}

type fetchedTree struct {
	fetchedBase
	*Embedded
	Name     string
	Children []*fetchedTree
	Index    map[string][]byte
	Extra    map[string]any
	Null     sql.NullTime
	Bytes    []byte
	Grid     [2][]int
	hidden   int
}

// Embedded is embedded by its address.
type Embedded struct{ Tags []string }

// keepsOwn fetches a value four times: made once, equal each time, and what one caller does to it is not seen by the
// next.
func keepsOwn[T any](t *testing.T, cache *querycache.Plugin, name string, want func() T) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		calls := 0
		for i := range 4 {
			got, err := querycache.Fetch(t.Context(), cache, name, querycache.FetchOptions{}, func(context.Context) (T, error) {
				calls++
				return want(), nil
			})
			must(t, err)
			if diff := testdb.Equal(&got, ptr(want())); diff != "" {
				t.Errorf("fetch %d differs:\n%s", i+1, diff)
			}
			overwrite(&got)
		}
		if calls != 1 {
			t.Errorf("worked out %d times", calls)
		}
	})
}

// cloned copies itself.
type cloned struct{ n *big.Int }

func (c cloned) Clone() cloned { return cloned{new(big.Int).Set(c.n)} }

func TestEachCallerHasAValueOfItsOwn(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{})
	defer cache.Close(context.Background())
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("X", 3600))
	tree := func() *fetchedTree {
		return &fetchedTree{
			fetchedBase: fetchedBase{at, ptr("note")}, Embedded: &Embedded{[]string{"a"}}, Name: "root",
			Children: []*fetchedTree{nil, {Name: "leaf", hidden: 3}},
			Index:    map[string][]byte{"a": []byte("x"), "nil": nil},
			Extra:    map[string]any{"list": []any{1.5, "s", nil, map[string]any{}}},
			Null:     sql.NullTime{Time: at, Valid: true}, Bytes: []byte{}, Grid: [2][]int{{1}, nil}, hidden: 7,
		}
	}
	keepsOwn(t, cache, "an int", func() int { return 7 })
	keepsOwn(t, cache, "a text", func() string { return "s" })
	keepsOwn(t, cache, "nothing", func() struct{} { return struct{}{} })
	keepsOwn(t, cache, "a time", func() time.Time { return at })
	keepsOwn(t, cache, "a nil pointer", func() *fetchedTree { return nil })
	keepsOwn(t, cache, "a nil slice", func() []int { return nil })
	keepsOwn(t, cache, "an empty slice", func() []int { return []int{} })
	keepsOwn(t, cache, "a nil map", func() map[int]string { return nil })
	keepsOwn(t, cache, "an empty map", func() map[int]string { return map[int]string{} })
	keepsOwn(t, cache, "a nil interface", func() any { return nil })
	keepsOwn(t, cache, "a list of anything", func() any { return []any{1, "a"} })
	keepsOwn(t, cache, "a pointer to a pointer", func() **int { return ptr(ptr(3)) })
	keepsOwn(t, cache, "a struct", func() fetchedTree { return *tree() })
	keepsOwn(t, cache, "a pointer to a struct", tree)
	keepsOwn(t, cache, "pointers to structs", func() []*fetchedTree { return []*fetchedTree{tree(), tree()} })
	keepsOwn(t, cache, "structs in a map", func() map[[2]int]fetchedTree { return map[[2]int]fetchedTree{{1, 2}: *tree()} })
	keepsOwn(t, cache, "a model", func() []handShelf {
		return []handShelf{{ID: 1, Name: "x", Books: []handBook{{1, 2, "t"}}}}
	})
	keepsOwn(t, cache, "a type with Clone", func() []cloned { return []cloned{{big.NewInt(7)}} })
	if s := cache.Stats(); s.Rejections != 0 || len(s.Bypassed) != 0 {
		t.Errorf("%+v", s)
	}
}

// fetches counts how often load is called for five calls of Fetch.
func fetches[T any](t *testing.T, cache *querycache.Plugin, v T) (calls int) {
	t.Helper()
	for range 5 {
		got, err := querycache.Fetch(t.Context(), cache, "k", querycache.FetchOptions{}, func(context.Context) (T, error) {
			calls++
			return v, nil
		})
		if err != nil || reflect.TypeOf(got) != reflect.TypeOf(v) {
			t.Errorf("%v, %v", got, err)
		}
	}
	return calls
}

// TestTypesThatCannotBeCopiedAreNotKept: it is counted and logged once for each type, with the mend.
func TestTypesThatCannotBeCopiedAreNotKept(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	cache := querycache.New(querycache.Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), ImmutableTypes: []reflect.Type{reflect.TypeFor[*big.Float]()}})
	defer cache.Close(context.Background())
	type unexported struct{ p *int }
	type cycle struct{ Next *cycle }
	around := &cycle{}
	around.Next = around
	for name, c := range map[string]struct {
		calls int
		want  int
	}{
		"a channel":               {fetches(t, cache, make(chan int)), 5},
		"a function":              {fetches(t, cache, func() {}), 5},
		"an error":                {fetches(t, cache, struct{ Err error }{errLost}), 5},
		"a type that hides":       {fetches(t, cache, big.NewInt(3)), 5},
		"one that is immutable":   {fetches(t, cache, big.NewFloat(3)), 1},
		"a pointer that is hid":   {fetches(t, cache, unexported{ptr(1)}), 5},
		"none that is hid":        {fetches(t, cache, &unexported{}), 1},
		"a cycle":                 {fetches(t, cache, around), 5},
		"no cycle":                {fetches(t, cache, cycle{&cycle{}}), 1},
		"a struct in a box":       {fetches(t, cache, []any{cycle{}}), 5},
		"what JSON puts in a box": {fetches(t, cache, []any{1.0}), 1},
	} {
		if c.calls != c.want {
			t.Errorf("%s: worked out %d times, want %d", name, c.calls, c.want)
		}
	}
	s := cache.Stats()
	if s.Bypassed[querycache.ReasonUncopyable] != 20 || s.Rejected[querycache.RejectedUncopyable] != 15 {
		t.Errorf("%v, %v", s.Bypassed, s.Rejected)
	}
	if n := strings.Count(log.String(), "Clone"); n != 4 && n != 5 { // the reason may say it again
		t.Errorf("logged:\n%s", log.String())
	}
	if n := strings.Count(log.String(), "\n"); n != 4 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
}

// touchy has a Clone method that panics once it is told to.
type touchy struct{ n *big.Int }

var touched atomic.Bool

func (c touchy) Clone() touchy {
	if touched.Load() {
		panic("in Clone")
	}
	return touchy{new(big.Int).Set(c.n)}
}

// TestACloneThatPanicsDoesNotReachTheCaller, for whom the value is worked out anew.
func TestACloneThatPanicsDoesNotReachTheCaller(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{Logger: slog.New(slog.DiscardHandler)})
	defer cache.Close(context.Background())
	calls := 0
	fetch := func() {
		t.Helper()
		got, err := querycache.Fetch(t.Context(), cache, "k", querycache.FetchOptions{}, func(context.Context) (*touchy, error) {
			calls++
			return &touchy{big.NewInt(7)}, nil
		})
		if err != nil || got == nil || got.n.Int64() != 7 {
			t.Errorf("%v, %v", got, err)
		}
	}
	fetch()
	fetch()
	touched.Store(true)
	fetch()
	touched.Store(false)
	fetch()
	if s := cache.Stats(); calls != 2 || s.Hits != 2 || s.Misses != 2 || s.Rejected[querycache.RejectedUncopyable] != 1 {
		t.Errorf("%d calls: %+v", calls, s)
	}
}

func TestAValueThatIsTooLargeIsNotKept(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{})
	defer cache.Close(context.Background())
	calls := 0
	for _, limit := range []int64{1000, 1000, 100_000, 100_000} {
		_, err := querycache.Fetch(t.Context(), cache, "k", querycache.FetchOptions{MaxBytes: limit}, func(context.Context) ([]byte, error) {
			calls++
			return make([]byte, 50_000), nil
		})
		must(t, err)
	}
	if s := cache.Stats(); calls != 3 || s.Rejected[querycache.RejectedTooLarge] != 2 || s.Bytes < 50_000 {
		t.Errorf("%d calls: %+v", calls, s)
	}
}

// TestFetchedValuesAgeAsQueriesDo: TTL, then stale while one refresh runs, then stale if load fails.
func TestFetchedValuesAgeAsQueriesDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := querycache.New(querycache.Config{Tiered: tiered.Config{L1TTL: time.Hour}, Logger: slog.New(slog.DiscardHandler)})
		var c counting
		step := func(key string, o querycache.FetchOptions, pass time.Duration, want int64) {
			t.Helper()
			time.Sleep(pass) // the bubble's clock
			if n := c.fetch(t, cache, key, o); n != want {
				t.Errorf("%s after %v: %d, want %d", key, pass, n, want)
			}
			synctest.Wait()
		}
		ttl := querycache.FetchOptions{TTL: time.Minute}
		step("ttl", ttl, 0, 1)
		step("ttl", ttl, time.Minute-1, 1)
		step("ttl", ttl, 1, 2)
		c.calls.Store(0)
		step("configured", querycache.FetchOptions{}, 0, 1)
		step("configured", querycache.FetchOptions{}, time.Hour-1, 1)
		step("configured", querycache.FetchOptions{}, 1, 2)
		c.calls.Store(0)
		swr := querycache.FetchOptions{TTL: time.Minute, SWR: time.Minute}
		step("swr", swr, 0, 1)
		step("swr", swr, time.Minute, 1) // and refreshes
		step("swr", swr, 0, 2)
		step("swr", swr, 2*time.Minute, 3)
		if s := cache.Stats(); s.Stale != 1 || s.Refreshes.Started != 1 || s.Refreshes.Failed != 0 {
			t.Errorf("%+v", s)
		}

		sie := querycache.FetchOptions{TTL: time.Minute, StaleIfError: time.Minute}
		get := func(err error) (int64, error) {
			return querycache.Fetch(t.Context(), cache, "sie", sie, func(context.Context) (int64, error) { return 9, err })
		}
		get(nil)
		time.Sleep(time.Minute)
		if n, err := get(errLost); n != 9 || err != nil {
			t.Errorf("stale if error: %d, %v", n, err)
		}
		time.Sleep(time.Minute)
		if _, err := get(errLost); !errors.Is(err, errLost) {
			t.Errorf("past that: %v", err)
		}

		// A refresh that fails or panics leaves what is there, and one runs at a time.
		bad := querycache.FetchOptions{TTL: time.Minute, SWR: time.Hour}
		load := func(n int64, fail func() error) func(context.Context) (int64, error) {
			return func(context.Context) (int64, error) { return n, fail() }
		}
		fine := func() error { return nil }
		fetch := func(l func(context.Context) (int64, error), want int64) {
			t.Helper()
			if n, err := querycache.Fetch(t.Context(), cache, "bad", bad, l); n != want || err != nil {
				t.Errorf("%d, %v; want %d", n, err, want)
			}
			synctest.Wait()
		}
		fetch(load(1, fine), 1)
		time.Sleep(time.Minute)
		fetch(load(2, func() error { return errLost }), 1)
		fetch(load(3, func() error { panic("in load") }), 1)
		release := make(chan struct{})
		fetch(load(4, func() error { <-release; return nil }), 1)
		fetch(load(5, fine), 1) // one is under way
		close(release)
		synctest.Wait()
		fetch(load(6, fine), 4)

		// Close waits for a refresh, whose context ends.
		time.Sleep(time.Minute)
		ended := false
		if n, err := querycache.Fetch(t.Context(), cache, "bad", bad, func(ctx context.Context) (int64, error) {
			<-ctx.Done()
			ended = true
			return 0, ctx.Err()
		}); n != 4 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		must(t, cache.Close(context.Background()))
		if !ended {
			t.Error("Close did not wait")
		}
		synctest.Wait()
	})
}

// TestARefreshThatAWriteOvertakesIsNotKept, nor is a stale value given that a write has touched.
func TestARefreshThatAWriteOvertakesIsNotKept(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	refreshed := make(chan struct{}, 1)
	p := open(t, d, opening{Config: querycache.Config{Observers: []any{&watching{refreshed: refreshed}}}})
	o := querycache.FetchOptions{Tables: []string{"hand_books"}, TTL: 1, SWR: time.Hour} // stale at once
	var c counting
	if n := c.fetch(t, p.cache, "k", o); n != 1 {
		t.Fatal(n)
	}
	reached, release := make(chan struct{}), make(chan struct{})
	n, err := querycache.Fetch(t.Context(), p.cache, "k", o, func(context.Context) (int64, error) {
		close(reached)
		<-release
		return -1, nil
	})
	if n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	<-reached
	must(t, p.cached.Create(&handBook{ShelfID: 1}).Error)
	close(release)
	<-refreshed
	if n := c.fetch(t, p.cache, "k", o); n != 2 {
		t.Errorf("after a write: %d", n)
	}
}

// TestFetchFromADatabaseThatIsNotKnownIsNotKept: its tables cannot be followed. To read its catalog reaches every
// result of the process, so that no other test runs beside.
func TestFetchFromADatabaseThatIsNotKnownIsNotKept(t *testing.T) {
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	cache := querycache.New(querycache.Config{Logger: slog.New(slog.DiscardHandler)})
	db := d.Open(t, testdb.Options{})
	db.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
		if ev.Op == testdb.OpQuery {
			return errLost
		}
		return nil
	}})
	must(t, db.Use(cache))
	db.Recorder.SetHooks(testdb.Hooks{})
	var c counting
	o := querycache.FetchOptions{Tables: []string{"hand_books"}}
	c.fetch(t, cache, "k", o)
	if n := c.fetch(t, cache, "k", o); n != 2 || cache.Stats().Bypassed[querycache.ReasonCatalog] != 2 {
		t.Errorf("%d: %+v", n, cache.Stats())
	}
	c.fetch(t, cache, "k", querycache.FetchOptions{})
	if n := c.fetch(t, cache, "k", querycache.FetchOptions{}); n != 3 {
		t.Errorf("without tables: %d", n)
	}
	must(t, cache.Reload(t.Context()))
	c.fetch(t, cache, "k", o)
	if n := c.fetch(t, cache, "k", o); n != 4 {
		t.Errorf("once its catalog is known: %d", n)
	}
	must(t, cache.Close(t.Context()))
}

// TestAViewThatIsChangedTakesItsValuesWithIt: a value follows the tables that the view has now.
func TestAViewThatIsChangedTakesItsValuesWithIt(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	o := querycache.FetchOptions{Tables: []string{"hand_titles"}}
	var c counting
	fetch := func() int64 { return c.fetch(t, p.cache, "k", o) }
	fetch()
	must(t, p.cached.Exec("DROP VIEW hand_titles").Error)
	if _, err := querycache.Fetch(t.Context(), p.cache, "k", o, c.load); !errors.Is(err, querycache.ErrUnknownTable) {
		t.Errorf("without the view: %v", err)
	}
	must(t, p.cached.Exec("CREATE VIEW hand_titles AS SELECT id FROM hand_books UNION SELECT id FROM hand_others").Error)
	before := fetch()
	if fetch() != before {
		t.Error("not kept")
	}
	must(t, p.cached.Create(&handOther{}).Error)
	if fetch() == before {
		t.Error("the new table of the view is not followed")
	}
}
