package txpool

import "context"

// catchUpSoon has the catalog read again in the background, since the schema was
// changed through another pool: who asked may hold the only connection. A replica
// is given the time that it may lag behind. Nothing is read or written under the
// old catalog meanwhile, and what was cached under it died with the change, so
// that no mark is needed.
func (g *Gate) catchUpSoon() {
	if g.Lag == 0 {
		g.catchUpNow()
		return
	}
	if g.late.CompareAndSwap(false, true) {
		g.After(g.Lag, func() {
			g.late.Store(false)
			g.catchUpNow()
		})
	}
}

func (g *Gate) catchUpNow() {
	if !g.catchingUp.TryLock() {
		return // if that came too early, it is asked for again
	}
	go func() {
		defer g.catchingUp.Unlock()
		if g.Analyzer.Stale() {
			_ = g.reload(context.Background(), nil) // then nothing is cached, and the operator was told
		}
	}()
}
