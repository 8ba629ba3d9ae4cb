package analysis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gorm-querycache/querycache/internal/catalog"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/invalidation"
)

const schema = `CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users ON DELETE CASCADE);
CREATE TABLE log (id INTEGER PRIMARY KEY);
CREATE TRIGGER tr AFTER INSERT ON posts BEGIN INSERT INTO log VALUES (NULL); END;
CREATE VIEW authors AS SELECT users.name FROM users JOIN posts ON posts.user_id = users.id;`

// loadCatalog reads the catalog of a fresh database with the schema above and more.
func loadCatalog(t testing.TB, more ...string) *catalog.Catalog {
	t.Helper()
	db := testdb.Open(t, testdb.Options{})
	for _, text := range append([]string{schema}, more...) {
		if _, err := db.Pool.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
	c, err := catalog.Load(context.Background(), db.Pool, sqlscan.SQLite, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newAnalyzer(t testing.TB) *Analyzer {
	t.Helper()
	return New(sqlscan.SQLite, nil, invalidation.NewStamps(16), loadCatalog(t), "db", "pool")
}

// within tells whether every slot of inner is in outer.
func within(inner, outer []invalidation.Slot) bool {
	for _, n := range inner {
		if !slices.Contains(outer, n) {
			return false
		}
	}
	return true
}

// TestPlan: what each kind of text means.
func TestPlan(t *testing.T) {
	a := newAnalyzer(t)
	for _, c := range []struct {
		text            string
		reason          Reason
		tables, written []string
		all, structural bool
		tx              sqlscan.TxControl
	}{
		{text: "SELECT * FROM users", tables: []string{"users"}},
		{text: "SELECT * FROM Users u JOIN posts p ON p.user_id = u.id", tables: []string{"posts", "users"}},
		{text: "SELECT * FROM authors", tables: []string{"authors", "posts", "users"}},
		{text: "SELECT * FROM nowhere", reason: ReasonUnknownTable},
		{text: "SELECT 1", reason: ReasonNoTables},
		{text: "SELECT random() FROM users", reason: ReasonImpure},
		{text: "SELECT * FROM users; SELECT * FROM posts", reason: ReasonImpure},
		{text: "SELECT 'open", reason: ReasonRefused, all: true},
		{text: "SELECT * FROM sqlite_master", reason: ReasonImpure},
		{text: "UPDATE users SET name = 'x'", reason: ReasonNotRead, written: []string{"users"}},
		{text: "DELETE FROM users", reason: ReasonNotRead, written: []string{"posts", "users"}},
		{text: "INSERT INTO posts VALUES (1, 1)", reason: ReasonNotRead, written: []string{"log", "posts"}},
		{text: "INSERT INTO posts VALUES (1, 1) RETURNING id", reason: ReasonNotRead, written: []string{"log", "posts"}},
		{text: "UPDATE users SET name = 'x'; DELETE FROM log", reason: ReasonNotRead, written: []string{"log", "users"}},
		{text: "SELECT 1; DELETE FROM log", reason: ReasonNotRead, written: []string{"log"}},
		{text: "CREATE TABLE x (id INTEGER)", reason: ReasonNotRead, all: true, structural: true},
		{text: "DROP VIEW authors", reason: ReasonNotRead, all: true, structural: true},
		{text: "BEGIN", reason: ReasonNotRead, all: true, tx: sqlscan.TxBegin},
		{text: "COMMIT", reason: ReasonNotRead, all: true, tx: sqlscan.TxCommit},
		{text: "ROLLBACK", reason: ReasonNotRead, all: true, tx: sqlscan.TxRollback},
		{text: "SAVEPOINT s", reason: ReasonNotRead, tx: sqlscan.TxSavepoint},
		{text: "ROLLBACK TO s", reason: ReasonNotRead, tx: sqlscan.TxSavepoint},
		{text: "SAVEPOINT s; DELETE FROM log", reason: ReasonNotRead, all: true, tx: sqlscan.TxSavepoint},
	} {
		p := a.Plan(c.text)
		if p.Reason != c.reason || !subset(c.tables, p.Tables) || p.All != c.all || p.Structural != c.structural || p.Tx != c.tx {
			t.Errorf("%s: %+v", c.text, p)
		}
		if !c.all && !subset(c.written, p.Written) || len(c.written) == 0 && len(p.Written) > 0 {
			t.Errorf("%s: writes %v, want %v", c.text, p.Written, c.written)
		}
		if p.IsWrite() != (c.all || len(c.written) > 0) || c.all && !within(a.All(), p.Writes) {
			t.Errorf("%s: writes slots %v", c.text, p.Writes)
		}
		if p.Refused() != (c.reason == ReasonRefused) || (p.Reason == "") != (len(p.Reads) > 0) || (p.Reason == "") != (p.Detail == "") {
			t.Errorf("%s: %+v", c.text, p)
		}
		if p.RawBegin != (c.text == "BEGIN") {
			t.Errorf("%s: RawBegin is %v", c.text, p.RawBegin)
		}
		if a.Plan(c.text) != p {
			t.Errorf("%s is planned twice", c.text)
		}
	}
}

func subset(want, got []string) bool {
	for _, w := range want {
		if !slices.Contains(got, w) {
			return false
		}
	}
	return true
}

// TestWritesReachReads: a write and a read of one table share a slot, and a
// write of unknown extent shares one with every read.
func TestWritesReachReads(t *testing.T) {
	a := newAnalyzer(t)
	meets := func(write, read string) bool {
		w, r := a.Plan(write), a.Plan(read)
		return slices.ContainsFunc(w.Writes, func(n invalidation.Slot) bool { return slices.Contains(r.Reads, n) })
	}
	for _, c := range []struct {
		write, read string
		want        bool
	}{
		{"UPDATE users SET name = 'x'", "SELECT * FROM users", true},
		{"UPDATE users SET name = 'x'", "SELECT * FROM authors", true},
		{"DELETE FROM log", "SELECT * FROM users", false},
		{"DELETE FROM log", "SELECT * FROM authors", false},
		{"DELETE FROM users", "SELECT * FROM posts", true},
		{"INSERT INTO posts VALUES (1, 1)", "SELECT * FROM log", true},
		{"SELECT 'open", "SELECT * FROM log", true},
		{"CREATE INDEX i ON users (name)", "SELECT * FROM log", true},
	} {
		if got := meets(c.write, c.read); got != c.want {
			t.Errorf("%s reaches %s: %v", c.write, c.read, got)
		}
	}
}

// TestTransactionControlByDialect: what can commit or end a transaction under
// its program, beyond what the text says.
func TestTransactionControlByDialect(t *testing.T) {
	c := loadCatalog(t)
	in := func(d sqlscan.Dialect, text string) *Plan {
		return New(d, nil, invalidation.NewStamps(16), c, "db", "pool").Plan(text)
	}
	for _, x := range []struct {
		d    sqlscan.Dialect
		text string
		want bool
	}{
		{sqlscan.MySQL, "CREATE TABLE x (id INT)", true},
		{sqlscan.MySQL, "CALL p()", true},
		{sqlscan.MySQL, "LOCK TABLES users WRITE", true},
		{sqlscan.MySQL, "SET autocommit = 1", true},
		{sqlscan.MySQL, "UPDATE users SET name = 'x'", false},
		{sqlscan.SQLServer, "EXEC p", true},
		{sqlscan.SQLServer, "UPDATE users SET name = 'x'", false},
		{sqlscan.Postgres, "CREATE TABLE x (id INT)", false},
		{sqlscan.Postgres, "CALL p()", false},
	} {
		p := in(x.d, x.text)
		if p.ImplicitCommit != x.want || !p.IsWrite() {
			t.Errorf("%v: %s: may commit %v, write %v", x.d, x.text, p.ImplicitCommit, p.IsWrite())
		}
	}
	for _, x := range []struct {
		d    sqlscan.Dialect
		text string
		want bool
	}{
		{sqlscan.MySQL, "SELECT * FROM users FOR UPDATE", true},
		{sqlscan.MySQL, "SELECT now(), users.* FROM users FOR UPDATE", true},
		{sqlscan.MySQL, "SELECT * FROM users", false},
		{sqlscan.SQLServer, "SELECT * FROM users", true},
	} {
		if p := in(x.d, x.text); p.Locking != x.want {
			t.Errorf("%v: %s: locking is %v", x.d, x.text, p.Locking)
		}
	}
}

// TestUnknownDialect: nothing is understood, so nothing cached; and no write missed.
func TestUnknownDialect(t *testing.T) {
	a := New(sqlscan.Unknown, nil, invalidation.NewStamps(16), loadCatalog(t), "", "pool")
	for text, write := range map[string]bool{
		"SELECT * FROM users": false, " \n select 1": false, "UPDATE users SET name = 'x'": true, "sel": true, "": true,
	} {
		p := a.Plan(text)
		if p.Reason != ReasonRefused || p.IsWrite() != write || p.All != write {
			t.Errorf("%q: %+v", text, p)
		}
	}
}

// TestUnknownCatalog: no read is cached, each write reaches everything.
func TestUnknownCatalog(t *testing.T) {
	a := New(sqlscan.SQLite, nil, invalidation.NewStamps(16), catalog.Unknown(errors.New("no right to read it")), "db", "pool")
	if p := a.Plan("SELECT * FROM users"); p.Reason != ReasonCatalog || len(p.Reads) > 0 {
		t.Errorf("a read: %+v", p)
	}
	if p := a.Plan("UPDATE users SET name = 'x'"); !p.All || !within(a.All(), p.Writes) || !p.Autocommit {
		t.Errorf("a write: %+v", p)
	}
	a.SetCatalog(loadCatalog(t), "")
	if p := a.Plan("SELECT * FROM users"); p.Reason != "" {
		t.Errorf("after the catalog was read: %+v", p)
	}
}

// TestUnknownIdentity: a database that does not say who it is may be one that
// another pool knows, so its writes reach that one's reads.
func TestUnknownIdentity(t *testing.T) {
	stamps := invalidation.NewStamps(16)
	c := loadCatalog(t)
	known := New(sqlscan.SQLite, nil, stamps, c, "db", "pool-1")
	stray := New(sqlscan.SQLite, nil, stamps, c, "", "pool-2")
	if known.Scope() != "db" || stray.Scope() != "pool-2" || known.Dialect() != sqlscan.SQLite || known.Catalog() != c {
		t.Error("the analyzer does not know itself")
	}
	reach := func(from, to *Analyzer) bool {
		sm := stamps.Sample(to.Plan("SELECT * FROM log").Reads)
		stamps.Bump(from.Plan("UPDATE users SET name = 'x'").Writes)
		return !sm.Current(stamps)
	}
	if !reach(stray, known) {
		t.Error("a write of an unknown database leaves the known one's reads")
	}
	if p := stray.Plan("SELECT * FROM log"); p.Reason != ReasonCatalog {
		t.Error("a read of an unknown database is cached: a write of a known one may be one to it")
	}
	held := stray.Plan("UPDATE users SET name = 'x'")
	stray.SetCatalog(c, "db2")
	if stray.Scope() != "db2" || !stray.Changed(held) {
		t.Error("the name was not taken")
	}
	if reach(stray, known) {
		t.Error("a database that is known now still reaches another")
	}
	stray.SetCatalog(c, "db3")
	if stray.Scope() != "db2" {
		t.Error("a known name was changed")
	}
}

// TestJoin: databases that replicate each other share a name; each keeps its own.
func TestJoin(t *testing.T) {
	stamps := invalidation.NewStamps(16)
	c := loadCatalog(t)
	source := New(sqlscan.SQLite, nil, stamps, c, "source", "1")
	replica := New(sqlscan.SQLite, nil, stamps, c, "replica", "2")
	other := New(sqlscan.SQLite, nil, stamps, c, "other", "3")
	kills := func(w, r *Analyzer, text string) bool {
		sm := stamps.Sample(r.Plan("SELECT * FROM users").Reads)
		stamps.Bump(w.Plan(text).Writes)
		return !sm.Current(stamps)
	}
	const write, ddl = "UPDATE users SET name = 'x'", "CREATE TABLE y (id INTEGER)"
	held := source.Plan(write)
	if kills(source, replica, write) {
		t.Fatal("strangers reach each other")
	}
	source.Join("group")
	replica.Join("group")
	if !source.Changed(held) {
		t.Error("a plan made before the join counts as current")
	}
	plan := source.Plan(write)
	source.Join("group")
	source.Join("source")
	if source.Plan(write) != plan {
		t.Error("joining again changed something")
	}
	for _, text := range []string{write, ddl} {
		if !kills(source, replica, text) || !kills(replica, source, text) || !kills(source, source, text) {
			t.Errorf("%s: one of the group is not reached", text)
		}
		if kills(source, other, text) || kills(other, source, text) {
			t.Errorf("%s: a stranger is reached", text)
		}
	}
	if !within(held.Writes, plan.Writes) {
		t.Error("its own name was lost")
	}
}

// TestShadow: a temporary table hides the real one from some connection, for
// good, also after the catalog was read again; writes still reach the real one.
func TestShadow(t *testing.T) {
	a := newAnalyzer(t)
	read := a.Plan("SELECT * FROM users")
	a.Learn(&Plan{})
	if a.Changed(read) {
		t.Error("shadowing nothing changed something")
	}
	a.Learn(&Plan{Temp: []string{"users"}})
	a.Learn(&Plan{Temp: []string{"posts"}})
	a.SetCatalog(loadCatalog(t), "db")
	a.Join("group")
	for _, table := range []string{"users", "posts"} {
		if p := a.Plan("SELECT * FROM " + table); p.Reason != ReasonUnknownTable {
			t.Errorf("%s: %+v", table, p)
		}
	}
	if p := a.Plan("SELECT * FROM log"); p.Reason != "" {
		t.Errorf("log: %+v", p)
	}
	if p := a.Plan("UPDATE users SET name = 'x'"); !p.IsWrite() {
		t.Error("a write to a shadowed table is none")
	}
	if p := a.Plan("CREATE TEMP TABLE t (id INTEGER)"); !slices.Contains(p.Temp, "t") {
		t.Errorf("a temporary table: %+v", p)
	}
}

// TestCatalogChange: a plan belongs to one reading of the catalog.
func TestCatalogChange(t *testing.T) {
	a := newAnalyzer(t)
	const insert = "INSERT INTO users VALUES (1, 'x')"
	old := a.Plan(insert)
	if a.Changed(old) {
		t.Fatal("a fresh plan counts as changed")
	}
	slots := slices.Clone(old.Writes)
	a.SetCatalog(loadCatalog(t, "CREATE TRIGGER more AFTER INSERT ON users BEGIN INSERT INTO log VALUES (NULL); END"), "db")
	if !a.Changed(old) {
		t.Error("the catalog changed, the plan counts as current")
	}
	p := a.Plan(insert)
	if p == old || !slices.Contains(p.Written, "log") || a.Changed(p) {
		t.Errorf("under the new catalog: %+v", p)
	}
	if !slices.Equal(old.Writes, slots) {
		t.Error("a plan changed")
	}
}

// TestConcurrent plans, shadows and reloads at once: whoever holds a plan that
// is not Changed has one of the catalog in force.
func TestConcurrent(t *testing.T) {
	a := newAnalyzer(t)
	catalogs := []*catalog.Catalog{loadCatalog(t), loadCatalog(t)}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 300 {
				text := fmt.Sprintf("SELECT * FROM users WHERE id = %d", j%50)
				if p := a.Plan(text); p.Reason != "" || len(p.Reads) == 0 {
					t.Errorf("%+v", p)
				}
				switch {
				case i == 0 && j%20 == 0:
					a.SetCatalog(catalogs[j/20%2], "db")
				case i == 1 && j%50 == 0:
					a.Learn(&Plan{Temp: []string{fmt.Sprint("temp", j)}})
				case i == 2 && j%100 == 0:
					a.Join(fmt.Sprint("group", j))
				}
			}
		})
	}
	wg.Wait()
	for j := range 6 {
		if p := a.Plan(fmt.Sprintf("SELECT * FROM temp%d", j*50)); p.Reason != ReasonUnknownTable {
			t.Errorf("shadow %d was lost: %+v", j*50, p)
		}
	}
	if p := a.Plan("SELECT * FROM users"); a.Changed(p) {
		t.Error("a plan of the catalog in force counts as changed")
	}
}
