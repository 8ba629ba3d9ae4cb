package sqlscan

// define reads the body of a view or trigger.
func (p *parser) define() {
	p.definition = true
	p.res.Statements = 1
	if !p.is(wCreate) {
		if p.is(wSelect) || p.is(wWith) || p.is(wValues) || p.is(wTable) || p.isCh('(') {
			p.view()
			return
		}
		p.block()
		return
	}
	for !p.atEnd() && !p.is(wView) && !p.is(wTrigger) {
		p.next()
	}
	switch {
	case p.is(wView):
		for p.next(); !p.atEnd() && !p.is(wAs); p.next() {
		}
		p.next()
		p.view()
	case p.is(wTrigger) && (p.d == SQLite || p.d == MySQL):
		for p.next(); !p.atEnd() && !p.is(wOn); p.next() {
		}
		p.next()
		if p.i = p.nameEnd(); p.i < 0 {
			p.i = 0
			p.fail("a trigger without a table")
			return
		}
		p.block()
	default:
		p.fail("no view or trigger whose body can be read")
	}
}

func (p *parser) view() {
	p.viewBody = true
	p.query(atTop)
	p.viewBody = false
	if p.skip(wWith) { // CHECK OPTION, NO DATA
		p.toEnd()
	}
	if p.isCh(';') {
		p.next()
	}
	if p.tok().kind != kEnd {
		p.fail("a view that goes on behind its query")
	}
}

// block reads the statements of a trigger, and the words of MySQL's compound
// statements between them.
func (p *parser) block() {
	p.impure(ImpureWrite, "writes")
	begins := true // a statement may begin here
	for p.err == "" {
		t := p.tok()
		switch {
		case t.kind == kEnd:
			return
		case t.isCh(';'), t.isCh(':'):
			p.next()
			begins = true
		case begins && p.statementAhead():
			p.statement()
			begins = false
		case begins && (t.kw == wCall || t.kw == wExec || p.isText(t, "prepare")):
			p.res.WritesAll = true
			p.next()
		case t.kw == wThen || t.kw == wElse || t.kw == wDo || t.kw == wLoop || t.kw == wRepeat ||
			t.kw == wBegin:
			p.next()
			p.exprStart = p.i
			begins = true
		case t.kw == wEach && p.at(1).kw == wRow:
			p.next()
			p.next()
			p.exprStart = p.i
			begins = true
		case begins && (t.kw == wFollows || t.kw == wPrecedes) && p.d == MySQL:
			p.next()
			p.next()
		case t.kw == wFor && p.at(1).kw == wSelect, t.kw == wFor && p.at(1).kw == wWith:
			p.next() // a cursor
			begins = true
		case t.kw == wSet || t.kw == wFor || t.kw == wOn:
			p.next()
			p.exprStart = p.i
			begins = false
		case t.isCh(')'):
			p.fail("a parenthesis that was never opened")
		default:
			if !p.exprToken(false) {
				p.fail("something that is no part of a trigger")
			}
			begins = false
		}
	}
}

func (p *parser) statementAhead() bool {
	switch p.tok().kw {
	case wInsert, wUpdate, wDelete, wMerge, wSelect, wWith, wTruncate:
		return true
	case wReplace:
		return !p.at(1).isCh('(')
	}
	return false
}
