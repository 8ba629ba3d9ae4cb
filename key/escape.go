package key

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	separator = ':'
	escape    = '%'
	hexDigits = "0123456789ABCDEF"
)

var errBadEscape = errors.New("'%' without two hexadecimal digits after it; write a literal '%' as %25")

// appendEscaped appends s as it is printed inside a segment.
func appendEscaped(b []byte, s string) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if literal(r, size) {
			b = append(b, s[:size]...)
		} else {
			for i := range size {
				b = append(b, escape, hexDigits[s[i]>>4], hexDigits[s[i]&15])
			}
		}
		s = s[size:]
	}
	return b
}

// literal reports whether a rune, size bytes wide in its text, stands for itself in a segment.
func literal(r rune, size int) bool {
	if r == utf8.RuneError && size == 1 {
		return false // not UTF-8
	}
	if r < utf8.RuneSelf {
		// '*', '?', '[', ']' and '\' are wildcards here or in Redis; braces choose a Redis
		// Cluster slot; quotes would have to be escaped again in shells and logs.
		return r > ' ' && r < 0x7f && !strings.ContainsRune(`:%*?[]{}\"'`+"`", r)
	}
	return unicode.IsPrint(r)
}

// unescape is the inverse of appendEscaped; it also takes lower-case digits and escapes that were
// not needed.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, escape) < 0 {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != escape {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", errBadEscape
		}
		hi, ok1 := unhex(s[i+1])
		lo, ok2 := unhex(s[i+2])
		if !ok1 || !ok2 {
			return "", errBadEscape
		}
		b = append(b, hi<<4|lo)
		i += 2
	}
	return string(b), nil
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
