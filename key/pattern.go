package key

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrMalformedPattern is returned by ParsePattern.
var ErrMalformedPattern = errors.New("key: malformed key pattern")

// maxWildcardSegment bounds a segment that holds wildcards, so that matching a key costs time linear
// in the key's length whatever the pattern: at most this many steps per character.
const maxWildcardSegment = 1024

// KeyPattern selects keys, part by part. Within a part '*' stands for any run of characters, none
// included, and '?' for exactly one character (one byte where the part is not UTF-8). A part is
// always matched whole.
//
// The zero KeyPattern matches the zero CacheKey only; All matches every key. A KeyPattern does not
// change and is safe for concurrent use.
type KeyPattern struct {
	segs [segments]segment
}

// segment is one part of a pattern: a literal, or a list of symbols when it has wildcards.
type segment struct {
	literal string
	symbols []symbol // nil for a literal
}

// symbol is a character, a byte that is no UTF-8 (as invalidByte + the byte), or a wildcard.
type symbol = rune

const (
	anyRun      symbol = -1
	anyOne      symbol = -2
	invalidByte symbol = utf8.MaxRune + 1
)

var wildcard = segment{symbols: []symbol{anyRun}}

// All returns the pattern that matches every key.
func All() KeyPattern {
	var p KeyPattern
	for i := range p.segs {
		p.segs[i] = wildcard
	}
	return p
}

// Tenant returns the pattern for all keys of one tenant, taken literally.
func Tenant(tenant string) KeyPattern {
	p := All()
	p.segs[2] = segment{literal: tenant}
	return p
}

// Entity returns the pattern for all keys of one table or model, taken literally.
func Entity(entity string) KeyPattern {
	p := All()
	p.segs[3] = segment{literal: entity}
	return p
}

// Operation returns the pattern for all keys of one way to read, such as "count", taken literally.
func Operation(operation string) KeyPattern {
	p := All()
	p.segs[4] = segment{literal: operation}
	return p
}

// ParsePattern reads a pattern: six segments with ':' between them, as a printed CacheKey has, in
// which '*' and '?' are wildcards and %XX is the byte XX taken literally. A printed CacheKey is the
// pattern of that one key. Characters that a key would print escaped may stand for themselves. A
// segment with wildcards holds at most 1024 characters. Errors wrap ErrMalformedPattern.
func ParsePattern(s string) (KeyPattern, error) {
	texts, err := split(s)
	if err != nil {
		return KeyPattern{}, fmt.Errorf("%w: %w; write '*' for a segment that may be anything", ErrMalformedPattern, err)
	}
	var p KeyPattern
	for i, text := range texts {
		p.segs[i], err = parseSegment(text)
		if err != nil {
			return KeyPattern{}, fmt.Errorf("%w: %s: %w", ErrMalformedPattern, segmentNames[i], err)
		}
	}
	return p, nil
}

// String prints the pattern so that ParsePattern gives it back.
func (p KeyPattern) String() string {
	var b []byte
	for i, seg := range p.segs {
		if i > 0 {
			b = append(b, separator)
		}
		b = seg.append(b)
	}
	return string(b)
}

// Match reports whether every part of k matches. It does not allocate, and takes time linear in the
// length of the key.
func (p KeyPattern) Match(k CacheKey) bool {
	for i, part := range k.parts() {
		if !p.segs[i].match(part) {
			return false
		}
	}
	return true
}

func parseSegment(text string) (segment, error) {
	// Wildcards are told from escaped characters before unescaping, run by run: what stands between
	// two wildcards is unescaped as one text, so that the bytes of an escaped character meet.
	var symbols []symbol
	wild, start := false, 0
	var plain string
	flush := func(end int) error {
		var err error
		if plain, err = unescape(text[start:end]); err != nil {
			return err
		}
		if wild {
			symbols = appendSymbols(symbols, plain)
		}
		return nil
	}
	for i := range len(text) {
		c := text[i]
		if c != '*' && c != '?' {
			continue
		}
		wild = true
		if err := flush(i); err != nil {
			return segment{}, err
		}
		start = i + 1
		switch {
		case c == '?':
			symbols = append(symbols, anyOne)
		case len(symbols) == 0 || symbols[len(symbols)-1] != anyRun:
			symbols = append(symbols, anyRun)
		}
	}
	if err := flush(len(text)); err != nil {
		return segment{}, err
	}
	if !wild {
		return segment{literal: plain}, nil
	}
	if len(symbols) > maxWildcardSegment {
		return segment{}, fmt.Errorf("%d characters in a segment with wildcards, at most %d are allowed",
			len(symbols), maxWildcardSegment)
	}
	return segment{symbols: symbols}, nil
}

func appendSymbols(out []symbol, s string) []symbol {
	for len(s) > 0 {
		sym, size := firstSymbol(s)
		out = append(out, sym)
		s = s[size:]
	}
	return out
}

func firstSymbol(s string) (symbol, int) {
	r, size := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && size == 1 {
		return invalidByte + symbol(s[0]), 1
	}
	return r, size
}

func (g segment) append(b []byte) []byte {
	if g.symbols == nil {
		return appendEscaped(b, g.literal)
	}
	var buf [utf8.UTFMax]byte
	for _, sym := range g.symbols {
		switch {
		case sym == anyRun:
			b = append(b, '*')
		case sym == anyOne:
			b = append(b, '?')
		case sym >= invalidByte:
			b = appendEscaped(b, string([]byte{byte(sym - invalidByte)}))
		default:
			b = appendEscaped(b, string(utf8.AppendRune(buf[:0], sym)))
		}
	}
	return b
}

// match never goes back further than the last '*': if the symbols since then match somewhere, the
// first place is as good as any later one.
func (g segment) match(s string) bool {
	if g.symbols == nil {
		return g.literal == s
	}
	at, star, retry := 0, -1, ""
	for len(s) > 0 {
		sym, size := firstSymbol(s)
		switch {
		case at < len(g.symbols) && g.symbols[at] == anyRun:
			at++
			star, retry = at, s
		case at < len(g.symbols) && (g.symbols[at] == anyOne || g.symbols[at] == sym):
			at++
			s = s[size:]
		case star >= 0:
			_, size = firstSymbol(retry)
			retry = retry[size:]
			at, s = star, retry
		default:
			return false
		}
	}
	for at < len(g.symbols) && g.symbols[at] == anyRun {
		at++
	}
	return at == len(g.symbols)
}
