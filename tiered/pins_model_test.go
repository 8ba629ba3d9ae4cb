package tiered

import (
	"math/rand/v2"
	"testing"
)

// What the scenes are made of.
var (
	of1, of2, ofBoth, ofAll = []row{row1}, []row{row2}, []row{row1, row2}, []row(nil)

	update1, update2 = change{"update", row1}, change{"update", row2}
	insert1, insert2 = change{"insert", row1}, change{"insert", row2}
	delete1, delete2 = change{"delete", row1}, change{"delete", row2}
	insertOther      = change{"insert", others}
	bulk             = change{"bulk", others}
)

func writes(w ...[]change) [][]change    { return w }
func one(c ...change) []change           { return c }
func reads(r ...pinnedRead) []pinnedRead { return r }

// TestPinsHold goes through every interleaving of small scenes.
func TestPinsHold(t *testing.T) {
	for name, s := range map[string]pinScene{
		"an update of the record": {
			writers: writes(one(update1)),
			readers: reads(pinnedRead{of1, 1}, pinnedRead{of1, 1}, pinnedRead{ofAll, 1}),
		},
		"updates of both records": {
			writers: writes(one(update1), one(update2)), readers: reads(pinnedRead{of1, 1}, pinnedRead{of1, 1}),
		},
		"an update, read twice": {
			writers: writes(one(update1)), readers: reads(pinnedRead{of1, 2}, pinnedRead{ofAll, 2}),
		},
		"an insert of what was lacking": {
			absent: of1, writers: writes(one(insert1)),
			readers: reads(pinnedRead{of1, 1}, pinnedRead{of1, 1}, pinnedRead{ofAll, 1}),
		},
		"an insert of what was lacking, read twice": {
			absent: of1, writers: writes(one(insert1)), readers: reads(pinnedRead{of1, 2}, pinnedRead{of1, 2}),
		},
		"the key is used again": {
			writers: writes(one(delete1, insert1)), readers: reads(pinnedRead{of1, 2}, pinnedRead{of1, 1}),
		},
		"the key is used again and the record updated": {
			writers: writes(one(delete1, insert1), one(update1)), readers: reads(pinnedRead{of1, 2}), backward: true,
		},
		"one deletes, one inserts": {
			writers: writes(one(delete1), one(insert1)), readers: reads(pinnedRead{of1, 1}, pinnedRead{of1, 1}),
		},
		"unknown records": {
			writers: writes(one(bulk)), readers: reads(pinnedRead{of1, 2}, pinnedRead{of1, 1}, pinnedRead{ofAll, 1}),
		},
		"unknown records, and an insert": {
			absent: of1, writers: writes(one(insert1, bulk)), readers: reads(pinnedRead{of1, 2}, pinnedRead{of1, 1}),
		},
		"two records at once": {
			absent: of2, writers: writes(one(insert2, update1)), readers: reads(pinnedRead{ofBoth, 2}, pinnedRead{of1, 1}),
		},
		"two records at once, of which one goes": {
			writers: writes(one(delete2, insert2)), readers: reads(pinnedRead{ofBoth, 2}, pinnedRead{ofBoth, 1}),
		},
	} {
		t.Run(name, func(t *testing.T) { s.holds(t) })
	}
}

func (s pinScene) holds(t *testing.T) {
	t.Parallel()
	if underRace {
		if violation := wander(s.build, 1, 500); violation != "" {
			t.Error(violation)
		}
		return
	}
	states, violation := explore(s.build)
	if violation != "" {
		t.Error(violation)
	}
	if states < 1000 {
		t.Errorf("only %d states: the scene is not played", states)
	}
	t.Logf("%d states", states)
}

// TestPinsPay: a write to other records, as an update, an insert or a deletion,
// leaves what is cached of record 1 valid at every moment, and what was read of
// it is stored, whatever it falls between.
func TestPinsPay(t *testing.T) {
	for name, s := range map[string]pinScene{
		"an update":   {writers: writes(one(update2)), readers: reads(pinnedRead{of1, 2}, pinnedRead{of1, 2})},
		"two updates": {writers: writes(one(update2), one(update2)), readers: reads(pinnedRead{of1, 1}, pinnedRead{of1, 1})},
		"an insert":   {writers: writes(one(insertOther)), readers: reads(pinnedRead{of1, 2}, pinnedRead{of1, 1}, pinnedRead{of1, 1})},
		"a deletion and an insert": {
			writers: writes(one(delete2, insert2)), readers: reads(pinnedRead{of1, 1}, pinnedRead{of1, 1}),
		},
	} {
		s.pays = true
		t.Run(name, func(t *testing.T) { s.holds(t) })
	}
}

