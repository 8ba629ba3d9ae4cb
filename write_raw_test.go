package querycache_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// rawWrites are statements of the user's own. Texts are sent as they are.
func rawWrites(schema string) []wWrite {
	authors, books, islands := []string{tAuthors}, []string{tBooks}, []string{tIslands}
	exec := func(name, dialects string, tables []string, text string, args ...any) wWrite {
		return wWrite{name, dialects, tables, func(db *gorm.DB) error { return db.Exec(text, args...).Error }}
	}
	sqlitePostgres, servers := "sqlite postgres", "postgres mysql"
	return []wWrite{
		exec("insert", "", books, "INSERT INTO w_books (title, pages, author_id) VALUES (?, ?, ?)", "raw", 300, 1),
		exec("lower case and line breaks", "", books, "  \n\tinsert\ninto\n\tw_books (title) values ('x')"),
		exec("insert from select", "", islands, "INSERT INTO w_islands (id, name) SELECT 100, title FROM w_books WHERE id = 1"),
		exec("update", "", authors, "UPDATE w_authors SET name = ? WHERE id = ?", "raw", 1),
		exec("update with a subquery", "", authors, "UPDATE w_authors SET rank = (SELECT count(*) FROM w_books b WHERE b.author_id = w_authors.id)"),
		exec("update with named arguments", "", authors, "UPDATE w_authors SET name = @name WHERE id = @id", map[string]any{"name": "named", "id": 1}),
		exec("update from", sqlitePostgres, books, "UPDATE w_books SET title = a.name FROM w_authors a WHERE a.id = w_books.author_id AND a.id = 1"),
		exec("update join", "mysql", []string{tBooks, tAuthors}, "UPDATE w_books b JOIN w_authors a ON a.id = b.author_id SET b.title = 'joined', a.rank = 9 WHERE a.id = 1"),
		exec("update of two tables", "mysql", []string{tBooks, tAuthors}, "UPDATE w_books, w_authors SET w_books.title = 'two', w_authors.name = 'two' WHERE w_authors.id = w_books.author_id AND w_authors.id = 2"),
		exec("update only", "postgres", authors, "UPDATE ONLY w_authors AS a SET name = 'only' WHERE a.id = 2"),
		exec("update in a WITH", "postgres", []string{tBooks, tIslands}, "WITH moved AS (UPDATE w_books SET title = 'cte' WHERE id = 1 RETURNING title) INSERT INTO w_islands (id, name) SELECT 101, title FROM moved"),
		exec("delete in a WITH before a select", "postgres", islands, "WITH gone AS (DELETE FROM w_islands WHERE id = 101 RETURNING id) SELECT id FROM gone"),
		exec("insert after a WITH", sqlitePostgres, islands, "WITH n AS (SELECT 102 AS id, 'with' AS name) INSERT INTO w_islands (id, name) SELECT id, name FROM n"),
		exec("insert a WITH", "mysql", islands, "INSERT INTO w_islands (id, name) WITH n AS (SELECT 102 AS id, 'with' AS name) SELECT id, name FROM n"),
		exec("update after a WITH that shadows", sqlitePostgres, islands, "WITH w_tags AS (SELECT 'shadow' AS name) UPDATE w_islands SET name = (SELECT name FROM w_tags) WHERE id = 1"),
		exec("delete", "", islands, "DELETE FROM w_islands WHERE id = 102"),
		exec("delete using", "postgres", books, "DELETE FROM w_books USING w_authors a WHERE a.id = w_books.author_id AND w_books.id = 2"),
		// Which of the joined tables rows are deleted from is not looked at.
		exec("delete join", "mysql", []string{tBooks, tAuthors}, "DELETE b FROM w_books b JOIN w_authors a ON a.id = b.author_id WHERE b.id = 2"),
		exec("delete from using", "mysql", []string{tBooks, tAuthors}, "DELETE FROM b USING w_books b, w_authors a WHERE a.id = b.author_id AND b.id = 3"),
		exec("replace", "sqlite mysql", islands, "REPLACE INTO w_islands (id, name) VALUES (1, 'replaced')"),
		exec("insert or replace", "sqlite", islands, "INSERT OR REPLACE INTO w_islands (id, name) VALUES (1, 'or replaced')"),
		exec("update or ignore", "sqlite", islands, "UPDATE OR IGNORE w_islands SET name = 'or ignored'"),
		exec("on duplicate key", "mysql", islands, "INSERT INTO w_islands (id, name) VALUES (1, 'x') ON DUPLICATE KEY UPDATE name = 'duplicate'"),
		exec("on conflict", sqlitePostgres, islands, "INSERT INTO w_islands (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name || '!'"),
		exec("insert set", "mysql", islands, "INSERT INTO w_islands SET id = 103, name = 'set'"),
		exec("merge", "postgres", islands, "MERGE INTO w_islands i USING (VALUES (1, 'merged')) v (id, name) ON v.id = i.id WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT (id, name) VALUES (v.id, v.name)"),
		exec("double quotes", sqlitePostgres, islands, `UPDATE "w_islands" SET "name" = 'double'`),
		exec("back quotes", "sqlite mysql", islands, "UPDATE `w_islands` SET `name` = 'back'"),
		exec("square brackets", "sqlite", islands, "UPDATE [w_islands] SET [name] = 'square'"),
		exec("a string for a name", "sqlite", islands, "UPDATE 'w_islands' SET name = 'string'"),
		exec("another case", "sqlite postgres", islands, "UPDATE W_Islands SET NAME = 'case'"),
		exec("with its schema", "", islands, "UPDATE "+schema+".w_islands SET name = 'schema'"),
		exec("a comment before and within", "", islands, "/* note */ UPDATE /* the */ w_islands -- islands\n SET name = 'comment'"),
		exec("a text with SQL in it", "", islands, "UPDATE w_islands SET name = 'UPDATE w_books; -- ''x'''"),
		exec("two statements in one", "", []string{tBooks, tIslands}, "UPDATE w_islands SET name = 'first'; UPDATE w_books SET title = 'second'"),
		exec("a read and a write in one", "mysql sqlite", islands, "SELECT 1; UPDATE w_islands SET name = 'behind a read';"),
		exec("an executable comment", "mysql", wAll, "/*!40000 UPDATE w_islands SET name = 'executable' */"),
		exec("through a prepared statement", "mysql", wAll, "PREPARE s FROM 'UPDATE w_islands SET name = ''prepared'''; EXECUTE s; DEALLOCATE PREPARE s"),
		exec("through a DO block", "postgres", wAll, "DO $$ BEGIN UPDATE w_islands SET name = 'do'; END $$"),
		exec("through a function", "postgres", wAll, "SELECT w_touch()"),
		exec("through a procedure", "postgres", wAll, "CALL w_proc()"),
		exec("through a procedure", "mysql", wAll, "CALL w_proc()"),
		exec("through a view", "postgres mysql", []string{tIslands}, "UPDATE w_island_view SET name = 'view'"),
		exec("truncate", "mysql", []string{tNotes}, "TRUNCATE TABLE w_notes"),
		exec("truncate with a star", "postgres", []string{tNotes}, "TRUNCATE w_notes * RESTART IDENTITY"),
		exec("truncate cascade", "postgres", wAll, "TRUNCATE w_tags CASCADE"),
		exec("copy of a table", servers, wAll, "CREATE TABLE w_copy AS SELECT * FROM w_islands; DELETE FROM w_islands WHERE id = 1"),
		exec("delete all", "", []string{tProfiles}, "DELETE FROM w_profiles"),

		{"Raw with Scan", sqlitePostgres, islands, func(db *gorm.DB) error {
			var v []wIsland
			return db.Raw("INSERT INTO w_islands (id, name) VALUES (110, 'returned') RETURNING *").Scan(&v).Error
		}},
		{"Raw with Find", sqlitePostgres, islands, func(db *gorm.DB) error {
			var v []wIsland
			return db.Raw("INSERT INTO w_islands (id, name) VALUES (111, 'found') RETURNING *").Find(&v).Error
		}},
		{"Raw with First", sqlitePostgres, islands, func(db *gorm.DB) error {
			return db.Raw("UPDATE w_islands SET name = 'raw first' WHERE id = 111 RETURNING *").First(&wIsland{}).Error
		}},
		{"Raw with Row", sqlitePostgres, islands, func(db *gorm.DB) error {
			var n int
			return db.Raw("INSERT INTO w_islands (id, name) VALUES (112, 'row') RETURNING id").Row().Scan(&n)
		}},
		{"Raw with Row, returning", "mysql", islands, func(db *gorm.DB) error {
			var n int
			return db.Raw("INSERT INTO w_islands (id, name) VALUES (112, 'row') RETURNING id").Row().Scan(&n)
		}},
		{"Raw with Rows closed early", sqlitePostgres, islands, func(db *gorm.DB) error {
			rows, err := db.Raw("UPDATE w_islands SET name = 'rows' RETURNING id").Rows()
			if err != nil {
				return err
			}
			rows.Next()
			return rows.Close()
		}},
		{"Raw without a result", "", islands, func(db *gorm.DB) error {
			var v []wIsland
			return db.Raw("UPDATE w_islands SET name = 'no result'").Scan(&v).Error
		}},
		{"Returning clause on an update", sqlitePostgres, authors, func(db *gorm.DB) error {
			var v []wAuthor
			return db.Model(&v).Clauses(clause.Returning{}).Where("id > 0").Update("rank", 55).Error
		}},
		{"Returning clause on a delete", "", books, func(db *gorm.DB) error {
			var v []wBook
			return db.Unscoped().Clauses(clause.Returning{}).Where("id = ?", 4).Delete(&v).Error
		}},
		{"past the callbacks, Exec", "", islands, func(db *gorm.DB) error {
			_, err := db.Statement.ConnPool.ExecContext(db.Statement.Context, "UPDATE w_islands SET name = 'past'")
			return err
		}},
		{"past the callbacks, Query", sqlitePostgres, islands, func(db *gorm.DB) error {
			rows, err := db.Statement.ConnPool.QueryContext(db.Statement.Context, "UPDATE w_islands SET name = 'past query' RETURNING id")
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return rows.Err()
		}},
		{"past the callbacks, QueryRow", sqlitePostgres, islands, func(db *gorm.DB) error {
			var n int
			return db.Statement.ConnPool.QueryRowContext(db.Statement.Context, "UPDATE w_islands SET name = 'past row' RETURNING id").Scan(&n)
		}},
		{"past the callbacks, in a transaction", "", islands, func(db *gorm.DB) error {
			return db.Transaction(func(tx *gorm.DB) error {
				_, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, "UPDATE w_islands SET name = 'past in tx'")
				return err
			})
		}},
	}
}

