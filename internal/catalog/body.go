package catalog

import (
	"fmt"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// body finds what the body of a routine may change, without following its
// structure: it looks at every word that writes, wherever it stands, takes
// the name after it, and where the target is not simply that name, every name
// in the body. Words that run code or change the schema make it opaque.
type body struct {
	dialect sqlscan.Dialect
	tokens  []token
	targets map[int]bool // tokens that are a table after INTO, not a call
	r       routine
	mention bool
}

// world is what a body is read against.
type world struct {
	dialect sqlscan.Dialect
	// relation tells whether a folded name is a known table or view.
	relation func(name string) bool
	// call tells whether a name before a parenthesis is a stored routine, and
	// if not, whether it is harmless: a keyword, a type or a function of the
	// system that writes no table.
	// plain says that the name is neither quoted nor qualified.
	call func(name string, plain bool) (stored, harmless bool)
}

// readBody reads the body of a routine.
func readBody(w world, text string) routine {
	tokens, why := tokenize(w.dialect, text)
	if why != "" {
		return routine{effect: effect{opaque: why + " in its body"}}
	}
	return readTokens(w, tokens)
}

func readTokens(w world, tokens []token) routine {
	b := &body{dialect: w.dialect, tokens: tokens, targets: map[int]bool{}}
	for i := range tokens {
		b.verb(i)
	}
	for i := range tokens {
		b.call(i, w.call)
	}
	if b.mention {
		b.mentions(w.relation)
	}
	return b.r
}

func (b *body) tok(i int) token {
	if i < 0 || i >= len(b.tokens) {
		return token{kind: tokPunct}
	}
	return b.tokens[i]
}

func (b *body) refuse(format string, args ...any) {
	first(&b.r.opaque, fmt.Sprintf(format, args...))
}

// schemaWords change tables or run code that is not in the body.
var schemaWords = map[string]bool{
	"create": true, "alter": true, "drop": true, "rename": true, "copy": true, "refresh": true,
	"prepare": true, "execute": true, "exec": true, "load": true, "import": true,
	"bulk": true, "openrowset": true, "openquery": true, "opendatasource": true, "writetext": true,
	"updatetext": true,
}

func (b *body) verb(i int) {
	t := b.tokens[i]
	if t.kind != tokWord || b.tok(i-1).punct(".") {
		return
	}
	prev, next := b.tok(i-1), b.tok(i+1)
	switch t.text {
	case "insert", "replace":
		switch {
		case t.text == "replace" && b.dialect != sqlscan.MySQL, next.punct("("):
			// a function of that name, or the branch of a MERGE
		case prev.is("then") && (next.is("values") || next.is("default")):
			// the branch of a MERGE
		default:
			b.into(i + 1)
		}
	case "update":
		b.update(i, prev, next)
	case "delete":
		b.remove(i, prev, next)
	case "merge":
		b.merge(i + 1)
	case "truncate":
		if next.punct("(") && b.dialect == sqlscan.MySQL {
			return
		}
		b.mention = true
	case "cascade":
		b.refuse("CASCADE in its body")
	case "do":
		if b.dialect == sqlscan.Postgres && !next.is("update") && !next.is("nothing") {
			b.refuse("DO in its body")
		}
	default:
		if schemaWords[t.text] {
			b.refuse("%s in its body", t.text)
		}
	}
}

// into reads the target of an INSERT or REPLACE.
func (b *body) into(i int) {
	for t := b.tok(i); ; t = b.tok(i) {
		switch {
		case t.is("into"):
			i++
		case b.dialect == sqlscan.MySQL && (t.is("low_priority") || t.is("delayed") || t.is("high_priority") || t.is("ignore")):
			i++
		default:
			if !b.tok(i-1).is("into") && b.dialect == sqlscan.Postgres {
				b.refuse("INSERT without INTO in its body")
				return
			}
			b.target(i)
			return
		}
	}
}

func (b *body) update(i int, prev, next token) {
	switch {
	case prev.is("for"), prev.is("key"), prev.is("do") && b.dialect == sqlscan.Postgres:
		return // FOR [NO KEY] UPDATE, ON DUPLICATE KEY UPDATE, ON CONFLICT DO UPDATE
	case prev.is("then") && next.is("set"):
		return // the branch of a MERGE
	case b.dialect == sqlscan.SQLServer && next.punct("("):
		return // IF UPDATE(column)
	}
	end := b.target(b.skipOnly(i + 1))
	if b.dialect != sqlscan.Postgres && !(b.dialect == sqlscan.MySQL && b.tok(end).is("set")) {
		b.mention = true // several tables, or an alias
	}
}

func (b *body) remove(i int, prev, next token) {
	switch {
	case prev.is("then") && b.dialect == sqlscan.Postgres && !next.is("from"):
		// the branch of a MERGE
	case next.is("from"):
		end := b.target(b.skipOnly(i + 2))
		if b.dialect != sqlscan.Postgres && !(b.dialect == sqlscan.MySQL && b.endsDelete(end)) {
			b.mention = true
		}
	case b.dialect == sqlscan.Postgres:
		b.refuse("DELETE without FROM in its body")
	default:
		b.mention = true
	}
}

// endsDelete tells whether MySQL's DELETE FROM table is over at i or goes on
// in a way that names no other table to delete from.
func (b *body) endsDelete(i int) bool {
	t := b.tok(i)
	return i >= len(b.tokens) || t.punct(";") || t.is("where") || t.is("order") || t.is("limit") || t.is("end")
}

func (b *body) merge(i int) {
	if b.tok(i).is("into") {
		i++
	}
	b.target(b.skipOnly(i))
	b.mention = b.mention || b.dialect != sqlscan.Postgres
}

func (b *body) skipOnly(i int) int {
	if b.tok(i).is("only") {
		i++
	}
	return i
}

// target takes the qualified name at i as written and returns what follows.
func (b *body) target(i int) (end int) {
	for b.tok(i).named() && b.tok(i+1).punct(".") {
		i += 2
		for b.tok(i).punct(".") { // T-SQL: database..table
			i++
		}
	}
	switch {
	case b.tok(i).named():
		b.targets[i] = true
		b.r.write(b.tokens[i].text)
	case b.dialect == sqlscan.Postgres:
		b.refuse("a write in its body whose table cannot be told")
	default:
		b.mention = true
	}
	return i + 1
}

// mentions takes every relation that the body names as written.
func (b *body) mentions(relation func(string) bool) {
	for _, t := range b.tokens {
		if t.named() && relation(t.text) {
			b.r.write(t.text)
		}
	}
}

// call looks at a name before a parenthesis.
func (b *body) call(i int, known func(name string, plain bool) (stored, harmless bool)) {
	t := b.tokens[i]
	procedure := b.tok(i - 1).is("call")
	if procedure {
		for b.tok(i + 1).punct(".") {
			i += 2
		}
		t = b.tok(i)
	} else if !t.named() || b.targets[i] {
		return
	} else if !b.tok(i + 1).punct("(") {
		// Postgres: row.f is f(row) where the row has no column of that name.
		if b.dialect == sqlscan.Postgres && b.tok(i-1).punct(".") {
			if stored, _ := known(t.text, false); stored {
				add(&b.r.calls, t.text)
			}
		}
		return
	}
	switch stored, harmless := known(t.text, t.kind == tokWord && !b.tok(i-1).punct(".")); {
	case stored:
		add(&b.r.calls, t.text)
	case procedure:
		b.refuse("it calls %q, which cannot be read", t.text)
	case !harmless:
		b.refuse("it calls %q, of which nothing is known", t.text)
	}
}
