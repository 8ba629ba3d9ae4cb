package rows

import (
	"errors"
	"fmt"
)

// Reasons why [Recorder.Finish] stores nothing. They may come wrapped together with the error that
// caused them; compare with errors.Is.
var (
	// ErrIncomplete: the rows were closed before their end, or reading or closing them failed.
	ErrIncomplete = errors.New("rows: not read to the end without error")
	// ErrTooLarge: a limit of [Limits] was passed; raise it to have such results stored.
	ErrTooLarge = errors.New("rows: result exceeds the limits")
	// ErrTooManyRows is an ErrTooLarge: it was the limit of rows.
	ErrTooManyRows = fmt.Errorf("%w: too many rows", ErrTooLarge)
	// ErrUnstorable: the driver returned a value or column types that cannot be replayed exactly.
	ErrUnstorable = errors.New("rows: result holds values that cannot be replayed exactly")
	// ErrMultipleResults: the query returned more than one result set.
	ErrMultipleResults = errors.New("rows: query returned more than one result set")
)

// Errors of misuse.
var (
	// ErrUntyped: a result recorded by [Replayer.StreamRow] has no column types, so it can be
	// replayed with [Replayer.Row] only.
	ErrUntyped = errors.New("rows: recorded for a single row; replay it with Row")
	// ErrPrefix: a replay was read past the rows recorded, of a result that is not [Recorded.Complete].
	// Hand such results only to readers that stop where the one stopped that recorded them.
	ErrPrefix = errors.New("rows: only the first rows were recorded; read no further than the recording did")
	// ErrNoResult: nil was given where rows, a recorded result or an error is needed.
	ErrNoResult = errors.New("rows: neither rows nor an error given")
)

// errNotQueryable is what the replay driver says to everything but a query made by this package.
var errNotQueryable = errors.New("rows: the replay database answers recorded queries only")
