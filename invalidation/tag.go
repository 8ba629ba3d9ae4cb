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
	// KindSet stands for the rows of a table as a set; every result that reads
	// the table depends on it, but for those pinned to records that are all
	// there, and every write to the table touches it.
	KindSet
	// KindEverything stands for all databases of the process.
	KindEverything
	// KindCustom is a tag that the user attached to a query.
	KindCustom
	// KindTable is touched by a write to a table whose records are not known;
	// results that are pinned to records depend on it.
	KindTable
	// KindRecord stands for the rows of a table that have certain values in
	// certain columns; results pinned to them depend on it.
	KindRecord
	// KindNamed stands for the results of the queries that were given a name.
	KindNamed
	// KindTenant stands for the results of one tenant.
	KindTenant
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
	case KindTable:
		return "table"
	case KindRecord:
		return "record"
	case KindCustom:
		return "custom"
	case KindNamed:
		return "named"
	case KindTenant:
		return "tenant"
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
	// Record says which rows of the table, in the form that package analysis
	// gives to values; of KindRecord only.
	Record string
}

// Database is the tag of everything in the database called scope.
func Database(scope string) Tag { return Tag{Kind: KindDatabase, Scope: scope} }

// Everything is the tag on which every result of the process depends. A write
// to a database that did not say who it is touches it.
func Everything() Tag { return Tag{Kind: KindEverything} }

// Set is the tag of all rows of a table. The name is the last part of the
// table's name, unquoted and folded to lower case.
func Set(scope, table string) Tag { return Tag{Kind: KindSet, Scope: scope, Name: table} }

// Table is the tag of all rows of a table, for results pinned to records.
func Table(scope, table string) Tag { return Tag{Kind: KindTable, Scope: scope, Name: table} }

// Record is the tag of the rows of a table that a record names.
func Record(scope, table, record string) Tag {
	return Tag{Kind: KindRecord, Scope: scope, Name: table, Record: record}
}

// Named is the tag of the queries called name, within one cache namespace.
func Named(namespace, name string) Tag { return Tag{Kind: KindNamed, Scope: namespace, Name: name} }

// Tenant is the tag of a tenant's results, within one cache namespace.
func Tenant(namespace, name string) Tag { return Tag{Kind: KindTenant, Scope: namespace, Name: name} }

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
	if t.Kind == KindRecord {
		b.WriteByte(':')
		b.WriteString(t.Record)
	}
	return b.String()
}

// hash is 64-bit FNV-1a over the kind and the length-prefixed parts, finished
// with an avalanche step so that its low bits can index a table. It is the
// same in every process and every run.
func (t Tag) hash() uint64 {
	h := t.head()
	if t.Kind == KindRecord {
		h = h.mix(t.Record)
	}
	return h.finish()
}

// head is the state of the hash after all but the record.
func (t Tag) head() hashState {
	return ((fnvOffset ^ hashState(t.Kind)) * fnvPrime).mix(t.Scope).mix(t.Name)
}

// hashState is a hash that more may be mixed into.
type hashState uint64

const (
	fnvOffset hashState = 14695981039346656037
	fnvPrime  hashState = 1099511628211
)

func (h hashState) mix(s string) hashState { return mixText(h, s) }

func mixText[T string | []byte](h hashState, s T) hashState {
	n := uint64(len(s))
	for range 8 {
		h = (h ^ hashState(n&0xff)) * fnvPrime
		n >>= 8
	}
	for i := 0; i < len(s); i++ {
		h = (h ^ hashState(s[i])) * fnvPrime
	}
	return h
}

// finish is the finaliser of MurmurHash3 (Austin Appleby, public domain).
func (h hashState) finish() uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return uint64(h)
}

// Records finds the places of a table's record tags without building them.
type Records struct{ head hashState }

// RecordsOf is for the records of one table.
func RecordsOf(scope, table string) Records {
	return Records{Tag{Kind: KindRecord, Scope: scope, Name: table}.head()}
}

// Slot finds the place of the tag Record(scope, table, record).
func (r Records) Slot(s *Stamps, record []byte) Slot {
	return Slot(mixText(r.head, record).finish() & s.mask)
}
