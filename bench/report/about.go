package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// about says when, where and how the figures were taken.
func about(ctx context.Context, o options) string {
	command := strings.TrimSpace("cd bench && go run ./report " + strings.Join(o.args, " "))
	text := fmt.Sprintf("Taken on %s by `%s`, medians of %d runs. %s on %s/%s, %d cores%s.", //nolint:gocritic // code in Markdown, not a quoted string
		time.Now().UTC().Format(time.DateOnly), command, o.runs,
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), load())
	if v := commit(ctx, o.module); v != "" {
		text += " querycache at " + v + "."
	}
	if v := versions(ctx, o.module); v != "" {
		text += " With " + v + "."
	}
	return text
}

// load is how busy the machine was with all it did, where the system tells.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(text), " ")
	five, _, _ := strings.Cut(rest, " ")
	return ", load average " + five + " at the end"
}

func commit(ctx context.Context, dir string) string {
	return output(ctx, dir, "git", "rev-parse", "--short", "HEAD")
}

// versions are those of what the benchmarks are linked with.
func versions(ctx context.Context, dir string) string {
	text := output(ctx, dir, "go", "list", "-m", "gorm.io/gorm", "gorm.io/driver/sqlite", "github.com/mattn/go-sqlite3")
	return strings.ReplaceAll(text, "\n", ", ")
}

// output is what a command printed, or nothing if it failed: the figures are
// worth as much without it.
func output(ctx context.Context, dir, name string, args ...string) string {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
