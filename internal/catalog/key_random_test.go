package catalog

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// Random schemas on real databases: keys to tables themselves and in circles
// with every action, triggers, clauses for conflicts. Where the catalog says
// that records can be told apart, a statement of one record must leave every
// other row of its table alone, and an INSERT all that were there.
func TestRandomRecords(t *testing.T) {
	run := func(name string, d sqlscan.Dialect, rounds int, db func(*testing.T) *sql.DB) {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			p := &recordProgram{t: t, dialect: d, db: db(t), rand: rand.New(rand.NewPCG(seed, 0))}
			p.db.SetMaxOpenConns(1)
			p.db.SetMaxIdleConns(1)
			for range rounds {
				p.round()
			}
			t.Logf("%d statements on tables with a key, %d that changed other rows of tables without", p.kept, p.other)
			if d == sqlscan.SQLite && (p.kept < rounds || p.other == 0) {
				t.Errorf("the schemas are too dull")
			}
		})
	}
	run("sqlite", sqlscan.SQLite, 60, func(t *testing.T) *sql.DB {
		return openSQLite(t, ":memory:?_foreign_keys=1&_recursive_triggers=1")
	})
	run("postgres", sqlscan.Postgres, 8, func(t *testing.T) *sql.DB {
		_, config := postgresDatabase(t)
		config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // no plans outlive their tables
		db := stdlib.OpenDB(*config)
		t.Cleanup(func() { db.Close() })
		return db
	})
	run("mysql", sqlscan.MySQL, 5, func(t *testing.T) *sql.DB { db, _ := mysqlDatabase(t); return db })
}

type recordProgram struct {
	t           *testing.T
	dialect     sqlscan.Dialect
	db          *sql.DB
	rand        *rand.Rand
	script      []string
	kept, other int // statements that kept other rows, and that changed them
}

func (p *recordProgram) oneOf(of ...string) string { return of[p.rand.IntN(len(of))] }

// run executes a statement that may fail; then it changed nothing.
func (p *recordProgram) run(format string, args ...any) bool {
	s := fmt.Sprintf(format, args...)
	_, err := p.db.Exec(s)
	if err == nil {
		p.script = append(p.script, s)
	}
	return err == nil
}

var recordTables = []string{"zr0", "zr1", "zr2", "zr3"}

func (p *recordProgram) table() string { return p.oneOf(recordTables...) }

// schema makes tables of an id, a unique u, a reference k and a number n.
func (p *recordProgram) schema() {
	for _, name := range recordTables {
		conflict, inline := "", ""
		if p.dialect == sqlscan.SQLite {
			conflict = p.oneOf("", "", "", " ON CONFLICT REPLACE")
			if p.rand.IntN(3) > 0 {
				inline = ", FOREIGN KEY (k) REFERENCES " + p.reference(name)
			}
		}
		p.run("CREATE TABLE %s(id %s PRIMARY KEY, u int UNIQUE%s, k int DEFAULT 1, n int%s)", name,
			p.oneOf("int", "bigint", "varchar(9)"), conflict, inline)
	}
	for _, name := range recordTables {
		if p.dialect != sqlscan.SQLite && p.rand.IntN(3) > 0 {
			p.run("ALTER TABLE %s ADD FOREIGN KEY (k) REFERENCES %s", name, p.reference(name))
		}
	}
	for i := range p.rand.IntN(3) {
		p.trigger(i)
	}
}

func (p *recordProgram) reference(from string) string {
	actions := []string{"CASCADE", "CASCADE", "SET NULL", "SET NULL", "RESTRICT", "NO ACTION"}
	if p.dialect != sqlscan.MySQL {
		actions = append(actions, "SET DEFAULT")
	}
	return fmt.Sprintf("%s(u) ON DELETE %s ON UPDATE %s", p.oneOf(from, p.table()), p.oneOf(actions...), p.oneOf(actions...))
}

