package catalog

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// sqlite reads the schema of the main database, of those attached to the
// connection that answers, and of its temporary tables. Foreign keys act only
// where PRAGMA foreign_keys is on, which is a matter of each connection, so
// they are taken to act.
//
// The identity is the real path of the main file. With other files attached
// there is none, since any of them may be the main file of another pool.
func (l *loader) sqlite() error {
	schemas, err := l.sqliteSchemas()
	if err != nil {
		return err
	}
	objects, err := l.sqliteObjects(schemas)
	if err != nil {
		return err
	}
	if err := l.sqliteKeys(schemas); err != nil {
		return err
	}
	l.sqliteShadows(objects)
	return l.each("PRAGMA read_uncommitted", "PRAGMA read_uncommitted", func(scan func(...any) error) error {
		return scan(&l.dirty)
	})
}

func (l *loader) sqliteSchemas() (schemas []string, err error) {
	attached := false
	err = l.each("list databases", "PRAGMA database_list", func(scan func(...any) error) error {
		var (
			seq  int
			name string
			file sql.NullString
		)
		if err := scan(&seq, &name, &file); err != nil {
			return err
		}
		switch {
		case name == "temp":
			return nil
		case name == "main":
			l.identity = sqliteIdentity(file.String)
		case file.String != "":
			attached = true
		}
		schemas = append(schemas, name)
		return nil
	})
	if attached {
		l.identity = ""
	}
	if len(schemas) == 0 {
		schemas = []string{"main"}
	}
	return schemas, err
}

// sqliteIdentity names a database by its file. A name with no file behind it
// is one of a database in memory.
func sqliteIdentity(file string) string {
	if file == "" {
		return ""
	}
	path, err := filepath.Abs(file)
	if err != nil {
		return ""
	}
	real, err := filepath.EvalSymlinks(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return ""
	case err != nil:
		real = path // not allowed to look at it; SQLite has resolved most
	}
	return "sqlite:" + real
}

// sqliteObject is a row of sqlite_master, or a column of a table, whose text is
// its type.
type sqliteObject struct {
	kind, name, table, text string
	schema                  int // that of temporary objects is sqliteTemp
	position                int // of a column in the primary key
}

const sqliteTemp = -1

func (l *loader) sqliteObjects(schemas []string) ([]sqliteObject, error) {
	selects := []string{fmt.Sprintf("SELECT type, name, tbl_name, sql, %d, 0 FROM sqlite_temp_master WHERE type <> 'index'", sqliteTemp)}
	for i, s := range schemas {
		master := sqliteQuote(s) + ".sqlite_master"
		selects = append(selects,
			fmt.Sprintf("SELECT type, name, tbl_name, sql, %d, 0 FROM %s WHERE type <> 'index'", i, master),
			// Virtual tables have no root page. To ask for their columns would run their module.
			fmt.Sprintf("SELECT 'column', x.name, m.name, x.type, %d, x.pk FROM %s m, pragma_table_xinfo(m.name, %s) x "+
				"WHERE m.type = 'table' AND m.rootpage > 0 AND (x.pk > 0 OR length(CAST(x.name AS BLOB)) > length(x.name))", i, master, sqliteString(s)))
	}
	var objects []sqliteObject
	err := l.each("list tables", strings.Join(selects, " UNION ALL "), func(scan func(...any) error) error {
		var (
			o    sqliteObject
			text sql.NullString
		)
		if err := scan(&o.kind, &o.name, &o.table, &text, &o.schema, &o.position); err != nil {
			return err
		}
		o.text = text.String
		objects = append(objects, o)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, o := range objects {
		l.sqliteObject(o)
	}
	l.sqliteRecords(objects)
	return objects, nil
}

func (l *loader) sqliteObject(o sqliteObject) {
	if o.kind == "column" || strings.HasPrefix(fold(o.name), "sqlite_") {
		return // SQLite's own; not a table to cache
	}
	if o.schema == sqliteTemp && o.kind != "trigger" {
		first(&l.at(o.name).hard, "it is temporary: each connection has its own")
	}
	switch o.kind {
	case "view":
		l.define(o.name, o.text, false)
	case "trigger":
		l.sqliteTrigger(o)
	case "table":
		n := l.table(o.name)
		if v, ok := parseVirtual(o.text); ok {
			l.sqliteVirtual(o.name, n, v)
		}
	}
}

// sqliteTrigger adds what the statements of a trigger write.
func (l *loader) sqliteTrigger(o sqliteObject) {
	res := sqlscan.ScanDefinition(l.dialect, o.text, l.options)
	e := effect{}
	switch {
	case res.Err != nil:
		e.opaque = fmt.Sprintf("its trigger %q cannot be read: %v", o.name, res.Err)
	case res.WritesAll:
		e.opaque = fmt.Sprintf("its trigger %q may write any table", o.name)
	}
	for _, w := range res.Writes {
		e.write(w)
	}
	l.apply(o.table, e)
	l.at(o.table).identify(nil)
}

// sqliteKeys adds the foreign keys that change their own table.
func (l *loader) sqliteKeys(schemas []string) error {
	var selects []string
	for _, s := range schemas {
		selects = append(selects, "SELECT f.\"table\", m.name FROM "+sqliteQuote(s)+".sqlite_master m, "+
			"pragma_foreign_key_list(m.name, "+sqliteString(s)+") f "+
			"WHERE m.type = 'table' AND (f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') "+
			"OR f.on_update IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))")
	}
	return l.each("list foreign keys", strings.Join(selects, " UNION "), func(scan func(...any) error) error {
		var parent, child string
		if err := scan(&parent, &child); err != nil {
			return err
		}
		l.act(parent, child)
		return nil
	})
}

func sqliteQuote(name string) string  { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
func sqliteString(text string) string { return `'` + strings.ReplaceAll(text, `'`, `''`) + `'` }
