package sqlscan

import "strings"

// use says what a statement does with the table named.
type use uint8

const (
	read   use = iota // a query's FROM: may be a name of a WITH clause
	readIn            // SQLite's IN name
	write             // written only: never a name of a WITH clause
	change            // read and written
)

// fromList reads a FROM list: tables, joins, subqueries, parted by commas.
func (p *parser) fromList(u use) {
	for {
		p.tableRef(u)
		p.joins(u)
		if !p.isCh(',') {
			break
		}
		p.next()
	}
	p.fromListEnd()
}

// fromListEnd refuses what can follow no FROM list: a word there that was taken
// for the end of it would hide the tables behind.
func (p *parser) fromListEnd() {
	t := p.tok()
	if t.kind == kEnd || t.isCh(')') || t.isCh(';') {
		return
	}
	if t.kind == kWord && t.kw != wNone && p.structural() {
		n := p.at(1)
		if n.isCh(',') || n.isCh(')') || n.isCh('.') || n.kind == kEnd || n.isCh(';') || joinWord(n.kw) && n.kw != wLeft && n.kw != wRight {
			p.fail("a keyword that may be a name")
		}
		return
	}
	if p.viewBody && t.kw == wWith { // WITH CHECK OPTION
		return
	}
	p.fail("something that is no part of a table list")
}

// joins reads what is joined to the table before.
func (p *parser) joins(u use) {
	for {
		t := p.tok()
		if t.kind != kWord || !p.structural() {
			return
		}
		switch t.kw {
		case wCross, wInner, wNatural, wLeft, wRight, wFull, wOuter, wJoin, wStraightJoin:
			for t.kw != wJoin && t.kw != wApply && t.kw != wStraightJoin {
				p.next()
				t = p.tok()
				hint := p.d == SQLServer && fold(p.text(t), "loop", "hash", "merge", "remote")
				if !joinWord(t.kw) && !hint || t.kind == kEnd {
					p.fail("a join word that joins nothing")
					return
				}
			}
			p.next()
			p.tableRef(u)
		case wOn:
			if p.upsertAhead() {
				return
			}
			p.next()
			p.exprStart = p.i
			p.expr(true)
		case wUsing:
			if !p.at(1).isCh('(') || p.queryIn(1) {
				return
			}
			p.next()
			p.group(false)
			if p.skip(wAs) {
				p.next()
			}
		default:
			return
		}
	}
}

// queryIn reports whether the parenthesis n tokens on holds a query.
func (p *parser) queryIn(n int) bool {
	for p.at(n).isCh('(') {
		n++
		if n > maxDepth {
			return true
		}
	}
	switch p.at(n).kw {
	case wSelect, wValues, wWith, wTable:
		return true
	}
	return false
}

// upsertAhead recognises ON CONFLICT and ON DUPLICATE KEY.
func (p *parser) upsertAhead() bool {
	n := p.at(2)
	switch p.at(1).kw {
	case wConflict:
		return n.isCh('(') || n.kw == wDo || n.kw == wOn
	case wDuplicate:
		return n.kw == wKey
	}
	return false
}

