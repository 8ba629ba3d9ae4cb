package snapshot

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"gorm.io/datatypes"
	"gorm.io/gorm"
)

// wide has columns of many types; the fuzzer stores what it likes in them,
// since SQLite lets it.
type wide struct {
	ID    int64 `gorm:"primaryKey"`
	S     string
	PS    *string
	I     int64
	PI    *int32
	F     float64
	By    []byte
	PBy   *[]byte
	T     time.Time
	PT    *time.Time
	L     clonedList
	J     datatypes.JSON
	JM    datatypes.JSONMap
	Any   any            `gorm:"serializer:json"`
	Tree  *tree          `gorm:"serializer:json"`
	Addr  address        `gorm:"serializer:json"`
	Words []string       `gorm:"serializer:json"`
	M     map[string]any `gorm:"serializer:json"`
	Point *flatPoint
	Made  audit  `gorm:"embedded;embeddedPrefix:made_"`
	Deep  *audit `gorm:"embedded;embeddedPrefix:deep_"`
}

// wideColumns are the columns, each with the kinds of values that suit it.
var wideColumns = []struct {
	name  string
	kinds []int
}{
	{"s", []int{0, 1, 2, 3, 4}}, {"ps", []int{0, 1, 2, 3, 4}}, {"i", []int{0, 1}}, {"pi", []int{0, 9}}, {"f", []int{0, 1, 2}},
	{"by", []int{0, 1, 3, 4}}, {"p_by", []int{0, 3, 4}}, {"t", []int{0, 5}}, {"pt", []int{0, 5}}, {"l", []int{1, 3, 6}},
	{"j", []int{0, 6, 10, 11}}, {"jm", []int{0, 10}}, {"any", []int{0, 6, 10, 11}}, {"tree", []int{0, 10}}, {"addr", []int{0, 12}},
	{"words", []int{0, 11}}, {"m", []int{0, 10}}, {"point", []int{0, 8}},
	{"made_by", []int{0, 3}}, {"made_when", []int{0, 5}}, {"made_why", []int{0, 3}},
	{"deep_by", []int{0, 3}}, {"deep_when", []int{0, 5}}, {"deep_why", []int{0, 3}},
}

// drawn reads values off the fuzzer's bytes, and zeroes when they are used up.
type drawn struct{ data []byte }

func (d *drawn) bytes(n int) []byte {
	out := make([]byte, n)
	d.data = d.data[copy(out, d.data):]
	return out
}

func (d *drawn) upTo(n int) int { return int(d.bytes(1)[0]) % n }

func (d *drawn) oneOf(values ...string) string { return values[d.upTo(len(values))] }

func (d *drawn) value(kind int) any {
	switch kind {
	case 1:
		return int64(binary.LittleEndian.Uint64(d.bytes(8)))
	case 2:
		return math.Float64frombits(binary.LittleEndian.Uint64(d.bytes(8)))
	case 3:
		return string(d.bytes(d.upTo(40)))
	case 4:
		return d.bytes(d.upTo(40))
	case 5:
		return time.Unix(int64(int32(binary.LittleEndian.Uint32(d.bytes(4)))), 0).In(time.FixedZone("", (d.upTo(48)-24)*1800))
	case 6:
		return d.oneOf(`null`, `""`, `"x"`, `{}`, `[]`, `1e3`, `true`)
	case 8:
		return fmt.Sprintf("%d,%d,%q", d.upTo(9), d.upTo(9), d.bytes(3))
	case 9:
		return int64(d.upTo(200)) - 100
	case 10:
		return d.oneOf(`null`, `{}`, `{"Name":"a","Children":[null,{"Name":"b","ByName":{"c":{}}}]}`, `{"Children":[],"ByName":{},"x":[1,{"b":[]},"s"]}`)
	case 11:
		return d.oneOf(`null`, `[]`, `["a","b","c","d","e"]`, `[""]`)
	case 12:
		return d.oneOf(`null`, `{}`, `{"Tags":["a",""],"Geo":[1,2],"Extra":{"k":1,"n":null}}`, `{"Tags":[],"Extra":{}}`)
	}
	return nil
}

func FuzzCopyEqualsScan(f *testing.F) {
	for i := range 16 {
		seed := []byte{byte(i), 3}
		for j := range 200 {
			seed = append(seed, byte(i*(j+3)*7+j/7))
		}
		f.Add(seed)
	}
	db, p := openDB(f), NewPlanner()
	must(f, db.AutoMigrate(&wide{}))
	forms := []func() any{
		func() any { return new([]wide) },
		func() any { return new([]*wide) },
		func() any { return new(wide) },
		func() any { return new(*wide) },
		func() any { return new([3]wide) },
		func() any { return new([5]*wide) },
		func() any { s := make([]wide, 2, 3); return &s },
		func() any { s := make([]*wide, 4); return &s },
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := &drawn{data}
		fresh := forms[d.upTo(len(forms))]
		must(t, db.Exec("DELETE FROM wides").Error)
		for range d.upTo(25) {
			row := map[string]any{}
			for range d.upTo(8) {
				column := wideColumns[d.upTo(len(wideColumns))]
				kind := column.kinds[d.upTo(len(column.kinds))]
				if d.upTo(100) == 99 {
					kind = d.upTo(13)
				}
				row[column.name] = d.value(kind)
			}
			if len(row) == 0 {
				row["s"] = d.value(3)
			}
			must(t, db.Table("wides").Create(row).Error)
		}
		q := func(tx *gorm.DB, dest any) *gorm.DB { return tx.Order("id").Find(dest) }
		pr, tx := observe(db, p, q, fresh())
		if tx.Error != nil {
			if pr.taken {
				t.Fatal("taken in spite of", tx.Error)
			}
			return
		}
		checkSame(t, db, p, fresh, q)
	})
}
