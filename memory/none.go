package memory

// None is a cache that stores nothing and finds nothing, so that every read goes to the next tier.
// The zero value is ready for use.
type None[V Value] struct{}

// Get finds nothing.
func (None[V]) Get([]byte) (v V, ok bool) { return v, false }

// Set stores nothing and returns false. It does not count as a rejection.
func (None[V]) Set(string, V) bool { return false }

// Delete returns false: there was no entry.
func (None[V]) Delete([]byte) bool { return false }

// DeleteIf returns false and does not call f.
func (None[V]) DeleteIf([]byte, func(V) bool) bool { return false }

// Range does not call f.
func (None[V]) Range(func(string, V) bool) {}

// Len returns 0.
func (None[V]) Len() int { return 0 }

// Bytes returns 0.
func (None[V]) Bytes() int64 { return 0 }

// Clear returns 0.
func (None[V]) Clear() int { return 0 }

// Stats returns zeros.
func (None[V]) Stats() Stats { return Stats{} }

// Close does nothing.
func (None[V]) Close() {}
