package tiered

// mapTier is the least that a tier can be; one goroutine at a time.
type mapTier map[string]*Entry

func (m mapTier) Get(aKey []byte) (*Entry, bool) { e, ok := m[string(aKey)]; return e, ok }

func (m mapTier) Set(aKey string, e *Entry) bool { m[aKey] = e; return true }

func (m mapTier) Range(f func(string, *Entry) bool) {
	for k, e := range m {
		if !f(k, e) {
			return
		}
	}
}

func (m mapTier) Delete(aKey []byte) bool {
	_, ok := m[string(aKey)]
	delete(m, string(aKey))
	return ok
}

func (m mapTier) Clear() int {
	n := len(m)
	clear(m)
	return n
}
