package querycache_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"gorm.io/datatypes"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/testdb"
)

// kinds has a field of every kind that GORM can read.
type kinds struct {
	ID    int64
	I8    int8
	U8    uint8
	I64   int64
	U32   uint32
	F32   float32
	F64   float64
	OK    bool
	Text  string
	Blob  []byte
	At    time.Time
	PI    *int64
	PF    *float64
	PB    *bool
	PS    *string
	PBlob *[]byte
	PAt   *time.Time

	NS sql.NullString
	NI sql.NullInt64
	NF sql.NullFloat64
	NB sql.NullBool
	NT sql.NullTime

	Named  title
	Hidden string `json:"-"`
	secret string

	Inner  inner  `gorm:"embedded"`
	Prefix inner  `gorm:"embedded;embeddedPrefix:p_"`
	Behind *inner `gorm:"embedded;embeddedPrefix:b_"`
	deeper

	JSON  profile           `gorm:"serializer:json"`
	Map   map[string]any    `gorm:"serializer:json"`
	PJSON *profile          `gorm:"serializer:json"`
	Gob   []profile         `gorm:"serializer:gob;type:bytes"`
	Unix  int64             `gorm:"serializer:unixtime;type:timestamp NULL"`
	Lower string            `gorm:"serializer:shout"`
	Doc   datatypes.JSON    `gorm:"type:text"`
	Raw   json.RawMessage   `gorm:"type:bytes"`
	Tags  words             `gorm:"type:text"`
	Point point             `gorm:"type:text"`
	PTags *words            `gorm:"type:text"`
	Keeps keeper            `gorm:"type:bytes"`
	Own   map[string]string `gorm:"-"`
	Del   gorm.DeletedAt
}

type (
	title string
	inner struct {
		Street string
		No     *int
	}
	deeper  struct{ Depth int }
	profile struct {
		Name  string
		Likes []string
		Next  *profile
		Any   any
	}
	words  []string // scans itself, and holds memory of its own
	point  struct{ X, Y int }
	keeper []byte // keeps the bytes that it is given
)

func (w *words) Scan(v any) error {
	switch x := v.(type) {
	case nil:
		*w = nil
	case string:
		*w = strings.Split(x, ",")
	case []byte:
		*w = strings.Split(string(x), ",")
	default:
		return fmt.Errorf("cannot scan %T", v)
	}
	return nil
}

func (w words) Value() (driver.Value, error) { return strings.Join(w, ","), nil }

func (p *point) Scan(v any) error {
	if v == nil {
		*p = point{}
		return nil
	}
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	_, err := fmt.Sscanf(v.(string), "%d/%d", &p.X, &p.Y)
	return err
}

func (p point) Value() (driver.Value, error) { return fmt.Sprintf("%d/%d", p.X, p.Y), nil }

func (k *keeper) Scan(v any) error {
	switch x := v.(type) {
	case []byte:
		*k = x
	case string:
		*k = []byte(x)
	}
	return nil
}

func (k keeper) Value() (driver.Value, error) { return []byte(k), nil }

// shout is a serializer that a program registered.
type shout struct{}

func (shout) Scan(ctx context.Context, f *schema.Field, dst reflect.Value, v any) error {
	var s sql.NullString
	if err := s.Scan(v); err != nil {
		return err
	}
	return f.Set(ctx, dst, strings.ToUpper(s.String))
}

func (shout) Value(_ context.Context, _ *schema.Field, _ reflect.Value, v any) (any, error) {
	return strings.ToLower(fmt.Sprint(v)), nil
}

// viewer is a serializer whose result depends on who asks.
type viewer struct{}

type roleKey struct{}

func (viewer) Scan(ctx context.Context, f *schema.Field, dst reflect.Value, v any) error {
	var s sql.NullString
	if err := s.Scan(v); err != nil {
		return err
	}
	if ctx.Value(roleKey{}) != "admin" {
		s.String = "***"
	}
	return f.Set(ctx, dst, s.String)
}

func (viewer) Value(_ context.Context, _ *schema.Field, _ reflect.Value, v any) (any, error) {
	return v, nil
}

func init() {
	schema.RegisterSerializer("shout", shout{})
	schema.RegisterSerializer("viewer", viewer{})
}

