package catalog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

func TestMySQLKeys(t *testing.T) {
	db, config := mysqlDatabase(t)
	maria := isMariaDB(t, db)
	exec(t, db,
		`CREATE TABLE zy_users(Id bigint unsigned AUTO_INCREMENT PRIMARY KEY, name varchar(20) UNIQUE,
			v int AS (id + 1) VIRTUAL, changed timestamp DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)`,
		`CREATE TABLE zy_flags(id boolean PRIMARY KEY)`, `CREATE TABLE zy_small(id mediumint PRIMARY KEY) ENGINE=MyISAM`,
		`CREATE TABLE zy_names(name varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci PRIMARY KEY)`,
		`CREATE TABLE zy_chars(id char(36) CHARACTER SET ascii COLLATE ascii_bin DEFAULT (uuid()) PRIMARY KEY)`,
		`CREATE TABLE zy_pairs(b int, a varchar(9), n int, PRIMARY KEY (a, b))`,
		`CREATE TABLE zy_child(id int PRIMARY KEY, user bigint unsigned, FOREIGN KEY (user) REFERENCES zy_users(id) ON DELETE CASCADE)`,
		`CREATE TABLE zy_tree(id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES zy_tree(id) ON DELETE RESTRICT ON UPDATE NO ACTION)`,
		`CREATE TABLE zy_parts(id int PRIMARY KEY, n int) PARTITION BY HASH (id) PARTITIONS 3`,

		`CREATE TABLE zy_no_key(id int)`, `CREATE TABLE zy_unique(id int NOT NULL UNIQUE)`,
		`CREATE TABLE zy_bits(id bit(8) PRIMARY KEY)`, `CREATE TABLE zy_decimals(id decimal(9,0) PRIMARY KEY)`,
		`CREATE TABLE zy_years(id year PRIMARY KEY)`, `CREATE TABLE zy_enums(id enum('a', 'b') PRIMARY KEY)`,
		`CREATE TABLE zy_sets(id set('a', 'b') PRIMARY KEY)`, `CREATE TABLE zy_bytes(id varbinary(9) PRIMARY KEY)`,
		`CREATE TABLE zy_dates(id date PRIMARY KEY)`, `CREATE TABLE zy_floats(id double PRIMARY KEY)`,
		`CREATE TABLE zy_half(a int, b date, PRIMARY KEY (a, b))`,
		`CREATE TABLE zy_prefix(id varchar(20), PRIMARY KEY (id(3)))`, `CREATE TABLE zy_text(id text, PRIMARY KEY (id(30)))`,
		`CREATE TABLE zy_lithuanian(id varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_lithuanian_ci PRIMARY KEY)`,
		`CREATE TABLE zy_memory(id int PRIMARY KEY) ENGINE=MEMORY`,
		`CREATE TABLE zy_csv(id int NOT NULL) ENGINE=CSV`,
		`CREATE TABLE zy_merged(id mediumint PRIMARY KEY) ENGINE=MERGE UNION=(zy_small)`,
		`CREATE TABLE zy_self_delete(id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES zy_self_delete(id) ON DELETE CASCADE)`,
		`CREATE TABLE zy_self_null(id int PRIMARY KEY, parent int, FOREIGN KEY (parent) REFERENCES zy_self_null(id) ON DELETE SET NULL)`,
		`CREATE TABLE zy_hen(id int PRIMARY KEY, egg int)`,
		`CREATE TABLE zy_egg(id int PRIMARY KEY, hen int, FOREIGN KEY (hen) REFERENCES zy_hen(id) ON DELETE CASCADE)`,
		`ALTER TABLE zy_hen ADD FOREIGN KEY (egg) REFERENCES zy_egg(id) ON DELETE SET NULL`,
		`CREATE TABLE zy_fired(id int PRIMARY KEY)`,
		`CREATE TRIGGER zy_g BEFORE INSERT ON zy_fired FOR EACH ROW SET NEW.id = NEW.id + 1`,
		`CREATE VIEW zy_seen AS SELECT * FROM zy_small`,
	)
	want := []string{
		"ZY_USERS", "id integer", "zy_flags", "id integer", "zy_small", "id integer", "zy_names", "name text",
		"zy_chars", "id text", "zy_pairs", "a text, b integer", "zy_child", "id integer", "zy_tree", "id integer",
		"zy_parts", "id integer",
		"zy_no_key", "", "zy_unique", "", "zy_bits", "", "zy_decimals", "", "zy_years", "", "zy_enums", "", "zy_sets", "",
		"zy_bytes", "", "zy_dates", "", "zy_floats", "", "zy_half", "", "zy_prefix", "", "zy_text", "", "zy_lithuanian", "",
		"zy_memory", "", "zy_csv", "", "zy_merged", "", "zy_self_delete", "", "zy_self_null", "",
		"zy_hen", "", "zy_egg", "", "zy_fired", "", "zy_seen", "",
	}
	if maria {
		exec(t, db,
			`CREATE TABLE zy_uuids(id uuid DEFAULT uuid() PRIMARY KEY)`, `CREATE TABLE zy_aria(id int PRIMARY KEY) ENGINE=Aria`,
			`CREATE TABLE zy_invisible(id int AUTO_INCREMENT INVISIBLE PRIMARY KEY, n int)`,
			`CREATE TABLE zy_versions(id int PRIMARY KEY) WITH SYSTEM VERSIONING`,
			`CREATE SEQUENCE zy_sequence`,
			`CREATE TABLE zy_period(id int, s date, e date, PERIOD FOR p(s, e), PRIMARY KEY (id, p WITHOUT OVERLAPS))`,
		)
		want = append(want, "zy_uuids", "id text", "zy_aria", "id integer", "zy_invisible", "id integer",
			"zy_versions", "", "zy_sequence", "", "zy_period", "")
	}
	c := load(t, db, sqlscan.MySQL)
	wantKeys(t, c, want...)
	wantKeys(t, c.Declare(map[string][]string{"zy_child": {"zy_users"}, "zy_csv": {"zy_names"}}),
		"zy_users", "", "zy_child", "", "zy_csv", "", "zy_names", "name text")

	t.Run("another schema", func(t *testing.T) {
		other, _ := mysqlDatabase(t)
		exec(t, other,
			`CREATE TABLE zy_small(ID int PRIMARY KEY, x int)`, `CREATE TABLE zy_flags(id int)`,
			`CREATE TABLE zy_names(name int PRIMARY KEY)`, `CREATE VIEW zy_tree AS SELECT 1 AS id`,
		)
		wantKeys(t, load(t, db, sqlscan.MySQL), "zy_small", "id integer", "zy_flags", "", "zy_names", "", "zy_tree", "",
			"zy_pairs", "a text, b integer")
	})

	t.Run("poor roles", func(t *testing.T) {
		role := randomName(t)[:20]
		exec(t, db, `CREATE USER '`+role+`'@'%'`)
		defer exec(t, db, `DROP USER '`+role+`'@'%'`)
		poorConfig := config.Clone()
		poorConfig.User, poorConfig.Passwd = role, ""
		// Of a key of two columns, this role sees one.
		exec(t, db, `GRANT SELECT (a, n), UPDATE (n) ON zy_pairs TO '`+role+`'@'%'`)
		sees := func(pairs ...string) {
			t.Helper()
			poor := openMySQL(t, poorConfig)
			defer poor.Close()
			wantKeys(t, load(t, poor, sqlscan.MySQL), pairs...)
		}
		sees("zy_pairs", "", "zy_tree", "")
		exec(t, db, `GRANT TRIGGER ON zy_pairs TO '`+role+`'@'%'`)
		sees("zy_pairs", "") // it sees that b is a part of the key, but not b
		exec(t, db, `REVOKE TRIGGER ON zy_pairs FROM '`+role+`'@'%'`)
		exec(t, db, `GRANT SELECT, INSERT, UPDATE, DELETE ON zy_pairs TO '`+role+`'@'%'`)
		sees("zy_pairs", "") // a trigger may be hidden
		exec(t, db, `GRANT TRIGGER ON zy_pairs TO '`+role+`'@'%'`, `GRANT SELECT ON zy_small TO '`+role+`'@'%'`)
		sees("zy_pairs", "", "zy_small", "") // and what keys tie to the other
		exec(t, db, `GRANT ALL ON `+config.DBName+`.* TO '`+role+`'@'%'`)
		sees("zy_pairs", "a text, b integer", "zy_small", "id integer", "zy_half", "")
	})
}

