package snapshot

import (
	"context"
	"database/sql"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// redactor shows what the context allows, as a serializer may.
type redactor struct{ schema.JSONSerializer }

func (redactor) Scan(ctx context.Context, field *schema.Field, dst reflect.Value, v any) error {
	return field.Set(ctx, dst, ctx.Value(redactor{}))
}

func init() { schema.RegisterSerializer("redactor", redactor{}) }

// selfSerialized is a field type that is its own serializer.
type selfSerialized string

func (s *selfSerialized) Scan(context.Context, *schema.Field, reflect.Value, any) error { return nil }

func (s selfSerialized) Value(context.Context, *schema.Field, reflect.Value, any) (any, error) {
	return string(s), nil
}

type scannedModel struct {
	ID   uint
	Tags *string
}

func (*scannedModel) Scan(any) error { return nil }

// planOf plans for a destination as gorm would hand it over.
func planOf(t *testing.T, p *Planner, dest any, joins ...string) (*Plan, reflect.Value, string) {
	t.Helper()
	store := &sync.Map{}
	parse := func(dest any) (*schema.Schema, error) {
		return schema.Parse(dest, store, schema.NamingStrategy{})
	}
	rv := reflect.ValueOf(dest)
	for rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			rv.Set(reflect.New(rv.Type().Elem()))
		}
		rv = rv.Elem()
	}
	var sch *schema.Schema
	if rv.Kind() != reflect.Interface { // gorm's own parser panics there
		var err error
		if sch, err = parse(dest); err != nil {
			sch = nil
		}
	}
	plan, reason := p.Plan(dest, rv, sch, joins, parse)
	if (plan == nil) == (reason == "") {
		t.Errorf("%T: plan %v with reason %q", dest, plan, reason)
	}
	return plan, rv, reason
}

func TestRefusedDestinations(t *testing.T) {
	type id struct{ ID uint }
	for _, c := range []struct {
		dest any
		says string
	}{
		{new(map[string]any), "row by row"},
		{new([]map[string]any), "row by row"},
		{new(any), "row by row"},
		{new([]any), "row by row"},
		{new([]**string), "row by row"},
		{new([]func()), "row by row"},
		{new(chan int), "row by row"},
		{new(status), "row by row"}, // gorm scans only its own list of scalars
		{new(*int64), "row by row"},
		{new([]sql.RawBytes), "memory of the driver's"},
		{new([]struct{}), "no columns"},
		{new([][0]int), "no columns"},
		{new([]opaque), "decodes itself"},
		{new([]big.Int), "no columns"},
		{[]id{}, "not a pointer"},
		{id{}, "not a pointer"},
		{new([]struct {
			ID uint
			V  opaque
		}), "V: type snapshot.opaque decodes itself"},
		{new([]struct {
			ID uint
			V  *opaque
		}), "V: type snapshot.opaque decodes itself"},
		{new([]struct {
			ID uint
			V  string `gorm:"serializer:redactor"`
		}), "V: serializer snapshot.redactor"},
		{new([]struct {
			ID uint
			V  selfSerialized
		}), "V: serializer *snapshot.selfSerialized"},
		{new([]struct {
			ID uint
			V  any `gorm:"type:text"`
		}), "an interface takes"},
		{new([]struct {
			ID uint
			V  map[string]singleton `gorm:"serializer:json"`
		}), "singleton decodes itself"},
		{new([]struct {
			ID uint
			V  []*big.Int `gorm:"serializer:json"`
		}), "big.Int decodes itself"},
		{new([]struct {
			ID uint
			V  map[*string]int `gorm:"serializer:json"`
		}), "keys of map[*string]int hold pointers"},
		{new([]struct {
			ID uint
			V  map[any]int `gorm:"serializer:gob"`
		}), "keys of map[interface {}]int hold pointers"},
		{new([]struct {
			ID uint
			V  struct{ F func() } `gorm:"serializer:json"`
		}), "cannot be copied"},
		{new([]struct {
			ID uint
			V  []error `gorm:"serializer:json"`
		}), "cannot be copied"},
		{new([]struct {
			ID uint
			V  sql.Null[opaque] `gorm:"serializer:json"`
		}), "opaque decodes itself"},
		{new([]scannedModel), "scannedModel decodes itself"},
	} {
		plan, _, reason := planOf(t, NewPlanner(), c.dest)
		if plan != nil || !strings.Contains(reason, c.says) {
			t.Errorf("%T: plan %v, reason %q, not %q", c.dest, plan, reason, c.says)
		}
	}
	if plan, reason := NewPlanner().Plan(nil, reflect.Value{}, nil, nil, nil); plan != nil || reason == "" {
		t.Error("nil was planned for")
	}
}

