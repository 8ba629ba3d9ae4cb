package querycache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Random readers and writers on a few rows whose N only grows. Each reader
// notes, before it begins, the newest version whose write had returned, and
// must not see an older one, in whatever way it reads.
func TestStressNeverOlderThanAWriteThatReturned(t *testing.T) {
	const rows, workers, steps = 4, 8, 60
	everywhere(t, func(t *testing.T, d *testdb.Database) {
		for _, prepared := range []bool{false, true} {
			t.Run(fmt.Sprint("prepared ", prepared), func(t *testing.T) {
				o := testdb.Options{Config: gorm.Config{PrepareStmt: prepared}, MaxOpenConns: 8, SQLiteParams: "_txlock=immediate"}
				w := newTxWorldWith(t, d, o, querycache.Config{})
				w.must(w.plain.Create([]txRow{{3, 0}, {4, 0}}).Error)
				w.past("UPDATE tx_rows SET n = 0")
				var returned [rows + 1]atomic.Int64 // by id
				var turns [rows + 1]sync.Mutex      // one writer per row at a time, so that versions grow
				seed := rand.Uint64()
				var all sync.WaitGroup
				for worker := range workers {
					all.Go(func() {
						rng := rand.New(rand.NewPCG(seed, uint64(worker)))
						for range steps {
							id := 1 + rng.IntN(rows)
							if rng.IntN(4) > 0 {
								floor := returned[id].Load()
								got, err := stressRead(w.db.DB, rng.IntN(4), uint(id))
								if err != nil || got < floor {
									t.Errorf("seed %d: row %d read as %d, %v; %d was written before", seed, id, got, err, floor)
								}
								continue
							}
							turns[id].Lock()
							version := returned[id].Load() + 1
							wrote, err := stressWrite(w.db.DB, rng.IntN(5), uint(id), version)
							if err != nil {
								t.Errorf("seed %d: writing: %v", seed, err)
							}
							if wrote {
								returned[id].Store(version)
							}
							turns[id].Unlock()
						}
					})
				}
				all.Wait()
				for id := 1; id <= rows; id++ {
					if got, err := stressRead(w.db.DB, 0, uint(id)); err != nil || got != returned[id].Load() {
						t.Errorf("seed %d: row %d ends as %d, %v, not %d", seed, id, got, err, returned[id].Load())
					}
				}
				if s := w.plugin.Stats(); s.Hits == 0 {
					t.Error("no read was a hit: the test shows nothing")
				}
			})
		}
	})
}

func stressRead(db *gorm.DB, how int, id uint) (int64, error) {
	switch how {
	case 0:
		var r txRow
		err := db.First(&r, id).Error
		return int64(r.N), err
	case 1:
		var all []txRow
		err := db.Find(&all).Error
		for _, r := range all {
			if r.ID == id {
				return int64(r.N), err
			}
		}
		return -1, err
	case 2:
		var n int64
		err := db.Raw(onRows(db, "SELECT n FROM tx_rows WHERE id = ?"), id).Row().Scan(&n)
		return n, err
	}
	r, err := gorm.G[txRow](db).Where("id = ?", id).First(context.Background())
	return int64(r.N), err
}

// stressWrite writes a version in one of several ways and tells whether it
// meant it to stay.
func stressWrite(db *gorm.DB, how int, id uint, version int64) (bool, error) {
	text := onRows(db, "UPDATE tx_rows SET n = ? WHERE id = ?")
	switch how {
	case 0:
		return true, set(db, id, int(version))
	case 1:
		return true, db.Exec(text, version, id).Error
	case 2:
		return true, db.Save(&txRow{id, int(version)}).Error
	case 3:
		return true, db.Transaction(func(tx *gorm.DB) error {
			if err := tx.Exec(text, version, id).Error; err != nil {
				return err
			}
			_, err := stressRead(tx, int(id)%4, id)
			return err
		})
	}
	tx := db.Begin()
	if err := tx.Exec(text, version, id).Error; err != nil {
		return false, err
	}
	return false, tx.Rollback().Error
}
