package txpool

import (
	"context"
	"database/sql"
	"errors"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/invalidation"
)

// foreignTx is a transaction that the user began on database/sql and handed
// to GORM. Its commit is not seen, so what it writes stays pending until it
// is over.
type foreignTx struct {
	slots      []invalidation.Slot
	structural bool
}

// noteForeign marks slots until tx is over. whole are those to mark instead
// once the transaction has touched record after record.
func (g *Gate) noteForeign(tx *sql.Tx, p *analysis.Plan, slots, whole []invalidation.Slot) {
	g.Sweep() // so that a program that only writes keeps no list of ended ones
	g.foreignMu.Lock()
	defer g.foreignMu.Unlock()
	f := g.foreign[tx]
	if f == nil {
		f = &foreignTx{}
		if g.foreign == nil {
			g.foreign = make(map[*sql.Tx]*foreignTx)
		}
		g.foreign[tx] = f
	}
	f.structural = f.structural || p.Structural
	if len(f.slots) > manyRecords {
		slots = whole
	}
	for _, n := range slots {
		if !contains(f.slots, n) {
			g.Stamps.Intent([]invalidation.Slot{n})
			f.slots = append(f.slots, n)
		}
	}
}

func contains(slots []invalidation.Slot, n invalidation.Slot) bool {
	for _, have := range slots {
		if have == n {
			return true
		}
	}
	return false
}

// Sweep looks for foreign transactions that are over. A reader that found a
// tag pending calls it; the looking is done in the background, since asking a
// transaction may wait for the statement that runs in it.
func (g *Gate) Sweep() {
	g.foreignMu.Lock()
	some := len(g.foreign) > 0
	g.foreignMu.Unlock()
	if !some || !g.sweeping.TryLock() {
		return
	}
	go func() {
		defer g.sweeping.Unlock()
		g.sweep()
	}()
}

func (g *Gate) sweep() {
	g.foreignMu.Lock()
	open := make([]*sql.Tx, 0, len(g.foreign))
	for tx := range g.foreign {
		open = append(open, tx)
	}
	g.foreignMu.Unlock()
	for _, tx := range open {
		if !over(tx) {
			continue
		}
		g.foreignMu.Lock()
		f := g.foreign[tx]
		delete(g.foreign, tx)
		g.foreignMu.Unlock()
		if f == nil {
			continue
		}
		// 1. Commit marks the transaction done. 2. We see it done. 3. A
		// reader fills the cache with the old rows. 4. COMMIT reaches the
		// database. So being done settles nothing yet: the marks stay for the
		// hold time, as after any outcome that is not known.
		g.After(g.Hold, func() {
			if f.structural {
				_ = g.reload(context.Background(), nil) // then nothing is cached
				g.Analyzer.SchemaChanged()
			}
			g.Stamps.Complete(f.slots)
		})
	}
}

// over asks a transaction whether it has ended, without I/O: adopting a
// statement of another database fails with sql.ErrTxDone after the end and
// with another error before it.
func over(tx *sql.Tx) bool {
	stmt := tx.StmtContext(context.Background(), new(sql.Stmt))
	return errors.Is(stmt.Close(), sql.ErrTxDone)
}
