package sqlscan

import "strings"

// joined notes the operator || if it stands here: a time word may be put together
// from its operands ('n' || 'ow'). Literals without a letter hold no part of one.
func (p *parser) joined() {
	if p.d != Postgres && p.d != SQLite || !p.isCh('|') || !p.at(1).isCh('|') || p.i == 0 {
		return
	}
	left, right := p.i-1, p.i+2
	for left > max(0, p.i-8) && p.toks[left].isCh(')') {
		left--
	}
	for right < min(len(p.toks)-1, p.i+8) && p.toks[right].isCh('(') {
		right++
	}
	p.piece(&p.toks[left])
	p.piece(&p.toks[right])
}

// piece counts what may be a part of a time word. One parameter alone is judged
// with its value, so it takes two of them.
func (p *parser) piece(t *token) {
	switch t.kind {
	case kParam:
		p.pieces++
	case kString:
		if strings.IndexFunc(p.text(t), func(r rune) bool {
			return r == '\\' || r|0x20 >= 'a' && r|0x20 <= 'z'
		}) >= 0 {
			p.pieces += 2
		}
	}
}

// builtTime judges a call that ended before the token here, whose arguments hold
// pieces of a text: those of a cast or of a function that reads a time.
func (p *parser) builtTime(first, last, pieces int) {
	if last != first+1 && !(last == first+3 && p.isText(&p.toks[first], "pg_catalog")) {
		return
	}
	t := &p.toks[last-1]
	s := strings.Trim(p.text(t), `"`)
	switch {
	case p.d == Postgres && fold(s, "concat", "concat_ws", "format"):
		p.pieces += 2
		return
	case pieces < 2:
		return
	case p.d == SQLite && fold(s, "date", "time", "datetime", "julianday", "unixepoch", "strftime", "timediff"),
		p.d == Postgres && fold(s, "date", "time", "timetz", "timestamp", "timestamptz"):
	case p.d == Postgres && fold(s, "cast"):
		for j := p.i - 1; j > max(last, p.i-16); j-- { // no type is longer
			if p.toks[j].kw == wAs {
				p.builtAs(&p.toks[j+1])
				return
			}
		}
	default:
		return
	}
	p.impure(ImpureLiteral, "a time that is put together from texts")
}

// builtCast judges PostgreSQL's :: behind a parenthesis that holds pieces.
func (p *parser) builtCast(pieces int) {
	if p.d == Postgres && pieces >= 2 && p.isCh(':') && p.at(1).isCh(':') {
		p.builtAs(p.at(2))
	}
}

// builtAs judges a cast to the type that begins at t. Of most types it is known
// that they read no time words.
func (p *parser) builtAs(t *token) {
	if t.kind == kWord && fold(p.text(t), "text", "varchar", "char", "character", "bpchar", "name", "citext",
		"int", "int2", "int4", "int8", "integer", "smallint", "bigint", "numeric", "decimal", "real", "double",
		"float4", "float8", "float", "bool", "boolean", "uuid", "bytea", "json", "jsonb", "interval", "inet", "xml") {
		return
	}
	p.impure(ImpureLiteral, "a cast of what is put together from texts")
}
