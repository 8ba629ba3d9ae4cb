package catalog

import (
	"strings"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// token is one piece of a routine's body. Strings and numbers are kept as
// such: nothing in them is a name, and a body that runs them is refused for
// the keyword that would run it.
type token struct {
	kind tokenKind
	text string // words are folded; names are unquoted and folded
}

type tokenKind uint8

const (
	tokWord   tokenKind = iota // not quoted: a keyword or a name
	tokName                    // quoted: a name only
	tokString                  // a literal
	tokPunct                   // one byte of punctuation
)

func (t token) is(word string) bool { return t.kind == tokWord && t.text == word }
func (t token) punct(p string) bool { return t.kind == tokPunct && t.text == p }
func (t token) named() bool         { return t.kind == tokWord || t.kind == tokName }

// tokenize splits the body of a routine. why is not "" if some part of it
// could be read in two ways; then nothing is known of the body.
func tokenize(d sqlscan.Dialect, text string) (tokens []token, why string) {
	t := tokenizer{dialect: d, text: text}
	for t.why == "" && t.at < len(t.text) {
		t.next()
	}
	return t.out, t.why
}

type tokenizer struct {
	dialect sqlscan.Dialect
	text    string
	at      int
	out     []token
	why     string
}

func (t *tokenizer) next() {
	rest := t.text[t.at:]
	b := rest[0]
	mysql, pg := t.dialect == sqlscan.MySQL, t.dialect == sqlscan.Postgres
	switch {
	case b == 0:
		t.why = "a NUL byte"
	case strings.IndexByte(" \t\n\r\f\v", b) >= 0:
		t.at++
	case strings.HasPrefix(rest, "--"):
		if mysql && len(rest) > 2 && rest[2] > ' ' {
			t.why = "-- without a space after it"
			return
		}
		t.line()
	case mysql && b == '#':
		t.line()
	case strings.HasPrefix(rest, "/*"):
		t.comment()
	case b == '\'':
		t.literal(b)
	case b == '"' && mysql:
		t.literal(b)
	case b == '"', b == '`' && mysql:
		t.name(b)
	case b == '[' && t.dialect == sqlscan.SQLServer:
		t.name(']')
	case b == '$' && pg:
		t.dollar()
	case b == '\\':
		t.why = "a backslash outside a string"
	case isNameByte(b) || !pg && (b == '@' || b == '#'):
		t.word()
	default:
		t.emit(tokPunct, rest[:1], 1)
	}
}

func (t *tokenizer) emit(kind tokenKind, text string, size int) {
	t.out = append(t.out, token{kind, text})
	t.at += size
}

// line skips a comment to the end of the line. Databases differ on whether a
// carriage return alone ends one.
func (t *tokenizer) line() {
	rest := t.text[t.at:]
	end := strings.IndexByte(rest, '\n')
	if end < 0 {
		end = len(rest)
	}
	if i := strings.IndexByte(rest[:end], '\r'); i >= 0 && i != end-1 {
		t.why = "a carriage return in a comment"
		return
	}
	t.at = min(t.at+end+1, len(t.text))
}

// comment skips a block comment. MySQL runs what stands in /*! and /*M!; the
// others nest comments.
func (t *tokenizer) comment() {
	mysql := t.dialect == sqlscan.MySQL
	body := t.text[t.at+2:]
	if mysql && (strings.HasPrefix(body, "!") || strings.HasPrefix(body, "M!")) {
		t.why = "a comment that is code"
		return
	}
	for depth, i := 1, 0; i < len(body)-1; i++ {
		switch body[i : i+2] {
		case "/*":
			if mysql {
				t.why = "a comment in a comment"
				return
			}
			depth++
			i++
		case "*/":
			depth--
			i++
		default:
			continue
		}
		if depth == 0 {
			t.at += 2 + i + 1
			return
		}
	}
	t.why = "a comment without an end"
}

// literal reads a string. A backslash before a quote ends it or does not,
// by settings that are not known here, so it is refused; in MySQL, whose
// default is known, it escapes and the modes that change it are refused by
// the caller.
func (t *tokenizer) literal(quote byte) {
	escapes := t.dialect == sqlscan.MySQL
	if n := len(t.out); n > 0 && t.dialect == sqlscan.Postgres && t.at > 0 && isNameByte(t.text[t.at-1]) {
		switch prev := t.out[n-1]; {
		case prev.is("e"):
			escapes = true
			t.out = t.out[:n-1]
		case prev.is("b"), prev.is("x"), prev.is("n"):
			t.out = t.out[:n-1]
		default:
			t.why = "a word joined to a string"
			return
		}
	}
	for i := t.at + 1; i < len(t.text); i++ {
		switch b := t.text[i]; {
		case b == 0:
			t.why = "a NUL byte"
			return
		case b == '\\' && escapes:
			i++
		case b == '\\' && t.dialect == sqlscan.Postgres && i+1 < len(t.text) && t.text[i+1] == quote:
			t.why = "a backslash before a quote"
			return
		case b == quote && i+1 < len(t.text) && t.text[i+1] == quote:
			i++
		case b == quote:
			t.emit(tokString, "", i+1-t.at)
			return
		}
	}
	t.why = "a string without an end"
}

func (t *tokenizer) name(quote byte) {
	if n := len(t.out); n > 0 && t.dialect == sqlscan.Postgres && t.at > 0 && t.text[t.at-1] == '&' {
		t.why = "a name with escapes"
		return
	}
	for i := t.at + 1; i < len(t.text); i++ {
		if t.text[i] != quote {
			continue
		}
		if i+1 < len(t.text) && t.text[i+1] == quote {
			i++
			continue
		}
		q := string(quote)
		t.emit(tokName, fold(strings.ReplaceAll(t.text[t.at+1:i], q+q, q)), i+1-t.at)
		return
	}
	t.why = "a name without an end"
}

// dollar reads a string of Postgres between $tag$ and $tag$, or a parameter.
func (t *tokenizer) dollar() {
	rest := t.text[t.at+1:]
	end := strings.IndexByte(rest, '$')
	tag := ""
	if end >= 0 {
		tag = rest[:end]
	}
	if end < 0 || tag != "" && (tag[0] >= '0' && tag[0] <= '9' || strings.IndexFunc(tag, func(r rune) bool {
		return r < 0x80 && !isNameByte(byte(r))
	}) >= 0) {
		t.emit(tokPunct, "$", 1)
		return
	}
	quote := "$" + tag + "$"
	body := t.text[t.at+len(quote):]
	i := strings.Index(body, quote)
	if i < 0 {
		t.why = "a string without an end"
		return
	}
	t.emit(tokString, "", 2*len(quote)+i)
}

func (t *tokenizer) word() {
	i := t.at + 1
	marks := map[sqlscan.Dialect]string{sqlscan.MySQL: "@", sqlscan.SQLServer: "@#"}[t.dialect]
	for i < len(t.text) && (isNameByte(t.text[i]) || strings.IndexByte(marks, t.text[i]) >= 0) {
		i++
	}
	t.emit(tokWord, fold(t.text[t.at:i]), i-t.at)
}
