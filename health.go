package querycache

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gorm-querycache/querycache/internal/analysis"
	"github.com/gorm-querycache/querycache/internal/sqlscan"
	"github.com/gorm-querycache/querycache/internal/txpool"
)

// HealthState is how well a part works. The greater one is the worse one.
type HealthState uint8

// The states.
const (
	// HealthUp: it works.
	HealthUp HealthState = iota
	// HealthDegraded: queries are answered, some or all of them without the
	// cache.
	HealthDegraded
	// HealthDown: it does not work. Queries are answered by the database.
	HealthDown
	healthStates
)

var healthNames = [healthStates]string{"up", "degraded", "down"}

// String names the state in one lower-case word.
func (s HealthState) String() string {
	if s < healthStates {
		return healthNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// MarshalText is String, for JSON.
func (s HealthState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Health is how the plugin and what it works with are. It is fit for JSON:
//
//	http.HandleFunc("/healthz/cache", func(w http.ResponseWriter, _ *http.Request) {
//		json.NewEncoder(w).Encode(cache.Health())
//	})
//
// It holds names of databases and messages of drivers, which are for
// operators, and no credentials of its own making.
type Health struct {
	// State is the worst of all parts; HealthDown only if the plugin itself
	// is: a part that is down degrades the whole. It is HealthDegraded while the
	// plugin is switched off (Disable, Config.Disabled). An issue that keeps
	// nothing out of the cache, such as a rule in Config.Tables for a table that
	// does not exist, leaves it as it is.
	State     HealthState      `json:"state"`
	Issues    []Issue          `json:"issues,omitempty"` // of the plugin itself
	Tiers     []TierHealth     `json:"tiers,omitempty"`
	Databases []DatabaseHealth `json:"databases,omitempty"`
}

// Issue is something that is not as it should be.
type Issue struct {
	Problem string `json:"problem"`
	Mend    string `json:"mend"`
}

// TierHealth is how one tier is.
type TierHealth struct {
	Name   string      `json:"name"`
	State  HealthState `json:"state"`
	Issues []Issue     `json:"issues,omitempty"`
}

// DatabaseHealth is how one connection pool is.
type DatabaseHealth struct {
	// Name is how the cache knows the database; pools of one database share
	// it. Dialect is GORM's name of it.
	Name    string `json:"name"`
	Dialect string `json:"dialect"`
	// State is HealthDegraded if some of the queries are not cached, and
	// HealthDown if none is. The database itself is not asked.
	State HealthState `json:"state"`
	// CatalogRead tells whether the tables, views and triggers are known,
	// Tables how many tables there are.
	CatalogRead bool    `json:"catalogRead"`
	Tables      int     `json:"tables"`
	Issues      []Issue `json:"issues,omitempty"`
}

// Health tells how the plugin is. It looks only at what is known already: it
// sends nothing and takes no time, so that it may be asked often.
func (p *Plugin) Health() Health {
	var h Health
	if p.err != nil {
		return Health{State: HealthDown, Issues: []Issue{{p.err.Error(), "correct the Config"}}}
	}
	if p.closed.Load() {
		return Health{State: HealthDown, Issues: []Issue{{"the plugin is closed", mends[ReasonClosed]}}}
	}
	databases := *p.databases.Load()
	if len(databases) == 0 {
		h.State = HealthDegraded
		h.Issues = append(h.Issues, Issue{"no database uses the plugin", "install it with db.Use"})
	}
	if !p.Enabled() {
		h.State = HealthDegraded
		h.Issues = append(h.Issues, Issue{"nothing is cached: the plugin is switched off", mends[ReasonDisabled]})
	}
	h.Issues = append(h.Issues, p.rules.strayRules(databases)...)
	h.Tiers = []TierHealth{p.tierHealth()}
	h.State = max(h.State, h.Tiers[0].State)
	for _, d := range databases {
		one := d.health()
		h.State = max(h.State, min(one.State, HealthDegraded))
		h.Databases = append(h.Databases, one)
	}
	return h
}

// strayRules tells of rules for what no database has, once that is known: all
// catalogs are read. What the rule was meant for goes without it.
func (r *rules) strayRules(databases []*database) (issues []Issue) {
	if len(r.tables) == 0 || len(databases) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, d := range databases {
		c := d.analyzer().Catalog()
		if !c.Known() {
			return nil
		}
		for _, name := range slices.Concat(c.Tables(), c.Views()) {
			known[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.tables)) {
		if !known[name] {
			issues = append(issues, Issue{
				fmt.Sprintf("Config.Tables has a rule for %s, which no database has", name),
				"correct the name, or call Reload if the table was made past GORM",
			})
		}
	}
	return issues
}

// tierHealth tells how the first tier is. One that has panicked may do so
// again.
func (p *Plugin) tierHealth() TierHealth {
	h := TierHealth{Name: tierMemory}
	if n := p.counters.tierErrors.sum(); n > 0 {
		h.State = HealthDegraded
		h.Issues = []Issue{{
			fmt.Sprintf("the tier in Config.L1, a %T, has panicked %d times", p.cfg.L1, n),
			"mend the tier; package cachetest tells what it does wrong",
		}}
	}
	return h
}

func (d *database) health() DatabaseHealth {
	st := d.analyzer().State()
	dialect := d.analyzer().Dialect()
	h := DatabaseHealth{
		Name: st.Scope, Dialect: dialect.String(),
		CatalogRead: st.Catalog.Known(), Tables: len(st.Catalog.Tables()),
	}
	h.catalogIssues(st, dialect)
	h.sessionIssues(st)
	h.heldIssues(d.gate.Held())
	return h
}

func (h *DatabaseHealth) issue(s HealthState, problem, mend string) {
	h.State = max(h.State, s)
	h.Issues = append(h.Issues, Issue{problem, mend})
}

func (h *DatabaseHealth) catalogIssues(st analysis.State, dialect sqlscan.Dialect) {
	switch {
	case dialect == sqlscan.Unknown:
		h.issue(HealthDown, "nothing is cached: the SQL dialect is not known",
			"use the sqlite, postgres, mysql or sqlserver dialector")
	case !st.Catalog.Known():
		h.issue(HealthDown, fmt.Sprint("nothing is cached: the catalog could not be read: ", st.Catalog.Err()),
			"let the role read the database's catalog, then call Reload")
	case st.Attached:
		h.issue(HealthDown, "nothing is cached: a connection has attached another database",
			"attach none, and open a pool of its own for each database")
	case !st.Known:
		h.issue(HealthDown, "nothing is cached: the database does not say which one it is",
			"on Postgres grant EXECUTE on pg_control_system() to the role, then call Reload")
	}
}

func (h *DatabaseHealth) sessionIssues(st analysis.State) {
	if st.Dirty {
		h.issue(HealthDown, "nothing is cached: connections read what is not committed", mends[ReasonReadUncommitted])
	}
	if len(st.Shadowed) > 0 {
		h.issue(HealthDegraded, "not cached, since a connection has temporary tables of these names: "+strings.Join(st.Shadowed, ", "),
			"give temporary tables names of their own")
	}
}

func (h *DatabaseHealth) heldIssues(held txpool.Held) {
	if held.Pinned > 0 {
		h.issue(HealthDegraded, fmt.Sprintf("%d tags are not cached for good: statements that write them were prepared past GORM, and nobody sees them run", held.Pinned),
			"prepare them through GORM (PrepareStmt), or write without preparing")
	}
	if held.Raw > 0 {
		h.issue(HealthDegraded, fmt.Sprintf("nothing is cached while %d transactions are open that were begun by raw SQL", held.Raw),
			"begin transactions with db.Begin or db.Transaction")
	}
	if held.Foreign > 0 {
		h.issue(HealthDegraded, fmt.Sprintf("what %d transactions wrote that were begun on database/sql is not cached until they are over", held.Foreign),
			"begin transactions with db.Begin or db.Transaction")
	}
}

// report tells the operator of a database that was just installed: once that it
// is there, and what is wrong with it.
func (d *database) report() {
	h, log := d.health(), d.plugin.cfg.Logger
	if h.State == HealthUp {
		log.Debug("querycache: installed", "database", h.Name, "dialect", h.Dialect, "tables", h.Tables)
	}
	for _, i := range h.Issues {
		log.Warn("querycache: "+i.Problem, "database", h.Name, "dialect", h.Dialect, "mend", i.Mend)
	}
}
