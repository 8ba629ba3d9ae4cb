package sqlscan

// schemaChange notes DDL.
func (p *parser) schemaChange(structural, all bool) {
	p.impure(ImpureWrite, "changes the schema")
	p.res.DDL = true
	p.res.Structural = p.res.Structural || structural
	p.res.WritesAll = p.res.WritesAll || all
	p.res.ImplicitCommit = p.res.ImplicitCommit || p.d == MySQL
}

// ddl reads CREATE, ALTER, DROP and RENAME. What does not stay within the tables
// it names, or is not understood, writes everything.
func (p *parser) ddl() {
	verb := p.tok().kw
	implicit, structural := p.res.ImplicitCommit, p.res.Structural
	p.next()
	temp := false
	for j := 0; j < 12; j++ {
		t := p.tok()
		switch {
		case t.kw == wTemporary:
			temp = true
		case t.kw == wTable:
			p.next()
			p.schemaChange(true, false)
			if temp {
				p.res.ImplicitCommit = implicit
			}
			p.tableDDL(verb, temp, structural)
			return
		case t.kw == wIndex && verb != wAlter:
			p.next()
			p.schemaChange(false, false)
			p.indexDDL()
			return
		case t.kw == wView, t.kw == wTrigger, t.kind != kWord || t.kind == kEnd:
			j = 12
			continue
		case fold(p.text(t), "procedure", "function", "event", "package", "proc"):
			j = 12
			continue
		}
		p.next()
	}
	p.schemaChange(true, true)
	p.routine(verb)
}

// routine steps over a definition; where its body can hold semicolons, to the
// end of the text.
func (p *parser) routine(verb kw) {
	if verb != wCreate && verb != wAlter {
		p.toEnd()
		return
	}
	if p.d == SQLServer {
		p.toLast()
		return
	}
	for !p.atEnd() {
		if p.is(wBegin) {
			p.toLast()
			return
		}
		p.next()
	}
}

func (p *parser) ifExists() {
	if p.skip(wIf) {
		p.skip(wNot)
		p.skip(wExists)
	}
	if p.d == Postgres && p.is(wOnly) {
		p.next()
	}
}

func (p *parser) tableDDL(verb kw, temp, structural bool) {
	p.ifExists()
	name := p.tableName(write)
	if temp && name != "" {
		p.res.Temp = append(p.res.Temp, name)
	}
	switch verb {
	case wCreate:
		p.createTable()
	case wDrop:
		for p.isCh(',') {
			p.next()
			p.tableName(write)
		}
		if p.is(wCascade) {
			p.res.WritesAll = true
		}
	case wRename:
		for p.is(wTo) || p.isCh(',') {
			p.next()
			p.tableName(write)
		}
	case wAlter:
		p.alterTable(structural)
	}
	if p.d == SQLServer && !p.atEnd() {
		p.res.WritesAll = true // another statement may follow without a semicolon
		p.toLast()
	}
	p.toEnd()
}

// createTable looks for the query of CREATE TABLE … AS; the columns are skipped.
func (p *parser) createTable() {
	for !p.atEnd() && p.err == "" {
		switch {
		case p.is(wSelect), p.is(wTable) && p.i > 0 && p.toks[p.i-1].kw == wAs, p.is(wValues) && p.i > 0 && p.toks[p.i-1].kw == wAs:
			p.query(inInsert)
			p.toEnd()
		case p.is(wWith) && p.i > 0 && p.toks[p.i-1].kw == wAs:
			p.query(inInsert)
			p.toEnd()
		case p.isCh('(') && p.queryIn(1):
			p.group(false)
		case p.isCh('('):
			p.balanced()
		case p.is(wExec):
			p.res.WritesAll = true
			p.next()
		default:
			p.next()
		}
	}
}

// balanced steps over a parenthesis without reading it.
func (p *parser) balanced() {
	depth := 0
	for p.tok().kind != kEnd {
		switch {
		case p.isCh('('):
			depth++
		case p.isCh(')'):
			depth--
		}
		p.next()
		if depth == 0 {
			return
		}
	}
	p.fail("a parenthesis that does not close")
}

// alterTable reads the actions of ALTER TABLE. Adding a plain column leaves the
// structure as it was (as structural says); moving a table's rows or place is of unknown extent.
func (p *parser) alterTable(structural bool) {
	first := p.tok()
	plain := first.kw == wAdd
	for depth := 0; !p.atEnd(); p.next() {
		t := p.tok()
		switch {
		case t.isCh('('):
			depth++
		case t.isCh(')'):
			depth--
		case t.kind != kWord || p.i > 0 && p.toks[p.i-1].isCh('.'):
		case t.kw == wReferences:
			plain = false
		case t.kw == wAdd && depth == 0:
			switch n := p.at(1); {
			case n.kw == wColumn, n.kw == wIndex, n.kw == wKey:
			case n.kind == kQuoted, n.kw == wNone && !fold(p.text(n), "primary", "foreign", "unique", "check", "fulltext", "spatial", "period", "system"):
			default:
				plain = false
			}
		case depth == 0 && (t.kw == wDrop || t.kw == wAlter || t.kw == wRename || fold(p.text(t), "modify", "change", "convert")):
			plain = false
			if t.kw == wRename && (p.at(1).kw == wTo || p.at(1).kw == wAs) {
				p.next()
				p.next()
				p.tableName(write)
				p.i--
			}
		case depth == 0 && (t.kw == wPartition || fold(p.text(t), "attach", "detach", "exchange", "switch", "inherit",
			"schema", "import", "discard", "rule", "owner", "row", "all", "enable", "disable", "engine", "trigger")):
			plain = false
			p.res.WritesAll = true
		case t.kw == wCascade && p.i > 0 && p.toks[p.i-1].kw != wDelete && p.toks[p.i-1].kw != wUpdate:
			p.res.WritesAll = true
		}
	}
	switch {
	case plain:
		p.res.Structural = structural
	case first.kw != wAdd && first.kw != wDrop && first.kw != wAlter && first.kw != wRename &&
		!fold(p.text(first), "modify", "change"):
		p.res.WritesAll = true
	}
}

// indexDDL reads CREATE INDEX … ON t and DROP INDEX.
func (p *parser) indexDDL() {
	for !p.atEnd() && !p.is(wOn) && !p.isCh('(') {
		p.next()
	}
	if !p.is(wOn) {
		p.res.WritesAll = true // DROP INDEX does not say which table
		p.toEnd()
		return
	}
	p.next()
	if p.d == Postgres && p.is(wOnly) {
		p.next()
	}
	p.tableName(write)
	if p.d == SQLServer {
		p.toLast()
		p.res.WritesAll = true
	}
	p.toEnd()
}