// TestPinsCatch plants mistakes; each must be caught.
func TestPinsCatch(t *testing.T) {
	const often = 2
	three := reads(pinnedRead{of1, 1}, pinnedRead{of1, 1}, pinnedRead{of1, 1})
	for name, s := range map[string]pinScene{
		"kept narrow though the record was lacking": {
			pinPlant: pinPlant{narrowAbsent: true}, absent: of1, writers: writes(one(insert1)), readers: reads(pinnedRead{of1, often}),
		},
		"kept narrow though the record was deleted": {
			pinPlant: pinPlant{narrowAbsent: true}, writers: writes(one(delete1, insert1)), readers: reads(pinnedRead{of1, often}),
		},
		"kept narrow though one of two was lacking": {
			pinPlant: pinPlant{narrowSome: true}, absent: of2, writers: writes(one(insert2)), readers: reads(pinnedRead{ofBoth, often}),
		},
		"the set is not sampled": {
			pinPlant: pinPlant{noSet: true}, absent: of1, writers: writes(one(insert1)), readers: reads(pinnedRead{of1, often}),
		},
		"an insert does not touch the set": {
			pinPlant: pinPlant{insertNoSet: true}, writers: writes(one(insertOther)), readers: reads(pinnedRead{ofAll, often}),
		},
		"an insert does not touch the set, and a key is used again": {
			pinPlant: pinPlant{insertNoSet: true}, writers: writes(one(delete1, insert1)),
			readers: reads(pinnedRead{of1, 1}, pinnedRead{ofAll, often}),
		},
		"an update does not touch the set": {
			pinPlant: pinPlant{updateNoSet: true}, writers: writes(one(update1)), readers: reads(pinnedRead{ofAll, often}),
		},
		"an update does not touch the record": {
			pinPlant: pinPlant{updateNoRow: true}, writers: writes(one(update1)), readers: reads(pinnedRead{of1, often}),
		},
		"a deletion does not touch the record": {
			pinPlant: pinPlant{deleteNoRow: true}, writers: writes(one(delete1)), readers: reads(pinnedRead{of1, often}),
		},
		"a write to unknown records does not touch the table": {
			pinPlant: pinPlant{bulkNoTable: true}, writers: writes(one(bulk)), readers: reads(pinnedRead{of1, often}),
		},
		"stored and served while pending": {
			pinPlant: pinPlant{usePending: true}, writers: writes(one(update1)), readers: three,
		},
		"what lacks its record is stored while the set is pending": {
			pinPlant: pinPlant{wideByCore: true}, absent: of1, writers: writes(one(insert1)), readers: three,
		},
		"flights joined under equal cores": {
			pinPlant: pinPlant{joinByCore: true}, absent: of1, writers: writes(one(insert1)), readers: three,
		},
		"sample after the read": {
			pinPlant: pinPlant{lateSample: true}, writers: writes(one(update1)), readers: reads(pinnedRead{of1, often}),
		},
		"completed before the commit": {
			pinPlant: pinPlant{completeEarly: true}, writers: writes(one(update1)), readers: reads(pinnedRead{of1, often}),
		},
		"completed before the commit, of an insert": {
			pinPlant: pinPlant{completeEarly: true}, absent: of1, writers: writes(one(insert1)), readers: reads(pinnedRead{of1, often}),
		},
		"it would not pay if updates were of unknown records": {
			pays: true, writers: writes(one(bulk)), readers: reads(pinnedRead{of1, 1}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, violation := explore(s.build); violation == "" {
				t.Error("not caught")
			} else {
				t.Log(violation)
			}
		})
	}
}

// TestPinsWander takes random paths through a scene too large to exhaust.
func TestPinsWander(t *testing.T) {
	seed := rand.Uint64()
	s := pinScene{
		absent:  of2,
		writers: writes(one(update1, delete1, insert1), one(insert2, update2, delete2), one(bulk, insertOther, update1)),
		readers: reads(pinnedRead{of1, 3}, pinnedRead{of1, 3}, pinnedRead{of2, 3}, pinnedRead{ofBoth, 3}, pinnedRead{ofBoth, 2}, pinnedRead{ofAll, 3}),
	}
	if violation := wander(s.build, seed, 2000); violation != "" {
		t.Errorf("seed %d: %s", seed, violation)
	}
}
