package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

type (
	// kRow is what is created, kLog what is written meanwhile.
	kRow struct {
		ID int `gorm:"autoIncrement:false"`
		V  kValue
	}
	kLog struct {
		ID int `gorm:"autoIncrement:false"`
		N  int
	}
	// kValue writes to the log when it is asked for its SQL.
	kValue struct{ N int }
)

func (kValue) GormDataType() string { return "integer" }

func (v *kValue) Scan(src any) error {
	_, err := fmt.Sscan(fmt.Sprint(src), &v.N)
	return err
}

func (v kValue) GormValue(_ context.Context, db *gorm.DB) clause.Expr {
	db.AddError(db.Session(&gorm.Session{NewDB: true}).Transaction(func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO k_logs VALUES (?, 1)", v.N).Error
	}))
	return clause.Expr{SQL: "?", Vars: []any{v.N}}
}

func kLogs(db *gorm.DB) any {
	var logs []kLog
	return tell(db.Order("id").Find(&logs), &logs)
}

func kRows(db *gorm.DB) any {
	var rows []kRow
	return tell(db.Order("id").Find(&rows), &rows)
}

// openK opens a database of both tables with and without the cache.
func openK(t *testing.T, d *testdb.Database, config gorm.Config, before ...gorm.Plugin) *pair {
	t.Helper()
	past := d.Open(t, testdb.Options{})
	must(t, past.AutoMigrate(&kRow{}, &kLog{}))
	must(t, past.Where("1 = 1").Delete(&kRow{}).Error)
	must(t, past.Where("1 = 1").Delete(&kLog{}).Error)
	p := open(t, d, opening{Options: testdb.Options{Config: config}, Before: before})
	for _, b := range before { // on both sides
		must(t, p.plain.Use(b))
	}
	return p
}

// replaced is a plugin that puts a function of its own in the place of GORM's.
type replaced struct {
	name string
	run  func(tx *gorm.DB, old func(*gorm.DB))
}

func (r *replaced) Name() string { return "replaces " + r.name }

func (r *replaced) Initialize(db *gorm.DB) error {
	if r.name == "gorm:create" {
		old := db.Callback().Create().Get(r.name)
		return db.Callback().Create().Replace(r.name, func(tx *gorm.DB) { r.run(tx, old) })
	}
	old := db.Callback().Query().Get(r.name)
	return db.Callback().Query().Replace(r.name, func(tx *gorm.DB) { r.run(tx, old) })
}

// ways to begin and to prepare.
func kConfigs() []gorm.Config {
	return []gorm.Config{
		{}, {PrepareStmt: true}, {SkipDefaultTransaction: true}, {PrepareStmt: true, SkipDefaultTransaction: true},
	}
}

// A value that writes while the statement it is for is built:
//
//  1. Create runs in a transaction, over what the cache put in the place of the
//     session's pool so that it sees the INSERT.
//  2. GormValue takes a session of it and opens a transaction: a savepoint, if
//     there is a transaction already.
//  3. If what it finds can neither begin nor commit, it gets
//     ErrInvalidTransaction, where plain GORM writes.
func TestValuesThatWriteWhileAStatementIsBuilt(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		for i, config := range kConfigs() {
			p := openK(t, d, config)
			p.compare(t, kLogs, atMost)
			p.compare(t, kRows, atMost)
			for id := i * 10; id < i*10+5; id++ {
				db := p.cached
				if id%5 == 4 {
					db = p.plain // it works there
				}
				if err := db.Create(&kRow{id, kValue{1000 + id}}).Error; err != nil {
					t.Fatalf("prepared %v: %v", config.PrepareStmt, err)
				}
				if db == p.plain {
					continue
				}
				for name, read := range map[string]reading{"k_logs": kLogs, "k_rows": kRows} {
					p.compare(t, read, atMost)
					n := int64(0)
					must(t, p.plain.Table(name).Where("id IN ?", []int{id, 1000 + id}).Count(&n).Error)
					if n != 1 {
						t.Errorf("prepared %v: %d rows written to %s", config.PrepareStmt, n, name)
					}
				}
			}
		}
	})
}

