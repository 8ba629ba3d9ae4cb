package cachetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gorm-querycache/querycache/tiered"
)

func faultyPair(f Faults) (l tiered.Local, inner *plain) {
	inner = newPlain(time.Now)
	return Faulty(inner, f), inner
}

func someEntry(id int64) *tiered.Entry {
	now := time.Now()
	return tiered.NewEntry(&result{id: id}, now, now.Add(time.Hour))
}

func TestFaultyDropsSets(t *testing.T) {
	l, inner := faultyPair(Faults{DropSets: 1})
	inner.Set("k", someEntry(1))
	if l.Set("k", someEntry(2)) {
		t.Error("Set says that it stored")
	}
	if _, ok := l.Get([]byte("k")); ok {
		t.Error("the old entry is left")
	}
}

func TestFaultyForgets(t *testing.T) {
	l, inner := faultyPair(Faults{Forget: 1})
	if !l.Set("k", someEntry(1)) || inner.Len() != 1 {
		t.Error("Set did not store")
	}
	if _, ok := l.Get([]byte("k")); ok || inner.Len() != 0 {
		t.Error("Get did not forget")
	}
}

// TestFaultyPanics: always, before the call or after it, and so that it can be told from other panics.
func TestFaultyPanics(t *testing.T) {
	for op, call := range map[Op]func(l tiered.Local){
		OpGet:    func(l tiered.Local) { l.Get([]byte("k")) },
		OpSet:    func(l tiered.Local) { l.Set("k", someEntry(1)) },
		OpRange:  func(l tiered.Local) { l.Range(func(string, *tiered.Entry) bool { return true }) },
		OpDelete: func(l tiered.Local) { l.Delete([]byte("k")) },
		OpClear:  func(l tiered.Local) { l.Clear() },
	} {
		l, _ := faultyPair(Faults{Panics: 1})
		said := map[string]int{}
		for range 100 {
			func() {
				defer func() {
					err, ok := recover().(error)
					if !ok || !errors.Is(err, ErrInjected) {
						t.Fatalf("%s: panics with %v", op, err)
					}
					said[err.Error()]++
				}()
				call(l)
			}()
		}
		before, after := said[ErrInjected.Error()+": before "+string(op)], said[ErrInjected.Error()+": after "+string(op)]
		if before+after != 100 || before < 20 || after < 20 {
			t.Errorf("%s: %v", op, said)
		}
	}
}

// TestFaultyHooks: around each call, which they can hold up.
func TestFaultyHooks(t *testing.T) {
	var told []string
	gate := make(chan struct{})
	l, inner := faultyPair(Faults{
		Before: func(op Op, key string) {
			told = append(told, fmt.Sprint("before ", op, " ", key))
			if op == OpDelete {
				<-gate
			}
		},
		After: func(op Op, key string) { told = append(told, fmt.Sprint("after ", op, " ", key)) },
	})
	l.Set("k", someEntry(1))
	l.Get([]byte("k"))
	l.Range(func(string, *tiered.Entry) bool { return true })
	done := make(chan bool)
	go func() { done <- l.Delete([]byte("k")) }()
	if inner.Len() != 1 {
		t.Error("deleted before the hook returned")
	}
	close(gate)
	if !<-done {
		t.Error("not deleted")
	}
	l.Clear()
	want := []string{"before Set k", "after Set k", "before Get k", "after Get k", "before Range ", "after Range ",
		"before Delete k", "after Delete k", "before Clear ", "after Clear "}
	if !slices.Equal(told, want) {
		t.Errorf("told %q", told)
	}
}

// TestFaultySeed: the same faults again, others with another seed.
func TestFaultySeed(t *testing.T) {
	outcome := func(seed uint64) (s string) {
		l, _ := faultyPair(Faults{Seed: seed, DropSets: 0.3, Forget: 0.3})
		for range 100 {
			set := l.Set("k", someEntry(1))
			_, found := l.Get([]byte("k"))
			s += fmt.Sprint(set, found, " ")
		}
		return s
	}
	first := outcome(1)
	if again, other := outcome(1), outcome(2); again != first || other == first {
		t.Error("the seed does not decide what happens")
	}
}

// TestFaultyHasWhatTheTierHas: Len and Bytes if there are both, and Close.
func TestFaultyHasWhatTheTierHas(t *testing.T) {
	l, inner := faultyPair(Faults{})
	l.Set("k", someEntry(1))
	c, ok := l.(counted)
	if !ok || c.Len() != 1 || c.Bytes() != inner.Bytes() {
		t.Error("no Len and Bytes")
	}
	l.(interface{ Close() }).Close()
	if !inner.closed {
		t.Error("not closed")
	}
	bare := Faulty(struct{ tiered.Local }{inner}, Faults{})
	if _, ok := bare.(counted); ok {
		t.Error("Len and Bytes of a tier that has none")
	}
	bare.(interface{ Close() }).Close()
}
