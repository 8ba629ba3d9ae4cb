package catalog

import "strings"

// virtual is a SQLite virtual table as its CREATE statement describes it.
type virtual struct {
	module string
	args   []string
	bad    bool // the arguments could not be told apart
}

// shadowSuffixes are the tables in which a module keeps a virtual table's
// content, by module: those whose content is all in them, or, for the
// full-text ones, in a table that the option content names.
var shadowSuffixes = map[string][]string{
	"fts3":      {"content", "segments", "segdir", "docsize", "stat"},
	"fts4":      {"content", "segments", "segdir", "docsize", "stat"},
	"fts5":      {"data", "idx", "content", "docsize", "config"},
	"rtree":     {"node", "rowid", "parent"},
	"rtree_i32": {"node", "rowid", "parent"},
}

// sqliteVirtual records a virtual table. Of a module that is not listed nothing
// is known: it may read and write anything.
func (l *loader) sqliteVirtual(name string, n *node, v virtual) {
	if shadowSuffixes[v.module] == nil {
		first(&n.soft, "virtual table of the module "+v.module+", whose content may come from anywhere")
		first(&n.opaque, "virtual table of the module "+v.module+", which may write anywhere")
		return
	}
	if v.bad {
		first(&n.soft, "the arguments of its module cannot be read")
	}
	if !strings.HasPrefix(v.module, "fts") {
		return
	}
	for _, arg := range v.args {
		key, value, ok := strings.Cut(arg, "=")
		if !ok || fold(strings.TrimSpace(key)) != "content" {
			continue
		}
		switch table := unquote(strings.TrimSpace(value)); {
		case strings.ContainsAny(table, "'\"`[]"):
			first(&n.soft, "the table of its content cannot be read")
		case table != "":
			add(&n.parts, table)
			l.act(table, name)
		}
	}
}

// sqliteShadows ties virtual tables to the tables that hold their content.
func (l *loader) sqliteShadows(objects []sqliteObject) {
	for _, o := range objects {
		v, ok := parseVirtual(o.text)
		if o.kind != "table" || !ok {
			continue
		}
		for _, suffix := range shadowSuffixes[v.module] {
			shadow := fold(o.name + "_" + suffix)
			if s := l.nodes[shadow]; s != nil && s.base {
				add(&l.at(o.name).parts, shadow)
				l.act(o.name, shadow)
				l.act(shadow, o.name)
			}
		}
	}
}

// parseVirtual reads CREATE VIRTUAL TABLE … USING module(arguments). Its text
// is SQLite's own: comments stay in it, the name may be quoted in four ways.
func parseVirtual(text string) (virtual, bool) {
	s := scanner{text: text}
	if !s.word("create") || !s.word("virtual") || !s.word("table") {
		return virtual{}, false
	}
	v := virtual{module: "?"}
	if s.word("if") {
		s.word("not")
		s.word("exists")
	}
	s.name()
	if s.byte('.') {
		s.name()
	}
	if !s.word("using") {
		v.bad = true
		return v, true
	}
	v.module = fold(s.name())
	if s.byte('(') {
		v.args, v.bad = s.arguments()
	}
	return v, true
}

// scanner reads the few tokens that parseVirtual needs.
type scanner struct {
	text string
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case strings.IndexByte(" \t\n\r\f", rest[0]) >= 0:
			s.at++
		case strings.HasPrefix(rest, "--"):
			s.skipPast("\n")
		case strings.HasPrefix(rest, "/*"):
			s.at += 2
			s.skipPast("*/")
		default:
			return
		}
	}
}

func (s *scanner) skipPast(end string) {
	if i := strings.Index(s.text[s.at:], end); i >= 0 {
		s.at += i + len(end)
		return
	}
	s.at = len(s.text)
}

func (s *scanner) byte(b byte) bool {
	s.space()
	if s.at < len(s.text) && s.text[s.at] == b {
		s.at++
		return true
	}
	return false
}

// word consumes the keyword if it is next.
func (s *scanner) word(want string) bool {
	s.space()
	from := s.at
	if got := s.bare(); fold(got) == want {
		return true
	}
	s.at = from
	return false
}

func (s *scanner) bare() string {
	from := s.at
	for s.at < len(s.text) && isNameByte(s.text[s.at]) {
		s.at++
	}
	return s.text[from:s.at]
}

// name consumes a name, quoted or not, and returns it unquoted.
func (s *scanner) name() string {
	s.space()
	if s.at >= len(s.text) || closing(s.text[s.at]) == 0 {
		return s.bare()
	}
	from := s.at
	s.quoted()
	return unquote(s.text[from:s.at])
}

// quoted consumes a quoted piece; it tells whether its end was found.
func (s *scanner) quoted() bool {
	end := closing(s.text[s.at])
	for s.at++; s.at < len(s.text); s.at++ {
		if s.text[s.at] != end {
			continue
		}
		if end != ']' && s.at+1 < len(s.text) && s.text[s.at+1] == end {
			s.at++
			continue
		}
		s.at++
		return true
	}
	return false
}

// arguments consumes the arguments of a module up to the closing parenthesis.
func (s *scanner) arguments() (args []string, bad bool) {
	depth, from := 0, s.at
	for s.at < len(s.text) {
		b := s.text[s.at]
		switch {
		case closing(b) != 0:
			if !s.quoted() {
				return args, true
			}
			continue
		case strings.HasPrefix(s.text[s.at:], "--"), strings.HasPrefix(s.text[s.at:], "/*"):
			return args, true // SQLite hands comments on to the module
		case b == '(':
			depth++
		case b == ')' && depth > 0:
			depth--
		case b == ')':
			return append(args, s.text[from:s.at]), false
		case b == ',' && depth == 0:
			args = append(args, s.text[from:s.at])
			from = s.at + 1
		}
		s.at++
	}
	return args, true
}

// closing returns the byte that ends what the given one opens; 0 if none.
func closing(open byte) byte {
	switch open {
	case '\'', '"', '`':
		return open
	case '[':
		return ']'
	}
	return 0
}

func unquote(s string) string {
	if len(s) < 2 || closing(s[0]) == 0 || s[len(s)-1] != closing(s[0]) {
		return s
	}
	end := s[len(s)-1:]
	return strings.ReplaceAll(s[1:len(s)-1], end+end, end)
}

func isNameByte(b byte) bool {
	return b == '_' || b == '$' || b >= 0x80 ||
		b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
