package sqlscan

// place says where a query stands, which decides what may follow it.
type place uint8

const (
	atTop place = iota
	inParenthesis
	inInsert // ON CONFLICT, ON DUPLICATE KEY, RETURNING may follow
)

// query reads WITH …, SELECT, VALUES, TABLE and what set operators join to them.
func (p *parser) query(where place) {
	if p.depth++; p.depth > maxDepth {
		p.fail("queries nested too deeply")
		return
	}
	scope := len(p.ctes)
	start := p.exprStart
	if p.is(wWith) {
		p.with()
		if p.dmlAhead() {
			p.fail("a write behind WITH where only a query may stand")
		}
	}
	p.queryTerm(where)
	p.ctes = p.ctes[:scope]
	p.exprStart = start
	p.depth--
}

// queryTerm reads one operand of a set operator and all that follow it.
func (p *parser) queryTerm(where place) {
	for {
		switch p.tok().kw {
		case wSelect:
			p.next()
			p.selectOptions()
			p.exprStart = p.i
			p.expr(false)
		case wValues:
			p.next()
			p.exprStart = p.i
			p.expr(false)
		case wTable:
			p.next()
			if p.d == Postgres {
				p.skip(wOnly)
			}
			p.tableName(read)
			p.expr(false)
		default:
			if !p.isCh('(') {
				p.fail("no query where one should begin")
				return
			}
			p.group(false)
			p.expr(false)
		}
		if !p.clauses(where) {
			return
		}
	}
}

// clauses reads FROM, WHERE and the rest of a query, and reports whether a set
// operator with another operand follows.
func (p *parser) clauses(where place) bool {
	for {
		t := p.tok()
		if t.kind == kEnd || t.isCh(')') || t.isCh(';') {
			return false
		}
		switch t.kw {
		case wUnion, wExcept, wIntersect:
			p.setOperatorWord()
			return true
		case wFrom:
			p.next()
			p.fromList(read)
		case wInto:
			p.into()
		case wFor, wLock:
			p.forClause()
		case wWhere, wGroup, wHaving, wOrder, wLimit, wOffset, wFetch, wWindow, wOption:
			p.next()
			p.exprStart = p.i
			p.expr(false)
		case wOn, wReturning, wOutput:
			if where == inInsert {
				return false
			}
			fallthrough
		default:
			if p.viewBody && t.kw == wWith { // WITH CHECK OPTION
				return false
			}
			p.fail("something that is no clause of a query")
			return false
		}
	}
}

// setOperatorWord steps over UNION ALL and its kin.
func (p *parser) setOperatorWord() {
	p.next()
	p.skipAny(wAll, wDistinct)
	if !p.queryAhead() && !p.isCh('(') {
		p.fail("a set operator without a query behind it")
	}
}

// setOperator reads a set operator and the queries behind it.
func (p *parser) setOperator(where place) {
	p.setOperatorWord()
	if p.is(wWith) {
		p.query(where)
		return
	}
	p.queryTerm(where)
}

// selectOptions steps over what may stand between SELECT and its list.
func (p *parser) selectOptions() {
	for {
		t := p.tok()
		switch {
		case t.kw == wAll:
		case t.kw == wDistinct:
			if p.at(1).kw == wOn && p.at(2).isCh('(') {
				p.next()
				p.next()
				p.group(false)
				continue
			}
		case t.kw == wStraightJoin && p.d == MySQL:
		case t.kw == wTop && p.d == SQLServer && (p.at(1).isCh('(') || p.at(1).kind == kNumber || p.at(1).kind == kParam):
			p.next()
			if p.isCh('(') {
				p.group(false)
				continue
			}
		case p.d == MySQL && p.isText(t, "sql_calc_found_rows"):
			p.impure(ImpureOther, "sql_calc_found_rows")
		default:
			return
		}
		p.next()
	}
}

// forClause reads FOR UPDATE, LOCK IN SHARE MODE, and SQL Server's FOR XML.
func (p *parser) forClause() {
	if n := p.at(1); n.kw != wXML && n.kw != wJSON {
		p.impure(ImpureLocking, "locking clause")
	}
	if p.isText(p.at(1), "system_time") {
		p.fail("a table as of another time")
		return
	}
	p.next()
	for p.is(wUpdate) || p.is(wNo) || p.is(wKey) || p.is(wShare) {
		p.next()
	}
	p.exprStart = p.i
	p.expr(false)
}

