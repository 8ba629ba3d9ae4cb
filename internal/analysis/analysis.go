// Package analysis turns a SQL text into what the cache must know of it: the
// tags that its result depends on, the tags that it touches, and whether it
// may be answered from the cache at all.
//
// It joins three sources: the scanner (which tables the text names), the
// database's catalog (what lies behind those names: views, cascades,
// triggers) and the table of stamps (where each tag lives). Answers are kept
// per text, in bounded memory.
//
// Invariants:
//
//  1. Soundness: a text that cannot be understood is never cacheable and
//     touches everything.
//  2. A plan belongs to one version of the catalog. Whoever acts on it later
//     asks Changed and, if so, treats the write as one to everything.
//  3. The slots of a plan never change, so that samples may keep them.
package analysis

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gorm-querycache/querycache/internal/catalog"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/invalidation"
)

// Reason is the class of a refusal to cache, as statistics count it; the zero
// Reason means that there is none.
type Reason string

// Why a text may not be answered from the cache.
const (
	ReasonRefused         Reason = "sql not understood"
	ReasonImpure          Reason = "impure query"
	ReasonNotRead         Reason = "not a read"
	ReasonNoTables        Reason = "no tables"
	ReasonUnknownTable    Reason = "unknown table"
	ReasonCatalog         Reason = "catalog unknown"
	ReasonReadUncommitted Reason = "read uncommitted"
)

// Plan is what one SQL text means to the cache, under one version of the
// catalog. It is immutable.
type Plan struct {
	// Reason and Detail say why the text is not cacheable; empty if it is.
	Reason Reason
	Detail string
	// Tables are the tables that the result depends on, folded and sorted;
	// Reads their slots as sets, the database's own first. A read may be
	// pinned to records instead: see Pin.
	Tables []string
	Reads  []invalidation.Slot

	// Written are the tables touched, Writes their slots; both empty if the
	// text writes nothing. The records may be known: see Touch. All says that
	// everything is touched.
	Written []string
	Writes  []invalidation.Slot
	All     bool
	// Autocommit says that some table written keeps what was written when
	// the transaction around it is rolled back.
	Autocommit bool

	Tx sqlscan.TxControl
	// Savepoint says that the text only sets, releases or returns to one.
	Savepoint bool
	// RawBegin says that the text does nothing but begin a transaction.
	RawBegin   bool
	Structural bool
	// Locking says that the read may take locks, or call code that does, so
	// that it may fail in its middle and take the transaction with it.
	Locking bool
	// ImplicitCommit says that the text may commit the transaction it runs in.
	ImplicitCommit bool
	// Temp, Unsafe and Attach are what Learn takes notice of.
	Temp   []string
	Unsafe bool
	Attach bool

	// Verb is the statement's first word, in lower case.
	Verb string

	// pin is set if a read is pinned to records: its result then depends on
	// core and on their tags, and on sets where it lacks one. See Pin.
	pin        *records
	core, sets []invalidation.Slot
	plain      bool
	// touch is set if the records that a write reaches are known: it then
	// touches touched and their tags. See Touch.
	touch   *records
	touched []invalidation.Slot

	// Stale says that the plan knows no catalog, since the one in force is
	// Analyzer.Stale.
	Stale bool

	version *version
}

// Refused tells whether the text could not be understood.
func (p *Plan) Refused() bool { return p.Reason == ReasonRefused }

// IsWrite tells whether running the text may change what some read returns.
func (p *Plan) IsWrite() bool { return len(p.Writes) > 0 }

// version is one reading of the catalog with the plans made under it.
type version struct {
	identity
	catalog *catalog.Catalog
	shadows map[string]bool
	dirty   bool // some session reads what is not committed, or old snapshots
	// attached: some connection has another database's file attached.
	attached bool
	options  *sqlscan.Options // with the functions that the catalog lists
	names    func() map[string]bool
	plans    textCache
	seen     uint64 // how many changes of the schema the catalog has seen
}

// lists tells whether the catalog, or some connection, has a table or view of
// that name.
func (v *version) lists(name string) bool { return v.names()[name] || v.shadows[name] }

// withCatalog puts a catalog in force, and what users made of functions: a name
// that a text calls may be theirs.
func (v *version) withCatalog(c *catalog.Catalog, base *sqlscan.Options) {
	v.catalog = c
	v.names = sync.OnceValue(func() map[string]bool {
		names := map[string]bool{}
		for _, n := range slices.Concat(c.Tables(), c.Views()) {
			names[n] = true
		}
		return names
	})
	v.options = &sqlscan.Options{Routines: c.Routines()}
	if base != nil {
		v.options.PureFunctions = base.PureFunctions
	}
}

// Analyzer answers for one database. It is safe for concurrent use.
type Analyzer struct {
	dialect sqlscan.Dialect
	options *sqlscan.Options
	stamps  *invalidation.Stamps

	mu        sync.Mutex // serialises changes of current
	current   atomic.Pointer[version]
	whenStale func()
}

