package querycache_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// countedKey is a key that counts how often it is asked what it binds.
type countedKey struct {
	times *int
	value driver.Value
}

func (a countedKey) Value() (driver.Value, error) { *a.times++; return a.value, nil }

// A write asks the keys that it names once, whatever they answer.
func TestKeysOfWritesAreAskedOnce(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	for _, v := range []driver.Value{"a", []byte("a"), int64(1), 1.5, true, nil, time.Unix(1, 0)} {
		times := 0
		must(t, p.cached.Exec("UPDATE hand_codes SET name = 'x' WHERE code = ?", countedKey{&times, v}).Error)
		if times != 1 {
			t.Errorf("one that answers %T was asked %d times", v, times)
		}
	}
}

// speakingText and speakingNumber tell pgx, and nobody else, another value than they hold.
type (
	speakingText   string
	speakingNumber int
)

// printedText is a text that pgx sends as it prints.
type printedText string

func (s printedText) String() string { return string(s) + "b" }

func (s speakingText) TextValue() (pgtype.Text, error) {
	return pgtype.Text{String: string(s) + "b", Valid: true}, nil
}

func (n speakingNumber) Int64Value() (pgtype.Int8, error) {
	return pgtype.Int8{Int64: int64(n) + 1, Valid: true}, nil
}

// Keys that a driver takes for something else than they look like: the write that names the same record in plain
// words reaches what was read by them, and the other way round.
func TestKeysThatDriversTakeForSomethingElse(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		bytes := make([]byte, 16)
		bytes[15] = 1
		uuid := "00000000-0000-0000-0000-000000000001"
		number, text := speakingNumber(0), speakingText("a")
		var keys []struct {
			kind       string
			plain, odd any
		}
		add := func(kind string, plain, odd any) {
			keys = append(keys, struct {
				kind       string
				plain, odd any
			}{kind, plain, odd})
		}
		switch d.Dialect {
		case testdb.Postgres:
			add("uuid", uuid, bytes)
			add("int", 1, number)
			add("int", 1, &number)
			add("text", "ab", text)
			add("text", "ab", &text)
			add("text", "ab", printedText("a"))
		case testdb.MySQL:
			add("uuid", uuid, bytes)
		default: // SQLite's driver takes nothing for something else
			return
		}
		p := open(t, d)
		for n, k := range keys {
			table := fmt.Sprintf("odd_keys_%d", n)
			if err := p.plain.Exec("CREATE TABLE " + table + "(id " + k.kind + " PRIMARY KEY, v int)").Error; err != nil {
				t.Logf("no type %s here: %v", k.kind, err) // MySQL has no uuid, MariaDB since 10.7
				continue
			}
			must(t, p.plain.Exec("INSERT INTO "+table+" VALUES (?, 0)", k.plain).Error)
			must(t, p.cache.Reload(t.Context()))
			for i, way := range [][2]any{{k.plain, k.odd}, {k.odd, k.plain}} {
				read := func() (v []int) {
					must(t, p.cached.Raw("SELECT v FROM "+table+" WHERE id = ?", way[0]).Scan(&v).Error)
					return v
				}
				if len(read()) == 0 {
					continue // the driver takes it for what it looks like
				}
				must(t, p.cached.Exec("UPDATE "+table+" SET v = v + 1 WHERE id = ?", way[1]).Error)
				var want []int
				must(t, p.plain.Raw("SELECT v FROM "+table+" WHERE id = ?", way[0]).Scan(&want).Error)
				if got := read(); got[0] != want[0] {
					t.Errorf("%s, way %d: read %T, wrote %T: %v, want %v", k.kind, i, way[0], way[1], got, want)
				}
			}
		}
	})
}

// meanwhile is an argument that runs something when it is asked: after the query is planned, before it samples.
type meanwhile struct{ run func() }

func (m meanwhile) Value() (driver.Value, error) { m.run(); return int64(1), nil }

// refreshWatcher runs something when a refresh starts, and tells its end.
type refreshWatcher struct {
	run   func()
	ended chan struct{}
}

func (w *refreshWatcher) RefreshStart(ctx context.Context, _ querycache.RefreshStartData) context.Context {
	w.run()
	return ctx
}

func (w *refreshWatcher) RefreshEnd(context.Context, querycache.RefreshEndData) {
	w.ended <- struct{}{}
}

// 1. A read, or the refresh of a stale one, is planned: it reads a view over one table.
// 2. The view is made one over two tables.
// 3. The read samples, reads the database and stores.
// 4. The second table is written: the next read must see it.
func TestASchemaThatChangesBetweenPlanAndSample(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"a read", "a refresh"} {
		t.Run(how, func(t *testing.T) {
			d := testdb.New(t, testdb.SQLite)
			w := &refreshWatcher{run: func() {}, ended: make(chan struct{}, 10)}
			p := open(t, d, opening{Config: querycache.Config{Observers: []any{w}}})
			for _, s := range []string{
				"CREATE TABLE below(n int)", "CREATE TABLE beside(n int)",
				"INSERT INTO below VALUES (1)", "INSERT INTO beside VALUES (2)",
				"CREATE VIEW above AS SELECT n FROM below",
			} {
				must(t, p.cached.Exec(s).Error)
			}
			var once sync.Once
			changed := func() {
				once.Do(func() {
					must(t, p.cached.Exec("DROP VIEW above").Error)
					must(t, p.cached.Exec("CREATE VIEW above AS SELECT beside.n FROM below, beside").Error)
				})
			}
			arg := meanwhile{func() {}}
			read := func() (n int) {
				tx := p.cached.Scopes(querycache.TTL(time.Nanosecond), querycache.SWR(time.Hour))
				if how == "a read" {
					tx = p.cached.DB
				}
				must(t, tx.Raw("SELECT n FROM above WHERE 1 = ?", arg).Scan(&n).Error)
				return n
			}
			switch how {
			case "a read":
				arg.run = changed
				read()
				arg.run = func() {}
			case "a refresh":
				read()
				w.run = changed
				if n := read(); n != 1 {
					t.Fatalf("read %d, not the stale result", n)
				}
				<-w.ended
			}
			must(t, p.cached.Exec("UPDATE beside SET n = 7").Error)
			if n := read(); n != 7 {
				t.Errorf("read %d after 7 was written", n)
			}
		})
	}
}
