package txpool

import (
	"context"
	"database/sql"
	"errors"
	"testing"
)

// An error that says that nothing was sent leaves nothing unknown, whatever
// else begins alike does.
func TestNotSent(t *testing.T) {
	for text, unknown := range map[string]bool{
		"sql: converting argument $1 type: unsupported type": false,
		"sql: expected 2 arguments, got 1":                   false,
		"sql: database is closed":                            false,
		"failed to encode args[0]: unable to encode":         false,
		"driver: sql: database is closed":                    true,
		"broken pipe":                                        true,
	} {
		if got := unknownOutcome(errors.New(text)); got != unknown {
			t.Errorf("%s: unknown is %v", text, got)
		}
	}
}

// database/sql sends nothing once the context is over; a user's pool may.
func TestEndedBefore(t *testing.T) {
	r := newRig(t, options{})
	over, cancel := context.WithCancel(bg)
	cancel()
	if !endedBefore(over, r.pool) || !endedBefore(over, r.db.Pool) || !endedBefore(over, (*sql.Tx)(nil)) {
		t.Error("not over")
	}
	if endedBefore(bg, r.pool) || endedBefore(over, beginner{}) {
		t.Error("over")
	}
}
