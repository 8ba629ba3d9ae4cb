package catalog

import (
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// needDSN returns the DSN of a server to test on. Without one the test is
// skipped, or fails where QUERYCACHE_REQUIRE names the server.
func needDSN(t testing.TB, variable, server string) string {
	t.Helper()
	dsn := os.Getenv(variable)
	if dsn != "" {
		return dsn
	}
	if strings.Contains(os.Getenv("QUERYCACHE_REQUIRE"), server) {
		t.Fatalf("%s is not set, and QUERYCACHE_REQUIRE asks for %s", variable, server)
	}
	t.Skipf("%s is not set: no %s to test on", variable, server)
	return ""
}
