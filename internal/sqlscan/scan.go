package sqlscan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Dialect is the SQL dialect a text is written in.
type Dialect uint8

// The dialects. MySQL also serves MariaDB. Unknown refuses every text.
const (
	Unknown Dialect = iota
	SQLite
	Postgres
	MySQL
	SQLServer
)

// DialectOf translates the name that a GORM dialector gives itself. Any name but
// "sqlite", "postgres", "mysql" and "sqlserver" is Unknown.
func DialectOf(gormName string) Dialect {
	switch gormName {
	case "sqlite":
		return SQLite
	case "postgres":
		return Postgres
	case "mysql":
		return MySQL
	case "sqlserver":
		return SQLServer
	}
	return Unknown
}

// String returns GORM's name of the dialect.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "sqlite"
	case Postgres:
		return "postgres"
	case MySQL:
		return "mysql"
	case SQLServer:
		return "sqlserver"
	}
	return "unknown"
}

// Options says what is known of a database's functions. It is read only, and may be shared.
type Options struct {
	// PureFunctions names further functions that depend on their arguments
	// alone and write nothing: lower case, as they are called ("f", or
	// "schema.f" where the SQL says so). Default: none.
	PureFunctions map[string]bool
	// Routines names the functions that the database's users made, in lower
	// case and without their schema. Nothing is known of a call of such a name,
	// even where a built-in function has it too, since the server may choose
	// the user's; only PureFunctions outweighs it. With a dot before it stands
	// the name of one that PostgreSQL may call where a column is read: ".f" for
	// t.f. Default: none.
	Routines map[string]bool
}

// TxControl is what a statement does to the transaction it runs in.
type TxControl uint8

// TxSavepoint stands for SAVEPOINT, RELEASE and ROLLBACK TO.
const (
	TxNone TxControl = iota
	TxBegin
	TxCommit
	TxRollback
	TxSavepoint
)

// String returns the verb in lower case, "none" for TxNone.
func (t TxControl) String() string {
	switch t {
	case TxBegin:
		return "begin"
	case TxCommit:
		return "commit"
	case TxRollback:
		return "rollback"
	case TxSavepoint:
		return "savepoint"
	}
	return "none"
}

// ImpureKind groups the reasons of Result.Impure for statistics.
type ImpureKind uint8

// The kinds of impurity.
const (
	ImpureNone     ImpureKind = iota
	ImpureFunction            // a function that is not known as pure
	ImpureKeyword             // a bare CURRENT_TIMESTAMP, USER, ROWNUM …
	ImpureVariable            // a session or user variable
	ImpureLiteral             // a literal that a database reads as a moving time
	ImpureLocking             // a locking clause or table hint
	ImpureCatalog             // a system catalog
	ImpureWrite               // the statement writes
	ImpureSample              // TABLESAMPLE
	ImpureInto                // SELECT … INTO
	ImpureSession             // transaction control, SET, per-connection tables
	ImpureOther               // anything else: SHOW, EXPLAIN, several statements
)

// String returns the kind as one lower-case word.
func (k ImpureKind) String() string {
	names := [...]string{"none", "function", "keyword", "variable", "literal", "locking",
		"catalog", "write", "sample", "into", "session", "other"}
	if int(k) < len(names) {
		return names[k]
	}
	return "other"
}

// ErrRefused is wrapped by Result.Err when a text cannot be read one way only.
var ErrRefused = errors.New("sqlscan: sql refused")

// Result is what a text does. Table names are the last part of the name as
// written, unquoted and lower-cased with strings.ToLower; lists are sorted and
// without doubles. A Result is not changed after Scan returned it.
type Result struct {
	// Err, when set, wraps ErrRefused and says what could be read two ways;
	// nothing else may be relied on. The other fields then say the worst.
	Err error
	// Statements counts the statements in the text.
	Statements int
	// Reads holds the tables and views read. Names that a WITH clause defines
	// are left out where they are in scope.
	Reads []string
	// Writes holds the tables written. Those whose rows the statement also
	// looks at stand in Reads too.
	Writes []string
	// WritesAll says that the extent of the write is not known.
	WritesAll bool
	// DDL says that the schema changes.
	DDL bool
	// Structural says that tables, views, foreign keys or triggers may be
	// others afterwards.
	Structural bool
	// Temp holds the names created as TEMPORARY.
	Temp []string
	// Tx is what the text does to the transaction; of several transaction
	// statements in one text the last that is not about a savepoint.
	Tx TxControl
	// ImplicitCommit says that MySQL or MariaDB commits the open transaction.
	ImplicitCommit bool
	// Impure is empty if the answer depends on the data of the tables read and
	// on the arguments alone; else the first reason found.
	Impure string
	// ImpureKind groups Impure.
	ImpureKind ImpureKind

	// The fields below are told of a text of one statement only, and not by
	// ScanDefinition. See the package for what they take for granted.

	// Params is the number of bind parameters that the text has, if all are
	// plain and positional ("?", or "$1" in PostgreSQL); -1 if one is not, so
	// that nothing may be concluded from their positions.
	Params int
	// Where holds what the WHERE clause of a SELECT, UPDATE or DELETE demands of
	// the rows of the one table it names: terms that must all be true. No other
	// row of that table is read or changed, nor one of another table read. Nil
	// if no such term was found, or if anything else could matter.
	Where []Restriction
	// Plain says that each row of a SELECT's result stands for another row of the
	// one table it names, and shows columns of that row only: there is no
	// expression, call, aggregate, window or GROUP BY. Not every row of the table
	// need be among them.
	Plain bool
	// Change says how an INSERT, UPDATE or DELETE changes rows of its one table;
	// nil if that is not known.
	Change *Change
}

