package querycache_test

import (
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

func allPets(db *gorm.DB) any { var ps []Pet; return tell(db.Order("id").Find(&ps), &ps) }

// usersWithPets reads both tables in one statement.
func usersWithPets(db *gorm.DB) any {
	var us []User
	return tell(db.Where("id IN (?)", db.Session(&gorm.Session{NewDB: true}).Model(&Pet{}).Select("user_id")).Order("id").Find(&us), &us)
}

func TestATableThatIsOffIsNeverCached(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d, opening{Config: querycache.Config{Tables: map[string]querycache.TableRule{"public.Users": {Off: true}}}})
		for name, read := range controlled {
			if name == "preloads" {
				continue
			}
			p.bypasses(t, read, querycache.ReasonTableRule)
			p.bypasses(t, in(read, querycache.Cache, querycache.WithPolicy(querycache.CacheFirst)), querycache.ReasonTableRule)
		}
		p.bypasses(t, usersWithPets, querycache.ReasonTableRule)
		p.compare(t, allUsers, 1) // the pets are cached, the users are not
		p.hits(t, allPets)
		e, err := querycache.Explain(p.cached.DB, func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]User{}) })
		if err != nil || e.Reason != querycache.ReasonTableRule || e.Detail == "" {
			t.Errorf("explained: %+v, %v", e, err)
		}
	})
}

func TestOptIn(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d, opening{Config: querycache.Config{OptIn: true, Tables: map[string]querycache.TableRule{"pets": {On: true}}}})
		for name, read := range controlled {
			if name != "preloads" {
				p.bypasses(t, read, querycache.ReasonOptIn)
			}
		}
		p.hits(t, allPets)
		p.bypasses(t, usersWithPets, querycache.ReasonOptIn)
		p.compare(t, allUsers, 1) // the pets are cached, the users are not
		for name, read := range controlled {
			if name != "preloads" {
				p.hits(t, in(read, querycache.Cache))
			}
		}
		p.hits(t, scopedBy(allUsers, querycache.Cache))
		p.hits(t, in(usersWithPets, querycache.Cache))
		p.bypasses(t, in(allPets, querycache.Skip, querycache.Cache), querycache.ReasonSkip)

		p = open(t, d, opening{Config: querycache.Config{OptIn: true}}) // not a single rule
		p.bypasses(t, allPets, querycache.ReasonOptIn)
		p.hits(t, in(allPets, querycache.Cache))
	})
}

// A table's numbers count for its results, the smaller one where a query reads two tables.
func TestNumbersOfTables(t *testing.T) {
	bubble(t, querycache.Config{Tables: map[string]querycache.TableRule{
		"users": {TTL: 10 * time.Second, NegativeTTL: 5 * time.Second},
		"pets":  {TTL: 20 * time.Second},
	}}, func(t *testing.T, p *pair) {
		age := time.Duration(0)
		nobody := func(db *gorm.DB) any { var us []User; return tell(db.Find(&us, "age > 1000"), us) }
		noPet := func(db *gorm.DB) any { var ps []Pet; return tell(db.Find(&ps, "name = 'Zoe'"), ps) }
		toys := func(db *gorm.DB) any { var ts []Toy; return tell(db.Find(&ts), ts) }
		at := func(when time.Duration, want int, name string, read reading, opts ...querycache.Option) {
			t.Helper()
			time.Sleep(when - age) // the bubble's clock, which does not wait
			age = when
			if _, n := p.asked(in(read, opts...)); n != want {
				t.Errorf("%s after %v: %d queries, want %d", name, when, n, want)
			}
		}
		const s = time.Second
		long := querycache.TTL(time.Hour)
		for _, c := range []struct {
			name string
			read reading
		}{{"users", controlled["Find"]}, {"pets", allPets}, {"both", usersWithPets}, {"nobody", nobody}, {"no pet", noPet}, {"toys", toys}} {
			at(0, 1, c.name, c.read)
		}
		at(0, 1, "pages of users, by the query", controlled["Pluck"], long)
		at(4*s, 0, "nobody", nobody)
		at(6*s, 1, "nobody", nobody)
		at(9*s, 0, "users", controlled["Find"])
		at(9*s, 0, "both", usersWithPets)
		at(11*s, 1, "users", controlled["Find"])
		at(11*s, 1, "both", usersWithPets)
		at(19*s, 0, "pets", allPets)
		at(19*s, 0, "no pet", noPet)
		at(21*s, 1, "pets", allPets)
		at(21*s, 1, "no pet", noPet)
		at(59*s, 0, "toys", toys)
		at(61*s, 1, "toys", toys)
		at(59*time.Minute, 0, "pages of users, by the query", controlled["Pluck"], long)
		at(61*time.Minute, 1, "pages of users, by the query", controlled["Pluck"], long)
	})
}

