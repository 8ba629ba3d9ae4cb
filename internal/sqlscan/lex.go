package sqlscan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind uint8

const (
	kEnd      kind = iota
	kWord          // unquoted identifier or keyword
	kQuoted        // quoted identifier; where the dialect leaves it open, perhaps a string
	kString        // string literal
	kNumber        // numeric literal
	kParam         // bind parameter
	kVariable      // session or user variable
	kPunct         // one character of an operator or punctuation
)

type token struct {
	kind       kind
	ch         byte // of kPunct; the quote of kQuoted and kString, '$' for dollar quotes
	kw         kw   // of kWord
	start, end int32
	body       int32 // offset of the text inside the quotes
}

const (
	reasonBackslash    = "a backslash before a quote"
	reasonUnterminated = "a quote or comment that does not end"
)

func (p *parser) lexFail(reason string, at int) {
	p.err = reason
	p.toks = append(p.toks, token{kind: kEnd, start: int32(at), end: int32(at)})
}

func (p *parser) add(k kind, ch byte, start, end, body int) {
	p.toks = append(p.toks, token{kind: k, ch: ch, start: int32(start), end: int32(end), body: int32(body)})
}

// lex splits the text into tokens and ends them with one of kind kEnd. It sets
// p.err if the text could be split in more than one way.
func (p *parser) lex() {
	s := p.sql
	for i := 0; i < len(s); {
		c := s[i]
		next, reason := i+1, ""
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		case letter(c) || c == '_' || c >= utf8.RuneSelf:
			next, reason = p.lexWord(i)
		case c >= '0' && c <= '9', c == '.' && i+1 < len(s) && isDigit(s[i+1]) && !p.afterName(i):
			next, reason = p.lexNumber(i)
		case c == '\'':
			next, reason = p.lexString(i, i, p.d == Postgres || p.d == MySQL, false)
		case c == '"':
			if p.d == MySQL {
				next, reason = p.lexString(i, i, true, false)
			} else {
				next, reason = p.lexQuoted(i, '"')
			}
		case c == '`' && (p.d == SQLite || p.d == MySQL):
			next, reason = p.lexQuoted(i, '`')
		case c == '[' && (p.d == SQLite || p.d == SQLServer):
			next, reason = p.lexQuoted(i, ']')
		case c == '-' && strings.HasPrefix(s[i:], "--"):
			next, reason = p.lexLineComment(i, 2)
		case c == '#' && p.d == MySQL:
			next, reason = p.lexLineComment(i, 1)
		case c == '/' && strings.HasPrefix(s[i:], "/*"):
			next, reason = p.lexBlockComment(i)
		case strings.IndexByte("?:@$#", c) >= 0:
			next, reason = p.lexSigil(i)
		case strings.IndexByte("(),;.+-*/%<>=!~&|^", c) >= 0, p.d == Postgres && (c == '[' || c == ']'):
			p.add(kPunct, c, i, i+1, i)
		default:
			reason = "a character that has no meaning here"
		}
		if reason != "" {
			p.lexFail(reason, i)
			return
		}
		i = next
	}
	p.add(kEnd, 0, len(s), len(s), len(s))
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// afterName reports whether byte i stands right behind a name, so that a dot
// there is no decimal point.
func (p *parser) afterName(i int) bool {
	if len(p.toks) == 0 {
		return false
	}
	t := p.toks[len(p.toks)-1]
	return int(t.end) == i && (t.kind == kWord || t.kind == kQuoted || t.kind == kString)
}

// identEnd returns the end of the identifier bytes from i on, and false if there
// is a rune among them that one server reads as a letter and another as a blank.
func (p *parser) identEnd(i int) (int, bool) {
	s := p.sql
	for i < len(s) {
		c := s[i]
		switch {
		case letter(c) || isDigit(c) || c == '_' || c == '$':
			i++
		case p.d == SQLServer && (c == '@' || c == '#'):
			i++
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			if !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) {
				return i, false
			}
			i += n
		default:
			return i, true
		}
	}
	return i, true
}

