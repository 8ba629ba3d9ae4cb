package catalog

import "testing"

func TestGrants(t *testing.T) {
	for _, tc := range []struct {
		grants        []string
		schema, table string
		trigger       bool
	}{
		{nil, "s", "t", false},
		{[]string{"GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION"}, "s", "t", true},
		{[]string{"GRANT ALL PRIVILEGES ON `s`.* TO `u`@`%`"}, "s", "t", true},
		{[]string{"GRANT ALL PRIVILEGES ON `s`.* TO `u`@`%`"}, "other", "t", false},
		{[]string{"GRANT SELECT, INSERT, TRIGGER ON `s`.`t` TO 'u'@'%'"}, "s", "t", true},
		{[]string{"GRANT TRIGGER ON `s`.`t` TO `u`@`%`"}, "s", "t2", false},
		{[]string{"GRANT SELECT ON `s`.* TO `u`@`%`"}, "s", "t", false},
		{[]string{"GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD 'TRIGGER ON `s`'"}, "s", "t", false},
		{[]string{"GRANT TRIGGER ON `a%\\_x_`.* TO `u`@`%`"}, "abc_xy", "t", true},
		{[]string{"GRANT TRIGGER ON `a%\\_x_`.* TO `u`@`%`"}, "abcdxy", "t", false},
		{[]string{"GRANT TRIGGER ON `a_`.`t` TO `u`@`%`"}, "ab", "t", false}, // patterns are for schemas only
		{[]string{"GRANT TRIGGER (a, b), SELECT ON `s`.`t` TO `u`@`%`"}, "s", "t", false},
		{[]string{"GRANT TRIGGER ON *.* TO `u`@`%`", "REVOKE TRIGGER ON `s`.* FROM `u`@`%`"}, "s", "t", false},
		{[]string{"GRANT TRIGGER ON *.* TO `u`@`%`", "REVOKE TRIGGER ON `s`.* FROM `u`@`%`"}, "s2", "t", true},
		{[]string{"GRANT `TRIGGER`@`%` TO `u`@`%`", "SET DEFAULT ROLE `r` FOR `u`@`%`", "GRANT PROXY ON ''@'%' TO `u`@`%`"}, "s", "t", false},
		{[]string{"GRANT TRIGGER ON `a``b`.`c` TO `u`@`%`"}, "a`b", "c", true},
		{[]string{"GRANT EXECUTE ON PROCEDURE `s`.`t` TO `u`@`%`", "GRANT TRIGGER ON `unterminated", "GRANT ON", "GRANT TRIGGER ON `s`"}, "s", "t", false},
	} {
		var g grants
		for _, text := range tc.grants {
			g.add(text)
		}
		if got := g.allow(tc.schema, tc.table, "TRIGGER"); got != tc.trigger {
			t.Errorf("%q: TRIGGER on %s.%s = %v", tc.grants, tc.schema, tc.table, got)
		}
	}
}
