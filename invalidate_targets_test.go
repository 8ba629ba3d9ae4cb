package querycache_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

type byHand = func(ctx context.Context, c *querycache.Plugin) (int, error)

// number is a key that tells its value by a method.
type number int64

func (n number) Value() (driver.Value, error) { return int64(n), nil }

// TestTablesModelsAndRecords: what dies is what a write would kill, and it is counted exactly.
func TestTablesModelsAndRecords(t *testing.T) {
	tables := func(names ...string) byHand {
		return func(ctx context.Context, c *querycache.Plugin) (int, error) { return c.InvalidateTable(ctx, names...) }
	}
	models := func(list ...any) byHand {
		return func(ctx context.Context, c *querycache.Plugin) (int, error) { return c.InvalidateModel(ctx, list...) }
	}
	records := func(model any, keys ...any) byHand {
		return func(ctx context.Context, c *querycache.Plugin) (int, error) {
			return c.InvalidateRecord(ctx, model, keys...)
		}
	}
	books := []string{"book 1", "book 2", "books", "titles"}
	shelves := append([]string{"shelf 1", "shelf 2", "shelves"}, books...) // books go with their shelf
	codes := []string{"code a", "code b", "codes"}
	lines := []string{"line 1/1", "line 1/2", "lines"}
	book1 := []string{"book 1", "books", "titles"}
	line12 := []string{"line 1/2", "lines"}
	one := 1
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		shelve(t, d)
		p := open(t, d)
		for name, c := range map[string]struct {
			run  byHand
			dead []string
		}{
			"a table":                  {tables("hand_books"), books},
			"in another case, quoted":  {tables(`public."HAND_Books"`), books},
			"with a cascade":           {tables("hand_shelves"), shelves},
			"a view":                   {tables("hand_titles"), books},
			"two tables":               {tables("hand_codes", "hand_others"), append([]string{"others"}, codes...)},
			"a table that is not read": {tables("hand_lines", "hand_lines"), lines},

			"a model":             {models(&handBook{}), books},
			"a struct":            {models(handBook{}), books},
			"a nil pointer":       {models((*handBook)(nil)), books},
			"a slice":             {models([]handBook(nil)), books},
			"a slice of pointers": {models(&[]*handBook{}), books},
			"two models":          {models(handCode{}, handLine{}), append(codes, lines...)},

			"a record":                        {records(&handBook{}, 1), book1},
			"a record by its model":           {records(&handBook{ID: 1}), book1},
			"by a value":                      {records(handBook{ID: 1}), book1},
			"keys win over the model":         {records(handBook{ID: 2}, 1), book1},
			"a key that is a model":           {records(&handBook{}, handBook{ID: 1}), book1},
			"by the table's name":             {records("Hand_Books", uint8(1)), book1},
			"a pointer to a key":              {records(&handBook{}, &one), book1},
			"a text":                          {records(&handBook{}, "1"), book1},
			"a Valuer":                        {records(&handBook{}, number(1)), book1},
			"two records":                     {records(&handBook{}, 1, 2), books},
			"a slice of keys":                 {records(&handBook{}, []int{1, 2}), books},
			"slices in slices":                {records(&handBook{}, []any{[]uint{1}, 2}), books},
			"a slice of models":               {records([]*handBook{{ID: 1}, {ID: 7}}), book1},
			"a record that is not there":      {records(&handBook{}, 99), []string{"books", "titles"}},
			"a record with a cascade":         {records(&handShelf{}, 1), slices.DeleteFunc(slices.Clone(shelves), func(s string) bool { return s == "shelf 2" })},
			"a composite key":                 {records(&handLine{}, []any{1, 2}), line12},
			"of ints":                         {records(handLine{}, []int{1, 2}), line12},
			"in an array":                     {records(handLine{}, [2]number{1, 2}), line12},
			"in a model":                      {records(&handLine{OrderID: 1, Pos: 2}), line12},
			"by name":                         {records("hand_lines", []int{1, 2}), line12},
			"two composite keys":              {records(&handLine{}, []int{1, 2}, []int{1, 1}), lines},
			"two in one":                      {records(&handLine{}, [][]int{{1, 2}, {1, 1}}), lines},
			"models in a slice":               {records(&handLine{}, []handLine{{1, 2, ""}}), line12},
			"a text key":                      {records(&handCode{}, "a"), []string{"code a", "codes"}},
			"a text key in capitals":          {records(&handCode{Code: "A"}), []string{"code a", "codes"}},
			"a text of which little is known": {records(&handCode{}, "ä"), codes},
			"a number for a text":             {records(&handCode{}, 1), codes},
			"a number in odd spelling":        {records(&handBook{}, "01"), books},
			"a fraction":                      {records(&handBook{}, 1.5), books},
			"a record of a view":              {records("hand_titles", 1), books},
		} {
			t.Run(name, func(t *testing.T) { p.kills(t, handReads, c.run, c.dead...) })
		}
	})
}

