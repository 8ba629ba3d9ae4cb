package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Queries that look alike are each asked once, and each gets its own answer.
func TestQueriesThatLookAlikeAreToldApart(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		at := time.Date(2024, 1, 2, 10, 20, 30, 400000000, time.UTC)
		type name string
		for title, variants := range map[string][][]any{
			"spaces move between arguments": {{"name = ? OR name = ?", "a b", "c"}, {"name = ? OR name = ?", "a", "b c"}},
			"a number and its text":         {{"name = ?", "1"}, {"name = ?", []byte("1")}, {"name = ?", name("1")}},
			"numbers of several types":      {{"age > ?", 41}, {"age > ?", int64(41)}, {"age > ?", uint8(41)}, {"age > ?", 41.5}, {"age > ?", float32(41.5)}},
			"zero and minus zero":           {{"age > ?", 0.0}, {"age > ?", math.Copysign(0, -1)}},
			"NULL and empty":                {{"name = ?", nil}, {"name = ?", ""}, {"name = ?", []byte(nil)}, {"name = ?", []byte{}}, {"name = ?", (*string)(nil)}},
			"instants a nanosecond apart":   {{"created_at >= ?", at}, {"created_at >= ?", at.Add(1)}, {"created_at >= ?", at.Add(time.Microsecond)}},
			"one instant in several zones":  {{"created_at <= ?", at}, {"created_at <= ?", at.Local()}, {"created_at <= ?", at.In(time.FixedZone("", 7200))}, {"created_at <= ?", at.In(time.FixedZone("X", 7200))}},
			"lists of other lengths":        {{"id IN ?", []int{1, 2}}, {"id IN ?", []int{1}}, {"id IN ?", []int{}}, {"id IN ?", []int{2, 1}}},
			"the text and the argument":     {{"name = 'Amy'"}, {"name = ?", "Amy"}},
		} {
			t.Run(title, func(t *testing.T) {
				p := open(t, d)
				for range 2 {
					for i, conds := range variants {
						read := func(db *gorm.DB) any {
							var us []User
							return tell(db.Order("id").Find(&us, conds...), us)
						}
						if diff := testdb.Equal(read(p.cached.DB), read(p.plain.DB)); diff != "" {
							t.Errorf("%v:\n%s", variants[i], diff)
						}
					}
				}
				if n := p.cached.Recorder.Queries(); n != len(variants) {
					t.Errorf("%d queries for %d variants", n, len(variants))
				}
			})
		}
	})
}

func TestAPartOfARecordDoesNotFillTheWhole(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		for _, read := range []reading{
			func(db *gorm.DB) any { var u User; return tell(db.Select("id").First(&u, 1), &u) },
			func(db *gorm.DB) any { var u User; return tell(db.First(&u, 1), &u) },
			func(db *gorm.DB) any { var u User; return tell(db.Omit("name").First(&u, 1), &u) },
			func(db *gorm.DB) any { u := User{Name: "own", Age: 3}; return tell(db.Select("id").First(&u, 1), &u) },
			func(db *gorm.DB) any { u := User{Name: "own", Age: 3}; return tell(db.Find(&u, "id = 99"), &u) },
			func(db *gorm.DB) any { var u User; return tell(db.Find(&u, "id = 99"), &u) },
		} {
			p.hits(t, read)
		}
	})
}

// First and Find of one text differ in what they make of nothing.
func TestNothingIsAnErrorOnlyForThoseWhoAsk(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		find := func() error { return p.cached.Order("id").Limit(1).Find(&User{}, "age > 100").Error }
		take := func() error { return p.cached.Order("id").Take(&User{}, "age > 100").Error }
		for _, order := range [][2]func() error{{find, take}, {take, find}} {
			must(t, p.cached.Exec("UPDATE users SET active = active").Error)
			for range 2 {
				for _, read := range order {
					err := read()
					if wants := fmt.Sprintf("%p", read) == fmt.Sprintf("%p", take); wants != errors.Is(err, gorm.ErrRecordNotFound) {
						t.Errorf("got %v", err)
					}
				}
			}
		}
		if n := p.cached.Recorder.Queries(); n != 2 {
			t.Errorf("%d queries, want 2: the text is one", n)
		}
	})
}

