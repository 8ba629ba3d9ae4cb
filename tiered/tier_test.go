package tiered

// mapTier is the least that a tier can be; one goroutine at a time.
type mapTier map[string]*Entry

func (m mapTier) Get(key []byte) (*Entry, bool) { e, ok := m[string(key)]; return e, ok }

func (m mapTier) Set(key string, e *Entry) bool { m[key] = e; return true }

func (m mapTier) Range(f func(string, *Entry) bool) {
	for k, e := range m {
		if !f(k, e) {
			return
		}
	}
}

func (m mapTier) Delete(key []byte) bool {
	_, ok := m[string(key)]
	delete(m, string(key))
	return ok
}

func (m mapTier) Clear() int {
	n := len(m)
	clear(m)
	return n
}
