package querycache_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"
	. "gorm.io/gorm/utils/tests"

	"github.com/gorm-querycache/querycache/internal/testdb"
)

// gate holds queries at the database until it is opened.
type gate struct {
	reached, open chan struct{}
	once          sync.Once
}

// hold lets queries wait at the database. At the first, reached is closed; fail decides what they return.
func (p *pair) hold(fail func(n int) error) *gate {
	g := &gate{reached: make(chan struct{}), open: make(chan struct{})}
	var mu sync.Mutex
	n := 0
	p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(ctx context.Context, ev testdb.Event) error {
		if ev.Op != testdb.OpQuery {
			return nil
		}
		mu.Lock()
		n++
		me := n
		mu.Unlock()
		g.once.Do(func() { close(g.reached) })
		select {
		case <-g.open:
		case <-ctx.Done():
			return ctx.Err()
		}
		if fail != nil {
			return fail(me)
		}
		return nil
	}})
	return g
}

// arrivals tells when n reads have begun.
func arrivals(db *gorm.DB, n int) <-chan struct{} {
	all := make(chan struct{})
	var mu sync.Mutex
	_ = db.Callback().Query().Before("gorm:query").Register("test:arrive", func(*gorm.DB) {
		mu.Lock()
		defer mu.Unlock()
		if n--; n == 0 {
			close(all)
		}
	})
	return all
}

func TestManyReadersOfOneColdQueryShareOneRead(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		const readers = 200
		p := open(t, d)
		g := p.hold(nil)
		var want []User
		must(t, p.plain.Order("id").Find(&want).Error)
		all := arrivals(p.cached.DB, readers)
		var wg sync.WaitGroup
		for range readers {
			wg.Go(func() {
				var us []User
				if err := p.cached.Order("id").Find(&us).Error; err != nil {
					t.Error(err)
				}
				same(t, us, want)
				overwrite(&us) // nobody else's
			})
		}
		<-all
		<-g.reached
		close(g.open)
		wg.Wait()
		if n := p.cached.Recorder.Queries(); n != 1 {
			t.Errorf("%d queries, want 1", n)
		}
		if s := p.cache.Stats(); s.Misses != 1 || s.Hits+s.Shared != readers-1 {
			t.Errorf("each read counts once: %+v", s)
		}
	})
}

// lead starts a leader and returns its gate once its query is at the database.
func (p *pair) lead(t *testing.T, ctx context.Context, fail func(int) error, dest any) (*gate, chan error) {
	t.Helper()
	g := p.hold(fail)
	done := make(chan error, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				done <- fmt.Errorf("panic: %v", v)
			}
		}()
		done <- p.cached.WithContext(ctx).Order("id").Find(dest).Error
	}()
	<-g.reached
	return g, done
}

func TestAFollowerNeverGetsItsLeadersFailure(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		boom := errors.New("boom")
		for name, c := range map[string]struct {
			fail   func(n int) error
			cancel bool
			want   error
		}{
			"the leader's query fails":      {fail: first(boom), want: boom},
			"the leader's context is ended": {cancel: true, want: context.Canceled},
		} {
			t.Run(name, func(t *testing.T) {
				p := open(t, d)
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				g, led := p.lead(t, ctx, c.fail, &[]User{})
				arrived := arrivals(p.cached.DB, 1)
				followed := make(chan error, 1)
				var us []User
				go func() { followed <- p.cached.Order("id").Find(&us).Error }()
				<-arrived
				if c.cancel {
					cancel()
					if err := <-led; !errors.Is(err, c.want) {
						t.Errorf("the leader got %v", err)
					}
					close(g.open)
				} else {
					close(g.open)
					if err := <-led; !errors.Is(err, c.want) {
						t.Errorf("the leader got %v", err)
					}
				}
				if err := <-followed; err != nil || len(us) != 4 {
					t.Errorf("the follower got %v and %d records", err, len(us))
				}
				p.cached.Recorder.SetHooks(testdb.Hooks{})
				if n := p.asks(func() { must(t, p.cached.Order("id").Find(&us).Error) }); n != 0 {
					t.Error("what the follower read was not stored")
				}
			})
		}
	})
}

func first(err error) func(int) error {
	return func(n int) error {
		if n == 1 {
			return err
		}
		return nil
	}
}

func TestAFollowersCancellationIsItsOwn(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		var led []User
		g, leader := p.lead(t, context.Background(), nil, &led)
		arrived := arrivals(p.cached.DB, 1)
		ctx, cancel := context.WithCancel(context.Background())
		followed := make(chan error, 1)
		go func() { followed <- p.cached.WithContext(ctx).Order("id").Find(&[]User{}).Error }()
		<-arrived
		cancel()
		if err := <-followed; !errors.Is(err, context.Canceled) {
			t.Errorf("the follower got %v", err)
		}
		close(g.open)
		must(t, <-leader)
		if len(led) != 4 {
			t.Errorf("the leader got %d records", len(led))
		}
	})
}

