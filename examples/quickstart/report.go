package main

import (
	"errors"
	"fmt"
	"io"
)

var errBroken = errors.New("a promise was not kept")

// report prints what was found and remembers what should not have been.
type report struct {
	out    io.Writer
	broken []error
}

func (r *report) say(format string, args ...any) { fmt.Fprintf(r.out, format+"\n", args...) }

// promise prints what the cache promises, and whether it did.
func (r *report) promise(kept bool, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if kept {
		r.say("  ok      %s", text)
		return
	}
	r.say("  BROKEN  %s", text)
	r.broken = append(r.broken, fmt.Errorf("%w: %s", errBroken, text))
}

func (r *report) err() error { return errors.Join(r.broken...) }
