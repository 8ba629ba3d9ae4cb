package sqlscan

import "slices"

// Verb is what a Change does.
type Verb uint8

// The verbs of a Change.
const (
	VerbInsert Verb = iota + 1
	VerbUpdate
	VerbDelete
)

// String returns the verb in lower case.
func (v Verb) String() string {
	switch v {
	case VerbInsert:
		return "insert"
	case VerbUpdate:
		return "update"
	case VerbDelete:
		return "delete"
	}
	return "none"
}

// Change says how a statement changes the rows of the one table it writes. Names
// are folded like those of a Restriction. SQLite's rowid, _rowid_ and oid stand
// here as they were written.
type Change struct {
	// Verb is the statement's. A VerbInsert that is no Upsert changes no row that
	// is there. The rows that an UPDATE or DELETE changes are those of
	// Result.Where, any if that is nil.
	Verb Verb
	// Assigned holds the columns that an UPDATE sets, or the DO UPDATE of an
	// upsert, sorted. Of names that differ in case only, either may be meant.
	Assigned []string
	// Upsert says that an INSERT may change rows that are there: those whose
	// Target columns are equal to those of a row it inserts. Everything that
	// could change further rows (REPLACE, OR REPLACE, ON DUPLICATE KEY …) has no
	// Change.
	Upsert bool
	// Target holds the columns of ON CONFLICT (…) DO UPDATE, sorted.
	Target []string
	// Columns holds those of Target that the INSERT names, in the same order, and
	// Rows one operand for each of them and each row inserted. Both are nil if no
	// columns are named, or the rows are too many to be told.
	Columns []string
	Rows    [][]Operand
}

// updateRows reads an UPDATE of one table.
func (p *parser) updateRows() {
	i := p.wordsAt(1)
	if p.toks[i].kw == wOr {
		if !p.keepsOthers(i + 1) {
			return
		}
		i += 2
	}
	i = p.oneTable(i, p.res.Writes, false)
	if i < 0 || p.toks[i].kw != wSet || !p.readsOnly(p.res.Writes[0]) {
		return
	}
	assigned, i := p.assignments(i + 1)
	if i < 0 {
		return
	}
	p.res.Change = &Change{Verb: VerbUpdate, Assigned: assigned}
	if p.toks[i].kw == wWhere {
		p.where(i + 1)
	}
}

// deleteRows reads a DELETE from one table.
func (p *parser) deleteRows() {
	i := p.wordsAt(1)
	if p.toks[i].kw != wFrom {
		return
	}
	i = p.oneTable(i+1, p.res.Writes, false)
	if i < 0 || !p.readsOnly(p.res.Writes[0]) {
		return
	}
	switch t := &p.toks[i]; {
	case t.kw == wWhere:
		p.where(i + 1)
	case t.kind != kEnd && !t.isCh(';') && t.kw != wOrder && t.kw != wLimit && t.kw != wReturning:
		return
	}
	p.res.Change = &Change{Verb: VerbDelete}
}

// wordsAt steps over MySQL's modifiers behind the verb.
func (p *parser) wordsAt(i int) int {
	for p.d == MySQL && p.toks[i].kind == kWord && !p.toks[i+1].isCh('.') &&
		fold(p.text(&p.toks[i]), "low_priority", "delayed", "high_priority", "ignore", "quick") {
		i++
	}
	return i
}

// keepsOthers reports whether the word of SQLite's OR clause at i leaves other rows
// and the transaction alone.
func (p *parser) keepsOthers(i int) bool {
	return p.toks[i].kind == kWord && fold(p.text(&p.toks[i]), "ignore", "abort", "fail")
}

func (p *parser) readsOnly(name string) bool {
	return !slices.ContainsFunc(p.res.Reads, func(s string) bool { return s != name })
}

// assignments reads what follows SET. It returns the columns set and the index of
// the token behind, -1 if the list is not of one shape: column = expression.
func (p *parser) assignments(i int) ([]string, int) {
	var columns []string
	for ; ; i++ {
		end := p.columnEnd(i)
		if end < 0 || !p.toks[end].isCh('=') || end > i+1 && p.d != MySQL { // elsewhere a part of the column i
			return nil, -1
		}
		name, ok := p.column(end-1, false)
		if !ok {
			return nil, -1
		}
		columns = append(columns, name)
		if i = p.assigned(end + 1); i < 0 {
			return nil, -1
		}
		if !p.toks[i].isCh(',') {
			return tidy(columns), i
		}
	}
}

// assigned steps over an expression after SET, up to a comma or to a word that no
// dialect lets a column be called by. A column may have it behind a dot.
func (p *parser) assigned(i int) int {
	for depth := 0; ; i++ {
		t := &p.toks[i]
		if depth += t.opens(); depth < 0 {
			return -1
		}
		if t.kind == kEnd {
			return i
		}
		if depth > 0 {
			continue
		}
		switch {
		case t.isCh(','), t.isCh(';'):
			return i
		case t.kw == wWhere, t.kw == wOrder, t.kw == wLimit, t.kw == wFrom, t.kw == wOn, t.kw == wReturning && p.d != MySQL:
			if t.kw == wFrom || t.kw == wOn || p.toks[i-1].isCh('.') {
				return -1
			}
			return i
		}
	}
}
