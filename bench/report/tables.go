package main

import (
	"fmt"
	"strings"
)

// budget is one row of the project's budgets: two benchmarks, and what the
// one may cost at most (or at least) in terms of the other.
type budget struct {
	work, text string
	name, to   string
	limit      float64
	faster     bool // limit is how many times faster it must be
}

const one = "/mode=sequential/subject="

var budgets = []budget{
	{
		work: "hit, First by primary key", text: "≤ 1.15 × DryRun",
		name: "Hit/read=First" + one + "querycache", to: "Hit/read=First" + one + "dryrun", limit: 1.15,
	},
	{
		work: "hit, Find of 100 rows × 12 columns", text: "≤ 3 × DryRun",
		name: "Hit/read=Find100" + one + "querycache", to: "Hit/read=Find100" + one + "dryrun", limit: 3,
	},
	{
		work: "hit, Find of 100 rows × 12 columns", text: "≥ 40 × faster than plain",
		name: "Hit/read=Find100" + one + "plain", to: "Hit/read=Find100" + one + "querycache", limit: 40, faster: true,
	},
	{
		work: "miss, 10 rows", text: "≤ 1.05 × plain",
		name: "Miss/subject=querycache", to: "Miss/subject=plain", limit: 1.05,
	},
	{
		work: "write by key, 1 entry cached", text: "≤ 1.05 × plain",
		name: "Write/entries=1/subject=querycache", to: "Write/entries=0/subject=plain", limit: 1.05,
	},
	{
		work: "write by key, 1,000,000 entries cached", text: "as with 1 (≤ 1.05 ×)",
		name: "Write/entries=1000000/subject=querycache", to: "Write/entries=1/subject=querycache", limit: 1.05,
	},
}

// tables writes those of what reads and writes cost.
func tables(r *results) string {
	if !r.has("Hit/", "Miss/", "Write/", "Stampede/") {
		return ""
	}
	var b strings.Builder
	b.WriteString("### Budgets\n\n| work | budget | by the cores' time | by the clock | |\n|---|---|---|---|---|\n")
	for _, g := range budgets {
		c, ok := r.ratio(g.name, g.to, cores)
		w, ok2 := r.ratio(g.name, g.to, clock)
		if !ok2 {
			continue
		}
		if !ok {
			c = w
		}
		verdict := "met"
		if (c > g.limit) != g.faster {
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s × | %s × | %s |\n", g.work, g.text, times(c), times(w), verdict)
	}
	if n, ok := r.median("Stampede/subject=querycache", queries); ok {
		verdict := "met"
		if n != 1 {
			verdict = "**missed**"
		}
		fmt.Fprintf(&b, "| 1,000 goroutines, one cold key | 1 query | %s queries | | %s |\n", times(n), verdict)
	}
	hits(&b, r)
	rest(&b, r)
	return b.String()
}

// hits is the table of reads made again and again.
func hits(b *strings.Builder, r *results) {
	b.WriteString("\n### Hits\n\nMicroseconds by the clock, the ratios by the cores' time.\n\n" +
		"| read | | plain | DryRun | querycache | × DryRun | times faster than plain | bytes | allocations |\n" +
		"|---|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, read := range []string{"First", "Find1", "Find10", "Find100", "Find1000", "Count", "Scan"} {
		for _, mode := range []string{"sequential", "parallel"} {
			name := func(subject string) string { return "Hit/read=" + read + "/mode=" + mode + "/subject=" + subject }
			if _, ok := r.median(name("querycache"), clock); !ok {
				continue
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", read, mode,
				r.micros(name("plain")), r.micros(name("dryrun")), r.micros(name("querycache")),
				r.times(name("querycache"), name("dryrun")), r.times(name("plain"), name("querycache")),
				r.whole(name("querycache"), bytesOp), r.whole(name("querycache"), allocs))
		}
	}
}

// rest is the table of all else.
func rest(b *strings.Builder, r *results) {
	b.WriteString("\n### Misses, writes, stampedes\n\n" +
		"| work | subject | microseconds | × plain | bytes | allocations |\n|---|---|---:|---:|---:|---:|\n")
	for _, row := range []struct{ work, subject, name, plain string }{
		{"miss, 10 rows", "plain", "Miss/subject=plain", "Miss/subject=plain"},
		{"", "querycache", "Miss/subject=querycache", "Miss/subject=plain"},
		{"write by key", "plain", "Write/entries=0/subject=plain", "Write/entries=0/subject=plain"},
		{"1 entry cached", "querycache", "Write/entries=1/subject=querycache", "Write/entries=0/subject=plain"},
		{"10,000 entries", "querycache", "Write/entries=10000/subject=querycache", "Write/entries=0/subject=plain"},
		{"1,000,000 entries", "querycache", "Write/entries=1000000/subject=querycache", "Write/entries=0/subject=plain"},
		{"1,000 goroutines, one cold key", "plain", "Stampede/subject=plain", "Stampede/subject=plain"},
		{"", "querycache", "Stampede/subject=querycache", "Stampede/subject=plain"},
	} {
		if _, ok := r.median(row.name, clock); !ok {
			continue
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", row.work, row.subject,
			r.micros(row.name), r.times(row.name, row.plain), r.whole(row.name, bytesOp), r.whole(row.name, allocs))
	}
}

func (r *results) micros(name string) string {
	v, ok := r.median(name, clock)
	if !ok {
		return ""
	}
	return times(v / 1000)
}

func (r *results) whole(name, unit string) string {
	v, ok := r.median(name, unit)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.0f", v)
}

func (r *results) times(name, to string) string {
	v, ok := r.ratio(name, to, cores)
	if !ok {
		v, ok = r.ratio(name, to, clock)
	}
	if !ok {
		return ""
	}
	return times(v)
}

// times prints three digits of a figure, or all before the point.
func times(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
