package catalog

import (
	"fmt"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// columns reads the columns that matter: those of primary keys, and those that
// are computed as they are read. The order of a key and how much of a column is
// in it stand in another list. Names that fold to the same are one to the server
// too, so the other columns need not be seen.
func (m *mysqlLoader) columns() error {
	expression := "COALESCE(GENERATION_EXPRESSION, '')"
	if m.strict {
		expression = "''" // not needed, and old servers do not have it
	}
	keys := myKeys{}
	err := m.each("list columns", `SELECT 'column', TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, 0,
		DATA_TYPE, COALESCE(COLLATION_NAME, ''), EXTRA, `+expression+`
		FROM information_schema.COLUMNS WHERE TABLE_SCHEMA`+mySchemas+`AND (COLUMN_KEY = 'PRI' OR EXTRA LIKE '%VIRTUAL%')
		UNION ALL SELECT 'part', TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, SEQ_IN_INDEX,
		CASE WHEN SUB_PART IS NULL THEN '' ELSE 'prefix' END, '', '', ''
		FROM information_schema.STATISTICS WHERE TABLE_SCHEMA`+mySchemas+`AND INDEX_NAME = 'PRIMARY'`,
		func(scan func(...any) error) error {
			var (
				t          myTable
				c          myColumn
				kind, text string
				position   int
			)
			if err := scan(&kind, &t.schema, &t.name, &c.name, &position, &c.kind, &c.collation, &c.extra, &text); err != nil {
				return err
			}
			if kind == "part" {
				keys.part(t, c.name, position, c.kind == "prefix")
				return nil
			}
			keys.column(t, c)
			if !m.strict && contains(c.extra, "virtual") {
				m.virtual(t.name, c.name, text)
			}
			return nil
		})
	if err != nil {
		return err
	}
	for _, t := range m.found {
		m.at(t.name).identify(keys.of(t))
	}
	return nil
}

// virtual refuses reads of a table with a column that is computed as it is
// read, unless its expression depends on the row alone. MariaDB lets it depend
// on the moment and the session. What it computes when a row is written is data.
func (m *mysqlLoader) virtual(table, column, expression string) {
	why := ""
	res := sqlscan.Scan(m.dialect, "SELECT "+expression, m.options)
	switch {
	case expression == "":
		why = "its expression cannot be seen"
	case res.Impure != "": // which a refused text is too
		why = res.Impure
	case len(res.Reads) > 0 || !res.ReadOnly():
		why = "its expression is more than one"
	}
	if why != "" {
		first(&m.at(table).hard, fmt.Sprintf("its virtual column %q: %s", column, why))
	}
}
