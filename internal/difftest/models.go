package difftest

import (
	"database/sql"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"gorm.io/datatypes"
	"gorm.io/gorm"
)

// Everything has a field of every kind.
type Everything struct {
	ID   int64
	Kind string `gorm:"size:20;index"`

	Bool    bool
	Int     int
	Int8    int8
	Int16   int16
	Int32   int32
	Int64   int64
	Uint    uint
	Uint8   uint8
	Uint16  uint16
	Uint32  uint32
	Uint64  uint64
	Float32 float32
	Float64 float64
	Str     string
	Bytes   []byte
	Time    time.Time

	PBool  *bool
	PInt   *int
	PInt8  *int8
	PUint  *uint32
	PFloat *float64
	PStr   *string
	PBytes *[]byte
	PTime  *time.Time

	NBool  sql.NullBool
	NByte  sql.NullByte
	NI16   sql.NullInt16
	NI32   sql.NullInt32
	NI64   sql.NullInt64
	NFloat sql.NullFloat64
	NStr   sql.NullString
	NTime  sql.NullTime
	NAny   sql.Null[string]

	JSONMap map[string]any    `gorm:"serializer:json;type:text"`
	JSONPtr *Point            `gorm:"serializer:json;type:text"`
	JSONStr map[string]string `gorm:"serializer:json;type:text"`
	Gob     []string          `gorm:"serializer:gob;type:bytes"`
	Unix    int64             `gorm:"serializer:unixtime;type:timestamp"`
	Masked  string            `gorm:"serializer:masking"`

	Colour  Colour
	PColour *Colour
	Labels  Labels
	PLabels *Labels
	Amount  Amount
	Raw     json.RawMessage `gorm:"type:bytes"`
	JSON    datatypes.JSON
	UUID    uuid.UUID  `gorm:"type:char(36)"`
	PUUID   *uuid.UUID `gorm:"type:char(36)"`

	Address Address `gorm:"embedded;embeddedPrefix:addr_"`
	Extra   *Extra  `gorm:"embedded;embeddedPrefix:extra_"`
	Stamped

	ReadOnly  string `gorm:"->;default:ro"`
	CreateSet string `gorm:"<-:create"`
	Hidden    string `json:"-"`
	Ignored   string `gorm:"-"`
	Seen      int    `gorm:"-"`
	//lint:ignore U1000 GORM must leave it as it is
	private int
}

// Point is stored as JSON.
type Point struct {
	X, Y int
	Next *Point `json:",omitempty"`
}

// Address is embedded with a prefix.
type Address struct {
	Street string
	Zip    *string
	Geo    Geo `gorm:"embedded;embeddedPrefix:geo_"`
}

// Geo is embedded in an embedded struct.
type Geo struct{ Lat, Lon float64 }

// Extra is embedded by pointer.
type Extra struct {
	Note  *string
	Count int
}

// Stamped is embedded without a name.
type Stamped struct {
	CreatedAt time.Time
	UpdatedAt time.Time
	Nano      int64 `gorm:"autoCreateTime:nano"`
	Milli     int64 `gorm:"autoUpdateTime:milli"`
}

// Company has a string key, which its users follow when it changes.
type Company struct {
	Code  string `gorm:"primaryKey;size:20"`
	Name  string
	Users []User `gorm:"foreignKey:CompanyCode;references:Code"`
}

// User is soft-deleted, has hooks and every kind of association.
type User struct {
	gorm.Model
	Name        string `gorm:"size:40;index"`
	Nick        string
	Age         int
	Score       *float64
	Born        *time.Time
	CompanyCode *string    `gorm:"size:20"`
	Company     *Company   `gorm:"foreignKey:CompanyCode;references:Code;constraint:OnUpdate:CASCADE,OnDelete:SET NULL"`
	ManagerID   *uint      // nil for those at the top
	Manager     *User      `gorm:"constraint:OnDelete:SET NULL"`
	Team        []User     `gorm:"foreignKey:ManagerID"`
	Profile     Profile    `gorm:"constraint:OnDelete:CASCADE"`
	Orders      []Order    `gorm:"constraint:OnDelete:CASCADE"`
	Languages   []Language `gorm:"many2many:user_languages;constraint:OnDelete:CASCADE"`
	Toys        []*Toy     `gorm:"polymorphic:Owner"`
	Seen        int        `gorm:"-"`
}

// Profile is had by a user.
type Profile struct {
	ID     uint
	UserID *uint `gorm:"uniqueIndex"`
	Bio    string
	Photo  []byte
	Toys   []Toy `gorm:"polymorphic:Owner"`
}

// Order belongs to a user, has items, and a count of them that a trigger keeps.
type Order struct {
	ID        uint
	UserID    *uint
	User      *User
	Number    string `gorm:"size:20;uniqueIndex"`
	Amount    float64
	ItemCount int
	PaidAt    *time.Time
	Items     []Item `gorm:"constraint:OnDelete:CASCADE"`
	CreatedAt time.Time
	Label     string `gorm:"-"`
}

// Item has a composite key.
type Item struct {
	OrderID uint `gorm:"primaryKey;autoIncrement:false"`
	Line    int  `gorm:"primaryKey;autoIncrement:false"`
	Product string
	Qty     int
	Meta    map[string]string `gorm:"serializer:json;type:text"`
	Order   *Order
}

// Language has a string key and a name of its own for its table.
type Language struct {
	Code  string `gorm:"primaryKey;size:8"`
	Name  string
	Users []User `gorm:"many2many:user_languages;constraint:OnDelete:CASCADE"`
}

// TableName implements schema.Tabler.
func (Language) TableName() string { return "spoken" }

// Toy belongs to whatever owns it.
type Toy struct {
	ID        uint
	Name      string
	OwnerID   uint
	OwnerType string `gorm:"size:20"`
	DeletedAt gorm.DeletedAt
}

// Token has bytes for a key.
type Token struct {
	ID   []byte `gorm:"primaryKey;size:16"`
	Text string
	Data []byte
}

// Device has a UUID for a key.
type Device struct {
	ID   uuid.UUID `gorm:"primaryKey;type:char(36)"`
	Name string
	Last *time.Time
}

// UserTotal is a row of a view over users and orders.
type UserTotal struct {
	ID     uint
	Name   string
	Orders int64
	Amount *float64
}

// TableName implements schema.Tabler.
func (UserTotal) TableName() string { return "user_totals" }

// Keeper is there on SQLite only: its Scanner keeps the driver's bytes.
type Keeper struct {
	ID   uint
	Kept Kept
}

// Lane holds the rows of the concurrent programs: each goroutine has a lane of its own.
type Lane struct {
	ID        uint
	Lane      int `gorm:"index"`
	Name      string
	N         int
	Data      []byte
	DeletedAt gorm.DeletedAt
}

// Smaller dests.

type userBrief struct {
	ID   uint
	Name string
}

type userNameAge struct {
	Name    string
	Age     *int64
	Unknown string `gorm:"-"`
}

type nameCount struct {
	Name  *string
	Count int64
	Total *float64
}
