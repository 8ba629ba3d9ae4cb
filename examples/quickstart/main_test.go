package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var smallSize = size{customers: 200, products: 400, orders: 300}

func TestQuickstartKeepsItsPromises(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), &out, smallSize); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if n := strings.Count(out.String(), "  ok  "); n < 14 {
		t.Errorf("%d promises were kept, want at least 14:\n%s", n, &out)
	}
}

// A change that goes behind the cache makes its results differ from the
// database's, which the comparison must notice.
func TestWrongResultsAreNoticed(t *testing.T) {
	s, err := open(t.Context(), filepath.Join(t.TempDir(), "shop.db"), smallSize)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if err := compareReads(t.Context(), s, &report{out: &bytes.Buffer{}}); err != nil {
		t.Fatal(err)
	}
	if err := s.plain.Exec("UPDATE products SET price_cents = price_cents + 1").Error; err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := &report{out: &out}
	if err := compareReads(t.Context(), s, r); err != nil {
		t.Fatal(err)
	}
	if err := r.err(); !errors.Is(err, errBroken) || !strings.Contains(out.String(), "BROKEN") {
		t.Errorf("stale results went unnoticed: %v\n%s", err, &out)
	}
}

func TestQueriesAreCounted(t *testing.T) {
	c := &counter{}
	db, err := gormOn(filepath.Join(t.TempDir(), "a.db"), c)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := db.AutoMigrate(&Product{}); err != nil {
		t.Fatal(err)
	}
	n, err := c.during(func() error { return db.Find(&[]Product{}).Error })
	if err != nil || n != 1 {
		t.Errorf("counted %d queries, want 1 (error %v)", n, err)
	}
}