// New makes an analyzer of a database that calls itself scope. An empty scope
// means that the database did not say who it is; name then tells it from
// others in this process.
func New(d sqlscan.Dialect, opts *sqlscan.Options, stamps *invalidation.Stamps, c *catalog.Catalog, scope, name string) *Analyzer {
	a := &Analyzer{dialect: d, options: opts, stamps: stamps}
	id := newIdentity(stamps, []string{scope}, true)
	if scope == "" {
		id = newIdentity(stamps, []string{name}, false)
	}
	v := &version{identity: id, seen: id.changes()}
	v.withCatalog(c, opts)
	a.current.Store(v)
	return a
}

// All are the slots of a write of unknown extent.
func (a *Analyzer) All() []invalidation.Slot { return a.current.Load().all }

// Scope is the first name of the database, for keys and logs.
func (a *Analyzer) Scope() string { return a.current.Load().scopes[0] }

// Dialect is the dialect that texts are read in.
func (a *Analyzer) Dialect() sqlscan.Dialect { return a.dialect }

// Catalog is the one in force.
func (a *Analyzer) Catalog() *catalog.Catalog { return a.current.Load().catalog }

// change puts a new version in force. Plans of the old one say so when asked.
func (a *Analyzer) change(f func(v *version)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	old := a.current.Load()
	v := &version{identity: old.identity, catalog: old.catalog, shadows: old.shadows, dirty: old.dirty, attached: old.attached, options: old.options, names: old.names, seen: old.seen}
	f(v)
	if len(v.counters) != len(old.counters) || v.counters[0] != old.counters[0] {
		// It has other names by now. A change that comes between the two
		// readings makes the catalog look older than it is.
		sum := v.changes()
		v.seen += sum - old.changes()
	}
	a.current.Store(v)
}

// SetCatalog puts a newly read catalog in force, and the database's name if
// it was not known. The caller holds an intent on everything, or has just
// opened the database.
func (a *Analyzer) SetCatalog(c *catalog.Catalog, scope string) {
	a.change(func(v *version) {
		v.withCatalog(c, a.options)
		if !v.known && !v.attached && scope != "" {
			v.identity = newIdentity(a.stamps, append([]string{scope}, v.scopes[1:]...), true)
		}
	})
}

// Join adds a name that several databases share because they replicate each
// other: a write to one invalidates what was read from any.
func (a *Analyzer) Join(group string) {
	for _, s := range a.current.Load().scopes {
		if s == group {
			return
		}
	}
	a.change(func(v *version) {
		v.identity = newIdentity(a.stamps, append(append([]string(nil), v.scopes...), group), v.known)
	})
}

// Learn takes notice of what a statement does to its connection that later
// reads must not be taken for everybody's: temporary tables, which the others
// do not see; a session that reads what is not committed, or old snapshots;
// another file attached, which some other pool may know as its own. None of it
// is ever unlearned, since nobody tells which connection a read runs on.
// Call it before the statement is sent.
func (a *Analyzer) Learn(p *Plan) {
	if len(p.Temp) == 0 && !p.Unsafe && !p.Attach {
		return
	}
	a.change(func(v *version) {
		v.dirty = v.dirty || p.Unsafe
		if p.Attach {
			v.attached = true
			v.identity = newIdentity(a.stamps, v.scopes, false)
		}
		if len(p.Temp) == 0 {
			return
		}
		shadows := make(map[string]bool, len(v.shadows)+len(p.Temp))
		for n := range v.shadows {
			shadows[n] = true
		}
		for _, n := range p.Temp {
			shadows[n] = true
		}
		v.shadows = shadows
	})
}

// Changed tells whether the catalog was read again since the plan was made, or is to be,
// so that the plan may name too few tables.
func (a *Analyzer) Changed(p *Plan) bool {
	v := a.current.Load()
	return v != p.version || v.outdated()
}

// Plan answers for one text. The text must not change afterwards.
func (a *Analyzer) Plan(text string) *Plan {
	v := a.current.Load()
	if v.outdated() {
		return a.planStale(text, v)
	}
	if p := v.plans.get(text); p != nil {
		return p
	}
	p := a.analyze(text, v)
	v.plans.put(strings.Clone(text), p)
	return p
}

