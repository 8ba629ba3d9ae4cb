package catalog

import (
	"database/sql"
	"fmt"
)

// sqlserver reads the current database. Roles without VIEW DEFINITION on it do
// not see triggers, policies and definitions; for them every table is refused
// and every write reaches everything.
//
// The identity is the server's name, without the database, since statements
// can name tables of others. SQL Server 2016 is the oldest that answers.
func (l *loader) sqlserver() error {
	for _, step := range []func() error{l.msSession, l.msObjects, l.msKeys, l.msTriggers} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

const msHidden = "this role cannot see triggers and security policies: grant VIEW DEFINITION on the database"

func (l *loader) msSession() error {
	return l.each("identify the server", `SELECT CAST(SERVERPROPERTY('ServerName') AS nvarchar(256)), DB_NAME(),
		COALESCE(SCHEMA_NAME(), ''),
		COALESCE((SELECT transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID), 0)`,
		func(scan func(...any) error) error {
			var (
				server           sql.NullString
				database, schema string
				isolation        int
			)
			if err := scan(&server, &database, &schema, &isolation); err != nil {
				return err
			}
			if server.String != "" {
				l.identity = "sqlserver:" + fold(server.String)
			}
			l.scope = database + "/" + schema
			l.dirty = isolation == 1
			return nil
		})
}

func (l *loader) msObjects() error {
	return l.each("list tables", `SELECT o.name, RTRIM(o.type), m.definition, s.base_object_name, h.name,
		COALESCE(CAST(t.is_external AS int), 0),
		CASE WHEN EXISTS (SELECT 1 FROM sys.security_predicates p WHERE p.target_object_id = o.object_id) THEN 1 ELSE 0 END,
		CASE WHEN EXISTS (SELECT 1 FROM sys.computed_columns c WHERE c.object_id = o.object_id AND
			(COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'IsDeterministic'), 0) = 0
			OR COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'UserDataAccess'), 1) = 1
			OR COALESCE(COLUMNPROPERTY(c.object_id, c.name, 'SystemDataAccess'), 1) = 1)) THEN 1 ELSE 0 END,
		COALESCE(HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'VIEW DEFINITION'), 0)
		FROM sys.objects o LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
		LEFT JOIN sys.synonyms s ON s.object_id = o.object_id
		LEFT JOIN sys.tables t ON t.object_id = o.object_id
		LEFT JOIN sys.objects h ON h.object_id = t.history_table_id
		WHERE o.type IN ('U', 'V', 'SN', 'FN', 'IF', 'TF', 'AF', 'FS', 'FT') AND o.is_ms_shipped = 0
		ORDER BY CASE WHEN o.type IN ('U', 'V', 'SN') THEN 1 ELSE 0 END`, func(scan func(...any) error) error {
		var (
			name, kind                           string
			definition, synonymOf, history       sql.NullString
			external, secured, computed, sighted int
		)
		err := scan(&name, &kind, &definition, &synonymOf, &history, &external, &secured, &computed, &sighted)
		if err != nil {
			return err
		}
		switch kind {
		case "FN", "IF", "TF", "AF", "FS", "FT":
			l.routines[fold(name)] = true
			return nil
		}
		n := l.at(name)
		switch kind {
		case "V":
			l.define(name, definition.String, false)
		case "SN":
			n.view = true
			l.madeOf(name, lastPart(synonymOf.String))
		default:
			n.base = true
		}
		if external == 1 {
			first(&n.soft, "it is an external table, which others change")
			first(&n.opaque, "it is an external table, which may be any table of this server")
		}
		if history.String != "" {
			l.act(name, history.String)
			add(&n.parts, history.String) // FOR SYSTEM_TIME reads both
		}
		if secured == 1 {
			first(&n.hard, "it has a security policy: what is seen differs by session")
		}
		if computed == 1 {
			first(&n.hard, "a computed column may differ by moment or read other tables")
		}
		if sighted == 0 {
			first(&n.soft, msHidden)
			first(&n.opaque, msHidden)
		}
		return nil
	})
}

func (l *loader) msKeys() error {
	return l.each("list foreign keys", `SELECT OBJECT_NAME(referenced_object_id), OBJECT_NAME(parent_object_id)
		FROM sys.foreign_keys WHERE delete_referential_action <> 0 OR update_referential_action <> 0`,
		func(scan func(...any) error) error {
			var parent, child string
			if err := scan(&parent, &child); err != nil {
				return err
			}
			l.act(parent, child)
			return nil
		})
}

func (l *loader) msTriggers() error {
	// Functions of SQL Server cannot write, so only the words of the body count.
	w := world{l.dialect, l.relation, func(string, bool) (bool, bool) { return false, true }}
	return l.each("list triggers", `SELECT OBJECT_NAME(t.parent_id), t.name, m.definition
		FROM sys.triggers t LEFT JOIN sys.sql_modules m ON m.object_id = t.object_id WHERE t.parent_class = 1`,
		func(scan func(...any) error) error {
			var (
				table, trigger string
				definition     sql.NullString
			)
			if err := scan(&table, &trigger, &definition); err != nil {
				return err
			}
			e := effect{opaque: "its definition cannot be seen"}
			if definition.String != "" {
				e = readTrigger(w, definition.String).effect
			}
			if e.opaque != "" {
				e.opaque = fmt.Sprintf("its trigger %q: %s", trigger, e.opaque)
			}
			l.apply(table, e)
			return nil
		})
}

// readTrigger reads CREATE TRIGGER … AFTER … AS body.
func readTrigger(w world, definition string) routine {
	tokens, why := tokenize(w.dialect, definition)
	if why != "" {
		return routine{effect: effect{opaque: why + " in its body"}}
	}
	event := false
	for i, t := range tokens {
		switch {
		case t.is("after"), t.is("instead"), t.is("for"):
			event = true
		case event && t.is("as"):
			return readTokens(w, tokens[i+1:])
		}
	}
	return routine{effect: effect{opaque: "its definition cannot be told from its body"}}
}
