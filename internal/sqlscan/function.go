package sqlscan

import "strings"

// fn says what is known of a function. Zero: nothing.
type fn uint8

const (
	pure     fn = 1 << iota // depends on its arguments alone
	pure1                   // only if called with an argument
	pure2                   // only if called with two
	harmless                // its answer moves, but it writes no table
	tables                  // pure, and returns rows
)

var functions = [...]map[string]fn{
	SQLite:    build(commonFunctions, sqliteFunctions),
	Postgres:  build(commonFunctions, postgresFunctions),
	MySQL:     build(commonFunctions, mysqlFunctions),
	SQLServer: build(commonFunctions, sqlserverFunctions),
}

// build joins lists of words, each list under its flag.
func build(lists ...map[fn]string) map[string]fn {
	all := make(map[string]fn, 512)
	for _, list := range lists {
		for flag, names := range list {
			for _, name := range strings.Fields(names) {
				all[name] = flag
			}
		}
	}
	return all
}

// lowerName puts the name at token j into p.buf in the form the lists have. ok is
// false for names too long to be listed.
func (p *parser) lowerName(j int) (name []byte, ok bool) {
	t := &p.toks[j]
	s := p.text(t)
	exact := false
	if t.kind != kWord {
		s = p.sql[t.body : t.end-1]
		exact = p.d == Postgres // "Lower" is not lower there
	}
	if len(s) > len(p.buf) {
		return nil, false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' && !exact {
			c |= 0x20
		}
		p.buf[i] = c
	}
	return p.buf[:len(s)], true
}

// flagsOf looks up the plain name at token j.
func (p *parser) flagsOf(j int) fn {
	name, ok := p.lowerName(j)
	if !ok {
		return 0
	}
	return functions[p.d][string(name)]
}

// called judges a call of the dotted name from token first up to the parenthesis
// at token last. qualified says that more of the name stood before it.
func (p *parser) called(first, last, args int, qualified bool) {
	if p.err != "" {
		return
	}
	plain, system := last == first+1 && !qualified, false
	if !plain && p.d == Postgres && last == first+3 && !qualified && p.isText(&p.toks[first], "pg_catalog") {
		first, plain, system = first+2, true, true
	}
	if plain {
		if name, ok := p.lowerName(first); ok {
			flags := functions[p.d][string(name)]
			if !system && p.userMade(name) {
				p.userRoutine(string(name))
				return
			}
			if flags == 0 || !flags.isPure(args) {
				p.function(string(name), args)
			}
			return
		}
	}
	name := strings.ToLower(p.sql[p.toks[first].start:p.toks[last-1].end])
	if qualified {
		name = "." + name // never the built-in of that name
	}
	p.function(name, args)
}

func (f fn) isPure(args int) bool {
	return f&(pure|tables) != 0 || f&pure1 != 0 && args >= 1 || f&pure2 != 0 && args >= 2
}

// function judges a call by its name in lower case.
func (p *parser) function(name string, args int) {
	if p.opts != nil && p.opts.PureFunctions[name] {
		return
	}
	flags := functions[p.d][name]
	if flags.isPure(args) {
		return
	}
	if strings.HasPrefix(name, "pragma_") && p.d == SQLite {
		p.impure(ImpureCatalog, "reads system catalog "+name)
		return
	}
	p.impure(ImpureFunction, "calls "+name+"()")
	if flags == 0 && p.d != SQLite {
		p.res.WritesAll = true // a stored function can write
	}
}

func (p *parser) userMade(name []byte) bool {
	return p.opts != nil && p.opts.Routines[string(name)]
}

// attribute judges the name here, behind a dot: a column, or a function that is
// called by that notation.
func (p *parser) attribute() {
	if p.d != Postgres || p.opts == nil || len(p.opts.Routines) == 0 {
		return
	}
	name, ok := p.lowerName(p.i)
	if !ok {
		p.impure(ImpureFunction, "a name behind a dot that is too long to be known")
		p.res.WritesAll = true
		return
	}
	if p.opts.Routines["."+strings.ToLower(string(name))] {
		p.userRoutine(strings.ToLower(string(name)))
	}
}

// userRoutine judges a call that may be one of a function that users made.
func (p *parser) userRoutine(name string) {
	if p.opts.PureFunctions[name] {
		return
	}
	p.impure(ImpureFunction, "calls "+name+"(), which the database's users made")
	p.res.WritesAll = p.res.WritesAll || p.d != SQLite
}

// catalog notes reads of what the database keeps about itself, and of tables that
// only one connection has. The name stands in the tokens from first up to end.
func (p *parser) catalog(first, end int, name string) {
	system, session := false, false
	switch p.d {
	case SQLite:
		system = strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "pragma_") ||
			fold(name, "dbstat", "bytecode", "tables_used", "sqlite", "completion")
	case Postgres:
		system = strings.HasPrefix(name, "pg_")
	case SQLServer:
		system = fold(name, "sysobjects", "syscolumns", "sysindexes", "sysusers", "sysdatabases", "sysprocesses",
			"sysreferences", "sysforeignkeys", "syscomments", "systypes", "sysconstraints", "sysfiles",
			"sysindexkeys", "sysdepends", "syslogins", "sysmembers", "syspermissions", "sysfilegroups")
		session = strings.HasPrefix(name, "#")
	}
	for j := first; j < end-1 && !system; j++ {
		if !p.toks[j].isName() {
			continue
		}
		q, ok := p.lowerName(j)
		if !ok {
			continue
		}
		switch string(q) {
		case "information_schema":
			system = true
		case "mysql", "performance_schema", "sys":
			system = p.d == MySQL || string(q) == "sys" && p.d == SQLServer
		case "temp":
			session = p.d == SQLite
		default:
			system = p.d == Postgres && strings.HasPrefix(string(q), "pg_")
			if p.d == Postgres && p.toks[j].kind == kQuoted && strings.EqualFold(string(q), "information_schema") {
				system = true
			}
		}
	}
	switch {
	case system:
		p.impure(ImpureCatalog, "reads system catalog "+name)
	case session:
		p.impure(ImpureSession, "reads temporary table "+name)
	}
}

// fromInside reports whether the arguments of the function named from token first
// up to last may be parted by FROM.
func (p *parser) fromInside(first, last int) bool {
	if last != first+1 || p.toks[first].kind != kWord {
		return false
	}
	return fold(p.text(&p.toks[first]), "extract", "substring", "substr", "mid", "trim", "ltrim", "rtrim", "overlay")
}