// TestMistakesByHandAreTold: each error names the argument and the mend, and the other arguments are invalidated.
func TestMistakesByHandAreTold(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	shelve(t, d)
	p := open(t, d)
	ctx := t.Context()
	type keyless struct{ Name string }
	c := p.cache
	for text, m := range map[string]struct {
		run  func() (int, error)
		want error
		dead int
	}{
		`"hand_bokos": check`:        {func() (int, error) { return c.InvalidateTable(ctx, "hand_bokos", "hand_others") }, querycache.ErrUnknownTable, 1},
		`"nowhere": check`:           {func() (int, error) { return c.InvalidateTable(ctx, "hand_others", "nowhere", "hand_bokos") }, querycache.ErrUnknownTable, 1},
		`names no table`:             {func() (int, error) { return c.InvalidateTable(ctx, "", "hand_others") }, querycache.ErrInvalidArgument, 1},
		`of *querycache_test.pinned`: {func() (int, error) { return c.InvalidateModel(ctx, &pinned{}, &handOther{}) }, querycache.ErrUnknownTable, 1},
		`int is no model`:            {func() (int, error) { return c.InvalidateModel(ctx, 42, handOther{}) }, querycache.ErrInvalidArgument, 1},
		`<nil> is no model`:          {func() (int, error) { return c.InvalidateModel(ctx, nil) }, querycache.ErrInvalidArgument, 0},
		`InvalidateTable`:            {func() (int, error) { return c.InvalidateModel(ctx, "hand_others") }, querycache.ErrInvalidArgument, 0},

		`is not set: set it`:               {func() (int, error) { return c.InvalidateRecord(ctx, &handOther{}) }, querycache.ErrInvalidArgument, 0},
		`no record in the slice`:           {func() (int, error) { return c.InvalidateRecord(ctx, []handOther{}) }, querycache.ErrInvalidArgument, 0},
		`has no primary key`:               {func() (int, error) { return c.InvalidateRecord(ctx, keyless{"x"}) }, querycache.ErrInvalidArgument, 0},
		`a key is nil`:                     {func() (int, error) { return c.InvalidateRecord(ctx, handOther{}, nil) }, querycache.ErrInvalidArgument, 0},
		`a nil *int`:                       {func() (int, error) { return c.InvalidateRecord(ctx, handOther{}, (*int)(nil)) }, querycache.ErrInvalidArgument, 0},
		`a nil *querycache_test.handOther`: {func() (int, error) { return c.InvalidateRecord(ctx, (*handOther)(nil)) }, querycache.ErrInvalidArgument, 0},
		`has 1 values where the table's has 2 (order_id, pos)`: {func() (int, error) { return c.InvalidateRecord(ctx, handLine{}, 1) }, querycache.ErrInvalidArgument, 0},
		`has 3 values where the table's has 2`:                 {func() (int, error) { return c.InvalidateRecord(ctx, "hand_lines", []int{1, 2, 3}) }, querycache.ErrInvalidArgument, 0},
		`"nothing": check`:                                     {func() (int, error) { return c.InvalidateRecord(ctx, "nothing", 1) }, querycache.ErrUnknownTable, 0},
		`no key of "hand_others"`:                              {func() (int, error) { return c.InvalidateRecord(ctx, "hand_others") }, querycache.ErrInvalidArgument, 0},
		`"." names no table`:                                   {func() (int, error) { return c.InvalidateRecord(ctx, ".", 1) }, querycache.ErrInvalidArgument, 0},
		`empty tag`:                                            {func() (int, error) { return c.InvalidateTags(ctx, "") }, querycache.ErrInvalidArgument, 0},
		`empty name`:                                           {func() (int, error) { return c.InvalidateNamed(ctx, "") }, querycache.ErrInvalidArgument, 0},
		`key.Tenant("")`:                                       {func() (int, error) { return c.InvalidateTenant(ctx, "") }, querycache.ErrInvalidArgument, 0},
	} {
		t.Run(text, func(t *testing.T) {
			must(t, handReads["others"](p.cached.DB))
			before := c.Stats().Invalidations.Failed
			n, err := m.run()
			if !errors.Is(err, m.want) || n != m.dead || !strings.Contains(fmt.Sprint(err), text) {
				t.Errorf("%d died, want %d: %v", n, m.dead, err)
			}
			if got := c.Stats().Invalidations.Failed - before; got != 1 {
				t.Errorf("counted as failed %d times", got)
			}
		})
	}
}