func TestAPanicInACallbackLeavesNothingStuck(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		panics := true
		must(t, p.cached.Callback().Query().After("gorm:query").Register("test:panic", func(*gorm.DB) {
			if panics {
				panic("in a callback")
			}
		}))
		got := attempt(func(db *gorm.DB) any { return db.Find(&[]User{}).Error }, p.cached.DB)
		same(t, got, any("panic: in a callback"))
		panics = false
		must(t, p.cached.Find(&[]User{}).Error)
		if open := p.cached.Recorder.OpenRows(); open != 0 {
			t.Errorf("%d row sets left open", open)
		}
	})
}

func TestAPanicDuringAReadFreesItsFollowers(t *testing.T) {
	onEach(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		var mu sync.Mutex
		n := 0
		reached, release := make(chan struct{}), make(chan struct{})
		p.cached.Recorder.SetHooks(testdb.Hooks{Before: func(_ context.Context, ev testdb.Event) error {
			mu.Lock()
			if ev.Op == testdb.OpQuery {
				n++
			}
			me := n
			mu.Unlock()
			if ev.Op == testdb.OpQuery && me == 1 {
				close(reached)
				<-release
			}
			return nil
		}})
		led := make(chan any, 1)
		go func() {
			// A destination that GORM panics on when it scans.
			var us []struct {
				ID   uint
				Name **string
			}
			led <- attempt(func(db *gorm.DB) any { return db.Model(&User{}).Order("id").Find(&us).Error }, p.cached.DB)
		}()
		<-reached
		arrived := arrivals(p.cached.DB, 1)
		followed := make(chan any, 1)
		go func() {
			var us []struct {
				ID   uint
				Name **string
			}
			followed <- attempt(func(db *gorm.DB) any { return db.Model(&User{}).Order("id").Find(&us).Error }, p.cached.DB)
		}()
		<-arrived
		close(release)
		first, second := fmt.Sprint(<-led), fmt.Sprint(<-followed)
		if first != second || len(first) < 6 || first[:5] != "panic" {
			t.Errorf("the leader got %q, the follower %q", first, second)
		}
	})
}

// bomb is a Scanner that panics the first time.
type bomb uint

var armed atomic.Bool

func (b *bomb) Scan(v any) error {
	if armed.CompareAndSwap(true, false) {
		panic("in a Scanner")
	}
	*b = bomb(v.(int64))
	return nil
}

// The leader waits for ever, since database/sql holds rows locked whose Scanner panicked. In plain GORM that
// is its own trouble and nobody else's; here, too.
func TestAPanicInAScannerFreesItsFollowers(t *testing.T) {
	t.Parallel()
	d := testdb.New(t, testdb.SQLite) // where the lost connection has no goroutine
	seed(t, d)
	for name, dest := range map[string]func() any{
		"snapshots": func() any { return new([]bomb) }, "rows": func() any { return new([]*bomb) },
	} {
		t.Run(name, func(t *testing.T) {
			p := open(t, d)
			g := p.hold(nil)
			read := func() (int64, error) {
				tx := p.cached.Model(&User{}).Order("id").Pluck("id", dest())
				return tx.RowsAffected, tx.Error
			}
			armed.Store(true)
			go read()
			<-g.reached
			arrived := arrivals(p.cached.DB, 1)
			done := make(chan error, 1)
			go func() {
				n, err := read()
				if n != 4 {
					err = errors.Join(err, fmt.Errorf("%d records", n))
				}
				done <- err
			}()
			<-arrived
			close(g.open)
			must(t, <-done)
		})
	}
}

// A read that a write overtook is joined by nobody who began after that write had returned.
func TestNobodyJoinsAReadThatIsOlderThanAWrite(t *testing.T) {
	onOwn(t, func(t *testing.T, d *testdb.Database) {
		p := open(t, d)
		reached, release := make(chan struct{}), make(chan struct{})
		var held atomic.Bool
		p.cached.Recorder.SetHooks(testdb.Hooks{After: func(_ context.Context, ev testdb.Event, err error) error {
			if ev.Op == testdb.OpRowsClose && held.CompareAndSwap(false, true) {
				close(reached) // all was read, nothing is stored
				<-release
			}
			return err
		}})
		done := make(chan []User, 1)
		go func() {
			var us []User
			p.cached.Order("id").Find(&us)
			done <- us
		}()
		<-reached
		must(t, p.cached.Model(&User{}).Where("id = ?", 4).Update("age", 25).Error)
		var us []User
		must(t, p.cached.Order("id").Find(&us).Error)
		if us[3].Age != 25 {
			t.Errorf("after the write: %d", us[3].Age)
		}
		close(release)
		if old := <-done; old[3].Age != 24 {
			t.Errorf("the older read: %d", old[3].Age)
		}
		must(t, p.cached.Order("id").Find(&us).Error)
		if us[3].Age != 25 {
			t.Errorf("the older read was stored: %d", us[3].Age)
		}
	})
}
