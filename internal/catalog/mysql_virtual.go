package catalog

import (
	"fmt"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// virtualColumns refuses reads of tables with a column that is computed as it
// is read, unless its expression depends on the row alone. MariaDB lets it
// depend on the moment and the session. What it computes when a row is written
// is data.
func (m *mysqlLoader) virtualColumns() error {
	if m.strict {
		return nil
	}
	return m.each("list virtual columns", `SELECT TABLE_NAME, COLUMN_NAME, COALESCE(GENERATION_EXPRESSION, '')
		FROM information_schema.COLUMNS WHERE EXTRA LIKE '%VIRTUAL%' AND TABLE_SCHEMA`+mySchemas,
		func(scan func(...any) error) error {
			var table, column, expression string
			if err := scan(&table, &column, &expression); err != nil {
				return err
			}
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
			return nil
		})
}
