package difftest

import (
	"fmt"
	"strings"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// writeByKeyRaw writes records by SQL that names them by their keys, or almost.
func writeByKeyRaw(s *scene, d draw) {
	k := tableOf(d)
	exec := func(text string, args ...any) { s.saw(s.db.Exec(text, args...)) }
	t, c := k.table, k.columns[0]
	text, args := k.condition(d)
	if d.chance(60) {
		text, args = k.at(d)
	}
	columns := strings.Join(k.columns, ", ")
	values := func() string { // of one record to insert
		var parts []string
		for _, v := range k.values(d) {
			parts = append(parts, literal(v))
		}
		return strings.Join(parts, ", ")
	}
	if s.dialect != testdb.SQLite && len(args) > 0 && strings.Contains(text, " IN ?") {
		text, args = k.fixed(d), nil // GORM's Exec expands lists too, but some of their values are of no type of the server
	}
	switch d.n(24) {
	case 0, 1:
		exec("UPDATE "+t+" SET n = n + 1 WHERE "+text, args...)
	case 2:
		other, more := k.at(d)
		exec("UPDATE "+t+" SET n = n + 1 WHERE "+other+" OR "+text, append(more, args...)...)
	case 3:
		exec("UPDATE " + t + " SET n = n + 1, name = 'fixed' WHERE " + k.fixed(d))
	case 4:
		exec("UPDATE " + t + " SET n = 2 WHERE " + k.fixed(d) + " OR " + k.fixed(d))
	case 5:
		exec("DELETE FROM "+t+" WHERE "+text, args...)
	case 6:
		exec("DELETE FROM " + t + " WHERE " + k.fixed(d))
	case 7:
		exec("UPDATE "+t+" SET "+c+" = ? WHERE "+text, append([]any{k.values(d)[0]}, args...)...)
	case 8:
		exec("UPDATE "+t+" SET "+c+" = "+c+" + 10 WHERE "+text, args...)
	case 9:
		exec("INSERT INTO " + t + " (" + columns + ", name, n) VALUES (" + values() + ", 'raw', 1)")
	case 10:
		exec("INSERT INTO " + t + " (" + columns + ", name, n) VALUES (" + values() + ", 'raw', 1), (" + values() + ", 'raw', 2)")
	case 11:
		exec("INSERT INTO " + t + " (name, n) VALUES ('counted', 1)")
	case 12, 13: // an insert that takes the place of what is there
		verb := pick(d, "REPLACE INTO", "REPLACE INTO", "INSERT OR REPLACE INTO", "INSERT OR IGNORE INTO", "INSERT IGNORE INTO", "REPLACE")
		if t == "pin_numbers" && d.chance(60) {
			exec(verb+" "+t+" (id, code, name, n) VALUES ("+values()+", ?, 'replaced', 1)", code(d))
			return
		}
		exec(verb + " " + t + " (" + columns + ", name, n) VALUES (" + values() + ", 'replaced', 1)")
	case 14:
		switch s.dialect {
		case testdb.MySQL:
			exec("INSERT INTO " + t + " (" + columns + ", name, n) VALUES (" + values() + ", 'dup', 1) ON DUPLICATE KEY UPDATE n = " + t + ".n + 1")
		default:
			exec("INSERT INTO " + t + " (" + columns + ", name, n) VALUES (" + values() + ", 'dup', 1) ON CONFLICT (" + columns + ") DO UPDATE SET n = " + t + ".n + 1")
		}
	case 15: // without a target, or with the other unique column
		switch s.dialect {
		case testdb.MySQL:
			exec("INSERT INTO pin_numbers (id, code, name, n) VALUES (?, ?, 'dup', 1) ON DUPLICATE KEY UPDATE n = pin_numbers.n + 1", 1+d.n(4), code(d))
		default:
			exec("INSERT INTO pin_numbers (id, code, name, n) VALUES (?, ?, 'dup', 1) ON CONFLICT (code) DO UPDATE SET n = pin_numbers.n + 1", 1+d.n(4), code(d))
		}
	case 16:
		exec("INSERT INTO pin_reused (id, name, n) SELECT id + ?, name, n FROM pin_targets WHERE id = ?", d.n(9), 1+d.n(4))
	case 17:
		exec("INSERT INTO pin_numbers (id, name, n) SELECT 900 + id, name, n FROM pin_numbers WHERE id = ?", 1+d.n(4))
	case 18:
		exec("UPDATE "+t+" SET n = 5 WHERE "+c+" IN (SELECT "+c+" FROM (SELECT "+c+" FROM "+t+" WHERE n > ?) q)", d.n(6))
	case 19:
		if s.dialect == testdb.MySQL {
			exec("UPDATE pin_targets t JOIN pin_sources s ON s.target_id = t.id SET t.n = t.n + 1 WHERE s.id = ?", 1+d.n(4))
		} else {
			exec("UPDATE pin_targets SET n = pin_targets.n + 1 FROM pin_sources s WHERE s.target_id = pin_targets.id AND s.id = ?", 1+d.n(4))
		}
	case 20:
		switch s.dialect {
		case testdb.MySQL:
			exec("UPDATE pin_numbers SET n = 3 WHERE id >= ? ORDER BY id LIMIT 1", 1+d.n(4))
		case testdb.SQLite:
			exec("UPDATE OR REPLACE pin_numbers SET code = ? WHERE id = ?", code(d), 1+d.n(4))
		default:
			exec("UPDATE ONLY pin_numbers SET n = 3 WHERE id = ?", 1+d.n(4))
		}
	case 21:
		if s.dialect == testdb.SQLite {
			exec("UPDATE pin_numbers SET "+pick(d, "rowid", "oid", "_rowid_")+" = ? WHERE id = ?", 1+d.n(4), 1+d.n(4))
			return
		}
		exec("UPDATE "+t+" AS x SET n = 7 WHERE x."+c+" = ?", k.values(d)[0])
	case 22:
		if s.dialect == testdb.SQLite {
			exec("DELETE FROM pin_reused WHERE rowid = ?", d.n(9))
			return
		}
		exec(fmt.Sprintf("WITH w AS (SELECT %d AS id) UPDATE pin_targets SET n = 8 WHERE id IN (SELECT id FROM w)", 1+d.n(4)))
	default:
		exec("UPDATE "+strings.ToUpper(t)+" SET N = N + 1 WHERE "+strings.ToUpper(c)+" = ?", k.values(d)[0])
	}
}
