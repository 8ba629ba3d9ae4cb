package txpool

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

const insertUser = "INSERT INTO users (name) VALUES ('a')"

var errDriver = errors.New("the connection was lost")

// TestAutocommitExec:
//  1. The intent is placed.
//  2. The statement is sent.
//  3. It is answered: the row is there, the mark too.
//  4. The write completes. 5. The caller is told.
func TestAutocommitExec(t *testing.T) {
	r := newRig(t, options{})
	conn, err := r.db.Pool.Conn(bg)
	r.must(err)
	defer func() { r.must(conn.Close()) }()
	prepared := gorm.NewPreparedStmtDB(r.pool, 10, 0)
	defer prepared.Close()
	for name, pool := range map[string]gorm.ConnPool{
		"pool":       r.pool,
		"connection": NewConn(conn, r.db.Pool, r.gate),
		"custom":     NewCustom(r.db.Pool, r.gate),
		"announced":  Announce(prepared, only(r.gate)),
	} {
		before, other := r.sample("users"), r.sample("other")
		const text = "INSERT INTO users (name) VALUES (?)"
		sent := r.at(testdb.OpExec, text, func() error {
			r.expect(name+": when sent", true, "users")
			r.expect(name+": when sent", false, "other", "posts")
			return nil
		})
		res, err := pool.ExecContext(bg, text, name)
		r.must(err)
		if n, err := res.RowsAffected(); n != 1 || err != nil || *sent != 1 {
			t.Errorf("%s: %d rows, %v, sent %d times", name, n, err, *sent)
		}
		r.moved(name, before, true)
		r.moved(name+": another table", other, false)

		answered := r.after(testdb.OpExec, text, func() error {
			r.expect(name+": when answered", true, "users")
			return nil
		})
		r.exec(pool, text, name+" again")
		if *answered != 1 {
			t.Errorf("%s: the answer was not seen", name)
		}
		r.quiet()
	}
}

// TestAutocommitFailure: an answer of the database settles the write, and the
// error is the driver's own.
func TestAutocommitFailure(t *testing.T) {
	r := newRig(t, options{})
	before := r.sample("users")
	r.at(testdb.OpExec, insertUser, func() error { return errDriver })
	if _, err := r.pool.ExecContext(bg, insertUser); err != errDriver {
		t.Errorf("the error is %v", err)
	}
	r.quiet()
	r.moved("after the failure", before, true)
	if n := r.elapse(); n != 0 {
		t.Errorf("%d marks held, though SQLite tells every outcome", n)
	}
}

// TestReadsTouchNothing: nor do they pay for a stream.
func TestReadsTouchNothing(t *testing.T) {
	r := newRig(t, options{})
	before := r.sample("users")
	r.at(testdb.OpQuery, "", func() error { r.expect("while reading", false, "users"); return nil })
	for _, pool := range []gorm.ConnPool{r.pool, NewCustom(r.db.Pool, r.gate), r.begin(r.pool)} {
		real, err := pool.QueryContext(bg, "SELECT * FROM users")
		r.must(err)
		r.drain(real)
		var n int
		r.must(pool.QueryRowContext(bg, "SELECT count(*) FROM users").Scan(&n))
		if _, err := pool.ExecContext(bg, "SELECT * FROM users"); err != nil {
			t.Error(err)
		}
		if tx, ok := pool.(gorm.TxCommitter); ok {
			r.must(tx.Commit())
		}
	}
	r.moved("after reading", before, false)
}

const returning = "INSERT INTO users (name) VALUES ('b'), ('c') RETURNING id"