func seedKinds(t *testing.T, d *testdb.Database) {
	t.Helper()
	db := d.Open(t, testdb.Options{})
	must(t, db.AutoMigrate(&kinds{}))
	i, f, b, s, blob := int64(math.MaxInt64), math.Pi, true, "pointed", []byte("p\x00q")
	at := time.Date(2024, 6, 7, 8, 9, 10, 123456000, time.UTC)
	no := 12
	tags := words{"x", "y"}
	must(t, db.Create(&[]kinds{
		{
			ID: 1, I8: -128, U8: 255, I64: math.MinInt64, U32: math.MaxUint32, F32: 1.5, F64: -math.E, OK: true, Text: "täxt\t'\"",
			Blob: []byte("a\x00b\xff"), At: at, PI: &i, PF: &f, PB: &b, PS: &s, PBlob: &blob, PAt: &at,
			NS: sql.NullString{String: "n", Valid: true}, NI: sql.NullInt64{Int64: 5, Valid: true},
			NF: sql.NullFloat64{Float64: .5, Valid: true}, NB: sql.NullBool{Bool: true, Valid: true}, NT: sql.NullTime{Time: at, Valid: true},
			Named: "Dr", Hidden: "h", Inner: inner{"Main", &no}, Prefix: inner{"Side", nil}, Behind: &inner{"Back", &no},
			deeper: deeper{3},
			JSON:   profile{Name: "j", Likes: []string{"a"}, Next: &profile{Name: "k"}, Any: map[string]any{"n": 1.5}},
			Map:    map[string]any{"list": []any{1.0, "x"}}, PJSON: &profile{Name: "pj"}, Gob: []profile{{Name: "g", Likes: []string{"l"}}},
			Unix: at.Unix(), Lower: "LOUD", Doc: datatypes.JSON(`{"a":[1]}`), Raw: json.RawMessage(`[1]`), Tags: words{"a", "b"},
			Point: point{1, 2}, PTags: &tags, Keeps: keeper("kept"),
		},
		{ID: 2, At: at, Unix: at.Unix(), Doc: datatypes.JSON(`{}`), Raw: json.RawMessage(`{}`)},
	}).Error)
}

func TestFieldsOfEveryKindAreReadAsByGORM(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		seedKinds(t, d)
		readings{
			"all of them":  func(db *gorm.DB) any { var ks []kinds; return tell(db.Order("id").Find(&ks), &ks) },
			"by pointers":  func(db *gorm.DB) any { var ks []*kinds; return tell(db.Order("id").Find(&ks), &ks) },
			"one":          func(db *gorm.DB) any { var k kinds; return tell(db.First(&k, 1), &k) },
			"one of zeros": func(db *gorm.DB) any { var k kinds; return tell(db.First(&k, 2), &k) },
			"over values": func(db *gorm.DB) any {
				k := kinds{Own: map[string]string{"a": "b"}, secret: "s", Behind: &inner{Street: "x"}}
				return tell(db.First(&k, 2), &k)
			},
			"as a map": func(db *gorm.DB) any {
				m := map[string]any{}
				return tell(db.Model(&kinds{}).Select("id", "i8", "u8", "text", "blob", "at", "p_at", "ns", "ni", "named", "tags", "point", "keeps", "del").Take(&m, 1), m)
			},
			"as maps": func(db *gorm.DB) any {
				var ms []map[string]any
				return tell(db.Table("kinds").Order("id").Find(&ms), ms)
			},
			"by Scan": func(db *gorm.DB) any { var ks []kinds; return tell(db.Model(&kinds{}).Order("id").Scan(&ks), &ks) },
			"as rows": func(db *gorm.DB) any { return iterate(db.Model(&kinds{}).Order("id").Rows()) },
			"by gorm.G": func(db *gorm.DB) any {
				ks, err := gorm.G[kinds](db).Order("id").Find(context.Background())
				return []any{ks, err}
			},
			"the plain ones": func(db *gorm.DB) any {
				var ks []kinds
				return tell(db.Select("id", "text", "blob", "at", "p_at", "b_street", "b_no").Order("id").Find(&ks), &ks)
			},
			"the serialized": func(db *gorm.DB) any {
				var ks []kinds
				return tell(db.Select("json", "map", "p_json", "gob", "unix").Order("id").Find(&ks), &ks)
			},
			"own serializer": func(db *gorm.DB) any { var ks []kinds; return tell(db.Select("lower").Order("id").Find(&ks), &ks) },
			"own Scanners": func(db *gorm.DB) any {
				var ks []kinds
				return tell(db.Select("tags", "point", "p_tags", "keeps").Order("id").Find(&ks), &ks)
			},
			"a Scanner alone": func(db *gorm.DB) any {
				var ws []words
				return tell(db.Model(&kinds{}).Order("id").Pluck("tags", &ws), &ws)
			},
			"bytes alone": func(db *gorm.DB) any {
				var bs [][]byte
				return tell(db.Model(&kinds{}).Order("id").Pluck("blob", &bs), &bs)
			},
			"times alone": func(db *gorm.DB) any {
				var ts []time.Time
				return tell(db.Model(&kinds{}).Order("id").Pluck("at", &ts), &ts)
			},
			"int64 in a map is no float": func(db *gorm.DB) any {
				var m map[string]any
				return tell(db.Raw("SELECT i64, f64 FROM kinds WHERE id = 1").Scan(&m), m)
			},
		}.allHit(t, d)
	})
}

