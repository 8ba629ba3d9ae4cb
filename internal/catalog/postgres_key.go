package catalog

import "encoding/json"

// pgKeyColumns lists the columns of a table with a primary key that no trigger
// can change: of each its place in the key from 1, 0 outside it, its class and
// its name. Which types and collations are fit is told here, since the server
// knows. A collation that is not deterministic can take any two texts for equal,
// and so can an operator = of the user's own.
const pgKeyColumns = `CASE WHEN c.relkind = 'r' AND k.oid IS NOT NULL
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal)
		THEN (SELECT json_agg(json_build_array(COALESCE(array_position(k.conkey, a.attnum), 0),
			CASE WHEN NOT a.attnum = ANY(k.conkey) THEN ''
			WHEN (SELECT attgenerated FROM pg_catalog.pg_attribute b
				WHERE b.attrelid = a.attrelid AND b.attnum = a.attnum) <> '' THEN ''
			WHEN a.atttypid = ANY (ARRAY(SELECT unnest(ARRAY[o.oprleft, o.oprright]) FROM pg_catalog.pg_operator o
				WHERE o.oid >= ` + pgUserMade + ` AND o.oprname = '=' AND NOT EXISTS (SELECT ` + pgOfCitext + `
				WHERE d.classid = 'pg_catalog.pg_operator'::regclass AND d.objid = o.oid AND ` + pgCitext + `))) THEN ''
			WHEN a.atttypid IN ('pg_catalog.int2'::regtype, 'pg_catalog.int4'::regtype, 'pg_catalog.int8'::regtype) THEN 'integer'
			WHEN a.atttypid = 'pg_catalog.uuid'::regtype THEN 'text'
			WHEN NOT COALESCE((SELECT collisdeterministic FROM pg_catalog.pg_collation o WHERE o.oid = a.attcollation), false) THEN ''
			WHEN a.atttypid IN ('pg_catalog.text'::regtype, 'pg_catalog.varchar'::regtype, 'pg_catalog.bpchar'::regtype)
			OR EXISTS (SELECT ` + pgOfCitext + ` JOIN pg_catalog.pg_type t ON t.oid = d.objid
				WHERE d.classid = 'pg_catalog.pg_type'::regclass AND t.oid = a.atttypid AND t.typname = 'citext' AND ` + pgCitext + `) THEN 'text'
			ELSE '' END, a.attname::text))::text
		FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END`

// pgOfCitext and pgCitext find what belongs to the extension citext.
const (
	pgOfCitext = `FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid`
	pgCitext   = `d.deptype = 'e' AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND e.extname = 'citext'`
)

// pgAbsent stands in for columns of the catalog that servers older than 12 do
// not have: there the names in pgKeyColumns, which are not qualified, resolve to
// these.
const pgAbsent = `''::text AS attgenerated, true AS collisdeterministic`

var pgClasses = map[string]Class{"integer": ClassInteger, "text": ClassText}

// pgKey reads what pgKeyColumns made; nil if it is empty.
func pgKey(list string) *Key {
	var found [][3]any
	if json.Unmarshal([]byte(list), &found) != nil {
		return nil
	}
	var columns []column
	for _, f := range found {
		position, _ := f[0].(float64)
		class, _ := f[1].(string)
		name, ok := f[2].(string)
		if !ok {
			return nil
		}
		columns = append(columns, column{name, int(position), pgClasses[class]})
	}
	return keyOf(columns)
}
