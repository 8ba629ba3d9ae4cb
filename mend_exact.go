package querycache

import (
	"regexp"
	"strings"
)

// exactMends are for refusals whose detail tells more than their reason does. The
// first that matches counts. $1 is what the detail calls.
var exactMends = []struct {
	reason Reason
	detail *regexp.Regexp
	mend   string
}{
	{ReasonImpure, regexp.MustCompile(`^(?:locking clause|table hint)$`),
		"none: a locking read always asks the database"},
	{ReasonImpure, regexp.MustCompile(`^(?:keyword|calls) (?:nextval|currval|lastval|setval|next value|last_insert_id|scope_identity)\b`),
		"none: what a sequence gives is for one caller alone"},
	{ReasonImpure, regexp.MustCompile(`^(?:keyword|calls) (?:\w+_user|user|\w+_role|current_catalog|current_schemas?|current_path|current_database|database|schema|current_setting|session_context)(?:$|\(\)$)`),
		"pass it as an argument: what the connection says of itself is not part of the query"},
	{ReasonImpure, regexp.MustCompile(`^session variable `),
		"pass its value as an argument"},
	{ReasonImpure, regexp.MustCompile(`^reads system catalog `),
		"none: what the database keeps about itself is not cached"},
	{ReasonImpure, regexp.MustCompile(`^several statements`),
		"send each statement on its own"},
	{ReasonNotRead, regexp.MustCompile(`^calls ([^(]+)\(\).* may write$`),
		"if it writes nothing, and its result depends on its arguments alone, name it in Config.PureFunctions: $1"},
	{ReasonUnknownTable, regexp.MustCompile(`: its definition calls "([^"]+)", which is not declared immutable$`),
		"if its result depends on its arguments alone, declare it IMMUTABLE and call Reload, or name it in Config.PureFunctions: $1"},
	{ReasonUnknownTable, regexp.MustCompile(`: its definition is not pure: `),
		"change the view, or query its tables and pass what varies, such as the time, as an argument"},
}

// mendOf says what would make a read cacheable that was refused for the reason,
// given the detail.
func mendOf(r Reason, detail string) string {
	for _, m := range exactMends {
		if m.reason != r {
			continue
		}
		if at := m.detail.FindStringSubmatch(detail); at != nil {
			return strings.ReplaceAll(m.mend, "$1", at[len(at)-1])
		}
	}
	return r.Mend()
}
