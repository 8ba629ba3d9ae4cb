package tiered

import "sync"

// refreshes are the readings in the background that are under way, by key.
type refreshes struct {
	mu sync.Mutex
	m  map[string]bool
}

// Refreshing notes that the caller is going to read key in the background, and
// tells whether nobody else does. The caller must call done when it has ended.
func (c *Cache) Refreshing(key []byte) (done func(), first bool) {
	r := &c.refreshes
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m[string(key)] {
		return nil, false
	}
	if r.m == nil {
		r.m = make(map[string]bool)
	}
	k := string(key)
	r.m[k] = true
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.m, k)
	}, true
}
