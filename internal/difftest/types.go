package difftest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"math/big"
	"reflect"
	"strings"

	"gorm.io/gorm/schema"
)

// Colour is a Scanner without pointers.
type Colour struct{ R, G, B uint8 }

// GormDataType makes the column a text.
func (Colour) GormDataType() string { return "string" }

// Value implements driver.Valuer.
func (c Colour) Value() (driver.Value, error) { return fmt.Sprintf("%d/%d/%d", c.R, c.G, c.B), nil }

// Scan implements sql.Scanner.
func (c *Colour) Scan(src any) error {
	text, err := text(src)
	if err != nil || text == "" {
		*c = Colour{}
		return err
	}
	_, err = fmt.Sscanf(text, "%d/%d/%d", &c.R, &c.G, &c.B)
	return err
}

// Labels is a Scanner that is a slice.
type Labels []string

// GormDataType makes the column a text.
func (Labels) GormDataType() string { return "string" }

// Value implements driver.Valuer.
func (l Labels) Value() (driver.Value, error) {
	if l == nil {
		return nil, nil
	}
	return strings.Join(l, ","), nil
}

// Scan implements sql.Scanner.
func (l *Labels) Scan(src any) error {
	if src == nil {
		*l = nil
		return nil
	}
	text, err := text(src)
	*l = strings.Split(text, ",")
	return err
}

// Amount is a Scanner that hides a pointer, as decimal types do: a shallow copy of it is an alias.
type Amount struct{ n *big.Int }

// GormDataType makes the column a text.
func (Amount) GormDataType() string { return "string" }

// Value implements driver.Valuer.
func (a Amount) Value() (driver.Value, error) {
	if a.n == nil {
		return nil, nil
	}
	return a.n.String(), nil
}

// Scan implements sql.Scanner.
func (a *Amount) Scan(src any) error {
	if src == nil {
		a.n = nil
		return nil
	}
	text, err := text(src)
	if err != nil {
		return err
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		return fmt.Errorf("not an amount: %q", text)
	}
	a.n = n
	return nil
}

// Kept is a Scanner that keeps the very bytes that it was given. Only SQLite's driver allows that.
type Kept struct{ raw []byte }

// GormDataType makes the column a blob.
func (Kept) GormDataType() string { return "bytes" }

// Value implements driver.Valuer.
func (k Kept) Value() (driver.Value, error) { return k.raw, nil }

// Scan implements sql.Scanner.
func (k *Kept) Scan(src any) error {
	k.raw, _ = src.([]byte)
	return nil
}

func text(src any) (string, error) {
	switch v := src.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case []byte:
		return string(v), nil
	default:
		return "", fmt.Errorf("cannot scan %T", src)
	}
}

// viewer is the context key whose value the masking serializer obeys.
type viewer struct{}

// masking is a serializer whose result depends on the context of the read: an administrator sees the
// value, others do not.
type masking struct{}

func init() { schema.RegisterSerializer("masking", masking{}) }

// Scan implements schema.SerializerInterface.
func (masking) Scan(ctx context.Context, field *schema.Field, dst reflect.Value, src any) error {
	text, err := text(src)
	if err != nil {
		return err
	}
	if ctx.Value(viewer{}) != "admin" && text != "" {
		text = "***" + text[len(text)-1:]
	}
	return field.Set(ctx, dst, text)
}

// Value implements schema.SerializerValuerInterface.
func (masking) Value(_ context.Context, _ *schema.Field, _ reflect.Value, v any) (any, error) {
	return v, nil
}

var (
	_ sql.Scanner   = (*Colour)(nil)
	_ driver.Valuer = Amount{}
)
