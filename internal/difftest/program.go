package difftest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// step is one operation of a program.
type step struct {
	kind kind
	seed uint64
}

func (s step) String() string { return fmt.Sprintf("%s:%d", s.kind.name, s.seed) }

type program []step

func (p program) String() string {
	var texts []string
	for _, s := range p {
		texts = append(texts, s.String())
	}
	return strings.Join(texts, ",")
}

// parse is the reverse of String.
func parse(text string) (program, error) {
	var p program
next:
	for _, part := range strings.Split(text, ",") {
		name, number, _ := strings.Cut(part, ":")
		seed, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("step %q: %w", part, err)
		}
		for _, k := range kinds() {
			if k.name == name {
				p = append(p, step{k, seed})
				continue next
			}
		}
		return nil, fmt.Errorf("step %q: no such kind", part)
	}
	return p, nil
}

// phase is how many steps share a small set of reads.
const phase = 40

// generate makes a program. It goes in phases: in each, a few reads come again and again, with writes in between, more
// of them in some phases than in others.
func generate(seed uint64, length int, allowed func(kind) bool) program {
	rng := rand.New(rand.NewPCG(seed, 1))
	fits := allowed
	if rng.IntN(4) != 0 {
		allowed = func(k kind) bool { return fits(k) && !k.holds }
	}
	choose := func(from []kind) step {
		total := 0
		for _, k := range from {
			if allowed(k) {
				total += k.weight
			}
		}
		at := rng.IntN(total)
		for _, k := range from {
			if !allowed(k) {
				continue
			}
			if at -= k.weight; at < 0 {
				space := k.space
				if space == 0 {
					space = 100_000
				}
				return step{k, uint64(rng.IntN(space))}
			}
		}
		panic("unreachable: weights do not add up")
	}
	var p program
	var hot []step
	writing := 0
	for i := range length {
		if i%phase == 0 {
			hot = hot[:0]
			for range 3 + rng.IntN(6) {
				st := choose(reads)
				hot = append(hot, st)
				if g := uint64(st.kind.group); g > 0 {
					for range 2 {
						hot = append(hot, step{st.kind, st.seed/g*g + uint64(rng.IntN(int(g)))})
					}
				}
			}
			writing = 2 + rng.IntN(16)
		}
		switch at := rng.IntN(100); {
		case at < writing:
			p = append(p, choose(writes))
		case at < writing+6:
			p = append(p, choose(reads))
		default:
			p = append(p, hot[rng.IntN(len(hot))])
		}
	}
	return p
}

// shrink removes steps from a program as long as what is left still fails, and returns the least that it
// found with its failure. It runs at most limit programs.
func shrink(p program, why *Difference, limit int, fails func(program) *Difference) (program, *Difference) {
	p = p[:why.step+1]
	for size := max(1, len(p)/2); limit > 0; size = max(1, size/2) {
		removed := false
		for at := len(p) - size; at >= 0 && limit > 0; at -= size {
			if len(p) <= size {
				break
			}
			less := append(append(program(nil), p[:at]...), p[at+size:]...)
			limit--
			if d := fails(less); d != nil {
				p, why, removed = less[:d.step+1], d, true
				at = min(at, len(p))
			}
		}
		if size == 1 && !removed {
			break
		}
	}
	return p, why
}
