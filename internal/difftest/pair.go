package difftest

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// pair is two copies of one database, one of them with the plugin.
type pair struct {
	plain, cached *side
	volatile      *regexp.Regexp // what differs between the sides: names of databases, addresses
	rules         testdb.Rules
	saved         int // queries that the plain side would have sent for repeated reads
	compared      int // queries that comparing tables sent on each side
}

func newPair(t testing.TB, o Options, made *Made, concurrent bool) *pair {
	t.Helper()
	var dbs [2]*testdb.Database
	for i := range dbs {
		dbs[i] = testdb.New(t, o.Dialect)
		fill(t, dbs[i])
	}
	var plugins []gorm.Plugin
	if made.Plugin != nil {
		plugins = append(plugins, made.Plugin)
	}
	plain, cached := opening(o, nil), opening(o, plugins)
	if concurrent {
		for _, opts := range []*testdb.Options{&plain, &cached} {
			opts.MaxOpenConns = 8
			opts.SQLiteParams = "_txlock=immediate" // a read that turns into a write would fail as busy
		}
		if o.Dialect == testdb.MySQL {
			// With gaps between rows locked too, lanes would wait for each other, and dead-lock.
			variable := isolation(t, dbs[0])
			level := func(c *mysql.Config) { c.Params = map[string]string{variable: "'READ-COMMITTED'"} }
			plain.MySQL, cached.MySQL = level, level
		}
	}
	p := &pair{plain: &side{DB: dbs[0].Open(t, plain), made: made}, cached: &side{DB: dbs[1].Open(t, cached), made: made, plugin: true}}
	p.volatile = regexp.MustCompile(regexp.QuoteMeta(dbs[0].Name()) + "|" + regexp.QuoteMeta(dbs[1].Name()) + "|0x[0-9a-f]{6,}")
	p.rules.ErrorText = func(s string) string { return p.volatile.ReplaceAllString(s, "<volatile>") }
	return p
}

func opening(o Options, plugins []gorm.Plugin) testdb.Options {
	return testdb.Options{
		Config: gorm.Config{
			Logger: traces{}, PrepareStmt: o.PrepareStmt,
			NowFunc: func() time.Time { return epoch },
		},
		Plugins: plugins,
		// Statements prepared by the driver would fail once after a table changed, on a connection that
		// depends on how many queries were sent.
		Postgres: func(c *pgx.ConnConfig) { c.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec },
	}
}

var (
	templateMu sync.Mutex
	template   []byte // a filled SQLite database, made once
)

// fill makes the tables of the programs in an empty database.
func fill(t testing.TB, d *testdb.Database) {
	t.Helper()
	if d.Dialect != testdb.SQLite {
		if err := create(d.Open(t, opening(Options{}, nil)).DB, d.Dialect); err != nil {
			t.Fatalf("fill: %v", err)
		}
		return
	}
	templateMu.Lock()
	defer templateMu.Unlock()
	if template == nil {
		from := testdb.Open(t, opening(Options{}, nil))
		if err := create(from.DB, testdb.SQLite); err != nil {
			t.Fatalf("fill: %v", err)
		}
		whole := from.Database.Name() + ".whole"
		if err := from.Exec("VACUUM INTO ?", whole).Error; err != nil {
			t.Fatalf("fill: %v", err)
		}
		content, err := os.ReadFile(whole)
		if err != nil {
			t.Fatalf("fill: %v", err)
		}
		template = content
	}
	if err := os.WriteFile(d.Name(), template, 0o600); err != nil {
		t.Fatalf("fill: %v", err)
	}
}

// run runs one step on one side. at is the program's clock.
func run(on *side, st step, at int, lane int) *outcome {
	j := &journal{}
	ctx := context.WithValue(context.Background(), journalKey{}, j)
	now := epoch.Add(time.Duration(at) * time.Second).In(time.Local)
	out := &outcome{}
	db, ctx := on.session(ctx, st, &gorm.Session{NowFunc: func() time.Time { return now }})
	s := &scene{db: db, ctx: ctx, dialect: on.Database.Dialect, lane: lane, out: out}
	if on.plugin {
		s.byHand = on.made.ByHand
	}
	func() {
		defer func() {
			if r := recover(); r != nil {
				out.Panic = fmt.Errorf("panic: %v", r) // an error, so that the rules for texts hold
			}
		}()
		st.kind.run(s, newDraw(st.kind.name, st.seed))
	}()
	out.Journal = j.take()
	return out
}

// compare returns how the outcomes differ, or "".
func (p *pair) compare(plain, cached *outcome) string {
	type seen struct {
		Saw     []any
		Panic   any
		Journal []string
	}
	for _, o := range []*outcome{plain, cached} {
		for i, line := range o.Journal {
			o.Journal[i] = p.volatile.ReplaceAllString(line, "<volatile>")
		}
	}
	if plain.loose {
		slices.Sort(plain.Journal)
		slices.Sort(cached.Journal)
	}
	return p.rules.Equal(seen{plain.Saw, plain.Panic, plain.Journal}, seen{cached.Saw, cached.Panic, cached.Journal})
}

// compareTables compares what is stored, past GORM and every plugin.
func (p *pair) compareTables() string {
	before := p.plain.Recorder.Queries()
	defer func() { p.compared += p.plain.Recorder.Queries() - before }()
	out := ""
	names := tables
	for i := range lanes {
		names = append(names, laneTable(i))
	}
	for _, name := range names {
		plain, perr := content(p.plain, name)
		cached, cerr := content(p.cached, name)
		if d := p.rules.Equal([]any{plain, perr}, []any{cached, cerr}); d != "" {
			out += fmt.Sprintf("table %s: %s", name, d)
		}
	}
	return out
}

func content(db *side, table string) ([][]any, error) {
	rows, err := db.Pool.QueryContext(context.Background(), "SELECT * FROM "+table+" ORDER BY 1, 2")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var all [][]any
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		all = append(all, values)
	}
	return all, rows.Err()
}
