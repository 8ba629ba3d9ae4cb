package snapshot

import (
	"reflect"
	"strings"
	"sync"
	"sync/atomic"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"
)

// maxPlans bounds how many plans a Planner remembers. Programs have as many as
// they have pairs of destination type and schema; the bound is for those that
// make up table names as they run, each of which has a schema of its own.
const maxPlans = 1024

// Planner compiles plans and remembers them. It is safe for concurrent use.
type Planner struct {
	immutable map[reflect.Type]bool

	mu    sync.Mutex // held by writers of plans
	plans atomic.Pointer[map[planKey]planned]

	values sync.Map // reflect.Type → plannedValue
}

// planKey is all that a plan depends on. The schema stands for the schema
// store it came from, which decides how other types are parsed.
type planKey struct {
	dest  reflect.Type
	sch   *schema.Schema
	joins string
}

type planned struct {
	plan   *Plan
	reason string
}

// NewPlanner returns a planner. Values of the immutable types may be shared
// between snapshots and destinations: nothing ever changes what they point to.
func NewPlanner(immutable ...reflect.Type) *Planner {
	p := &Planner{immutable: make(map[reflect.Type]bool, len(immutable))}
	for _, t := range immutable {
		if t != nil {
			p.immutable[t] = true
		}
	}
	p.plans.Store(&map[planKey]planned{})
	return p
}

// Plan returns the plan for a destination, or nil and the reason why no
// snapshot of it is exact.
//
// dest is Statement.Dest, rv is Statement.ReflectValue, stmtSchema is
// Statement.Schema and may be nil. joins are the names given to Joins; those
// that name no relation are ignored. parse returns the schema of a destination
// whose records are not of stmtSchema's type, as gorm.Scan parses it; it is
// called only the first time such a destination is seen.
func (p *Planner) Plan(dest any, rv reflect.Value, stmtSchema *schema.Schema, joins []string, parse func(dest any) (*schema.Schema, error)) (*Plan, string) {
	return p.lookup(dest, rv, stmtSchema, relationsJoined(stmtSchema, len(joins), func(i int) string { return joins[i] }), parse)
}

// PlanFor is Plan for a statement that gorm is about to scan into.
func (p *Planner) PlanFor(stmt *gorm.Statement) (*Plan, string) {
	joined := relationsJoined(stmt.Schema, len(stmt.Joins), func(i int) string { return stmt.Joins[i].Name })
	return p.lookup(stmt.Dest, stmt.ReflectValue, stmt.Schema, joined, func(dest any) (*schema.Schema, error) {
		other := gorm.Statement{DB: stmt.DB}
		err := other.Parse(dest)
		return other.Schema, err
	})
}

func (p *Planner) lookup(dest any, rv reflect.Value, sch *schema.Schema, joins string, parse func(any) (*schema.Schema, error)) (*Plan, string) {
	if dest == nil || !rv.IsValid() {
		return nil, "the destination is nil"
	}
	if !rv.CanSet() {
		return nil, "the destination is not a pointer"
	}
	key := planKey{reflect.TypeOf(dest), sch, joins}
	known, ok := (*p.plans.Load())[key]
	if !ok {
		known.plan, known.reason = p.compile(dest, rv.Type(), sch, joins, parse)
		p.remember(key, known)
	}
	return known.plan, known.reason
}

// remember publishes a new plan. Readers never wait: they read a map that is
// not written any more.
func (p *Planner) remember(key planKey, known planned) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := *p.plans.Load()
	next := make(map[planKey]planned, len(old)+1)
	if len(old) < maxPlans {
		for k, v := range old {
			next[k] = v
		}
	}
	next[key] = known
	p.plans.Store(&next)
}

// relationsJoined lists, separated by spaces, those of n join names that
// gorm would resolve to relations of sch. Raw joins are left out: they fill no
// field by themselves, and their texts are without number.
func relationsJoined(sch *schema.Schema, n int, name func(int) string) string {
	if sch == nil || n == 0 {
		return ""
	}
	joined := ""
	for i := range n {
		if relationAt(sch, name(i)) {
			if joined != "" {
				joined += " "
			}
			joined += name(i)
		}
	}
	return joined
}

func relationAt(sch *schema.Schema, path string) bool {
	for more := true; more; {
		var name string
		name, path, more = strings.Cut(path, ".")
		rel := relation(sch, name)
		if rel == nil || rel.FieldSchema == nil {
			return false
		}
		sch = rel.FieldSchema
	}
	return true
}

// relation reads the map of relations under its lock: gorm adds to the map of
// a schema in use when it parses another one that points to it.
func relation(sch *schema.Schema, name string) *schema.Relationship {
	sch.Relationships.Mux.RLock()
	defer sch.Relationships.Mux.RUnlock()
	return sch.Relationships.Relations[name]
}

// joinTree holds the relations that joins may fill, and theirs below them.
type joinTree map[string]joinTree

func parseJoins(joins string) joinTree {
	tree := joinTree{}
	for path := range strings.FieldsSeq(joins) {
		at := tree
		for name := range strings.SplitSeq(path, ".") {
			if at[name] == nil {
				at[name] = joinTree{}
			}
			at = at[name]
		}
	}
	return tree
}
