package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestThePageIsWhatIsMeasured(t *testing.T) {
	if err := run(t.Context(), []string{"-check", "-file", "../../docs/step-by-step.md"}, &bytes.Buffer{}); err != nil {
		t.Error(err)
	}
}

func TestWhatIsWrittenIsUpToDate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := run(t.Context(), []string{"-w", "-file", file}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-check", "-file", file}, &bytes.Buffer{}); err != nil {
		t.Error(err)
	}
	var printed bytes.Buffer
	if err := run(t.Context(), nil, &printed); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(text, printed.Bytes()) {
		t.Errorf("what is printed is not what is written (error %v)", err)
	}
	if err := os.WriteFile(file, bytes.Replace(text, []byte("1 query"), []byte("2 queries"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-check", "-file", file}, &bytes.Buffer{}); !errors.Is(err, errOutOfDate) {
		t.Errorf("error %v, want that the file is out of date", err)
	}
}

// What is not as a step's text says ends the walk.
func TestWrongStepsAreNoticed(t *testing.T) {
	wrong := map[string]func(context.Context, *page){
		"the text expects 0": func(_ context.Context, page *page) {
			page.db.First(&Product{}, 1)
			page.queries(0, "")
		},
		"no such table": func(_ context.Context, page *page) {
			page.db.Table("nothing").Find(&[]Product{})
		},
		"noted twice": func(_ context.Context, page *page) {
			for range 2 {
				page.show("a")
			}
		},
		"not so: it rains": func(_ context.Context, page *page) {
			page.expect(false, "it rains")
		},
		"no source": func(context.Context, *page) {},
	}
	s, err := newShop(filepath.Join(t.TempDir(), "shop.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(context.Background(), 0); err != nil {
			t.Error(err)
		}
	})
	code, err := parse()
	if err != nil {
		t.Fatal(err)
	}
	for want, run := range wrong {
		_, err := tell(t.Context(), s, step{title: want, run: run}, 1, code, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
}

// The code on the page is that of the source, without the lines that measure,
// and with what they measured.
func TestCodeIsCutFromTheSource(t *testing.T) {
	code, err := parse()
	if err != nil {
		t.Fatal(err)
	}
	f := code.funcs["withoutCache"]
	lines, first := code.lines(f.Body.Lbrace, f.Body.Rbrace)
	notes := map[int]string{}
	for i, line := range lines {
		if strings.Contains(line, "page.queries(") {
			notes[first+i] = "one\ntwo"
		}
	}
	body, err := code.body(f, notes)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(body, "db.First(&Product{}, 1)\n// one\n// two\n") {
		t.Errorf("the code begins with\n%s", body)
	}
	if strings.Contains(body, "page.") {
		t.Errorf("a line that measures is shown:\n%s", body)
	}
	notes[1] = "not of this function"
	if _, err := code.body(f, notes); err == nil {
		t.Error("a note of another function was dropped")
	}
}
