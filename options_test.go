package querycache

import (
	"testing"

	"gorm.io/gorm"
)

// A hit allocates its copy and nothing else, so the options of a query that
// has none must cost nothing.
func TestOptionsOfAQueryWithoutAnyAllocateNothing(t *testing.T) {
	ctx := t.Context()
	var found *options
	allocs := testing.AllocsPerRun(100, func() {
		stmt := &gorm.Statement{Context: ctx} // anew each time: what allocates does so once
		found = optionsOf(stmt)
	})
	if allocs > 1 { // the statement itself
		t.Errorf("%v allocations, want that of the statement", allocs)
	}
	if found != noOptions {
		t.Errorf("options %+v, want none", found)
	}
}

func TestOptionsAreFoundAmongOtherSettings(t *testing.T) {
	stmt := &gorm.Statement{Context: t.Context()}
	stmt.Settings.Store("somebody's", 1)
	if got := optionsOf(stmt); got != noOptions {
		t.Errorf("options %+v, want none", got)
	}
	stmt.Settings.Store(settingsKey, &options{skip: true})
	if got := optionsOf(stmt); !got.skip {
		t.Errorf("options %+v, want skip", got)
	}
}
