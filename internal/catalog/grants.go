package catalog

import "strings"

// grants are a role's privileges as SHOW GRANTS prints them. What it does not
// print, such as those of roles on MySQL, counts as not granted.
type grants struct {
	rows []grant
	// revoked are the schemas to which privileges on *.* do not extend (MySQL's
	// partial revokes).
	revoked map[string]bool
	hidden  string // why writes may reach tables that cannot be seen
}

type grant struct {
	schema, table string // "*" is any; schema may hold % and _
	privileges    map[string]bool
}

// add reads GRANT privilege, privilege (columns), … ON scope TO ….
func (g *grants) add(text string) {
	if _, scope, ok := strings.Cut(text, " ON "); ok && strings.HasPrefix(text, "REVOKE ") {
		if schema, _, ok := grantName(scope); ok {
			if g.revoked == nil {
				g.revoked = map[string]bool{}
			}
			g.revoked[schema] = true
		}
		return
	}
	rest, ok := strings.CutPrefix(text, "GRANT ")
	if !ok {
		return
	}
	list, rest, ok := strings.Cut(rest, " ON ")
	if !ok {
		return
	}
	rest = strings.TrimPrefix(rest, "TABLE ")
	schema, rest, ok := grantName(rest)
	if !ok || !strings.HasPrefix(rest, ".") {
		return
	}
	table, rest, ok := grantName(rest[1:])
	if !ok || !strings.HasPrefix(rest, " TO ") {
		return
	}
	row := grant{schema: schema, table: table, privileges: map[string]bool{}}
	for _, p := range strings.Split(list, ",") {
		p = strings.ToUpper(strings.TrimSpace(p))
		if !strings.ContainsAny(p, "()") { // privileges on columns show less
			row.privileges[p] = true
		}
	}
	g.rows = append(g.rows, row)
}

// grantName reads * or a name in backquotes.
func grantName(s string) (name, rest string, ok bool) {
	if strings.HasPrefix(s, "*") {
		return "*", s[1:], true
	}
	if !strings.HasPrefix(s, "`") {
		return "", s, false
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '`' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '`' {
			i++
			continue
		}
		return strings.ReplaceAll(s[1:i], "``", "`"), s[i+1:], true
	}
	return "", s, false
}

// allow tells whether any of the privileges is granted on the whole table.
func (g *grants) allow(schema, table string, privileges ...string) bool {
	for _, row := range g.rows {
		if row.table != "*" && row.table != table ||
			row.schema == "*" && g.revoked[schema] ||
			row.schema != "*" && row.schema != schema && (row.table != "*" || !like(row.schema, schema)) {
			continue
		}
		if row.privileges["ALL PRIVILEGES"] || row.privileges["ALL"] {
			return true
		}
		for _, p := range privileges {
			if row.privileges[p] {
				return true
			}
		}
	}
	return false
}

// like matches a pattern with %, _ and backslash escapes.
func like(pattern, s string) bool {
	for pattern != "" {
		switch {
		case pattern[0] == '%':
			for i := 0; i <= len(s); i++ {
				if like(pattern[1:], s[i:]) {
					return true
				}
			}
			return false
		case s == "":
			return false
		case pattern[0] == '_':
		case pattern[0] == '\\' && len(pattern) > 1:
			pattern = pattern[1:]
			fallthrough
		default:
			if pattern[0] != s[0] {
				return false
			}
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}
