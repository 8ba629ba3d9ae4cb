package rows

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/logger"
)

var _ gorm.Rows = (*Recorder)(nil)

type thing struct {
	ID     uint
	Name   *string
	Price  float64
	Flag   bool
	Data   []byte
	At     time.Time
	Gone   gorm.DeletedAt
	Labels []string `gorm:"serializer:json"`
}

// taped replaces gorm:query: the first time it reads through a Recorder, later it replays.
type taped struct {
	t     *testing.T
	p     *Replayer
	rec   *Recorded
	reads int
}

func (c *taped) query(db *gorm.DB) {
	if db.Error != nil {
		return
	}
	callbacks.BuildQuerySQL(db)
	if db.Error != nil || db.DryRun {
		return
	}
	ctx := db.Statement.Context
	if c.rec != nil {
		rows, err := c.p.Rows(ctx, c.rec)
		if db.AddError(err) == nil {
			gorm.Scan(rows, db, 0)
			_ = db.AddError(rows.Close())
		}
		return
	}
	c.reads++
	real, err := db.Statement.ConnPool.QueryContext(ctx, db.Statement.SQL.String(), db.Statement.Vars...)
	if err != nil {
		_ = db.AddError(err)
		return
	}
	r := NewRecorder(real, Limits{})
	gorm.Scan(r, db, 0)
	_ = db.AddError(r.Close())
	finish := r.Finish
	if k := db.Statement.ReflectValue.Kind(); k == reflect.Struct || k == reflect.Map {
		finish = r.FinishPrefix
	}
	if c.rec, err = finish(); err != nil {
		c.t.Error(err)
	}
}

// What gorm makes of a recorder and of a replay is what it makes of the database.
func TestGormScansTheSame(t *testing.T) {
	open := func() *gorm.DB {
		db, err := gorm.Open(sqlite.Open(filepath.Join(t.TempDir(), "g.sqlite")), &gorm.Config{Logger: logger.Discard})
		if err != nil {
			t.Fatal(err)
		}
		pool, err := db.DB()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pool.Close() })
		name := "n"
		at := time.Date(2024, 2, 29, 1, 2, 3, 456, time.FixedZone("", 19800))
		if err := db.AutoMigrate(&thing{}); err != nil {
			t.Fatal(err)
		}
		things := []thing{{Name: &name, Price: 1.5, Flag: true, Data: []byte{0, 255}, At: at, Labels: []string{"a", "b"}}, {At: at.UTC()},
			{Gone: gorm.DeletedAt{Time: at, Valid: true}, Data: []byte{}}}
		if err := db.Create(&things).Error; err != nil {
			t.Fatal(err)
		}
		return db
	}
	plain, cached := open(), open()
	tape := &taped{t: t, p: NewReplayer()}
	defer tape.p.Close()
	if err := cached.Callback().Query().Replace("gorm:query", tape.query); err != nil {
		t.Fatal(err)
	}
	for name, read := range map[string]func(*gorm.DB) (any, *gorm.DB){
		"structs":   func(db *gorm.DB) (any, *gorm.DB) { var v []thing; tx := db.Find(&v); return v, tx },
		"pointers":  func(db *gorm.DB) (any, *gorm.DB) { var v []*thing; tx := db.Unscoped().Find(&v); return v, tx },
		"first":     func(db *gorm.DB) (any, *gorm.DB) { var v thing; tx := db.First(&v); return v, tx },
		"not found": func(db *gorm.DB) (any, *gorm.DB) { var v thing; tx := db.First(&v, 99); return v, tx },
		"map": func(db *gorm.DB) (any, *gorm.DB) {
			v := map[string]any{}
			tx := db.Model(&thing{}).First(&v)
			return v, tx
		},
		"table map": func(db *gorm.DB) (any, *gorm.DB) {
			v := map[string]any{}
			tx := db.Table("things").Take(&v)
			return v, tx
		},
		"maps": func(db *gorm.DB) (any, *gorm.DB) {
			var v []map[string]any
			tx := db.Table("things").Find(&v)
			return v, tx
		},
		"model maps": func(db *gorm.DB) (any, *gorm.DB) {
			var v []map[string]any
			tx := db.Model(&thing{}).Find(&v)
			return v, tx
		},
		"pluck": func(db *gorm.DB) (any, *gorm.DB) {
			var v []*string
			tx := db.Model(&thing{}).Pluck("name", &v)
			return v, tx
		},
		"pluck bytes": func(db *gorm.DB) (any, *gorm.DB) {
			var v [][]byte
			tx := db.Model(&thing{}).Pluck("data", &v)
			return v, tx
		},
		"count": func(db *gorm.DB) (any, *gorm.DB) { var v int64; tx := db.Model(&thing{}).Count(&v); return v, tx },
		"fewer fields": func(db *gorm.DB) (any, *gorm.DB) {
			var v []struct {
				ID int8
				At string
			}
			tx := db.Model(&thing{}).Find(&v)
			return v, tx
		},
		"array": func(db *gorm.DB) (any, *gorm.DB) { var v [2]thing; tx := db.Find(&v); return v, tx },
		"a bad field": func(db *gorm.DB) (any, *gorm.DB) {
			var v []struct{ At int }
			tx := db.Model(&thing{}).Find(&v)
			return v, tx
		},
		"mapped": func(db *gorm.DB) (any, *gorm.DB) {
			var v []thing
			tx := db.MapColumns(map[string]string{"name": "nowhere", "price": "name"}).Find(&v)
			return v, tx
		},
	} {
		t.Run(name, func(t *testing.T) {
			tape.t, tape.rec, tape.reads = t, nil, 0
			want, wtx := read(plain.WithContext(context.Background()))
			for n := range 3 {
				got, gtx := read(cached.WithContext(context.Background()))
				if !reflect.DeepEqual(want, got) {
					t.Errorf("read %d:\n got %v\nwant %v", n, got, want)
				}
				if gtx.RowsAffected != wtx.RowsAffected || !same(reflect.ValueOf(&wtx.Error), reflect.ValueOf(&gtx.Error)) {
					t.Errorf("read %d: got %d, %v; want %d, %v", n, gtx.RowsAffected, gtx.Error, wtx.RowsAffected, wtx.Error)
				}
			}
			if tape.reads != 1 {
				t.Errorf("%d reads", tape.reads)
			}
		})
	}
}
