package sqlscan

import "strings"

// VolatileText reports whether a database could read s as a moving time: whether
// it holds one of now, today, tomorrow, yesterday (PostgreSQL and SQLite) or
// subsec, subsecond (SQLite, as a time value) as a whole word in any case. Blanks
// around s do not count; without them, more than 64 bytes are no time.
func VolatileText(s string) bool {
	if len(s) < 3 {
		return false
	}
	s = strings.Trim(s, " \t\n\v\f\r")
	if len(s) > 64 {
		return false
	}
	for i := 0; i < len(s); {
		if !letter(s[i]) {
			i++
			continue
		}
		j := i
		for j < len(s) && letter(s[j]) {
			j++
		}
		if movingWord(s[i:j]) {
			return true
		}
		i = j
	}
	return false
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func movingWord(w string) bool {
	switch len(w) {
	case 3:
		return strings.EqualFold(w, "now")
	case 5:
		return strings.EqualFold(w, "today")
	case 6:
		return strings.EqualFold(w, "subsec")
	case 8:
		return strings.EqualFold(w, "tomorrow")
	case 9:
		return strings.EqualFold(w, "yesterday") || strings.EqualFold(w, "subsecond")
	}
	return false
}

// volatileLiteral is VolatileText for the body of a string as it stands in a
// text, whose backslashes a server may or may not read as escapes.
func volatileLiteral(body string) bool {
	if VolatileText(body) {
		return true
	}
	return strings.IndexByte(body, '\\') >= 0 && len(body) <= 1024 && VolatileText(unescape(body))
}

// unescape reads the backslash escapes of PostgreSQL and MySQL generously: what
// is no escape stands for itself.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		base, most, at := 0, 0, i+1
		switch c := s[i]; {
		case c >= '0' && c <= '7':
			base, most, at = 8, 3, i
		case c == 'x':
			base, most = 16, 2
		case c == 'u':
			base, most = 16, 4
		case c == 'U':
			base, most = 16, 8
		}
		v, n := 0, 0
		for n < most && at+n < len(s) {
			d := digit(s[at+n])
			if d >= base {
				break
			}
			v, n = v*base+d, n+1
		}
		switch {
		case n > 0:
			b.WriteRune(rune(v))
			i = at + n - 1
		case strings.IndexByte("bfnrt0", s[i]) >= 0:
			b.WriteByte(' ')
			// n could also stand for itself where backslashes do nothing
			if s[i] == 'n' || s[i] == 't' {
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return 99
}
