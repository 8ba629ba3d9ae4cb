package tiered

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestDefaults: what is zero has a default, what is set stays.
func TestDefaults(t *testing.T) {
	want := Config{
		L1TTL: DefaultL1TTL, NegativeTTL: DefaultNegativeTTL, RefreshTimeout: DefaultRefreshTimeout,
		MaxResultBytes: DefaultMaxBytes, MaxResultRows: DefaultMaxRows,
	}
	if got := (Config{}).WithDefaults(); got != want {
		t.Errorf("defaults are %+v", got)
	}
	set := Config{
		L1TTL: 1, Jitter: 0.5, NegativeTTL: 2, NoNegative: true, SWR: 3, StaleIfError: 4, RefreshTimeout: 5,
		MaxResultBytes: 6, MaxResultRows: 7,
	}
	for i, v := 0, reflect.ValueOf(set); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("the test does not set %s", v.Type().Field(i).Name)
		}
	}
	if c, _ := newCache(set); c.Config() != set {
		t.Errorf("%+v became %+v", set, c.Config())
	}
}

// TestValidate: what cannot be is refused by name, one field at a time.
func TestValidate(t *testing.T) {
	for _, good := range []Config{
		{}, {Jitter: 1}, {Jitter: 0.1}, Config{}.WithDefaults(),
		{L1TTL: 1, NegativeTTL: 1, SWR: 1, StaleIfError: 1, RefreshTimeout: 1, MaxResultBytes: 1, MaxResultRows: 1},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	fields := map[string]bool{"NoNegative": true} // both values are good
	for _, c := range []struct {
		field string
		bad   Config
	}{
		{"L1TTL", Config{L1TTL: -1}},
		{"NegativeTTL", Config{NegativeTTL: -1}},
		{"SWR", Config{SWR: -time.Hour}},
		{"StaleIfError", Config{StaleIfError: -1}},
		{"RefreshTimeout", Config{RefreshTimeout: -1}},
		{"Jitter", Config{Jitter: -0.01}},
		{"Jitter", Config{Jitter: 1.01}},
		{"Jitter", Config{Jitter: math.NaN()}},
		{"Jitter", Config{Jitter: math.Inf(1)}},
		{"MaxResultBytes", Config{MaxResultBytes: -1}},
		{"MaxResultRows", Config{MaxResultRows: -1}},
	} {
		fields[c.field] = true
		err := c.bad.Validate()
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "Tiered."+c.field+" is ") || !strings.Contains(err.Error(), ": set a ") {
			t.Errorf("%s: %v", c.field, err)
		}
	}
	for i, v := 0, reflect.TypeFor[Config](); i < v.NumField(); i++ {
		if name := v.Field(i).Name; !fields[name] {
			t.Errorf("nothing is tried with %s", name)
		}
	}
}