func (a *Analyzer) analyze(text string, v *version) *Plan {
	res := sqlscan.Scan(a.dialect, text, v.options)
	p := &Plan{version: v, Verb: verb(text)}
	if res.Err != nil {
		p.Reason, p.Detail = ReasonRefused, res.Err.Error()
		if a.dialect == sqlscan.Unknown && isSelect(text) {
			// Nothing is ever cached from such a database, and a SELECT that
			// writes to one that is known under another name is not caught.
			return p
		}
		p.All, p.Writes, p.Autocommit, p.Structural = true, v.all, true, res.Structural
		lower := strings.ToLower(text)
		p.Unsafe, p.Attach = a.session(lower)
		if res.Structural && strings.Contains(lower, "temp") {
			p.Unsafe = true // a temporary table whose name is not known may hide any
		}
		return p
	}
	p.Tx, p.Temp = res.Tx, res.Temp
	p.Structural = res.Structural || res.DDL && generated.MatchString(text)
	// A procedure of these databases can commit, and what follows then commits
	// by itself.
	procedural := a.dialect == sqlscan.MySQL || a.dialect == sqlscan.SQLServer
	p.ImplicitCommit = res.ImplicitCommit || res.WritesAll && procedural
	p.Savepoint = res.Tx == sqlscan.TxSavepoint && res.Statements == 1
	p.RawBegin = res.Tx == sqlscan.TxBegin && res.Statements == 1
	// Only the first impurity is told, and a lock may stand behind it; SQL
	// Server locks what it reads.
	p.Locking = res.Impure != "" || a.dialect == sqlscan.SQLServer
	a.planWrite(p, res, v)
	a.planRead(p, res, v)
	if p.All {
		p.Unsafe, p.Attach = a.session(strings.ToLower(text))
	}
	return p
}

// generated finds a column that is computed by an expression, which may be as
// impure as a view's.
var generated = regexp.MustCompile(`(?i)\bas\s*\(`)

func (a *Analyzer) planWrite(p *Plan, res *sqlscan.Result, v *version) {
	switch {
	case p.Savepoint:
		return
	case res.WritesAll || res.DDL || res.Tx != sqlscan.TxNone || res.ImplicitCommit && len(res.Writes) == 0:
		p.All = true
	case len(res.Writes) == 0:
		return
	default:
		p.Written, p.All = v.catalog.Writes(res.Writes)
		p.All = p.All || !v.known
	}
	if p.All {
		p.Writes, p.Written = v.all, nil
		p.Autocommit = res.Tx == sqlscan.TxNone && !onlyTransactional(v.catalog)
		return
	}
	p.Writes = a.stamps.Slots(append(tags(v.scopes, p.Written, invalidation.Set), tags(v.scopes, p.Written, invalidation.Table)...))
	a.planTouch(p, res, v)
	for _, t := range p.Written {
		p.Autocommit = p.Autocommit || v.catalog.NonTransactional(t)
	}
}

// onlyTransactional tells whether a rollback undoes a write wherever it went.
func onlyTransactional(c *catalog.Catalog) bool {
	if !c.Known() {
		return false
	}
	for _, t := range c.Tables() {
		if c.NonTransactional(t) {
			return false
		}
	}
	return true
}

func (a *Analyzer) planRead(p *Plan, res *sqlscan.Result, v *version) {
	if !res.ReadOnly() {
		p.Reason, p.Detail = ReasonNotRead, "the statement writes"
		if res.ImpureKind == sqlscan.ImpureFunction && len(res.Writes) == 0 && !res.DDL && res.Tx == sqlscan.TxNone {
			p.Detail = res.Impure + ", and may write"
		}
		return
	}
	if res.Impure != "" {
		p.Reason, p.Detail = ReasonImpure, res.Impure
		return
	}
	if !v.catalog.Known() {
		p.Reason, p.Detail = ReasonCatalog, "the database's catalog could not be read"
		return
	}
	// 1. Two pools reach one database; one of them could not find out which it
	// is. 2. It fills its cache. 3. The other writes, and touches the tags of
	// the database's name. Nothing tells the first.
	if !v.known {
		p.Reason, p.Detail = ReasonCatalog, "the database does not say which one it is (Postgres: grant EXECUTE on pg_control_system() to the role)"
		return
	}
	if v.dirty || v.catalog.ReadUncommitted() {
		p.Reason, p.Detail = ReasonReadUncommitted, "the connections read uncommitted data"
		return
	}
	if res.Statements != 1 {
		p.Reason, p.Detail = ReasonImpure, "several statements in one text"
		return
	}
	if len(res.Reads) == 0 {
		p.Reason, p.Detail = ReasonNoTables, "the query reads no table"
		return
	}
	for _, t := range res.Reads {
		if v.shadows[t] {
			p.Reason, p.Detail = ReasonUnknownTable, t+" is a temporary table of some connection"
			return
		}
	}
	tables, refusal := v.catalog.Reads(res.Reads)
	if refusal != "" {
		p.Reason, p.Detail = ReasonUnknownTable, refusal
		return
	}
	p.Tables = tables
	p.Reads = append(append([]invalidation.Slot(nil), v.reads...), a.stamps.Slots(tags(v.scopes, tables, invalidation.Set))...)
	a.planPin(p, res, v)
}

// verb is the first word of a text, in lower case.
func verb(text string) string {
	text = strings.TrimLeft(text, " \t\r\n(")
	end := 0
	for end < len(text) && end < 16 && (text[end]|0x20) >= 'a' && (text[end]|0x20) <= 'z' {
		end++
	}
	return strings.ToLower(text[:end])
}
