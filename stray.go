package querycache

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/internal/catalog"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/internal/txpool"
)

var errStray = errors.New("the connection pool is not known to the plugin")

// strayGate is the write protocol of pools that a session brought along and
// nobody installed the plugin on. They may reach any database of the process,
// so a write to one touches everything.
func (b *binding) strayGate() *txpool.Gate {
	p := b.plugin
	dialect := sqlscan.Unknown
	if b.home != nil {
		dialect = b.home.analyzer().Dialect()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.strays[dialect] == nil {
		if p.strays == nil {
			p.strays = make(map[sqlscan.Dialect]*txpool.Gate)
		}
		p.strays[dialect] = txpool.NewGate(txpool.Options{
			Analyzer: analysis.New(dialect, p.scan, p.stamps, catalog.Unknown(errStray), "", "stray"),
			Stamps:   p.stamps,
			Hold:     p.cfg.OutcomeHold,
			Reload:   func(context.Context, gorm.ConnPool) error { return nil },
			Replayer: p.replayer,
		})
	}
	return p.strays[dialect]
}