// TestNothingIsInvalidatedByNothing: a call without arguments does nothing and is not counted.
func TestNothingIsInvalidatedByNothing(t *testing.T) {
	t.Parallel()
	p := open(t, testdb.New(t, testdb.SQLite))
	ctx := t.Context()
	for name, run := range map[string]func() (int, error){
		"tags":     func() (int, error) { return p.cache.InvalidateTags(ctx) },
		"names":    func() (int, error) { return p.cache.InvalidateNamed(ctx) },
		"tenants":  func() (int, error) { return p.cache.InvalidateTenant(ctx) },
		"tables":   func() (int, error) { return p.cache.InvalidateTable(ctx) },
		"models":   func() (int, error) { return p.cache.InvalidateModel(ctx) },
		"patterns": func() (int, error) { return p.cache.InvalidatePattern(ctx) },
	} {
		if n, err := run(); n != 0 || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if s := p.cache.Stats().Invalidations; len(s.ByKind) != 0 {
		t.Errorf("%+v", s)
	}
}

// handMethods are all ways to invalidate "books" by hand.
var handMethods = map[string]byHand{
	"InvalidateTags": func(ctx context.Context, c *querycache.Plugin) (int, error) {
		return c.InvalidateTags(ctx, "x", "a tag")
	},
	"InvalidateNamed": func(ctx context.Context, c *querycache.Plugin) (int, error) { return c.InvalidateNamed(ctx, "a name") },
	"InvalidateTenant": func(ctx context.Context, c *querycache.Plugin) (int, error) {
		return c.InvalidateTenant(ctx, "a tenant")
	},
	"InvalidateTable": func(ctx context.Context, c *querycache.Plugin) (int, error) {
		return c.InvalidateTable(ctx, "hand_books")
	},
	"InvalidateModel": func(ctx context.Context, c *querycache.Plugin) (int, error) {
		return c.InvalidateModel(ctx, &handBook{})
	},
	"InvalidateRecord": func(ctx context.Context, c *querycache.Plugin) (int, error) {
		return c.InvalidateRecord(ctx, &handBook{}, 1)
	},
	"InvalidatePattern": func(ctx context.Context, c *querycache.Plugin) (int, error) {
		return c.InvalidatePattern(ctx, pattern("*:*:*:hand_books:*:*"))
	},
	"Clear": func(ctx context.Context, c *querycache.Plugin) (int, error) { return c.Clear(ctx) },
}

func TestAClosedPluginIsNotInvalidated(t *testing.T) {
	t.Parallel()
	closed := querycache.New(querycache.Config{})
	must(t, closed.Close(t.Context()))
	wrong := querycache.New(querycache.Config{OutcomeHold: -1})
	for name, run := range handMethods {
		if n, err := run(t.Context(), closed); n != 0 || !errors.Is(err, querycache.ErrClosed) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if n, err := run(t.Context(), wrong); n != 0 || !errors.Is(err, querycache.ErrConfig) {
			t.Errorf("%s of a plugin that cannot be used: %d, %v", name, n, err)
		}
	}
	unused := querycache.New(querycache.Config{})
	for name, run := range handMethods {
		_, err := run(t.Context(), unused)
		needs := slices.Contains([]string{"InvalidateTable", "InvalidateModel", "InvalidateRecord"}, name)
		if needs != errors.Is(err, querycache.ErrNotInstalled) || !needs && err != nil {
			t.Errorf("%s before db.Use: %v", name, err)
		}
	}
	must(t, unused.Close(t.Context()))
}

// TestAModelGoesByTheNamesOfItsDatabase: two databases of one plugin name their tables in two ways.
func TestAModelGoesByTheNamesOfItsDatabase(t *testing.T) {
	t.Parallel()
	cache := querycache.New(querycache.Config{})
	opened := func(prefix string) *testdb.DB {
		db := testdb.Open(t, testdb.Options{
			Config: gorm.Config{NamingStrategy: schema.NamingStrategy{TablePrefix: prefix}}, Plugins: []gorm.Plugin{cache},
		})
		must(t, db.AutoMigrate(&handOther{}))
		return db
	}
	one, two, three := opened(""), opened("x_"), opened("x_")
	read := func() (asked []int) {
		for _, db := range []*testdb.DB{one, two, three} {
			before := db.Recorder.Queries()
			must(t, db.Find(&[]handOther{}).Error)
			asked = append(asked, db.Recorder.Queries()-before)
		}
		return asked
	}
	for name, c := range map[string]struct {
		run   func() (int, error)
		asked []int
	}{
		"the model":      {func() (int, error) { return cache.InvalidateModel(t.Context(), handOther{}) }, []int{1, 1, 1}},
		"its records":    {func() (int, error) { return cache.InvalidateRecord(t.Context(), handOther{}, 3) }, []int{1, 1, 1}},
		"one table":      {func() (int, error) { return cache.InvalidateTable(t.Context(), "hand_others") }, []int{1, 0, 0}},
		"the other name": {func() (int, error) { return cache.InvalidateTable(t.Context(), "x_hand_others") }, []int{0, 1, 1}},
	} {
		read()
		n, err := c.run()
		if want := c.asked[0] + c.asked[1] + c.asked[2]; n != want || err != nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
		if got := read(); !slices.Equal(got, c.asked) {
			t.Errorf("%s: asked %v, want %v", name, got, c.asked)
		}
	}
}

// TestATableIsInvalidatedAsAWholeWhereItsKeySaysLittle: the model's key is not the table's.
func TestATableIsInvalidatedAsAWholeWhereItsKeySaysLittle(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	must(t, d.Open(t, testdb.Options{}).Exec("CREATE TABLE hand_codes (code TEXT, name TEXT PRIMARY KEY, v INT)").Error)
	p := open(t, d)
	reads := map[string]func(db *gorm.DB) error{
		"pinned": func(db *gorm.DB) error { return db.Limit(1).Find(&[]handCode{}, "name = ?", "x").Error },
		"list":   handReads["codes"],
	}
	p.kills(t, reads, func(ctx context.Context, c *querycache.Plugin) (int, error) {
		return c.InvalidateRecord(ctx, &handCode{}, "a")
	}, slices.Collect(maps.Keys(reads))...)
}
