package tiered

// Guarded is a tier of somebody else's: a panic in it costs a query nothing but
// the cache. After a panic Get has found nothing, and Set has stored nothing.
// Range, Delete and Clear, which a query does without or by which somebody
// invalidates, panic as they did: who invalidates must know.
type Guarded struct {
	Local
	// Told is called with what the tier was doing and what it panicked with.
	Told func(doing string, panicked any)
}

// Get is Local.Get.
func (g *Guarded) Get(key []byte) (e *Entry, ok bool) {
	defer func() {
		if v := recover(); v != nil {
			g.Told("get", v)
			e, ok = nil, false
		}
	}()
	return g.Local.Get(key)
}

// Set is Local.Set.
func (g *Guarded) Set(key string, e *Entry) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			g.Told("set", v)
			ok = false
		}
	}()
	return g.Local.Set(key, e)
}

func (g *Guarded) discard(key []byte) {
	defer func() {
		if v := recover(); v != nil {
			g.Told("delete", v)
		}
	}()
	g.Local.Delete(key)
}
