package snapshot

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
)

type plainUser struct {
	ID        uint
	Name      string
	Age       int
	Score     float64
	Active    bool
	CreatedAt time.Time
}

func TestPlainRecordsAndCapacities(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&plainUser{}))
	users := make([]plainUser, 45)
	for i := range users {
		users[i] = plainUser{Name: "user", Age: i, Score: float64(i) / 3, Active: i%2 == 0}
	}
	must(t, db.Create(&users).Error)

	for _, n := range []int{0, 1, 2, 19, 20, 21, 40, 41, 45} {
		q := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Order("id").Limit(n).Find(dest) }
		checkSame(t, db, p, func() any { return new([]plainUser) }, q)
		checkSame(t, db, p, func() any { return new([]*plainUser) }, q)
		checkSame(t, db, p, func() any { return &[]plainUser{} }, q)
		checkSame(t, db, p, func() any { s := make([]plainUser, 3, 7); s[2].Name = "old"; return &s }, q)
		checkSame(t, db, p, func() any { s := make([]plainUser, 20); s[2].Name = "old"; return &s }, q)
		checkSame(t, db, p, func() any { s := make([]*plainUser, 2, 30); return &s }, q)
		checkSame(t, db, p, func() any { s := make([]*plainUser, 0, 1); return &s }, q)
		checkSame(t, db, p, func() any { return new([20]plainUser) }, q)
		checkSame(t, db, p, func() any { return &[30]*plainUser{29: {Name: "old"}} }, q)
		checkSame(t, db, p, func() any { return new(plainUser) }, q)
		checkSame(t, db, p, func() any { return new(*plainUser) }, q)
		checkSame(t, db, p, func() any { return new(**plainUser) }, q)
		checkSame(t, db, p, func() any { s := new([]plainUser); return &s }, q)
	}
}

// The array that a caller brought is filled before gorm moves on to a larger
// one, and what lies behind the rows stays.
func TestCallersArrayIsWritten(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&composite{}))
	must(t, db.Create([]composite{{1, "a", ptr("x")}, {2, "b", nil}, {3, "c", ptr("z")}}).Error)
	for _, room := range []int{1, 2, 3, 4, 9} {
		var backing []composite
		checkSame(t, db, p, func() any {
			backing = make([]composite, room)
			for i := range backing {
				backing[i].Left = -1
			}
			s := backing[:0]
			return &s
		}, find)
		want := make([]composite, room)
		for i := range want {
			want[i].Left = -1
		}
		s := want[:0]
		must(t, find(db, &s).Error)
		if diff := difference(reflect.ValueOf(want), reflect.ValueOf(backing)); diff != "" && room < 3 {
			t.Errorf("room %d: %s", room, diff)
		}
		if room >= 3 && backing[room-1].Left != want[room-1].Left {
			t.Errorf("room %d: last is %v, not %v", room, backing[room-1], want[room-1])
		}
	}
}

// roundTrip writes rows of a model and compares scans of every form of
// destination.
func roundTrip[T any](t *testing.T, rows []T) {
	t.Helper()
	t.Run(reflect.TypeFor[T]().Name(), func(t *testing.T) {
		db, p := openDB(t), NewPlanner()
		must(t, db.AutoMigrate(new(T)))
		for i := range rows {
			must(t, db.Create(&rows[i]).Error)
		}
		checkSame(t, db, p, func() any { return new([]T) }, find)
		checkSame(t, db, p, func() any { return new([]*T) }, find)
		checkSame(t, db, p, func() any { s := make([]T, 1); return &s }, find)
		checkSame(t, db, p, func() any { return new([2]T) }, find)
		checkSame(t, db, p, func() any { return new([9]*T) }, find)
		for i := range rows {
			one := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Order("1").Offset(i).Limit(1).Take(dest) }
			checkSame(t, db, p, func() any { return new(T) }, one)
			checkSame(t, db, p, func() any { return new(*T) }, one)
		}
		none := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Where("1 = 0").Take(dest) }
		checkSame(t, db, p, func() any { return new(T) }, none)
		checkSame(t, db, p, func() any { return new([]T) }, none)
		checkSame(t, db, p, func() any { return new([2]T) }, none)
	})
}

func TestModels(t *testing.T) {
	roundTrip(t, sampleScalars())
	roundTrip(t, samplePointers())
	roundTrip(t, sampleBytesAndScanners())
	roundTrip(t, sampleSerialized())
	roundTrip(t, sampleTypesOfData())
	roundTrip(t, sampleEmbedding())
	roundTrip(t, []soft{{Name: "a"}, {Name: "b", Model: gorm.Model{DeletedAt: gorm.DeletedAt{Time: someTime, Valid: true}}}})
	roundTrip(t, []composite{{1, "a", nil}, {1, "b", ptr("v")}})
}

