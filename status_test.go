package querycache_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache"
)

func TestStatusString(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]querycache.Status{
		"none":                    {},
		"hit in memory":           {Outcome: querycache.OutcomeHit, Tier: "memory"},
		"hit in memory, 1.5s old": {Outcome: querycache.OutcomeHit, Tier: "memory", Age: 1500 * time.Millisecond},
		"bypass: transaction":     {Outcome: querycache.OutcomeBypass, Reason: querycache.ReasonTransaction},
		"shared":                  {Outcome: querycache.OutcomeShared},
		"outcome 200":             {Outcome: 200},
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	out, err := json.Marshal(querycache.Status{Outcome: querycache.OutcomeStale})
	if err != nil || string(out) != `{"Outcome":"stale","Tier":"","Reason":"","Age":0}` {
		t.Errorf("%s, %v", out, err)
	}
}
