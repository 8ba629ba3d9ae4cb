package difftest

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Environment variables that change a run.
const (
	seedVar    = "QUERYCACHE_DIFF_SEED"    // the seed of the first program
	opsVar     = "QUERYCACHE_DIFF_OPS"     // operations in place of Options.Ops
	programVar = "QUERYCACHE_DIFF_PROGRAM" // one program, as printed on failure, in place of random ones
)

// programLength is the length of one program; each starts on fresh databases.
const programLength = 400

// Options say what is run.
type Options struct {
	Dialect testdb.Dialect
	// Ops is the number of operations on each side, over all programs.
	Ops int
	// Seed is that of the first program, default 1; the next programs count on from it.
	Seed uint64
	// Plugin makes the plugin of the one side, once for each program. Nil compares plain with plain.
	Plugin func() gorm.Plugin
	// Make makes the plugin of a program, with what the program asks of it, in place of Plugin. The same seed makes the
	// same; 0 is the plugin as most have it.
	Make func(seed uint64) Made
	// ByKey leaves programs only the operations that read and write records by their keys.
	ByKey bool
	// PrepareStmt is GORM's, for both sides.
	PrepareStmt bool
	// Thrice makes every read three times: on the plain side, and twice with the plugin, where everything
	// that can be reached from the first result is overwritten before the second is read.
	Thrice bool
	// MaxQueries is the largest share of the plain side's queries that the side with the plugin may send. Zero
	// does not look.
	MaxQueries float64
	// ShrinkRuns bounds the programs run to shrink a failure, default 200, or 30 where databases are
	// made on a server.
	ShrinkRuns int

	without  []string // kinds that programs do not have
	onTables []uint64 // see tableOf
}

// Difference is a failure.
type Difference struct {
	// What says how the two sides differ.
	What string
	// Program is the text of the program, for QUERYCACHE_DIFF_PROGRAM.
	Program string
	// Ops is how many operations had been run when it was found, of all programs.
	Ops int
	// Steps tells what each step of the program did, as the plain side saw it.
	Steps []string

	step int // at which the sides differed
}

// Sent counts the queries that the sides sent to the database.
type Sent struct{ Plain, Cached int }

// Share is how much the side with the plugin sent of what the plain side did.
func (s Sent) Share() float64 { return float64(s.Cached) / float64(max(1, s.Plain)) }

// Run runs random programs and fails the test at the first difference, with the shrunk program and
// the command that runs it again.
func Run(t *testing.T, o Options) Sent {
	t.Helper()
	d, sent := Find(t, o)
	if d != nil {
		t.Fatalf("the sides differ after %d operations:\n%s\nthe program, %d steps:\n  %s\nto run it again:\n  %s='%s' go test -run '^%s$' .",
			d.Ops, d.What, len(d.Steps), strings.Join(d.Steps, "\n  "), programVar, d.Program, strings.ReplaceAll(t.Name(), "/", "$/^"))
	}
	sent.check(t, o)
	return sent
}

// check fails the test if the plugin saved too little.
func (s Sent) check(t *testing.T, o Options) {
	t.Helper()
	if os.Getenv(programVar) != "" {
		return
	}
	share := s.Share()
	t.Logf("%d queries on the plain side, %d with the plugin: %.0f %%", s.Plain, s.Cached, 100*share)
	if o.MaxQueries != 0 && share > o.MaxQueries {
		t.Errorf("the side with the plugin sent %.0f %% of the queries, at most %.0f %% are expected", 100*share, 100*o.MaxQueries)
	}
}

// Find runs random programs and returns the first difference, shrunk, or nil.
func Find(t *testing.T, o Options) (*Difference, Sent) {
	t.Helper()
	o.defaults(t)
	var sent Sent
	allowed := func(k kind) bool {
		return k.fits(o.PrepareStmt) && (k.byKey || !o.ByKey) && !slices.Contains(o.without, k.name)
	}
	for done, n := 0, uint64(0); done < o.Ops; n++ {
		p := generate(o.Seed+n, min(programLength, o.Ops-done), o.ByKey, o.onTables, allowed)
		if o.Make != nil {
			p = decorate(p, o.Seed+n)
		}
		if text := os.Getenv(programVar); text != "" {
			var err error
			if p, err = parse(text); err != nil {
				t.Fatalf("%s: %v", programVar, err)
			}
			o.ShrinkRuns, done = 0, o.Ops
		}
		d := runProgram(t, o, p, &sent)
		if d == nil {
			done += len(p)
			continue
		}
		done += d.step + 1
		p, d = shrink(p, d, o.ShrinkRuns, func(less program) *Difference { return runProgram(t, o, less, &Sent{}) })
		d.Ops = done
		d.Program = p.String()
		d.Steps = tell(t, o, p)
		return d, sent
	}
	return nil, sent
}