func (p *parser) lexWord(i int) (int, string) {
	s := p.sql
	end, ok := p.identEnd(i)
	if !ok {
		return end, "a character outside quotes that is no letter"
	}
	if end < len(s) && end-i <= 2 && (s[end] == '\'' || s[end] == '&') {
		switch w := s[i:end]; {
		case s[end] == '&':
			if (w == "u" || w == "U") && end+1 < len(s) && (s[end+1] == '\'' || s[end+1] == '"') {
				return end, "a U& string or name"
			}
		case strings.EqualFold(w, "q") || strings.EqualFold(w, "nq"):
			return end, "a q'' string"
		case p.d == Postgres && strings.EqualFold(w, "e"):
			return p.lexString(i, end, true, true)
		}
	}
	p.toks = append(p.toks, token{kind: kWord, kw: p.keyword(s[i:end]), start: int32(i), end: int32(end), body: int32(i)})
	return end, ""
}

func (p *parser) lexNumber(i int) (int, string) {
	s, j := p.sql, i
	run := func(set string) {
		for j < len(s) && (isDigit(s[j]) || strings.IndexByte(set, s[j]|0x20) >= 0 || s[j] == '_') {
			j++
		}
	}
	prefix := byte(0)
	if s[i] == '0' && i+1 < len(s) {
		prefix = s[i+1] | 0x20
	}
	switch prefix {
	case 'x':
		j += 2
		run("abcdef")
	case 'b', 'o':
		j += 2
		run("?")
	default:
		run("?")
		if j < len(s) && s[j] == '.' {
			j++
			run("?")
		}
		if j < len(s) && s[j]|0x20 == 'e' {
			k := j + 1
			if k < len(s) && (s[k] == '+' || s[k] == '-') {
				k++
			}
			if k < len(s) && isDigit(s[k]) {
				j = k
				run("?")
			}
		}
	}
	// 1FROM t and 1abc: one server sees a number and a word, another a name
	if j < len(s) && (letter(s[j]) || s[j] == '_' || s[j] == '$' || s[j] >= utf8.RuneSelf ||
		p.d == SQLServer && (s[j] == '@' || s[j] == '#')) {
		return j, "a number joined to a word"
	}
	p.add(kNumber, 0, i, j, i)
	return j, ""
}

// lexString reads the string whose quote stands at q and whose token begins at
// start. maybe says that a server may be set to read backslashes as escapes,
// always that it does.
func (p *parser) lexString(start, q int, maybe, always bool) (int, string) {
	s := p.sql
	quote := s[q]
	slashes := 0
	for j := q + 1; j < len(s); j++ {
		c := s[j]
		switch {
		case c == '\\':
			slashes++
			if p.d == MySQL && s[j-1] >= utf8.RuneSelf {
				return j, "a backslash behind a letter of several bytes"
			}
			continue
		case c != quote:
		case always && slashes%2 == 1:
		case maybe && slashes%2 == 1:
			return j, reasonBackslash
		case j+1 < len(s) && s[j+1] == quote:
			j++
		default:
			if n := len(p.toks); n > 0 && p.toks[n-1].kind == kString && p.d != SQLite {
				return j, "two strings side by side"
			}
			p.add(kString, quote, start, j+1, q+1)
			return j + 1, ""
		}
		slashes = 0
	}
	return len(s), reasonUnterminated
}

// lexQuoted reads an identifier that starts at i and ends at quote.
func (p *parser) lexQuoted(i int, quote byte) (int, string) {
	s := p.sql
	for j := i + 1; j < len(s); j++ {
		if s[j] != quote {
			continue
		}
		// SQLite's brackets end at the first one, doubled or not
		if j+1 < len(s) && s[j+1] == quote && (quote != ']' || p.d == SQLServer) {
			j++
			continue
		}
		if j == i+1 {
			return j, "an empty name"
		}
		p.add(kQuoted, s[i], i, j+1, i+1)
		return j + 1, ""
	}
	return len(s), reasonUnterminated
}

func (p *parser) lexLineComment(i, lead int) (int, string) {
	s := p.sql
	if p.d == MySQL && lead == 2 && (len(s) == i+2 || strings.IndexByte(" \t\n\r\f", s[i+2]) < 0) {
		return i, "two dashes without a blank"
	}
	end := strings.IndexByte(s[i:], '\n')
	if end < 0 {
		end = len(s)
	} else {
		end += i
	}
	if cr := strings.IndexByte(s[i:end], '\r'); cr >= 0 && (i+cr+1 != end || end == len(s)) {
		return i, "a carriage return inside a comment"
	}
	return end, ""
}

