package snapshot

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/datatypes"
	"gorm.io/gorm"
)

// Types of columns.

type (
	status  string
	level   int8
	blob    []byte
	moment  time.Time
	address struct {
		Street string
		Tags   []string
		Geo    *[2]float64
		Extra  map[string]*int
		secret []int // decoders leave it alone
		//lint:ignore U1000 copies must pass it by
		note string
	}
	tree struct {
		Name     string
		Children []*tree
		ByName   map[string]tree
	}
	forest []forest
	groups []group
	group  struct {
		Sub  groups
		Data []byte
	}
	pairs []pair
	pair  [2]pairs
)

func (m moment) Value() (driver.Value, error) { return time.Time(m), nil }

// flatPoint scans itself and holds no pointers.
type flatPoint struct {
	X, Y  int
	Label string
	at    time.Time
}

func (p *flatPoint) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*p = flatPoint{}
	case string:
		p.at = time.Unix(7, 0).UTC()
		_, err := fmt.Sscanf(v, "%d,%d,%q", &p.X, &p.Y, &p.Label)
		return err
	case []byte:
		return p.Scan(string(v))
	default:
		return errors.New("not a point")
	}
	return nil
}

func (p flatPoint) Value() (driver.Value, error) {
	return fmt.Sprintf("%d,%d,%q", p.X, p.Y, p.Label), nil
}

// cloned scans itself, holds a pointer, and knows how to clone itself.
type cloned struct{ n *big.Int }

func (c *cloned) Scan(v any) error {
	c.n, _ = new(big.Int).SetString(fmt.Sprint(v), 10)
	return nil
}

func (c cloned) Value() (driver.Value, error) {
	if c.n == nil {
		return nil, nil
	}
	return c.n.String(), nil
}

func (c cloned) Clone() cloned { return cloned{new(big.Int).Set(c.n)} }

// list scans itself into a slice and clones itself into a pointer.
type clonedList []string

func (l *clonedList) Scan(v any) error { *l = strings.Split(fmt.Sprint(v), "|"); return nil }

func (l clonedList) Value() (driver.Value, error) { return strings.Join(l, "|"), nil }

func (l *clonedList) Clone() *clonedList { c := slices.Clone(*l); return &c }

// falseClone shares what it says it clones.
type falseClone struct{ words []string }

func (l *falseClone) Scan(v any) error { l.words = strings.Split(fmt.Sprint(v), "|"); return nil }

func (l falseClone) Value() (driver.Value, error) { return strings.Join(l.words, "|"), nil }

func (l falseClone) Clone() falseClone { return l }

// panicClone cannot do it.
type panicClone struct{ word *string }

func (l *panicClone) Scan(v any) error { s := fmt.Sprint(v); l.word = &s; return nil }

func (l panicClone) Value() (driver.Value, error) { return "x", nil }

func (l panicClone) Clone() panicClone { panic("no") }

// opaque scans itself and holds a pointer to who knows what.
type opaque struct{ p *string }

var opaqueShared = "shared"

func (o *opaque) Scan(any) error { o.p = &opaqueShared; return nil }

func (o opaque) Value() (driver.Value, error) { return "x", nil }

// singleton decodes to pointers that programs compare.
type singleton struct{ P *string }

func (s *singleton) UnmarshalJSON([]byte) error { s.P = &opaqueShared; return nil }

// Models.

type scalars struct {
	ID   uint64
	B    bool
	I    int
	I8   int8
	I16  int16
	I32  int32
	I64  int64
	U    uint
	U8   uint8
	U16  uint16
	U32  uint32
	U64  uint32
	F32  float32
	F64  float64
	S    string
	T    time.Time
	St   status
	Lv   level
	Mo   moment
	Made int64 `gorm:"autoCreateTime:nano"`
}

type pointers struct {
	ID  uint
	B   *bool
	I   *int
	I8  *int8
	I16 *int16
	I64 *int64
	U32 *uint32
	F32 *float32
	F64 *float64
	S   *string
	T   *time.Time
	St  *status
	Lv  *level
	By  *[]byte
	Nu  *sql.NullString
	Pt  *flatPoint
}

type bytesAndScanners struct {
	ID     uint
	Raw    []byte
	Named  blob
	JSON   json.RawMessage
	NS     sql.NullString
	NI     sql.NullInt64
	N16    sql.NullInt16
	NB     sql.NullBool
	NF     sql.NullFloat64
	NT     sql.NullTime
	GN     sql.Null[string]
	GT     sql.Null[time.Time]
	Point  flatPoint
	PP     *flatPoint
	UUID   uuid.UUID
	PUUID  *uuid.UUID
	Clone  cloned
	PClone *cloned
	Words  clonedList
}

