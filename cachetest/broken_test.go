package cachetest

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/gorm-querycache/querycache/tiered"
)

// broken is a tier with methods that replace those of a plain one. What is nil is not replaced.
type broken struct {
	*plain
	get       func(key []byte) (*tiered.Entry, bool)
	set       func(key string, e *tiered.Entry) bool
	rangeOver func(f func(key string, e *tiered.Entry) bool)
	del       func(key []byte) bool
	clear     func() int
	len       func() int
	bytes     func() int64
	close     func()
}

func (b *broken) Get(key []byte) (*tiered.Entry, bool) {
	if b.get != nil {
		return b.get(key)
	}
	return b.plain.Get(key)
}

func (b *broken) Set(key string, e *tiered.Entry) bool {
	if b.set != nil {
		return b.set(key, e)
	}
	return b.plain.Set(key, e)
}

func (b *broken) Range(f func(key string, e *tiered.Entry) bool) {
	if b.rangeOver != nil {
		b.rangeOver(f)
		return
	}
	b.plain.Range(f)
}

func (b *broken) Delete(key []byte) bool {
	if b.del != nil {
		return b.del(key)
	}
	return b.plain.Delete(key)
}

func (b *broken) Clear() int {
	if b.clear != nil {
		return b.clear()
	}
	return b.plain.Clear()
}

func (b *broken) Len() int {
	if b.len != nil {
		return b.len()
	}
	return b.plain.Len()
}

func (b *broken) Bytes() int64 {
	if b.bytes != nil {
		return b.bytes()
	}
	return b.plain.Bytes()
}

func (b *broken) Close() {
	if b.close != nil {
		b.close()
		return
	}
	b.plain.Close()
}

// keyed makes a tier that uses another key in place of the one it is given.
func keyed(change func(string) string) func(b *broken) {
	return func(b *broken) {
		b.get = func(key []byte) (*tiered.Entry, bool) { return b.plain.Get([]byte(change(string(key)))) }
		b.set = func(key string, e *tiered.Entry) bool { return b.plain.Set(change(key), e) }
		b.del = func(key []byte) bool { return b.plain.Delete([]byte(change(string(key)))) }
	}
}

// stillThere gets whatever is stored, if keep says so.
func stillThere(b *broken, keep func(e *tiered.Entry) bool) {
	b.get = func(key []byte) (*tiered.Entry, bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		e, ok := b.m[string(key)]
		if !ok || !keep(e) {
			return nil, false
		}
		return e, true
	}
}

// copying makes a tier that copies its map for each change, without a lock: changes that others make
// meanwhile are lost.
func copying(b *broken) {
	var m atomic.Pointer[map[string]*tiered.Entry]
	m.Store(&map[string]*tiered.Entry{})
	change := func(f func(m map[string]*tiered.Entry)) {
		next := maps.Clone(*m.Load())
		f(next)
		runtime.Gosched()
		m.Store(&next)
	}
	b.get = func(key []byte) (*tiered.Entry, bool) { e, ok := (*m.Load())[string(key)]; return e, ok }
	b.set = func(key string, e *tiered.Entry) bool {
		change(func(m map[string]*tiered.Entry) { m[key] = e })
		return true
	}
	b.del = func(key []byte) (ok bool) {
		change(func(m map[string]*tiered.Entry) { _, ok = m[string(key)]; delete(m, string(key)) })
		return ok
	}
}