func (p *recordProgram) trigger(i int) {
	on, event := p.table(), p.oneOf("INSERT", "UPDATE", "DELETE")
	body := fmt.Sprintf(p.oneOf("UPDATE %s SET n = coalesce(n, 0) + 1", "DELETE FROM %s WHERE u = 2"), p.table())
	switch p.dialect {
	case sqlscan.SQLite:
		p.run("CREATE TRIGGER zg%d %s %s ON %s BEGIN %s; END", i, p.oneOf("AFTER", "BEFORE"), event, on, body)
	case sqlscan.MySQL:
		p.run("CREATE TRIGGER zg%d %s %s ON %s FOR EACH ROW %s", i, p.oneOf("AFTER", "BEFORE"), event, on, body)
	case sqlscan.Postgres:
		p.run("CREATE FUNCTION zf%d() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF pg_trigger_depth() < 3 THEN %s; END IF; RETURN NULL; END $$", i, body)
		p.run("CREATE TRIGGER zg%d AFTER %s ON %s FOR EACH ROW EXECUTE FUNCTION zf%d()", i, event, on, i)
	}
}

func (p *recordProgram) drop() {
	if p.dialect == sqlscan.Postgres {
		p.must("DROP TABLE zr0, zr1, zr2, zr3 CASCADE")
		p.must("DROP FUNCTION IF EXISTS zf0, zf1")
		return
	}
	off, on := "PRAGMA foreign_keys = 0", "PRAGMA foreign_keys = 1"
	if p.dialect == sqlscan.MySQL {
		off, on = "SET foreign_key_checks = 0", "SET foreign_key_checks = 1"
	}
	p.must(off)
	for _, name := range recordTables {
		p.must("DROP TABLE " + name)
	}
	p.must(on)
}

func (p *recordProgram) must(s string) {
	if _, err := p.db.Exec(s); err != nil {
		p.t.Fatalf("%s: %v", s, err)
	}
}

func (p *recordProgram) round() {
	p.script = nil
	p.schema()
	defer p.drop()
	for i := 1; i <= 4; i++ {
		for _, name := range recordTables { // some keys can only be set later, or never
			_ = p.run("INSERT INTO %s VALUES ('%d', %d, %d, 0)", name, i, i, i) || p.run("INSERT INTO %s VALUES ('%d', %d, NULL, 0)", name, i, i)
		}
	}
	for _, name := range recordTables {
		for range 4 {
			p.run("UPDATE %s SET k = %d WHERE id = '%d'", name, 1+p.rand.IntN(4), 1+p.rand.IntN(4))
		}
	}
	c := load(p.t, p.db, p.dialect)
	for range 30 {
		name, id := p.table(), fmt.Sprint(1+p.rand.IntN(6))
		before := p.others(name, id)
		values := []any{name, 1 + p.rand.IntN(6), id}
		switch p.rand.IntN(5) {
		case 0, 4:
			p.run("DELETE FROM %s WHERE id = '%s'", name, id)
		case 1:
			p.run("INSERT INTO %s(n, u, id, k) VALUES (5, %d, '%s', NULL)", values...)
		default:
			p.run("UPDATE %s SET "+p.oneOf("n = 7, u", "u", "k", "n")+" = %d WHERE id = '%s'", values...)
		}
		after := p.others(name, id)
		switch key := c.Key(name); {
		case key == nil && before != after:
			p.other++
		case key == nil:
		case before != after:
			p.t.Fatalf("another row of %s changed, whose key is %s:\n%s\n%s\n%s;", name, keyText(key), before, after, strings.Join(p.script, ";\n"))
		default:
			p.kept++
		}
	}
}

// others are the rows of a table but the one of this id.
func (p *recordProgram) others(name, id string) string {
	query := fmt.Sprintf("(SELECT * FROM %s WHERE id <> '%s') others", name, id)
	return contentOf(p.t, p.db, []string{query})[query]
}