// wAll are all tables: what a statement may reach whose extent is not known.
var wAll = []string{tAuthors, tCompanies, tProfiles, tBooks, tTags, tAuthorTags, tNotes, tIslands}

func rawSetup(d testdb.Dialect) []string {
	switch d {
	case testdb.Postgres:
		return []string{
			"CREATE VIEW w_island_view AS SELECT * FROM w_islands",
			"CREATE FUNCTION w_touch() RETURNS int LANGUAGE sql AS $$ UPDATE w_islands SET name = 'function'; SELECT 1 $$",
			"CREATE PROCEDURE w_proc() LANGUAGE sql AS $$ UPDATE w_islands SET name = 'procedure' $$",
		}
	case testdb.MySQL:
		return []string{
			"CREATE VIEW w_island_view AS SELECT * FROM w_islands",
			"CREATE PROCEDURE w_proc() UPDATE w_islands SET name = 'procedure'",
		}
	}
	return nil
}

func rawSchema(d *testdb.Database) string {
	switch d.Dialect {
	case testdb.Postgres:
		return "public"
	case testdb.MySQL:
		return d.Name()
	}
	return "main"
}

// Raw SQL is understood, or reaches everything.
func TestWritesInRawSQL(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		newWorld(t, d, gorm.Config{}, rawSetup(d.Dialect)...).runWrites(rawWrites(rawSchema(d)))
	})
}