// TestBrokenTiersAreCaught plants a fault in a tier that has none; the check that is named must find it.
func TestBrokenTiersAreCaught(t *testing.T) {
	for _, p := range []struct {
		fault, by string
		plant     func(b *broken)
	}{
		{"Get returns a copy", "Get finds the very entry", func(b *broken) {
			b.get = func(key []byte) (*tiered.Entry, bool) {
				e, ok := b.plain.Get(key)
				if ok {
					e = e.With(e.Result)
				}
				return e, ok
			}
		}},
		{"the first one stays", "Set replaces", func(b *broken) {
			b.set = func(key string, e *tiered.Entry) bool {
				_, ok := b.plain.Get([]byte(key))
				return ok || b.plain.Set(key, e)
			}
		}},
		{"keys end at a NUL", "any key will do", keyed(func(k string) string { k, _, _ = strings.Cut(k, "\x00"); return k })},
		{"keys go through JSON", "any key will do", keyed(func(k string) string { b, _ := json.Marshal(k); return string(b) })},
		{"keys are trimmed", "any key will do", keyed(strings.TrimSpace)},
		{"keys are cut", "keys do not collide", keyed(func(k string) string { return k[:min(len(k), 255)] })},
		{"keys are hashed to 16 bits", "keys do not collide", keyed(func(k string) string {
			h := fnv.New32a()
			h.Write([]byte(k))
			sum := h.Sum32()
			return string([]byte{byte(sum), byte(sum >> 8)})
		})},
		{"the last key is kept", "keys are not kept", func(b *broken) {
			var last []byte
			var found *tiered.Entry
			b.get = func(key []byte) (*tiered.Entry, bool) {
				if last != nil && bytes.Equal(last, key) {
					return found, found != nil
				}
				e, ok := b.plain.Get(key)
				last, found = key, e
				return e, ok
			}
		}},
		{"a key is put into the map", "keys are not kept", func(b *broken) {
			misses := map[string]bool{}
			b.get = func(key []byte) (*tiered.Entry, bool) {
				k := unsafe.String(unsafe.SliceData(key), len(key))
				e, ok := b.plain.Get(key)
				if !ok {
					misses[k] = true
				}
				if misses[k] {
					return nil, false
				}
				return e, ok
			}
			b.set = func(key string, e *tiered.Entry) bool { delete(misses, key); return b.plain.Set(key, e) }
		}},
		{"Delete always says yes", "Delete removes one", func(b *broken) {
			b.del = func(key []byte) bool { b.plain.Delete(key); return true }
		}},
		{"Delete removes nothing", "Delete removes one", func(b *broken) {
			b.del = func(key []byte) bool { _, ok := b.plain.Get(key); return ok }
		}},
		{"what is refused leaves the old one", "a huge entry leaves no old one", func(b *broken) {
			b.set = func(key string, e *tiered.Entry) bool {
				return e.Size() >= 0 && e.Size() < 1<<30 && b.plain.Set(key, e)
			}
		}},
		{"what has expired is ignored", "an expired entry leaves no old one", func(b *broken) {
			b.set = func(key string, e *tiered.Entry) bool { return !b.expired(e) && b.plain.Set(key, e) }
		}},
		{"Clear does not count", "Clear empties and counts", func(b *broken) {
			b.clear = func() int { b.plain.Clear(); return 0 }
		}},
		{"Clear leaves some", "Clear empties and counts", func(b *broken) {
			b.clear = func() int {
				n := 0
				for _, k := range b.keys() {
					if n++; n%100 != 0 {
						b.plain.Delete([]byte(k))
					}
				}
				return n
			}
		}},
		{"Range skips one", "Range shows every entry", func(b *broken) {
			b.rangeOver = func(f func(string, *tiered.Entry) bool) {
				n := 0
				b.plain.Range(func(k string, e *tiered.Entry) bool { n++; return n == 1 || f(k, e) })
			}
		}},
		{"Range does not stop", "Range stops", func(b *broken) {
			b.rangeOver = func(f func(string, *tiered.Entry) bool) {
				b.plain.Range(func(k string, e *tiered.Entry) bool { f(k, e); return true })
			}
		}},
		{"Range goes by places", "Range misses nothing while others change", func(b *broken) {
			b.rangeOver = func(f func(string, *tiered.Entry) bool) {
				for i := 0; ; i++ {
					all := b.keys()
					slices.Sort(all)
					if i >= len(all) {
						return
					}
					if e, ok := b.plain.Get([]byte(all[i])); ok && !f(all[i], e) {
						return
					}
				}
			}
		}},
		{"Range shows expired ones", "Range shows nothing expired", func(b *broken) {
			b.rangeOver = func(f func(string, *tiered.Entry) bool) {
				for _, k := range b.keys() {
					if !f(k, b.m[k]) {
						return
					}
				}
			}
		}},
		{"nothing expires", "entries expire", func(b *broken) {
			stillThere(b, func(*tiered.Entry) bool { return true })
		}},
		{"expiry is by the second", "entries expire", func(b *broken) {
			stillThere(b, func(e *tiered.Entry) bool { return b.now().Unix() <= e.ExpiresAt().Unix() })
		}},
		{"an entry lives to its end and at it", "entries expire", func(b *broken) {
			stillThere(b, func(e *tiered.Entry) bool { return !b.now().After(e.ExpiresAt()) })
		}},
		{"expiry is by the monotonic clock", "entries expire by the wall clock", func(b *broken) {
			stillThere(b, func(e *tiered.Entry) bool { return b.now().Before(e.ExpiresAt()) })
		}},
		{"expiry is by the wall clock", "entries expire by the monotonic clock", func(b *broken) {
			stillThere(b, func(e *tiered.Entry) bool { return b.now().UnixNano() < e.ExpiresAt().UnixNano() })
		}},
		{"a timer removes its successor", "each entry has its own time", func(b *broken) {
			first := map[string]time.Time{}
			b.set = func(key string, e *tiered.Entry) bool {
				if _, ok := first[key]; !ok {
					first[key] = e.ExpiresAt()
				}
				return b.plain.Set(key, e)
			}
			b.get = func(key []byte) (*tiered.Entry, bool) {
				if end, ok := first[string(key)]; ok && !b.now().Before(end) {
					return nil, false
				}
				return b.plain.Get(key)
			}
		}},
		{"Get leaves what it found where others do", "many goroutines, own keys", func(b *broken) {
			var found atomic.Pointer[tiered.Entry]
			b.get = func(key []byte) (*tiered.Entry, bool) {
				if e, ok := b.plain.Get(key); ok {
					found.Store(e)
					runtime.Gosched()
					return found.Load(), true
				}
				return nil, false
			}
		}},
		{"Set returns before it is done", "never older than the last Set", func(b *broken) {
			var mu sync.Mutex
			queue := map[string]*tiered.Entry{}
			b.set = func(key string, e *tiered.Entry) bool {
				mu.Lock()
				defer mu.Unlock()
				if last := queue[key]; last != nil {
					b.plain.Set(key, last)
				}
				queue[key] = e
				return true
			}
		}},
		{"Get fills from a copy", "never older than the last Set", func(b *broken) {
			var copies sync.Map
			b.get = func(key []byte) (*tiered.Entry, bool) {
				if e, ok := copies.Load(string(key)); ok {
					return e.(*tiered.Entry), true
				}
				e, ok := b.plain.Get(key)
				if ok {
					runtime.Gosched() // here a Set comes, and drops the copy that is not yet there
					copies.Store(string(key), e)
				}
				return e, ok
			}
			b.set = func(key string, e *tiered.Entry) bool {
				ok := b.plain.Set(key, e)
				copies.Delete(key)
				return ok
			}
			b.del = func(key []byte) bool {
				ok := b.plain.Delete(key)
				copies.Delete(string(key))
				return ok
			}
		}},
		{"changes lose each other", "histories are linearizable", copying},
		{"two maps, changed one after the other", "histories are linearizable", func(b *broken) {
			second := newPlain(b.now)
			turn := atomic.Int64{}
			b.set = func(key string, e *tiered.Entry) bool {
				ok := b.plain.Set(key, e)
				runtime.Gosched()
				return second.Set(key, e) && ok
			}
			b.get = func(key []byte) (*tiered.Entry, bool) {
				if turn.Add(1)%2 == 0 {
					return second.Get(key)
				}
				return b.plain.Get(key)
			}
			b.del = func(key []byte) bool { second.Delete(key); return b.plain.Delete(key) }
		}},
		{"Len counts Sets", "Len counts", func(b *broken) {
			var n int
			b.set = func(key string, e *tiered.Entry) bool { n++; return b.plain.Set(key, e) }
			b.len = func() int { return n }
		}},
		{"Bytes forget what is replaced", "Bytes come and go", func(b *broken) {
			var sum int64
			b.set = func(key string, e *tiered.Entry) bool { sum += e.Size(); return b.plain.Set(key, e) }
			b.bytes = func() int64 { return sum }
		}},
		{"Close twice is too often", "Close does no harm", func(b *broken) {
			var closed bool
			b.close = func() {
				if closed {
					panic("close of a closed tier")
				}
				closed = true
				b.plain.Close()
			}
		}},
		{"Close leaves no map", "Close does no harm", func(b *broken) {
			b.close = func() { b.mu.Lock(); b.m = nil; b.mu.Unlock() }
			b.set = func(key string, e *tiered.Entry) bool {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.m[key] = e
				return true
			}
		}},
	} {
		t.Run(p.fault, func(t *testing.T) {
			caught(t, p.by, patience, func(now func() time.Time) tiered.Local {
				b := &broken{plain: newPlain(now)}
				p.plant(b)
				return b
			})
		})
	}
}

