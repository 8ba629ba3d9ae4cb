package catalog

import (
	"database/sql"
	"fmt"
	"strings"
)

// mysql reads all schemas that the role sees, but the system's: statements can
// name other schemas, and foreign keys cross them. It reads MySQL and MariaDB.
//
// Much is hidden from roles with few privileges, silently: triggers without
// TRIGGER, foreign keys of tables that one may only read. So the grants are
// read too, and what may be hidden is taken to be there.
//
// The identity is the server's UUID on MySQL, on MariaDB, which has none, the
// host's own name, the port and the server id; without the schema.
func (l *loader) mysql() error {
	m := &mysqlLoader{loader: l, seen: map[string]bool{}}
	for _, step := range []func() error{m.variables, m.readGrants, m.listRoutines, m.tables, m.columns, m.keys, m.readRoutines, m.triggers} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

type mysqlLoader struct {
	*loader
	grants grants
	seen   map[string]bool // tables and views, as schema.name, folded
	bases  []string        // folded
	found  []myTable       // the tables of all schemas
	stored routines
	bodies []myRoutine
	strict bool // the server refuses generated columns that differ by moment
	world  world
}

const mySchemas = ` NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys') `

func (m *mysqlLoader) variables() error {
	vars := map[string]string{}
	err := m.each("identify the server", `SHOW SESSION VARIABLES WHERE Variable_name IN
		('server_uuid', 'hostname', 'port', 'server_id', 'transaction_isolation', 'tx_isolation', 'autocommit')`,
		func(scan func(...any) error) error {
			var name, value string
			err := scan(&name, &value)
			vars[fold(name)] = value
			return err
		})
	if uuid := vars["server_uuid"]; uuid != "" {
		m.identity = "mysql:" + uuid
		m.strict = true // MariaDB has no such variable
	} else if vars["hostname"] != "" {
		m.identity = fmt.Sprintf("mysql:%s:%s/%s", vars["hostname"], vars["port"], vars["server_id"])
	}
	isolation := vars["transaction_isolation"] + vars["tx_isolation"]
	// Without autocommit each connection reads from a snapshot that it took at
	// some earlier statement, and sees its own uncommitted rows.
	m.dirty = strings.Contains(strings.ToUpper(isolation), "UNCOMMITTED") ||
		strings.EqualFold(vars["autocommit"], "off") || vars["autocommit"] == "0"
	return err
}

func (m *mysqlLoader) readGrants() error {
	return m.each("read grants", "SHOW GRANTS", func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		m.grants.add(text)
		return err
	})
}

// trusted are the engines whose tables change by writes to them alone.
var trusted = map[string]bool{
	"innodb": true, "myisam": true, "aria": true, "memory": true, "heap": true, "csv": true, "archive": true,
	"blackhole": true, "rocksdb": true, "tokudb": true, "ndbcluster": true, "ndb": true, "columnstore": true,
}

func (m *mysqlLoader) tables() error {
	err := m.each("list tables", `SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.TABLE_TYPE, t.ENGINE, e.TRANSACTIONS,
		v.VIEW_DEFINITION, COALESCE(DATABASE(), '') FROM information_schema.TABLES t
		LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
		LEFT JOIN information_schema.VIEWS v ON v.TABLE_SCHEMA = t.TABLE_SCHEMA AND v.TABLE_NAME = t.TABLE_NAME
		WHERE t.TABLE_SCHEMA`+mySchemas, func(scan func(...any) error) error {
		var (
			schema, name, kind               string
			engine, transactions, definition sql.NullString
		)
		if err := scan(&schema, &name, &kind, &engine, &transactions, &definition, &m.scope); err != nil {
			return err
		}
		m.seen[fold(schema+"."+name)] = true
		n := m.at(name)
		switch fold(kind) {
		case "view":
			text := definition.String
			if text != "" {
				text = "CREATE VIEW v AS " + text
			}
			m.define(name, text, false)
			return nil
		case "base table", "system versioned":
			n.base = true
			m.found = append(m.found, myTable{schema, name, fold(kind) == "base table" &&
				plainEngines[fold(engine.String)] && m.grants.allow(schema, name, "SELECT")})
		case "sequence":
			first(&n.hard, "it is a sequence")
			return nil
		default:
			first(&n.hard, "it is a "+fold(kind))
			return nil
		}
		if !trusted[fold(engine.String)] {
			why := fmt.Sprintf("its engine %q may keep its rows in other tables or servers", engine.String)
			first(&n.soft, why)
			first(&n.opaque, why)
		}
		n.keeps = n.keeps || transactions.String != "YES"
		if !m.grants.allow(schema, name, "TRIGGER") {
			first(&n.opaque, "this role cannot see its triggers: grant TRIGGER on it")
		}
		if !m.grants.allow(schema, name, changing...) {
			m.keysHidden(schema + "." + name)
		}
		m.bases = append(m.bases, fold(name))
		return nil
	})
	if err != nil {
		return err
	}
	if m.grants.hidden != "" {
		for _, t := range m.bases {
			first(&m.nodes[t].opaque, m.grants.hidden)
		}
	}
	return nil
}

