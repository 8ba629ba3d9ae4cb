package querycache_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/tiered"
)

// watching observes everything and keeps what it was told.
type watching struct {
	mu        sync.Mutex
	open      int // started and not ended
	reads     []querycache.ReadEndData
	keys      []string
	writes    []querycache.InvalidationEndData
	refreshes []querycache.RefreshEndData
	wrong     []string
	refreshed chan struct{} // told of each refresh that ended, if not nil
}

type watchKey struct{ of *watching }

func (w *watching) start(ctx context.Context) context.Context {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open++
	if ctx.Value(watchKey{w}) != nil {
		w.wrong = append(w.wrong, "a read began under another one's context")
	}
	return context.WithValue(ctx, watchKey{w}, true)
}

func (w *watching) end(ctx context.Context, keep func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	if ctx.Value(watchKey{w}) == nil {
		w.wrong = append(w.wrong, "the end was not told under the context of the start")
	}
	keep()
}

func (w *watching) ReadStart(ctx context.Context, d querycache.ReadStartData) context.Context {
	return w.start(ctx)
}

func (w *watching) ReadEnd(ctx context.Context, d querycache.ReadEndData) {
	w.end(ctx, func() { w.reads, w.keys = append(w.reads, d), append(w.keys, d.Key()) })
}

func (w *watching) InvalidationStart(ctx context.Context, d querycache.InvalidationStartData) context.Context {
	return w.start(ctx)
}

func (w *watching) InvalidationEnd(ctx context.Context, d querycache.InvalidationEndData) {
	w.end(ctx, func() { w.writes = append(w.writes, d) })
}

func (w *watching) RefreshStart(ctx context.Context, d querycache.RefreshStartData) context.Context {
	return w.start(ctx)
}

func (w *watching) RefreshEnd(ctx context.Context, d querycache.RefreshEndData) {
	w.end(ctx, func() { w.refreshes = append(w.refreshes, d) })
	if w.refreshed != nil {
		w.refreshed <- struct{}{}
	}
}

func (w *watching) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads, w.keys, w.writes, w.refreshes = nil, nil, nil, nil
}

func (w *watching) written() []querycache.InvalidationEndData {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]querycache.InvalidationEndData(nil), w.writes...)
}

func (w *watching) byOutcome() map[querycache.Outcome]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := map[querycache.Outcome]int{}
	for _, r := range w.reads {
		out[r.Status.Outcome]++
	}
	return out
}

// settled checks that whatever began has ended.
func (w *watching) settled(t *testing.T) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open != 0 {
		t.Errorf("%d have begun and not ended", w.open)
	}
	for _, text := range w.wrong {
		t.Error(text)
	}
}

func TestObserversAreToldOfReads(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		first, second := &watching{}, &watching{}
		p := open(t, d, opening{Config: querycache.Config{Observers: []any{first, second}}})
		// Exactness: what a statement runs under is the program's own context.
		must(t, p.cached.Callback().Query().After("gorm:query").Register("test:context", func(db *gorm.DB) {
			if db.Statement.Context.Value(watchKey{first}) != nil {
				t.Error("the statement has the observer's context")
			}
		}))
		for _, read := range []reading{
			finishers["First"], finishers["Count"], finishers["Rows"], finishers["Row"], finishers["Scan into structs"], allUsers,
		} {
			p.compare(t, read, atMost)
		}
		for _, w := range []*watching{first, second} {
			w.settled(t)
			s := p.cache.Stats()
			if len(w.reads) != int(s.Reads()) {
				t.Errorf("told of %d reads, counted are %d", len(w.reads), s.Reads())
			}
			for i, r := range w.reads {
				if r.Table == "" || r.Operation == "" || r.Duration <= 0 || r.Err != nil ||
					len(r.Tables) == 0 || !strings.Contains(w.keys[i], ":"+r.Table+":"+r.Operation+":") {
					t.Errorf("told %+v, key %q", r, w.keys[i])
				}
				isRows := r.Operation == "rows" || r.Operation == "row"
				if isRows != (r.Rows == -1) {
					t.Errorf("told of %d rows: %+v", r.Rows, r)
				}
				hit := r.Status.Outcome == querycache.OutcomeHit
				if hit != (r.Status.Tier == "memory") || hit != (r.Status.Age > 0) {
					t.Errorf("told %+v", r.Status)
				}
			}
		}
	})
}

func TestObserversAreToldOfBypassesAndErrors(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	w := &watching{}
	p := open(t, d, opening{Config: querycache.Config{Observers: []any{w}}})
	must(t, p.cached.Scopes(querycache.Skip).Find(&[]User{}).Error)
	if r := latest(w.reads); r.Status.Outcome != querycache.OutcomeBypass || r.Status.Reason != querycache.ReasonSkip || latest(w.keys) != "" || r.Rows != 4 {
		t.Errorf("told %+v, key %q", r, latest(w.keys))
	}
	err := p.cached.Where("nosuchcolumn = 1").Find(&[]User{}).Error
	if r := latest(w.reads); r.Status.Outcome != querycache.OutcomeMiss || !errors.Is(r.Err, err) || err == nil {
		t.Errorf("told %+v", r)
	}
	func() {
		defer func() { _ = recover() }()
		p.cached.Find(&[]struct {
			ID bomb
		}{})
	}()
	w.settled(t)
}