// In collations that are let through, folded ASCII equals nothing but itself;
// in some others it does.
func TestMySQLPlainCollations(t *testing.T) {
	db, _ := mysqlDatabase(t)
	db.SetMaxOpenConns(1)
	column, list := "COLLATION_NAME", "information_schema.COLLATION_CHARACTER_SET_APPLICABILITY"
	if isMariaDB(t, db) {
		column = "FULL_COLLATION_NAME"
	}
	var letters, all []string
	for b := byte('!'); b <= '~'; b++ {
		if b < 'A' || b > 'Z' {
			all = append(all, string(b))
		}
	}
	letters = all[slices.Index(all, "a") : slices.Index(all, "z")+1]
	texts := slices.Clone(all)
	for _, a := range append([]string{" "}, all...) {
		for _, b := range all {
			texts = append(texts, a+b)
		}
	}
	for _, a := range letters {
		for _, b := range letters {
			for _, c := range letters {
				texts = append(texts, a+b+c)
			}
		}
	}
	exec(t, db, `CREATE TABLE zy_ascii(s varchar(3) CHARACTER SET ascii COLLATE ascii_bin)`)
	for chunk := range slices.Chunk(texts, 4000) {
		args := make([]any, len(chunk))
		for i, s := range chunk {
			args[i] = s
		}
		if _, err := db.Exec("INSERT INTO zy_ascii VALUES "+strings.TrimSuffix(strings.Repeat("(?),", len(chunk)), ","), args...); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.Query(`SELECT ` + column + `, CHARACTER_SET_NAME FROM ` + list)
	if err != nil {
		t.Fatal(err)
	}
	var names [][2]string
	for rows.Next() {
		var name, charset string
		if err := rows.Scan(&name, &charset); err != nil {
			t.Fatal(err)
		}
		names = append(names, [2]string{name, charset})
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	rows.Close()
	plain := 0
	for _, n := range names {
		tested := strings.HasSuffix(n[0], "lithuanian_ci") && n[1] == "utf8mb4"
		if !plainCollation(n[0]) && !tested {
			continue
		}
		var distinct int
		err := db.QueryRow(fmt.Sprintf(`SELECT COUNT(DISTINCT CONVERT(s USING %s) COLLATE %s) FROM zy_ascii`, n[1], n[0])).Scan(&distinct)
		if err != nil {
			t.Fatalf("%s: %v", n[0], err)
		}
		if same := distinct == len(texts); same == tested {
			t.Errorf("%s: of %d texts %d differ", n[0], len(texts), distinct)
		}
		plain++
	}
	if plain < 15 {
		t.Errorf("only %d collations were looked at", plain)
	}
}
