package memory

import "time"

// What follows changes which items there are. c.mu is held, unless a comment says otherwise.

// drop takes an item out and reports whether the store held it. In a shared cache mu is let go of
// meanwhile: deleting calls OnEvicted, which may call the GoCache.
func (c *GoCache[V]) drop(it *item[place]) bool {
	holds := !c.shared || c.holds(it)
	c.detach(it)
	if !c.shared {
		c.store.Delete(it.key)
	} else if holds {
		c.leaving[it.key]++
		c.mu.Unlock()
		defer func() { // OnEvicted may panic
			c.mu.Lock()
			if c.leaving[it.key]--; c.leaving[it.key] == 0 {
				delete(c.leaving, it.key)
			}
		}()
		c.store.Delete(it.key)
	}
	return holds
}

// holds tells whether the store still has the item: the program may have removed it from a cache
// that it shares.
func (c *GoCache[V]) holds(it *item[place]) bool {
	h := c.under(it.key)
	return h != nil && h.item == it
}

// detach takes an item out of the books. From then on nobody finds it, even if the store has it.
func (c *GoCache[V]) detach(it *item[place]) {
	at, last := it.value.Swap(gone), len(c.all)-1
	moved := c.all[last]
	c.all[last] = nil
	c.all = c.all[:last]
	if moved != it {
		c.all[at] = moved
		moved.value.Store(at)
	}
	c.schedule.remove(it)
	c.bytes.Add(-it.bytes)
}

// deleteItem removes an item unless somebody else has. It is called without mu.
func (c *GoCache[V]) deleteItem(it *item[place]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return it.value.Load() != gone && c.drop(it)
}

// expire removes an item whose time has passed. It is called without mu.
func (c *GoCache[V]) expire(it *item[place]) {
	if c.deleteItem(it) {
		c.expirations.Add(1)
	}
}

// sweep removes a few items whose time has passed.
func (c *GoCache[V]) sweep(now time.Time) {
	var out [sweepBatch]*item[place]
	for _, it := range out[:c.schedule.due(now, out[:])] {
		if it.value.Load() != gone && c.drop(it) {
			c.expirations.Add(1)
		}
	}
}

// tidy looks after so many items, going on where it stopped: those whose time has passed are removed,
// those that the program has removed from its cache are taken out of the books. It goes from the end of
// the list to its start: what detach moves, from the end to a gap, it has seen in this round. So it comes
// to every item in this round or the next.
func (c *GoCache[V]) tidy(n int, now time.Time) {
	for range min(n, len(c.all)) {
		if c.next = min(c.next, len(c.all)); c.next == 0 {
			c.next = len(c.all)
		}
		if c.next == 0 {
			return // drop had let go of mu
		}
		c.next--
		switch it := c.all[c.next]; {
		case it.expiredAt(now):
			if c.drop(it) {
				c.expirations.Add(1)
			}
		case c.shared && !c.holds(it):
			c.detach(it)
		}
	}
}
