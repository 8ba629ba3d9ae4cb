package invalidation

import (
	"strconv"
	"strings"
)

// Kind says what a tag stands for.
type Kind uint8

// The kinds of tags.
const (
	// KindDatabase is touched by a write of unknown extent; every result of
	// the database depends on it.
	KindDatabase Kind = iota + 1
	// KindSet stands for every row of a table; every result that reads the
	// table depends on it and every write to the table touches it.
	KindSet
	// KindEverything stands for all databases of the process.
	KindEverything
	// KindCustom is a tag that the user attached to a query.
	KindCustom
)

// String names the kind as it is printed in tags.
func (k Kind) String() string {
	switch k {
	case KindDatabase:
		return "database"
	case KindSet:
		return "set"
	case KindEverything:
		return "everything"
	case KindCustom:
		return "custom"
	}
	return "kind" + strconv.Itoa(int(k))
}

// Tag is what a result depends on and a write touches.
type Tag struct {
	Kind Kind
	// Scope is the identity of the database that the tag belongs to. Pools
	// that reach one database share it; custom tags have none.
	Scope string
	// Name is the folded table name, or the user's text.
	Name string
}

// Database is the tag of everything in the database called scope.
func Database(scope string) Tag { return Tag{Kind: KindDatabase, Scope: scope} }

// Everything is the tag on which every result of the process depends. A write
// to a database that did not say who it is touches it.
func Everything() Tag { return Tag{Kind: KindEverything} }

// Set is the tag of all rows of a table. The name is the last part of the
// table's name, unquoted and folded to lower case.
func Set(scope, table string) Tag { return Tag{Kind: KindSet, Scope: scope, Name: table} }

// Custom is a tag of the user's own, within one cache namespace.
func Custom(namespace, name string) Tag {
	return Tag{Kind: KindCustom, Scope: namespace, Name: name}
}

// String prints the tag for logs and Explain: kind and name, without the
// scope.
func (t Tag) String() string {
	if t.Kind == KindDatabase || t.Kind == KindEverything {
		return t.Kind.String()
	}
	var b strings.Builder
	b.WriteString(t.Kind.String())
	b.WriteByte(':')
	b.WriteString(t.Name)
	return b.String()
}

// hash is 64-bit FNV-1a over the kind and the length-prefixed parts, finished
// with an avalanche step so that its low bits can index a table. It is the
// same in every process and every run.
func (t Tag) hash() uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	mix := func(s string) {
		n := uint64(len(s))
		for range 8 {
			h = (h ^ (n & 0xff)) * prime
			n >>= 8
		}
		for i := 0; i < len(s); i++ {
			h = (h ^ uint64(s[i])) * prime
		}
	}
	h = (h ^ uint64(t.Kind)) * prime
	mix(t.Scope)
	mix(t.Name)
	// The finaliser of MurmurHash3 (Austin Appleby, public domain).
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return h
}