// tableRef reads one table: a name, a call, a query or list in parentheses, with
// its alias and hints.
func (p *parser) tableRef(u use) {
	if p.depth++; p.depth > maxDepth {
		p.fail("tables nested too deeply")
		return
	}
	defer func() { p.depth-- }()
	pg := p.d == Postgres
	t := p.tok()
	switch {
	case t.kw == wLateral && p.d != SQLite && (p.at(1).isName() || p.at(1).isCh('(')):
		p.next()
		p.tableRef(u)
		return
	case t.kw == wOnly && pg:
		p.next()
		if p.isCh('(') {
			p.next()
			p.tableName(u)
			if !p.isCh(')') {
				p.fail("ONLY with more than a name")
			}
			p.next()
		} else {
			p.tableName(u)
		}
	case t.kw == wRows && pg && p.at(1).kw == wFrom && p.at(2).isCh('('):
		p.next()
		p.next()
		p.group(false)
	case t.isCh('('):
		p.next()
		if p.queryAhead() {
			p.query(inParenthesis)
		} else {
			p.fromList(u)
			if k := p.tok().kw; k == wUnion || k == wExcept || k == wIntersect {
				p.setOperator(inParenthesis)
			}
			if !p.isCh(')') && p.err == "" {
				p.clauses(inParenthesis)
			}
		}
		if !p.isCh(')') {
			p.fail("a parenthesis among the tables that does not close")
		}
		p.next()
	case t.isName():
		p.tableOrCall(u)
	case t.kind == kVariable:
		p.impure(ImpureVariable, "session variable "+p.text(t))
		p.next()
	default:
		p.fail("no table where one should be named")
		return
	}
	p.tableSuffixes()
}

// tableOrCall reads a table's name or a function that returns rows.
func (p *parser) tableOrCall(u use) {
	first := p.i
	if p.d == MySQL && p.isText(p.tok(), "dual") && !p.at(1).isCh('.') {
		p.next()
		return
	}
	last := p.nameEnd()
	if last < 0 {
		p.tableName(u) // fails with the reason
		return
	}
	if !p.toks[last].isCh('(') {
		p.tableName(u)
		return
	}
	if p.d == SQLServer || p.d == SQLite {
		// SQL Server: t (NOLOCK). SQLite: any virtual table can be called.
		known := last == first+1 && p.flagsOf(first) != 0
		if !known {
			p.tableName(u)
		}
	}
	p.i = last
	args := p.group(false)
	p.called(first, last, args, false)
	if u == change || u == write {
		p.res.WritesAll = true
	}
}

// tableSuffixes reads aliases, column lists, index hints and the like.
func (p *parser) tableSuffixes() {
	aliased := false
	for p.err == "" {
		t, n := p.tok(), p.at(1)
		switch {
		case t.isCh('*') && p.d == Postgres:
			p.next()
		case t.kw == wAs:
			p.next()
			if p.tok().isName() {
				p.next()
			}
			if p.isCh('(') {
				p.group(false)
			}
			aliased = true
		case t.kw == wPartition && n.isCh('(') && p.d == MySQL, t.kw == wPivot && n.isCh('(') && p.d == SQLServer,
			t.kw == wUnpivot && n.isCh('(') && p.d == SQLServer:
			p.next()
			p.group(false)
			aliased = false
		case (t.kw == wUse || t.kw == wForce || t.kw == wIgnore) && (n.kw == wIndex || n.kw == wKey) && p.d == MySQL:
			for !p.isCh('(') && !p.atEnd() {
				p.next()
			}
			p.group(false)
		case t.kw == wIndexed && n.kw == wBy && p.d == SQLite:
			p.next()
			p.next()
			p.next()
		case t.kw == wNot && n.kw == wIndexed && p.d == SQLite:
			p.next()
			p.next()
		case t.kw == wTablesample && (p.d == Postgres || p.d == SQLServer):
			p.impure(ImpureSample, "tablesample")
			p.next()
			if p.tok().kind == kWord {
				p.next()
			}
			p.group(false)
			if p.isText(p.tok(), "repeatable") {
				p.next()
				p.group(false)
			}
		case t.kw == wWith && n.kw == wOrdinality && p.d == Postgres:
			p.next()
			p.next()
		case t.kw == wWith && n.isCh('(') && p.d == SQLServer:
			p.impure(ImpureLocking, "table hint")
			p.next()
			p.group(false)
		case t.kw == wFor && p.isText(n, "system_time"), t.kw == wFor && p.isText(n, "portion"):
			p.fail("a table as of another time")
		case !aliased && p.aliasHere():
			p.next()
			if p.isCh('(') {
				p.group(false)
			}
			aliased = true
		default:
			return
		}
	}
}

