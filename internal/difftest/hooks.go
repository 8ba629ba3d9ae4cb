package difftest

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// journal is what hooks and the logger saw during one operation. It travels in the context, which is
// how a hook knows the side that it runs on.
type journal struct {
	mu    sync.Mutex
	lines []string
}

type journalKey struct{}

func note(ctx context.Context, format string, args ...any) {
	j, ok := ctx.Value(journalKey{}).(*journal)
	if !ok {
		return // not part of a program, such as a plugin's own statement
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// savepoint matches the names that GORM draws for nested transactions.
var savepoint = regexp.MustCompile(`\bsp[0-9]{6,}\b`)

// traces is a logger that writes into the journal.
type traces struct{}

// LogMode implements logger.Interface.
func (traces) LogMode(logger.LogLevel) logger.Interface { return traces{} }

// Info implements logger.Interface.
func (traces) Info(ctx context.Context, s string, args ...any) { note(ctx, "info "+s, args...) }

// Warn implements logger.Interface.
func (traces) Warn(ctx context.Context, s string, args ...any) { note(ctx, "warn "+s, args...) }

// Error implements logger.Interface.
func (traces) Error(ctx context.Context, s string, args ...any) { note(ctx, "error "+s, args...) }

// Trace implements logger.Interface.
func (traces) Trace(ctx context.Context, _ time.Time, fc func() (string, int64), err error) {
	sql, rows := fc()
	sql = savepoint.ReplaceAllString(sql, "sp<random>")
	note(ctx, "sql %d rows, failed %t: %s", rows, err != nil, sql)
}

// AfterFind changes a column's field and one that is none.
func (e *Everything) AfterFind(tx *gorm.DB) error {
	e.Seen++
	e.Ignored = "found " + e.Kind
	note(tx.Statement.Context, "everything.AfterFind %d", e.ID)
	return nil
}

// AfterFind changes a column's field and one that is none.
func (u *User) AfterFind(tx *gorm.DB) error {
	u.Seen++
	if u.Nick == "" {
		u.Nick = "nick of " + u.Name
	}
	note(tx.Statement.Context, "user.AfterFind %d", u.ID)
	return nil
}

// BeforeCreate sets a field.
func (u *User) BeforeCreate(tx *gorm.DB) error {
	note(tx.Statement.Context, "user.BeforeCreate %s", u.Name)
	if u.Name == "refused" {
		return fmt.Errorf("no user may be called %q", u.Name)
	}
	return nil
}

// BeforeSave only tells.
func (u *User) BeforeSave(tx *gorm.DB) error {
	note(tx.Statement.Context, "user.BeforeSave %s", u.Name)
	return nil
}

// AfterSave only tells.
func (u *User) AfterSave(tx *gorm.DB) error {
	note(tx.Statement.Context, "user.AfterSave %d", u.ID)
	return nil
}

// AfterCreate reads inside the transaction of the write.
func (u *User) AfterCreate(tx *gorm.DB) error {
	var n int64
	err := tx.Model(&User{}).Where("name = ?", u.Name).Count(&n).Error
	note(tx.Statement.Context, "user.AfterCreate %d: %d of the name", u.ID, n)
	return err
}

// BeforeUpdate changes what is written.
func (u *User) BeforeUpdate(tx *gorm.DB) error {
	note(tx.Statement.Context, "user.BeforeUpdate changed=%t", tx.Statement.Changed("Age"))
	if tx.Statement.Changed("Name") {
		tx.Statement.SetColumn("Nick", "renamed")
	}
	return nil
}

// AfterUpdate fails for one age, so that the transaction is rolled back.
func (u *User) AfterUpdate(tx *gorm.DB) error {
	note(tx.Statement.Context, "user.AfterUpdate %d", u.ID)
	if u.Age == 66 {
		return fmt.Errorf("no user may be %d", u.Age)
	}
	return nil
}

// BeforeDelete only tells.
func (u *User) BeforeDelete(tx *gorm.DB) error {
	note(tx.Statement.Context, "user.BeforeDelete %d", u.ID)
	return nil
}

// AfterDelete writes to another table.
func (u *User) AfterDelete(tx *gorm.DB) error {
	note(tx.Statement.Context, "user.AfterDelete %d", u.ID)
	return tx.Model(&Language{}).Where("code = ?", "de").Update("name", fmt.Sprint("Deutsch ", u.ID)).Error
}

// AfterFind reads: a query made by a hook.
func (o *Order) AfterFind(tx *gorm.DB) error {
	var n int64
	err := tx.Model(&Item{}).Where("order_id = ?", o.ID).Count(&n).Error
	o.Label = fmt.Sprintf("%s with %d items", o.Number, n)
	note(tx.Statement.Context, "order.AfterFind %d", o.ID)
	return err
}

// BeforeUpdate only tells.
func (o *Order) BeforeUpdate(tx *gorm.DB) error {
	note(tx.Statement.Context, "order.BeforeUpdate")
	return nil
}

// AfterDelete only tells.
func (i *Item) AfterDelete(tx *gorm.DB) error {
	note(tx.Statement.Context, "item.AfterDelete")
	return nil
}
