package sqlscan

import "strings"

// script reads the statements of a text.
func (p *parser) script() {
	for p.err == "" {
		for p.isCh(';') {
			p.next()
		}
		if p.tok().kind == kEnd {
			return
		}
		if p.res.Statements++; p.res.Statements == 2 {
			p.impure(ImpureOther, "several statements")
		}
		p.statement()
		if !p.atEnd() {
			p.fail("a statement that goes on where it should end")
		}
	}
}

func (p *parser) statement() {
	p.exprStart = p.i
	mysql := p.d == MySQL
	if p.d == SQLServer && procedureName(p.tok().kw) {
		p.unknown()
		return
	}
	switch p.tok().kw {
	case wSelect, wValues, wTable:
		p.query(atTop)
	case wWith:
		p.withStatement()
	case wInsert, wUpdate, wDelete, wMerge, wReplace:
		p.dml()
	case wTruncate:
		p.truncate()
	case wCreate, wAlter, wDrop, wRename:
		p.ddl()
	case wRefresh:
		p.schemaChange(true, true)
		p.toEnd()
	case wComment:
		p.schemaChange(false, false)
		p.toEnd()
	case wExplain:
		p.explain()
	case wShow:
		p.impure(ImpureOther, "show")
		p.toEnd()
	case wPragma:
		p.pragma()
	case wBegin, wStart, wCommit, wEnd, wRollback, wAbort, wSavepoint, wRelease, wSave, wXA:
		p.transaction()
	case wSet:
		p.set()
	case wAnalyze:
		if n := p.at(1); mysql && n.kw != wTable && !p.isText(n, "local") && !p.isText(n, "no_write_to_binlog") {
			p.explain() // MariaDB's ANALYZE runs what it explains
			return
		}
		p.unknown()
		p.res.ImplicitCommit = mysql
	default:
		if p.isCh('(') {
			p.query(atTop)
			return
		}
		p.unknown()
		p.res.ImplicitCommit = mysql
	}
}

// procedureName lists the verbs of other dialects, which at the start of a batch
// SQL Server takes for the name of a procedure to run.
func procedureName(w kw) bool {
	switch w {
	case wReplace, wRename, wExplain, wShow, wPragma, wStart, wAbort, wSavepoint, wRelease, wXA, wAnalyze,
		wRefresh, wComment:
		return true
	}
	return false
}

// unknown takes a statement whose effects no text shows.
func (p *parser) unknown() {
	verb := "an unknown verb"
	if p.tok().kind == kWord {
		verb = strings.ToLower(p.text(p.tok()))
	}
	p.impure(ImpureOther, verb)
	p.res.WritesAll = true
	if !p.soughtDDL { // once for the text: time stays linear
		p.soughtDDL, p.foundDDL = true, mentionsDDL(p.sql)
	}
	if p.foundDDL {
		p.res.DDL, p.res.Structural = true, true
	}
	if p.d == SQLServer {
		p.toLast() // statements need no semicolons there
		return
	}
	p.toEnd()
}

// toEnd steps to the end of the statement, toLast to the end of the text.
func (p *parser) toEnd() {
	for !p.atEnd() {
		p.next()
	}
}

func (p *parser) toLast() { p.i = len(p.toks) - 1 }

func (p *parser) withStatement() {
	scope := len(p.ctes)
	p.with()
	if p.dmlAhead() {
		p.dml()
	} else {
		p.queryTerm(atTop)
	}
	p.ctes = p.ctes[:scope]
}

// explain reads EXPLAIN, DESCRIBE and MariaDB's ANALYZE. Only with ANALYZE is the
// statement run; a function called may be run in either case.
func (p *parser) explain() {
	p.impure(ImpureOther, "explain")
	runs := false
	for !p.atEnd() {
		switch p.tok().kw {
		case wSelect, wWith, wInsert, wUpdate, wDelete, wMerge, wReplace, wValues, wTable, wCreate,
			wExec, wRefresh, wCall, wDeclare:
			before, ddl, structural := len(p.res.Writes), p.res.DDL, p.res.Structural
			all := p.res.WritesAll
			dml := p.tok().kw
			p.statement()
			if !runs {
				p.res.Writes = p.res.Writes[:before]
				p.res.DDL, p.res.Structural = ddl, structural
				if dml == wCreate || dml == wRefresh {
					p.res.WritesAll = all
				}
			}
			return
		case wAnalyze:
			runs = true
			p.next()
		default:
			if p.isCh('(') && p.queryIn(1) {
				p.query(atTop)
				return
			}
			p.next()
		}
	}
}