// changing are the privileges of which any one shows a table's foreign keys.
var changing = []string{"INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "REFERENCES", "INDEX", "ALTER", "TRIGGER"}

// keysHidden: the foreign keys of a table cannot be seen, so it may be the
// child of any other.
func (m *mysqlLoader) keysHidden(table string) {
	first(&m.grants.hidden, fmt.Sprintf("this role cannot see the foreign keys of %q: grant REFERENCES on it", table))
}

// keys adds the foreign keys that change their own table. InnoDB's keys fire
// no triggers today; here they are taken to.
func (m *mysqlLoader) keys() error {
	unseen := ""
	// MariaDB leaves a key whose parent the role cannot see out of
	// REFERENTIAL_CONSTRAINTS, but not out of KEY_COLUMN_USAGE.
	err := m.each("list foreign keys", `SELECT k.REFERENCED_TABLE_SCHEMA, k.REFERENCED_TABLE_NAME, k.TABLE_NAME
		FROM information_schema.KEY_COLUMN_USAGE k
		LEFT JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA
			AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
		WHERE k.TABLE_SCHEMA`+mySchemas+`AND k.REFERENCED_TABLE_NAME IS NOT NULL AND (r.CONSTRAINT_NAME IS NULL
			OR r.DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR r.UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))`,
		func(scan func(...any) error) error {
			var schema sql.NullString
			var parent, child string
			if err := scan(&schema, &parent, &child); err != nil {
				return err
			}
			m.act(parent, child)
			if !m.seen[fold(schema.String+"."+parent)] {
				unseen = parent
			}
			return nil
		})
	if unseen == "" || err != nil {
		return err
	}
	// The parent cannot be seen, so neither can what it is a child of.
	for _, t := range m.bases {
		first(&m.nodes[t].opaque, fmt.Sprintf("it may reach %q, the parent of foreign keys, which this role cannot see", unseen))
	}
	return nil
}

// myRoutine is a row of the list of routines.
type myRoutine struct{ name, mode, text string }

// listRoutines lists what the role may call, in any schema, and the loadable
// functions if the role may read which there are.
func (m *mysqlLoader) listRoutines() error {
	m.stored = routines{}
	list := func(r myRoutine) {
		m.bodies = append(m.bodies, r)
		m.stored[fold(r.name)] = &routine{}
		m.routines[fold(r.name)] = true
	}
	err := m.each("list routines", `SELECT ROUTINE_NAME, COALESCE(SQL_MODE, ''),
		CASE WHEN ROUTINE_BODY = 'SQL' THEN COALESCE(ROUTINE_DEFINITION, '') ELSE '' END
		FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA`+mySchemas+`OR ROUTINE_SCHEMA = DATABASE()`,
		func(scan func(...any) error) error {
			var r myRoutine
			err := scan(&r.name, &r.mode, &r.text)
			list(r)
			return err
		})
	if err != nil || !m.grants.allow("mysql", "func", "SELECT") {
		return err
	}
	return m.each("list loadable functions", `SELECT name FROM mysql.func`, func(scan func(...any) error) error {
		var r myRoutine // without a text, so that it may do anything
		err := scan(&r.name)
		list(r)
		return err
	})
}

// readRoutines reads the bodies, now that the tables are known.
func (m *mysqlLoader) readRoutines() error {
	m.world = world{m.dialect, m.relation, func(name string, plain bool) (bool, bool) {
		return m.stored[name] != nil, plain && mysqlHarmless[name]
	}}
	for _, r := range m.bodies {
		m.stored.add(r.name, m.body(r.mode, r.text))
	}
	return nil
}

func (m *mysqlLoader) triggers() error {
	return m.each("list triggers", `SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME, COALESCE(SQL_MODE, ''), COALESCE(ACTION_STATEMENT, '')
		FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA`+mySchemas,
		func(scan func(...any) error) error {
			var table, trigger, mode, text string
			if err := scan(&table, &trigger, &mode, &text); err != nil {
				return err
			}
			e := m.stored.run(m.body(mode, text))
			for w := range e.writes {
				if !m.relation(w) {
					first(&e.opaque, fmt.Sprintf("it writes %q, which this role cannot see", w))
				}
			}
			if e.opaque != "" {
				e.opaque = fmt.Sprintf("its trigger %q: %s", trigger, e.opaque)
			}
			m.apply(table, e)
			m.at(table).identify(nil)
			return nil
		})
}

// body reads a routine that runs under its own SQL mode.
func (m *mysqlLoader) body(mode, text string) routine {
	mode = strings.ToUpper(mode)
	why := ""
	switch {
	case text == "":
		why = "its body cannot be seen"
	case strings.Contains(mode, "ANSI_QUOTES") && strings.Contains(text, `"`),
		strings.Contains(mode, "NO_BACKSLASH_ESCAPES") && strings.Contains(text, `\`),
		strings.Contains(mode, "ORACLE"):
		why = "its body is written for another SQL mode"
	}
	if why != "" {
		return routine{effect: effect{opaque: why}}
	}
	return readBody(m.world, text)
}