func TestSoftDeletedRecords(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&soft{}))
	must(t, db.Create([]soft{{Name: "a"}, {Name: "b"}}).Error)
	must(t, db.Delete(&soft{}, 1).Error)
	checkSame(t, db, p, func() any { return new([]soft) }, find)
	checkSame(t, db, p, func() any { return new([]soft) }, func(tx *gorm.DB, dest any) *gorm.DB { return tx.Unscoped().Find(dest) })
}

func TestJoins(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&Company{}, &Person{}, &Pet{}, &Account{}))
	must(t, db.Create([]Company{{ID: 1, Name: "one", Note: ptr("n")}, {ID: 2, Name: "two"}}).Error)
	must(t, db.Create([]Person{
		{ID: 1, Name: "boss", CompanyID: ptr(uint(1)), HomeID: ptr(uint(2)), Pets: []Pet{{Name: "rex"}}, Account: Account{Number: ptr("7")}},
		{ID: 2, Name: "worker", CompanyID: ptr(uint(1)), ManagerID: ptr(uint(1)), Logo: []byte("logo")},
		{ID: 3, Name: "nobody"},
	}).Error)
	must(t, db.Model(&Company{ID: 1}).Update("owner_id", 2).Error)

	joined := func(names ...string) query {
		return func(tx *gorm.DB, dest any) *gorm.DB {
			for _, name := range names {
				tx = tx.Joins(name)
			}
			return tx.Order("people.id").Find(dest)
		}
	}
	for _, names := range [][]string{
		{"Company"}, {"Home"}, {"Manager"}, {"Account"},
		{"Company", "Home", "Manager"},
		{"Manager", "Manager.Company"}, {"Manager.Company"}, {"Manager.Company", "Manager.Home", "Manager.Account"},
		{"Company.Owner"}, {"Company", "Company.Owner", "Company.Owner.Manager.Company"},
		{"Company", "LEFT JOIN pets ON pets.person_id = people.id"},
	} {
		t.Run(fmt.Sprint(names), func(t *testing.T) {
			checkSame(t, db, p, func() any { return new([]Person) }, joined(names...))
			checkSame(t, db, p, func() any { return new([]*Person) }, joined(names...))
			checkSame(t, db, p, func() any { return new([2]Person) }, joined(names...))
			checkSame(t, db, p, func() any { return new(Person) }, joined(names...))
			checkSame(t, db, p, func() any { return new([]Person) }, func(tx *gorm.DB, dest any) *gorm.DB {
				return joined(names...)(tx.Preload("Pets").Preload("Company"), dest)
			})
		})
	}
	checkSame(t, db, p, func() any { return new([]Person) }, func(tx *gorm.DB, dest any) *gorm.DB {
		return tx.InnerJoins("Company", db.Where(&Company{Name: "one"})).Order("people.id").Find(dest)
	})

	// Relations inside embedded structs, by value and by pointer.
	type Workplace struct {
		CompanyID *uint
		Company   *Company
	}
	type Roof struct {
		HomeID *uint
		Home   *Company
	}
	type Guest struct {
		ID   uint
		Name string
		Workplace
		*Roof
	}
	must(t, db.AutoMigrate(&Guest{}))
	must(t, db.Create([]Guest{
		{Name: "a", Workplace: Workplace{CompanyID: ptr(uint(1))}, Roof: &Roof{HomeID: ptr(uint(2))}},
		{Name: "b"},
	}).Error)
	for _, names := range [][]string{nil, {"Company"}, {"Home"}, {"Company", "Home", "Company.Owner"}} {
		checkSame(t, db, p, func() any { return new([]Guest) }, func(tx *gorm.DB, dest any) *gorm.DB {
			for _, name := range names {
				tx = tx.Joins(name)
			}
			return tx.Order("guests.id").Find(dest)
		})
	}

	// A relation that no join names but the text fills is noticed.
	var raw []Person
	pr, tx := observe(db, p, func(tx *gorm.DB, dest any) *gorm.DB {
		return tx.Raw("SELECT p.*, c.id AS Company__id, c.name AS Company__name FROM people p LEFT JOIN companies c ON c.id = p.company_id").Find(dest)
	}, &raw)
	must(t, tx.Error)
	if raw[0].Company == nil || pr.taken {
		t.Errorf("taken %v with Company %v", pr.taken, raw[0].Company)
	}
}

type nameOnly struct {
	Name    string
	Company *string `gorm:"-"`
}

type nameAndLogo struct {
	Logo *[]byte
	Name *string
}

