package querycache_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorm-querycache/querycache"
	"github.com/gorm-querycache/querycache/internal/difftest"
	"github.com/gorm-querycache/querycache/key"
	"github.com/gorm-querycache/querycache/memory"
	"github.com/gorm-querycache/querycache/tiered"
)

// diffTables are tables of the random programs.
var diffTables = []string{
	"users", "orders", "items", "everythings", "companies", "spoken", "user_totals", "lanes",
	"pin_numbers", "pin_reused", "pin_words", "pin_uncased", "pin_couples", "pin_badges", "pin_trees", "pin_sources", "pin_targets",
}

func drawnFrom[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }

// drawnChance is true in percent of a hundred cases.
func drawnChance(rng *rand.Rand, percent int) bool { return rng.IntN(100) < percent }

type tenantInContext struct{}

// drawnConfig is one of many configurations; that of the seed 0 is empty.
func drawnConfig(seed uint64) (c querycache.Config) {
	if seed == 0 {
		return c
	}
	rng := rand.New(rand.NewPCG(seed, 5))
	switch rng.IntN(10) {
	case 0:
		c.Memory.Engine = memory.EngineNone
	case 1, 2, 3:
		c.Memory.Engine = memory.EngineGoCache
	}
	if drawnChance(rng, 30) { // too little room
		c.Memory.MaxBytes = 1 << (10 + rng.IntN(8))
	}
	if drawnChance(rng, 30) {
		c.Memory.MaxEntries = 1 + rng.IntN(40)
	}
	c.Tiered = tiered.Config{
		L1TTL:          drawnFrom[time.Duration](rng, 0, 0, 0, time.Hour, time.Millisecond, 1),
		Jitter:         drawnFrom(rng, 0, 0, 0.1, 1),
		NegativeTTL:    drawnFrom[time.Duration](rng, 0, 0, time.Hour, 1),
		NoNegative:     drawnChance(rng, 15),
		SWR:            drawnFrom[time.Duration](rng, 0, 0, 0, time.Hour, time.Microsecond),
		StaleIfError:   drawnFrom[time.Duration](rng, 0, 0, time.Hour),
		MaxResultRows:  drawnFrom(rng, 0, 0, 0, 1, 3),
		MaxResultBytes: drawnFrom[int64](rng, 0, 0, 0, 200, 2000),
	}
	c.Policy = drawnPolicy(rng)
	c.OptIn = drawnChance(rng, 20)
	c.Disabled = drawnChance(rng, 5)
	c.Namespace = drawnFrom(rng, "", "shop")
	for range rng.IntN(6) {
		if c.Tables == nil {
			c.Tables = map[string]querycache.TableRule{}
		}
		rule := querycache.TableRule{
			On: drawnChance(rng, 30), TTL: drawnFrom[time.Duration](rng, 0, 0, time.Hour, 1), SWR: drawnFrom[time.Duration](rng, 0, 0, time.Hour),
			NegativeTTL: drawnFrom[time.Duration](rng, 0, 0, 1), MaxRows: drawnFrom(rng, 0, 0, 2), MaxBytes: drawnFrom[int64](rng, 0, 0, 500),
			Policy: drawnPolicy(rng),
		}
		if drawnChance(rng, 15) {
			rule = querycache.TableRule{Off: true}
		}
		c.Tables[drawnFrom(rng, diffTables...)] = rule
	}
	if c.OptIn {
		if c.Tables == nil {
			c.Tables = map[string]querycache.TableRule{}
		}
		for _, name := range diffTables {
			if _, has := c.Tables[name]; !has && drawnChance(rng, 70) {
				c.Tables[name] = querycache.TableRule{On: true}
			}
		}
	}
	if drawnChance(rng, 30) {
		c.Tenant = func(ctx context.Context) string {
			tenant, _ := ctx.Value(tenantInContext{}).(string)
			return tenant
		}
	}
	if drawnChance(rng, 20) {
		c.Dependencies = map[string][]string{drawnFrom(rng, diffTables...): {drawnFrom(rng, diffTables...)}}
	}
	if drawnChance(rng, 30) {
		c.Observers = append(c.Observers, &drawnCounter{})
	}
	if drawnChance(rng, 15) {
		c.Observers = append(c.Observers, drawnPanic{})
	}
	return c
}