type account struct {
	ID     int64
	Number string `gorm:"serializer:viewer"`
}

func TestAnAdminsViewIsNotGivenToOthers(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		must(t, p.plain.AutoMigrate(&account{}))
		p = open(t, d)
		must(t, p.cached.Create(&account{ID: 1, Number: "1234"}).Error)
		admin := context.WithValue(context.Background(), roleKey{}, "admin")
		for range 2 {
			for ctx, want := range map[context.Context]string{admin: "1234", context.Background(): "***"} {
				var a account
				var as []account
				must(t, p.cached.WithContext(ctx).First(&a, 1).Error)
				must(t, p.cached.WithContext(ctx).Find(&as).Error)
				g, err := gorm.G[account](p.cached.DB).First(ctx)
				must(t, err)
				same(t, []string{a.Number, as[0].Number, g.Number}, []string{want, want, want})
			}
		}
	})
}

// stateful is a Valuer that says something else each time.
type stateful struct{ asked *int }

func (s stateful) Value() (driver.Value, error) {
	*s.asked++
	return int64(*s.asked), nil
}

func TestAValuerIsAskedOnceAndItsAnswerIsTheKey(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		seedKinds(t, d)
		p := open(t, d)
		asked := 0
		for want := range int64(2) {
			var k kinds
			must(t, p.cached.Where("id = ?", stateful{&asked}).Take(&k).Error)
			if k.ID != want+1 || asked != int(want+1) {
				t.Errorf("read %d, id %d: the Valuer was asked %d times", want, k.ID, asked)
			}
		}
		asked = 0
		if n := p.asks(func() { must(t, p.cached.Where("id = ?", stateful{&asked}).Take(&kinds{}).Error) }); n != 0 {
			t.Error("the same answer was not a hit")
		}
	})
}

type failing struct{ with any }

func (f failing) Value() (driver.Value, error) {
	if err, ok := f.with.(error); ok {
		return nil, err
	}
	panic(f.with)
}

func TestAValuerThatFailsFailsAsInGORM(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		seedKinds(t, d)
		p := open(t, d)
		fails := []any{errors.New("no value")}
		if d.Dialect == testdb.SQLite {
			// database/sql never gives back the connection on which a Valuer panicked; one of SQLite has no
			// goroutine that outlives the test.
			fails = append(fails, "panics")
		}
		for _, with := range fails {
			p.compare(t, func(db *gorm.DB) any { var k kinds; return tell(db.Where("id = ?", failing{with}).Take(&k), &k).Err }, asPlain)
		}
	})
}

// buffered is a Scanner that holds a pointer.
type buffered struct{ b *bytes.Buffer }

func (s *buffered) Scan(v any) error {
	s.b = &bytes.Buffer{}
	_, err := fmt.Fprintf(s.b, "%s", v)
	return err
}

func (s buffered) Value() (driver.Value, error) { return s.b.String(), nil }

func (buffered) GormDataType() string { return "string" }

type holder struct {
	ID int64
	S  buffered
}

func TestWhatAScannerHoldsIsNotShared(t *testing.T) {
	onEmpty(t, func(t *testing.T, d *testdb.Database) {
		must(t, d.Open(t, testdb.Options{}).AutoMigrate(&holder{}))
		for _, cfg := range []querycache.Config{{}, {ImmutableTypes: []reflect.Type{reflect.TypeFor[holder]()}}} {
			p := open(t, d, opening{Config: cfg})
			must(t, p.cached.Save(&holder{1, buffered{bytes.NewBufferString("text")}}).Error)
			for range 3 {
				var h holder
				must(t, p.cached.First(&h, 1).Error)
				if h.S.b.String() != "text" {
					t.Fatalf("got what another caller wrote: %q", h.S.b)
				}
				h.S.b.WriteString(" changed")
			}
		}
	})
}
