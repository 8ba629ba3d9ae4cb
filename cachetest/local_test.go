package cachetest

import (
	"testing"
	"time"

	gocache "github.com/patrickmn/go-cache"
	"go.uber.org/goleak"

	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestMemory: every engine that stores is a tier.
func TestMemory(t *testing.T) {
	for name, config := range map[string]func() func() memory.Config{
		"otter": func() func() memory.Config {
			return func() memory.Config { return memory.Config{} }
		},
		"go-cache": func() func() memory.Config {
			return func() memory.Config { return memory.Config{Engine: memory.EngineGoCache} }
		},
		// All tiers of a check in one cache, with entries of the program.
		"go-cache of the program": func() func() memory.Config {
			theirs := gocache.New(gocache.NoExpiration, 0)
			theirs.SetDefault("a", "another's")
			return func() memory.Config { return memory.Config{Engine: memory.EngineGoCache, GoCache: theirs} }
		},
	} {
		t.Run(name, func(t *testing.T) {
			theirs := config()
			Local(t, func(t *testing.T, clock func() time.Time) tiered.Local {
				tier, err := memory.Open[*tiered.Entry](theirs(), memory.WithClock(clock))
				if err != nil {
					t.Fatal(err)
				}
				return tier
			})
			if c := theirs().GoCache; c != nil {
				if x, _ := c.Get("a"); x != "another's" {
					t.Errorf("the program's entry is now %v", x)
				}
			}
		})
	}
}

// TestFaultyKeepsTheRules: faults without panics are such that a tier may have. What they take away is
// what the suite asks for beside the rules, so only the checks that can do without are run.
func TestFaultyKeepsTheRules(t *testing.T) {
	forgetful := map[string]Faults{
		"none":     {},
		"forgets":  {Seed: 1, Forget: 0.3},
		"drops":    {Seed: 2, DropSets: 0.3},
		"does all": {Seed: 3, Forget: 0.3, DropSets: 0.3},
	}
	canDoWithout := map[string]bool{
		"never older than the last Set": true, "histories are linearizable": true,
	}
	for name, f := range forgetful {
		t.Run(name, func(t *testing.T) {
			for _, c := range localChecks {
				if name == "none" || canDoWithout[c.name] {
					t.Run(c.name, func(t *testing.T) {
						c.run(newSubject(t, patience, func(clock func() time.Time) tiered.Local {
							return Faulty(newPlain(clock), f)
						}))
					})
				}
			}
		})
	}
}
