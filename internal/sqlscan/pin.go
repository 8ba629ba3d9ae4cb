package sqlscan

// Restriction is one demand that a WHERE clause makes of every row it lets
// through: Columns are equal to one of Rows, as the database compares them. Each
// row has one operand for each column. "id = ?" is one column and one row,
// "(a, b) IN ((?, ?), (?, ?))" is two columns and two rows.
type Restriction struct {
	// Columns holds the last parts of the names, in lower case. A name that is
	// no column of the table says nothing: SQLite takes it for the alias of
	// another column, or for a text if it is in double quotes.
	Columns []string
	Rows    [][]Operand
}

// Operand is what a column is compared with or given.
type Operand struct {
	// Param is the number of a bind parameter, from 1; 0 for Literal, and -1
	// for something that is neither.
	Param int
	// Literal is an integer without sign: its decimal digits, at most 15, with
	// no zero before them.
	Literal string
}

const (
	maxPinned  = 1024 // rows of one Restriction or one upsert; of more, none is told
	maxDescent = 8    // parentheses around a term that are looked into
)

// survey is what one look at all tokens shows of a statement.
type survey struct {
	selects   int  // SELECT
	verbs     int  // INSERT, UPDATE, DELETE, MERGE
	conflicts int  // CONFLICT
	duplicate bool // DUPLICATE
	values    bool // VALUES
	into      bool // INTO
	with      bool // WITH
	beyond    bool // a word by which rows can matter that no WHERE clause here names
}

// rows tells the rows that the text is restricted to. It comes after the tables
// are known, and wants every text it says something of to have one exact shape:
// what does not fit is passed over in silence.
func (p *parser) rows() {
	if p.err != "" || p.res.Statements != 1 {
		return
	}
	s := p.survey()
	if p.d == SQLServer || p.res.WritesAll || p.res.DDL {
		return
	}
	switch p.toks[0].kw {
	case wSelect:
		if s.selects == 1 && !s.values && !s.into && !s.with && !s.beyond {
			p.selectRows()
		}
	case wUpdate:
		if s.selects == 0 && s.verbs == 1 && !s.values && !s.into && !s.with && !s.beyond {
			p.updateRows()
		}
	case wDelete:
		if s.selects == 0 && s.verbs == 1 && !s.values && !s.into && !s.with && !s.beyond {
			p.deleteRows()
		}
	case wInsert:
		if !s.duplicate && !s.with {
			p.insertRows(&s)
		}
	}
}

// survey looks at all tokens once, and numbers the bind parameters: the number
// of one stands in its body.
func (p *parser) survey() (s survey) {
	params, plain := 0, true
	for i := range p.toks {
		t := &p.toks[i]
		switch t.kind {
		case kParam:
			t.body = p.paramNumber(t, params)
			plain = plain && t.body > 0
			params = max(params, int(t.body))
		case kWord:
			switch t.kw {
			case wNone:
			case wSelect:
				s.selects++
			case wInsert, wUpdate, wDelete, wMerge:
				s.verbs++
			case wConflict:
				s.conflicts++
			case wDuplicate:
				s.duplicate = true
			case wValues:
				s.values = true
			case wInto:
				s.into = true
			case wWith:
				s.with = true
			case wUnion, wExcept, wIntersect, wTable, wJoin, wStraightJoin, wApply, wLateral, wTablesample:
				s.beyond = true
			case wIn: // SQLite's IN name reads a table
				s.beyond = s.beyond || !p.toks[i+1].isCh('(')
			case wOperator: // what a full-text search finds may hang on all rows
				s.beyond = s.beyond || fold(p.text(t), "match", "against")
			}
		}
	}
	if plain {
		p.res.Params = params
	}
	return s
}

// paramNumber returns the number of the parameter t when before have been seen, 0
// if its place in the text does not give it.
func (p *parser) paramNumber(t *token, before int) int32 {
	if p.d != Postgres {
		if t.ch == '?' && t.end == t.start+1 {
			return int32(before + 1)
		}
		return 0
	}
	n := 0
	digits := p.sql[t.start+1 : t.end]
	if len(digits) > 5 || digits[0] == '0' {
		return 0
	}
	for i := range len(digits) {
		n = n*10 + int(digits[i]-'0')
	}
	return int32(n)
}

// where reads the WHERE clause whose first token is from.
func (p *parser) where(from int) {
	to := p.clauseEnd(from)
	// The word that ends the clause may be a column's name instead, with an OR
	// behind it.
	for i, depth := to, 0; i < len(p.toks); i++ {
		depth += p.toks[i].opens()
		if depth == 0 && p.parts(i) {
			return
		}
	}
	p.conjunction(from, to, 0)
}

// clauseEnd returns the index of the token that ends a WHERE clause.
func (p *parser) clauseEnd(i int) int {
	for depth := 0; ; i++ {
		t := &p.toks[i]
		if t.kind == kEnd {
			return i
		}
		if depth += t.opens(); depth == 0 && (t.isCh(';') || endsWhere(t.kw)) {
			return i
		}
	}
}

func endsWhere(w kw) bool {
	switch w {
	case wGroup, wHaving, wOrder, wLimit, wOffset, wFetch, wFor, wWindow, wReturning, wLock:
		return true
	}
	return false
}

