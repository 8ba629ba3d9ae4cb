package catalog

import (
	"database/sql"
	"fmt"
	"strings"
)

// postgres reads all schemas of the current database but the system's. Nothing
// of what it reads is hidden from roles without privileges.
//
// The identity is the cluster's system identifier and the database; where the
// role may not ask for the former, the server's port and the time at which it
// started, which does not depend on the address it is reached by.
func (l *loader) postgres() error {
	pg := &pgFunctions{loader: l, stored: map[string]bool{}}
	for _, step := range []func() error{l.pgIdentity, pg.list, l.pgRelations, l.pgEdges, pg.triggers} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

const pgSchemas = ` NOT IN ('pg_catalog', 'information_schema', 'pg_toast') `

// pgIdentity takes the system identifier that the cluster was made with. A role
// that may not ask for it gets no identity: any other name would differ from the
// one that a pool with another role finds for the same database.
func (l *loader) pgIdentity() error {
	var (
		database, path, role string
		allowed              sql.NullBool
	)
	err := l.each("identify the server", `SELECT current_database()::text, current_setting('search_path'), current_user::text,
		has_function_privilege(to_regprocedure('pg_catalog.pg_control_system()')::oid, 'execute')`,
		func(scan func(...any) error) error {
			return scan(&database, &path, &role, &allowed)
		})
	if err != nil {
		return err
	}
	l.scope = strings.Join([]string{database, role, path}, "/")
	if !allowed.Bool {
		return nil
	}
	return l.each("identify the cluster", `SELECT system_identifier::text FROM pg_catalog.pg_control_system()`,
		func(scan func(...any) error) error {
			var id string
			err := scan(&id)
			l.identity = fmt.Sprintf("postgres:%s/%s", id, database)
			return err
		})
}

func (l *loader) pgRelations() error {
	return l.each("list tables", `SELECT c.relname::text, c.relkind::text, c.relpersistence::text, c.relrowsecurity,
		CASE WHEN c.relkind = 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END, `+pgKeyColumns+`
		FROM (SELECT `+pgAbsent+`) absent,
		pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p' AND NOT k.condeferrable
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname`+pgSchemas,
		func(scan func(...any) error) error {
			var (
				name, kind, persistence string
				secured                 bool
				definition, columns     sql.NullString
			)
			if err := scan(&name, &kind, &persistence, &secured, &definition, &columns); err != nil {
				return err
			}
			n := l.at(name)
			n.identify(pgKey(columns.String))
			switch kind {
			case "v":
				text := definition.String
				if text != "" {
					text = "CREATE VIEW v AS " + text
				}
				l.define(name, text, true)
			case "f":
				first(&n.soft, "it is a foreign table, which other servers change")
				first(&n.opaque, "it is a foreign table, which may be any table of this server")
				n.base = true
			case "S":
				first(&n.hard, "it is a sequence")
			default:
				n.base = true
			}
			if secured {
				first(&n.hard, "it has row-level security: what is seen differs by role and setting")
			}
			if persistence == "t" {
				first(&n.hard, "it is temporary: each session has its own")
			}
			return nil
		})
}

// pgEdges reads what ties relations to each other: f, a key with an action; i,
// a partition or inheriting table; v, what a view is made of; p, a function
// that a view calls; r, a rule; o, an operator or cast that runs a function
// which is not immutable, and which statements use without naming it.
func (l *loader) pgEdges() error {
	return l.each("list dependencies", `
		SELECT 'f', p.relname::text, c.relname::text
		FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
		JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
		WHERE k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
		UNION SELECT 'i', p.relname::text, c.relname::text
		FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
		JOIN pg_catalog.pg_class c ON c.oid = h.inhrelid WHERE c.relkind IN ('r', 'p', 'f')
		UNION SELECT 'v', v.relname::text, c.relname::text
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
		JOIN pg_catalog.pg_class v ON v.oid = r.ev_class JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
		WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
		AND v.relkind = 'v' AND v.oid <> c.oid
		UNION SELECT 'p', v.relname::text, p.pronamespace::regnamespace::text || '.' || p.proname::text
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
		JOIN pg_catalog.pg_class v ON v.oid = r.ev_class
		LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
		JOIN pg_catalog.pg_proc p ON p.oid = CASE WHEN o.oid IS NULL THEN d.refobjid ELSE o.oprcode END
		WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND v.relkind = 'v' AND p.provolatile <> 'i'
		AND d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
		UNION SELECT 'r', c.relname::text, r.rulename::text
		FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE r.rulename <> '_RETURN' AND n.nspname`+pgSchemas+`
		UNION SELECT 'o', 'operator ' || o.oid::regoperator::text, p.pronamespace::regnamespace::text || '.' || p.proname::text
		FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
		WHERE o.oid >= `+pgUserMade+` AND p.provolatile <> 'i' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
			WHERE d.classid = 'pg_catalog.pg_operator'::regclass AND d.objid = o.oid AND d.deptype = 'e')
		UNION SELECT 'o', 'cast from ' || s.castsource::regtype::text || ' to ' || s.casttarget::regtype::text,
			p.pronamespace::regnamespace::text || '.' || p.proname::text
		FROM pg_catalog.pg_cast s JOIN pg_catalog.pg_proc p ON p.oid = s.castfunc
		WHERE s.oid >= `+pgUserMade+` AND p.provolatile <> 'i' AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
			WHERE d.classid = 'pg_catalog.pg_cast'::regclass AND d.objid = s.oid AND d.deptype = 'e')`,
		func(scan func(...any) error) error {
			var kind, a, b string
			if err := scan(&kind, &a, &b); err != nil {
				return err
			}
			switch kind {
			case "f":
				l.act(a, b)
			case "i":
				l.child(a, b)
			case "v":
				l.madeOf(a, b)
			case "p":
				schema, function, _ := strings.Cut(b, ".")
				if !l.pure(schema, function) {
					first(&l.at(a).hard, fmt.Sprintf("its definition calls %q, which is not declared immutable", function))
				}
			case "o":
				schema, function, _ := strings.Cut(b, ".")
				if !l.pure(schema, function) {
					first(&l.refused, fmt.Sprintf("the %s runs %q, which is not declared immutable", a, function))
				}
			case "r":
				first(&l.at(a).opaque, fmt.Sprintf("its rule %q may write any table", b))
			}
			return nil
		})
}
