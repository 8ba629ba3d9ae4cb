package key_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gorm-querycache/querycache/key"
)

func mustPattern(t *testing.T, s string) key.KeyPattern {
	t.Helper()
	p, err := key.ParsePattern(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatternMatchesWholeSegments(t *testing.T) {
	for _, c := range []struct {
		pattern, entity string
		want            bool
	}{
		{"client", "client", true},
		{"client", "clients", false},
		{"clients", "client", false},
		{"client*", "clients", true},
		{"client?", "clients", true},
		{"client?", "client", false},
		{"client?", "clients2", false},
		{"*client", "oldclient", true},
		{"*", "", true},
		{"", "", true},
		{"", "x", false},
		{"?", "", false},
		{"?", "é", true},
		{"?", "🛒", true},
		{"??", "é", false},
		{"?", "\xff", true},
		{"?", "\xc3\x28", false},
		{"??", "\xc3\x28", true},
		{"%2A", "*", true},
		{"%2A", "x", false},
		{"%3F", "?", true},
		{"%3F", "x", false},
		{"%25", "%", true},
		{"a%3Ab", "a:b", true},
		{"a*b", "a:b", true},
		{"é*", "été", true},
		{"é*", "eté", false},
		{"%C3%A9*", "ét", true},
		{"%C3*", "ét", false}, // half a character is not one
		{"?%A9", "é", false},
		{"*%A9", "é", false},
		{"*%A9", "é\xa9", true},
		{"*a*b", "xxaxxbxxb", true},
		{"*a*b", "xxaxxbxxa", false},
		{"**", "anything", true},
		{"a**?", "a", false},
		{"A*", "abc", false}, // case counts
	} {
		got := mustPattern(t, "*:*:*:"+c.pattern+":*:*").Match(key.CacheKey{Entity: c.entity})
		if got != c.want {
			t.Errorf("%q matches %q: %v, want %v", c.pattern, c.entity, got, c.want)
		}
	}
}

func TestPatternNeverCrossesSegments(t *testing.T) {
	k := key.CacheKey{Namespace: "a", Database: "b", Tenant: "c", Entity: "d", Operation: "e", Fingerprint: "f"}
	for s, want := range map[string]bool{
		"a:b:c:d:e:f":     true,
		"*:*:*:*:*:*":     true,
		"a*:b:c:d:e:*f":   true,
		"a*f:*:*:*:*:*":   false,
		"*:b*c:*:*:*:*":   false,
		"a%3Ab:*:*:*:*:*": false,
	} {
		if got := mustPattern(t, s).Match(k); got != want {
			t.Errorf("%s matches: %v, want %v", s, got, want)
		}
	}
}

func TestPatternConstructors(t *testing.T) {
	users := key.CacheKey{Namespace: "n", Tenant: "acme", Entity: "users", Operation: "count"}
	star := key.CacheKey{Tenant: "*", Entity: "*", Operation: "*"}
	for _, c := range []struct {
		p           key.KeyPattern
		text        string
		users, star bool
	}{
		{key.All(), "*:*:*:*:*:*", true, true},
		{key.Entity("users"), "*:*:*:users:*:*", true, false},
		{key.Entity("user"), "*:*:*:user:*:*", false, false},
		{key.Entity("*"), "*:*:*:%2A:*:*", false, true},
		{key.Operation("count"), "*:*:*:*:count:*", true, false},
		{key.Operation("*"), "*:*:*:*:%2A:*", false, true},
		{key.Tenant("acme"), "*:*:acme:*:*:*", true, false},
		{key.Tenant("*"), "*:*:%2A:*:*:*", false, true},
		{key.Tenant(""), "*:*::*:*:*", false, false},
		{key.KeyPattern{}, ":::::", false, false},
	} {
		if got := c.p.String(); got != c.text {
			t.Errorf("prints as %s, want %s", got, c.text)
		}
		if c.p.Match(users) != c.users || c.p.Match(star) != c.star {
			t.Errorf("%s: matches %v, %v; want %v, %v", c.p, c.p.Match(users), c.p.Match(star), c.users, c.star)
		}
	}
	if !(key.KeyPattern{}).Match(key.CacheKey{}) {
		t.Error("the zero pattern does not match the zero key")
	}
}

func TestPrintedKeyIsItsPattern(t *testing.T) {
	for i, k := range goldenKeys {
		p := mustPattern(t, k.String())
		for j, other := range goldenKeys {
			if got := p.Match(other); got != (i == j) {
				t.Errorf("pattern %s matches %s: %v", p, other, got)
			}
		}
		if p.String() != k.String() {
			t.Errorf("%s prints as %s", k, p)
		}
	}
}

func TestParsePatternRefuses(t *testing.T) {
	for _, s := range []string{
		"", "*", "users", "*:*:*:*:*", "*:*:*:*:*:*:*", "%:*:*:*:*:*", "*%4*:*:*:*:*:*", "%zz*:*:*:*:*:*",
		"%*41:*:*:*:*:*", "*:*:*:*:*:*" + strings.Repeat("a", 1024), "*:*:*:*:*:" + strings.Repeat("?", 1025),
	} {
		if _, err := key.ParsePattern(s); !errors.Is(err, key.ErrMalformedPattern) {
			t.Errorf("ParsePattern(%.40q): %v, want ErrMalformedPattern", s, err)
		}
	}
}

// TestPatternStepsStayLinear would not end if matching were exponential in the number of stars.
func TestPatternStepsStayLinear(t *testing.T) {
	p := mustPattern(t, "*:*:*:"+strings.Repeat("*a", 500)+"b:*:*")
	k := key.CacheKey{Entity: strings.Repeat("a", 1<<18)}
	if p.Match(k) {
		t.Fatal("matched a text without the last letter")
	}
	k.Entity += "b"
	if !p.Match(k) {
		t.Fatal("did not match")
	}
	if n := testing.AllocsPerRun(1, func() { p.Match(k) }); n != 0 {
		t.Errorf("Match allocates %v times", n)
	}
}

// naiveMatch is the definition, by recursion over characters.
func naiveMatch(p, s []rune) bool {
	if len(p) == 0 {
		return len(s) == 0
	}
	if p[0] == '*' {
		return naiveMatch(p[1:], s) || len(s) > 0 && naiveMatch(p, s[1:])
	}
	return len(s) > 0 && (p[0] == '?' || p[0] == s[0]) && naiveMatch(p[1:], s[1:])
}

func FuzzPattern(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("*é?", "éé🛒")
	f.Add("**a*", "")
	f.Add("%2A*", "*x")
	f.Add("[a]{b}", "[a]{b}")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		stars := strings.Count(pattern, "*")
		if !utf8.ValidString(pattern) || !utf8.ValidString(text) || stars > 4 || len(pattern) > 40 || len(text) > 40 {
			return // the naive matcher takes short UTF-8 only
		}
		if strings.ContainsAny(pattern, ":%") {
			if p, err := key.ParsePattern("*:*:*:" + pattern + ":*:*"); err == nil {
				again := mustPattern(t, p.String())
				k := key.CacheKey{Entity: text}
				if again.String() != p.String() || again.Match(k) != p.Match(k) {
					t.Fatalf("%q prints as another pattern, %q", pattern, p)
				}
			}
			return
		}
		p := mustPattern(t, "*:*:*:"+pattern+":*:*")
		k := key.CacheKey{Entity: text}
		want := naiveMatch([]rune(pattern), []rune(text))
		if got := p.Match(k); got != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, text, got, want)
		}
		if got := mustPattern(t, p.String()).Match(k); got != want {
			t.Fatalf("%q printed as %s matches %q: %v, want %v", pattern, p, text, got, want)
		}
	})
}
