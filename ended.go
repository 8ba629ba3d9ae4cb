package querycache

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/analysis"
)

// ended counts a read and tells the observers that were told its start. It is
// called once per read, when it has been answered and before r is released. w
// is what started returned.
func (p *Plugin) ended(db *gorm.DB, r *read, f form, st Status, w *watched) {
	op := operationOf(db, f)
	t := p.counters.reads.of(entity(db.Statement, r.plan))
	t.add(op, slotOf(st.Outcome))
	if st.Outcome == OutcomeBypass {
		p.counters.bypassed.add(st.Reason)
	}
	if w != nil {
		p.tell(db, r, f, st, w, t.table, op.String())
	}
}

// tell tells the observers how a read ended.
func (p *Plugin) tell(db *gorm.DB, r *read, f form, st Status, w *watched, table, op string) {
	data := ReadEndData{
		Table: table, Operation: op, Status: st,
		Rows: db.RowsAffected, Duration: w.took(), Err: db.Error,
	}
	if f != formDest {
		data.Rows = -1
	}
	if r.plan != nil {
		data.Tables = slices.Clone(r.plan.Tables)
	}
	if r.sample.Slots() != nil {
		data.key = func() string { return (&binding{plugin: p}).cacheKey(db, r, f).String() }
	}
	w.end(func(o ReadObserver, ctx context.Context) { o.ReadEnd(ctx, data) })
}

// entity is the table that a read is counted under; see Stats.Tables.
func entity(stmt *gorm.Statement, plan *analysis.Plan) string {
	if plan == nil || len(plan.Tables) == 0 {
		if stmt.Table == "" {
			return noTable
		}
		return foldTable(stmt.Table)
	}
	for _, t := range plan.Tables {
		if t == stmt.Table {
			return stmt.Table // found faster than the plan's own
		}
	}
	name := foldTable(stmt.Table)
	for _, t := range plan.Tables {
		if t == name {
			return t
		}
	}
	return plan.Tables[0]
}

// refreshing tells that a read of the database in the background starts.
func (p *Plugin) refreshing(ctx context.Context, table, op string) refreshing {
	c := &p.counters
	c.refreshes.started.add()
	out := refreshing{c: c}
	if list := c.observers.refreshes; len(list) > 0 {
		out.shown = show(ctx, list, RefreshStartData{table, op}, RefreshObserver.RefreshStart)
	}
	return out
}

type refreshing struct {
	c     *counters
	shown *shown[RefreshObserver, RefreshStartData]
}

// ended tells how it ended.
func (f refreshing) ended(err error) {
	if err != nil {
		f.c.refreshes.failed.add()
	}
	defer f.c.refreshes.ended.add()
	if f.shown == nil {
		return
	}
	data := RefreshEndData{RefreshStartData: f.shown.data, Duration: f.shown.took(), Err: err}
	f.shown.end(func(o RefreshObserver, ctx context.Context) { o.RefreshEnd(ctx, data) })
}
