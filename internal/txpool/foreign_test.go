package txpool

import (
	"context"
	"database/sql"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/invalidation"
)

// sweep looks for ended transactions and waits for the looking.
func (r *rig) sweep() {
	r.gate.Sweep()
	r.gate.Wait()
}

// TestForeignTransaction: one that the program began on database/sql. Its
// commit is not seen.
//  1. It writes users. 2. It commits.
//  3. Until somebody has looked, and for the hold time after, since being done
//     is not being committed, users are pending. Then they are bumped.
func TestForeignTransaction(t *testing.T) {
	for name, wrap := range map[string]func(*rig, *sql.Tx) gorm.ConnPool{
		"bare": func(_ *rig, tx *sql.Tx) gorm.ConnPool { return tx },
		"prepared": func(r *rig, tx *sql.Tx) gorm.ConnPool {
			prepared := gorm.NewPreparedStmtDB(r.pool, 10, 0)
			r.Cleanup(prepared.Close)
			return &gorm.PreparedStmtTX{Tx: tx, PreparedStmtDB: prepared}
		},
	} {
		for _, commit := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				r := newRig(t, options{})
				tx, err := r.db.Pool.BeginTx(bg, nil)
				r.must(err)
				pool := Announce(wrap(r, tx), only(r.gate))
				before := r.sample("users")
				real, err := pool.QueryContext(bg, "SELECT id FROM users")
				r.must(err)
				r.drain(real)
				r.moved("after a read", before, false)
				sent := r.at(testdb.OpExec, insertUser, func() error { r.expect("when sent", true, "users"); return nil })
				r.exec(pool, insertUser)
				if *sent != 1 {
					t.Error("not sent")
				}
				r.quiet()
				r.must(pool.QueryRowContext(bg, "INSERT INTO posts (user_id) VALUES (1) RETURNING id").Scan(new(int)))
				real, err = pool.QueryContext(bg, "INSERT INTO posts (user_id) VALUES (2) RETURNING id")
				r.must(err)
				r.drain(real)
				r.sweep()
				if n := r.elapse(); n != 0 {
					t.Errorf("%d marks given up while the transaction is open", n)
				}
				r.expect("while open", true, "users", "posts")
				r.expect("while open", false, "other")
				if commit {
					r.must(tx.Commit())
				} else {
					r.must(tx.Rollback())
				}
				r.expect("after the end", true, "users", "posts")
				r.sweep()
				r.expect("once seen to be over", true, "users", "posts")
				held := r.sample("users")
				if n := r.elapse(); n != 1 {
					t.Errorf("%d transactions were held", n)
				}
				r.moved("after the hold time", held, true)
				r.expect("after the hold time", false, "posts")
				r.sweep()
				if n := r.elapse(); n != 0 {
					t.Error("the end was seen twice")
				}
			})
		}
	}
}

// TestForeignWritesAreSwept: a program that only writes keeps no list of
// ended transactions.
func TestForeignWritesAreSwept(t *testing.T) {
	r := newRig(t, options{})
	for range 20 {
		tx, err := r.db.Pool.BeginTx(bg, nil)
		r.must(err)
		r.exec(Announce(tx, only(r.gate)), insertPost)
		r.must(tx.Commit())
		r.gate.Wait()
	}
	r.gate.foreignMu.Lock()
	n := len(r.gate.foreign)
	r.gate.foreignMu.Unlock()
	if n > 2 {
		t.Errorf("%d ended transactions are remembered", n)
	}
	r.sweep()
	r.elapse()
	r.expect("at rest", false, "posts")
}

// A foreign transaction that touches record after record touches the whole table after a while: what is marked for it
// must not grow with what it writes.
func TestForeignWritesOfManyRecords(t *testing.T) {
	r := newRig(t, options{})
	tx, err := r.db.Pool.BeginTx(bg, nil)
	r.must(err)
	pool := Announce(tx, only(r.gate))
	for id := range 3 * manyRecords {
		r.exec(pool, "UPDATE users SET name = 'x' WHERE id = ?", id)
	}
	if n := len(r.gate.foreign[tx].slots); n <= manyRecords || n > manyRecords+8 {
		t.Errorf("%d slots are marked", n)
	}
	for _, tag := range []invalidation.Tag{invalidation.Table(r.gate.Analyzer.Scope(), "users"), invalidation.Set(r.gate.Analyzer.Scope(), "users")} {
		if !r.gate.Stamps.Load(r.gate.Stamps.Slot(tag)).Pending() {
			t.Errorf("%v is not pending", tag)
		}
	}
	r.must(tx.Rollback())
	r.sweep()
	r.elapse()
	r.quiet()
}