// drawnPolicy is any policy but CacheOnly, which fails by design.
func drawnPolicy(rng *rand.Rand) querycache.Policy {
	return drawnFrom(rng, querycache.PolicyDefault, querycache.PolicyDefault, querycache.CacheFirst, querycache.StaleWhileRevalidate,
		querycache.NetworkFirst, querycache.NetworkOnly, querycache.PolicyDefault, querycache.StaleWhileRevalidate)
}

// drawn makes a plugin in one of many ways, and asks it for anything that must not change a result.
func drawn(seed uint64) difftest.Made { return madeWith(drawnConfig(seed)) }

func madeWith(c querycache.Config) difftest.Made {
	text := fmt.Sprintf("%+v", c)
	c.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	p := querycache.New(c)
	return difftest.Made{
		Plugin: p, Text: text, Wish: drawnWish,
		ByHand: func(ctx context.Context, rng *rand.Rand) error { return drawnByHand(ctx, p, rng) },
		Settle: func() {
			for p.Running() > 0 {
				runtime.Gosched()
			}
		},
	}
}

// drawnWish asks for some of all options, in the context or as scopes. Those that tell results apart come in few forms, so
// that there are hits.
func drawnWish(rng *rand.Rand) difftest.Wish {
	var text []string
	option := func() querycache.Option {
		d := drawnFrom[time.Duration](rng, 0, 1, time.Microsecond, time.Minute, time.Hour)
		n := drawnFrom(rng, 0, 1, 2, 5, 1000)
		told := func(format string, args ...any) { text = append(text, fmt.Sprintf(format, args...)) }
		switch rng.IntN(18) {
		case 0:
			told("Skip")
			return querycache.Skip
		case 1:
			told("Refresh")
			return querycache.Refresh
		case 2, 3:
			told("TTL(%v)", d)
			return querycache.TTL(d)
		case 4, 5:
			told("SWR(%v)", d)
			return querycache.SWR(d)
		case 6:
			told("StaleIfError(%v)", d)
			return querycache.StaleIfError(d)
		case 7:
			tag := drawnFrom(rng, "front", "menu")
			told("Tags(%s)", tag)
			return querycache.Tags(tag)
		case 8:
			name := drawnFrom(rng, "list", "one")
			told("Named(%s)", name)
			return querycache.Named(name)
		case 9:
			tenant := drawnFrom(rng, "", "acme")
			told("Tenant(%q)", tenant)
			return querycache.Tenant(tenant)
		case 10:
			stored := drawnChance(rng, 50)
			told("Negative(%t)", stored)
			return querycache.Negative(stored)
		case 11:
			told("MaxRows(%d)", n)
			return querycache.MaxRows(n)
		case 12:
			told("MaxBytes(%d)", 100*n)
			return querycache.MaxBytes(int64(100 * n))
		case 13, 14:
			policy := drawnPolicy(rng)
			told("WithPolicy(%v)", policy)
			return querycache.WithPolicy(policy)
		case 15:
			told("StatusInto")
			return querycache.StatusInto(new(querycache.Status))
		case 16:
			told("TTL(-1)") // read as if it were skipped
			return querycache.TTL(-1)
		default:
			told("Cache")
			return querycache.Cache
		}
	}
	options := func() (all []querycache.Option) {
		for range 1 + rng.IntN(3) {
			all = append(all, option())
		}
		return all
	}
	var w difftest.Wish
	if drawnChance(rng, 50) {
		text = append(text, "in the context:")
		inContext, tenant := options(), drawnFrom(rng, "", "", "ibm")
		w.Context = func(ctx context.Context) context.Context {
			return querycache.WithOptions(context.WithValue(ctx, tenantInContext{}, tenant), inContext...)
		}
	}
	if drawnChance(rng, 60) {
		w.Kept = drawnChance(rng, 50)
		text = append(text, map[bool]string{true: "in the session:", false: "as scopes:"}[w.Kept])
		w.Scopes = append(w.Scopes, options()...)
	}
	w.Text = strings.Join(text, " ")
	return w
}

