package analysis

import "github.com/gorm-querycache/querycache/invalidation"

// identity says which database this is.
type identity struct {
	// scopes name the database: by what it says of itself, and by the group
	// of replicated databases that it was put in. Reads depend on all of
	// them, writes touch all of them.
	scopes []string
	// known is false if the database did not say who it is: then it may be
	// one that another pool knows, and its writes reach everything.
	known bool
	// all are the slots of a write of unknown extent, reads those that each
	// read depends on whatever its tables.
	all, reads []invalidation.Slot

	counters []*schemaCounter // of the schema's changes, by scope
}

func newIdentity(stamps *invalidation.Stamps, scopes []string, known bool) identity {
	id := identity{scopes: scopes, known: known, counters: schemaCounters(scopes)}
	everything := stamps.Slot(invalidation.Everything())
	tags := make([]invalidation.Tag, len(scopes))
	for i, s := range scopes {
		tags[i] = invalidation.Database(s)
	}
	id.all = stamps.Slots(tags)
	id.reads = append([]invalidation.Slot{everything}, id.all...)
	if !known {
		id.all = id.reads
	}
	return id
}

// tags makes one tag for each table in each scope.
func tags(scopes, tables []string, of func(scope, table string) invalidation.Tag) []invalidation.Tag {
	out := make([]invalidation.Tag, 0, len(scopes)*len(tables))
	for _, s := range scopes {
		for _, t := range tables {
			out = append(out, of(s, t))
		}
	}
	return out
}