type serialized struct {
	ID      uint
	Tags    []string            `gorm:"serializer:json"`
	Attrs   map[string]any      `gorm:"serializer:json"`
	Any     any                 `gorm:"serializer:json"`
	Texts   map[string]string   `gorm:"serializer:json"`
	Counts  map[int][]int       `gorm:"serializer:json"`
	Addr    address             `gorm:"serializer:json"`
	PAddr   *address            `gorm:"serializer:json"`
	Addrs   []address           `gorm:"serializer:json"`
	Tree    tree                `gorm:"serializer:json"`
	Forest  forest              `gorm:"serializer:json"`
	Nested  [][]*string         `gorm:"serializer:json"`
	Pairs   [2][]byte           `gorm:"serializer:json"`
	Times   []time.Time         `gorm:"serializer:json"`
	IPs     map[string][]string `gorm:"serializer:gob"`
	Gob     address             `gorm:"serializer:gob"`
	Seen    int64               `gorm:"serializer:unixtime;type:datetime"`
	Nil     []string            `gorm:"serializer:json"`
	Empty   []string            `gorm:"serializer:json"`
	NilM    map[string]string   `gorm:"serializer:json"`
	EmptyM  map[string]string   `gorm:"serializer:json"`
	Ints    []int64             `gorm:"serializer:json"`
	Structs []struct {
		A, B int
		C    string
	} `gorm:"serializer:json"`
	Addr4  netip.Addr `gorm:"serializer:json"`
	Groups groups     `gorm:"serializer:json"`
	Twos   pairs      `gorm:"serializer:json"`
}

type typesOfData struct {
	ID    uint
	JSON  datatypes.JSON
	Date  datatypes.Date
	Time  datatypes.Time
	Map   datatypes.JSONMap
	Type  datatypes.JSONType[address]
	Slice datatypes.JSONSlice[*string]
	URL   datatypes.URL
	UUID  datatypes.UUID
	NStr  datatypes.NullString
	NTime datatypes.NullTime
}

type audit struct {
	By   string
	When *time.Time
	Why  *string
}

type Base struct {
	ID        uint
	CreatedAt time.Time
}

type hiddenBase struct{ Unseen string }

type embedding struct {
	Base
	hiddenBase
	Made    audit  `gorm:"embedded;embeddedPrefix:made_"`
	Changed *audit `gorm:"embedded;embeddedPrefix:changed_"`
	*Deep
	Name     string
	private  int
	mark     *string
	Ignored  []string       `gorm:"-"`
	NoRead   string         `gorm:"->:false;<-:create"`
	OnlyRead string         `gorm:"->"`
	Funcs    func()         `gorm:"-:all"`
	Any      map[string]any `gorm:"-"`
}

type Deep struct {
	DeepName *string
	Deeper   *audit `gorm:"embedded;embeddedPrefix:deeper_"`
}

type soft struct {
	gorm.Model
	Name string
}

type composite struct {
	Left  int    `gorm:"primaryKey;autoIncrement:false"`
	Right string `gorm:"primaryKey"`
	Value *string
}

type Company struct {
	ID      uint
	Name    string
	Note    *string
	OwnerID *uint
	Owner   *Person
}

type Person struct {
	ID        uint
	Name      string
	Logo      []byte
	CompanyID *uint
	Company   *Company
	HomeID    *uint
	Home      Company
	ManagerID *uint
	Manager   *Person
	Pets      []Pet
	Account   Account
	//lint:ignore U1000 GORM sees no column in it
	mood string
}

type Pet struct {
	ID       uint
	PersonID uint
	Name     string
}

type Account struct {
	ID       uint
	PersonID uint
	Number   *string
}

func ptr[T any](v T) *T { return &v }

var someTime = time.Date(2024, 2, 29, 23, 59, 58, 987654321, time.FixedZone("", 2*3600))

func sampleScalars() []scalars {
	return []scalars{
		{},
		{B: true, I: -1, I8: math.MinInt8, I16: math.MinInt16, I32: math.MinInt32, I64: math.MinInt64,
			U: 1 << 40, U8: math.MaxUint8, U16: math.MaxUint16, U32: math.MaxUint32, U64: 7,
			F32: -1.5, F64: math.Copysign(0, -1), S: "héllo\x00wörld", T: someTime, St: "open", Lv: -3, Mo: moment(someTime)},
		{F32: math.MaxFloat32, F64: math.Inf(1), T: time.Unix(0, 0).UTC(), S: strings.Repeat("x", 5000)},
	}
}

func samplePointers() []pointers {
	return []pointers{
		{},
		{B: ptr(false), I: ptr(0), I8: ptr[int8](0), I16: ptr[int16](0), I64: ptr[int64](0), U32: ptr[uint32](0), F32: ptr[float32](0), F64: ptr(0.0),
			S: ptr(""), T: ptr(time.Time{}), St: ptr[status](""), Lv: ptr[level](0), By: ptr([]byte{}), Nu: &sql.NullString{}, Pt: &flatPoint{}},
		{B: ptr(true), I: ptr(-5), I8: ptr[int8](1), I16: ptr[int16](2), I64: ptr[int64](3), U32: ptr[uint32](4), F32: ptr[float32](5), F64: ptr(6.0),
			S: ptr("seven"), T: ptr(someTime), St: ptr[status]("nine"), Lv: ptr[level](10), By: ptr([]byte("eleven")),
			Nu: &sql.NullString{String: "twelve", Valid: true}, Pt: &flatPoint{X: 13, Label: "l"}},
	}
}

