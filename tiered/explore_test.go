package tiered

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// stage is a world in which actors take steps, one at a time.
type stage interface {
	// choices are the steps that can be taken now.
	choices() []choice
	// run takes steps.
	run(path []choice)
	// atRest checks what must hold when there is no choice left.
	atRest()
	// state tells worlds apart in which something else may follow.
	state() string
	// said is what the world has to report.
	said() *report
}

type choice struct{ actor, option uint8 }

// actor takes steps. options is in how many ways its next one may go, 0 if it
// waits or is done.
type actor[W any] interface {
	options(w W) int
	step(w W, option int)
	rest() bool
	state(w W, b []byte) []byte
}

func choices[W any](w W, actors []actor[W]) (out []choice) {
	for i, a := range actors {
		for o := range a.options(w) {
			out = append(out, choice{uint8(i), uint8(o)})
		}
	}
	return out
}

func run[W any](w W, actors []actor[W], path []choice) {
	for _, c := range path {
		actors[c.actor].step(w, int(c.option))
	}
}

func rest[W any](actors []actor[W]) bool {
	for _, a := range actors {
		if !a.rest() {
			return false
		}
	}
	return true
}

// report is what went wrong, and the events if they were to be noted.
type report struct {
	bad    string
	traced bool
	trace  []string
}

func (r *report) said() *report { return r }

func (r *report) tell(format string, args ...any) {
	if r.traced {
		r.trace = append(r.trace, fmt.Sprintf("%d. ", len(r.trace)+1)+fmt.Sprintf(format, args...))
	}
}

// explore takes every path through a world and returns the number of states
// seen and the first violation, with the events that lead to it.
func explore(build func() stage) (states int, violation string) {
	seen := map[string]bool{}
	var visit func(w stage, path []choice) bool
	visit = func(w stage, path []choice) bool {
		next := w.choices()
		if len(next) == 0 && w.said().bad == "" {
			w.atRest()
		}
		if w.said().bad != "" {
			violation = retell(build, path)
			return false
		}
		st := w.state()
		if seen[st] {
			return true
		}
		seen[st] = true
		for i, c := range next {
			if i > 0 {
				w = build()
				w.run(path)
			}
			w.run([]choice{c})
			if !visit(w, append(path[:len(path):len(path)], c)) {
				return false
			}
		}
		return true
	}
	visit(build(), nil)
	return len(seen), violation
}

// wander takes random paths; seed makes them repeatable.
func wander(build func() stage, seed uint64, runs int) (violation string) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for range runs {
		w := build()
		var path []choice
		for w.said().bad == "" {
			next := w.choices()
			if len(next) == 0 {
				w.atRest()
				break
			}
			path = append(path, next[rng.IntN(len(next))])
			w.run(path[len(path)-1:])
		}
		if w.said().bad != "" {
			return retell(build, path)
		}
	}
	return ""
}

func retell(build func() stage, path []choice) string {
	w := build()
	w.said().traced = true
	w.run(path)
	if w.said().bad == "" {
		w.atRest()
	}
	return w.said().bad + ":\n" + strings.Join(w.said().trace, "\n")
}
