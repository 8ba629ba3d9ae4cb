package sqlscan

import "strings"

func (p *parser) tok() *token { return &p.toks[p.i] }

// at returns the token n places on; behind the end there are only ends.
func (p *parser) at(n int) *token {
	if j := p.i + n; j < len(p.toks) {
		return &p.toks[j]
	}
	return &p.toks[len(p.toks)-1]
}

func (p *parser) next() {
	if p.i < len(p.toks)-1 {
		p.i++
	}
}

func (p *parser) is(w kw) bool      { return p.toks[p.i].kw == w }
func (p *parser) isCh(ch byte) bool { return p.toks[p.i].isCh(ch) }
func (t *token) isCh(ch byte) bool  { return t.kind == kPunct && t.ch == ch }
func (t *token) isName() bool       { return t.kind == kWord || t.kind == kQuoted || t.kind == kString }
func (p *parser) text(t *token) string {
	return p.sql[t.start:t.end]
}

// skip steps over w if it stands here.
func (p *parser) skip(w kw) bool {
	if p.is(w) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipAny(ws ...kw) {
	for again := true; again; {
		again = false
		for _, w := range ws {
			again = p.skip(w) || again
		}
	}
}

// isText compares the word at t, for words that are no keywords here.
func (p *parser) isText(t *token, w string) bool {
	return t.kind == kWord && int(t.end-t.start) == len(w) && strings.EqualFold(p.text(t), w)
}

func fold(s string, words ...string) bool {
	for _, w := range words {
		if len(s) == len(w) && strings.EqualFold(s, w) {
			return true
		}
	}
	return false
}

func (p *parser) atEnd() bool { return p.tok().kind == kEnd || p.isCh(';') }

// operandBefore reports whether the token before t is surely the end of an
// operand, so that a word behind it is an operator and no function's name.
func (p *parser) operandBefore() bool {
	if p.i == 0 || p.i == p.exprStart {
		return false
	}
	t := &p.toks[p.i-1]
	switch t.kind {
	case kQuoted, kString, kNumber, kParam, kVariable:
		return true
	case kPunct:
		return t.ch == ')' || t.ch == ']'
	case kWord:
		return t.kw == wNone || t.kw == wEnd || p.i > 1 && p.toks[p.i-2].isCh('.')
	}
	return false
}

// expr steps over an expression or a list of them, up to a word that begins
// another part of the statement, a closing parenthesis, a semicolon, the end, or
// (if asked) a comma. It looks into parentheses.
func (p *parser) expr(stopAtComma bool) {
	for p.exprToken(stopAtComma) {
	}
}

// exprToken steps over one token of an expression and what hangs on it, and
// reports false where expr ends.
func (p *parser) exprToken(stopAtComma bool) bool {
	t := p.tok()
	switch t.kind {
	case kEnd:
		return false
	case kPunct:
		switch t.ch {
		case ';', ')':
			return false
		case ',':
			if stopAtComma {
				return false
			}
			p.commas++
			p.next()
		case '(':
			pieces := p.pieces
			p.group(false)
			p.builtCast(p.pieces - pieces)
		case '.':
			p.next()
			if p.tok().kind == kWord || p.tok().kind == kQuoted {
				p.chain(true)
			}
		default:
			p.joined()
			p.next()
		}
	case kString:
		p.literal(t)
		p.next()
	case kVariable:
		p.impure(ImpureVariable, "session variable "+p.text(t))
		p.next()
	case kQuoted:
		if t.ch == '"' && p.d == SQLite {
			p.literal(t) // "now" is a string where no column has the name
		}
		p.chain(false)
	case kWord:
		if t.kw != wNone {
			if p.structural() {
				return false
			}
			if p.word(t) {
				return true
			}
		}
		p.chain(false)
	default:
		p.next()
	}
	return true
}

func (p *parser) literal(t *token) {
	body := p.sql[t.body:t.end]
	if t.ch != '$' {
		body = body[:len(body)-1]
	} else {
		body = body[:len(body)-int(t.body-t.start)]
	}
	if len(body) >= 3 && volatileLiteral(body) {
		p.impure(ImpureLiteral, "literal '"+strings.ToLower(strings.TrimSpace(body))+"'")
	}
}

// chain steps over a dotted name, and the call it may be. qualified says that
// something stood before it.
func (p *parser) chain(qualified bool) {
	first := p.i
	if qualified {
		p.attribute()
	}
	p.next()
	for p.isCh('.') && p.at(1).isName() {
		p.next()
		p.attribute()
		p.next()
	}
	if p.isCh('(') {
		last, pieces := p.i, p.pieces
		args := p.group(p.fromInside(first, last))
		p.called(first, last, args, qualified)
		p.builtTime(first, last, p.pieces-pieces)
		p.builtCast(p.pieces - pieces)
	}
}

// word handles the words that mean something inside expressions, and reports
// whether it stepped over one.
func (p *parser) word(t *token) bool {
	n := p.at(1)
	if n.isCh('.') {
		return false
	}
	switch t.kw {
	case wAs:
		p.next()
		if p.tok().isName() {
			p.next()
		}
		return true
	case wDistinct:
		if n.kw == wFrom && p.isBefore() {
			p.next()
			p.next()
			return true
		}
	case wIn:
		if p.d == SQLite && n.isName() {
			p.next()
			p.tableName(readIn)
			if p.isCh('(') {
				p.group(false)
				p.impure(ImpureFunction, "a table function after IN")
			}
			return true
		}
	case wWithin:
		if n.kw == wGroup {
			p.next()
			p.next()
			return true
		}
	case wNext:
		if n.kw == wValue && p.at(2).kw == wFor {
			p.impure(ImpureFunction, "calls next value")
			p.next()
			p.next()
			p.next()
			return true
		}
	case wTablesample:
		p.impure(ImpureSample, "tablesample")
	case wMoving:
		if !n.isCh('(') {
			p.impure(ImpureKeyword, "keyword "+strings.ToLower(p.text(t)))
		}
	}
	if t.kw == wOperator && p.d == SQLite && p.isText(t, "regexp") {
		p.function("regexp", 2)
		p.next()
		return true
	}
	if n.isCh('(') && p.plainParenthesis(t) {
		// PostgreSQL lets users name a function like some of these words.
		if name, ok := p.lowerName(p.i); ok && p.userMade(name) {
			p.userRoutine(string(name))
		}
		p.next()
		return true
	}
	return false
}

// isBefore reports whether the operator IS or IS NOT stands before the token here;
// not a column of that name, as in SELECT t.is DISTINCT FROM t.
func (p *parser) isBefore() bool {
	j := p.i - 1
	if j > 0 && p.toks[j].kw == wNot {
		j--
	}
	return j > 0 && p.toks[j].kw == wIs && !p.toks[j-1].isCh('.') && p.toks[j-1].kw != wAs
}

// plainParenthesis reports whether the parenthesis behind t holds no arguments
// of a function named t.
func (p *parser) plainParenthesis(t *token) bool {
	if p.alwaysOperator(t) {
		return true
	}
	if t.kw != wOperator {
		return false
	}
	if fold(p.text(t), "over", "filter", "columns", "against") {
		return p.i > 0 && p.i != p.exprStart && (p.toks[p.i-1].isCh(')') || p.toks[p.i-1].kind == kString ||
			p.toks[p.i-1].kind == kParam)
	}
	if fold(p.text(t), "any", "some") {
		return p.i > 0 && p.toks[p.i-1].kind == kPunct && strings.IndexByte("=<>~", p.toks[p.i-1].ch) >= 0 ||
			p.d == Postgres
	}
	if p.operandBefore() {
		return true
	}
	return p.i > 0 && p.toks[p.i-1].kw == wNot
}

// group steps over a parenthesis: a query, a list of expressions or arguments.
// It returns the number of arguments. from says that FROM may part them, as in
// EXTRACT(x FROM y).
func (p *parser) group(from bool) int {
	if p.depth++; p.depth > maxDepth {
		p.fail("parentheses nested too deeply")
		return 0
	}
	commas, start := p.commas, p.exprStart
	p.commas = 0
	p.next()
	empty := p.isCh(')')
	if p.queryAhead() {
		p.query(inParenthesis)
		if !p.isCh(')') {
			p.fail("a query in parentheses goes on where it should end")
		}
	} else {
		p.exprStart = p.i
		p.groupBody(from)
	}
	p.next()
	args := p.commas + 1
	if empty {
		args = 0
	}
	p.commas, p.exprStart = commas, start
	p.depth--
	return args
}

// groupBody reads up to the closing parenthesis. Words that only introduce
// further expressions are harmless here; those that could introduce a table are
// refused.
func (p *parser) groupBody(from bool) {
	for {
		p.expr(false)
		t := p.tok()
		switch {
		case t.isCh(')'):
			return
		case t.kind == kEnd || t.isCh(';'):
			p.fail("a parenthesis that does not close")
			return
		}
		switch t.kw {
		case wUnion, wExcept, wIntersect:
			p.setOperator(inParenthesis)
		case wWhere, wGroup, wHaving, wOrder, wLimit, wOffset, wFetch, wWindow, wOn, wUsing, wReturning, wValues:
			p.next()
		case wFor:
			p.forClause()
		case wFrom:
			if !from {
				p.fail("FROM where no table can be named")
				return
			}
			p.next()
		default:
			p.fail("the word " + strings.ToUpper(p.text(t)) + " inside an expression")
			return
		}
		p.exprStart = p.i
	}
}

func (p *parser) queryAhead() bool {
	switch p.tok().kw {
	case wSelect, wTable, wValues:
		return true
	case wWith:
		return p.d != SQLite || p.at(1).isName()
	}
	return false
}

// structural reports whether the keyword here begins another part of the
// statement. Words that are reserved always do; others only where what follows
// fits that part.
func (p *parser) structural() bool {
	t, n := p.tok(), p.at(1)
	switch t.kw {
	case wSelect, wFrom, wWhere, wHaving, wOrder, wGroup, wUnion, wExcept, wIntersect, wJoin,
		wInto, wOn, wUsing, wSet, wTable, wDelete, wUpdate:
		return true // before a dot too: MySQL and SQL Server read FROM .t as FROM t
	case wLimit:
		return p.d != SQLServer
	case wOffset:
		return p.d == Postgres || p.operandBefore() && p.operandAhead()
	case wFetch:
		return p.d == Postgres || n.kw == wFirst || n.kw == wNext
	case wWindow:
		return p.d == Postgres || n.isName() && p.at(2).kw == wAs
	case wFor:
		return p.lockAhead()
	case wReturning:
		return p.d == SQLite || p.d == Postgres || p.operandBefore()
	case wOutput:
		return p.d == SQLServer && p.operandBefore()
	case wLock:
		return n.kw == wIn
	case wOption:
		return p.d == SQLServer && n.isCh('(')
	case wStraightJoin:
		return p.d == MySQL
	case wCross, wInner, wNatural, wLeft, wRight, wFull, wOuter:
		return joinWord(n.kw) || p.d == SQLServer && fold(p.text(n), "loop", "hash", "merge", "remote")
	case wValues:
		return !n.isCh('(') || p.operandBefore()
	case wInsert:
		return !n.isCh('(') || p.d != MySQL && p.i > 0 && p.toks[p.i-1].kw == wThen
	case wWith:
		return n.kw == wRecursive || n.isName() && (p.at(2).isCh('(') ||
			p.at(2).kw == wAs && (p.at(3).isCh('(') || p.at(3).kw == wMaterialized || p.at(3).kw == wNot))
	case wTSQL, wMerge, wCreate, wAlter, wDrop, wTruncate, wBegin, wCommit, wRollback, wSave, wExec,
		wUse, wGrant, wDeclare, wIf, wWhile:
		return p.d == SQLServer && !n.isCh('(')
	}
	return false
}

func joinWord(w kw) bool {
	switch w {
	case wJoin, wCross, wInner, wNatural, wLeft, wRight, wFull, wOuter, wApply:
		return true
	}
	return false
}

// operandAhead reports whether an operand can begin at the next token.
func (p *parser) operandAhead() bool {
	n := p.at(1)
	switch n.kind {
	case kNumber, kParam, kVariable, kString, kQuoted:
		return true
	case kPunct:
		return n.ch == '(' || n.ch == '-' || n.ch == '+'
	case kWord:
		return n.kw == wNone || n.kw == wNot || n.kw == wOperator || n.kw == wMoving
	}
	return false
}

func (p *parser) lockAhead() bool {
	n := p.at(1)
	switch n.kw {
	case wUpdate, wShare, wNo, wKey, wXML, wJSON, wBrowse:
		return true
	}
	return p.isText(n, "read") || p.isText(n, "system_time")
}
