package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
)

// page is what one step writes on. Lines of the step's source that name it are
// left out of what is shown, and what they measured stands in their place.
type page struct {
	*shop
	out    *bytes.Buffer  // what the step printed since the last note of it
	notes  map[int]string // by the line of the source
	counts []string       // of queries, in order
	fails  bool           // errors of statements are meant
	err    error          // the first
}

// fault notes the first thing that is not as it should be.
func (p *page) fault(line int, err error) {
	if p.err == nil && err != nil {
		p.err = fmt.Errorf("line %d: %w", line, err)
	}
}

func (p *page) note(line int, text string) {
	if p.notes[line] != "" {
		p.fault(line, errors.New("noted twice: do not note in a loop"))
	}
	p.notes[line] = text
}

// caller is the line of the step that calls a method of the page.
func caller() int {
	_, _, line, _ := runtime.Caller(2)
	return line
}

// queries notes how many queries reached the database since the last time, and
// why. want is what the step's text says.
func (p *page) queries(want int, why string) {
	line, n := caller(), p.database.counted()
	if n != want {
		p.fault(line, fmt.Errorf("%d queries, the text expects %d", n, want))
	}
	text := fmt.Sprintf("→ %d queries", n)
	if n == 1 {
		text = "→ 1 query"
	}
	if why != "" {
		text += ": " + why
	}
	p.note(line, text)
	p.counts = append(p.counts, fmt.Sprint(n))
}

// printed notes what the step printed.
func (p *page) printed() {
	p.note(caller(), "→ "+indented(p.out.String()))
	p.out.Reset()
}

// show notes something that was found out, of one or more lines.
func (p *page) show(format string, args ...any) {
	p.note(caller(), "→ "+indented(fmt.Sprintf(format, args...)))
}

// indented sets all lines of a text but the first below an arrow's text.
func indented(text string) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}

// expect is for what is not shown as it is, and must be so.
func (p *page) expect(holds bool, what string) {
	if !holds {
		p.fault(caller(), errors.New("not so: "+what))
	}
}

// ok takes the errors that a program of yours would look at.
func (p *page) ok(err error) { p.fault(caller(), err) }

// mayFail says that statements of this step are meant to fail.
func (p *page) mayFail() { p.fails = true }

// patience is far longer than anything here takes.
const patience = 20 * time.Second

// until waits for something that happens by itself soon.
func (p *page) until(what string, happened func() bool) {
	for end := time.Now().Add(patience); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			p.fault(caller(), errors.New("did not happen: "+what))
			return
		}
	}
}

// stores is how many results went into the cache so far.
func (p *page) stores() uint64 { return p.cache.Stats().Stores }

// untilExpired waits until what a query finds in the cache is past its time.
func (p *page) untilExpired(db *gorm.DB, query func(*gorm.DB) *gorm.DB) {
	p.until("the result is past its time", func() bool {
		e, err := querycache.Explain(db, query)
		return err != nil || !e.Cached || e.Stale
	})
}

// keep remembers the cache of the shop for later steps.
func (p *page) keep(cache *querycache.Plugin) {
	p.cache = cache
	p.closers = append(p.closers, cache.Close)
	p.database.counted()
}

// the is the shop's database with its cache.
func (p *page) the() (*gorm.DB, *querycache.Plugin) { return p.db, p.cache }

// open opens the file anew with a cache of some configuration.
func (p *page) open(cfg querycache.Config) (*gorm.DB, *querycache.Plugin) {
	line := caller()
	db, err := p.gorm()
	p.fault(line, err)
	cache, err := p.use(db, cfg)
	p.fault(line, err)
	p.database.counted() // the catalog was read
	return db, cache
}

// begin empties the cache of the shop for a step.
func (s *shop) begin(ctx context.Context) (*page, error) {
	if s.cache != nil {
		if _, err := s.cache.Clear(ctx); err != nil {
			return nil, err
		}
	}
	s.database.counted()
	return &page{shop: s, out: &bytes.Buffer{}, notes: map[int]string{}}, nil
}