// aliasHere reports whether the token is an alias without AS.
func (p *parser) aliasHere() bool {
	t := p.tok()
	switch t.kind {
	case kQuoted:
		return true
	case kString:
		return p.d == SQLite || p.d == MySQL
	case kWord:
		if t.kw == wNone {
			return true
		}
		return !p.structural() && !joinClause(t.kw)
	}
	return false
}

// joinClause lists the words that would be strange aliases: a list that goes on
// with one is refused rather than read past it.
func joinClause(w kw) bool {
	switch w {
	case wWhere, wOn, wUsing, wSelect, wSet, wTablesample, wWith, wFor, wNot, wIn:
		return true
	}
	return false
}

// nameEnd returns the index of the token behind the dotted name here, or -1.
func (p *parser) nameEnd() int {
	j := p.i
	for {
		if j >= len(p.toks) || !p.toks[j].isName() {
			return -1
		}
		j++
		if !p.toks[j].isCh('.') || p.toks[j+1].isCh('*') {
			return j
		}
		j++
		if p.d == SQLServer && p.toks[j].isCh('.') { // db..t
			j++
		}
	}
}

// tableName reads a dotted name and reports its last part for u. It returns that
// part.
func (p *parser) tableName(u use) string {
	first := p.i
	end := p.nameEnd()
	if end < 0 || p.tok().kind == kWord && p.tok().kw != wNone && (p.is(wValues) || p.structural()) {
		p.fail("no table where one should be named")
		return ""
	}
	last := &p.toks[end-1]
	p.i = end
	exact := p.name(last)
	if p.err != "" {
		return ""
	}
	if end == first+1 && u == read && p.isCTE(last, exact) {
		return ""
	}
	name := strings.ToLower(exact)
	if p.d == SQLServer && p.definition && end == first+1 && (name == "inserted" || name == "deleted") {
		return name
	}
	p.catalog(first, end, name)
	if u != write {
		p.res.Reads = append(p.res.Reads, name)
	}
	if u == write || u == change {
		p.res.Writes = append(p.res.Writes, name)
	}
	return name
}

// name returns the name at t without its quotes.
func (p *parser) name(t *token) string {
	if t.kind == kWord {
		s := p.text(t)
		if p.d == Postgres && len(s) > 63 {
			p.fail("a name that the server cuts short")
		}
		return s
	}
	if t.ch == '$' || p.d == Postgres && t.kind == kString {
		p.fail("a string in the place of a name")
		return ""
	}
	s := p.sql[t.body : t.end-1]
	quote := t.ch
	if quote == '[' {
		quote = ']'
	}
	if strings.IndexByte(s, quote) >= 0 {
		s = strings.ReplaceAll(s, string([]byte{quote, quote}), string([]byte{quote}))
	}
	if p.d == Postgres && len(s) > 63 {
		p.fail("a name that the server cuts short")
	}
	if s == "" || p.d == MySQL && t.kind == kString && strings.IndexByte(s, '\\') >= 0 {
		p.fail("a string in the place of a name")
	}
	return s
}

// cteName returns the name of a WITH query in the form the dialect compares.
func (p *parser) cteName(t *token) string {
	s := p.name(t)
	if p.d == SQLite || p.d == Postgres && t.kind == kWord {
		return lowerASCII(s)
	}
	return s
}

// isCTE reports whether the plain name at t is one of a WITH clause in scope.
// Where a dialect could tell two spellings apart, only the same spelling is.
func (p *parser) isCTE(t *token, exact string) bool {
	if len(p.ctes) == 0 {
		return false
	}
	if p.d == SQLite || p.d == Postgres && t.kind == kWord {
		exact = lowerASCII(exact)
	}
	for i := len(p.ctes) - 1; i >= 0; i-- {
		if p.ctes[i] == exact {
			return true
		}
	}
	return false
}

func lowerASCII(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return s
}
