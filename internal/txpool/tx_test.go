package txpool

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

const insertPost = "INSERT INTO posts (user_id) VALUES (1)"

// TestCommit:
//  1. A transaction writes users: nobody sees it yet, nothing is marked.
//  2. The intents of all that it wrote are placed.
//  3. COMMIT is sent, and answered.
//  4. The write completes. 5. The caller is told.
func TestCommit(t *testing.T) {
	r := newRig(t, options{})
	conn, err := r.db.Pool.Conn(bg)
	r.must(err)
	defer func() { r.must(conn.Close()) }()
	prepared := gorm.NewPreparedStmtDB(r.pool, 10, 0)
	defer prepared.Close()
	for name, pool := range map[string]gorm.ConnPoolBeginner{
		"pool": r.pool, "connection": NewConn(conn, r.db.Pool, r.gate), "prepared": prepared,
		"custom over sql": NewCustom(r.db.Pool, r.gate), "custom over gorm": NewCustom(beginner{r.pool.DB}, r.gate),
	} {
		users, posts, other := r.sample("users"), r.sample("posts"), r.sample("other")
		tx := r.begin(pool)
		over := Announce(tx, only(r.gate))
		r.exec(over, "INSERT INTO users (name) VALUES (?)", name)
		r.moved(name+": before the commit", users, false)
		var n int
		r.must(over.QueryRowContext(bg, "INSERT INTO posts (user_id) VALUES (2) RETURNING id").Scan(&n))
		real, err := over.QueryContext(bg, "INSERT INTO posts (user_id) VALUES (3) RETURNING id")
		r.must(err)
		r.drain(real)
		r.moved(name+": before the commit", posts, false)
		sent := r.at(testdb.OpCommit, "", func() error {
			r.expect(name+": when COMMIT is sent", true, "users", "posts")
			r.expect(name+": when COMMIT is sent", false, "other")
			return nil
		})
		r.must(tx.Commit())
		if *sent != 1 {
			t.Errorf("%s: COMMIT was sent %d times", name, *sent)
		}
		r.moved(name, users, true)
		r.moved(name, posts, true)
		r.moved(name, other, false)
		if err := tx.Commit(); !errors.Is(err, sql.ErrTxDone) {
			t.Errorf("%s: a second commit gave %v", name, err)
		}
		r.expect(name+": after a second commit", false, "users", "posts")
		r.quiet()
	}
}

// TestCommitAnswered: the marks stand until COMMIT is answered, and no longer.
func TestCommitAnswered(t *testing.T) {
	r := newRig(t, options{})
	tx := r.begin(r.pool)
	r.exec(tx, insertUser)
	answered := r.after(testdb.OpCommit, "", func() error {
		r.expect("when COMMIT is answered", true, "users")
		return nil
	})
	r.must(tx.Commit())
	r.expect("after the commit", false, "users")
	if *answered != 1 {
		t.Error("COMMIT was not answered")
	}
}

// TestRollback bumps nothing: nobody saw anything.
func TestRollback(t *testing.T) {
	r := newRig(t, options{})
	for name, pool := range map[string]gorm.ConnPoolBeginner{
		"pool": r.pool, "custom over gorm": NewCustom(beginner{r.pool.DB}, r.gate),
	} {
		users := r.sample("users")
		tx := r.begin(pool)
		r.exec(tx, insertUser)
		r.at(testdb.OpRollback, "", func() error { r.expect("when ROLLBACK is sent", false, "users"); return nil })
		r.must(tx.Rollback())
		r.moved(name, users, false)
		if n := r.count("users"); n != 0 {
			t.Errorf("%s: %d rows", name, n)
		}
		if err := tx.Rollback(); !errors.Is(err, sql.ErrTxDone) {
			t.Errorf("%s: a second rollback gave %v", name, err)
		}
	}
	// Neither does the commit of a transaction that only read.
	users := r.sample("users")
	tx := r.begin(r.pool)
	r.exec(tx, "SELECT 1")
	r.must(tx.Commit())
	r.moved("a reading transaction", users, false)
}

// TestSavepoints: what a rolled-back savepoint wrote stays in the set, and
// savepoints themselves touch nothing.
func TestSavepoints(t *testing.T) {
	r := newRig(t, options{})
	users, posts := r.sample("users"), r.sample("posts")
	tx := r.begin(r.pool)
	r.exec(tx, "SAVEPOINT one")
	r.exec(tx, insertUser)
	r.exec(tx, "ROLLBACK TO SAVEPOINT one")
	r.exec(tx, "RELEASE SAVEPOINT one")
	r.moved("before the commit", users, false)
	r.exec(tx, insertPost)
	r.at(testdb.OpCommit, "", func() error { r.expect("when COMMIT is sent", true, "users", "posts"); return nil })
	r.must(tx.Commit())
	r.moved("after the commit", users, true)
	r.moved("after the commit", posts, true)
	r.quiet()

	users = r.sample("users")
	tx = r.begin(r.pool)
	r.exec(tx, "SAVEPOINT two")
	r.exec(tx, "RELEASE two")
	r.must(tx.Commit())
	r.moved("savepoints alone", users, false)
}