func (p *parser) lexBlockComment(i int) (int, string) {
	body := p.sql[i+2:]
	n := strings.Index(body, "*/")
	if n < 0 {
		return i, reasonUnterminated
	}
	if p.d == MySQL && (strings.HasPrefix(body, "!") || strings.HasPrefix(body, "M!")) {
		return i, "a comment that is code on some servers"
	}
	// "/*/" opens a second comment where they nest
	if strings.Contains(body[:n+1], "/*") {
		return i, "a comment inside a comment"
	}
	return i + 2 + n + 2, ""
}

// lexSigil reads placeholders, variables and the operators that begin like them.
func (p *parser) lexSigil(i int) (int, string) {
	s, c := p.sql, p.sql[i]
	switch p.d {
	case SQLite:
		if c == '#' {
			return i, "a character that has no meaning here"
		}
		end, ok := p.identEnd(i + 1)
		if c == '?' {
			for end = i + 1; end < len(s) && isDigit(s[end]); end++ {
			}
		} else if !ok || end == i+1 {
			return i, "a parameter without a name"
		}
		if c != '?' && end < len(s) && (s[end] == '(' || strings.HasPrefix(s[end:], "::")) {
			return i, "a Tcl variable"
		}
		p.add(kParam, c, i, end, i)
		return end, ""
	case Postgres:
		if c == '$' {
			return p.lexDollar(i)
		}
	case MySQL:
		switch c {
		case '?':
			p.add(kParam, c, i, i+1, i)
			return i + 1, ""
		case '@':
			return p.lexVariable(i)
		case '$':
			if end, ok := p.identEnd(i); ok && strings.IndexByte(s[i+1:end], '$') < 0 {
				p.add(kWord, 0, i, end, i)
				return end, ""
			}
			return i, "a dollar quote"
		}
	case SQLServer:
		end, ok := p.identEnd(i + 1)
		switch {
		case c == '?':
			p.add(kParam, c, i, i+1, i)
			return i + 1, ""
		case c == ':':
		case !ok:
			return i, "a character outside quotes that is no letter"
		case c == '@' && isBindName(s[i+1:end]):
			p.add(kParam, c, i, end, i)
			return end, ""
		case c == '@':
			p.add(kVariable, c, i, end, i)
			return end, ""
		default: // #temporary and $action
			p.add(kWord, 0, i, end, i)
			return end, ""
		}
	}
	p.add(kPunct, c, i, i+1, i)
	return i + 1, ""
}

// isBindName recognises p1, p2 …, the parameters of SQL Server's driver.
func isBindName(s string) bool {
	if len(s) < 2 || s[0]|0x20 != 'p' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func (p *parser) lexDollar(i int) (int, string) {
	s := p.sql
	if n := len(p.toks); n > 0 && int(p.toks[n-1].end) == i &&
		(p.toks[n-1].kind == kNumber || p.toks[n-1].kind == kParam) {
		return i, "a dollar sign behind a number"
	}
	j := i + 1
	if j < len(s) && isDigit(s[j]) {
		for j < len(s) && isDigit(s[j]) {
			j++
		}
		if j < len(s) && (letter(s[j]) || s[j] == '_' || s[j] >= utf8.RuneSelf) {
			return i, "a number joined to a word"
		}
		p.add(kParam, '$', i, j, i)
		return j, ""
	}
	for j < len(s) && (letter(s[j]) || isDigit(s[j]) || s[j] == '_' || s[j] >= utf8.RuneSelf) {
		j++
	}
	if j == len(s) || s[j] != '$' {
		return i, "a lone dollar sign"
	}
	tag := s[i : j+1]
	n := strings.Index(s[j+1:], tag)
	if n < 0 {
		return i, reasonUnterminated
	}
	end := j + 1 + n + len(tag)
	p.add(kString, '$', i, end, j+1)
	return end, ""
}

func (p *parser) lexVariable(i int) (int, string) {
	s, j := p.sql, i+1
	if j < len(s) && s[j] == '@' {
		j++
	}
	if j < len(s) && strings.IndexByte("'\"`", s[j]) >= 0 {
		n := strings.IndexByte(s[j+1:], s[j])
		if n < 0 || strings.IndexByte(s[j+1:j+1+n], '\\') >= 0 {
			return i, reasonUnterminated
		}
		j += n + 2
	} else {
		for {
			end, ok := p.identEnd(j)
			if !ok {
				return i, "a character outside quotes that is no letter"
			}
			j = end
			if j >= len(s) || s[j] != '.' {
				break
			}
			j++
		}
	}
	p.add(kVariable, '@', i, j, i)
	return j, ""
}
