package analysis

import (
	"sync"
	"sync/atomic"
)

const (
	// maxTextBytes bounds the texts and plans of one generation; a program whose texts
	// outgrow it (literals written into SQL) starts a new one.
	maxTextBytes = 4 << 20
	// maxTextLen is the longest text kept; longer ones are scanned each time.
	maxTextLen = 64 << 10
	// planOverhead is about what a plan and its map slot take beside the text
	// and the tables, each of which takes a string and a slot.
	planOverhead = 512
	perTable     = 20
)

func weight(text string, p *Plan) int {
	return len(text) + planOverhead + perTable*(max(len(p.Tables), len(p.Reads))+max(len(p.Written), len(p.Writes)))
}

// textCache keeps plans by text: a map that is read without a lock, and a
// younger one under a lock that takes its place once it was asked for often
// enough (the scheme of sync.Map as Go 1.9 had it, without its boxing of
// keys). The zero value is ready. Each entry is bounded and the sum is, too.
type textCache struct {
	clean  atomic.Pointer[map[string]*Plan]
	mu     sync.Mutex
	dirty  map[string]*Plan // all of clean and more, or nil
	missed int
	bytes  int
}

func (c *textCache) get(text string) *Plan {
	if m := c.clean.Load(); m != nil {
		if p, ok := (*m)[text]; ok {
			return p
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.dirty[text]
	if !ok {
		return nil
	}
	c.missed++
	if c.missed >= len(c.dirty) {
		c.promote()
	}
	return p
}

// promote publishes dirty; from then on it must not be written.
func (c *textCache) promote() {
	m := c.dirty
	c.clean.Store(&m)
	c.dirty, c.missed = nil, 0
}

func (c *textCache) put(text string, p *Plan) {
	if len(text) > maxTextLen {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	w := weight(text, p)
	c.bytes += w
	if c.bytes > maxTextBytes {
		c.clean.Store(nil)
		c.dirty, c.missed, c.bytes = nil, 0, w
	}
	if c.dirty == nil {
		old := c.clean.Load()
		if old == nil {
			c.dirty = make(map[string]*Plan)
		} else {
			c.dirty = make(map[string]*Plan, 2*len(*old)+1)
			for k, v := range *old {
				c.dirty[k] = v
			}
		}
	}
	c.dirty[text] = p
}
