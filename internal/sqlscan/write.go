package sqlscan

// dml reads INSERT, UPDATE, DELETE, MERGE and REPLACE.
func (p *parser) dml() {
	if p.depth++; p.depth > maxDepth {
		p.fail("statements nested too deeply")
		return
	}
	p.impure(ImpureWrite, "writes")
	switch p.tok().kw {
	case wInsert, wReplace:
		p.insert()
	case wUpdate:
		p.update()
	case wDelete:
		p.delete()
	default:
		p.merge()
	}
	p.depth--
}

// modifiers steps over SQLite's OR REPLACE and its kin, and MySQL's modifiers.
func (p *parser) modifiers() {
	if p.d == SQLite && p.is(wOr) {
		p.next()
		p.next()
	}
	for p.d == MySQL {
		t := p.tok()
		if t.kind != kWord || !fold(p.text(t), "low_priority", "delayed", "high_priority", "ignore", "quick") ||
			p.at(1).isCh('.') {
			break
		}
		p.next()
	}
	if p.d == SQLServer && p.is(wTop) {
		p.next()
		if p.isCh('(') {
			p.group(false)
		} else {
			p.next()
		}
		if p.isText(p.tok(), "percent") {
			p.next()
		}
	}
}

func (p *parser) insert() {
	p.next()
	p.modifiers()
	p.skip(wInto)
	target := p.target(write)
	if p.is(wAs) || p.tok().kind == kWord && p.tok().kw == wNone && !p.isText(p.tok(), "overriding") {
		p.skip(wAs)
		p.next()
	}
	if p.is(wPartition) {
		p.next()
		p.group(false)
	}
	p.exprStart = p.i
	p.insertRest(target)
}

// insertRest reads what follows the name of an INSERT's table.
func (p *parser) insertRest(target string) {
	looksAt := func() {
		if target != "" {
			p.res.Reads = append(p.res.Reads, target)
		}
	}
	for {
		p.expr(false)
		t := p.tok()
		if t.kind == kEnd || t.isCh(';') || t.isCh(')') {
			return
		}
		switch t.kw {
		case wSelect, wTable, wValues, wWith:
			p.query(inInsert)
		case wSet:
			p.next()
		case wOn:
			if !p.upsertAhead() {
				p.fail("ON in an INSERT without CONFLICT or DUPLICATE KEY")
				return
			}
			looksAt()
			p.next()
			p.next()
			p.upsert()
		case wReturning, wOutput:
			looksAt()
			p.next()
		case wInto:
			p.outputInto()
		case wExec:
			p.unknown()
		case wUnion, wExcept, wIntersect:
			p.setOperator(inInsert) // INSERT INTO t (SELECT …) UNION …
		case wOrder, wLimit, wOffset, wFetch:
			p.next()
		default:
			p.fail("something that is no part of an INSERT")
			return
		}
		p.exprStart = p.i
	}
}

// upsert reads what follows ON CONFLICT and ON DUPLICATE KEY.
func (p *parser) upsert() {
	for {
		p.exprStart = p.i
		p.expr(false)
		switch {
		case p.is(wUpdate), p.is(wSet), p.is(wWhere), p.is(wValues):
			p.next()
		case p.is(wOn) && p.at(1).kw == wConstraint:
			p.next()
		default:
			return
		}
	}
}

// outputInto reads the INTO of SQL Server's OUTPUT clause.
func (p *parser) outputInto() {
	p.next()
	if p.tok().kind == kVariable || p.d == MySQL {
		p.next()
		return
	}
	p.target(write)
}

// target reads the table a statement names as the one it changes. It is never a
// name of a WITH clause, but in SQL Server, where one can be written through.
func (p *parser) target(u use) string {
	t := p.tok()
	if t.kind == kVariable {
		p.next()
		return ""
	}
	if p.d == Postgres && p.is(wOnly) {
		p.next()
	}
	if !t.isName() && !p.tok().isName() {
		p.fail("no table where one should be named")
		return ""
	}
	if p.d == SQLServer && len(p.ctes) > 0 {
		p.res.WritesAll = true
	}
	name := p.tableName(u)
	return name
}

