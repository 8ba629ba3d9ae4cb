package bench

import "math/rand/v2"

// The mix of reads and writes whose hit rate is measured: a few records are
// asked for most of the time, as in a shop or a forum.
const (
	// zipfSkew is the exponent of the distribution: the nth most wanted record
	// is asked for about 1/n^1.1 times as often as the first.
	zipfSkew = 1.1
	// baskets is how many groups of records are asked for together.
	baskets = 2_000
	// pages is how many places there are to read a page from.
	pages = 500
	// perPage is how many records are on one.
	perPage = 20
)

// zipfKind is what an operation of the mix does.
type zipfKind uint8

const (
	byKey       zipfKind = iota // First by key: 80 % of the reads
	byKeys                      // Find of 2 to 5 keys: 10 %
	ofCategory                  // the records of a category: 5 %
	aPage                       // the 20 records after some key: 5 %
	updateOne                   // a column by key: the rest of the writes
	insertOne                   // 5 % of the writes
	deleteOne                   // by key: 5 %
	updateWhole                 // a column of a category: 2 % or none
	zipfKinds
)

// operation is one read or write.
type operation struct {
	kind zipfKind
	ids  []int64 // the keys; of ofCategory and updateWhole the category
}

func (o operation) reads() bool { return o.kind < updateOne }

// zipfMix is so many operations, writes percent of which are writes, and bulk
// percent of these of whole categories. It is the same each time.
func zipfMix(n, writes, bulk int) []operation {
	dice := rand.New(rand.NewPCG(2026, uint64(writes)))
	wanted := dice.Perm(items) // which records are wanted most has nothing to do with their keys
	key := rand.NewZipf(dice, zipfSkew, 1, items-1)
	id := func() int64 { return int64(wanted[key.Uint64()]) + 1 }

	groups := make([][]int64, baskets)
	for i := range groups {
		seen := map[int64]bool{}
		for want := 2 + dice.IntN(4); len(groups[i]) < want; {
			if one := id(); !seen[one] {
				seen[one] = true
				groups[i] = append(groups[i], one)
			}
		}
	}
	group := rand.NewZipf(dice, zipfSkew, 1, baskets-1)
	place := rand.NewZipf(dice, zipfSkew, 1, pages-1)

	mix := make([]operation, n)
	for i := range mix {
		o := &mix[i]
		if dice.IntN(100) >= writes {
			switch share := dice.IntN(100); {
			case share < 80:
				o.kind, o.ids = byKey, []int64{id()}
			case share < 90:
				o.kind, o.ids = byKeys, groups[group.Uint64()]
			case share < 95:
				o.kind, o.ids = ofCategory, []int64{(id() - 1) / perCategory}
			default:
				o.kind, o.ids = aPage, []int64{int64(place.Uint64()) * perPage}
			}
			continue
		}
		switch share := dice.IntN(100); {
		case share < bulk:
			o.kind, o.ids = updateWhole, []int64{(id() - 1) / perCategory}
		case share < bulk+5:
			o.kind = insertOne
		case share < bulk+10:
			o.kind, o.ids = deleteOne, []int64{1 + dice.Int64N(items)} // no favourites
		default:
			o.kind, o.ids = updateOne, []int64{id()}
		}
	}
	return mix
}
