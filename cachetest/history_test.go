package cachetest

import (
	"math/rand/v2"
	"testing"
)

func TestHistories(t *testing.T) {
	for name, c := range map[string]struct {
		calls []call
		want  bool
	}{
		"nothing": {nil, true},
		"set and found": {[]call{
			{0, 1, 2, sets, 7}, {0, 3, 4, finds, 7}}, true},
		"found without a set": {[]call{
			{0, 1, 2, finds, 7}}, false},
		"found before it was set": {[]call{
			{0, 1, 2, finds, 7}, {1, 3, 4, sets, 7}}, false},
		"found while it is set": {[]call{
			{1, 1, 4, sets, 7}, {0, 2, 3, finds, 7}}, true},
		"the old one after Set returned": {[]call{
			{0, 1, 2, sets, 7}, {0, 3, 4, sets, 8}, {0, 5, 6, finds, 7}}, false},
		"the old one while Set runs": {[]call{
			{0, 1, 2, sets, 7}, {0, 3, 8, sets, 8}, {1, 5, 6, finds, 7}}, true},
		"new, then old, while Set runs": {[]call{
			{0, 1, 2, sets, 7}, {0, 3, 12, sets, 8}, {1, 5, 6, finds, 8}, {1, 7, 8, finds, 7}}, false},
		"found after a removal": {[]call{
			{0, 1, 2, sets, 7}, {0, 3, 4, removes, 0}, {0, 5, 6, finds, 7}}, false},
		"found beside a removal": {[]call{
			{0, 1, 2, sets, 7}, {0, 3, 9, removes, 0}, {1, 5, 6, finds, 7}}, true},
		"two Sets at once, either first, but not both": {[]call{
			{0, 1, 9, sets, 7}, {1, 2, 8, sets, 8}, {2, 10, 11, finds, 7}, {2, 12, 13, finds, 8}}, false},
	} {
		h := &history{calls: c.calls}
		if got := h.linearizable(); got != c.want {
			t.Errorf("%s: %v, want %v:\n%s", name, got, c.want, h)
		}
	}
}

// TestHistoriesAgainstAllOrders: the search says what trying every order says.
func TestHistoriesAgainstAllOrders(t *testing.T) {
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	var yes, no int
	for range 3000 {
		h := &history{}
		for i := range 1 + rng.IntN(6) {
			begin := rng.Int64N(10)
			c := call{by: i, begin: begin, end: begin + 1 + rng.Int64N(6), does: deed(rng.IntN(3)), id: 1 + rng.Int64N(2)}
			if c.does == removes {
				c.id = 0
			}
			h.calls = append(h.calls, c)
		}
		got, want := h.linearizable(), anyOrder(h.calls, nil)
		if got != want {
			t.Fatalf("seed %d: %v, want %v:\n%s", seed, got, want, h)
		}
		if want {
			yes++
		} else {
			no++
		}
	}
	if yes < 300 || no < 300 {
		t.Errorf("seed %d: %d of one kind, %d of the other", seed, yes, no)
	}
}

// anyOrder tries all orders of what is left, after those that are done.
func anyOrder(left, done []call) bool {
	if len(left) == 0 {
		return explains(done)
	}
	for i, c := range left {
		rest := append(append([]call{}, left[:i]...), left[i+1:]...)
		if anyOrder(rest, append(done[:len(done):len(done)], c)) {
			return true
		}
	}
	return false
}

func explains(order []call) bool {
	id := int64(0)
	for i, c := range order {
		for _, later := range order[i+1:] {
			if later.end < c.begin {
				return false
			}
		}
		if c.does == finds && c.id != id {
			return false
		}
		id = c.id
	}
	return true
}
