package querycache

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/tiered"
)

// Of several tables the smallest number that a rule names counts, and the most careful policy.
func TestRulesOfSeveralTables(t *testing.T) {
	t.Parallel()
	const s = time.Second
	r := rulesOf(t, Config{Tables: map[string]TableRule{
		"a": {TTL: 9 * s, SWR: 2 * s, NegativeTTL: 7 * s, MaxRows: 5000, MaxBytes: 9 << 20, Policy: CacheOnly},
		"b": {TTL: 8 * s, SWR: 3 * s, MaxRows: 6000},
		"c": {NegativeTTL: 3 * s, MaxBytes: 8 << 20, Policy: StaleWhileRevalidate},
		"d": {Policy: NetworkFirst},
	}})
	for _, c := range []struct {
		tables string
		want   string
	}{
		{"x", "cache-first 1m0s 0s 30s 1000 1048576"},
		{"a", "cache-only 9s 0s 7s 5000 9437184"},
		{"a x", "cache-only 9s 0s 7s 5000 9437184"},
		{"a b", "cache-only 8s 0s 7s 5000 9437184"},
		{"a c", "stale-while-revalidate 9s 2s 3s 5000 8388608"},
		{"b c x", "stale-while-revalidate 8s 3s 3s 6000 8388608"},
		{"c", "stale-while-revalidate 1m0s 1m0s 3s 1000 8388608"},
		{"a b c d", "network-first 8s 0s 3s 5000 8388608"},
		{"b x", "cache-first 8s 3s 8s 6000 1048576"},
	} {
		for range 2 { // the second is answered from what the first kept
			w := r.wishesFor(noOptions, strings.Fields(c.tables))
			if got := fmt.Sprint(w.policy, w.ttl, w.swr, w.negativeTTL, w.maxRows, w.maxBytes); got != c.want {
				t.Errorf("%s: %s, want %s", c.tables, got, c.want)
			}
		}
	}
}

// What may be served when the database fails is the least that a rule names, over that of Config.
func TestStaleIfErrorOfSeveralTables(t *testing.T) {
	t.Parallel()
	r := rulesOf(t, Config{Tiered: tiered.Config{StaleIfError: 5 * time.Second}, Tables: map[string]TableRule{
		"a": {StaleIfError: 9 * time.Second}, "b": {StaleIfError: 8 * time.Second}, "c": {MaxRows: 1},
	}})
	for tables, want := range map[string]int{"x": 5, "a": 9, "b c": 8, "a b": 8, "a b c x": 8, "c": 5} {
		if got := r.wishesFor(noOptions, strings.Fields(tables)).staleIfError; got != time.Duration(want)*time.Second {
			t.Errorf("%s: %v, want %v", tables, got, time.Duration(want)*time.Second)
		}
	}
	own := &options{given: givenStaleIfError, staleIfError: time.Minute}
	if got := r.wishesFor(own, []string{"a"}).staleIfError; got != time.Minute {
		t.Errorf("the query's own: %v", got)
	}
}

// With many rules, what is kept ready says the same as what is worked out anew.
func TestRulesKeptReadyAreTheRightOnes(t *testing.T) {
	t.Parallel()
	const tables = 80 // more than there are bits
	c := Config{Tables: map[string]TableRule{}}
	for i := range tables {
		c.Tables[fmt.Sprintf("t%02d", i)] = TableRule{TTL: time.Duration(i+1) * time.Second, MaxRows: tables - i}
	}
	r := rulesOf(t, c)
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 5000 {
		n := 1 + rng.IntN(3)
		least, most := tables, 0
		var list []string
		for range n {
			i := rng.IntN(tables)
			least, most = min(least, i), max(most, i)
			list = append(list, fmt.Sprintf("t%02d", i))
		}
		w := r.wishesFor(noOptions, list)
		if w.ttl != time.Duration(least+1)*time.Second || w.maxRows != tables-most {
			t.Fatalf("%q: %v, %d (seed %d)", list, w.ttl, w.maxRows, seed)
		}
	}
	if kept := len(*r.several.Load()); kept == 0 || kept > severalKept {
		t.Errorf("%d combinations kept", kept)
	}
}

func TestRulesAreFoundAsTagsAreFolded(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Orders", "shop.orders", `"shop"."Orders"`, "`shop`.`orders`", "[dbo].[ORDERS]", " orders "} {
		r := rulesOf(t, Config{Tables: map[string]TableRule{name: {Off: true}}})
		if w := r.wishesFor(noOptions, []string{"orders"}); w.off != ReasonTableRule || !strings.Contains(w.detail, "orders") {
			t.Errorf("%q is not found: %q", name, w.off)
		}
	}
}

func TestRulesThatCannotBeUsedAreRefused(t *testing.T) {
	t.Parallel()
	for told, tables := range map[string]map[string]TableRule{
		`Tables["a"]: both Off and On`:               {"a": {Off: true, On: true}},
		`Tables["a"]: beside Off other fields`:       {"a": {Off: true, TTL: 1}},
		`Tables["b"]: beside Off other fields`:       {"a": {Off: true}, "b": {Off: true, Policy: CacheFirst}},
		`Tables["a"]: TTL is -1ns`:                   {"a": {TTL: -1}},
		`Tables["a"]: SWR is -1ns`:                   {"a": {SWR: -1}},
		`Tables["a"]: StaleIfError is -1ns`:          {"a": {StaleIfError: -1}},
		`Tables["a"]: NegativeTTL is -1ns`:           {"a": {NegativeTTL: -1}},
		`Tables["a"]: MaxRows is -1`:                 {"a": {MaxRows: -1}},
		`Tables["a"]: MaxBytes is -1`:                {"a": {MaxBytes: -1}},
		`Tables["a"]: Policy is 77`:                  {"a": {Policy: 77}},
		`Tables has a rule for ""`:                   {"": {}},
		`Tables has a rule for "shop."`:              {"shop.": {}},
		`Tables has rules for "A.users" and "users"`: {"A.users": {}, "users": {On: true}},
	} {
		err := Config{Tables: tables}.validate()
		if !errors.Is(err, ErrConfig) || !strings.Contains(fmt.Sprint(err), told) {
			t.Errorf("want %s: %v", told, err)
		}
	}
}
