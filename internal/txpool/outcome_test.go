package txpool

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/mattn/go-sqlite3"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// TestUnknownCommit:
//  1. COMMIT is sent, the connection is lost. The caller gets an error.
//  2. A reader reads the old rows.
//  3. The database finishes the COMMIT.
//  4. Had the mark gone with 1, the reader's entry would be valid, and old.
//
// The mark stays for the hold time; the end of that time bumps.
func TestUnknownCommit(t *testing.T) {
	r := newRig(t, options{remote: true})
	tx := r.begin(r.pool)
	r.exec(tx, insertUser)
	r.after(testdb.OpCommit, "", func() error { return errDriver })
	if err := tx.Commit(); err != errDriver {
		t.Fatalf("the error is %v", err)
	}
	r.quiet()
	r.expect("while the outcome is unknown", true, "users")
	r.expect("while the outcome is unknown", false, "posts")
	held := r.sample("users")
	if n := r.elapse(); n != 1 {
		t.Errorf("%d marks were held", n)
	}
	r.moved("after the hold time", held, true)
}

// TestUnknownAutocommit: the same for a statement that commits itself, in
// each way of running it.
func TestUnknownAutocommit(t *testing.T) {
	r := newRig(t, options{remote: true})
	lost := func() error { return errDriver }
	for name, run := range map[string]func(){
		"exec": func() {
			r.after(testdb.OpExec, insertUser, lost)
			_, err := r.pool.ExecContext(bg, insertUser)
			r.fails(err)
		},
		"query": func() {
			r.after(testdb.OpQuery, returning, lost)
			_, err := r.pool.QueryContext(bg, returning)
			r.fails(err)
		},
		"row": func() {
			r.after(testdb.OpQuery, returning, lost)
			r.fails(r.pool.QueryRowContext(bg, returning).Scan(new(int)))
		},
		"rows": func() {
			r.at(testdb.OpNext, returning, lost)
			real, err := r.pool.QueryContext(bg, returning)
			r.must(err)
			if real.Next() || real.Err() != errDriver {
				t.Errorf("the rows gave %v", real.Err())
			}
			_ = real.Close()
		},
		"cancelled": func() {
			ctx, cancel := context.WithCancel(bg)
			r.at(testdb.OpExec, insertUser, func() error { cancel(); return ctx.Err() })
			_, err := r.pool.ExecContext(ctx, insertUser)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the error is %v", err)
			}
		},
	} {
		run()
		r.quiet()
		r.expect(name+": unknown", true, "users")
		held := r.sample("users")
		if n := r.elapse(); n != 1 {
			t.Errorf("%s: %d marks were held", name, n)
		}
		r.moved(name, held, true)
		r.exec(r.db.Pool, "DELETE FROM users")
	}
}

// TestKnownFailure: what the server answered settles the write at once.
func TestKnownFailure(t *testing.T) {
	r := newRig(t, options{remote: true})
	before := r.sample("users")
	r.at(testdb.OpExec, insertUser, func() error { return &pgconn.PgError{Code: "23505"} })
	_, err := r.pool.ExecContext(bg, insertUser)
	r.fails(err)
	r.moved("refused by the server", before, true)
	r.quiet()

	tx := r.begin(r.pool)
	r.exec(tx, insertUser)
	r.must(tx.Rollback())
	if err := tx.Commit(); !errors.Is(err, sql.ErrTxDone) {
		t.Errorf("a commit after the rollback gave %v", err)
	}
	r.expect("a transaction that was over", false, "users")
	if n := r.elapse(); n != 0 {
		t.Errorf("%d marks were held", n)
	}
}

// TestPanic: the driver panics in the middle. The panic passes through, the
// outcome is unknown whatever the database, and the completion comes.
func TestPanic(t *testing.T) {
	for name, run := range map[string]func(r *rig){
		"exec": func(r *rig) {
			r.at(testdb.OpExec, insertUser, func() error { panic("driver") })
			r.exec(r.pool, insertUser)
		},
		"query": func(r *rig) {
			r.at(testdb.OpQuery, returning, func() error { panic("driver") })
			_, _ = r.pool.QueryContext(bg, returning)
		},
		"row": func(r *rig) {
			r.at(testdb.OpQuery, returning, func() error { panic("driver") })
			_ = r.pool.QueryRowContext(bg, returning).Scan()
		},
		"commit": func(r *rig) {
			tx := r.begin(r.pool)
			r.exec(tx, insertUser)
			r.at(testdb.OpCommit, "", func() error { panic("driver") })
			_ = tx.Commit()
		},
		// A panic in a transaction's query leaves database/sql's own locks held.
		"exec in a failed transaction": func(r *rig) {
			tx := r.begin(r.pool)
			defer func() { r.quiet(); _ = tx.Rollback() }()
			_, err := tx.ExecContext(bg, "nonsense")
			r.fails(err)
			r.elapse()
			r.at(testdb.OpExec, insertUser, func() error { panic("driver") })
			r.exec(tx, insertUser)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{})
			func() {
				defer func() {
					if got := recover(); got != "driver" {
						t.Errorf("recovered %v", got)
					}
				}()
				run(r)
				t.Error("no panic")
			}()
			r.quiet()
			r.expect("after the panic", true, "users")
			held := r.sample("users")
			if n := r.elapse(); n != 1 {
				t.Errorf("%d marks were held", n)
			}
			r.moved("after the hold time", held, true)
		})
	}
}

// TestUnknownOutcome: only an answer of the server settles a failure.
func TestUnknownOutcome(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{sql.ErrTxDone, false},
		{sql.ErrNoRows, false},
		{&pgconn.PgError{Code: "23505"}, false},
		{&pgconn.PgError{Code: "40001"}, false},
		{&pgconn.PgError{Code: "25P02"}, false},
		{fmt.Errorf("saving: %w", &pgconn.PgError{Code: "23505"}), false},
		{&mysql.MySQLError{Number: 1062}, false},
		{fmt.Errorf("saving: %w", &mysql.MySQLError{Number: 1213}), false},
		{sqlite3.Error{Code: sqlite3.ErrConstraint}, false},
		{errors.New("commit unexpectedly resulted in rollback"), false},
		{numbered(547), false},
		{&pgconn.PgError{Code: "08006"}, true},
		{&pgconn.PgError{Code: "57P01"}, true},
		{&pgconn.PgError{Code: "40003"}, true},
		{&pgconn.PgError{Code: "XX000"}, true},
		{&pgconn.PgError{}, true},
		{context.Canceled, true},
		{context.DeadlineExceeded, true},
		{driver.ErrBadConn, true},
		{sql.ErrConnDone, true},
		{mysql.ErrInvalidConn, true},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, true},
		{errors.New("anything else"), true},
		{fmt.Errorf("commit: %w", driver.ErrBadConn), true},
	} {
		if got := unknownOutcome(c.err); got != c.want {
			t.Errorf("%v: unknown is %v, want %v", c.err, got, c.want)
		}
	}
}

// numbered is shaped as SQL Server's error.
type numbered int32

func (n numbered) Error() string         { return fmt.Sprint("mssql: error ", int32(n)) }
func (n numbered) SQLErrorNumber() int32 { return int32(n) }