func TestLimitsOfTablesAndQueries(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		type way struct {
			config querycache.Config
			opts   []querycache.Option
			stored bool
		}
		users := func(rule querycache.TableRule) map[string]querycache.TableRule {
			return map[string]querycache.TableRule{"users": rule}
		}
		for name, w := range map[string]way{
			"rows by the query":              {querycache.Config{}, []querycache.Option{querycache.MaxRows(3)}, false},
			"bytes by the query":             {querycache.Config{}, []querycache.Option{querycache.MaxBytes(60)}, false},
			"more rows by the query":         {querycache.Config{Tiered: tiered.Config{MaxResultRows: 3}}, []querycache.Option{querycache.MaxRows(5)}, true},
			"more bytes by the query":        {querycache.Config{Tiered: tiered.Config{MaxResultBytes: 60}}, []querycache.Option{querycache.MaxBytes(1 << 20)}, true},
			"rows by the table":              {querycache.Config{Tables: users(querycache.TableRule{MaxRows: 3})}, nil, false},
			"bytes by the table":             {querycache.Config{Tables: users(querycache.TableRule{MaxBytes: 60})}, nil, false},
			"more rows by the table":         {querycache.Config{Tiered: tiered.Config{MaxResultRows: 3}, Tables: users(querycache.TableRule{MaxRows: 5})}, nil, true},
			"more bytes by the table":        {querycache.Config{Tiered: tiered.Config{MaxResultBytes: 60}, Tables: users(querycache.TableRule{MaxBytes: 1 << 20})}, nil, true},
			"the query's over the table's":   {querycache.Config{Tables: users(querycache.TableRule{MaxRows: 3, MaxBytes: 60})}, []querycache.Option{querycache.MaxRows(9), querycache.MaxBytes(1 << 20)}, true},
			"0 leaves it to the table":       {querycache.Config{Tables: users(querycache.TableRule{MaxRows: 3})}, []querycache.Option{querycache.MaxRows(0)}, false},
			"nobody says anything":           {querycache.Config{}, nil, true},
			"another table's limits are not": {querycache.Config{Tables: map[string]querycache.TableRule{"pets": {MaxRows: 1, MaxBytes: 1}}}, nil, true},
		} {
			p := open(t, d, opening{Config: w.config})
			for _, finder := range []string{"Find", "Joins", "maps", "Pluck", "Scan", "Raw", "Rows", "G"} {
				before, warm := p.cache.Stats(), 1
				if w.stored {
					warm = 0
				}
				p.compare(t, in(controlled[finder], append(w.opts, querycache.Tags(finder))...), warm) // an entry of its own
				if s := p.cache.Stats(); (s.Stores > before.Stores) != w.stored || (s.Rejections == before.Rejections) != w.stored {
					t.Errorf("%s by %s: stored %d, rejected %d", name, finder, s.Stores-before.Stores, s.Rejections-before.Rejections)
				}
			}
		}
	})
}

func TestNegativeResults(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		empty := readings{
			"Find":  func(db *gorm.DB) any { var us []User; return tell(db.Find(&us, "age > ?", 1000), us) },
			"First": func(db *gorm.DB) any { var u User; return tell(db.First(&u, 77), u) },
			"maps": func(db *gorm.DB) any {
				var ms []map[string]any
				return tell(db.Model(&User{}).Where("id = 78").Find(&ms), ms)
			},
			"Pluck": func(db *gorm.DB) any {
				var s []string
				return tell(db.Model(&User{}).Where("id = 79").Pluck("name", &s), s)
			},
			"Scan": func(db *gorm.DB) any { var u User; return tell(db.Model(&User{}).Where("id = 80").Scan(&u), u) },
			"Row":  finishers["Row of nothing"],
			"Rows": finishers["Rows of nothing"],
			"G": func(db *gorm.DB) any {
				u, err := gorm.G[User](db).Where("id = 81").First(db.Statement.Context)
				return []any{u, err}
			},
			"a zero": func(db *gorm.DB) any { u := []User{}; return tell(db.Where("1 = 0").Find(&u), u) },
		}
		off, on := open(t, d, opening{Config: querycache.Config{Tiered: tiered.Config{NoNegative: true}}}), open(t, d)
		for name, read := range empty {
			t.Run(name, func(t *testing.T) {
				off.compare(t, read, asPlain)
				off.hits(t, in(read, querycache.Negative(true)))
				on.compare(t, in(read, querycache.Negative(false)), asPlain)
				on.hits(t, read)
			})
		}
		// A count of none is a row, and what is not empty is no matter of Negative.
		for _, p := range []*pair{off, on} {
			p.hits(t, in(finishers["Count of nothing"], querycache.Negative(false)))
			for _, read := range controlled {
				p.hits(t, in(read, querycache.Negative(false)))
			}
		}
	})
}

func TestNegativeTTL(t *testing.T) {
	bubble(t, querycache.Config{Tiered: tiered.Config{NegativeTTL: 5 * time.Second}}, func(t *testing.T, p *pair) {
		nobody := func(db *gorm.DB) any { var us []User; return tell(db.Find(&us, "age > 1000"), us) }
		never := func(db *gorm.DB) any { return tell(db.First(&User{}, 77)) }
		all := controlled["Find"]
		short := in(nobody, querycache.TTL(2*time.Second), querycache.Tags("short"))
		for _, read := range []reading{nobody, never, all, short} {
			p.asked(read)
		}
		for _, step := range []struct {
			after int // seconds
			read  reading
			want  int
		}{{1, short, 0}, {2, short, 1}, {1, nobody, 0}, {0, never, 0}, {2, nobody, 1}, {0, never, 1}, {52, all, 0}, {3, all, 1}} {
			time.Sleep(time.Duration(step.after) * time.Second)
			if _, n := p.asked(step.read); n != step.want {
				t.Errorf("%v: %d queries, want %d", step, n, step.want)
			}
		}
	})
}
