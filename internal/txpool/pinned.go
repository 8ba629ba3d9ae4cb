package txpool

import (
	"strings"

	"github.com/gorm-querycache/querycache/invalidation"
)

// maxTexts bounds the texts remembered of statements that nobody sees run.
const maxTexts = 1024

// prepared notes a statement whose runs nobody will see: what it writes is
// pending from now on, for good.
func (g *Gate) prepared(query string) {
	p := g.Analyzer.Plan(query)
	if !p.IsWrite() {
		return
	}
	g.pinnedMu.Lock()
	if g.texts == nil {
		g.texts = make(map[string]bool)
	}
	if len(g.texts) < maxTexts {
		g.texts[strings.Clone(query)] = true
	} else if !g.texts[query] {
		g.pin(g.Analyzer.All())
	}
	if !p.Stale {
		g.pin(p.Writes)
	} else if g.passing == nil { // everything, until it is known what it writes
		g.passing = p.Writes
		g.Stamps.Intent(g.passing)
	}
	g.pinnedMu.Unlock()
	if g.Analyzer.Changed(p) {
		g.repin()
	}
}

// pin marks slots pending once, however often it is asked: marks are counted
// in few bits. The caller holds pinnedMu.
func (g *Gate) pin(slots []invalidation.Slot) {
	for _, n := range slots {
		if g.pinned[n] {
			continue
		}
		if g.pinned == nil {
			g.pinned = make(map[invalidation.Slot]bool)
		}
		g.pinned[n] = true
		g.Stamps.Intent([]invalidation.Slot{n})
	}
}

// repin plans the remembered texts anew: under another catalog they may write
// more tables.
func (g *Gate) repin() {
	g.pinnedMu.Lock()
	defer g.pinnedMu.Unlock()
	known := true
	for text := range g.texts {
		if p := g.Analyzer.Plan(text); p.Stale {
			known = false
		} else {
			g.pin(p.Writes)
		}
	}
	if known && g.passing != nil {
		g.Stamps.Complete(g.passing)
		g.passing = nil
	}
}
