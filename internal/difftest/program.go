package difftest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// step is one operation of a program.
type step struct {
	kind kind
	seed uint64
	wish uint64 // the seed of what it asks of the plugin; 0 for nothing
}

func (s step) String() string {
	if s.wish == 0 {
		return fmt.Sprintf("%s:%d", s.kind.name, s.seed)
	}
	return fmt.Sprintf("%s:%d+%d", s.kind.name, s.seed, s.wish)
}

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
		number, asked, _ := strings.Cut(number, "+")
		seed, err := strconv.ParseUint(number, 10, 64)
		wish, wishErr := strconv.ParseUint(cmp.Or(asked, "0"), 10, 64)
		if err := errors.Join(err, wishErr); err != nil {
			return nil, fmt.Errorf("step %q: %w", part, err)
		}
		for _, k := range slices.Concat(kinds(), withPlugin) {
			if k.name == name {
				p = append(p, step{k, seed, wish})
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
// of them in some phases than in others. byKey says that all kinds
// allowed are by key, onTables on which tables; none are all.
func generate(seed uint64, length int, byKey bool, onTables []uint64, allowed func(kind) bool) program {
	rng := rand.New(rand.NewPCG(seed, 1))
	fits := allowed
	if rng.IntN(4) != 0 {
		allowed = func(k kind) bool { return fits(k) && !k.holds }
	}
	var tables [2]uint64 // that are read and written by key in a phase
	table := func() uint64 {
		if len(onTables) > 0 {
			return onTables[rng.IntN(len(onTables))]
		}
		return rng.Uint64N(tableSeeds)
	}
	weight := func(k kind) int {
		if k.byKey && !byKey {
			return (k.weight + 3) / 4 // there are programs of these alone
		}
		return k.weight
	}
	choose := func(from []kind) step {
		total := 0
		for _, k := range from {
			if allowed(k) {
				total += weight(k)
			}
		}
		at := rng.IntN(total)
		for _, k := range from {
			if !allowed(k) {
				continue
			}
			if at -= weight(k); at < 0 {
				space := k.space
				if space == 0 {
					space = 100_000
				}
				st := step{kind: k, seed: uint64(rng.IntN(space))}
				if k.byKey {
					st.seed = onTable(tables[rng.IntN(len(tables))], rng.IntN(space/tableSeeds))
				}
				return st
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
			tables[0] = table()
			if tables[1] = tables[0]; rng.IntN(2) == 0 {
				tables[1] = table()
			}
			reading := 3 + rng.IntN(6)
			if byKey { // a few keys, so that writes meet them
				reading = 2 + rng.IntN(3)
			}
			for range reading {
				st := choose(reads)
				hot = append(hot, st)
				if g := uint64(st.kind.group); g > 0 {
					for range 2 {
						hot = append(hot, step{kind: st.kind, seed: st.seed/g*g + uint64(rng.IntN(int(g)))})
					}
				}
			}
			writing = 2 + rng.IntN(16)
			if byKey { // that is where a write leaves most of what is cached
				writing *= 2
			}
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

// wishes are how many different things steps ask of the plugin.
const wishes = 300

// decorate puts a plugin of its own at the start of a program, has most steps ask something of it, and tells it
// something by hand in between. In each phase little is asked for, so that reads come again with the same wish.
func decorate(p program, seed uint64) program {
	rng := rand.New(rand.NewPCG(seed, 4))
	out := program{{kind: withPlugin[0], seed: 1 + rng.Uint64N(100_000)}}
	var asked []uint64
	for i, st := range p {
		if i%phase == 0 {
			asked = asked[:0]
			for range 3 + rng.IntN(6) {
				asked = append(asked, 1+rng.Uint64N(wishes))
			}
		}
		switch at := rng.IntN(100); {
		case at < 40:
		case at < 85:
			st.wish = asked[rng.IntN(len(asked))]
		default:
			st.wish = 1 + rng.Uint64N(wishes)
		}
		if rng.IntN(25) == 0 {
			out = append(out, step{kind: withPlugin[1], seed: rng.Uint64N(1000)})
		}
		out = append(out, st)
	}
	return out
}

// shrink removes steps from a program, and then what they ask of the plugin, as long as what is left still fails, and
// returns the least that it found with its failure. It runs at most limit programs.
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
	for at := 0; at < len(p) && limit > 0; at++ {
		if p[at].wish == 0 {
			continue
		}
		less := slices.Clone(p)
		less[at].wish = 0
		limit--
		if d := fails(less); d != nil {
			p, why = less[:d.step+1], d
		}
	}
	return p, why
}