// defaults fills in what was not set, and what the environment says.
func (o *Options) defaults(t *testing.T) {
	t.Helper()
	if o.Seed == 0 {
		o.Seed = 1
	}
	if text := os.Getenv(seedVar); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", seedVar, err)
		}
		o.Seed = seed
	}
	if text := os.Getenv(opsVar); text != "" {
		ops, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", opsVar, err)
		}
		o.Ops = ops
	}
	if o.ShrinkRuns == 0 {
		o.ShrinkRuns = 30
		if o.Dialect == testdb.SQLite {
			o.ShrinkRuns = 200
		}
	}
}

// runProgram runs a program on a fresh pair, as a subtest, so that its databases go when it is over.
func runProgram(t *testing.T, o Options, p program, sent *Sent) (found *Difference) {
	t.Helper()
	if !t.Run("program", func(t *testing.T) {
		sides := newPair(t, o, o.make(p), false)
		for at, st := range p {
			if what := sides.step(o, st, at); what != "" {
				found = &Difference{What: fmt.Sprintf("%s: %s", sides.cached.told(st), what), step: at}
				return
			}
		}
		sent.Plain += sides.plain.Recorder.Queries() + sides.saved - sides.compared
		sent.Cached += sides.cached.Recorder.Queries() - sides.compared
		if what := sides.compareTables() + sides.left(); what != "" {
			found = &Difference{What: what, step: len(p) - 1}
		}
	}) {
		t.FailNow() // the databases could not be made
	}
	return found
}

// step runs one step on both sides and returns how they differ.
func (p *pair) step(o Options, st step, at int) string {
	before, cachedBefore := p.plain.Recorder.Queries(), p.cached.Recorder.Queries()
	plain := run(p.plain, st, at, 0)
	cached := run(p.cached, st, at, 0)
	p.settle()
	what := p.compare(plain, cached)
	if n, m := p.plain.Recorder.Queries()-before, p.cached.Recorder.Queries()-cachedBefore; what == "" && m > n && !st.kind.write {
		what = fmt.Sprintf("%d queries were sent with the plugin, %d without", m, n)
	}
	if what == "" && st.kind.write {
		what = p.compareTables() // here, so that the step at fault is the one named
	}
	if what != "" || !o.Thrice || st.kind.write {
		return what
	}
	p.saved += p.plain.Recorder.Queries() - before // what reading again would have sent
	for _, v := range cached.Saw {
		scramble(v)
	}
	for _, v := range cached.args {
		scramble(v)
	}
	cached = run(p.cached, st, at, 0)
	p.settle()
	if what = p.compare(plain, cached); what != "" {
		return "read again, after the first result was overwritten: " + what
	}
	return ""
}

// settle waits until the plugin does nothing in the background.
func (p *pair) settle() {
	if p.cached.made.Settle != nil {
		p.cached.made.Settle()
	}
}

// left returns what a program has left open.
func (p *pair) left() string {
	if n, m := p.plain.Recorder.OpenRows(), p.cached.Recorder.OpenRows(); n != m {
		return fmt.Sprintf("%d row sets left open, %d with the plugin\n", n, m)
	}
	if n, m := p.plain.Pool.Stats().InUse, p.cached.Pool.Stats().InUse; n != m {
		return fmt.Sprintf("%d connections left in use, %d with the plugin\n", n, m)
	}
	return ""
}

// tell runs a program on plain GORM and says what each step did.
func tell(t *testing.T, o Options, p program) (steps []string) {
	t.Helper()
	const most = 12
	t.Run("tell", func(t *testing.T) {
		made := *o.make(p)
		if made.Plugin = nil; made.Text != "" {
			steps = append(steps, "with "+made.Text)
		}
		sides := newPair(t, o, &made, false)
		for at, st := range p {
			out := run(sides.plain, st, at, 0)
			lines := out.Journal
			if len(lines) > most {
				lines = append(lines[:most:most], fmt.Sprintf("… and %d more", len(lines)-most))
			}
			steps = append(steps, sides.plain.told(st)+"\n      "+strings.Join(lines, "\n      "))
		}
	})
	return steps
}