// TestForeignDDL: the catalog is read again when it is over.
func TestForeignDDL(t *testing.T) {
	r := newRig(t, options{})
	tx, err := r.db.Pool.BeginTx(bg, nil)
	r.must(err)
	r.exec(Announce(tx, only(r.gate)), trigger)
	r.must(tx.Commit())
	r.expect("before it is swept", true, "users", "posts", "other")
	r.sweep()
	r.elapse()
	posts := r.sample("posts")
	r.exec(r.pool, insertUser)
	r.moved("the trigger's table", posts, true)
}

// TestForeignCatalogChange:
//  1. A foreign write is planned.
//  2. The catalog is read again: a trigger.
//  3. The write runs and fires it. Everything is pending until the end.
func TestForeignCatalogChange(t *testing.T) {
	r := newRig(t, options{})
	tx, err := r.db.Pool.BeginTx(bg, nil)
	r.must(err)
	r.at(testdb.OpExec, insertUser, func() error {
		c, err := r.load(nil)
		r.an.SetCatalog(c, "db")
		return err
	})
	r.exec(Announce(tx, only(r.gate)), insertUser)
	r.expect("after the write", true, "users", "posts", "other")
	r.quiet()
	r.must(tx.Rollback())
	r.sweep()
	r.elapse()
	r.expect("at rest", false, "users", "posts", "other")
}

// lostTx is a transaction of another library: it can end unseen.
type lostTx struct{ *sql.Tx }

func (lostTx) Commit() error { return nil }

// TestLostTransaction: what it writes is pending for good, but no more than
// once, since marks are counted in few bits.
func TestLostTransaction(t *testing.T) {
	r := newRig(t, options{})
	tx, err := r.db.Pool.BeginTx(bg, nil)
	r.must(err)
	pool := Announce(lostTx{tx}, only(r.gate))
	r.exec(pool, insertPost)
	once := r.sample("posts")
	for range 3 {
		r.exec(pool, insertPost)
		r.must(pool.QueryRowContext(bg, insertPost+" RETURNING id").Scan(new(int)))
		real, err := pool.QueryContext(bg, insertPost+" RETURNING id")
		r.must(err)
		r.drain(real)
	}
	r.must(tx.Commit())
	r.sweep()
	r.elapse()
	r.expect("for good", true, "posts")
	if !r.sample("posts").Equal(once) {
		t.Error("marks are counted more than once")
	}
	r.expect("for good", false, "users")
}

// TestUnannouncedPrepare: nobody tells when it runs, so what it writes is
// pending for good; one that a callback announced is seen when it runs.
func TestUnannouncedPrepare(t *testing.T) {
	for name, prepare := range map[string]func(*rig) func() error{
		"pool": func(r *rig) func() error {
			stmt, err := r.pool.PrepareContext(bg, insertUser)
			r.must(err)
			return stmt.Close
		},
		"custom": func(r *rig) func() error {
			stmt, err := NewCustom(r.db.Pool, r.gate).PrepareContext(bg, insertUser)
			r.must(err)
			return stmt.Close
		},
		"connection": func(r *rig) func() error {
			conn, err := r.db.Pool.Conn(bg)
			r.must(err)
			stmt, err := NewConn(conn, r.db.Pool, r.gate).PrepareContext(bg, insertUser)
			r.must(err)
			r.must(stmt.Close())
			return conn.Close
		},
		"transaction": func(r *rig) func() error {
			tx := r.begin(r.pool)
			stmt, err := tx.PrepareContext(bg, insertUser)
			r.must(err)
			r.must(stmt.Close())
			return tx.Rollback
		},
		"custom transaction": func(r *rig) func() error {
			tx := r.begin(NewCustom(beginner{r.pool.DB}, r.gate))
			stmt, err := tx.PrepareContext(bg, insertUser)
			r.must(err)
			r.must(stmt.Close())
			return tx.Rollback
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{})
			finish := prepare(r)
			r.expect("prepared", true, "users")
			r.expect("prepared", false, "posts")
			once := r.sample("users")
			r.must(finish())
			finish = prepare(r)
			r.must(finish())
			r.elapse()
			if !r.sample("users").Equal(once) {
				t.Error("marks are counted more than once")
			}
			r.exec(r.pool, "DELETE FROM users")
			r.expect("for good", true, "users")
			stmt, err := r.pool.PrepareContext(bg, "SELECT * FROM posts")
			r.must(err)
			r.must(stmt.Close())
			r.expect("a prepared read", false, "posts")
			// The catalog changes: the statement reaches more.
			r.exec(r.pool, trigger)
			r.expect("after a trigger was added", true, "posts")
			r.expect("after a trigger was added", false, "other")
		})
	}
}

