package catalog

import (
	"fmt"
	"strings"
)

// pgFunctions are the functions that are not the system's.
type pgFunctions struct {
	*loader
	sources []pgFunction
	stored  map[string]bool
}

type pgFunction struct {
	name, language, volatility, text string
	trusted                          bool // a member of an extension, as the scanner knows it
	attribute                        bool // can be called as t.f, f(t) being what it says
}

// pgTrusted are the extensions whose functions the scanner's lists hold. Of any
// other, it knows those that are immutable.
const pgTrusted = `('uuid-ossp', 'pgcrypto', 'unaccent', 'pg_trgm', 'fuzzystrmatch', 'hstore', 'ltree', 'citext',
	'intarray', 'cube', 'earthdistance', 'vector', 'postgis')`

func (l *pgFunctions) list() error {
	return l.each("list functions", `SELECT p.proname::text, l.lanname::text, p.provolatile::text,
		CASE WHEN l.lanname IN ('sql', 'plpgsql') THEN p.prosrc ELSE '' END,
		EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
			WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
			AND d.refclassid = 'pg_catalog.pg_extension'::regclass
			AND (p.provolatile = 'i' OR e.extname IN `+pgTrusted+`)),
		p.provolatile <> 'i' AND p.pronargs > 0 AND (p.pronargs - p.pronargdefaults < 2 OR p.provariadic <> 0)
			AND EXISTS (SELECT FROM pg_catalog.pg_type t WHERE t.oid = p.proargtypes[0] AND t.typtype IN ('c', 'd', 'p'))
		FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_language l ON l.oid = p.prolang
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
		WHERE p.oid >= `+pgUserMade+` OR n.nspname`+pgSchemas,
		func(scan func(...any) error) error {
			var f pgFunction
			if err := scan(&f.name, &f.language, &f.volatility, &f.text, &f.trusted, &f.attribute); err != nil {
				return err
			}
			l.sources = append(l.sources, f)
			l.stored[fold(f.name)] = true
			if !f.trusted {
				l.routines[fold(f.name)] = true
				if f.attribute {
					l.routines["."+fold(strings.ReplaceAll(f.name, `"`, `""`))] = true
				}
			}
			return nil
		})
}

// pgUserMade is the first object identifier that no object of a new cluster has.
const pgUserMade = `16384`

// pgDomains makes "uses": which types hold values of a domain that runs a
// function when one is stored, for its check or its default, and which function.
const pgDomains = `WITH RECURSIVE runs AS (
		SELECT COALESCE(k.contypid, d.objid) AS domain, COALESCE(o.oprcode, d.refobjid) AS function
		FROM pg_catalog.pg_depend d
		LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
		LEFT JOIN pg_catalog.pg_operator o ON d.refclassid = 'pg_catalog.pg_operator'::regclass AND o.oid = d.refobjid
		WHERE d.classid IN ('pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_type'::regclass)
		AND d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass)
	), uses(domain, function, typ) AS (
		SELECT r.domain, r.function, t.oid FROM runs r JOIN pg_catalog.pg_type t ON t.oid = r.domain
		JOIN pg_catalog.pg_proc p ON p.oid = r.function WHERE t.typtype = 'd' AND p.provolatile <> 'i'
		UNION SELECT u.domain, u.function, h.holder FROM uses u JOIN (
			SELECT t.typbasetype AS part, t.oid AS holder FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
			UNION ALL SELECT t.typelem, t.oid FROM pg_catalog.pg_type t WHERE t.typelem <> 0
			UNION ALL SELECT g.rngsubtype, g.rngtypid FROM pg_catalog.pg_range g
			UNION ALL SELECT a.atttypid, c.reltype FROM pg_catalog.pg_attribute a
				JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped AND c.reltype <> 0
		) h ON h.part = u.typ
	)
	`

// triggers gives every table what those functions do that a write to it runs:
// those of triggers, of defaults, of checks and of domains.
func (l *pgFunctions) triggers() error {
	w := world{l.dialect, l.relation, func(name string, _ bool) (bool, bool) {
		return l.stored[name], !pgRunners[name]
	}}
	all := routines{}
	for _, s := range l.sources {
		all.add(s.name, pgRoutine(w, s.name, s.language, s.volatility, s.text))
	}
	return l.each("list triggers", pgDomains+`SELECT c.relname::text, t.tgname::text, p.proname::text
		FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
		JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
		JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname`+pgSchemas+`
		UNION SELECT c.relname::text, 'default', p.proname::text
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef a ON a.oid = d.objid
		JOIN pg_catalog.pg_class c ON c.oid = a.adrelid JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
		WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
		UNION SELECT c.relname::text, k.conname::text, p.proname::text
		FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_constraint k ON k.oid = d.objid AND k.contype = 'c'
		JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_proc p ON p.oid = d.refobjid
		WHERE d.classid = 'pg_catalog.pg_constraint'::regclass AND d.refclassid = 'pg_catalog.pg_proc'::regclass
		UNION SELECT c.relname::text, 'domain ' || t.typname::text, p.proname::text
		FROM uses u JOIN pg_catalog.pg_class c ON c.reltype = u.typ JOIN pg_catalog.pg_type t ON t.oid = u.domain
		JOIN pg_catalog.pg_proc p ON p.oid = u.function WHERE c.relkind IN ('r', 'p', 'f')`,
		func(scan func(...any) error) error {
			var table, trigger, function string
			if err := scan(&table, &trigger, &function); err != nil {
				return err
			}
			e := effect{opaque: fmt.Sprintf("its %s runs %q, which cannot be seen", trigger, function)}
			if r := all[fold(function)]; r != nil {
				e = all.run(*r)
			}
			if e.opaque != "" {
				e.opaque = fmt.Sprintf("its trigger %q runs %q: %s", trigger, function, e.opaque)
			}
			l.apply(table, e)
			return nil
		})
}

// pgRoutine tells what one function does.
func pgRoutine(w world, name, language, volatility, text string) routine {
	switch {
	case language == "sql" || language == "plpgsql":
		if text == "" {
			return routine{effect: effect{opaque: "its body cannot be read"}}
		}
		return readBody(w, text)
	case volatility == "v" && !pgHarmless[fold(name)]:
		return routine{effect: effect{opaque: "it is written in " + language}}
	}
	return routine{}
}

// pgRunners are the system's functions that run a query given as text.
var pgRunners = map[string]bool{
	"query_to_xml": true, "query_to_xmlschema": true, "query_to_xml_and_xmlschema": true,
	"cursor_to_xml": true, "ts_stat": true, "ts_rewrite": true,
}

// pgHarmless are volatile functions of extensions, written in C, that write no
// table but the one whose trigger or default they are.
var pgHarmless = map[string]bool{
	"uuid_generate_v1": true, "uuid_generate_v1mc": true, "uuid_generate_v4": true,
	"gen_random_uuid": true, "gen_random_bytes": true, "gen_salt": true,
	"moddatetime": true, "insert_username": true, "autoinc": true,
	"pgp_sym_encrypt": true, "pgp_sym_encrypt_bytea": true, "pgp_pub_encrypt": true, "pgp_pub_encrypt_bytea": true,
}