// An observer that panics hurts nobody, and the operator is told once.
func TestAPanicOfAnObserver(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	var log bytes.Buffer
	w := &watching{}
	p := open(t, d, opening{Config: querycache.Config{
		Observers: []any{panicking{}, w, &panicking{}}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}})
	for range 3 {
		p.hits(t, allUsers)
		must(t, p.cached.Model(&User{}).Where("id = 4").Update("age", 24).Error)
	}
	w.settled(t)
	if len(w.reads) == 0 || len(w.writes) == 0 {
		t.Error("another observer was not told")
	}
	if n := strings.Count(log.String(), "an observer panicked"); n != 2 {
		t.Errorf("two panicking observers, and %d lines: %s", n, log.String())
	}
}

type panicking struct{}

func (panicking) ReadStart(context.Context, querycache.ReadStartData) context.Context { panic("no") }
func (panicking) ReadEnd(context.Context, querycache.ReadEndData)                     { panic("no") }
func (panicking) InvalidationStart(context.Context, querycache.InvalidationStartData) context.Context {
	panic("no")
}
func (panicking) InvalidationEnd(context.Context, querycache.InvalidationEndData) { panic("no") }

// nodding observes reads and gives no context.
type nodding struct{ ends int }

func (*nodding) ReadStart(context.Context, querycache.ReadStartData) context.Context { return nil }

func (n *nodding) ReadEnd(ctx context.Context, _ querycache.ReadEndData) {
	if ctx != nil {
		n.ends++
	}
}

func TestAnObserverNeedNotGiveAContext(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	n := &nodding{}
	p := open(t, d, opening{Config: querycache.Config{Observers: []any{n}}})
	must(t, p.cached.Find(&[]User{}).Error)
	if n.ends != 1 {
		t.Errorf("told of %d ends", n.ends)
	}
}

func TestElementsThatObserveNothingAreRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]any{"nil": nil, "a number": 7, "a value whose pointer has the methods": nodding{}} {
		err := testdb.Open(t, testdb.Options{}).Use(querycache.New(querycache.Config{Observers: []any{querycache.LogObserver{}, o}}))
		if !errors.Is(err, querycache.ErrConfig) || !strings.Contains(fmt.Sprint(err), "Observers[1]") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestObserversAreToldOfRefreshes(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	w := &watching{refreshed: make(chan struct{}, 9)}
	p := open(t, d, opening{Config: querycache.Config{Tiered: tiered.Config{SWR: time.Hour}, Observers: []any{w}}})
	read := func() error { return p.cached.Scopes(querycache.TTL(1)).Find(&[]User{}).Error }
	must(t, read())
	must(t, read())
	<-w.refreshed
	boom := errors.New("boom")
	p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(context.Context, testdb.Event) error { return boom }})
	must(t, read())
	<-w.refreshed
	must(t, p.cache.Close(context.Background()))
	w.settled(t)
	if len(w.refreshes) != 2 || w.refreshes[0].Err != nil || !errors.Is(w.refreshes[1].Err, boom) ||
		w.refreshes[0].Table != "users" || w.refreshes[0].Operation != "find" || w.refreshes[0].Duration <= 0 {
		t.Errorf("told %+v", w.refreshes)
	}
	if s := p.cache.Stats(); s.Refreshes != (querycache.RefreshStats{Started: 2, Ended: 2, Failed: 1}) || s.Stale != 2 || s.Misses != 1 || s.Database.Count != 3 {
		t.Errorf("%+v", s)
	}
}

