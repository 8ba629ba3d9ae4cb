package querycache_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

// dedented are the lines of a text without the tabs that all of them begin with.
func dedented(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	tabs := -1
	for _, line := range lines {
		if n := len(line) - len(strings.TrimLeft(line, "\t")); line != "" && (tabs < 0 || n < tabs) {
			tabs = n
		}
	}
	for i, line := range lines {
		if line != "" {
			lines[i] = line[tabs:]
		}
	}
	return strings.Join(lines, "\n")
}

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// TestReadmeShowsCodeThatRuns: each block of Go in the README is cut from an example, which the compiler and go test
// look at.
func TestReadmeShowsCodeThatRuns(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		text, err := os.ReadFile(name)
		must(t, err)
		return string(text)
	}
	var examples []string
	for _, name := range []string{"readme_example_test.go", "readme_observing_example_test.go", "example_test.go", "cachetest/example_test.go"} {
		examples = append(examples, strings.Split(read(name), "\n")...)
	}
	shown := func(block string) bool {
		n := strings.Count(block, "\n") + 1
		for i := range len(examples) - n + 1 {
			if dedented(strings.Join(examples[i:i+n], "\n")) == block {
				return true
			}
		}
		return false
	}
	blocks := goBlock.FindAllStringSubmatch(read("README.md"), -1)
	if len(blocks) < 10 {
		t.Fatalf("the README has %d blocks of Go", len(blocks))
	}
	for _, b := range blocks {
		if block := dedented(b[1]); !shown(block) {
			t.Errorf("no example has\n%s", block)
		}
	}
}

var (
	testName = regexp.MustCompile("`((?:Test|Fuzz|Example)[A-Z_a-z0-9]*)`")
	testFunc = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)
)

// TestTheDocsNameTestsThatExist: what a page says is shown by tests.
func TestTheDocsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	pages := []string{"README.md"}
	must(t, filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			for _, f := range testFunc.FindAllStringSubmatch(string(text), -1) {
				known[f[1]] = true
			}
			return err
		case strings.HasPrefix(path, "docs"+string(filepath.Separator)) && strings.HasSuffix(path, ".md"):
			pages = append(pages, path)
		}
		return nil
	}))
	for _, page := range pages {
		text, err := os.ReadFile(page)
		must(t, err)
		for _, n := range testName.FindAllStringSubmatch(string(text), -1) {
			if !known[n[1]] {
				t.Errorf("%s names %s, which does not exist", page, n[1])
			}
		}
	}
}

// TestTheReadmeNamesEverySettingAndReason: a field of a configuration, an option or a reason that is new is in the
// README too.
func TestTheReadmeNamesEverySettingAndReason(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	must(t, err)
	readme := string(text)
	for _, c := range []any{
		querycache.Config{}, tiered.Config{}, memory.Config{}, querycache.TableRule{}, querycache.FetchOptions{},
	} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(c)) {
			if f.IsExported() && !strings.Contains(readme, "`"+f.Name+"`") {
				t.Errorf("the README does not name %T.%s", c, f.Name)
			}
		}
	}
	for file, declared := range map[string]string{
		"options.go": `(?m)^func ([A-Z]\w*)\(`,
		"reason.go":  `(?m)^\t(Reason[A-Z]\w*) .*=`,
		"policy.go":  `(?m)^\t([A-Z]\w*)(?: Policy = iota)?$`,
		"errors.go":  `(?m)^\t(Err\w+) =`,
	} {
		source, err := os.ReadFile(file)
		must(t, err)
		names := regexp.MustCompile(declared).FindAllStringSubmatch(string(source), -1)
		if len(names) < 5 {
			t.Errorf("%s declares %v", file, names)
		}
		for _, n := range names {
			if n[1] != "PolicyDefault" && !regexp.MustCompile("`"+n[1]+`[(\x60]`).MatchString(readme) {
				t.Errorf("the README does not name %s", n[1])
			}
		}
	}
}
