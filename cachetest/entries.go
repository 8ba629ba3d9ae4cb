package cachetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/gorm-querycache/querycache/tiered"
)

func getFindsTheVeryEntry(s *subject) {
	s.mustMiss("a", "nothing was set")
	e := s.put("a", time.Hour)
	s.mustFind("a", e)
	s.mustFind("a", e)
	s.mustMiss("b", "nothing was set under that key")
}

func setReplaces(s *subject) {
	s.put("a", time.Hour)
	other := s.put("b", time.Hour)
	for range 10 {
		s.mustFind("a", s.put("a", time.Hour))
	}
	last := s.put("a", time.Hour)
	if !s.Set("a", last) {
		s.Errorf("Set refused the entry that is there already")
	}
	s.mustFind("a", last)
	s.mustFind("b", other)
	if !s.Delete([]byte("a")) || s.Delete([]byte("a")) {
		s.Errorf("Delete found none, or more than one, under a key that was set many times")
	}
	s.mustMiss("a", "it was deleted, and those before it were replaced")
}

func anyKeyWillDo(s *subject) {
	long := strings.Repeat("k", 64<<10)
	keys := []string{
		"", " ", "\x00", "\x00\x00", "a", "A", "a ", " a", "a\x00", "a\x00b", "a\x00c", "a\n", "0", "00", "1e0",
		"\xff", "\xfe", "\xff\xfe", "\xef\xbf\xbd", "a\xc3", "é", "e\u0301", "%s", "*", "?", "a*", "[a]", "a:b", "a/b", "../a",
		long, long + "k", long[1:] + "l", "l" + long[1:],
	}
	set := make(map[string]*tiered.Entry, len(keys))
	for _, k := range keys {
		s.mustMiss(k, "nothing was set under that key")
		set[k] = s.put(k, time.Hour)
		s.mustFind(k, set[k])
	}
	for k, e := range set {
		s.mustFind(k, e)
	}
	for _, k := range keys {
		if !s.Delete([]byte(k)) {
			s.Errorf("Delete(%.60q) found nothing", k)
		}
		s.mustMiss(k, "it was deleted")
		delete(set, k)
		if len(set)%8 == 0 {
			for k, e := range set {
				s.mustFind(k, e)
			}
		}
	}
}

func keysDoNotCollide(s *subject) {
	const n = 1000
	pad := strings.Repeat("SELECT * FROM users WHERE ", 40)
	set := make(map[string]*tiered.Entry, 3*n)
	for i := range n {
		for _, k := range []string{fmt.Sprintf("%s%d", pad, i), fmt.Sprintf("%d%s", i, pad), fmt.Sprint(i)} {
			set[k] = s.put(k, time.Hour)
		}
	}
	for k, e := range set {
		s.mustFind(k, e)
	}
}

// keysAreNotKept: the callers build their keys in buffers that they use again.
func keysAreNotKept(s *subject) {
	a, b := s.put("aaaa", time.Hour), s.put("bbbb", time.Hour)
	buf := []byte("....")
	get := func(k string) (*tiered.Entry, bool) {
		copy(buf, k)
		e, ok := s.Get(buf)
		copy(buf, "....")
		return e, ok
	}
	for range 100 { // a tier may keep what is asked for often
		for k, want := range map[string]*tiered.Entry{"aaaa": a, "bbbb": b, "cccc": nil} {
			if e, ok := get(k); e != want || ok != (want != nil) {
				s.Fatalf("Get(%q) found %v, %v, want %v, as the bytes of a key changed after Get", k, number(e), ok, number(want))
			}
		}
	}
	c := s.put("cccc", time.Hour)
	if e, ok := get("cccc"); e != c || !ok {
		s.Errorf(`Get("cccc") found %v, %v, want %v, as the bytes of a key changed after a Get that found nothing`, number(e), ok, number(c))
	}
	copy(buf, "aaaa")
	s.Delete(buf)
	copy(buf, "bbbb")
	if e, ok := s.Get(buf); e != b || !ok {
		s.Errorf(`Get("bbbb") found %v, %v, want %v, as the bytes of a key changed after Delete("aaaa")`, number(e), ok, number(b))
	}
	s.mustMiss("aaaa", "it was deleted")
	s.mustFind("aaaa", s.put("aaaa", time.Hour))
}