// drawnByHand invalidates something, or switches the plugin off or on.
func drawnByHand(ctx context.Context, p *querycache.Plugin, rng *rand.Rand) (err error) {
	table := drawnFrom(rng, diffTables...)
	switch rng.IntN(13) {
	case 0:
		_, err = p.InvalidateTags(ctx, drawnFrom(rng, "front", "menu"))
	case 1:
		_, err = p.InvalidateNamed(ctx, drawnFrom(rng, "list", "one"))
	case 2:
		_, err = p.InvalidateTenant(ctx, drawnFrom(rng, "acme", "ibm"))
	case 3:
		_, err = p.InvalidateTable(ctx, table)
	case 4:
		_, err = p.InvalidateModel(ctx, &difftest.User{}, []difftest.Number{}, (*difftest.Couple)(nil))
	case 5:
		_, err = p.InvalidateRecord(ctx, &difftest.Number{}, 1+rng.IntN(6))
	case 6:
		_, err = p.InvalidateRecord(ctx, &difftest.Couple{}, []any{1 + rng.IntN(3), drawnFrom(rng, "x", "y")})
	case 7:
		_, err = p.InvalidateRecord(ctx, "pin_words", drawnFrom(rng, "a", "A", "ä"))
	case 8:
		_, err = p.InvalidatePattern(ctx, drawnFrom(rng, key.All(), key.Entity(table), key.Tenant("acme")))
	case 9:
		_, err = p.Clear(ctx)
	case 10:
		p.Disable()
	default:
		p.Enable()
	}
	return err
}

// drawnCounter counts what observers are told.
type drawnCounter struct{ reads, invalidations, refreshes atomic.Int64 }

func (c *drawnCounter) ReadStart(ctx context.Context, _ querycache.ReadStartData) context.Context {
	return ctx
}

func (c *drawnCounter) ReadEnd(_ context.Context, data querycache.ReadEndData) {
	c.reads.Add(1)
	_ = data.Key()
}

func (c *drawnCounter) InvalidationStart(ctx context.Context, _ querycache.InvalidationStartData) context.Context {
	return ctx
}

func (c *drawnCounter) InvalidationEnd(context.Context, querycache.InvalidationEndData) {
	c.invalidations.Add(1)
}

func (c *drawnCounter) RefreshStart(context.Context, querycache.RefreshStartData) context.Context {
	return nil
}

func (c *drawnCounter) RefreshEnd(context.Context, querycache.RefreshEndData) { c.refreshes.Add(1) }

// drawnPanic panics at everything that it is told.
type drawnPanic struct{}

func (drawnPanic) ReadStart(context.Context, querycache.ReadStartData) context.Context {
	panic("read start")
}

func (drawnPanic) ReadEnd(context.Context, querycache.ReadEndData) { panic("read end") }

func (drawnPanic) InvalidationStart(context.Context, querycache.InvalidationStartData) context.Context {
	panic("invalidation start")
}

func (drawnPanic) InvalidationEnd(context.Context, querycache.InvalidationEndData) {
	panic("invalidation end")
}

func (drawnPanic) RefreshStart(context.Context, querycache.RefreshStartData) context.Context {
	panic("refresh start")
}

func (drawnPanic) RefreshEnd(context.Context, querycache.RefreshEndData) { panic("refresh end") }
