package txpool

import (
	"context"
	"database/sql"
	"errors"
	"reflect"
	"strings"

	"gorm.io/gorm"
)

// unknownOutcome tells whether a statement or COMMIT that gave err may still
// be applied by the database. Only an answer of the server settles a failure;
// a lost connection, a context that ended, and anything unheard of do not.
func unknownOutcome(err error) bool {
	if err == nil || errors.Is(err, sql.ErrTxDone) || errors.Is(err, sql.ErrNoRows) {
		return false
	}
	return !serverAnswered(err) && !notSent(err)
}

// notSent tells whether the error is one that database/sql or pgx gives about
// the arguments or the pool, before anything goes out.
func notSent(err error) bool {
	for _, text := range []string{"sql: converting argument ", "sql: expected ", "sql: database is closed", "failed to encode args["} {
		if strings.HasPrefix(err.Error(), text) {
			return true
		}
	}
	return false
}

// endedBefore tells whether a context is over before a statement is sent on a
// pool of database/sql, which then sends nothing. A user's pool may do as it
// likes.
func endedBefore(ctx context.Context, to gorm.ConnPool) bool {
	switch Beneath(to).(type) {
	case *sql.DB, *sql.Conn, *sql.Tx, *DB, *Conn, *Tx:
	default:
		return false
	}
	select {
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// serverAnswered looks for an error value that a driver makes only from the
// server's own error message. Drivers are told by method or by type name, so
// that none of them has to be imported.
func serverAnswered(err error) bool {
	var state interface{ SQLState() string }
	if errors.As(err, &state) { // pgx, lib/pq
		return settledState(state.SQLState())
	}
	var mssql interface{ SQLErrorNumber() int32 }
	if errors.As(err, &mssql) {
		return true
	}
	// pgx reports a COMMIT that the server answered with ROLLBACK so.
	if strings.Contains(err.Error(), "commit unexpectedly resulted in rollback") {
		return true
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		t := reflect.TypeOf(e)
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.PkgPath() + "." + t.Name() {
		case "github.com/go-sql-driver/mysql.MySQLError", "github.com/mattn/go-sqlite3.Error":
			return true
		}
	}
	return false
}

// settledState tells whether an SQLSTATE means that the statement was not
// applied. Class 08 is a connection failure, 57P0x a server going down, 40003
// says itself that completion is unknown, XX is an internal error.
func settledState(state string) bool {
	switch {
	case len(state) != 5, strings.HasPrefix(state, "08"), strings.HasPrefix(state, "57P"),
		strings.HasPrefix(state, "XX"), state == "40003":
		return false
	}
	return true
}
