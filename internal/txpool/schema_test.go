package txpool

import (
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

const trigger = "CREATE TRIGGER tr AFTER INSERT ON users BEGIN INSERT INTO posts (user_id) VALUES (new.id); END"

// TestDDLOnPoolOfOne: the catalog is read again over a connection that is
// free, or over the one that is held. The rig fails where it would wait.
func TestDDLOnPoolOfOne(t *testing.T) {
	for name, run := range map[string]func(r *rig, ddl string){
		"pool": func(r *rig, ddl string) { r.exec(r.pool, ddl) },
		"pool, rows": func(r *rig, ddl string) {
			real, err := r.pool.QueryContext(bg, ddl)
			r.must(err)
			r.drain(real)
		},
		"connection": func(r *rig, ddl string) {
			conn, err := r.db.Pool.Conn(bg)
			r.must(err)
			r.exec(NewConn(conn, r.db.Pool, r.gate), ddl)
			r.must(conn.Close())
		},
		"prepared over a connection": func(r *rig, ddl string) {
			conn, err := r.db.Pool.Conn(bg)
			r.must(err)
			prepared := gorm.NewPreparedStmtDB(NewConn(conn, r.db.Pool, r.gate), 10, 0)
			r.exec(Announce(prepared, only(r.gate)), ddl)
			prepared.Close()
			r.must(conn.Close())
		},
		"transaction": func(r *rig, ddl string) {
			tx := r.begin(r.pool)
			r.exec(tx, ddl)
			r.must(tx.Commit())
		},
		"transaction on a connection": func(r *rig, ddl string) {
			conn, err := r.db.Pool.Conn(bg)
			r.must(err)
			tx := r.begin(NewConn(conn, r.db.Pool, r.gate))
			r.exec(tx, ddl)
			r.must(tx.Commit())
			r.must(conn.Close())
		},
		"failed transaction": func(r *rig, ddl string) {
			tx := r.begin(r.pool)
			_, err := tx.ExecContext(bg, "nonsense")
			r.fails(err)
			r.exec(tx, ddl)
			r.must(tx.Commit())
		},
		"rolled back": func(r *rig, ddl string) {
			tx := r.begin(r.pool)
			_, err := tx.ExecContext(bg, "nonsense")
			r.fails(err)
			r.exec(tx, ddl)
			r.must(tx.Rollback())
			r.exec(r.pool, ddl)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{conns: 1})
			run(r, trigger)
			if r.reloaded() == 0 {
				t.Fatal("the catalog was not read again")
			}
			r.expect("at rest", false, "users", "posts")
			posts := r.sample("posts")
			r.exec(r.pool, insertUser)
			r.moved("the trigger's table", posts, true)
		})
	}
}

// TestDDLInTransaction: the catalog is read after the commit, under the intent.
//  1. A transaction adds a trigger.
//  2. COMMIT is answered.
//  3. Another write fires the trigger; its plan does not know it.
//  4. The catalog is read. Until then everything is pending.
func TestDDLInTransaction(t *testing.T) {
	r := newRig(t, options{})
	r.loading = func() { r.expect("while the catalog is read", true, "users", "posts", "other") }
	tx := r.begin(r.pool)
	r.exec(tx, trigger)
	if r.reloaded() != 0 {
		t.Error("the catalog was read before the commit")
	}
	r.must(tx.Commit())
	if r.reloaded() != 1 {
		t.Errorf("the catalog was read %d times", r.reloaded())
	}
	r.expect("after the commit", false, "users", "posts", "other")

	r.exec(r.pool, "DROP TRIGGER tr")
	if r.reloaded() != 2 {
		t.Errorf("the catalog was read %d times", r.reloaded())
	}
	tx = r.begin(r.pool)
	r.exec(tx, trigger)
	r.must(tx.Rollback())
	if r.reloaded() != 2 {
		t.Error("the catalog was read though nothing changed")
	}
}

// TestRollbackTakesBackTheCatalog:
//  1. A statement fails; the transaction may be over.
//  2. DROP TRIGGER runs in it. The catalog is read over it: no trigger.
//  3. ROLLBACK. The trigger is back.
//  4. A write fires it: the table that it writes must be bumped.
func TestRollbackTakesBackTheCatalog(t *testing.T) {
	for _, custom := range []bool{false, true} {
		r := newRig(t, options{})
		r.exec(r.pool, trigger)
		var pool gorm.ConnPoolBeginner = r.pool
		if custom {
			pool = NewCustom(beginner{r.pool.DB}, r.gate)
		}
		tx := r.begin(pool)
		_, err := tx.ExecContext(bg, "nonsense")
		r.fails(err)
		r.exec(tx, "DROP TRIGGER tr")
		sent := r.at(testdb.OpRollback, "", func() error { r.expect("when ROLLBACK is sent", true, "users", "posts"); return nil })
		r.must(tx.Rollback())
		if *sent != 1 {
			t.Error("ROLLBACK was not sent")
		}
		r.quiet()
		posts := r.sample("posts")
		r.exec(r.pool, insertUser)
		if r.count("posts") != 1 {
			t.Fatal("the trigger did not fire")
		}
		r.moved("the trigger's table", posts, true)
	}
}

