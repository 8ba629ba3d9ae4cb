package sqlscan

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// The reference for PostgreSQL is its planner: EXPLAIN names every relation that
// a plan touches, with views already unfolded. A plan can leave out what it need
// not read, never the other way round.

type postgresReference struct{ tx *sql.Tx }

var postgresViews = map[string][]string{"v1": {"users", "orders"}, "v2": {"users", "orders", "items"}}

func newPostgresReference(tb testing.TB) *postgresReference {
	tb.Helper()
	dsn := os.Getenv("QUERYCACHE_POSTGRES_DSN")
	if dsn == "" {
		if strings.Contains(os.Getenv("QUERYCACHE_REQUIRE"), "postgres") {
			tb.Fatal("QUERYCACHE_REQUIRE names postgres, but QUERYCACHE_POSTGRES_DSN is not set")
		}
		tb.Skip("QUERYCACHE_POSTGRES_DSN is not set: no PostgreSQL to compare with")
	}
	ctx := context.Background()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	schema := fmt.Sprintf("sqlscan_%016x", rand.Uint64())
	for _, s := range []string{"CREATE SCHEMA " + schema} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			tb.Fatal(err)
		}
	}
	tb.Cleanup(func() {
		if _, err := db.ExecContext(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			tb.Error(err)
		}
	})
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = tx.Rollback() })
	for _, s := range append([]string{"SET LOCAL search_path = " + schema}, grammarSchema()...) {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
	return &postgresReference{tx}
}

type planNode struct {
	Type      string     `json:"Node Type"`
	Relation  string     `json:"Relation Name"`
	Operation string     `json:"Operation"`
	Plans     []planNode `json:"Plans"`
}

func (n planNode) walk(visit func(planNode)) {
	visit(n)
	for _, c := range n.Plans {
		c.walk(visit)
	}
}

// unsound returns what Scan missed, or "".
func (ref *postgresReference) unsound(tb testing.TB, text string) (miss string, compiled bool) {
	ctx := context.Background()
	exec := func(s string) {
		if _, err := ref.tx.ExecContext(ctx, s); err != nil {
			tb.Fatal(err)
		}
	}
	exec("SAVEPOINT s")
	var plan string
	err := ref.tx.QueryRowContext(ctx, "EXPLAIN (FORMAT JSON) "+text).Scan(&plan)
	exec("ROLLBACK TO SAVEPOINT s")
	if err != nil {
		return "", false
	}
	var plans []struct{ Plan planNode }
	if json.Unmarshal([]byte(plan), &plans) != nil {
		return "", false
	}
	r := Scan(Postgres, text, nil)
	if r.Err != nil {
		return "", true
	}
	reads := map[string]bool{}
	for _, name := range r.Reads {
		reads[name] = true
		for _, base := range postgresViews[name] {
			reads[base] = true
		}
	}
	for _, top := range plans {
		top.Plan.walk(func(n planNode) {
			name := strings.ToLower(n.Relation)
			switch {
			case n.Type == "ModifyTable":
				if r.Impure == "" {
					miss = "writes, but counts as pure"
				}
				if name != "" && !slices.Contains(r.Writes, name) && !r.WritesAll {
					miss = "writes " + name
				}
			case strings.HasPrefix(name, "pg_"):
				if r.Impure == "" {
					miss = "the catalog is read"
				}
			case name != "" && !reads[name]:
				miss = "reads " + name
			case n.Type == "LockRows" && r.Impure == "":
				miss = "locks rows"
			}
		})
	}
	return miss, true
}

func TestPostgresAgrees(t *testing.T) {
	ref := newPostgresReference(t)
	const seed, rounds = 1, 1500
	compiled, refused := 0, 0
	for i := uint64(0); i < rounds; i++ {
		g := newGrammar(Postgres, seed*1_000_000+i)
		text := g.statement()
		miss, ok := ref.unsound(t, text)
		if miss != "" {
			t.Fatalf("seed %d: missed: %s\n%s", seed*1_000_000+i, miss, text)
		}
		if ok {
			compiled++
			if err := Scan(Postgres, text, nil).Err; err != nil {
				refused++
				t.Logf("refused: %v\n%s", err, text)
			}
		}
		mutant := g.mutate(text)
		if miss, _ := ref.unsound(t, mutant); miss != "" {
			t.Fatalf("seed %d, mutated: missed: %s\n%s", seed*1_000_000+i, miss, mutant)
		}
	}
	if compiled < rounds/5 {
		t.Errorf("only %d of %d statements compile", compiled, rounds)
	}
	if refused > compiled/50 {
		t.Errorf("%d of %d statements refused", refused, compiled)
	}
	t.Logf("%d statements compiled, %d refused", compiled, refused)
}

// FuzzPostgresGrammar draws statements from the grammar and mutates them.
func FuzzPostgresGrammar(f *testing.F) {
	ref := newPostgresReference(f)
	f.Add(uint64(1), 0)
	f.Fuzz(func(t *testing.T, seed uint64, mutations int) {
		for i := uint64(0); i < 10; i++ {
			g := newGrammar(Postgres, seed+i<<40)
			text := g.statement()
			for n := mutations & 3; n > 0; n-- {
				text = g.mutate(text)
			}
			if miss, _ := ref.unsound(t, text); miss != "" {
				t.Fatalf("missed: %s\n%s", miss, text)
			}
		}
	})
}
