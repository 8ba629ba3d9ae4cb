// Command report runs the benchmarks several times and writes their medians
// and ratios, beside the budgets of the project, into docs/benchmarks.md.
//
//	cd bench && go run ./report
//
// Within a run the subjects take turns benchmark by benchmark, and a ratio is
// taken within one run, so that what else the machine does meets all of them
// alike. The median of the runs' ratios is what counts.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// options are what the command line asks for.
type options struct {
	runs      int
	bench     string
	benchtime string
	module    string
	out       string
	args      []string
}

func run(ctx context.Context, args []string, progress io.Writer) error {
	o := options{args: args}
	flags := flag.NewFlagSet("report", flag.ContinueOnError)
	flags.IntVar(&o.runs, "n", 5, "how many `times` to run all benchmarks")
	flags.StringVar(&o.bench, "bench", ".", "run the benchmarks that match `regexp`")
	flags.StringVar(&o.benchtime, "benchtime", "200ms", "run each for this `time`, each time")
	flags.StringVar(&o.module, "module", ".", "the `directory` of the benchmarks")
	flags.StringVar(&o.out, "o", "../docs/benchmarks.md", "the `file` to write the tables into")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.runs < 1 || flags.NArg() > 0 {
		return fmt.Errorf("-n is %d and %d arguments are left over: at least one run, and flags only", o.runs, flags.NArg())
	}
	all, err := measure(ctx, o, progress)
	if err != nil {
		return err
	}
	taken := about(ctx, o)
	if all.cpu != "" {
		taken += " Processor: " + all.cpu + "."
	}
	for _, s := range sections {
		figures := s.tables(all)
		if figures == "" {
			continue
		}
		if err := s.write(o.out, taken+"\n\n"+figures); err != nil {
			return err
		}
	}
	return nil
}

// measure compiles the benchmarks and runs them.
func measure(ctx context.Context, o options, progress io.Writer) (*results, error) {
	dir, err := os.MkdirTemp("", "querycache-bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "bench.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, ".")
	build.Dir, build.Stdout, build.Stderr = o.module, progress, progress
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("compiling the benchmarks: %w", err)
	}
	all := &results{}
	for i := range o.runs {
		fmt.Fprintf(progress, "run %d of %d\n", i+1, o.runs)
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, binary, "-test.run", "^$", "-test.bench", o.bench, "-test.benchtime", o.benchtime)
		cmd.Dir, cmd.Stdout, cmd.Stderr = o.module, &out, progress
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("running the benchmarks: %w\n%s", err, out.String())
		}
		if err := all.add(&out); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// section is a part of the page that stands between two lines of its own; the
// rest of the page is prose.
type section struct {
	name   string
	tables func(*results) string // empty if none of its benchmarks was run
}

var sections = []section{{"figures", tables}, {"zipf", zipf}}

func (s section) begin() string { return "<!-- " + s.name + ": begin (bench/report) -->" }
func (s section) end() string   { return "<!-- " + s.name + ": end -->" }

var errMarkers = errors.New("the lines between which the tables go are missing")

// write puts the tables into a file that has the two lines.
func (s section) write(path, figures string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), s.begin())
	_, after, ok2 := strings.Cut(rest, s.end())
	if !ok || !ok2 {
		return fmt.Errorf("%s: %w: add %q and %q", path, errMarkers, s.begin(), s.end())
	}
	return os.WriteFile(path, []byte(before+s.begin()+"\n\n"+figures+"\n"+s.end()+after), 0o644)
}