// TestCommitFails: the database refuses, and says so.
func TestCommitFails(t *testing.T) {
	r := newRig(t, options{})
	r.exec(r.db.Pool, `CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES users DEFERRABLE INITIALLY DEFERRED)`)
	tx := r.begin(r.pool)
	r.exec(tx, insertUser)
	r.exec(tx, "INSERT INTO child (parent) VALUES (99)")
	users := r.sample("users")
	r.fails(tx.Commit())
	r.moved("after the refusal", users, true)
	if n := r.count("users"); n != 0 {
		t.Errorf("%d users", n)
	}

	tx = r.begin(r.pool)
	r.exec(tx, insertUser)
	r.at(testdb.OpCommit, "", func() error { return errDriver })
	if err := tx.Commit(); err != errDriver {
		t.Errorf("the error is %v", err)
	}
	r.quiet()
	r.expect("after the failure", false, "users")
	if n := r.elapse(); n != 0 {
		t.Errorf("%d marks held, though SQLite tells every outcome", n)
	}
}

// TestCancelledCommit:
//  1. COMMIT is sent.
//  2. The caller's context ends.
//  3. COMMIT succeeds. The completion must not be lost with the context.
func TestCancelledCommit(t *testing.T) {
	r := newRig(t, options{})
	users := r.sample("users")
	ctx, cancel := context.WithCancel(bg)
	tx, err := r.pool.BeginTx(ctx, nil)
	r.must(err)
	_, err = tx.ExecContext(ctx, insertUser)
	r.must(err)
	r.at(testdb.OpCommit, "", func() error { cancel(); return nil })
	r.must(tx.(*Tx).Commit())
	r.moved("after the commit", users, true)
	if r.count("users") != 1 {
		t.Error("the row is not there")
	}
	r.quiet()

	// A context that ended before leaves nothing marked either.
	ctx, cancel = context.WithCancel(bg)
	tx, err = r.pool.BeginTx(ctx, nil)
	r.must(err)
	_, err = tx.ExecContext(ctx, "INSERT INTO users (name) VALUES ('z')")
	r.must(err)
	cancel()
	r.fails(tx.(*Tx).Commit())
	r.expect("after a commit that was not sent", false, "users")
}

// TestFailedBegin gives a typed nil, as GORM asks of a pool: its own Commit
// looks for one.
func TestFailedBegin(t *testing.T) {
	r := newRig(t, options{})
	conn, err := r.db.Pool.Conn(bg)
	r.must(err)
	defer func() { r.must(conn.Close()) }()
	r.at(testdb.OpBegin, "", func() error { return errDriver })
	for name, pool := range map[string]gorm.ConnPoolBeginner{
		"pool": r.pool, "connection": NewConn(conn, r.db.Pool, r.gate), "custom": NewCustom(r.db.Pool, r.gate),
	} {
		got, err := pool.BeginTx(bg, nil)
		if err != errDriver {
			t.Errorf("%s: the error is %v", name, err)
		}
		if tx, ok := got.(*Tx); !ok || tx != nil {
			t.Errorf("%s: got %#v", name, got)
		}
	}
	r.db.DB.Statement.ConnPool = r.pool
	r.db.DB.ConnPool = r.pool
	tx := r.db.DB.Begin()
	if !errors.Is(tx.Error, errDriver) {
		t.Errorf("gorm's error is %v", tx.Error)
	}
	if err := tx.Commit().Error; !errors.Is(err, gorm.ErrInvalidTransaction) {
		t.Errorf("gorm's commit gave %v", err)
	}
	r.quiet()
}

