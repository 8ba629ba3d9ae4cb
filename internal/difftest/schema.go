package difftest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"

	"database/sql"

	"github.com/google/uuid"
	"gorm.io/datatypes"
	"gorm.io/gorm"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// epoch is the time at which every program starts.
var epoch = time.Date(2024, 3, 10, 6, 30, 15, 123456000, time.UTC)

// tables names what is compared when a program is over.
var tables = []string{
	"everythings", "companies", "users", "profiles", "orders", "items", "spoken", "user_languages",
	"toys", "tokens", "devices", "user_totals", "lanes", "scratch",
	"pin_numbers", "pin_reused", "pin_words", "pin_uncased", "pin_couples", "pin_badges", "pin_trees", "pin_sources", "pin_targets", "pin_echoes",
}

const lanes = 4

// create makes the tables, the view and the triggers and fills them.
func create(db *gorm.DB, dialect testdb.Dialect) error {
	if err := db.AutoMigrate(models(dialect)...); err != nil {
		return err
	}
	for i := range lanes {
		if err := db.Table(laneTable(i)).AutoMigrate(&Lane{}); err != nil {
			return err
		}
	}
	for _, text := range slices.Concat([]string{view, targetView}, triggers[dialect], keyedTriggers[dialect]) {
		if err := db.Exec(text).Error; err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	for _, rows := range seeds(dialect) {
		if err := db.Create(rows).Error; err != nil {
			return err
		}
	}
	return nil
}

func models(dialect testdb.Dialect) []any {
	all := []any{
		&Everything{}, &Company{}, &Language{}, &User{}, &Profile{}, &Order{}, &Item{}, &Toy{}, &Token{}, &Device{}, &Lane{}, &scratch{},
	}
	if dialect == testdb.SQLite {
		all = append(all, &Keeper{})
	}
	return append(all, keyedModels...)
}

func laneTable(i int) string { return fmt.Sprintf("lane_%d", i) }

const view = `CREATE VIEW user_totals AS SELECT u.id AS id, u.name AS name, COUNT(o.id) AS orders, SUM(o.amount) AS amount
FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.deleted_at IS NULL GROUP BY u.id, u.name`

var triggers = map[testdb.Dialect][]string{
	testdb.SQLite: {
		`CREATE TRIGGER items_in AFTER INSERT ON items BEGIN UPDATE orders SET item_count = item_count + 1 WHERE id = NEW.order_id; END`,
		`CREATE TRIGGER items_out AFTER DELETE ON items BEGIN UPDATE orders SET item_count = item_count - 1 WHERE id = OLD.order_id; END`,
	},
	testdb.MySQL: {
		`CREATE TRIGGER items_in AFTER INSERT ON items FOR EACH ROW UPDATE orders SET item_count = item_count + 1 WHERE id = NEW.order_id`,
		`CREATE TRIGGER items_out AFTER DELETE ON items FOR EACH ROW UPDATE orders SET item_count = item_count - 1 WHERE id = OLD.order_id`,
	},
	testdb.Postgres: {
		`CREATE FUNCTION items_in() RETURNS trigger AS $$ BEGIN UPDATE orders SET item_count = item_count + 1 WHERE id = NEW.order_id; RETURN NEW; END $$ LANGUAGE plpgsql`,
		`CREATE FUNCTION items_out() RETURNS trigger AS $$ BEGIN UPDATE orders SET item_count = item_count - 1 WHERE id = OLD.order_id; RETURN OLD; END $$ LANGUAGE plpgsql`,
		`CREATE TRIGGER items_in AFTER INSERT ON items FOR EACH ROW EXECUTE FUNCTION items_in()`,
		`CREATE TRIGGER items_out AFTER DELETE ON items FOR EACH ROW EXECUTE FUNCTION items_out()`,
	},
}

func ptr[T any](v T) *T { return &v }

// everything returns a record whose fields depend on n: all set, all zero, or a mixture.
func everything(n int) *Everything {
	at := epoch.Add(time.Duration(n) * time.Hour)
	e := &Everything{
		Kind: fmt.Sprint("k", n%4), Unix: epoch.Unix() + int64(n), Time: at, JSON: datatypes.JSON("null"),
		Colour: Colour{uint8(n), 2, 3}, UUID: uuidOf(n),
	}
	if n%3 == 0 {
		return e
	}
	e.Bool, e.Int, e.Int8, e.Int16, e.Int32, e.Int64 = true, -n, int8(-n), int16(n), int32(n)<<16, int64(n)<<40
	e.Uint, e.Uint8, e.Uint16, e.Uint32, e.Uint64 = uint(n), uint8(n), uint16(n), uint32(n), uint64(n)<<40
	e.Float32, e.Float64, e.Str, e.Bytes = float32(n)/2, float64(n)/4, fmt.Sprintf("text %d \n'\"ü", n), []byte{0, byte(n), 0xff}
	e.NBool, e.NByte, e.NI16 = sql.NullBool{Valid: true}, sql.NullByte{Byte: 3, Valid: true}, sql.NullInt16{Int16: 4, Valid: true}
	e.NStr, e.NTime = sql.NullString{Valid: true}, sql.NullTime{Time: at.In(time.FixedZone("X", 5400)), Valid: true}
	e.JSONMap = map[string]any{"n": float64(n), "list": []any{"a", nil, true}, "map": map[string]any{"deep": "x"}}
	e.Gob, e.Masked, e.Labels = []string{"g", fmt.Sprint(n)}, fmt.Sprint("secret", n), Labels{"l", fmt.Sprint(n)}
	e.Amount = Amount{new(big.Int).Lsh(big.NewInt(int64(n)), 80)}
	e.Raw, e.JSON = json.RawMessage(`{"a": [1]}`), datatypes.JSON(`{"b": 2}`)
	e.Address = Address{Street: "s", Zip: ptr("z"), Geo: Geo{1.5, -2.5}}
	e.Hidden, e.CreateSet = "hidden", "set"
	if n%3 == 1 {
		return e
	}
	e.PBool, e.PInt, e.PInt8, e.PUint, e.PFloat = ptr(false), ptr(n), ptr(int8(1)), ptr(uint32(n)), ptr(0.5)
	e.PStr, e.PBytes, e.PTime = ptr(""), ptr([]byte("pb")), ptr(at.Add(time.Microsecond))
	e.NI32, e.NI64, e.NFloat = sql.NullInt32{Int32: 1, Valid: true}, sql.NullInt64{Int64: 2, Valid: true}, sql.NullFloat64{Float64: 3, Valid: true}
	e.NAny = sql.Null[string]{V: "v", Valid: true}
	e.JSONPtr, e.JSONStr = &Point{X: n, Next: &Point{Y: 2}}, map[string]string{"a": "b"}
	e.PColour, e.PLabels, e.PUUID = &Colour{9, 8, 7}, &Labels{"p"}, ptr(uuidOf(n+1))
	e.Extra = &Extra{Note: ptr("note"), Count: n}
	return e
}

func uuidOf(n int) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(fmt.Sprint(n))) }