// Another plugin replaced gorm:create before Use, and uses the pool that it
// finds there:
//
//  1. It asks for the *sql.DB, and whether it is in a transaction.
//  2. It writes in a transaction of its own, in a savepoint if it is, with a
//     savepoint within that is rolled back.
//  3. The cache stands over the pool at that time. All must be as without it,
//     also on MySQL, which cannot prepare SAVEPOINT; and what was written in 2
//     is seen.
func TestReplacedCreate(t *testing.T) {
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		for i, config := range kConfigs() {
			var said []string
			p := openK(t, d, config, &replaced{"gorm:create", func(tx *gorm.DB, old func(*gorm.DB)) {
				_, noDB := tx.DB()
				_, inTx := tx.Statement.ConnPool.(gorm.TxCommitter)
				id := tx.Statement.Dest.(*kLog).ID
				insert := func(tx *gorm.DB, id int) error { return tx.Exec("INSERT INTO k_logs VALUES (?, 2)", id).Error }
				err := tx.Session(&gorm.Session{NewDB: true}).Transaction(func(tx *gorm.DB) error {
					inner := tx.Transaction(func(tx *gorm.DB) error { return errors.Join(insert(tx, 2000+id), errBack) })
					return errors.Join(insert(tx, 1000+id), insert(tx, 3000+id), ignore(inner, errBack))
				})
				said = append(said, fmt.Sprint(noDB, inTx, err))
				old(tx)
			}})
			p.compare(t, kLogs, atMost)
			for id := 1 + i*10; id < 5+i*10; id++ {
				said = nil
				must(t, p.plain.Create(&kLog{id, 1}).Error)
				must(t, p.cached.Create(&kLog{500 + id, 1}).Error)
				same(t, said[1], said[0])
				p.compare(t, kLogs, atMost)
				var ids []int
				must(t, p.plain.Model(&kLog{}).Where("id IN ?", []int{500 + id, 1500 + id, 2500 + id, 3500 + id}).Order("id").Pluck("id", &ids).Error)
				if fmt.Sprint(ids) != fmt.Sprint([]int{500 + id, 1500 + id, 3500 + id}) {
					t.Errorf("prepared %v: written: %v", config.PrepareStmt, ids)
				}
			}
		}
	})
}

// ignore drops an error that was expected, but not its absence.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return fmt.Errorf("got %w, want %w", err, expected)
}

// Another plugin replaced gorm:query before Use:
//
//  1. A read runs over what the cache put in the place of the pool, which
//     answers the statement of the callback.
//  2. The plugin asks for the *sql.DB, opens a transaction, and reads another
//     table through sessions of the statement.
//  3. Those are statements of their own, and hits when the outer read is one.
//  4. What it writes is seen.
func TestReplacedQuery(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		for i, config := range kConfigs() {
			var said []string
			p := openK(t, d, config, &replaced{"gorm:query", func(tx *gorm.DB, old func(*gorm.DB)) {
				if tx.Statement.Table != "k_rows" {
					old(tx)
					return
				}
				fresh := tx.Session(&gorm.Session{NewDB: true})
				_, noDB := tx.DB()
				_, inTx := tx.Statement.ConnPool.(gorm.TxCommitter)
				id, write := tx.Get("k:write")
				err := fresh.Transaction(func(tx *gorm.DB) error {
					if !write {
						return nil
					}
					return tx.Exec("INSERT INTO k_logs VALUES (?, 3)", id).Error
				})
				read := kLogs(fresh)
				prepared := kLogs(tx.Session(&gorm.Session{NewDB: true, PrepareStmt: true}))
				said = append(said, fmt.Sprint(noDB, inTx, err, read.(told).Err, testdb.Equal(read, prepared), *read.(told).Dest[0].(*[]kLog)))
				old(tx)
			}})
			p.hits(t, kRows)
			for _, s := range said[1:] {
				same(t, s, said[0])
			}
			p.hits(t, kLogs)
			for id := 1 + i*10; id < 4+i*10; id++ {
				must(t, p.cached.Set("k:write", id).Find(&[]kRow{}).Error)
				said = nil
				p.compare(t, kLogs, 0)
				p.compare(t, kRows, 0)
				for _, s := range said[1:] {
					same(t, s, said[0])
				}
				var n int64
				must(t, p.plain.Model(&kLog{}).Where("id = ?", id).Count(&n).Error)
				if n != 1 {
					t.Errorf("prepared %v: %d rows written", config.PrepareStmt, n)
				}
				// In a transaction the callback is in it, too.
				said = nil
				for _, db := range []*testdb.DB{p.plain, p.cached} {
					must(t, db.Transaction(func(tx *gorm.DB) error { return tx.Find(&[]kRow{}).Error }))
				}
				same(t, said[1], said[0])
			}
		}
	})
}
