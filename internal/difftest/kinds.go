package difftest

// kind is one sort of operation.
type kind struct {
	name   string
	weight int // how often it is drawn, in proportion
	run    func(*scene, draw)

	// write: may change the database, so it is never run more often than the program says.
	write bool
	// shape: changes columns of tables, which statements prepared before do not follow in the same
	// way on both sides.
	shape bool
	// holds: a cache cannot see when the write is over, so for a long time after it, it may refuse what the write touched.
	// Such operations are in some programs only.
	holds bool
	// byKey: reads or writes records by their keys.
	byKey bool
	// space is how many variants are drawn; few, so that reads come again.
	space int
	// group is how many seeds in a row belong together: where one is read often, so are others of its group.
	group int
}

// kinds are all sorts of operations of the sequential programs.
func kinds() []kind { return append(append([]kind(nil), reads...), writes...) }

var reads = []kind{
	{name: "read.one", weight: 14, run: readOne, space: 60},
	{name: "read.many", weight: 12, run: readMany, space: 60},
	{name: "read.count", weight: 4, run: readCount, space: 20},
	{name: "read.pluck", weight: 4, run: readPluck, space: 20},
	{name: "read.batches", weight: 2, run: readBatches, space: 10},
	{name: "read.scan", weight: 5, run: readScan, space: 30},
	{name: "read.row", weight: 2, run: readRow, space: 10},
	{name: "read.rows", weight: 4, run: readRows, space: 20},
	{name: "read.raw", weight: 6, run: readRaw, space: 30},
	{name: "read.view", weight: 3, run: readView, space: 10},
	{name: "read.again", weight: 4, run: readAgain, space: 20},
	{name: "read.everything", weight: 10, run: readEverything, space: 50},
	{name: "read.keys", weight: 6, run: readKeys, space: 40},
	{name: "read.preload", weight: 8, run: readPreload, space: 40},
	{name: "read.joins", weight: 6, run: readJoins, space: 40},
	{name: "read.generics", weight: 4, run: readGenerics, space: 30},
	{name: "read.failing", weight: 3, run: readFailing, space: 20},
	{name: "read.args", weight: 5, run: readArgs, space: len(alike), group: 4},
	{name: "read.variant", weight: 18, run: readVariant, space: 20 * variants, group: variants},
	{name: "read.viewer", weight: 4, run: readAsViewer, space: 6 * viewers, group: viewers},
	{name: "read.scratch", weight: 2, run: readScratch, space: 6},
	{name: "read.keeper", weight: 1, run: readKeeper, space: 2},
	{name: "read.bykey", weight: 20, run: readByKey, space: 1000, byKey: true},
}

var writes = []kind{
	{name: "write.create", weight: 8, run: writeCreate, write: true},
	{name: "write.save", weight: 5, run: writeSave, write: true},
	{name: "write.update", weight: 12, run: writeUpdate, write: true},
	{name: "write.delete", weight: 7, run: writeDelete, write: true},
	{name: "write.upsert", weight: 5, run: writeUpsert, write: true},
	{name: "write.firstor", weight: 4, run: writeFirstOr, write: true},
	{name: "write.returning", weight: 4, run: writeReturning, write: true},
	{name: "write.association", weight: 8, run: writeAssociation, write: true},
	{name: "write.raw", weight: 10, run: writeRaw, write: true},
	{name: "write.pool", weight: 2, run: writePool, write: true, holds: true},
	{name: "write.overlap", weight: 4, run: writeOverlap, write: true},
	{name: "write.foreign", weight: 2, run: writeForeign, write: true, holds: true},
	{name: "write.transaction", weight: 10, run: writeTransaction, write: true},
	{name: "write.bykey", weight: 12, run: writeByKey, write: true, byKey: true},
	{name: "write.bykey.raw", weight: 6, run: writeByKeyRaw, write: true, byKey: true},
	{name: "write.bykey.upsert", weight: 5, run: writeByKeyUpsert, write: true, byKey: true},
	{name: "write.bykey.moves", weight: 3, run: writeByKeyMoves, write: true, byKey: true},
	{name: "write.bykey.beside", weight: 3, run: writeByKeyBeside, write: true, byKey: true},
	{name: "write.scratch", weight: 2, run: writeScratch, write: true},
	{name: "write.schema", weight: 1, run: writeSchema, write: true, shape: true},
}

// withPlugin are steps of programs whose plugin is drawn too.
var withPlugin = []kind{
	{name: pluginStep, run: func(*scene, draw) {}},
	{name: "byhand", run: byHand},
}

// What transactions are made of; set in init, since a transaction is an operation itself.
var inTransaction, readsInTransaction []kind

func init() {
	for _, k := range writes {
		switch k.name {
		case "write.transaction", "write.schema", "write.scratch", "write.foreign":
		default:
			inTransaction = append(inTransaction, k)
		}
	}
	readsInTransaction = reads
}

// fits reports whether programs may have the operation, where statements are prepared or not.
func (k kind) fits(prepared bool) bool { return !k.shape || !prepared }