func seeds(dialect testdb.Dialect) []any {
	var all []*Everything
	for n := range 6 {
		all = append(all, everything(n))
	}
	companies := []*Company{{Code: "acme", Name: "Acme"}, {Code: "ibm", Name: "Blue"}, {Code: "none", Name: "Nobody's"}}
	languages := []*Language{{Code: "de", Name: "Deutsch"}, {Code: "en", Name: "English"}, {Code: "fr", Name: "français"}}
	var users []*User
	for n := range 6 {
		u := &User{
			Name: names[n%len(names)], Age: 20 + n, Score: ptr(float64(n) / 2),
			Orders: []Order{{
				Number: fmt.Sprint("A", n), Amount: float64(n) * 1.5,
				Items: []Item{{Line: 1, Product: "p", Qty: n, Meta: map[string]string{"k": "v"}}, {Line: 2, Product: "q"}},
			}},
		}
		if n > 0 {
			u.CompanyCode, u.ManagerID = ptr(companies[n%2].Code), ptr(uint(1+n/3))
			u.Profile = Profile{Bio: fmt.Sprint("bio ", n), Photo: []byte{byte(n)}}
		}
		if n%2 == 0 {
			u.Languages = []Language{*languages[n%3], *languages[(n+1)%3]}
			u.Toys = []*Toy{{Name: "ball"}, {Name: "kite"}}
			u.Born = ptr(epoch.AddDate(-20-n, 0, 0))
		}
		users = append(users, u)
	}
	out := []any{all, companies, languages}
	for _, u := range users { // one by one: a manager must be there before the team
		out = append(out, u)
	}
	var tokens []*Token
	var devices []*Device
	for n := range 4 {
		tokens = append(tokens, &Token{ID: []byte{byte(n), 0, 0xfe}, Text: fmt.Sprint("t", n), Data: []byte("data")})
		devices = append(devices, &Device{ID: uuidOf(n), Name: fmt.Sprint("d", n), Last: ptr(epoch)})
	}
	out = append(out, tokens, devices)
	if dialect == testdb.SQLite {
		out = append(out, []*Keeper{{Kept: Kept{[]byte("kept")}}, {Kept: Kept{[]byte("too")}}})
	}
	var rows []*Lane
	for lane := range lanes {
		for n := range 4 {
			rows = append(rows, &Lane{ID: laneID(lane, n), Lane: lane, Name: fmt.Sprint("n", n), N: n, Data: []byte{byte(n)}})
		}
	}
	return append(append(out, rows), keyedSeeds()...)
}

func laneID(lane, n int) uint { return uint(lane*1000 + n + 1) }

var names = []string{"ann", "bob", "cid", "dan", "eve"}
