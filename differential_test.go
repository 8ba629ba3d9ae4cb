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

// TestDifferentialOptions draws a configuration for each program and options for most operations, of every kind and by every
// carrier, and invalidates by hand in between.
func TestDifferentialOptions(t *testing.T) {
	t.Parallel()
	difftest.Run(t, difftest.Options{Dialect: testdb.SQLite, Ops: 5000, Seed: 3000, Make: drawn})
}

// TestDifferentialByKey runs programs that read and write records by their keys, with options and without.
func TestDifferentialByKey(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]difftest.Options{
		"default": {Ops: 3000, Seed: 4000, Thrice: true, Plugin: cached, MaxQueries: 0.75},
		"options": {Ops: 3000, Seed: 5000, Make: drawn},
	} {
		t.Run(name, func(t *testing.T) {
			o.Dialect, o.ByKey = testdb.SQLite, true
			difftest.Run(t, o)
		})
	}
}

// TestDifferentialPins: what is pinned to records outlives writes to others. Without pins, the same programs
// send clearly more queries.
func TestDifferentialPins(t *testing.T) {
	t.Parallel()
	unpinned := querycache.Config{Dependencies: map[string][]string{}}
	for _, table := range diffTables {
		unpinned.Dependencies[table] = []string{table} // a write to one record may change another
	}
	run := func(c querycache.Config) (share float64) {
		plugin := func() gorm.Plugin { return querycache.New(c) }
		return difftest.Run(t, difftest.Options{Dialect: testdb.SQLite, Ops: 2400, Seed: 6000, ByKey: true, Plugin: plugin}).Share()
	}
	with, without := run(querycache.Config{}), run(unpinned)
	t.Logf("%.0f %% of the queries with pins, %.0f %% without", 100*with, 100*without)
	if with > 0.97*without {
		t.Errorf("pins save too little: %.0f %% of the queries with them, %.0f %% without", 100*with, 100*without)
	}
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
	t.Run("options", func(t *testing.T) {
		difftest.RunConcurrent(t, difftest.Options{Dialect: testdb.SQLite, Ops: 3000, Seed: 7000, Make: drawn})
	})
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
			t.Run("options", func(t *testing.T) {
				difftest.Run(t, difftest.Options{Dialect: dialect, Ops: 400, Seed: 3000, Make: drawn})
			})
			t.Run("by key", func(t *testing.T) {
				difftest.Run(t, difftest.Options{Dialect: dialect, Ops: 800, Seed: 4000, ByKey: true, Make: drawn})
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
