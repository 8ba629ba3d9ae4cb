package snapshot

import (
	"reflect"
	"unsafe"
)

// shape is how values of one Go type are copied: the memory first, by whoever
// holds it, then each place in it where a pointer is, by own.
type shape struct {
	typ   reflect.Type
	ops   []op // give the copy its own of what it points to
	takes []op // done besides when a snapshot is taken: checks, and what is weighed for Size
	// building is set while the shape is compiled; a type met again meanwhile
	// is recursive, and so its values may be.
	building, recursive bool
}

// op works on the place at off bytes into a value. t is nil in Put.
type op struct {
	off uintptr
	run func(at unsafe.Pointer, t *taking)
}

// flat reports whether a copy of the memory is a copy.
func (s *shape) flat() bool { return len(s.ops) == 0 && !s.building }

// own gives the value at p, so far a copy of another one's memory, its own of
// everything it points to.
func (s *shape) own(p unsafe.Pointer, t *taking) {
	if t != nil {
		for i := range s.takes {
			if s.takes[i].run(unsafe.Add(p, s.takes[i].off), t); t.failed {
				return
			}
		}
	}
	for i := range s.ops {
		if s.ops[i].run(unsafe.Add(p, s.ops[i].off), t); t != nil && t.failed {
			return
		}
	}
}

// ownAll is own for n values in a row.
func (s *shape) ownAll(p unsafe.Pointer, n int, t *taking) {
	if len(s.ops) == 0 && (t == nil || len(s.takes) == 0) {
		return
	}
	size := s.typ.Size()
	for i := range n {
		if s.own(unsafe.Add(p, uintptr(i)*size), t); t != nil && t.failed {
			return
		}
	}
}

// inline adds the operations of a part that lies off bytes into s.
func (s *shape) inline(part *shape, off uintptr) {
	if part.building { // its operations are not known yet
		s.ops = append(s.ops, op{off, part.own})
		return
	}
	for _, o := range part.ops {
		s.ops = append(s.ops, op{off + o.off, o.run})
	}
	for _, o := range part.takes {
		s.takes = append(s.takes, op{off + o.off, o.run})
	}
}

func (s *shape) op(run func(unsafe.Pointer, *taking)) { s.ops = append(s.ops, op{0, run}) }

func (s *shape) take(off uintptr, run func(unsafe.Pointer, *taking)) {
	s.takes = append(s.takes, op{off, run})
}