func TestObserversAreToldOfInvalidationsByHand(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	w := &watching{}
	p := open(t, d, opening{Config: querycache.Config{Observers: []any{w}}})
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, true)
	for _, c := range []struct {
		name       string
		invalidate func() (int, error)
		want       querycache.InvalidationStartData
		entries    int
		fails      bool
	}{
		{"tags", func() (int, error) { return p.cache.InvalidateTags(ctx, "front", "menu") },
			querycache.InvalidationStartData{What: "tags front, menu"}, 1, false},
		{"tables", func() (int, error) { return p.cache.InvalidateTable(ctx, "users") },
			querycache.InvalidationStartData{What: "tables users", Tables: []string{"users"}}, 2, false},
		{"everything", func() (int, error) { return p.cache.Clear(ctx) },
			querycache.InvalidationStartData{What: "everything", All: true}, 3, false},
		{"a mistake", func() (int, error) { return p.cache.InvalidateNamed(ctx, "") },
			querycache.InvalidationStartData{What: "names "}, 0, true},
	} {
		must(t, p.cached.Scopes(querycache.Tags("menu")).Find(&[]User{}).Error)
		must(t, p.cached.Find(&[]User{}).Error)
		must(t, p.cached.Find(&[]Pet{}).Error)
		w.reset()
		before := p.cache.Stats()
		n, err := c.invalidate()
		told := w.written()
		c.want.Kind = querycache.InvalidationManual
		if len(told) != 1 || fmt.Sprint(told[0].InvalidationStartData) != fmt.Sprint(c.want) ||
			n != c.entries || told[0].Entries != n || (err != nil) != c.fails || !errors.Is(told[0].Err, err) ||
			(told[0].Outcome == querycache.WriteFailed) != c.fails {
			t.Errorf("%s: %d, %v, told %+v", c.name, n, err, told)
		}
		got := p.cache.Stats().Sub(before).Invalidations
		if got.ByKind[querycache.InvalidationManual] != 1 || got.Pending != 0 || (got.Failed == 1) != c.fails {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	w.settled(t)
}

// A pool that two plugins share has one gate: each of them is told of what goes through it.
func TestTwoPluginsAreBothToldOfAWrite(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	first, second := &watching{}, &watching{}
	one := querycache.New(querycache.Config{Observers: []any{first}})
	p := open(t, d, opening{Before: []gorm.Plugin{named{one, "other"}}, Config: querycache.Config{Observers: []any{second}}})
	must(t, p.cached.Model(&User{}).Where("id = 4").Update("age", 24).Error)
	for _, w := range []*watching{first, second} {
		w.settled(t)
		if told := w.written(); len(told) != 1 || told[0].Kind != querycache.InvalidationUpdate {
			t.Errorf("told %+v", told)
		}
	}
	for _, cache := range []*querycache.Plugin{one, p.cache} {
		if s := cache.Stats().Invalidations; s.ByKind[querycache.InvalidationUpdate] != 1 || s.Pending != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// named is a plugin under another name.
type named struct {
	*querycache.Plugin
	name string
}

func (n named) Name() string { return n.name }

// The log has tables and keys, and never a value.
func TestLogObserver(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
		var log bytes.Buffer
		to := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: level}))
		p := open(t, d, opening{Config: querycache.Config{Observers: []any{querycache.LogObserver{Logger: to}}}})
		for range 2 {
			must(t, p.cached.Find(&[]User{}, "name = ?", "a secret").Error)
		}
		must(t, p.cached.Scopes(querycache.Skip).Find(&[]User{}, "name = 'a secret'").Error)
		_ = p.cached.Find(&[]User{}, "nosuchcolumn = 'a secret'")
		must(t, p.cached.Model(&User{}).Where("name = ?", "a secret").Update("name", "a secret").Error)
		must(t, p.cached.Model(&User{}).Where("id = ?", 4).Update("age", 24).Error)
		_, err := p.cache.InvalidateTags(t.Context(), "front")
		must(t, err)
		text := log.String()
		if strings.Contains(text, "secret") {
			t.Errorf("a value is in the log: %s", text)
		}
		if level == slog.LevelInfo {
			if text != "" {
				t.Errorf("logged at Info: %s", text)
			}
			continue
		}
		var lines []map[string]any
		for line := range strings.Lines(text) {
			var m map[string]any
			must(t, json.Unmarshal([]byte(line), &m))
			lines = append(lines, m)
		}
		if len(lines) != 7 {
			t.Fatalf("%d lines: %s", len(lines), text)
		}
		for i, outcome := range []string{"miss", "hit", "bypass", "miss", "committed", "committed", "committed"} {
			if lines[i]["outcome"] != outcome || lines[i]["level"] != "DEBUG" {
				t.Errorf("line %d: %v", i, lines[i])
			}
		}
		if lines[0]["table"] != "users" || lines[1]["tier"] != "memory" || lines[2]["reason"] != "skip" || lines[3]["failed"] != true ||
			lines[4]["kind"] != "bulk" || lines[5]["kind"] != "update" || lines[6]["what"] != "tags front" || lines[0]["key"] == nil {
			t.Errorf("%s", text)
		}
	}
}

// Without observers a hit allocates what it did before there were any.
func TestObserversCostNothingWhenThereAreNone(t *testing.T) {
	if testing.CoverMode() != "" {
		t.Skip("coverage counts")
	}
	d := testdb.New(t, testdb.SQLite)
	seed(t, d)
	silent := open(t, d)
	told := open(t, d, opening{Config: querycache.Config{Observers: []any{&nodding{}}}})
	allocs := func(p *pair) float64 {
		var u User
		return testing.AllocsPerRun(200, func() {
			u = User{}
			if err := p.cached.First(&u, 1).Error; err != nil {
				t.Fatal(err)
			}
		})
	}
	a, b := allocs(silent), allocs(told)
	dry := silent.cached.Session(&gorm.Session{DryRun: true})
	built := testing.AllocsPerRun(200, func() { u := User{}; dry.First(&u, 1) })
	t.Logf("allocations: %v without observers, %v with one, %v to build the statement", a, b, built)
	if a >= b {
		t.Errorf("a hit allocates %v times without observers and %v with one", a, b)
	}
}
