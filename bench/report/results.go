package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// results are the figures of all runs.
type results struct {
	runs int
	cpu  string // the processor, as the testing package calls it
	// figures are, by benchmark and unit, those of each run.
	figures map[string]map[string][]float64
}

// procs is what the testing package appends to a name.
var procs = regexp.MustCompile(`-\d+$`)

// add reads what one run printed.
func (r *results) add(out io.Reader) error {
	if r.figures == nil {
		r.figures = make(map[string]map[string][]float64)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		if cpu, ok := strings.CutPrefix(line, "cpu: "); ok {
			r.cpu = cpu
		}
		fields := strings.Fields(line)
		if len(fields) < 4 || len(fields)%2 != 0 || !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		name := procs.ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), "")
		if r.figures[name] == nil {
			r.figures[name] = make(map[string][]float64)
		}
		for i := 2; i < len(fields); i += 2 {
			v, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return fmt.Errorf("reading %q: %w", line, err)
			}
			unit := fields[i+1]
			r.figures[name][unit] = append(r.figures[name][unit], v)
		}
	}
	r.runs++
	return lines.Err()
}

// has tells whether a benchmark was run whose name begins so.
func (r *results) has(prefixes ...string) bool {
	for name := range r.figures {
		for _, p := range prefixes {
			if strings.HasPrefix(name, p) {
				return true
			}
		}
	}
	return false
}

// The units of the testing package, and those that the benchmarks add.
const (
	clock   = "ns/op"
	cores   = "cpu-ns/op"
	bytesOp = "B/op"
	allocs  = "allocs/op"
	queries = "queries/round"
)

// median is that of a benchmark over the runs; ok is false if it was not run.
func (r *results) median(name, unit string) (v float64, ok bool) {
	return median(r.figures[name][unit])
}

// ratio is the median of the runs' ratios of two benchmarks.
func (r *results) ratio(name, to, unit string) (v float64, ok bool) {
	a, b := r.figures[name][unit], r.figures[to][unit]
	if len(a) != len(b) {
		return 0, false
	}
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}

func median(figures []float64) (float64, bool) {
	n := len(figures)
	if n == 0 {
		return 0, false
	}
	sorted := slices.Sorted(slices.Values(figures))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2, true
}