// TestAnnouncedPrepare: through GORM's own pool of prepared statements.
func TestAnnouncedPrepare(t *testing.T) {
	r := newRig(t, options{})
	prepared := gorm.NewPreparedStmtDB(r.pool, 10, 0)
	defer prepared.Close()
	over := Announce(prepared, only(r.gate))
	for range 2 {
		r.exec(over, insertPost)
		r.expect("after an announced run", false, "posts")
		tx := r.begin(prepared)
		r.exec(Announce(tx, only(r.gate)), insertPost)
		r.must(tx.Commit())
		r.expect("after an announced commit", false, "posts")
	}
}

// TestStatementsOutliveTheirTransaction:
//  1. Generated code writes in a transaction, past the callbacks. GORM's pool
//     of prepared statements prepares and keeps the statement.
//  2. The next transaction runs it again. It is prepared again below
//     the wrapper, so nobody sees it.
//  3. The row is committed. A reader must not have stored the old rows.
func TestStatementsOutliveTheirTransaction(t *testing.T) {
	r := newRig(t, options{})
	prepared := gorm.NewPreparedStmtDB(r.pool, 10, 0)
	defer prepared.Close()
	for i := range 2 {
		tx := r.begin(prepared)
		r.exec(tx, insertPost)
		r.must(tx.Commit())
		if r.count("posts") != i+1 {
			t.Fatal("the row is not there")
		}
		r.expect("after an unseen run", true, "posts")
	}
}

// TestManyPreparedTexts: the texts remembered are bounded; past the bound
// everything is pending.
func TestManyPreparedTexts(t *testing.T) {
	r := newRig(t, options{})
	text := []byte("INSERT INTO posts (user_id) VALUES (1) -- ")
	for range maxTexts {
		text = append(text, 'x')
		r.gate.prepared(string(text))
	}
	r.expect("at the bound", false, "other")
	r.gate.prepared(string(text))
	r.expect("a text that is known", false, "other")
	r.gate.prepared(string(append(text, 'x')))
	r.expect("past the bound", true, "other")
	if n := len(r.gate.texts); n != maxTexts {
		t.Errorf("%d texts are kept", n)
	}
}

// TestAnnounceLeavesWrappedPoolsAlone: they see their statements themselves.
func TestAnnounceLeavesWrappedPoolsAlone(t *testing.T) {
	r := newRig(t, options{})
	tx := r.begin(r.pool)
	defer func() { r.must(tx.Rollback()) }()
	ctx := r.begin(NewCustom(beginner{r.pool.DB}, r.gate))
	defer func() { r.must(ctx.Rollback()) }()
	for _, p := range []gorm.ConnPool{nil, r.pool, NewCustom(r.db.Pool, r.gate), tx, ctx, Announce(r.db.Pool, only(r.gate))} {
		if Announce(p, only(r.gate)) != p {
			t.Errorf("%T was wrapped again", p)
		}
	}
	if db, err := r.pool.GetDBConn(); db != r.db.Pool || err != nil {
		t.Error("the pool does not give its *sql.DB")
	}
	if db, err := tx.(*Tx).GetDBConn(); db != r.db.Pool || err != nil {
		t.Error("the transaction does not give its *sql.DB")
	}
	if NewCustom(r.db.Pool, r.gate).Ping() != nil || r.pool.Gate() != r.gate || tx.(*Tx).Gate() != r.gate || ctx.(*CustomTx).Gate() != r.gate {
		t.Error("the wrappers do not pass things on")
	}
	if _, err := NewCustom(beginner{r.pool.DB}, r.gate).GetDBConn(); err == nil {
		t.Error("a pool without a *sql.DB gave one")
	}
	// The mark of an announced statement is for the pool below alone.
	if announced(bg) || !announced(announce(context.Background())) {
		t.Error("announced is not what announce says")
	}
}
