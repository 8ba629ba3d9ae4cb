package difftest

import (
	"context"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPlainAgainstPlain: what the tester compares does not differ by itself.
func TestPlainAgainstPlain(t *testing.T) {
	for _, dialect := range []testdb.Dialect{testdb.SQLite, testdb.Postgres, testdb.MySQL} {
		t.Run(string(dialect), func(t *testing.T) {
			ops := 2000
			if dialect != testdb.SQLite {
				ops = 800
			}
			for name, o := range map[string]Options{
				"direct":   {Thrice: true},
				"prepared": {PrepareStmt: true},
				"asked":    {Thrice: true, Make: asks},
				"by key":   {Thrice: true, Make: asks, ByKey: true},
			} {
				t.Run(name, func(t *testing.T) {
					o.Dialect, o.Ops = dialect, ops
					Run(t, o)
				})
			}
		})
	}
}

// asks makes no plugin, of which programs ask much all the same.
func asks(uint64) Made {
	type asked struct{}
	return Made{Wish: func(rng *rand.Rand) Wish {
		w := Wish{Kept: rng.IntN(2) == 0}
		for range rng.IntN(3) {
			w.Scopes = append(w.Scopes, func(tx *gorm.DB) *gorm.DB { return tx.Set("difftest:asked", true) })
		}
		if rng.IntN(2) == 0 {
			w.Context = func(ctx context.Context) context.Context { return context.WithValue(ctx, asked{}, true) }
		}
		return w
	}}
}

// TestProgramsInText: a program is printed so that it can be run again.
func TestProgramsInText(t *testing.T) {
	p := decorate(generate(7, 200, false, nil, func(kind) bool { return true }), 7)
	again, err := parse(p.String())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := again.String(), p.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for _, text := range []string{"read.one", "read.one:x", "read.one:1+x", "nothing:1"} {
		if _, err := parse(text); err == nil {
			t.Errorf("%q is no program, and was taken for one", text)
		}
	}
}

// TestPlainAgainstPlainConcurrently: the lanes do not depend on each other.
func TestPlainAgainstPlainConcurrently(t *testing.T) {
	for _, dialect := range []testdb.Dialect{testdb.SQLite, testdb.Postgres, testdb.MySQL} {
		t.Run(string(dialect), func(t *testing.T) {
			RunConcurrent(t, Options{Dialect: dialect, Ops: 1200})
		})
	}
}

// TestFindsPlantedBugsConcurrently: bugs that do not wait for a race are always found.
func TestFindsPlantedBugsConcurrently(t *testing.T) {
	for _, bug := range []string{"never drops", "forgets RowsAffected"} {
		t.Run(bug, func(t *testing.T) {
			what, _ := findConcurrent(t, Options{
				Dialect: testdb.SQLite, Ops: 3000, Plugin: func() gorm.Plugin { return &naive{bug: bug} },
			})
			if what == "" {
				t.Fatal("not found")
			}
			t.Log(what)
		})
	}
}

// TestFindsPlantedBugs: each cache with one bug is caught, and what is printed of it names a step.
func TestFindsPlantedBugs(t *testing.T) {
	for bug, within := range map[string]int{
		"keys by %v":                 8000,
		"ignores Exec":               8000,
		"aliases":                    1000,
		"skips hooks":                1000,
		"forgets RowsAffected":       1000,
		"forgets not found":          2000,
		"forgets the arguments":      2000,
		"forgets the context":        8000,
		"forgets the dest's state":   4000,
		"forgets the column mapping": 8000,
		"nil for empty":              4000,
		"only its table":             8000,
		"reads in transactions":      4000,
		"stores JSON":                1000,
		"none":                       0,
	} {
		t.Run(bug, func(t *testing.T) {
			t.Parallel()
			o := Options{
				Dialect: testdb.SQLite, Ops: within, Thrice: true,
				ShrinkRuns: 30, // most of the time goes there
				Plugin:     func() gorm.Plugin { return &naive{bug: bug} },
				// What the naive cache gets wrong without a bug of its own.
				without: []string{"write.transaction", "write.pool", "write.overlap", "write.foreign"},
			}
			if bug == "reads in transactions" {
				o.without = nil
			}
			if bug == "none" {
				o.Ops = 2000
				Run(t, o)
				return
			}
			d, _ := Find(t, o)
			if d == nil {
				t.Fatalf("not found within %d operations", within)
			}
			if len(d.Steps) == 0 || d.Program == "" || d.What == "" {
				t.Errorf("found, but told as %+v", d)
			}
			t.Logf("after %d operations, %d steps %s\n%s", d.Ops, len(d.Steps), d.Program, d.What)
		})
	}
}
