package snapshot

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"
)

func TestConcurrentPuts(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&serialized{}))
	rows := sampleSerialized()
	for i := range rows {
		must(t, db.Create(&rows[i]).Error)
	}
	var want []serialized
	pr, tx := observe(db, p, find, &want)
	must(t, tx.Error)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				plan, _ := p.PlanFor(tx.Statement)
				got := []serialized{}
				rv := reflect.ValueOf(&got).Elem()
				plan.Put(rv, pr.snap)
				if diff := difference(reflect.ValueOf(want), reflect.ValueOf(got)); diff != "" {
					t.Error(diff)
				}
				for i := range got {
					got[i].Tags = append(got[i].Tags[:0], "mine")
					if got[i].Attrs != nil {
						got[i].Attrs["mine"] = true
					}
				}
				plan.Take(rv, int64(len(got)))
			}
		})
	}
	wg.Wait()
}

// Size is checked against the heap: many snapshots of one result are kept, the
// results themselves are not.
func TestSizeIsWhatTheHeapSays(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&twelve{}, &scalars{}, &pointers{}, &bytesAndScanners{}, &serialized{}, &embedding{}, &Company{}, &Person{}, &Pet{}, &Account{}))
	twelves := sampleTwelve(100)
	must(t, db.Create(&twelves).Error)
	for range 10 {
		a, b, c, d, e := sampleScalars(), samplePointers(), sampleBytesAndScanners(), sampleSerialized(), sampleEmbedding()
		for _, rows := range []any{&a, &b, &c, &d, &e} {
			for v, i := reflect.ValueOf(rows).Elem(), 0; i < v.Len(); i++ {
				must(t, db.Create(v.Index(i).Addr().Interface()).Error)
			}
		}
		must(t, db.Create(&Person{Name: "a person", Logo: []byte("logo"), Company: &Company{Name: "company", Note: ptr("a note")}}).Error)
	}
	joined := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Joins("Company").Find(dest) }
	one := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Limit(1).Find(dest) }
	for _, c := range []struct {
		fresh func() any
		q     query
	}{
		{func() any { return new([]twelve) }, find},
		{func() any { return new([]*twelve) }, find},
		{func() any { return new(twelve) }, one},
		{func() any { return new([]scalars) }, find},
		{func() any { return new([]pointers) }, find},
		{func() any { return new([]bytesAndScanners) }, find},
		{func() any { return new([]serialized) }, find},
		{func() any { return new([]embedding) }, find},
		{func() any { return new([]Person) }, joined},
		{func() any { return new(int64) }, func(tx *gorm.DB, dest any) *gorm.DB { return tx.Model(&twelve{}).Count(dest.(*int64)) }},
	} {
		const n = 100
		kept := make([]*Snapshot, n)
		take := func() *Snapshot {
			pr, tx := observe(db, p, c.q, c.fresh())
			must(t, tx.Error)
			if !pr.taken {
				t.Fatalf("%T: %s", c.fresh(), pr.reason)
			}
			return pr.snap
		}
		take()
		before := heap()
		var sum int64
		for i := range kept {
			kept[i] = take()
			sum += kept[i].Size()
		}
		grown := heap() - before
		ratio := float64(sum) / float64(grown)
		t.Logf("%T: Size %d, heap %d, ratio %.3f", c.fresh(), sum/n, grown/n, ratio)
		if ratio < leastRatio || ratio > 1.15 {
			t.Errorf("%T: Size says %d, the heap %d", c.fresh(), sum/n, grown/n)
		}
		runtime.KeepAlive(kept)
	}
}

func heap() int64 {
	var m runtime.MemStats
	for range 3 { // pools are emptied in two steps
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// twelve has the columns of a usual table.
type twelve struct {
	ID        uint
	Name      string
	Email     string
	Age       int
	Score     float64
	Active    bool
	City      string
	Country   string
	Visits    int64
	Rating    float32
	CreatedAt time.Time
	UpdatedAt time.Time
}

// twelveDeep has as many, a third of them with pointers.
type twelveDeep struct {
	ID        uint
	Name      string
	Email     *string
	Age       *int
	Score     float64
	Active    bool
	Avatar    []byte
	Country   string
	Visits    int64
	Rating    float32
	CreatedAt time.Time
	DeletedAt *time.Time
}

func sampleTwelve(n int) []twelve {
	rows := make([]twelve, n)
	for i := range rows {
		rows[i] = twelve{Name: fmt.Sprintf("user number %d", i), Email: fmt.Sprintf("user%d@example.com", i), Age: i, Score: float64(i),
			City: "Amsterdam", Country: "Netherlands", Visits: int64(i), CreatedAt: someTime.UTC(), UpdatedAt: someTime.UTC()}
	}
	return rows
}

func BenchmarkPut(b *testing.B) {
	db, p := openDB(b), NewPlanner()
	must(b, db.AutoMigrate(&twelve{}, &twelveDeep{}))
	rows := sampleTwelve(100)
	must(b, db.Create(&rows).Error)
	for i := range rows {
		must(b, db.Create(&twelveDeep{Name: rows[i].Name, Email: &rows[i].Email, Age: &rows[i].Age, Avatar: []byte("some bytes of a picture"), DeletedAt: &rows[i].CreatedAt}).Error)
	}
	bench := func(name string, fresh func() any, reuse bool) {
		b.Run(name, func(b *testing.B) {
			pr, tx := observe(db, p, find, fresh())
			must(b, tx.Error)
			b.ReportAllocs()
			dest := fresh()
			for b.Loop() {
				if !reuse {
					dest = fresh()
				}
				rv := reflect.ValueOf(dest).Elem()
				if plan, _ := p.Plan(dest, rv, tx.Statement.Schema, nil, nil); plan.Accepts(rv) {
					plan.Put(rv, pr.snap)
				}
			}
		})
	}
	bench("100x12", func() any { return new([]twelve) }, false)
	bench("100x12 into capacity", func() any { return new([]twelve) }, true)
	bench("100x12 pointers to records", func() any { return new([]*twelve) }, false)
	bench("100x12 with four pointers", func() any { return new([]twelveDeep) }, false)
	bench("one record", func() any { return new(twelve) }, false)
}

func BenchmarkTake(b *testing.B) {
	db, p := openDB(b), NewPlanner()
	must(b, db.AutoMigrate(&twelve{}))
	rows := sampleTwelve(100)
	must(b, db.Create(&rows).Error)
	var dest []twelve
	pr, tx := observe(db, p, find, &dest)
	must(b, tx.Error)
	b.ReportAllocs()
	for b.Loop() {
		pr.plan.Take(reflect.ValueOf(&dest).Elem(), 100)
	}
}
