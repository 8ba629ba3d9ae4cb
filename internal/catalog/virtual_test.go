package catalog

import (
	"slices"
	"testing"
)

func TestParseVirtual(t *testing.T) {
	for _, tc := range []struct {
		text   string
		module string // "" if it is no virtual table
		args   []string
		bad    bool
	}{
		{"CREATE TABLE a(id INT)", "", nil, false},
		{"CREATE VIRTUAL TABLE a USING fts5(body, content='posts', content_rowid='id')", "fts5", []string{"body", " content='posts'", " content_rowid='id'"}, false},
		{"create virtual table if not exists \"x\"\"y\".[a b] using FTS4 ( content=\"po,sts\" )", "fts4", []string{" content=\"po,sts\" "}, false},
		{"CREATE /* VIRTUAL */ TABLE virtual(a)", "", nil, false},
		{"CREATE -- x\nVIRTUAL TABLE `a` USING rtree", "rtree", nil, false},
		{"CREATE VIRTUAL TABLE a USING m(f(1, 2), 'it''s', [x)])", "m", []string{"f(1, 2)", " 'it''s'", " [x)]"}, false},
		{"CREATE VIRTUAL TABLE a USING fts5(body, /* x */ content=posts)", "fts5", []string{"body"}, true},
		{"CREATE VIRTUAL TABLE a USING fts5(body, 'open", "fts5", []string{"body"}, true},
		{"CREATE VIRTUAL TABLE a USING fts5(body", "fts5", nil, true},
		{"CREATE VIRTUAL TABLE a NOT USING fts5(body)", "?", nil, true},
		{"CREATE VIRTUAL TABLE", "?", nil, true},
		{"", "", nil, false},
	} {
		v, ok := parseVirtual(tc.text)
		if ok != (tc.module != "") || v.module != tc.module || v.bad != tc.bad || !slices.Equal(v.args, tc.args) {
			t.Errorf("%s\n  gives %+v, %v", tc.text, v, ok)
		}
	}
}

// Full-text tables whose content is another table, in the spellings that SQLite
// takes. The full-text modules may not be compiled in, so no database is asked.
func TestVirtualContent(t *testing.T) {
	for text, want := range map[string][]string{
		"CREATE VIRTUAL TABLE f USING fts5(body, content='Posts')":          {"f", "posts"},
		"CREATE VIRTUAL TABLE f USING fts5(body, CONTENT = \"posts\" )":     {"f", "posts"},
		"CREATE VIRTUAL TABLE f USING fts5(body, content=[posts])":          {"f", "posts"},
		"CREATE VIRTUAL TABLE f USING fts4(content=`posts`, body)":          {"f", "posts"},
		"CREATE VIRTUAL TABLE f USING fts5(body, content='')":               {"f"},
		"CREATE VIRTUAL TABLE f USING fts5(content, content_rowid='posts')": {"f"},
		"CREATE VIRTUAL TABLE f USING fts5(body, content='po'sts')":         nil,
		"CREATE VIRTUAL TABLE f USING fts5(body, content='po''sts')":        nil,
		"CREATE VIRTUAL TABLE f USING fts5(body, -- c\ncontent='posts')":    nil,
		"CREATE VIRTUAL TABLE f USING fts5vocab(g, 'row')":                  nil,
		"CREATE VIRTUAL TABLE f USING csv(filename='x')":                    nil,
	} {
		l := &loader{facts: newFacts()}
		l.table("posts")
		l.sqliteObject(sqliteObject{kind: "table", name: "f", table: "f", text: text})
		c := l.catalog()
		got, reason := c.Reads([]string{"f"})
		if want == nil {
			if reason == "" {
				t.Errorf("%s: read as %v", text, got)
			}
			continue
		}
		if reason != "" || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %q; want %v", text, got, reason, want)
		}
	}
}