func (p *parser) update() {
	p.next()
	p.modifiers()
	if p.d == SQLServer && len(p.ctes) > 0 {
		p.res.WritesAll = true
	}
	p.changeList()
	if !p.is(wSet) {
		p.fail("an UPDATE without SET")
		return
	}
	p.next()
	also := read
	if p.d == SQLServer {
		also = change // the table named may be an alias of one in FROM
	}
	p.writeRest(also)
}

// changeList reads the tables that an UPDATE or a DELETE changes.
func (p *parser) changeList() {
	if p.tok().kind == kVariable {
		p.next()
		return
	}
	if p.d == MySQL {
		p.fromList(change)
		return
	}
	scope := p.ctes
	p.ctes = nil // a statement's target is no name of a WITH clause
	p.tableRef(change)
	p.ctes = scope
}

// writeRest reads what follows the SET of an UPDATE or the FROM of a DELETE.
func (p *parser) writeRest(also use) {
	for {
		p.exprStart = p.i
		p.expr(false)
		t := p.tok()
		if t.kind == kEnd || t.isCh(';') || t.isCh(')') {
			return
		}
		switch t.kw {
		case wFrom:
			p.next()
			p.fromList(also)
		case wWhere, wOrder, wLimit, wOffset, wReturning, wOutput, wOption:
			p.next()
		case wInto:
			p.outputInto()
		default:
			p.fail("something that is no part of a write")
			return
		}
	}
}

func (p *parser) delete() {
	p.next()
	p.modifiers()
	also := read
	if p.d == MySQL || p.d == SQLServer {
		also = change
	}
	if p.d == SQLServer && len(p.ctes) > 0 {
		p.res.WritesAll = true
	}
	if !p.is(wFrom) { // DELETE a, b FROM …; DELETE t WHERE …
		if p.d != MySQL && p.d != SQLServer {
			p.fail("a DELETE without FROM")
			return
		}
		p.deleteNames()
		p.writeRest(also)
		return
	}
	p.next()
	if p.d == MySQL {
		p.deleteNames()
		if !p.is(wUsing) {
			p.tableSuffixes()
			p.joins(change)
		}
	} else {
		p.changeList()
	}
	if p.is(wUsing) {
		p.next()
		p.fromList(also)
	}
	p.writeRest(also)
}

// deleteNames reads names parted by commas, each perhaps with ".*".
func (p *parser) deleteNames() {
	for {
		if p.tok().kind == kVariable {
			p.next()
			return
		}
		scope := p.ctes
		p.ctes = nil
		p.tableName(change)
		p.ctes = scope
		if p.isCh('.') && p.at(1).isCh('*') {
			p.next()
			p.next()
		}
		if !p.isCh(',') {
			return
		}
		p.next()
	}
}

func (p *parser) merge() {
	p.next()
	p.modifiers()
	p.skip(wInto)
	if p.d == SQLServer && len(p.ctes) > 0 {
		p.res.WritesAll = true
	}
	p.changeList()
	if !p.is(wUsing) {
		p.fail("a MERGE without USING")
		return
	}
	p.next()
	p.tableRef(read)
	if !p.is(wOn) {
		p.fail("a MERGE without ON")
		return
	}
	p.next()
	for {
		p.exprStart = p.i
		p.expr(false)
		t := p.tok()
		if t.kind == kEnd || t.isCh(';') || t.isCh(')') {
			return
		}
		switch t.kw {
		case wUpdate, wSet, wInsert, wValues, wDelete, wReturning, wOutput, wOption, wWhere:
			p.next()
		case wInto:
			p.outputInto()
		default:
			p.fail("something that is no part of a MERGE")
			return
		}
	}
}

func (p *parser) truncate() {
	p.impure(ImpureWrite, "writes")
	p.res.ImplicitCommit = p.res.ImplicitCommit || p.d == MySQL
	p.next()
	p.skip(wTable)
	for {
		p.target(write)
		if p.isCh('*') {
			p.next()
		}
		if !p.isCh(',') {
			break
		}
		p.next()
	}
	for !p.atEnd() {
		t := p.tok()
		switch {
		case t.kw == wCascade:
			p.res.WritesAll = true
			p.next()
		case t.isCh('('):
			p.group(false)
		case t.kind == kWord && (t.kw == wWith || fold(p.text(t), "restart", "continue", "identity", "restrict", "wait", "nowait")):
			p.next()
		case t.kind == kNumber:
			p.next()
		default:
			p.fail("something that is no part of a TRUNCATE")
			return
		}
	}
}
