package querycache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/gorm-querycache/querycache/tiered"
)

// revalidate calls load in the background to replace a value that was given
// stale. One such call runs per key. It samples when it starts; if it fails, the
// entry stays as it is.
func (f *fetching) revalidate() {
	p := f.plugin
	done, first := p.cache.Refreshing(f.r.enc.Bytes())
	if !first {
		return
	}
	if !p.background.begin() {
		done()
		return
	}
	own := &fetching{
		plugin: p, key: f.key, options: f.options, typ: f.typ, load: f.load, plan: f.plan,
		ctx: context.WithoutCancel(f.ctx), tables: f.tables,
		r: &read{wishes: f.r.wishes, options: f.r.options, tenant: f.r.tenant},
	}
	own.r.enc.Restore(f.r.enc.Bytes())
	go func() {
		defer p.background.end()
		defer done()
		ctx, cancel := p.background.context(own.ctx, p.cache.Config().RefreshTimeout)
		defer cancel()
		own.ctx = ctx
		told := p.refreshing(ctx, fetchTable, fetchOperation)
		told.ended(own.refresh())
	}()
}

// refresh is the work of a refresh.
func (f *fetching) refresh() (err error) {
	p := f.plugin
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("querycache: refreshing a value panicked: %v", v)
			p.cfg.Logger.Error("querycache: refreshing a stale value panicked; it stays stale until its time is over",
				"key", f.key, "panic", fmt.Sprint(v))
		}
	}()
	if reason, err := f.sample(); err != nil || reason != "" {
		return cmp.Or(err, errPending)
	}
	if f.r.sample.CorePending() {
		return errPending
	}
	into := reflect.New(f.typ).Elem()
	if err := f.run(f.ctx, nil, into); err != nil {
		return err
	}
	if f.private {
		return errPrivate
	}
	if e := f.keep(into); e != nil {
		(&binding{plugin: p}).store(f.r.enc.Bytes(), e, nil, f.r.wishes.maxBytes)
	}
	return nil
}

// errPrivate ends a refresh whose load read in a transaction.
var errPrivate = errors.New("querycache: load read in a transaction, which may see rows that nobody else may")

// frame is a call of load under way, as its context carries it.
type frame struct {
	plugin *Plugin
	key    string
	flight *tiered.Flight // which it leads; nil if none
	over   *frame
	ended  atomic.Bool
	// private: load has read what others may not see.
	private atomic.Bool
}

type frameKey struct{}

// run calls load under a context that knows of it.
func (f *fetching) run(ctx context.Context, flight *tiered.Flight, into reflect.Value) error {
	over, _ := ctx.Value(frameKey{}).(*frame)
	fr := &frame{plugin: f.plugin, key: string(f.r.enc.Bytes()), flight: flight, over: over}
	defer fr.ended.Store(true)
	err := f.load(context.WithValue(ctx, frameKey{}, fr), into)
	f.private = fr.private.Load()
	return err
}

// readPrivately notes that a statement reads what others may not see, if it is
// made by a load of Fetch: what that works out is not for others either.
func readPrivately(ctx context.Context) {
	if ctx == nil {
		return
	}
	fr, _ := ctx.Value(frameKey{}).(*frame)
	for ; fr != nil; fr = fr.over {
		fr.private.Store(true)
	}
}

// nested refuses a call whose load is under way in the same chain of calls: it
// would wait for itself.
func (f *fetching) nested() error {
	fr, _ := f.ctx.Value(frameKey{}).(*frame)
	for ; fr != nil; fr = fr.over {
		if fr.plugin == f.plugin && !fr.ended.Load() && fr.key == string(f.r.enc.Bytes()) {
			return fmt.Errorf("%w: its load fetches this key, which it is to work out: use another key", ErrInvalidArgument)
		}
	}
	return nil
}
