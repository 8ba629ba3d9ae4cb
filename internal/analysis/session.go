package analysis

import (
	"regexp"
	"strings"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

var autocommitOn = regexp.MustCompile(`autocommit\s*:?=\s*(1|on|true)\b`)

// session looks in a lower-case text, which sets something or is not
// understood, for what makes later reads of its connection unsafe. A name in
// a comment is taken for it, too.
func (a *Analyzer) session(text string) (unsafe, attach bool) {
	switch a.dialect {
	case sqlscan.MySQL, sqlscan.SQLServer:
		return strings.Contains(text, "uncommitted") ||
			strings.Contains(text, "autocommit") && !autocommitOn.MatchString(text) ||
			strings.Contains(text, "implicit_transactions"), false
	case sqlscan.SQLite:
		return strings.Contains(text, "read_uncommitted"), strings.Contains(text, "attach")
	}
	return false, false
}

// isSelect tells whether a text of an unknown dialect starts as a plain read.
func isSelect(text string) bool {
	text = strings.TrimSpace(text)
	return len(text) > 6 && strings.EqualFold(text[:6], "select")
}