// TestCatalogChangesUnderAWrite:
//  1. A write to users is planned.
//  2. Another session adds a trigger on users that writes posts.
//  3. The write is sent, and fires it.
//  4. Its plan does not name posts, so everything is bumped.
func TestCatalogChangesUnderAWrite(t *testing.T) {
	r := newRig(t, options{})
	posts := r.sample("posts")
	r.at(testdb.OpExec, insertUser, func() error { r.exec(r.pool, trigger); posts = r.sample("posts"); return nil })
	r.exec(r.pool, insertUser)
	r.quiet()
	r.moved("autocommit", posts, true)

	r.exec(r.pool, "DROP TRIGGER tr")
	for name, at := range map[string]testdb.Op{"before COMMIT is sent": testdb.OpCommit, "before the commit": testdb.OpPing} {
		tx := r.begin(r.pool)
		r.exec(tx, "UPDATE users SET name = 'n'")
		change := func() error {
			c, err := r.load(nil)
			r.must(err)
			r.an.SetCatalog(c, "db")
			posts = r.sample("posts")
			return nil
		}
		if at == testdb.OpPing {
			r.must(change())
			r.at(testdb.OpCommit, "", func() error { r.expect(name, true, "posts"); return nil })
		} else {
			r.at(at, "", change)
		}
		r.must(tx.Commit())
		r.quiet()
		r.moved(name, posts, true)
	}
}

// TestReloadsKeepTheirOrder:
//  1. D1 has changed the schema, and has read the catalog.
//  2. D2 adds a trigger.
//  3. D1 puts in force what it read, D2 what it read: were it the other
//     way round, the trigger would be lost.
func TestReloadsKeepTheirOrder(t *testing.T) {
	r := newRig(t, options{})
	var d2 sync.WaitGroup
	created := make(chan struct{})
	r.db.Recorder.SetHooks(testdb.Hooks{})
	first := true
	r.loading = func() { // under the gate's lock, one at a time
		if !first {
			return
		}
		first = false
		r.after(testdb.OpExec, trigger, func() error { close(created); return nil })
		d2.Go(func() {
			if _, err := r.pool.ExecContext(bg, trigger); err != nil {
				t.Error(err)
			}
		})
		<-created
		// Were two readings possible at once, D2's could overtake D1's here.
		for range 1000 {
			if r.gate.reloadMu.TryLock() {
				t.Error("the catalog can be read twice at once")
				r.gate.reloadMu.Unlock()
				return
			}
		}
	}
	r.exec(r.pool, "CREATE TABLE d1 (id INTEGER)")
	d2.Wait()
	r.quiet()
	posts := r.sample("posts")
	r.exec(r.pool, insertUser)
	r.moved("the trigger's table", posts, true)
}

// TestUnknownDDL: the database may finish it during the hold time, so the
// catalog is read at its end.
//  1. CREATE TRIGGER is sent, the connection is lost.
//  2. The catalog is read: no trigger.
//  3. The database creates the trigger.
//  4. The hold time ends. The next write fires the trigger.
func TestUnknownDDL(t *testing.T) {
	r := newRig(t, options{remote: true})
	for name, lose := range map[string]func(){
		"statement": func() {
			r.at(testdb.OpExec, trigger, func() error { return errDriver })
			_, err := r.pool.ExecContext(bg, trigger)
			r.fails(err)
		},
		"commit": func() {
			tx := r.begin(r.pool)
			r.exec(tx, trigger)
			r.at(testdb.OpCommit, "", func() error { return errDriver })
			r.fails(tx.Commit())
		},
		"panic": func() {
			r.at(testdb.OpExec, trigger, func() error { panic("driver") })
			func() {
				defer func() { _ = recover() }()
				r.exec(r.pool, trigger)
			}()
		},
	} {
		lose()
		r.quiet()
		r.exec(r.db.Pool, trigger) // 3
		r.expect(name, true, "users", "posts")
		r.elapse()
		posts := r.sample("posts")
		r.exec(r.pool, "INSERT INTO users (name) VALUES (?)", name)
		r.moved(name, posts, true)
		r.exec(r.pool, "DROP TRIGGER tr")
	}
}

// TestTemporaryTables: one connection sees them, so nobody may be served them.
func TestTemporaryTables(t *testing.T) {
	r := newRig(t, options{conns: 2})
	r.exec(r.pool, "CREATE TEMP TABLE users (id INTEGER)")
	// The connection is out; the next reading of the catalog does not see it.
	conn, err := r.db.Pool.Conn(bg)
	r.must(err)
	r.exec(conn, "SELECT * FROM temp.users")
	c, err := r.load(nil)
	r.must(err)
	r.an.SetCatalog(c, "db")
	r.must(conn.Close())
	if p := r.an.Plan("SELECT * FROM users"); p.Reason == "" {
		t.Error("a temporary table can be cached")
	}
	tx := r.begin(r.pool)
	r.exec(tx, "CREATE TEMP TABLE posts (id INTEGER)")
	if p := r.an.Plan("SELECT * FROM posts"); p.Reason == "" {
		t.Error("a temporary table of a transaction can be cached")
	}
	r.must(tx.Commit())
}