func TestNoSchemaForStruct(t *testing.T) {
	dest := new([]scannedModel)
	rv := reflect.ValueOf(dest).Elem()
	if plan, reason := NewPlanner().Plan(dest, rv, nil, nil, nil); plan != nil || !strings.Contains(reason, "decodes itself") {
		t.Errorf("plan %v, reason %q", plan, reason)
	}
	users := new([]plainUser)
	if plan, reason := NewPlanner().Plan(users, reflect.ValueOf(users).Elem(), nil, nil, nil); plan != nil || !strings.Contains(reason, "no schema") {
		t.Errorf("plan %v, reason %q", plan, reason)
	}
}

func TestPlansAreRemembered(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&plainUser{}))
	a, _ := observe(db, p, find, new([]plainUser))
	b, _ := observe(db, p, find, new([]plainUser))
	c, _ := observe(db, p, find, new([]*plainUser))
	d, tx := observe(db, p, func(tx *gorm.DB, dest any) *gorm.DB { return tx.Joins("CROSS JOIN (SELECT 1)").Find(dest) }, new([]plainUser))
	if a.plan != b.plan || a.plan == c.plan || a.plan != d.plan {
		t.Error("plans are not one per type and schema")
	}
	if n := testing.AllocsPerRun(100, func() { p.PlanFor(tx.Statement) }); n > 0 {
		t.Errorf("looking a plan up allocates %v times", n)
	}
	for i := range maxPlans + 10 {
		p.remember(planKey{dest: reflect.ArrayOf(i, stringType)}, planned{})
	}
	if n := len(*p.plans.Load()); n > maxPlans {
		t.Errorf("%d plans are remembered", n)
	}
}

func TestImmutableTypesAreShared(t *testing.T) {
	type priced struct {
		ID    uint
		Price *big.Int `gorm:"serializer:json"`
		V     opaque
	}
	if plan, _, _ := planOf(t, NewPlanner(), new(priced)); plan != nil {
		t.Fatal("planned for unknown types")
	}
	p := NewPlanner(reflect.TypeFor[*big.Int](), reflect.TypeFor[opaque](), nil)
	src := &priced{1, big.NewInt(5), opaque{&opaqueShared}}
	plan, rv, reason := planOf(t, p, src)
	if plan == nil {
		t.Fatal(reason)
	}
	s, ok := plan.Take(rv, 1)
	var dst priced
	plan.Put(reflect.ValueOf(&dst).Elem(), s)
	if !ok || dst.Price != src.Price || dst.V.p != src.V.p {
		t.Errorf("taken %v, not shared: %v, %v", ok, dst, src)
	}
}

func TestStructMustBeZero(t *testing.T) {
	plan, rv, reason := planOf(t, NewPlanner(), new(embedding))
	if reason != "" {
		t.Fatal(reason)
	}
	e := rv.Addr().Interface().(*embedding)
	for name, set := range map[string]func(){
		"zero":       func() {},
		"key":        func() { e.ID = 1 },
		"unexported": func() { e.private = 1 },
		"embedded":   func() { e.Unseen = "x" },
		"pointer":    func() { e.Changed = &audit{} },
		"ignored":    func() { e.Ignored = []string{} },
		"time":       func() { e.CreatedAt = time.Time{}.Local() },
	} {
		*e = embedding{}
		set()
		if plan.Accepts(rv) != (name == "zero") {
			t.Errorf("%s: accepts %v", name, plan.Accepts(rv))
		}
	}
	if plan.Accepts(reflect.ValueOf(*e)) || plan.Accepts(reflect.Value{}) || plan.Accepts(reflect.ValueOf(&Deep{}).Elem()) {
		t.Error("accepts what is not its type or cannot be set")
	}
}