// pragma reads SQLite's PRAGMA: one that only asks writes nothing.
func (p *parser) pragma() {
	if p.d != SQLite {
		p.unknown()
		return
	}
	p.impure(ImpureSession, "pragma")
	p.next()
	end := p.nameEnd()
	if end < 0 {
		p.fail("a pragma without a name")
		return
	}
	last := p.text(&p.toks[end-1])
	p.i = end
	switch {
	case p.isCh('='):
		p.res.WritesAll = true
	case p.isCh('(') && !fold(last, "table_info", "table_xinfo", "table_list", "index_list", "index_info",
		"index_xinfo", "foreign_key_list", "foreign_key_check", "integrity_check", "quick_check"):
		p.res.WritesAll = true
	}
	p.toEnd()
}

// set reads SET: session state that may change any answer, save for two settings
// that GORM's SQL Server dialector and its users put before inserts.
func (p *parser) set() {
	p.impure(ImpureSession, "set")
	n, m := p.at(1), p.at(2)
	if p.d == SQLServer {
		harmless := false
		switch {
		case p.isText(n, "nocount"):
			harmless = m.kw == wOn || p.isText(m, "off")
			p.next()
			p.next()
		case p.isText(n, "identity_insert"):
			p.next()
			p.next()
			end := p.nameEnd()
			if end > 0 {
				p.i = end
				harmless = p.is(wOn) || p.isText(p.tok(), "off")
			}
		}
		if harmless {
			p.next()
			return
		}
		p.res.WritesAll = true
		p.toLast()
		return
	}
	p.res.WritesAll = true
	for !p.atEnd() {
		if p.d == MySQL && (p.tok().kind == kVariable && containsFold(p.text(p.tok()), "autocommit") ||
			p.tok().kind == kWord && fold(p.text(p.tok()), "autocommit", "password", "role")) {
			p.res.ImplicitCommit = true
		}
		p.next()
	}
}

func containsFold(s, w string) bool { return strings.Contains(strings.ToLower(s), w) }

// transaction reads transaction control. What a raw BEGIN or COMMIT does to the
// writes around it is not known, so all but savepoints write everything.
func (p *parser) transaction() {
	verb, n := p.tok().kw, p.at(1)
	var tx TxControl
	switch verb {
	case wBegin:
		tx = TxBegin
		if p.d == SQLServer && n.kw != wTran && n.kw != wTransaction && !p.isText(n, "distributed") {
			p.unknown()
			return
		}
	case wStart:
		if n.kw != wTransaction {
			p.unknown()
			p.res.ImplicitCommit = p.d == MySQL
			return
		}
		tx = TxBegin
	case wCommit, wEnd:
		tx = TxCommit
		if p.d == SQLServer && verb == wEnd {
			p.unknown()
			return
		}
	case wAbort:
		tx = TxRollback
	case wRollback:
		tx = p.rollback()
	case wXA:
		tx = TxCommit
		if n.kw == wBegin || n.kw == wStart {
			tx = TxBegin
		} else if n.kw == wRollback {
			tx = TxRollback
		}
	case wSave:
		if p.d != SQLServer {
			p.unknown()
			return
		}
		tx = TxSavepoint
	default:
		tx = TxSavepoint
	}
	p.impure(ImpureSession, "transaction control")
	if tx != TxSavepoint {
		p.res.Tx = tx
		p.res.WritesAll = true
		p.res.ImplicitCommit = p.res.ImplicitCommit || p.d == MySQL && tx == TxBegin
	} else if p.res.Tx == TxNone {
		p.res.Tx = tx
	}
	for p.next(); !p.atEnd(); {
		if p.d == SQLServer && p.structural() {
			p.fail("a statement behind another without a semicolon")
		}
		p.next()
	}
}

// rollback tells ROLLBACK TO a savepoint from ROLLBACK. SQL Server names a
// savepoint in ROLLBACK TRANSACTION name.
func (p *parser) rollback() TxControl {
	for j := 1; ; j++ {
		t := p.at(j)
		switch {
		case t.kind == kEnd || t.isCh(';'):
			return TxRollback
		case t.kw == wTo:
			return TxSavepoint
		case t.kw == wWork:
		case t.kw == wTran || t.kw == wTransaction:
			if p.d == SQLServer && (p.at(j+1).kind == kWord || p.at(j+1).kind == kQuoted || p.at(j+1).kind == kParam) {
				return TxSavepoint
			}
		default:
			return TxRollback
		}
	}
}
