package difftest

import (
	"fmt"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// Number has a whole number for a key, and a code that no two records share.
type Number struct {
	ID        uint
	Code      *string `gorm:"size:20;uniqueIndex"`
	Name      string  `gorm:"size:20"`
	N         int
	DeletedAt gorm.DeletedAt
}

// Reused has a key that SQLite gives to a new record when the last one is gone.
type Reused struct {
	ID   int64 `gorm:"primaryKey;autoIncrement:false"`
	Name string
	N    int
}

// Word has a text for a key, in the database's own collation: MariaDB's knows no case.
type Word struct {
	Word string `gorm:"primaryKey;size:20"`
	Name string
	N    int
}

// Uncased has a text for a key, whose collation knows no case on SQLite either.
type Uncased struct {
	Word Fold `gorm:"primaryKey;size:20"`
	Name string
	N    int
}

// Couple has a key of two columns.
type Couple struct {
	A    int    `gorm:"primaryKey;autoIncrement:false"`
	B    string `gorm:"primaryKey;size:10"`
	Name string
	N    int
}

// Badge has a UUID for a key, of that type where there is one.
type Badge struct {
	ID   UUID `gorm:"primaryKey"`
	Name string
	N    int
}

// Tree goes with its parent.
type Tree struct {
	ID       uint
	ParentID *uint
	Parent   *Tree `gorm:"constraint:OnDelete:CASCADE"`
	Name     string
	N        int
}

// Source changes its target by a trigger.
type Source struct {
	ID       uint
	TargetID int
	Name     string
	N        int
}

// Target is seen through a view too.
type Target struct {
	ID   uint
	Name string
	N    int
}

// Echo changes the next record by a trigger, where a trigger may.
type Echo struct {
	ID   uint
	Name string
	N    int
}

// TableName implements schema.Tabler.
func (Number) TableName() string { return "pin_numbers" }

// TableName implements schema.Tabler.
func (Reused) TableName() string { return "pin_reused" }

// TableName implements schema.Tabler.
func (Word) TableName() string { return "pin_words" }

// TableName implements schema.Tabler.
func (Uncased) TableName() string { return "pin_uncased" }

// TableName implements schema.Tabler.
func (Couple) TableName() string { return "pin_couples" }

// TableName implements schema.Tabler.
func (Badge) TableName() string { return "pin_badges" }

// TableName implements schema.Tabler.
func (Tree) TableName() string { return "pin_trees" }

// TableName implements schema.Tabler.
func (Source) TableName() string { return "pin_sources" }

// TableName implements schema.Tabler.
func (Target) TableName() string { return "pin_targets" }

// TableName implements schema.Tabler.
func (Echo) TableName() string { return "pin_echoes" }

// Fold is a text without case.
type Fold string

// GormDBDataType implements migrator.GormDataTypeInterface.
func (Fold) GormDBDataType(db *gorm.DB, _ *schema.Field) string {
	if db.Name() == string(testdb.SQLite) {
		return "varchar(20) COLLATE NOCASE"
	}
	return "varchar(20)"
}

// UUID is stored as the database likes it.
type UUID struct{ uuid.UUID }

// GormDBDataType implements migrator.GormDataTypeInterface.
func (UUID) GormDBDataType(db *gorm.DB, _ *schema.Field) string {
	if db.Name() == string(testdb.Postgres) {
		return "uuid"
	}
	return "char(36)"
}

var keyedModels = []any{
	&Number{}, &Reused{}, &Word{}, &Uncased{}, &Couple{}, &Badge{}, &Tree{}, &Source{}, &Target{}, &Echo{},
}

const targetView = `CREATE VIEW pin_open AS SELECT id, name, n FROM pin_targets WHERE n >= 0`

var keyedTriggers = map[testdb.Dialect][]string{
	testdb.SQLite: {
		`CREATE TRIGGER pin_source_in AFTER INSERT ON pin_sources BEGIN UPDATE pin_targets SET n = n + 1 WHERE id = NEW.target_id; END`,
		`CREATE TRIGGER pin_source_up AFTER UPDATE ON pin_sources BEGIN UPDATE pin_targets SET name = NEW.name WHERE id = NEW.target_id; END`,
		`CREATE TRIGGER pin_source_out AFTER DELETE ON pin_sources BEGIN DELETE FROM pin_targets WHERE id = OLD.target_id AND n > 12; END`,
		`CREATE TRIGGER pin_echo AFTER UPDATE OF name ON pin_echoes BEGIN UPDATE pin_echoes SET n = n + 1 WHERE id = NEW.id + 1; END`,
	},
	testdb.MySQL: {
		`CREATE TRIGGER pin_source_in AFTER INSERT ON pin_sources FOR EACH ROW UPDATE pin_targets SET n = n + 1 WHERE id = NEW.target_id`,
		`CREATE TRIGGER pin_source_up AFTER UPDATE ON pin_sources FOR EACH ROW UPDATE pin_targets SET name = NEW.name WHERE id = NEW.target_id`,
		`CREATE TRIGGER pin_source_out AFTER DELETE ON pin_sources FOR EACH ROW DELETE FROM pin_targets WHERE id = OLD.target_id AND n > 12`,
	},
	testdb.Postgres: {
		`CREATE FUNCTION pin_source_in() RETURNS trigger AS $$ BEGIN UPDATE pin_targets SET n = n + 1 WHERE id = NEW.target_id; RETURN NEW; END $$ LANGUAGE plpgsql`,
		`CREATE FUNCTION pin_source_up() RETURNS trigger AS $$ BEGIN UPDATE pin_targets SET name = NEW.name WHERE id = NEW.target_id; RETURN NEW; END $$ LANGUAGE plpgsql`,
		`CREATE FUNCTION pin_source_out() RETURNS trigger AS $$ BEGIN DELETE FROM pin_targets WHERE id = OLD.target_id AND n > 12; RETURN OLD; END $$ LANGUAGE plpgsql`,
		`CREATE FUNCTION pin_echo() RETURNS trigger AS $$ BEGIN UPDATE pin_echoes SET n = n + 1 WHERE id = NEW.id + 1; RETURN NEW; END $$ LANGUAGE plpgsql`,
		`CREATE TRIGGER pin_source_in AFTER INSERT ON pin_sources FOR EACH ROW EXECUTE FUNCTION pin_source_in()`,
		`CREATE TRIGGER pin_source_up AFTER UPDATE ON pin_sources FOR EACH ROW EXECUTE FUNCTION pin_source_up()`,
		`CREATE TRIGGER pin_source_out AFTER DELETE ON pin_sources FOR EACH ROW EXECUTE FUNCTION pin_source_out()`,
		`CREATE TRIGGER pin_echo AFTER UPDATE OF name ON pin_echoes FOR EACH ROW EXECUTE FUNCTION pin_echo()`,
	},
}

// keyedSeeds are the records that are there from the start. Keys that Postgres and MySQL count are not given, or they would
// be given again.
func keyedSeeds() []any {
	var numbers []*Number
	var reused []*Reused
	var badges []*Badge
	var sources []*Source
	var targets []*Target
	var echoes []*Echo
	for n := range 6 {
		name := names[n%len(names)]
		number := &Number{Name: name, N: n}
		if n < 3 {
			number.Code = ptr(fmt.Sprint("c", n+1))
		}
		numbers = append(numbers, number)
		reused = append(reused, &Reused{ID: int64(n), Name: name, N: n})
		targets = append(targets, &Target{Name: name, N: n})
		echoes = append(echoes, &Echo{Name: name, N: n})
		if n < 4 {
			badges = append(badges, &Badge{ID: UUID{uuidOf(n)}, Name: name, N: n})
			sources = append(sources, &Source{TargetID: n + 1, Name: name, N: n})
		}
	}
	return []any{
		numbers, reused, badges, targets, sources, echoes,
		[]*Word{{Word: "a"}, {Word: "b"}, {Word: "c"}, {Word: "1"}, {Word: ""}},
		[]*Uncased{{Word: "a"}, {Word: "AB"}, {Word: "c"}},
		[]*Couple{{A: 1, B: "x"}, {A: 1, B: "y"}, {A: 2, B: "x"}, {A: 3, B: "y"}},
		[]*Tree{{}, {ParentID: ptr(uint(1))}, {ParentID: ptr(uint(2))}, {}, {ParentID: ptr(uint(4))}, {ParentID: ptr(uint(2))}},
	}
}
