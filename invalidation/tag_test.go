package invalidation

import (
	"fmt"
	"strings"
	"testing"
)

// TestTagHashIsGolden: the hash is the same in every process and every
// release, or two processes would invalidate each other's wrong words. The
// values were worked out by another program from the description of hash.
func TestTagHashIsGolden(t *testing.T) {
	for _, c := range []struct {
		tag  Tag
		want uint64
	}{
		{Database(""), 0x1f7826a3d2066c02},
		{Database("db"), 0x4f84d4f5e45da784},
		{Set("db", "users"), 0x278f6d5716663d2b},
		{Set("d", "busers"), 0x82e99833b1778b1f},
		{Set("", "users"), 0xdea8aad9c595097f},
		{Everything(), 0x9028b859ddf05c62},
		{Custom("shop", "users"), 0xfc9ce4cbd2ecae77},
		{Set("db", "größe"), 0x904d7aa79bd26495},
		{Set("db", strings.Repeat("a", 300)), 0x8120f1a2ed0b9f91},
		{Table("db", "users"), 0xf51ae74e75cec11d},
		{Record("db", "users", ""), 0x2af82670871c8a04},
		{Record("db", "users", "1"), 0x11c591aa1138531d},
		{Record("db", "users", "1,2"), 0x8b09fd5c58ba021a},
		{Record("db", "user", "s1"), 0xf0311540d7b0c874},
		{Record("db", "users", strings.Repeat("x", 300)), 0x90955d549c576351},
		{Named("shop", "front"), 0x0fac63a31ca8e018},
		{Tenant("shop", "acme"), 0x57440e2096a99754},
	} {
		if got := c.tag.hash(); got != c.want {
			t.Errorf("%+v hashes to %#x, want %#x", c.tag, got, c.want)
		}
	}
}

// TestTagPartsDoNotRunTogether: moving a byte from one part to the next gives
// another tag.
func TestTagPartsDoNotRunTogether(t *testing.T) {
	seen := map[uint64]Tag{}
	for _, text := range []string{"", "a", "ab", "users", "\x00", "a\x00b"} {
		for i := 0; i <= len(text); i++ {
			for kind := KindDatabase; kind <= KindTenant; kind++ {
				if kind == KindRecord {
					continue // see below
				}
				tag := Tag{Kind: kind, Scope: text[:i], Name: text[i:]}
				if other, ok := seen[tag.hash()]; ok {
					t.Errorf("%+v and %+v share a hash", tag, other)
				}
				seen[tag.hash()] = tag
			}
			for j := i; j <= len(text); j++ {
				tag := Record(text[:i], text[i:j], text[j:])
				if other, ok := seen[tag.hash()]; ok {
					t.Errorf("%+v and %+v share a hash", tag, other)
				}
				seen[tag.hash()] = tag
			}
		}
	}
}

// TestRecordsFindThePlaceOfTheirTags: a read finds the places of records one
// way and a write may find them the other.
func TestRecordsFindThePlaceOfTheirTags(t *testing.T) {
	for _, bits := range []int{1, 12, 30} {
		s := &Stamps{mask: 1<<bits - 1}
		for _, table := range []string{"", "users", "größe"} {
			for _, record := range []string{"", "1", "-1", "1,2", "abc", strings.Repeat("y", 300)} {
				for _, scope := range []string{"", "db"} {
					got, want := RecordsOf(scope, table).Slot(s, []byte(record)), s.Slot(Record(scope, table, record))
					if got != want {
						t.Errorf("%d bits, %q %q %q: %d, but the tag is at %d", bits, scope, table, record, got, want)
					}
				}
			}
		}
	}
	s, of, name := NewStamps(8), RecordsOf("db", "users"), []byte("123")
	if n := testing.AllocsPerRun(100, func() { _ = of.Slot(s, name) }); n != 0 {
		t.Errorf("finding a place allocates %v times", n)
	}
}

// TestTagsSpread: tables named alike do not crowd into a few words.
func TestTagsSpread(t *testing.T) {
	s := NewStamps(12)
	used := map[Slot]bool{}
	for i := range 1 << 10 {
		used[s.Slot(Set("db", fmt.Sprintf("table_%04d", i)))] = true
	}
	records := map[Slot]bool{}
	for i := range 1 << 10 {
		records[s.Slot(Record("db", "users", fmt.Sprint(i)))] = true
	}
	// 1024 balls into 4096 bins fill 905 on average; 40 is seven sigma.
	if len(used) < 865 || len(records) < 865 {
		t.Errorf("1024 tables use %d of 4096 words, 1024 records %d", len(used), len(records))
	}
}

// TestTagString is what logs and Explain show: never the scope, which may
// name a server.
func TestTagString(t *testing.T) {
	for want, tag := range map[string]Tag{
		"database":     Database("secret-host"),
		"everything":   Everything(),
		"set:users":    Set("secret-host", "users"),
		"custom:front": Custom("shop", "front"),
		"table:users":  Table("secret-host", "users"),
		"record:u:1,2": Record("secret-host", "u", "1,2"),
		"record:u:":    Record("secret-host", "u", ""),
		"named:front":  Named("shop", "front"),
		"tenant:acme":  Tenant("shop", "acme"),
		"kind9:x":      {Kind: 9, Name: "x"},
	} {
		if got := tag.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
