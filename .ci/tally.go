//go:build ignore

// Tally reads what go test -json prints. By default it prints from standard input what go test without
// -json would, and fails if a test or a package did. With -total FILE it prints the packages' result
// lines in the file and, last, how many tests, subtests included, passed and failed.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of go test -json.
type event struct {
	Action, Package, Test, Output, ImportPath string
}

// tally counts tests, and packages that failed without a failed test: a build that broke, a panic,
// an exit in TestMain.
type tally struct {
	passed, failed, skipped int
	failedIn                map[string]bool // packages with failed tests
	output                  map[string][]string
	summary                 []string
	verbose                 io.Writer
}

func main() {
	total := flag.String("total", "", "file with the output of go test -json")
	flag.Parse()
	in, out := io.Reader(os.Stdin), io.Writer(os.Stdout)
	if *total != "" {
		f, err := os.Open(*total)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		defer f.Close()
		in, out = f, io.Discard
	}
	t := tally{failedIn: map[string]bool{}, output: map[string][]string{}, verbose: out}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			t.line(line)
		}
		if err != nil {
			break
		}
	}
	if *total != "" {
		for _, line := range t.summary {
			fmt.Print(line)
		}
		if t.skipped > 0 {
			fmt.Printf("%d skipped\n", t.skipped)
		}
		fmt.Printf("%d passed, %d failed\n", t.passed, t.failed)
	}
	if t.failed > 0 {
		os.Exit(1)
	}
}

func (t *tally) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(t.verbose, line) // from the go command itself
		return
	}
	id := e.Package + " " + e.Test
	switch e.Action {
	case "output":
		t.output[id] = append(t.output[id], e.Output)
	case "build-output":
		fmt.Fprint(t.verbose, e.Output)
	case "pass":
		if e.Test != "" {
			t.passed++
		} else {
			t.finish(e, false)
		}
		delete(t.output, id)
	case "skip":
		if e.Test != "" {
			t.skipped++
			fmt.Fprint(t.verbose, strings.Join(t.output[id], ""))
		} else {
			t.finish(e, false)
		}
		delete(t.output, id)
	case "fail":
		if e.Test != "" {
			t.failed++
			t.failedIn[e.Package] = true
			fmt.Fprint(t.verbose, strings.Join(t.output[id], ""))
			delete(t.output, id)
			return
		}
		if !t.failedIn[e.Package] {
			t.failed++
		}
		t.finish(e, true)
	}
}

// finish prints a package's own output, and keeps its result line. After a failure that no test
// reported, what its unfinished tests printed is shown too.
func (t *tally) finish(e event, failed bool) {
	for id, out := range t.output {
		if failed && strings.HasPrefix(id, e.Package+" ") && id != e.Package+" " {
			fmt.Fprint(t.verbose, strings.Join(out, ""))
			delete(t.output, id)
		}
	}
	for _, line := range t.output[e.Package+" "] {
		word, _, _ := strings.Cut(line, "\t")
		if word = strings.TrimSpace(word); word == "ok" || word == "FAIL" || word == "?" || word == "" {
			if strings.Contains(line, "\t") {
				t.summary = append(t.summary, line)
				fmt.Fprint(t.verbose, line)
			}
			continue
		}
		if failed { // with the seed of -shuffle
			fmt.Fprint(t.verbose, line)
		}
	}
	delete(t.output, e.Package+" ")
}