// ReadOnly reports whether the text was read, writes nothing of any kind, changes
// no schema and controls no transaction.
func (r *Result) ReadOnly() bool {
	return r.Err == nil && len(r.Writes) == 0 && !r.WritesAll && !r.DDL &&
		r.Tx == TxNone && !r.ImplicitCommit
}

const (
	maxText  = 16 << 20 // bytes; longer texts are refused
	maxDepth = 250      // nested parentheses
	maxCTEs  = 256      // names of WITH clauses in scope at once
)

type parser struct {
	d     Dialect
	sql   string
	opts  *Options
	toks  []token
	i     int
	depth int

	commas    int // commas of the parenthesis being read
	pieces    int // texts seen that time words may be put together from
	exprStart int // token at which an expression begins, whatever stands before it

	ctes []string // names in scope, in the form sameName compares
	res  *Result
	buf  [64]byte
	err  string

	definition bool // reading the body of a view or trigger
	viewBody   bool // of a view: WITH CHECK OPTION may follow

	soughtDDL, foundDDL bool // whether mentionsDDL was asked, and what it said
}

var parsers = sync.Pool{New: func() any { return new(parser) }}

// Scan reads sql. opts may be nil. It never panics, takes time linear in the
// length of sql and may be called from many goroutines.
func Scan(d Dialect, sql string, opts *Options) *Result {
	return run(d, sql, opts, func(p *parser) {
		p.script()
		p.rows()
	})
}

// ScanDefinition reads what a view or trigger does: the text of a CREATE VIEW or
// CREATE TRIGGER statement, a bare view query or a bare trigger action. The
// definition itself (the DDL, the table a trigger hangs on) is not reported. OLD
// and NEW are not tables. It is as safe as Scan.
func ScanDefinition(d Dialect, createText string, opts *Options) *Result {
	return run(d, createText, opts, (*parser).define)
}

func run(d Dialect, sql string, opts *Options, read func(*parser)) (res *Result) {
	p := parsers.Get().(*parser)
	*p = parser{d: d, sql: sql, opts: opts, toks: p.toks[:0], ctes: p.ctes[:0], res: &Result{Params: -1}, exprStart: -1}
	defer func() {
		if r := recover(); r != nil {
			res = refused(d, sql, "this text broke the scanner", 0)
			return
		}
		if cap(p.toks) > 1<<14 {
			p.toks = nil
		}
		clear(p.ctes)
		p.sql, p.opts, p.res = "", nil, nil
		parsers.Put(p)
	}()
	switch {
	case d != SQLite && d != Postgres && d != MySQL && d != SQLServer:
		return refused(d, sql, "the dialect is not known", 0)
	case len(sql) > maxText:
		return refused(d, sql, "the text is longer than 16 MiB", maxText)
	case strings.IndexByte(sql, 0) >= 0:
		return refused(d, sql, "a NUL byte", strings.IndexByte(sql, 0))
	case !utf8.ValidString(sql):
		return refused(d, sql, "invalid UTF-8", 0)
	}
	p.lex()
	if p.err == "" {
		read(p)
	}
	if p.err != "" {
		return refused(d, sql, p.err, int(p.toks[len(p.toks)-1].start))
	}
	r := p.res
	if r.Statements == 0 {
		p.impure(ImpureOther, "no statement")
	}
	r.Reads, r.Writes, r.Temp = tidy(r.Reads), tidy(r.Writes), tidy(r.Temp)
	return r
}

func tidy(names []string) []string {
	if len(names) < 2 {
		return names
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// refused builds the worst result there is.
func refused(d Dialect, sql, reason string, at int) *Result {
	ddl := mentionsDDL(sql)
	return &Result{
		Err: fmt.Errorf("%w: %s (near byte %d); write it plainly, or bind values as arguments",
			ErrRefused, reason, at),
		WritesAll: true, DDL: ddl, Structural: ddl, ImplicitCommit: d == MySQL, Params: -1,
		Impure: "refused: " + reason, ImpureKind: ImpureOther,
	}
}

// mentionsDDL looks for a schema verb anywhere, strings and comments included.
func mentionsDDL(sql string) bool {
	for i := 0; i+4 <= len(sql); i++ {
		switch sql[i] | 0x20 {
		case 'c', 'a', 'd', 'r':
			for _, verb := range [...]string{"create", "alter", "drop", "rename"} {
				if len(sql)-i >= len(verb) && strings.EqualFold(sql[i:i+len(verb)], verb) {
					return true
				}
			}
		}
	}
	return false
}

// fail refuses the text and makes every loop end.
func (p *parser) fail(reason string) {
	if p.err == "" {
		p.err = reason
		end := p.toks[len(p.toks)-1]
		end.start = p.toks[p.i].start
		p.toks = append(p.toks, end)
	}
	p.i = len(p.toks) - 1
}

func (p *parser) impure(kind ImpureKind, reason string) {
	if p.res.Impure == "" {
		p.res.Impure, p.res.ImpureKind = reason, kind
	}
}