// TestReturningCompletesAtTheEnd:
//  1. INSERT … RETURNING is sent under its intent.
//  2. The call returns; the statement is not over, so not committed.
//  3. A reader stores the old rows.
//  4. The rows are exhausted or closed: committed.
//  5. The reader's entry must not be valid, so the intent lasts till 4.
func TestReturningCompletesAtTheEnd(t *testing.T) {
	for name, finish := range map[string]func(*rig, *sql.Rows){
		"exhausted": func(r *rig, real *sql.Rows) {
			n := 0
			for real.Next() {
				n++
			}
			if n != 2 {
				r.Errorf("%d rows", n)
			}
		},
		"closed early": func(r *rig, real *sql.Rows) {
			if !real.Next() {
				r.Error("no row")
			}
			r.expect("after the first row", true, "users")
			r.must(real.Close())
		},
		"closed at once": func(r *rig, real *sql.Rows) { r.must(real.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{})
			before := r.sample("users")
			sent := r.at(testdb.OpQuery, returning, func() error {
				r.expect("when sent", true, "users")
				return nil
			})
			closing := 0
			real, err := r.pool.QueryContext(bg, returning)
			r.must(err)
			r.expect("when the call has returned", true, "users")
			r.at(testdb.OpRowsClose, returning, func() error {
				closing++
				r.expect("when the rows are closed", true, "users")
				return nil
			})
			finish(r, real)
			if *sent != 1 || closing == 0 {
				t.Errorf("sent %d times, closed %d times", *sent, closing)
			}
			r.moved("at the end", before, true)
			r.must(real.Close())
		})
	}
}

// TestReturningFails: where the statement fails, where its context ends while
// the rows are open, and where a row fails.
func TestReturningFails(t *testing.T) {
	r := newRig(t, options{})
	before := r.sample("users")
	r.at(testdb.OpQuery, returning, func() error { return errDriver })
	if _, err := r.pool.QueryContext(bg, returning); err != errDriver {
		t.Errorf("the error is %v", err)
	}
	r.moved("after a failed statement", before, true)

	before = r.sample("users")
	n := 0
	r.at(testdb.OpNext, returning, func() error {
		if n++; n == 2 {
			return errDriver
		}
		return nil
	})
	real, err := r.pool.QueryContext(bg, returning)
	r.must(err)
	for real.Next() {
	}
	if real.Err() != errDriver {
		t.Errorf("the rows' error is %v", real.Err())
	}
	r.quiet()
	r.must(real.Close())
	r.moved("after a failed row", before, true)

	closed := make(chan struct{})
	r.after(testdb.OpRowsClose, returning, func() error { close(closed); return nil })
	ctx, cancel := context.WithCancel(bg)
	real, err = r.pool.QueryContext(ctx, "INSERT INTO users (name) VALUES ('d'), ('e') RETURNING id")
	r.must(err)
	cancel()
	for real.Next() {
	}
	r.must(real.Close())
	r.quiet()
	if got := r.pending("users"); got {
		t.Error("a mark is left after the context ended")
	}
}

// TestReturningRow: QueryRowContext, whose row is closed by its Scan.
func TestReturningRow(t *testing.T) {
	r := newRig(t, options{})
	before := r.sample("users")
	r.at(testdb.OpQuery, returning, func() error { r.expect("when sent", true, "users"); return nil })
	row := r.pool.QueryRowContext(bg, returning)
	r.expect("before Scan", true, "users")
	var id int
	r.must(row.Scan(&id))
	r.moved("after Scan", before, true)
	if id == 0 || r.count("users") != 2 {
		t.Errorf("id %d, %d rows", id, r.count("users"))
	}

	before = r.sample("users")
	r.at(testdb.OpQuery, returning, func() error { return errDriver })
	row = r.pool.QueryRowContext(bg, returning)
	if err := row.Err(); err != errDriver {
		t.Errorf("the row's error is %v", err)
	}
	if err := row.Scan(&id); err != errDriver {
		t.Errorf("Scan's error is %v", err)
	}
	r.quiet()
	r.moved("after a failure", before, true)

	before = r.sample("users")
	err := r.pool.QueryRowContext(bg, "DELETE FROM users WHERE id = -1 RETURNING id").Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		t.Errorf("no row gave %v", err)
	}
	r.moved("after no row", before, true)
}
