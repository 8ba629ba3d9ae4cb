package querycache

import (
	"os"
	"path/filepath"
	"testing"

	"gorm.io/driver/sqlite"
)

// Two pools on one shared in-memory database are one database, whatever else
// their DSNs say; private ones are not.
func TestInMemoryDatabasesAreToldApart(t *testing.T) {
	name := func(dsn, pool, plugin string) string { return memoryIdentity(sqlite.Open(dsn), pool, plugin) }
	if a, b := name("file::memory:?cache=shared", "1", "p"), name("file::memory:?_fk=1&cache=shared", "2", "q"); a != b {
		t.Errorf("a shared database has two names: %s, %s", a, b)
	}
	if a, b := name("file:a?mode=memory&cache=shared", "1", "p"), name("file:b?mode=memory&cache=shared", "1", "p"); a == b {
		t.Errorf("two shared databases have one name: %s", a)
	}
	if a, b := name(":memory:", "1", "p"), name(":memory:", "2", "p"); a == b {
		t.Errorf("two private databases have one name: %s", a)
	}
	if a, b := name("", "1", "p"), name("", "2", "p"); a != b {
		t.Errorf("two pools that were handed to one plugin may be one database, but are %s and %s", a, b)
	}
}

// A statement that failed on a server may be applied later, even if the server
// speaks SQLite's dialect.
func TestOnlyLocalDatabasesSettleTheirErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scope, dsn string
		want       bool
	}{
		{"sqlite:" + file, file, true},
		{"", ":memory:", true},
		{"", "file:a?mode=memory&cache=shared", true},
		{"sqlite:/var/lib/remote/data", "libsql://example.test", false},
		{"", "libsql://example.test", false},
	} {
		if got := isLocal(c.scope, sqlite.Open(c.dsn)); got != c.want {
			t.Errorf("isLocal(%q, %q) = %v", c.scope, c.dsn, got)
		}
	}
}
