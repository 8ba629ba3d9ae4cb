package testdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
)

type inner struct {
	n    int
	at   time.Time
	self *inner
}

type outer struct {
	Name  string
	List  []int
	Map   map[string]any
	inner inner
	Err   error
	Any   any
}

func TestEqualHoldsForCopies(t *testing.T) {
	now := time.Date(2024, 2, 29, 1, 2, 3, 4, time.FixedZone("X", 3600))
	build := func() outer {
		in := inner{n: 3, at: now}
		in.self = &in
		return outer{
			Name: "a", List: []int{1, 2}, inner: in, Err: fmt.Errorf("w: %w", gorm.ErrRecordNotFound),
			Map: map[string]any{"x": []byte("b"), "n": math.NaN(), "nil": nil}, Any: [2]*int{new(int), nil},
		}
	}
	if d := Equal(build(), build()); d != "" {
		t.Fatal(d)
	}
	if d := Equal(map[float64]string{math.NaN(): "a"}, map[float64]string{math.NaN(): "a"}); d != "" {
		t.Fatal(d)
	}
	if d := Equal(nil, nil); d != "" {
		t.Fatal(d)
	}
}

func TestEqualSeesEveryDifference(t *testing.T) {
	utc := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	ring := func(n int) *inner {
		a, b := &inner{}, &inner{n: n}
		a.self, b.self = b, a
		return a
	}
	for name, pair := range map[string][2]any{
		"nil slice":         {[]int(nil), []int{}},
		"nil map":           {map[string]int(nil), map[string]int{}},
		"nil bytes":         {[]byte(nil), []byte{}},
		"nil and typed nil": {nil, (*int)(nil)},
		"nil pointer":       {(*int)(nil), new(int)},
		"number type":       {int64(1), 1},
		"map value type":    {map[string]any{"a": int64(1)}, map[string]any{"a": float64(1)}},
		"map key":           {map[string]int{"a": 1}, map[string]int{"b": 1}},
		"NaN map value":     {map[float64]string{math.NaN(): "a"}, map[float64]string{math.NaN(): "b"}},
		"minus zero":        {0.0, math.Copysign(0, -1)},
		"float":             {float32(1), float32(2)},
		"complex":           {complex(1, 2), complex(1, 3)},
		"length":            {[]int{1}, []int{1, 2}},
		"element":           {[]string{"a"}, []string{"b"}},
		"array":             {[1]bool{true}, [1]bool{false}},
		"bytes":             {[]byte("a"), []byte("b")},
		"unexported":        {outer{inner: inner{n: 1}}, outer{inner: inner{n: 2}}},
		"unexported time":   {inner{at: utc}, inner{at: utc.Add(1)}},
		"cycle":             {ring(1), ring(2)},
		"zone":              {utc, utc.In(time.FixedZone("", 0))},
		"zone name":         {utc.In(time.FixedZone("A", 60)), utc.In(time.FixedZone("B", 60))},
		"instant":           {utc, utc.Add(time.Nanosecond)},
		"monotonic":         {time.Now(), time.Now().Round(0)},
		"error text":        {errors.New("a"), errors.New("b")},
		"error type":        {errors.New("a"), fmt.Errorf("a%w", error(emptyError{}))},
		"error class":       {fmt.Errorf("%w", context.Canceled), fmt.Errorf("%w", errors.New("context canceled"))},
		"error and nil":     {outer{Err: errors.New("a")}, outer{}},
		"sql.Null":          {sql.NullString{Valid: true}, sql.NullString{}},
		"function":          {TestEqualHoldsForCopies, TestEqualSeesEveryDifference},
	} {
		t.Run(name, func(t *testing.T) {
			if Equal(pair[0], pair[1]) == "" || Equal(pair[1], pair[0]) == "" {
				t.Errorf("no difference seen between %#v and %#v", pair[0], pair[1])
			}
			if d := Equal(pair[0], pair[0]); d != "" {
				t.Errorf("not equal to itself: %s", d)
			}
		})
	}
}

type emptyError struct{}

func (emptyError) Error() string { return "" }

func TestEqualNamesThePlace(t *testing.T) {
	a := outer{Map: map[string]any{"k": []any{1, "x"}}}
	b := outer{Map: map[string]any{"k": []any{1, "y"}}}
	if d := Equal(a, b); !strings.Contains(d, `.Map["k"][1]: "x", other "y"`) {
		t.Errorf("the difference is told as %q", d)
	}
}

func TestEqualUnderRules(t *testing.T) {
	r := Rules{ErrorText: func(s string) string { return strings.ReplaceAll(s, "db1", "db2") }}
	if d := r.Equal(errors.New("no db1.t"), errors.New("no db2.t")); d != "" {
		t.Error(d)
	}
	if r.Equal(errors.New("no db1.t"), errors.New("no db2.u")) == "" {
		t.Error("a difference outside the rule is lost")
	}
}