// With prepared statements the same holds for what goes through GORM. What
// goes past its callbacks is prepared where nobody announces it: its tables
// stay uncached from then on, so those come last, on their own.
func TestWritesInRawSQLPrepared(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		var through, past []wWrite
		for _, x := range rawWrites(rawSchema(d)) {
			switch {
			case strings.HasPrefix(x.name, "past the callbacks"):
				past = append(past, x)
			// Neither server prepares several statements in one.
			case !strings.Contains(x.name, "in one") && !strings.Contains(x.name, "copy of") && !strings.Contains(x.name, "prepared"):
				through = append(through, x)
			}
		}
		w := newWorld(t, d, gorm.Config{PrepareStmt: true}, rawSetup(d.Dialect)...)
		w.runWrites(through)
		if !alone(t, d.Dialect) {
			return
		}
		for _, x := range past {
			if x.dialects != "" && !strings.Contains(x.dialects, string(d.Dialect)) {
				continue
			}
			w.must(x.run(w.db.Session(&gorm.Session{})))
			w.agree(tIslands)
		}
	})
}

// A statement prepared past the callbacks may be run again at any time and
// nobody tells: each run must show.
func TestWritePreparedUnseenThenRunAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		if !alone(t, d.Dialect) {
			return
		}
		w := newWorld(t, d, gorm.Config{PrepareStmt: true})
		pool := w.db.Statement.ConnPool
		w.warm()
		for i := range 4 {
			text := "UPDATE w_islands SET name = 'run " + fmt.Sprint(i/2) + "' WHERE id = 1"
			_, err := pool.ExecContext(w.Context(), text)
			w.must(err)
			w.agree(tIslands)
			w.must(w.plain.Exec("UPDATE w_islands SET name = 'other' WHERE id = 1").Error)
		}
	})
}

// alone tells whether what follows may leave tables uncached for the rest of the
// process. All databases of one MySQL server share their tags, so there it may
// only in a process of its own: in any other, this test is run in one.
func alone(t *testing.T, dialect testdb.Dialect) bool {
	t.Helper()
	if dialect != testdb.MySQL || os.Getenv(aloneVar) != "" {
		return true
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$")
	cmd.Env = append(os.Environ(), aloneVar+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("in a process of its own: %v\n%s", err, out)
	}
	return false
}

const aloneVar = "QUERYCACHE_TEST_ALONE"
