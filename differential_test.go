package querycache_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	_ "time/tzdata" // the zones of TestDifferentialElsewhere, whatever the machine has

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/difftest"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

func cached() gorm.Plugin { return querycache.New(querycache.Config{}) }

// TestDifferential runs random programs on plain GORM and on GORM with the plugin: nothing but the
// number of queries may differ. QUERYCACHE_DIFF_OPS and QUERYCACHE_DIFF_SEED ask for more.
func TestDifferential(t *testing.T) {
	t.Parallel()
	difftest.Run(t, difftest.Options{Dialect: testdb.SQLite, Ops: 10_000, Plugin: cached, MaxQueries: 0.9})
}

// TestDifferentialThrice makes every read three times: plain, cached, and cached again after everything
// that can be reached from the first result was overwritten.
func TestDifferentialThrice(t *testing.T) {
	t.Parallel()
	difftest.Run(t, difftest.Options{Dialect: testdb.SQLite, Ops: 8000, Seed: 1000, Thrice: true, Plugin: cached, MaxQueries: 0.75})
}

// TestDifferentialPrepared does so in PrepareStmt mode.
func TestDifferentialPrepared(t *testing.T) {
	t.Parallel()
	difftest.Run(t, difftest.Options{Dialect: testdb.SQLite, Ops: 6000, Seed: 2000, Thrice: true, PrepareStmt: true, Plugin: cached, MaxQueries: 0.85})
}

// TestDifferentialConcurrent runs goroutines that write rows of their own and read those of all.
func TestDifferentialConcurrent(t *testing.T) {
	for _, prepared := range []bool{false, true} {
		t.Run(map[bool]string{false: "direct", true: "prepared"}[prepared], func(t *testing.T) {
			difftest.RunConcurrent(t, difftest.Options{
				Dialect: testdb.SQLite, Ops: 6000, PrepareStmt: prepared, Plugin: cached, MaxQueries: 0.9,
			})
		})
	}
}

// TestDifferentialServers runs fewer operations on the databases that are servers. Their commits take long, and what is
// being written is not cached, so fewer queries are saved.
func TestDifferentialServers(t *testing.T) {
	for _, dialect := range []testdb.Dialect{testdb.Postgres, testdb.MySQL} {
		t.Run(string(dialect), func(t *testing.T) {
			if !alone(t, dialect) { // the programs prepare writes past GORM
				return
			}
			t.Run("thrice", func(t *testing.T) {
				difftest.Run(t, difftest.Options{Dialect: dialect, Ops: 1200, Thrice: true, Plugin: cached, MaxQueries: 0.95})
			})
			t.Run("prepared", func(t *testing.T) {
				difftest.Run(t, difftest.Options{Dialect: dialect, Ops: 800, Seed: 50, PrepareStmt: true, Plugin: cached})
			})
			t.Run("concurrent", func(t *testing.T) {
				difftest.RunConcurrent(t, difftest.Options{Dialect: dialect, Ops: 1800, Plugin: cached, MaxQueries: 0.97})
			})
		})
	}
}

// TestDifferentialElsewhere runs the tests on SQLite again in zones other than UTC, in a process of its own, since
// a program's zone is fixed when it starts.
func TestDifferentialElsewhere(t *testing.T) {
	const inner = "QUERYCACHE_DIFF_ELSEWHERE"
	if os.Getenv(inner) != "" {
		return // this is that process
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, zone := range []string{"Asia/Kathmandu", "America/St_Johns"} {
		t.Run(strings.ReplaceAll(zone, "/", "_"), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(self, "-test.run=^TestDifferential(Thrice)?$", "-test.count=1")
			cmd.Env = append(os.Environ(), "TZ="+zone, inner+"=1")
			if os.Getenv("QUERYCACHE_DIFF_OPS") == "" {
				cmd.Env = append(cmd.Env, "QUERYCACHE_DIFF_OPS=2000")
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("TZ=%s: %v\n%s", zone, err, out)
			}
		})
	}
}
