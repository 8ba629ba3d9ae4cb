package key_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/gorm-querycache/querycache/key"
)

// goldenKeys are printed in testdata/keys.golden, which must not change: tiers outside this process
// and people's patterns rely on it.
var goldenKeys = []key.CacheKey{
	{},
	{Namespace: "shop", Database: "main", Tenant: "acme", Entity: "users", Operation: "find", Fingerprint: "9f86d081884c7d65"},
	{Entity: "users", Operation: "first"},
	{Namespace: "läden", Database: "日本", Tenant: "Ünïcødé 🛒", Entity: "naïve_table", Operation: "count"},
	{Namespace: "a:b", Database: "a%3Ab", Tenant: "*", Entity: "?", Operation: "[x]", Fingerprint: `\{y}`},
	{Namespace: "tab\tline\nnul\x00", Database: "bad\xff\xc3", Tenant: "\u202eevil", Entity: "quo'te\"s`", Operation: "\u00a0", Fingerprint: "\ufffd"},
}

func TestKeyPrintsAsGolden(t *testing.T) {
	f, err := os.Open("testdata/keys.golden")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		want = append(want, sc.Text())
	}
	if len(want) != len(goldenKeys) {
		t.Fatalf("golden file has %d lines, want %d", len(want), len(goldenKeys))
	}
	for i, k := range goldenKeys {
		if got := k.String(); got != want[i] {
			t.Errorf("key %d prints as\n%s, golden\n%s", i, got, want[i])
		}
	}
}

func TestKeyRoundTrip(t *testing.T) {
	big := strings.Repeat("ü:\x00\xff*", 1<<17)
	hostile := []string{
		"", ":", "::", "%", "%%", "%3A", "%3a", "*", "?", `\`, "a b", " a", "a ", "\x00", "\xff", "\xc3", "\xa9", "é",
		"e\u0301", "\u200b", "\r\n", "{tag}", "[a-z]", "🛒", "\U0010ffff", "\ufffd", "\ufeff",
	}
	seen := map[string]key.CacheKey{}
	check := func(k key.CacheKey) {
		t.Helper()
		s := k.String()
		back, err := key.Parse(s)
		if err != nil || back != k {
			t.Fatalf("Parse(%.80q) = %.80q, %v; want %.80q", s, back, err, k)
		}
		if other, ok := seen[s]; ok && other != k {
			t.Fatalf("%.80q and %.80q print alike", other, k)
		}
		seen[s] = k
		assertPrintable(t, s)
	}
	check(key.CacheKey{Namespace: big, Fingerprint: big})
	for _, a := range hostile {
		check(key.CacheKey{Namespace: a})
		check(key.CacheKey{Fingerprint: a})
		for _, b := range hostile {
			check(key.CacheKey{Tenant: a, Entity: b})
			check(key.CacheKey{Database: a, Operation: b, Fingerprint: a})
		}
	}
}

func assertPrintable(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) || strings.Count(s, ":") != 5 {
		t.Fatalf("not six segments of UTF-8: %.80q", s)
	}
	if i := strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsPrint(r) || unicode.IsSpace(r) || strings.ContainsRune(`*?[]{}\`, r)
	}); i >= 0 {
		t.Fatalf("character at %d should be escaped: %.80q", i, s)
	}
}

func TestKeyKeepsPartsApart(t *testing.T) {
	// The same text at another place, or cut at another place, is another key.
	keys := []key.CacheKey{
		{Namespace: "ab"}, {Database: "ab"}, {Tenant: "ab"}, {Entity: "ab"}, {Operation: "ab"}, {Fingerprint: "ab"},
		{Namespace: "a", Database: "b"}, {Namespace: "a:b"}, {Namespace: "a%3Ab"}, {Namespace: "a:", Database: ":b"},
		{Database: "one", Entity: "users"}, {Database: "two", Entity: "users"},
		{Tenant: "one", Entity: "users"}, {Tenant: "two", Entity: "users"},
	}
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[k.String()] {
			t.Errorf("%+v prints as another key does: %s", k, k)
		}
		seen[k.String()] = true
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"", ":", "a", ":::::x:", "::::", "::::::",
		"%::::: ", "%4:::::", "%zz:::::", ":::::%", ":::::%a", // bad escapes
		"%61:::::",           // 'a' needs no escape
		"%3a:::::",           // lower case
		"a b:::::", "*:::::", // what has to be escaped
		"%C3%A9:::::",            // é is printable
		"\xff:::::", "\x00:::::", // not printable
	} {
		if k, err := key.Parse(s); !errors.Is(err, key.ErrMalformedKey) {
			t.Errorf("Parse(%q) = %+v, %v; want ErrMalformedKey", s, k, err)
		}
	}
	_, err := key.Parse("a:b:c:%zz:e:f")
	if err == nil || !strings.Contains(err.Error(), "entity") {
		t.Errorf("error does not name the part: %v", err)
	}
}

func FuzzKeyRoundTrip(f *testing.F) {
	for _, k := range goldenKeys {
		f.Add(k.Namespace, k.Database, k.Tenant, k.Entity, k.Operation, k.Fingerprint)
	}
	f.Fuzz(func(t *testing.T, a, b, c, d, e, g string) {
		k := key.CacheKey{Namespace: a, Database: b, Tenant: c, Entity: d, Operation: e, Fingerprint: g}
		s := k.String()
		back, err := key.Parse(s)
		if err != nil || back != k {
			t.Fatalf("Parse(%q) = %+v, %v", s, back, err)
		}
		assertPrintable(t, s)
		// The other way: a text that parses prints as itself.
		if k, err := key.Parse(strings.Join([]string{a, b, c, d, e, g}, ":")); err == nil {
			if k.String() != strings.Join([]string{a, b, c, d, e, g}, ":") {
				t.Fatalf("%q parsed but prints otherwise", k)
			}
		}
	})
}

func ExampleCacheKey() {
	k := key.CacheKey{Namespace: "shop", Database: "main", Tenant: "a:b", Entity: "users", Operation: "first", Fingerprint: "5c3f"}
	fmt.Println(k)
	back, err := key.Parse(k.String())
	fmt.Println(strconv.Quote(back.Tenant), err)
	// Output:
	// shop:main:a%3Ab:users:first:5c3f
	// "a:b" <nil>
}
