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
			for kind := KindDatabase; kind <= KindCustom; kind++ {
				tag := Tag{Kind: kind, Scope: text[:i], Name: text[i:]}
				if other, ok := seen[tag.hash()]; ok {
					t.Errorf("%+v and %+v share a hash", tag, other)
				}
				seen[tag.hash()] = tag
			}
		}
	}
}

// TestTagsSpread: tables named alike do not crowd into a few words.
func TestTagsSpread(t *testing.T) {
	s := NewStamps(12)
	used := map[Slot]bool{}
	for i := range 1 << 10 {
		used[s.Slot(Set("db", fmt.Sprintf("table_%04d", i)))] = true
	}
	// 1024 balls into 4096 bins fill 905 on average; 40 is seven sigma.
	if len(used) < 865 {
		t.Errorf("1024 tags use %d of 4096 words", len(used))
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
		"kind9:x":      {Kind: 9, Name: "x"},
	} {
		if got := tag.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