// opens returns 1 for a parenthesis or bracket that opens, -1 for one that closes.
func (t *token) opens() int {
	if t.kind == kPunct {
		switch t.ch {
		case '(', '[':
			return 1
		case ')', ']':
			return -1
		}
	}
	return 0
}

// closing returns the index of the parenthesis that closes the one at i, -1 if
// that is not before to.
func (p *parser) closing(i, to int) int {
	for depth := 0; i < to; i++ {
		if depth += p.toks[i].opens(); depth == 0 {
			return i
		}
	}
	return -1
}

// parts reports whether the token at i parts what stands before it from what
// stands behind it, so that neither must be true: OR and its kin. MySQL's := takes
// all that follows.
func (p *parser) parts(i int) bool {
	switch t := &p.toks[i]; t.kind {
	case kWord:
		return t.kw == wOr || t.kw == wOperator && fold(p.text(t), "xor")
	case kPunct:
		return p.d == MySQL && (t.ch == '|' || t.ch == '&' || t.ch == ':')
	}
	return false
}

// conjunction reads the terms, parted by AND, that the tokens from from up to to
// are. It reads none if they are no such thing.
func (p *parser) conjunction(from, to, level int) {
	if level > maxDescent || !p.isConjunction(from, to) {
		return
	}
	depth, betweens, start := 0, 0, from
	for i := from; i < to; i++ {
		t := &p.toks[i]
		if depth += t.opens(); depth != 0 || t.kw != wOperator {
			continue
		}
		switch w := p.text(t); {
		case fold(w, "between"):
			betweens++ // the next AND is its own
		case !fold(w, "and"):
		case betweens > 0:
			betweens--
		default:
			p.term(start, i, level)
			start = i + 1
		}
	}
	p.term(start, to, level)
}

// isConjunction reports whether each AND of the tokens that is in no parenthesis
// is an operand's end, or belongs to BETWEEN.
func (p *parser) isConjunction(from, to int) bool {
	depth := 0
	for i := from; i < to; i++ {
		t := &p.toks[i]
		if depth += t.opens(); depth != 0 {
			continue
		}
		if t.isCh(',') || p.parts(i) || t.kw == wOperator &&
			(p.toks[i-1].isCh('.') || fold(p.text(t), "case")) { // t.and is a name in MySQL
			return false
		}
	}
	return true
}

// term reads one term of a conjunction. It must be nothing but the demand.
func (p *parser) term(from, to, level int) {
	if to-from < 3 {
		return
	}
	if p.toks[from].isCh('(') {
		end := p.closing(from, to)
		switch {
		case end == to-1:
			p.conjunction(from+1, end, level+1)
		case end > 0 && p.toks[end+1].kw == wIn:
			p.oneOf(from+1, end, to)
		}
		return
	}
	name := p.columnEnd(from)
	if name < 0 {
		return
	}
	switch t := &p.toks[name]; {
	case t.isCh('=') && name+2 == to:
		op, ok := p.operand(name + 1)
		column, named := p.comparedColumn(name - 1)
		if ok && named {
			p.restrict([]string{column}, [][]Operand{{op}})
		}
	case t.kw == wIn:
		p.oneOf(from, name, to)
	}
}

// oneOf reads an IN behind the column, or the list of them, that begins at from and
// ends before in: at the word IN, or at the parenthesis before it. The term ends
// at to.
func (p *parser) oneOf(from, in, to int) {
	tuple, open := p.toks[in].isCh(')'), in+1
	if tuple {
		open++
	}
	if !p.toks[open].isCh('(') || p.closing(open, to) != to-1 {
		return
	}
	var columns []string
	for i := from; ; i++ {
		end := p.columnEnd(i)
		if end < 0 || end > in || end < in && !p.toks[end].isCh(',') {
			return
		}
		name, ok := p.comparedColumn(end - 1)
		if !ok {
			return
		}
		columns = append(columns, name)
		if i = end; i == in {
			break
		}
	}
	if rows := p.operandRows(open+1, to-1, len(columns), tuple); rows != nil {
		p.restrict(columns, rows)
	}
}

// operandRows reads the operands of an IN, from from up to to: single ones, or
// tuples of width operands. It returns nil if there is anything else.
func (p *parser) operandRows(from, to, width int, tuple bool) [][]Operand {
	n := (to - from + 1) / 2
	if tuple {
		n = (to - from + 1) / (2*width + 2)
	}
	if n < 1 || n > maxPinned {
		return nil
	}
	all, rows := make([]Operand, 0, n*width), make([][]Operand, 0, n)
	for i := from; ; i++ {
		if tuple {
			if !p.toks[i].isCh('(') {
				return nil
			}
			i++
		}
		for k := range width {
			op, ok := p.operand(i)
			if i++; !ok || k < width-1 && !p.toks[i].isCh(',') || len(all) == cap(all) {
				return nil
			}
			if all = append(all, op); k < width-1 {
				i++
			}
		}
		rows = append(rows, all[len(all)-width:len(all):len(all)])
		if tuple {
			if !p.toks[i].isCh(')') {
				return nil
			}
			i++
		}
		if i == to {
			return rows
		}
		if i > to || !p.toks[i].isCh(',') {
			return nil
		}
	}
}

func (p *parser) restrict(columns []string, rows [][]Operand) {
	p.res.Where = append(p.res.Where, Restriction{columns, rows})
}