func deleteRemovesOne(s *subject) {
	if s.Delete([]byte("a")) {
		s.Errorf("Delete found something in an empty tier")
	}
	s.put("a", time.Hour)
	b := s.put("b", time.Hour)
	if s.Delete([]byte("absent")) {
		s.Errorf("Delete found something under a key that was not set")
	}
	if !s.Delete([]byte("a")) {
		s.Errorf("Delete did not find the entry")
	}
	s.mustMiss("a", "it was deleted")
	if s.Delete([]byte("a")) {
		s.Errorf("Delete found the entry twice")
	}
	s.mustFind("b", b)
	s.mustFind("a", s.put("a", time.Hour))
}

// hugeEntryLeavesNoOldOne: the tier may take it at its word, or refuse it. What it replaces is gone
// in any case.
func hugeEntryLeavesNoOldOne(s *subject) {
	for _, size := range hugeSizes {
		s.put("a", time.Hour)
		e := s.sized("a", size, time.Hour)
		if !s.Set("a", e) {
			s.mustMiss("a", "Set refused an entry, which leaves nothing under the key")
		} else if got, ok := s.Get([]byte("a")); ok && got != e {
			s.Errorf("Get found %v after Set took %v", number(got), number(e))
		}
		s.Delete([]byte("a"))
	}
	s.mustFind("a", s.put("a", time.Hour))
}

func expiredEntryLeavesNoOldOne(s *subject) {
	for _, life := range []time.Duration{0, -1, -time.Hour} {
		s.put("a", time.Hour)
		s.Set("a", s.entry("a", life))
		s.mustMiss("a", "Set was given an entry that had expired, in place of another")
	}
	s.mustFind("a", s.put("a", time.Hour))
}

func clearEmptiesAndCounts(s *subject) {
	if n := s.Clear(); n != 0 {
		s.Errorf("Clear of an empty tier counted %d", n)
	}
	const n = 500
	for i := range n {
		s.put(fmt.Sprint(i), time.Hour)
	}
	s.put("7", time.Hour)
	s.Delete([]byte("8"))
	if got := s.Clear(); got != n-1 {
		s.Errorf("Clear counted %d of %d entries", got, n-1)
	}
	for i := range n {
		s.mustMiss(fmt.Sprint(i), "the tier was cleared")
	}
	s.Range(func(key string, _ *tiered.Entry) bool {
		s.Errorf("Range shows %q after Clear", key)
		return true
	})
	if got := s.Clear(); got != 0 {
		s.Errorf("a second Clear counted %d", got)
	}
	s.mustFind("7", s.put("7", time.Hour))
}

// tiersAreApart: two that were opened do not see, replace, count or clear each other's entries.
func tiersAreApart(s *subject) {
	a, b := s, s.forTier(s.open(s.clock.now))
	mine := a.put("k", time.Hour)
	b.mustMiss("k", "it was set in another tier")
	theirs := b.put("k", time.Hour)
	b.put("more", time.Hour)
	a.mustFind("k", mine)
	b.mustFind("k", theirs)
	a.Range(func(key string, e *tiered.Entry) bool {
		if e != mine {
			s.Errorf("Range shows %q of another tier", key)
		}
		return true
	})
	if n := a.Clear(); n != 1 {
		s.Errorf("Clear counted %d, want 1; another tier has 2", n)
	}
	b.mustFind("k", theirs)
	if a.Delete([]byte("k")) || !b.Delete([]byte("k")) {
		s.Errorf("Delete takes one tier's entry for another's")
	}
}

// forTier is s with another tier.
func (s *subject) forTier(l tiered.Local) *subject {
	return &subject{reporter: s.reporter, Local: l, clock: s.clock, open: s.open, patience: s.patience}
}