// into reads SELECT … INTO: a new table (PostgreSQL, SQL Server), variables or a
// file (MySQL).
func (p *parser) into() {
	p.impure(ImpureInto, "select into")
	p.next()
	if p.d == MySQL {
		p.exprStart = p.i
		p.expr(false)
		return
	}
	temp := false
	for p.is(wTemporary) || p.is(wTable) || p.d == Postgres && fold(p.text(p.tok()), "unlogged", "local", "global") {
		temp = temp || p.is(wTemporary)
		p.next()
	}
	name := p.tableName(write)
	if temp {
		p.res.Temp = append(p.res.Temp, name)
	}
	p.res.DDL, p.res.Structural = true, true
	p.exprStart = p.i
	p.expr(false)
}

// with reads a WITH clause and puts its names into scope, where query and the
// statements that call it take them out again.
func (p *parser) with() {
	p.next()
	recursive := p.d == SQLite || p.d == SQLServer
	if p.is(wRecursive) && p.at(1).isName() && !(p.at(1).kw == wAs) {
		p.next()
		recursive = true
	}
	for {
		t := p.tok()
		if t.kind != kWord && t.kind != kQuoted && !(t.kind == kString && p.d == SQLite) {
			p.fail("a WITH clause without a name")
			return
		}
		name := p.cteName(t)
		p.next()
		if p.isCh('(') {
			p.group(false)
		}
		if !p.skip(wAs) {
			p.fail("a WITH clause without AS")
			return
		}
		p.skip(wNot)
		p.skip(wMaterialized)
		if !p.isCh('(') {
			p.fail("a WITH clause without a query")
			return
		}
		if len(p.ctes) >= maxCTEs {
			p.fail("too many names in WITH clauses")
			return
		}
		if recursive {
			p.ctes = append(p.ctes, name)
		}
		p.cteBody()
		if !recursive {
			p.ctes = append(p.ctes, name)
		}
		p.searchAndCycle()
		if !p.isCh(',') {
			return
		}
		p.next()
	}
}

func (p *parser) cteBody() {
	p.next()
	scope := len(p.ctes)
	withAhead := p.is(wWith)
	if withAhead {
		if p.depth++; p.depth > maxDepth {
			p.fail("WITH clauses nested too deeply")
			return
		}
		p.with()
		p.depth--
	}
	if p.dmlAhead() {
		p.dml()
	} else if withAhead {
		p.queryTerm(inParenthesis)
	} else {
		p.query(inParenthesis)
	}
	p.ctes = p.ctes[:scope]
	if !p.isCh(')') {
		p.fail("a query in a WITH clause goes on where it should end")
	}
	p.next()
}

// searchAndCycle steps over PostgreSQL's SEARCH … SET and CYCLE … USING, and
// MariaDB's CYCLE … RESTRICT.
func (p *parser) searchAndCycle() {
	for p.isText(p.tok(), "search") || p.isText(p.tok(), "cycle") {
		cycle := p.isText(p.tok(), "cycle")
		for !p.atEnd() && !p.isCh(')') && !p.is(wSet) && !p.isText(p.tok(), "restrict") {
			if p.isCh('(') || p.is(wSelect) {
				p.fail("something that is no part of SEARCH or CYCLE")
				return
			}
			p.next()
		}
		p.next() // SET or RESTRICT
		if p.d == MySQL {
			continue
		}
		p.next() // the column
		for cycle && !p.atEnd() && !p.is(wUsing) && !p.isCh('(') && !p.isCh(',') {
			p.next()
		}
		if cycle && p.skip(wUsing) {
			p.next()
		}
	}
}

func (p *parser) dmlAhead() bool {
	switch p.tok().kw {
	case wInsert, wUpdate, wDelete, wMerge:
		return true
	case wReplace:
		return p.d == SQLite || p.d == MySQL
	}
	return false
}