// Fields that a scan has no business with are noticed when they are not zero.
func TestOnlyWhatScansFillIsTaken(t *testing.T) {
	plan, rv, reason := planOf(t, NewPlanner(), new([]embedding))
	if reason != "" {
		t.Fatal(reason)
	}
	for name, e := range map[string]embedding{
		"filled":       {Name: "a", OnlyRead: "b", Made: audit{Why: ptr("c")}, Deep: &Deep{DeepName: ptr("d")}},
		"unexported":   {private: 1},
		"unexported 2": {mark: ptr("x")},
		"embedded":     {hiddenBase: hiddenBase{"x"}},
		"ignored":      {Ignored: []string{}},
		"unreadable":   {NoRead: "x"},
		"function":     {Funcs: func() {}},
		"map":          {Any: map[string]any{}},
	} {
		rv.Set(reflect.ValueOf([]embedding{{}, e}))
		if _, ok := plan.Take(rv, 2); ok != (name == "filled") {
			t.Errorf("%s: taken %v", name, ok)
		}
	}
	if _, ok := plan.Take(rv, 3); ok {
		t.Error("took a slice that does not hold the rows counted")
	}
	if _, ok := plan.Take(rv, -1); ok {
		t.Error("took less than nothing")
	}
	pointed, rv, _ := planOf(t, NewPlanner(), &[]*plainUser{nil})
	if _, ok := pointed.Take(rv, 1); ok {
		t.Error("took a nil record")
	}
	joined, rv, _ := planOf(t, NewPlanner(), &[]Person{{Company: &Company{Owner: &Person{}}}}, "Company")
	if _, ok := joined.Take(rv, 1); ok {
		t.Error("took a relation below one that was joined")
	}
	hidden, rv, _ := planOf(t, NewPlanner(), &[]serialized{{Addr: address{secret: []int{}}}})
	if _, ok := hidden.Take(rv, 1); ok {
		t.Error("took what no decoder fills")
	}
}

func TestValuesThatContainThemselves(t *testing.T) {
	type loops struct {
		ID     uint
		Tree   *tree          `gorm:"serializer:json"`
		Forest forest         `gorm:"serializer:json"`
		Any    any            `gorm:"serializer:json"`
		Map    map[string]any `gorm:"serializer:json"`
	}
	plan, rv, reason := planOf(t, NewPlanner(), new(loops))
	if reason != "" {
		t.Fatal(reason)
	}
	self := &tree{}
	self.Children = []*tree{self}
	byName := &tree{ByName: map[string]tree{}}
	byName.ByName["x"] = *byName
	woods := forest{nil}
	woods[0] = woods
	list := []any{nil}
	list[0] = list
	object := map[string]any{}
	object["x"] = []any{object}
	twice := &tree{}
	for range 100 {
		twice = &tree{Children: []*tree{twice, twice}}
	}
	deep := any("bottom")
	for range maxDepth + 1 {
		deep = []any{deep}
	}
	for name, v := range map[string]loops{
		"none":           {Tree: &tree{Children: []*tree{{}, {}}}, Forest: forest{{}, {}}, Any: []any{[]any{}}},
		"pointer":        {Tree: self},
		"map in struct":  {Tree: byName},
		"slice":          {Forest: woods},
		"list":           {Any: list},
		"map":            {Map: object},
		"shared":         {Tree: twice},
		"deep":           {Any: deep},
		"not from json":  {Any: struct{}{}},
		"pointer in any": {Any: &list},
		"typed map":      {Map: map[string]any{"x": map[string]string{}}},
	} {
		rv.Set(reflect.ValueOf(v))
		if _, ok := plan.Take(rv, 1); ok != (name == "none") {
			t.Errorf("%s: taken %v", name, ok)
		}
	}
}

func TestClonesAreChecked(t *testing.T) {
	type clones struct {
		ID    uint
		Good  cloned
		List  clonedList
		False falseClone
		Panic panicClone
	}
	plan, rv, reason := planOf(t, NewPlanner(), new(clones))
	if reason != "" {
		t.Fatal(reason)
	}
	for name, v := range map[string]clones{
		"none":   {},
		"good":   {Good: cloned{big.NewInt(1)}, List: clonedList{"a"}},
		"shares": {False: falseClone{[]string{"a"}}},
		"panics": {Panic: panicClone{ptr("a")}},
		"nil":    {List: clonedList{}}, // slices.Clone keeps it
	} {
		rv.Set(reflect.ValueOf(v))
		if _, ok := plan.Take(rv, 1); ok == (name == "shares" || name == "panics") {
			t.Errorf("%s: taken %v", name, ok)
		}
	}
}

func TestPutIntoAnotherTypePanics(t *testing.T) {
	a, rv, _ := planOf(t, NewPlanner(), &[]plainUser{{}})
	s, _ := a.Take(rv, 1)
	b, other, _ := planOf(t, NewPlanner(), &[]*plainUser{})
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	b.Put(other, s)
}
