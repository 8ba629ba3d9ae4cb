package sqlscan

import (
	"unicode/utf8"
)

// columnEnd returns the index of the token behind the column that begins at i, a
// name of up to three parts; -1 if none does.
func (p *parser) columnEnd(i int) int {
	for range 3 {
		if k := p.toks[i].kind; k != kWord && k != kQuoted {
			return -1
		}
		if i++; !p.toks[i].isCh('.') {
			return i
		}
		i++
	}
	return -1
}

// column returns the column's name at token i in lower case, where nothing but a
// column's name can stand. It says no where it is not plain which column that is.
// exact wants no other column to share the folded name, as "ID" and id do in
// PostgreSQL.
func (p *parser) column(i int, exact bool) (string, bool) {
	t := &p.toks[i]
	s := p.text(t)
	switch t.kind {
	case kWord:
	case kQuoted:
		s = p.sql[t.body : t.end-1]
	default:
		return "", false
	}
	if p.d == Postgres && len(s) > 63 { // cut short by the server
		return "", false
	}
	for j := range len(s) {
		switch c := s[j]; {
		case c >= utf8.RuneSelf, c == '"', c == '`', c == ']':
			return "", false
		case c >= 'A' && c <= 'Z' && exact && p.d == Postgres && t.kind == kQuoted:
			return "", false
		}
	}
	return lowerASCII(s), true
}

// comparedColumn is column for the names of a term, where a word may be something
// else than a name.
func (p *parser) comparedColumn(i int) (string, bool) {
	if !p.mayBeColumn(&p.toks[i]) {
		return "", false
	}
	return p.column(i, true)
}

// mayBeColumn reports whether t in an expression can be nothing but a name.
func (p *parser) mayBeColumn(t *token) bool {
	return t.kind == kQuoted || t.kind == kWord && (t.kw == wNone || t.kw == wKey && p.d != MySQL) &&
		!fold(p.text(t), "null", "true", "false", "unknown")
}

// operand reads a bind parameter or a plain integer.
func (p *parser) operand(i int) (Operand, bool) {
	t := &p.toks[i]
	switch t.kind {
	case kParam:
		return Operand{Param: int(t.body)}, p.res.Params > 0
	case kNumber:
		s := p.text(t)
		if len(s) > 15 || s[0] == '0' && len(s) > 1 {
			return Operand{}, false
		}
		for j := range len(s) {
			if !isDigit(s[j]) {
				return Operand{}, false
			}
		}
		return Operand{Literal: s}, true
	}
	return Operand{}, false
}

// oneTable steps over the name of a table and its alias, which begin at i. It
// returns -1 if that is not name, or if names has others. as says that an alias
// needs AS.
func (p *parser) oneTable(i int, names []string, as bool) int {
	if len(names) == 0 {
		return -1
	}
	for _, name := range names {
		if name != names[0] {
			return -1
		}
	}
	end := p.columnEnd(i)
	if end < 0 || !p.isNamed(&p.toks[end-1], names[0]) {
		return -1
	}
	switch t := &p.toks[end]; {
	case t.kw == wAs:
		if a := &p.toks[end+1]; a.kind != kQuoted && a.kind != kWord {
			return -1
		}
		return end + 2
	case !as && (t.kind == kQuoted || t.kind == kWord && t.kw == wNone):
		return end + 1
	}
	return end
}

func (p *parser) isNamed(t *token, name string) bool {
	s := p.text(t)
	if t.kind == kQuoted {
		s = p.sql[t.body : t.end-1]
	}
	return lowerASCII(s) == name // no more: EqualFold takes the long s for an s
}
