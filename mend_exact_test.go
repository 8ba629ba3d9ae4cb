package querycache

import (
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache/internal/sqlscan"
)

// What the scanner says is understood.
func TestMendsOfWhatIsImpure(t *testing.T) {
	t.Parallel()
	const (
		sqlite, postgres, mysql, sqlserver = sqlscan.SQLite, sqlscan.Postgres, sqlscan.MySQL, sqlscan.SQLServer
		locking, sequence, session         = "none: a locking read", "none: what a sequence gives", "pass it as an argument"
	)
	for _, c := range []struct {
		dialect    sqlscan.Dialect
		text, mend string
	}{
		{postgres, "SELECT * FROM t FOR UPDATE", locking},
		{postgres, "SELECT * FROM t FOR SHARE SKIP LOCKED", locking},
		{mysql, "SELECT * FROM t LOCK IN SHARE MODE", locking},
		{sqlserver, "SELECT * FROM t WITH (UPDLOCK)", locking},
		{postgres, "SELECT nextval('s') FROM t", sequence},
		{mysql, "SELECT nextval(s) FROM t", sequence},
		{mysql, "SELECT last_insert_id() FROM t", sequence},
		{sqlserver, "SELECT NEXT VALUE FOR s FROM t", sequence},
		{postgres, "SELECT * FROM t WHERE a = current_user", session},
		{postgres, "SELECT * FROM t WHERE a = CURRENT_ROLE", session},
		{postgres, "SELECT * FROM t WHERE a = current_setting('b')", session},
		{mysql, "SELECT * FROM t WHERE a = current_user()", session},
		{mysql, "SELECT * FROM t WHERE a = DATABASE()", session},
		{sqlserver, "SELECT * FROM t WHERE a = SYSTEM_USER", session},
		{mysql, "SELECT * FROM t WHERE a = @b", "pass its value"},
		{sqlite, "SELECT * FROM sqlite_master", "none: what the database keeps"},
		{sqlite, "SELECT * FROM t; SELECT * FROM t", "send each statement"},
		{sqlite, "SELECT * FROM t WHERE a < CURRENT_TIMESTAMP", ReasonImpure.Mend()},
		{postgres, "SELECT * FROM t WHERE a < now()", ReasonImpure.Mend()},
		{sqlite, "SELECT users_of(a) FROM t", ReasonImpure.Mend()},
	} {
		detail := sqlscan.Scan(c.dialect, c.text, nil).Impure
		if mend := mendOf(ReasonImpure, detail); detail == "" || !strings.HasPrefix(mend, c.mend) {
			t.Errorf("%s: %q: %s", c.text, detail, mend)
		}
	}
	for r := range mends {
		if mendOf(r, "") != r.Mend() || mendOf(r, "locking clause of something else") != r.Mend() {
			t.Errorf("%s: another mend than that of the reason", r)
		}
	}
}
