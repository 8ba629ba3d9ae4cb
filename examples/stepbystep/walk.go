package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
)

// step is one problem and the smallest change that solves it. What is said of
// it is the comment on run, what is shown are its statements.
type step struct {
	title string
	run   func(context.Context, *page)
	shows []string // declarations to show before, by name
}

//go:embed steps_*.go
var sources embed.FS

var quiet = slog.New(slog.DiscardHandler)

const preface = `# Step by step

<!-- Written by: go run ./examples/stepbystep -w -->

One small shop in a SQLite file (200 products, 50 customers, 300 orders), one problem after the other, the smallest
change that solves it, and what was measured. ` + "`go run ./examples/stepbystep`" + ` walks through it on your machine and prints
this page; the code below is cut out of [the program that ran](../examples/stepbystep), and a test compares the page
with what it measures.

How to read it:

- **A query** is a ` + "`SELECT`" + ` that arrives at the SQLite driver, counted there, below GORM and the cache. A comment that begins
  with ` + "`→`" + ` was measured: it says how many arrived since the one before.
- ` + "`db`" + ` and ` + "`cache`" + ` are those of step 2, unless a step opens the shop anew with ` + "`open(config)`" + `, which stands for ` + "`gorm.Open`" + `,
  ` + "`querycache.New(config)`" + ` and ` + "`db.Use`" + `. The cache is empty when a step begins.
- Checks of errors are left out. (The program has them.)

`

// walk goes through all steps and returns the page.
func walk(ctx context.Context) (text []byte, err error) {
	dir, err := os.MkdirTemp("", "querycache-stepbystep-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := newShop(filepath.Join(dir, "shop.db"))
	if err != nil {
		return nil, fmt.Errorf("making the shop: %w", err)
	}
	defer func() { err = errors.Join(err, s.close(ctx, 0)) }()

	code, err := parse()
	if err != nil {
		return nil, err
	}
	var told bytes.Buffer
	contents := "| step | | queries, in order |\n|---:|---|---|\n"
	for i, st := range steps {
		counts, err := tell(ctx, s, st, i+1, code, &told)
		if err != nil {
			return nil, fmt.Errorf("step %d, %s: %w", i+1, st.title, err)
		}
		heading := fmt.Sprintf("%d. %s", i+1, st.title)
		contents += fmt.Sprintf("| %d | [%s](#%s) | %s |\n", i+1, st.title, anchor(heading), strings.Join(counts, ", "))
	}
	return []byte(preface + contents + told.String()), nil
}

// tell runs one step and writes its part of the page.
func tell(ctx context.Context, s *shop, st step, number int, code *source, to *bytes.Buffer) ([]string, error) {
	p, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	opened, had := len(s.closers), s.cache
	st.run(ctx, p)
	if s.cache == had { // what the step opened is for it alone
		p.ok(s.close(ctx, opened))
	}
	if err := s.faults.taken(); !p.fails {
		p.ok(err)
	}
	if p.err != nil {
		return nil, p.err
	}
	name := runtime.FuncForPC(reflect.ValueOf(st.run).Pointer()).Name()
	f := code.funcs[name[strings.LastIndexByte(name, '.')+1:]]
	if f == nil {
		return nil, fmt.Errorf("no source of %s", name)
	}
	fmt.Fprintf(to, "\n## %d. %s\n\n%s\n```go\n", number, st.title, f.Doc.Text())
	for _, name := range st.shows {
		to.WriteString(code.declarations(name))
	}
	body, err := code.body(f, p.notes)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(to, "%s```\n", body)
	return p.counts, nil
}

// anchor is what GitHub makes of a heading.
func anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// source is the code of the steps.
type source struct {
	set   *token.FileSet
	text  map[string][]string // lines of each file, as embedded
	funcs map[string]*ast.FuncDecl
	decls []ast.Decl
}

func parse() (*source, error) {
	c := &source{set: token.NewFileSet(), text: map[string][]string{}, funcs: map[string]*ast.FuncDecl{}}
	entries, err := sources.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := sources.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		file, err := parser.ParseFile(c.set, e.Name(), text, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		c.text[e.Name()] = strings.Split(string(text), "\n")
		for _, d := range file.Decls {
			c.decls = append(c.decls, d)
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				c.funcs[f.Name.Name] = f
			}
		}
	}
	return c, nil
}

// lines are those of the source from one place to another, both included.
func (c *source) lines(from, to token.Pos) (lines []string, first int) {
	a, b := c.set.Position(from), c.set.Position(to)
	return c.text[a.Filename][a.Line-1 : b.Line], a.Line
}

// body is the statements of a step, with what was noted in place of the lines
// that noted it. Other lines that name the page are left out.
func (c *source) body(f *ast.FuncDecl, notes map[int]string) (string, error) {
	var b strings.Builder
	lines, first := c.lines(f.Body.Lbrace, f.Body.Rbrace)
	used, blank := 0, true
	for i, line := range lines[1 : len(lines)-1] {
		line = strings.TrimPrefix(line, "\t")
		indent := line[:len(line)-len(strings.TrimLeft(line, "\t"))]
		note, noted := notes[first+1+i]
		switch {
		case noted:
			used++
			for _, l := range strings.Split(note, "\n") {
				b.WriteString(strings.TrimRight(indent+"// "+l, " ") + "\n")
			}
		case strings.Contains(line, "page."):
			continue
		case line == "" && blank:
			continue
		default:
			b.WriteString(line + "\n")
		}
		blank = line == ""
	}
	if used != len(notes) {
		return "", fmt.Errorf("%d notes are not of %s", len(notes)-used, f.Name.Name)
	}
	return b.String(), nil
}

// declarations are those of a type and its methods, or of a function.
func (c *source) declarations(name string) string {
	var b strings.Builder
	for _, d := range c.decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			if t, ok := d.Specs[0].(*ast.TypeSpec); !ok || t.Name.Name != name {
				continue
			}
		case *ast.FuncDecl:
			if d.Name.Name != name && !isMethodOf(d, name) {
				continue
			}
		}
		lines, _ := c.lines(d.Pos(), d.End())
		b.WriteString(strings.Join(lines, "\n") + "\n\n")
	}
	return b.String()
}

func isMethodOf(f *ast.FuncDecl, name string) bool {
	if f.Recv == nil {
		return false
	}
	of := f.Recv.List[0].Type
	if p, ok := of.(*ast.StarExpr); ok {
		of = p.X
	}
	id, ok := of.(*ast.Ident)
	return ok && id.Name == name
}