func sampleBytesAndScanners() []bytesAndScanners {
	return []bytesAndScanners{
		{},
		{Raw: []byte{}, Named: blob{}, JSON: json.RawMessage(`{}`)},
		{Raw: []byte{0, 1, 2}, Named: blob(strings.Repeat("b", 3000)), JSON: json.RawMessage(`{"a":[1,2]}`),
			NS: sql.NullString{String: "s", Valid: true}, NI: sql.NullInt64{Int64: 1, Valid: true}, N16: sql.NullInt16{Int16: 2, Valid: true},
			NB: sql.NullBool{Bool: true, Valid: true}, NF: sql.NullFloat64{Float64: .5, Valid: true}, NT: sql.NullTime{Time: someTime, Valid: true},
			GN: sql.Null[string]{V: "g", Valid: true}, GT: sql.Null[time.Time]{V: someTime, Valid: true},
			Point: flatPoint{X: 1, Y: -2, Label: "here"}, PP: &flatPoint{X: 3, Label: "there"},
			UUID: uuid.MustParse("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), PUUID: ptr(uuid.MustParse("6ba7b811-9dad-11d1-80b4-00c04fd430c8")),
			Clone: cloned{big.NewInt(1234567890)}, PClone: &cloned{big.NewInt(-1)}, Words: clonedList{"a", "b"}},
	}
}

func sampleSerialized() []serialized {
	addr := address{Street: "Main", Tags: []string{"x", ""}, Geo: &[2]float64{1, 2}, Extra: map[string]*int{"a": ptr(1), "b": nil}}
	return []serialized{
		{},
		{Empty: []string{}, EmptyM: map[string]string{}, Attrs: map[string]any{}, Any: []any{}, Forest: forest{}, Tags: []string{}},
		{Tags: []string{"a", "b", "c", "d", "e"}, Attrs: map[string]any{"n": nil, "s": "x", "f": 1.5, "l": []any{true, map[string]any{"k": "v"}}, "e": []any{}, "m": map[string]any{}},
			Any: "text", Texts: map[string]string{"a": "b"}, Counts: map[int][]int{1: {1, 2, 3}, 2: nil, 3: {}},
			Addr: addr, PAddr: &addr, Addrs: []address{addr, {}, addr},
			Tree:   tree{Name: "r", Children: []*tree{nil, {Name: "c", ByName: map[string]tree{"x": {Name: "y"}}}}},
			Forest: forest{{}, nil, {{}, {{}}}}, Nested: [][]*string{nil, {}, {nil, ptr("p")}}, Pairs: [2][]byte{{1, 2}, nil},
			Times: []time.Time{someTime, {}}, IPs: map[string][]string{"a": {"b"}}, Gob: address{Street: "Gob", Extra: map[string]*int{"a": ptr(1)}}, Seen: 1700000000,
			Ints: []int64{1, 2, 3, 4, 5, 6, 7}, Addr4: netip.MustParseAddr("fe80::1%eth0"),
			Groups: groups{{Sub: groups{{Data: []byte("x")}}, Data: []byte("y")}}, Twos: pairs{{nil, pairs{{}}}, {pairs{}, nil}}},
	}
}

func sampleTypesOfData() []typesOfData {
	addr := address{Street: "Main", Tags: []string{"x"}, Extra: map[string]*int{"a": ptr(1)}}
	return []typesOfData{
		{JSON: datatypes.JSON(`[1,{"a":2}]`), Date: datatypes.Date(someTime), Time: datatypes.NewTime(1, 2, 3, 4),
			Map:  datatypes.JSONMap{"a": 1, "b": []any{"c", map[string]any{"d": 1.5}}, "n": nil},
			Type: datatypes.NewJSONType(addr), Slice: datatypes.JSONSlice[*string]{ptr("a"), nil},
			URL: func() (u datatypes.URL) { must2(u.Scan("https://me:secret@example.com/p?q=1#f")); return }(), UUID: datatypes.NewUUIDv4(),
			NStr: datatypes.NewNull("s"), NTime: datatypes.NewNull(someTime)},
		{JSON: datatypes.JSON(`null`), Map: datatypes.JSONMap{}, Slice: datatypes.JSONSlice[*string]{}, URL: datatypes.URL{}},
	}
}

func must2(err error) {
	if err != nil {
		panic(err)
	}
}

func sampleEmbedding() []embedding {
	return []embedding{
		{Name: "plain", Made: audit{By: "me"}},
		{Name: "full", Made: audit{By: "me", When: ptr(someTime), Why: ptr("so")}, Changed: &audit{By: "you", When: ptr(someTime)},
			Deep: &Deep{DeepName: ptr("deep"), Deeper: &audit{Why: ptr("deeper")}}, NoRead: "written only"},
	}
}
