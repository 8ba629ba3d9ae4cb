package catalog

import (
	"errors"
	"strings"
	"testing"
)

// keyText writes a key as "name integer, name text"; "" is none.
func keyText(k *Key) string {
	if k == nil {
		return ""
	}
	var parts []string
	for _, c := range k.Columns {
		parts = append(parts, c.Name+map[Class]string{ClassInteger: " integer", ClassText: " text"}[c.Class])
	}
	return strings.Join(parts, ", ")
}

// wantKeys compares the keys of tables, given as table and key in turn.
func wantKeys(t *testing.T, c *Catalog, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := keyText(c.Key(pairs[i])); got != pairs[i+1] {
			t.Errorf("the key of %s is %q, want %q", pairs[i], got, pairs[i+1])
		}
	}
}

// keyed makes facts about tables with the key id.
func keyed(names ...string) *facts {
	f := newFacts()
	for _, name := range names {
		f.table(name).identify(keyOf([]column{{"id", 1, ClassInteger}}))
	}
	return f
}

func TestKeyOf(t *testing.T) {
	for _, c := range []struct {
		columns []column
		want    string
	}{
		{nil, ""},
		{[]column{{"id", 0, ClassInteger}}, ""},
		{[]column{{"ID", 1, ClassInteger}, {"n", 0, 0}}, "id integer"},
		{[]column{{"b", 2, ClassInteger}, {"a", 1, ClassText}, {"n", 0, 0}}, "a text, b integer"},
		{[]column{{"a", 1, 0}}, ""},
		{[]column{{"a", 1, ClassText}, {"b", 2, 0}}, ""},
		{[]column{{"b", 2, ClassInteger}}, ""},                    // the first part cannot be seen
		{[]column{{"a", 1, ClassText}, {"b", -1, ClassText}}, ""}, // one that spoils the key
		{[]column{{"id", 1, ClassInteger}, {"ID", 0, 0}}, ""},     // folded, they are one
		{[]column{{"k", 1, ClassInteger}, {"\u212a", 0, 0}}, ""},  // as the Kelvin sign is a k
		{[]column{{"\u212a", 1, ClassInteger}, {"n", 0, 0}}, "k integer"},
	} {
		if got := keyText(keyOf(c.columns)); got != c.want {
			t.Errorf("keyOf(%v) = %q, want %q", c.columns, got, c.want)
		}
	}
}

func TestKeyOfTablesThatShareAName(t *testing.T) {
	id := keyOf([]column{{"id", 1, ClassInteger}})
	other := keyOf([]column{{"id", 1, ClassText}})
	for _, c := range []struct {
		keys []*Key
		want string
	}{
		{[]*Key{id, keyOf([]column{{"ID", 1, ClassInteger}})}, "id integer"},
		{[]*Key{id, nil}, ""}, {[]*Key{nil, id}, ""}, {[]*Key{id, nil, id}, ""},
		{[]*Key{id, other}, ""}, {[]*Key{id, other, other}, ""}, {nil, ""},
	} {
		f := newFacts()
		n := f.table("t")
		for _, k := range c.keys {
			n.identify(k)
		}
		if got := keyText(f.catalog().Key("T")); got != c.want {
			t.Errorf("tables with the keys %v share %q, want %q", c.keys, got, c.want)
		}
	}
	f := keyed("t")
	f.view("t")
	wantKeys(t, f.catalog(), "t", "")
}

func TestKeyNeedsWhatReadsNeeds(t *testing.T) {
	wantKeys(t, keyed("t").catalog(), "t", "id integer", "T", "id integer", "nowhere", "")
	for what, spoil := range map[string]func(f *facts){
		"soft":      func(f *facts) { f.at("t").soft = "no" },
		"hard":      func(f *facts) { f.at("t").hard = "no" },
		"opaque":    func(f *facts) { f.at("t").opaque = "no" },
		"refused":   func(f *facts) { f.refused = "no" },
		"partition": func(f *facts) { f.child("t", "other") },
		"parent":    func(f *facts) { f.child("other", "t") },
		"parts":     func(f *facts) { add(&f.at("t").parts, "other") },
		"far":       func(f *facts) { f.act("t", "other"); f.at("other").opaque = "no" },
		"itself":    func(f *facts) { f.act("t", "T") },
		"cycle":     func(f *facts) { f.act("t", "other"); f.act("other", "third"); f.act("third", "t") },
		"family":    func(f *facts) { f.act("t", "other"); f.child("t", "other") },
	} {
		f := keyed("t", "other", "third")
		spoil(f)
		if got := keyText(f.catalog().Key("t")); got != "" {
			t.Errorf("%s: the key is %q", what, got)
		}
	}
	f := keyed("t", "other", "third") // a cycle beside it is none of its own
	f.act("t", "other")
	f.act("other", "third")
	f.act("third", "other")
	wantKeys(t, f.catalog(), "t", "id integer", "other", "", "third", "")
	wantKeys(t, Unknown(errors.New("no")).Declare(map[string][]string{"t": nil}), "t", "")
}

func TestDeclareKeepsKeys(t *testing.T) {
	f := keyed("t", "u", "w")
	f.table("none")
	f.act("t", "u")
	c := f.catalog()
	d := c.Declare(map[string][]string{"u": {"T"}, "w": {"t"}, "seen": {"w"}})
	wantKeys(t, c, "t", "id integer", "u", "id integer", "w", "id integer")
	wantKeys(t, d, "t", "", "u", "", "w", "id integer", "seen", "", "none", "")
	wantKeys(t, c.Declare(map[string][]string{"w": {"w"}}), "w", "", "t", "id integer")
}

func TestKeyDoesNotAllocate(t *testing.T) {
	f := keyed("orders", "lines")
	f.act("orders", "lines")
	c := f.catalog()
	if n := testing.AllocsPerRun(100, func() { c.Key("orders") }); n > 0 {
		t.Errorf("%v allocations for a known table", n)
	}
}
