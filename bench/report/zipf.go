package main

import (
	"fmt"
	"strings"
)

// zipf is the table of hit rates under a mix of reads and writes.
func zipf(r *results) string {
	var b strings.Builder
	b.WriteString("| writes | goroutines | tags | hit rate | by key | by 2 to 5 keys | lists and pages | queries per 1,000 reads |\n" +
		"|---:|---:|---|---:|---:|---:|---:|---:|\n")
	before := b.Len()
	for _, writes := range []string{"0", "1", "10", "30"} {
		for _, goroutines := range []string{"1", "8"} {
			for _, tags := range []string{"tables", "records"} {
				name := "Zipf/writes=" + writes + "/goroutines=" + goroutines + "/tags=" + tags
				if _, ok := r.median(name, "hit-%"); !ok {
					continue
				}
				fmt.Fprintf(&b, "| %s %% | %s | %s | %s | %s | %s | %s | %s |\n", writes, goroutines, tags,
					r.percent(name, "hit-%"), r.percent(name, "key-%"), r.percent(name, "keys-%"), r.percent(name, "lists-%"),
					r.whole(name, "queries/1000-reads"))
			}
		}
	}
	if b.Len() == before {
		return ""
	}
	return b.String()
}

func (r *results) percent(name, unit string) string {
	v, ok := r.median(name, unit)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.1f %%", v)
}
