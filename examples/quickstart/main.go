// Quickstart runs the reads of a web shop on a SQLite file, once from the
// database and then from the cache, and shows what each costs, what a write
// does to it, and what happens when many ask at once.
//
//	go run ./examples/quickstart
//
// It states what it measured, on your machine, and ends with a non-zero exit
// code if a cached result differs from the database's or a promise that it
// prints does not hold.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	if err := run(context.Background(), os.Stdout, fullSize); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run is the whole program, over a shop of the given size.
func run(ctx context.Context, out io.Writer, size size) (err error) {
	dir, err := os.MkdirTemp("", "querycache-quickstart-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	s, err := open(ctx, filepath.Join(dir, "shop.db"), size)
	if err != nil {
		return fmt.Errorf("opening the shop: %w", err)
	}
	defer func() { err = errors.Join(err, s.close(ctx)) }()
	fmt.Fprintf(out, "A shop in a SQLite file: %d customers, %d products, %d orders, %d order lines.\n",
		size.customers, size.products, size.orders, s.lines)

	r := &report{out: out}
	for _, chapter := range []struct {
		title string
		tell  func(context.Context, *shop, *report) error
	}{
		{"The reads of a web shop", compareReads},
		{"A write, and what is read after it", writeAndRead},
		{"A transaction that is rolled back", rollBack},
		{"200 goroutines ask one cold query", stampede},
		{"Why a query is cached, or is not", explain},
		{"What the cache counted", count},
	} {
		fmt.Fprintf(out, "\n== %s\n\n", chapter.title)
		if err := chapter.tell(ctx, s, r); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
	}
	return r.err()
}
