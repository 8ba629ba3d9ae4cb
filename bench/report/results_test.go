package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const printed = `goos: linux
cpu: A Processor
BenchmarkHit/read=First/mode=sequential/subject=dryrun-2   100  1000 ns/op  2000 cpu-ns/op  300 B/op  4 allocs/op
BenchmarkHit/read=First/mode=sequential/subject=querycache-2   100  900 ns/op  2200 cpu-ns/op  310 B/op  5 allocs/op
BenchmarkMiss/subject=plain-2   100  100 ns/op  100 cpu-ns/op  1 B/op  1 allocs/op
BenchmarkMiss/subject=querycache-2   100  120 ns/op  120 cpu-ns/op  1 B/op  1 allocs/op
BenchmarkStampede/subject=querycache-2   100  1 ns/op  1 cpu-ns/op  1.000 queries/round  1 B/op  1 allocs/op
PASS
`

func read(t *testing.T, runs ...string) *results {
	t.Helper()
	r := &results{}
	for _, text := range runs {
		if err := r.add(strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func TestMediansAndRatiosAreOfTheRuns(t *testing.T) {
	line := func(plain, cached string) string {
		return "BenchmarkMiss/subject=plain-8 1 " + plain + " ns/op\nBenchmarkMiss/subject=querycache-8 1 " + cached + " ns/op\n"
	}
	r := read(t, line("100", "110"), line("1000", "900"), line("10", "12"))
	if v, ok := r.median("Miss/subject=plain", clock); !ok || v != 100 {
		t.Errorf("median %v, %v, want 100", v, ok)
	}
	// 1.1, 0.9 and 1.2: not the ratio of the medians.
	if v, ok := r.ratio("Miss/subject=querycache", "Miss/subject=plain", clock); !ok || v != 1.1 {
		t.Errorf("ratio %v, %v, want 1.1", v, ok)
	}
	if v, ok := r.ratio("Miss/subject=querycache", "Write", clock); ok {
		t.Errorf("ratio %v to a benchmark that was not run", v)
	}
	r = read(t, line("100", "110"), line("200", "110"))
	if v, _ := r.median("Miss/subject=plain", clock); v != 150 {
		t.Errorf("median of two %v, want 150", v)
	}
}

func TestTablesSayWhatMissesItsBudget(t *testing.T) {
	text := tables(read(t, printed))
	for _, want := range []string{
		"| hit, First by primary key | ≤ 1.15 × DryRun | 1.10 × | 0.90 × | met |",
		"| miss, 10 rows | ≤ 1.05 × plain | 1.20 × | 1.20 × | **missed** |",
		"| 1,000 goroutines, one cold key | 1 query | 1.00 queries | | met |",
		"| First | sequential |  | 1.00 | 0.90 | 1.10 |  | 310 | 5 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "Find of 100") {
		t.Error("a budget without figures is in the table")
	}
}

func TestFasterIsMetAboveItsLimit(t *testing.T) {
	name := "BenchmarkHit/read=Find100/mode=sequential/subject="
	for plain, verdict := range map[string]string{"41": "| met |", "39": "| **missed** |"} {
		text := tables(read(t, name+"plain-2 1 "+plain+" ns/op\n"+name+"querycache-2 1 1 ns/op\n"))
		if !strings.Contains(text, plain+".0 × | "+plain+".0 × "+verdict) {
			t.Errorf("%s times faster: no %q in\n%s", plain, verdict, text)
		}
	}
}

func TestFiguresThatAreNoneAreRefused(t *testing.T) {
	if err := (&results{}).add(strings.NewReader("BenchmarkMiss-2 100 many ns/op\n")); err == nil {
		t.Error("no error")
	}
}

func TestHitRatesOfAMix(t *testing.T) {
	line := "BenchmarkZipf/writes=10/bulk=2/goroutines=1/tags="
	r := read(t, line+"records-2 1 5 ns/op 42.13 hit-% 49.71 key-% 20.18 keys-% 1.725 lists-% 578.7 queries/1000-reads\n"+
		line+"tables-2 1 5 ns/op 12.18 hit-% 14.39 key-% 4.428 keys-% 1.725 lists-% 878.2 queries/1000-reads\n")
	if want := "| 10 % | 2 % | 1 | **42**, 12 | 50, 14 | 20, 4 | 2, 2 | 579, 878 |\n"; !strings.HasSuffix(zipf(r), "---:|\n"+want) {
		t.Errorf("no %q in\n%s", want, zipf(r))
	}
	if text := tables(r); text != "" {
		t.Errorf("tables of benchmarks that were not run:\n%s", text)
	}
	if text := zipf(read(t, printed)); text != "" {
		t.Errorf("hit rates that were not measured:\n%s", text)
	}
}

func TestOnlyWhatIsBetweenTheLinesIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	page := func(of ...string) string {
		text := "before\n"
		for i, s := range sections {
			text += s.begin() + "\n" + of[i] + "\n" + s.end() + "\nafter\n"
		}
		return text
	}
	if err := os.WriteFile(path, []byte(page("old", "old")), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sections[1].write(path, "new\n"); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if want := page("old", "\nnew\n"); err != nil || string(text) != want {
		t.Errorf("%q, %v, want %q", text, err, want)
	}
	if err := os.WriteFile(path, []byte("prose"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := sections[1].write(path, "new"); err == nil {
		t.Error("wrote into a file without the lines")
	}
}

func TestRunRefusesWhatItCannotDo(t *testing.T) {
	for _, args := range [][]string{{"-n", "0"}, {"Hit"}, {"-what"}} {
		if err := run(t.Context(), args, &strings.Builder{}); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
