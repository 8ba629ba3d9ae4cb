package main

import (
	"fmt"
	"strings"
)

// zipf is the table of hit rates under a mix of reads and writes: what the
// plugin reaches, and table tags alone after it.
func zipf(r *results) string {
	var b strings.Builder
	b.WriteString("| writes | of them by category | goroutines | hit rate | by key | by 2 to 5 keys | lists and pages | queries per 1,000 reads |\n" +
		"|---:|---:|---:|---:|---:|---:|---:|---:|\n")
	before := b.Len()
	for _, m := range []struct{ writes, bulk string }{
		{"0", "0"}, {"1", "0"}, {"1", "2"}, {"10", "0"}, {"10", "2"}, {"30", "0"}, {"30", "2"},
	} {
		for _, goroutines := range []string{"1", "8"} {
			name := "Zipf/writes=" + m.writes + "/bulk=" + m.bulk + "/goroutines=" + goroutines + "/tags="
			if _, ok := r.median(name+"records", "hit-%"); !ok {
				continue
			}
			fmt.Fprintf(&b, "| %s %% | %s %% | %s |", m.writes, m.bulk, goroutines)
			for i, unit := range []string{"hit-%", "key-%", "keys-%", "lists-%", "queries/1000-reads"} {
				form := " %s, %s |"
				if i == 0 {
					form = " **%s**, %s |"
				}
				fmt.Fprintf(&b, form, r.whole(name+"records", unit), r.whole(name+"tables", unit))
			}
			b.WriteByte('\n')
		}
	}
	if b.Len() == before {
		return ""
	}
	return b.String()
}