func TestDatabasesOfOnePluginDoNotMix(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		cache := querycache.New(querycache.Config{})
		one := d.Open(t, testdb.Options{Plugins: []gorm.Plugin{cache}})
		other := testdb.New(t, d.Dialect)
		seed(t, other)
		two := other.Open(t, testdb.Options{Plugins: []gorm.Plugin{cache}})
		must(t, two.Model(&User{}).Where("id = 1").Update("name", "Ann").Error)
		for range 2 {
			for db, want := range map[*testdb.DB]string{one: "Amy", two: "Ann"} {
				var u User
				must(t, db.First(&u, 1).Error)
				if u.Name != want {
					t.Errorf("%s, want %s", u.Name, want)
				}
			}
		}
		if one.Recorder.Queries() != 1 || two.Recorder.Queries() != 1 {
			t.Errorf("%d and %d queries, want 1 each", one.Recorder.Queries(), two.Recorder.Queries())
		}
		if d.Dialect == testdb.MySQL {
			return // where a statement may name the tables of any database of the server
		}
		before := one.Recorder.Queries()
		must(t, two.Model(&User{}).Where("id = 1").Update("name", "Ada").Error)
		must(t, one.First(&User{}, 1).Error)
		if one.Recorder.Queries() != before {
			t.Error("a write to one database invalidated the other's")
		}
	})
}

func TestPluginsOnOneDatabaseKeepEachOtherFresh(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		a, b := open(t, d), open(t, d)
		for i, writer := range []*pair{a, b, a} {
			for _, p := range []*pair{a, b} {
				p.hits(t, allUsers)
			}
			must(t, writer.cached.Model(&User{}).Where("id = 1").Update("age", 70+i).Error)
			for _, p := range []*pair{a, b} {
				same(t, allUsers(p.cached.DB), allUsers(p.plain.DB))
			}
		}
	})
}

func TestBothOnOneDB(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		second := querycache.New(querycache.Config{})
		defer second.Close(context.Background())
		if err := p.cached.Use(second); !errors.Is(err, gorm.ErrRegistered) {
			t.Errorf("a second plugin on one *gorm.DB: %v", err)
		}
		p.hits(t, allUsers)
	})
}

func TestTimesKeepTheirZones(t *testing.T) {
	onEmpty(t, zones)
}

func zones(t *testing.T, d *testdb.Database) {
	t.Helper()
	type moment struct {
		ID int
		At time.Time
		P  *time.Time
		D  time.Time `gorm:"type:date"`
	}
	plain := d.Open(t, testdb.Options{})
	must(t, plain.AutoMigrate(&moment{}))
	for i, loc := range []*time.Location{time.UTC, time.Local, time.FixedZone("", 3600), time.FixedZone("EST", -18000), time.FixedZone("UTC", 0)} {
		at := time.Date(2024, 7, 1+i, 23, 59, 59, 999000000, loc)
		must(t, plain.Create(&moment{ID: i + 1, At: at, P: &at, D: at}).Error)
	}
	readings{
		"structs": func(db *gorm.DB) any { var ms []moment; return tell(db.Order("id").Find(&ms), &ms) },
		"maps": func(db *gorm.DB) any {
			var ms []map[string]any
			return tell(db.Model(&moment{}).Order("id").Find(&ms), &ms)
		},
		"rows": func(db *gorm.DB) any { return iterate(db.Model(&moment{}).Order("id").Rows()) },
		"Pluck": func(db *gorm.DB) any {
			var ts []time.Time
			return tell(db.Model(&moment{}).Order("id").Pluck("at", &ts), &ts)
		},
		"Scan": func(db *gorm.DB) any {
			var at time.Time
			return tell(db.Model(&moment{}).Select("at").Where("id = 3").Scan(&at), &at)
		},
		"as text": func(db *gorm.DB) any {
			var ts []string
			return tell(db.Model(&moment{}).Order("id").Pluck("at", &ts), &ts)
		},
		"a comparison": func(db *gorm.DB) any {
			var ms []moment
			return tell(db.Order("id").Find(&ms, "at > ?", time.Date(2024, 7, 3, 0, 0, 0, 0, time.FixedZone("", -3600))), &ms)
		},
	}.allHit(t, d)
}

// TestInAnotherTimeZone runs the tests about times in processes whose local zone is another.
func TestInAnotherTimeZone(t *testing.T) {
	t.Parallel()
	if os.Getenv("QUERYCACHE_ZONE_TEST") != "" {
		t.Skip("is one of those processes")
	}
	self, err := os.Executable()
	must(t, err)
	for _, zone := range []string{"America/New_York"} {
		cmd := exec.CommandContext(t.Context(), self, "-test.run", "^(TestTimesKeepTheirZones|TestFieldsOfEveryKindAreReadAsByGORM|TestQueriesThatLookAlikeAreToldApart)$")
		cmd.Env = append(os.Environ(), "TZ="+zone, "QUERYCACHE_ZONE_TEST=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("TZ=%s: %v\n%s", zone, err, out)
		}
	}
}
