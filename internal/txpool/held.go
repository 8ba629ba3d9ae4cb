package txpool

// Held is what keeps tags pending for longer than a statement takes.
type Held struct {
	// Pinned is how many slots are pending for good, because statements that
	// write them are run where nobody sees it.
	Pinned int
	// Foreign is how many transactions that were begun past the gate have
	// written and were not yet found to be over.
	Foreign int
	// Raw is how many transactions begun by raw SQL on the pool are open.
	Raw int
}

// Held tells what is held now.
func (g *Gate) Held() (h Held) {
	g.pinnedMu.Lock()
	h.Pinned = len(g.pinned)
	g.pinnedMu.Unlock()
	g.foreignMu.Lock()
	h.Foreign = len(g.foreign)
	g.foreignMu.Unlock()
	g.rawMu.Lock()
	h.Raw = len(g.rawTxs)
	g.rawMu.Unlock()
	return h
}
