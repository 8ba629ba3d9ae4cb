package querycache

import "testing"

func TestPoliciesHaveNames(t *testing.T) {
	t.Parallel()
	for p, want := range map[Policy]string{
		PolicyDefault: "default", CacheFirst: "cache-first", NetworkFirst: "network-first", CacheOnly: "cache-only",
		NetworkOnly: "network-only", StaleWhileRevalidate: "stale-while-revalidate", 200: "policy 200",
	} {
		if got := p.String(); got != want {
			t.Errorf("%d: %q, want %q", p, got, want)
		}
		if text, err := p.MarshalText(); string(text) != want || err != nil {
			t.Errorf("%d: %q, %v", p, text, err)
		}
		if p.valid() != (p != 200) {
			t.Errorf("%v: valid is %v", p, p.valid())
		}
	}
}
