// Stepbystep walks a small shop through what querycache does, one problem at a
// time, and counts after each step the queries that reach the database.
//
//	go run ./examples/stepbystep          # prints the walk as Markdown
//	go run ./examples/stepbystep -w       # writes it into docs/step-by-step.md
//	go run ./examples/stepbystep -check   # says whether that file is up to date
//
// The code in the walk is cut out of this program's own source, and the numbers
// are measured while it runs, so that neither can be out of date. Each number
// is also the one that the step expects: if not, the program ends with an
// error.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "stepbystep:", err)
		os.Exit(1)
	}
}

var errOutOfDate = errors.New("it is out of date: write it anew with go run ./examples/stepbystep -w")

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("stepbystep", flag.ContinueOnError)
	file := flags.String("file", "docs/step-by-step.md", "the `file` of -w and -check")
	write := flags.Bool("w", false, "write the walk into the file")
	check := flags.Bool("check", false, "compare the walk with the file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	text, err := walk(ctx)
	switch {
	case err != nil:
		return err
	case *write:
		return os.WriteFile(*file, text, 0o644)
	case *check:
		have, err := os.ReadFile(*file)
		if err == nil && !bytes.Equal(have, text) {
			err = fmt.Errorf("%s: %w", *file, errOutOfDate)
		}
		return err
	}
	_, err = out.Write(text)
	return err
}
