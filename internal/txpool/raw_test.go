package txpool

import (
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// TestRawTransaction: BEGIN and COMMIT as texts on the pool.
//  1. BEGIN. The connection goes back to the pool with an open transaction.
//  2. INSERT: bumped, as any autocommit statement.
//  3. A reader gets that connection, and sees the row that may be rolled back.
//  4. It must not store it: everything is pending until 5.
//  5. COMMIT or ROLLBACK.
func TestRawTransaction(t *testing.T) {
	for _, end := range []string{"COMMIT", "END", "ROLLBACK"} {
		r := newRig(t, options{conns: 1})
		r.exec(r.pool, "BEGIN")
		r.expect("after BEGIN", true, "users", "other")
		r.exec(r.pool, insertUser)
		r.exec(r.pool, "SAVEPOINT s")
		r.exec(r.pool, "RELEASE s")
		r.expect("after a write", true, "users", "other")
		before := r.sample("other")
		r.exec(r.pool, end)
		r.moved(end, before, true)
	}
}

// TestRawTransactionsPair: one end takes away one mark, the others may be of
// other connections.
func TestRawTransactionsPair(t *testing.T) {
	r := newRig(t, options{})
	var conns []*Conn
	for range 2 {
		c, err := r.db.Pool.Conn(bg)
		r.must(err)
		defer func() { r.must(c.Close()) }()
		conns = append(conns, NewConn(c, r.db.Pool, r.gate))
	}
	r.exec(conns[0], "BEGIN")
	r.exec(conns[1], "BEGIN")
	r.exec(conns[0], "COMMIT")
	r.expect("with one transaction open", true, "users")
	r.exec(conns[1], "ROLLBACK")
	r.expect("with none open", false, "users")
}

// TestRawTransactionFails: a BEGIN that failed opened nothing; a COMMIT that
// failed may have left its transaction open.
func TestRawTransactionFails(t *testing.T) {
	r := newRig(t, options{conns: 1})
	fail := func() error { return errDriver }
	r.at(testdb.OpExec, "BEGIN", fail)
	_, err := r.pool.ExecContext(bg, "BEGIN")
	r.fails(err)
	r.expect("after a failed BEGIN", false, "users")
	r.quiet()
	r.exec(r.pool, "BEGIN")
	r.at(testdb.OpExec, "COMMIT", fail)
	_, err = r.pool.ExecContext(bg, "COMMIT")
	r.fails(err)
	r.expect("after a failed COMMIT", true, "users")
	r.quiet()
	r.exec(r.pool, "COMMIT")
	r.expect("after the COMMIT", false, "users")
	_, err = r.pool.ExecContext(bg, "COMMIT")
	r.fails(err)
	r.expect("after a COMMIT of nothing", false, "users")
}

// TestRawControlInTransaction: a raw COMMIT inside a transaction that GORM
// began.
//  1. The transaction writes users.
//  2. COMMIT as a text: what was written so far becomes visible here, so its
//     intents, all of them, come first.
//  3. What follows commits by itself.
func TestRawControlInTransaction(t *testing.T) {
	r := newRig(t, options{})
	tx := r.begin(r.pool)
	r.exec(tx, insertUser)
	users := r.sample("users")
	sent := r.at(testdb.OpExec, "COMMIT", func() error { r.expect("when the text is sent", true, "users"); return nil })
	r.exec(tx, "COMMIT")
	r.moved("after the text", users, true)
	posts := r.sample("posts")
	if *sent != 1 {
		t.Error("not sent")
	}
	sent = r.at(testdb.OpExec, insertPost, func() error { r.expect("when the write is sent", true, "posts"); return nil })
	r.exec(tx, insertPost)
	if *sent != 1 {
		t.Error("not sent")
	}
	r.moved("after the write", posts, true)
	r.quiet()
	_ = tx.Rollback()
	if r.count("posts") != 1 {
		t.Error("the write was rolled back: the test is void")
	}
	r.expect("after the end", false, "users", "posts")
}

// TestImplicitCommit, in MySQL's dialect over SQLite, which runs the texts too.
//  1. A transaction writes users.
//  2. DDL commits it. The intents of all gathered so far come first.
//  3. What follows is autocommit.
func TestImplicitCommit(t *testing.T) {
	r := newRig(t, options{dialect: sqlscan.MySQL, conns: 1})
	const ddl = "CREATE TABLE more (id INTEGER)"
	if !r.an.Plan(ddl).ImplicitCommit {
		t.Fatal("the text commits nothing")
	}
	tx := r.begin(r.pool)
	r.exec(tx, insertUser)
	users := r.sample("users")
	sent := r.at(testdb.OpExec, ddl, func() error { r.expect("when the DDL is sent", true, "users", "posts"); return nil })
	r.exec(tx, ddl)
	if *sent != 1 || r.reloaded() != 1 {
		t.Errorf("sent %d times, catalog read %d times", *sent, r.reloaded())
	}
	r.moved("after the DDL", users, true)
	posts := r.sample("posts")
	r.at(testdb.OpExec, insertPost, func() error { r.expect("when the write is sent", true, "posts"); return nil })
	r.exec(tx, insertPost)
	r.moved("after the write", posts, true)
	r.quiet()
	r.must(tx.Rollback())
}

// TestRealImplicitCommit is the same on a server that does commit, with a
// reader on another connection that sees it.
func TestRealImplicitCommit(t *testing.T) {
	d := testdb.New(t, testdb.MySQL)
	db := d.Open(t, testdb.Options{})
	for _, text := range []string{
		"CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE) ENGINE=InnoDB",
		"CREATE TABLE posts (id INT AUTO_INCREMENT PRIMARY KEY, user_id INT) ENGINE=InnoDB",
		"CREATE TABLE plain (id INT AUTO_INCREMENT PRIMARY KEY) ENGINE=MyISAM",
		"CREATE PROCEDURE ends() BEGIN COMMIT; END",
	} {
		if _, err := db.Pool.ExecContext(bg, text); err != nil {
			t.Fatal(err)
		}
	}
	for name, ending := range map[string]string{
		"ddl":       "CREATE TABLE IF NOT EXISTS more (id INT)",
		"procedure": "CALL ends()",
		"begin":     "BEGIN",
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, options{on: d, remote: true})
			r.exec(r.db.Pool, "DELETE FROM users")
			tx := r.begin(r.pool)
			r.exec(tx, insertUser)
			users := r.sample("users")
			sent := r.at(testdb.OpExec, ending, func() error { r.expect("when sent", true, "users"); return nil })
			r.exec(tx, ending)
			if *sent != 1 {
				t.Errorf("sent %d times", *sent)
			}
			r.quiet()
			if r.count("users") != 1 {
				t.Fatal("nothing was committed: the test is void")
			}
			r.moved("after the commit", users, true)
			posts := r.sample("posts")
			r.at(testdb.OpExec, insertPost, func() error { r.expect("when the write is sent", true, "posts"); return nil })
			r.exec(tx, insertPost)
			r.quiet()
			r.moved("after the write", posts, true)
			r.must(tx.Rollback())
			r.expect("at rest", false, "users", "posts", "plain")
		})
	}
	t.Run("tables without transactions", func(t *testing.T) {
		r := newRig(t, options{on: d, remote: true})
		plain, users := r.sample("plain"), r.sample("users")
		tx := r.begin(r.pool)
		r.exec(tx, "INSERT INTO users (name) VALUES ('rolled back')")
		r.moved("a table with transactions", users, false)
		r.exec(tx, "INSERT INTO plain VALUES ()")
		r.moved("a table without", plain, true)
		r.must(tx.Rollback())
		if r.count("plain") != 1 {
			t.Error("the row was rolled back: the test is void")
		}
	})
}
