package difftest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// laneLength is how many operations each goroutine runs on one pair of databases.
const laneLength = 150

// RunConcurrent runs goroutines whose results do not depend on each other, first on plain GORM, then with the plugin,
// and fails the test where a result differs. Options.Thrice is not looked at.
func RunConcurrent(t *testing.T, o Options) {
	t.Helper()
	what, sent := findConcurrent(t, o)
	if what != "" {
		t.Fatalf("the sides differ: %s -run '^%s$' .", what, t.Name())
	}
	sent.check(t, o)
}

// findConcurrent returns the first difference, and how to run it again, or "".
func findConcurrent(t *testing.T, o Options) (found string, sent Sent) {
	t.Helper()
	o.defaults(t)
	for done, seed := 0, o.Seed; done < o.Ops && found == ""; seed++ {
		var programs []program
		for lane := range lanes {
			p := laneProgram(seed, lane, laneLength)
			if o.Make != nil {
				p = decorate(p, seed*lanes+uint64(lane))
			}
			programs = append(programs, p)
		}
		done += lanes * laneLength
		if !t.Run("programs", func(t *testing.T) {
			made := o.make(programs[0])
			sides := newPair(t, o, made, true)
			parseModels(t, sides.plain.DB)
			parseModels(t, sides.cached.DB)
			plain, cached := together(sides.plain, programs), together(sides.cached, programs)
			sides.settle()
			sent.Plain += sides.plain.Recorder.Queries()
			sent.Cached += sides.cached.Recorder.Queries()
			again := fmt.Sprintf("to run it again:\n  %s=%d %s=1 go test", seedVar, seed, opsVar)
			for lane, p := range programs {
				for at, st := range p {
					if what := sides.compare(plain[lane][at], cached[lane][at]); what != "" {
						found = fmt.Sprintf("lane %d, step %d, %s:\n%s\nthe steps of the lane before it: %s\n%s\n%s",
							lane, at, sides.cached.told(st), what, p[max(0, at-10):at], made.Text, again)
						return
					}
				}
			}
			if what := sides.compareTables() + sides.left(); what != "" {
				found = "in the end: " + what + again
			}
		}) {
			t.FailNow() // the databases could not be made
		}
	}
	return found, sent
}

// parseModels has GORM read the models one by one: models that name each other, first used by several goroutines at
// once, are a data race of its own.
func parseModels(t testing.TB, db *testdb.DB) {
	t.Helper()
	for _, model := range models(db.Database.Dialect) {
		if err := (&gorm.Statement{DB: db.DB}).Parse(model); err != nil {
			t.Fatalf("parse: %v", err)
		}
	}
}

// together runs the programs at once and returns their outcomes.
func together(db *side, programs []program) [][]*outcome {
	out := make([][]*outcome, len(programs))
	start := make(chan struct{})
	var all sync.WaitGroup
	for lane, p := range programs {
		all.Go(func() {
			<-start
			for at, st := range p {
				out[lane] = append(out[lane], run(db, st, at, lane))
			}
		})
	}
	close(start)
	all.Wait()
	return out
}

// isolation returns the name of MySQL's variable for the isolation of transactions, which MariaDB calls otherwise.
func isolation(t testing.TB, d *testdb.Database) string {
	t.Helper()
	var version string
	if err := d.Open(t, testdb.Options{}).Raw("SELECT VERSION()").Scan(&version).Error; err != nil {
		t.Fatalf("version: %v", err)
	}
	if strings.Contains(version, "MariaDB") {
		return "tx_isolation"
	}
	return "transaction_isolation"
}