func TestSmallerStructs(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&Company{}, &Person{}, &Pet{}, &Account{}))
	must(t, db.Create([]Person{{Name: "a", Logo: []byte("l")}, {Name: "b"}}).Error)
	model := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Model(&Person{}).Order("name").Find(dest) }
	checkSame(t, db, p, func() any { return new([]nameOnly) }, model)
	checkSame(t, db, p, func() any { return new([]*nameAndLogo) }, model)
	checkSame(t, db, p, func() any { return new(nameAndLogo) }, model)
	checkSame(t, db, p, func() any { return new([]struct{ Name string }) }, model)
	table := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Table("people").Order("name").Find(dest) }
	checkSame(t, db, p, func() any { return new([]nameAndLogo) }, table)
	raw := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Raw("SELECT name, logo FROM people").Find(dest) }
	checkSame(t, db, p, func() any { return new([]nameAndLogo) }, raw)
	some := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Select("name").Order("name").Find(dest) }
	checkSame(t, db, p, func() any { return new([]Person) }, some)
}

func pluck(column string) query {
	return func(tx *gorm.DB, dest any) *gorm.DB {
		return tx.Model(&bytesAndScanners{}).Where("id = 3").Order("id").Pluck(column, dest)
	}
}

func TestPluckedColumns(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&bytesAndScanners{}, &scalars{}))
	rows := sampleBytesAndScanners()
	must(t, db.Create(&rows).Error)
	for _, c := range []struct {
		column string
		fresh  func() any
	}{
		{"ns", func() any { return new([]string) }},
		{"ns", func() any { return new([]*string) }},
		{"ns", func() any { return new([3]string) }},
		{"ns", func() any { return &[]string{"old", "older"} }},
		{"id", func() any { return new([]int64) }},
		{"id", func() any { return new([]uint8) }},
		{"id", func() any { return new(int64) }},
		{"nt", func() any { return new([]time.Time) }},
		{"nt", func() any { return new([]*time.Time) }},
		{"nt", func() any { return new(time.Time) }},
		{"nt", func() any { return new([]moment) }},
		{"raw", func() any { return new([][]byte) }},
		{"raw", func() any { return new([]*[]byte) }},
		{"raw", func() any { return new([]blob) }},
		{"point", func() any { return new([]flatPoint) }},
		{"point", func() any { return new([]*flatPoint) }},
		{"clone", func() any { return new([]cloned) }},
		{"uuid", func() any { return new([]uuid.UUID) }},
		{"uuid", func() any { return new([]*uuid.UUID) }},
		{"ns", func() any { return new([]bytesAndScanners) }},
	} {
		t.Run(fmt.Sprintf("%s/%T", c.column, c.fresh()), func(t *testing.T) {
			checkSame(t, db, p, c.fresh, pluck(c.column))
		})
	}
	null := func(tx *gorm.DB, dest any) *gorm.DB {
		return tx.Model(&bytesAndScanners{}).Order("id").Pluck("raw", dest)
	}
	checkSame(t, db, p, func() any { return new([][]byte) }, null)
}

func TestScalars(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&plainUser{}))
	count := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Model(&plainUser{}).Count(dest.(*int64)) }
	checkSame(t, db, p, func() any { return new(int64) }, count)
	must(t, db.Create([]plainUser{{Name: "a", Age: 1}, {Name: "b", Age: 2}}).Error)
	checkSame(t, db, p, func() any { return ptr(int64(77)) }, count)

	age := func(tx *gorm.DB, dest any) *gorm.DB {
		return tx.Model(&plainUser{}).Order("id").Select("age").Find(dest)
	}
	checkSame(t, db, p, func() any { return ptr(77) }, age) // the last row stays
	checkSame(t, db, p, func() any { return ptr("old") }, age)
	nobody := func(tx *gorm.DB, dest any) *gorm.DB {
		return tx.Model(&plainUser{}).Where("1 = 0").Select("age").Find(dest)
	}
	checkSame(t, db, p, func() any { return ptr(77) }, nobody) // the old value stays
}

func TestGenericsAPI(t *testing.T) {
	db, p := openDB(t), NewPlanner()
	must(t, db.AutoMigrate(&Company{}, &Person{}, &Pet{}, &Account{}))
	must(t, db.Create(&Person{Name: "a", Company: &Company{Name: "c"}}).Error)
	pr := &probe{planner: p}
	got, err := gorm.G[Person](db).Find(context.WithValue(context.Background(), probeInContext{}, pr))
	must(t, err)
	if len(got) != 1 || !pr.taken {
		t.Errorf("%d records, taken %v: %s", len(got), pr.taken, pr.reason)
	}
}