// TestDatabaseEndsTransaction: the connection is then in autocommit, though
// nobody says so.
//  1. A transaction writes users.
//  2. INSERT OR ROLLBACK hits a constraint: SQLite rolls everything back.
//  3. The program goes on and writes posts: committed at once.
//  4. A reader must not be served the old posts, though the transaction has
//     not "ended", and not after its ROLLBACK either.
func TestDatabaseEndsTransaction(t *testing.T) {
	fatal := "INSERT OR ROLLBACK INTO users (name) VALUES ('a')"
	for name, provoke := range map[string]func(r *rig, tx gorm.ConnPool) error{
		"exec": func(_ *rig, tx gorm.ConnPool) error { _, err := tx.ExecContext(bg, fatal); return err },
		"row": func(_ *rig, tx gorm.ConnPool) error {
			return tx.QueryRowContext(bg, fatal+" RETURNING id").Scan(new(int))
		},
		"rows": func(_ *rig, tx gorm.ConnPool) error {
			real, err := tx.QueryContext(bg, fatal+" RETURNING id")
			if err != nil {
				return err
			}
			for real.Next() {
			}
			return errors.Join(real.Err(), real.Close())
		},
		"prepared": func(_ *rig, tx gorm.ConnPool) error {
			stmt, err := tx.PrepareContext(bg, fatal)
			if err != nil {
				return err
			}
			_, err = stmt.ExecContext(bg)
			return errors.Join(err, stmt.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{})
			tx := r.begin(r.pool)
			r.exec(tx, insertUser)
			err := provoke(r, tx)
			r.fails(err)
			for i, write := range []func(){
				func() { r.exec(tx, insertPost) },
				func() { r.must(tx.QueryRowContext(bg, insertPost+" RETURNING id").Scan(new(int))) },
				func() {
					real, err := tx.QueryContext(bg, insertPost+" RETURNING id")
					r.must(err)
					r.drain(real)
				},
			} {
				posts := r.sample("posts")
				see := func() error { r.expect("when the write is sent", true, "posts"); return nil }
				r.db.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
					if ev.Op == testdb.OpExec || ev.Op == testdb.OpQuery {
						return see()
					}
					return nil
				}})
				write()
				r.quiet()
				r.moved("after the write", posts, true)
				if n := r.count("posts"); n != i+1 {
					t.Errorf("%d posts are committed, want %d: SQLite did not roll back, the test is void", n, i+1)
				}
			}
			_ = tx.Rollback() // "no transaction is active"
			r.expect("after the rollback", false, "posts")
		})
	}
}

// TestLockingReadEndsTransaction: a read that locks can be the deadlock's
// victim in its middle, and take the transaction with it.
//  1. SELECT … FOR UPDATE returns; its rows fail with a deadlock.
//  2. The database has rolled back.
//  3. The program goes on and writes: committed at once.
func TestLockingReadEndsTransaction(t *testing.T) {
	// The text is one that the scanner takes for possibly locking and SQLite runs.
	locking := "SELECT random() FROM users"
	for name, read := range map[string]func(tx gorm.ConnPool) error{
		"rows": func(tx gorm.ConnPool) error {
			real, err := tx.QueryContext(bg, locking)
			if err != nil {
				return err
			}
			for real.Next() {
			}
			return errors.Join(real.Err(), real.Close())
		},
		"row": func(tx gorm.ConnPool) error { return tx.QueryRowContext(bg, locking).Scan(new(int)) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{})
			r.exec(r.db.Pool, insertUser)
			tx := r.begin(r.pool)
			if !r.an.Plan(locking).Locking {
				t.Fatal("the text does not count as locking")
			}
			r.at(testdb.OpNext, locking, func() error { return errDriver })
			if err := read(tx); !errors.Is(err, errDriver) {
				t.Fatalf("the read gave %v", err)
			}
			posts := r.sample("posts")
			sent := r.at(testdb.OpExec, insertPost, func() error { r.expect("when sent", true, "posts"); return nil })
			r.exec(tx, insertPost)
			if *sent != 1 {
				t.Error("not sent")
			}
			r.moved("after the write", posts, true)
			r.quiet()
			r.must(tx.Rollback())
		})
	}
}

// TestConcurrentTransactions is for the race detector, and for marks that stay.
func TestConcurrentTransactions(t *testing.T) {
	r := newRig(t, options{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 25 {
				tx, err := r.pool.BeginTx(bg, nil)
				if err != nil {
					t.Error(err)
					return
				}
				own := tx.(*Tx)
				_, err = own.ExecContext(bg, insertPost)
				switch {
				case err != nil: // a busy database
					_ = own.Rollback()
				case (i+j)%2 == 0:
					_ = own.Commit()
				default:
					_ = own.Rollback()
				}
				r.pending("posts")
			}
		})
	}
	wg.Wait()
	r.expect("at rest", false, "users", "posts", "other")
}

// beginner is a pool of the user's own that begins transactions in GORM's
// second way.
type beginner struct{ db *sql.DB }

func (b beginner) PrepareContext(ctx context.Context, q string) (*sql.Stmt, error) {
	return b.db.PrepareContext(ctx, q)
}

func (b beginner) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	return b.db.ExecContext(ctx, q, args...)
}

func (b beginner) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	return b.db.QueryContext(ctx, q, args...)
}

func (b beginner) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	return b.db.QueryRowContext(ctx, q, args...)
}

func (b beginner) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	return b.db.BeginTx(ctx, opts)
}
