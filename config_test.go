package querycache_test

import (
	"bytes"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

type ledger struct {
	ID    uint
	Total int
}

type posting struct {
	ID     uint
	Amount int
}

// Dependencies tell of a reach that no catalog knows: a job outside the
// database, say, that keeps totals when postings are written.
func TestDeclaredDependenciesAreWrittenToo(t *testing.T) {
	d := testdb.New(t, testdb.SQLite)
	for _, declared := range []bool{false, true} {
		var cfg querycache.Config
		if declared {
			cfg.Dependencies = map[string][]string{"postings": {"ledgers"}}
		}
		p := open(t, d, opening{Config: cfg})
		if err := p.plain.AutoMigrate(&ledger{}, &posting{}); err != nil {
			t.Fatal(err)
		}
		p = open(t, d, opening{Config: cfg}) // the tables are there when it is installed
		read := func() (asked int) {
			before := p.cached.Recorder.Queries()
			if err := p.cached.Find(&[]ledger{}).Error; err != nil {
				t.Fatal(err)
			}
			return p.cached.Recorder.Queries() - before
		}
		read()
		if read() != 0 {
			t.Fatal("not cached")
		}
		if err := p.cached.Create(&posting{Amount: 1}).Error; err != nil {
			t.Fatal(err)
		}
		if asked := read(); (asked == 1) != declared {
			t.Errorf("declared=%v: %d queries after a write to the other table", declared, asked)
		}
	}
}

// The logger is told when a database is left uncached, by name and error.
func TestTheLoggerIsToldWhenNothingIsCached(t *testing.T) {
	var out bytes.Buffer
	d := testdb.New(t, testdb.SQLite)
	db := d.Open(t, testdb.Options{})
	if err := db.Pool.Close(); err != nil {
		t.Fatal(err)
	}
	p := querycache.New(querycache.Config{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	defer p.Close(t.Context())
	if err := db.Use(p); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.Contains(s, "level=WARN") || !strings.Contains(s, "catalog") || !strings.Contains(s, "closed") {
		t.Errorf("told: %q", s)
	}
	e, err := querycache.Explain(db.DB, func(tx *gorm.DB) *gorm.DB { return tx.Find(&[]ledger{}) })
	if err != nil || e.Reason != querycache.ReasonCatalog {
		t.Errorf("explained: %v %v", e, err)
	}
}

// moody is a value whose copying may fail at any time.
type moody struct{ text *string }

var moodyFails atomic.Bool

func (m moody) Clone() moody {
	if moodyFails.Load() {
		panic("not today")
	}
	text := *m.text
	return moody{&text}
}

func (m *moody) Scan(v any) error {
	text := fmt.Sprint(v)
	m.text = &text
	return nil
}

func (m moody) Value() (driver.Value, error) {
	if m.text == nil {
		return nil, nil
	}
	return *m.text, nil
}

// GormDataType tells GORM, which cannot tell from the fields.
func (moody) GormDataType() string { return "string" }

type diary struct {
	ID   uint
	Mood moody
}

// 1. A result is cached under a type's own Clone. 2. A hit calls Clone, which
// panics. The panic is no business of the query's.
func TestAPanicOfCloneOnAHitAsksTheDatabase(t *testing.T) {
	var out bytes.Buffer
	p := open(t, testdb.New(t, testdb.SQLite), opening{Config: querycache.Config{Logger: slog.New(slog.NewTextHandler(&out, nil))}})
	if err := p.cached.AutoMigrate(&diary{}); err != nil {
		t.Fatal(err)
	}
	text := "fine"
	if err := p.cached.Create(&diary{Mood: moody{&text}}).Error; err != nil {
		t.Fatal(err)
	}
	for i, fails := range []bool{false, false, true, false} {
		moodyFails.Store(fails)
		before := p.cached.Recorder.Queries()
		var one diary
		var all []diary
		if err := p.cached.First(&one).Error; err != nil || *one.Mood.text != "fine" {
			t.Fatalf("read %d: %v %v", i, one, err)
		}
		if err := p.cached.Find(&all).Error; err != nil || len(all) != 1 || *all[0].Mood.text != "fine" {
			t.Fatalf("read %d: %v %v", i, all, err)
		}
		if asked := p.cached.Recorder.Queries() - before; (asked > 0) != (i == 0 || fails) {
			t.Errorf("read %d made %d queries", i, asked)
		}
	}
	if !strings.Contains(out.String(), "not today") {
		t.Error("nobody was told")
	}
}

// nilTier is a tier that nobody made.
type nilTier struct{ tiered.Local }

// What is wrong with the controls is told by db.Use, with the field and what to set instead.
func TestMistakesInControlsNameTheField(t *testing.T) {
	t.Parallel()
	rule := func(r querycache.TableRule) querycache.Config {
		return querycache.Config{Tables: map[string]querycache.TableRule{"shop.Orders": r}}
	}
	for told, cfg := range map[string]querycache.Config{
		"Policy is 99: set":                      {Policy: 99},
		"L1 and Memory are both set":             {L1: &nilTier{}, Memory: memory.Config{MaxBytes: 1 << 20}},
		"L1 is a nil":                            {L1: (*nilTier)(nil)},
		"Tiered.Jitter is 2: set":                {Tiered: tiered.Config{Jitter: 2}},
		"Tiered.SWR is -1ns: set":                {Tiered: tiered.Config{SWR: -1}},
		"Tiered.StaleIfError is -1ns: set":       {Tiered: tiered.Config{StaleIfError: -1}},
		"Tiered.NegativeTTL is -1ns: set":        {Tiered: tiered.Config{NegativeTTL: -1}},
		"Observers[0] is nil: remove it":         {Observers: []any{nil}},
		`Tables["shop.Orders"]: TTL is -1ns`:     rule(querycache.TableRule{TTL: -1}),
		`Tables["shop.Orders"]: both Off and On`: rule(querycache.TableRule{Off: true, On: true}),
		`Tables["shop.Orders"]: beside Off`:      rule(querycache.TableRule{Off: true, TTL: 1}),
	} {
		err := testdb.Open(t, testdb.Options{}).Use(querycache.New(cfg))
		if !errors.Is(err, querycache.ErrConfig) || !strings.Contains(fmt.Sprint(err), told) {
			t.Errorf("want to be told that %s: %v", told, err)
		}
	}
}
