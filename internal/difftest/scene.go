package difftest

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"strings"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// draw makes the choices of one operation. The same kind and seed draw the same choices whatever ran
// before, so that an operation means the same after others were removed from a program.
type draw struct {
	*rand.Rand
	seed uint64
}

func newDraw(kind string, seed uint64) draw {
	h := fnv.New64a()
	_, _ = h.Write([]byte(kind))
	return draw{rand.New(rand.NewPCG(seed, h.Sum64())), seed}
}

func (d draw) n(limit int) int         { return d.IntN(limit) }
func (d draw) chance(percent int) bool { return d.IntN(100) < percent }

// id is a primary key: most often one that is there.
func (d draw) id() uint         { return uint(1 + d.IntN(7)) }
func (d draw) name() string     { return names[d.IntN(len(names))] }
func (d draw) company() string  { return pick(d, "acme", "ibm", "none", "gone") }
func (d draw) language() string { return pick(d, "de", "en", "fr", "xx") }

func pick[T any](d draw, from ...T) T { return from[d.IntN(len(from))] }

// scene is one operation being run on one side.
type scene struct {
	db      *gorm.DB
	ctx     context.Context
	dialect testdb.Dialect
	lane    int  // in concurrent programs
	onConn  bool // on a bare *sql.Conn, whose own methods nobody can watch
	out     *outcome

	// byHand is that of Made, on the side with the plugin.
	byHand func(context.Context, *rand.Rand) error
}

// outcome is all that a program can see of an operation. Outcomes of the two sides are compared.
type outcome struct {
	Saw     []any
	Panic   any
	Journal []string

	// loose: the order of the journal is not compared, since GORM has none for the operation.
	loose bool

	// args are values that were passed as arguments. They are not compared, but overwritten with
	// the results when a read is repeated.
	args []any
}

// result is what a finisher left in its *gorm.DB.
type result struct {
	Err  error
	Rows int64
}

// saw records the end of a chain and what it filled.
func (s *scene) saw(tx *gorm.DB, dests ...any) {
	s.out.Saw = append(s.out.Saw, result{Err: tx.Error, Rows: tx.RowsAffected})
	if scanFailed(tx.Error) {
		return // see failed
	}
	s.out.Saw = append(s.out.Saw, dests...)
}

// failed is saw, and reports whether the chain failed. What a failed read left in its dest must not be used: after a
// failed scan, GORM sets fields to values that other reads left in its pools.
func (s *scene) failed(tx *gorm.DB, dests ...any) bool {
	s.saw(tx, dests...)
	return tx.Error != nil
}

// sawValues records values that came without a *gorm.DB.
func (s *scene) sawValues(values ...any) {
	for _, v := range values {
		if err, ok := v.(error); ok && scanFailed(err) {
			values = []any{err}
			break
		}
	}
	s.out.Saw = append(s.out.Saw, values...)
}

func scanFailed(err error) bool {
	return err != nil && strings.Contains(err.Error(), "sql: Scan error")
}

// on returns a scene that runs on another session and reports into the same outcome.
func (s *scene) on(db *gorm.DB) *scene {
	c := *s
	c.db = db
	return &c
}

// ordered adds an order, without which only SQLite gives the rows of the two sides in the same order.
func (s *scene) ordered(tx *gorm.DB, d draw) *gorm.DB {
	if s.dialect == testdb.SQLite && d.chance(40) {
		return tx
	}
	return tx.Order("1")
}

// byFirst orders a preload.
func byFirst(db *gorm.DB) *gorm.DB { return db.Order("1") }

var errUndone = errors.New("undone by the program")