// TestSharedStoreIsCaught: two tiers that clear, show and find each other's entries.
func TestSharedStoreIsCaught(t *testing.T) {
	var store *plain
	caught(t, "tiers are apart", patience, func(now func() time.Time) tiered.Local {
		if store == nil {
			store = newPlain(now)
		}
		return store
	})
}

// TestWaitingForItselfIsCaught: a tier that holds its lock while Range calls the function.
func TestWaitingForItselfIsCaught(t *testing.T) {
	lock, over := make(chan struct{}, 1), make(chan struct{})
	defer close(over)
	locked := func(f func()) {
		select {
		case lock <- struct{}{}:
			defer func() { <-lock }()
		case <-over: // so that the test leaves nobody behind
		}
		f()
	}
	caught(t, "Range lets the tier be called", 50*time.Millisecond, func(now func() time.Time) tiered.Local {
		b := &broken{plain: newPlain(now)}
		b.rangeOver = func(f func(string, *tiered.Entry) bool) { locked(func() { b.plain.Range(f) }) }
		b.del = func(key []byte) (ok bool) { locked(func() { ok = b.plain.Delete(key) }); return ok }
		return b
	})
}

// caught runs the check by that name, which must report something, and the same over a plain tier, of
// which it must have nothing to say.
func caught(t *testing.T, by string, patience time.Duration, open func(now func() time.Time) tiered.Local) {
	t.Helper()
	i := slices.IndexFunc(localChecks, func(c check) bool { return c.name == by })
	if i < 0 {
		t.Fatalf("there is no check %q", by)
	}
	r := record(localChecks[i], patience, open)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.failed) == 0 {
		t.Fatalf("%q does not find it", by)
	}
	t.Logf("%s, %d reports, first: %s", by, len(r.failed), r.failed[0])
	fine := record(localChecks[i], patience, func(now func() time.Time) tiered.Local { return newPlain(now) })
	if len(fine.failed) > 0 || fine.skipped {
		t.Errorf("%q finds something in a tier without a fault: %v", by, fine.failed)
	}
}
